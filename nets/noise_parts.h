/* nets/noise_parts.h - the steps of sl_noise_measure that stand in files of their own. Private to nets/noise*.c. */
#ifndef SL_NETS_NOISE_PARTS_H
#define SL_NETS_NOISE_PARTS_H

#include "nets/noise.h"

/* Fills gram, n_top, eigenvalue (values), residual, vectors, square and participation, of r with mean, trace and
 * distance. */
SL_CHECKED sl_status sl_noise_spectrum(sl_net_noise *r, sl_objective *o, const sl_noise_config *c, sl_err *err);
/* Fills batch, batches, epochs, by_replacement, by_partition, uncorrected, of r with mean. */
SL_CHECKED sl_status sl_noise_batches(sl_net_noise *r, sl_objective *o, const sl_noise_config *c, sl_err *err);

/* sd / sqrt(n) of n influences, times factor. */
double sl_influence_se(const double *influence, size_t n, double factor);

#endif
