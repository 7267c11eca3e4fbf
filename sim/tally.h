/* sim/tally.h - means over independent units with their errors, when units may carry unequal weights.
 *
 * A unit (a replica, or a batch of steps of a lone replica) brings a weight w, the share of its planned samples that
 * were taken before it was killed, and for each of k observables y, the sum of those samples over the planned
 * number. The estimate of an observable is theta = sum y / sum w: every sample counts the same, whoever lived to
 * give it. Its variance is that of a ratio to first order (delta method),
 *     var theta = sum (y - theta w)^2 / (n (n - 1) mean(w)^2),
 * which is the ordinary variance of a mean when all weights are 1. Co-moments are kept about their means and merged
 * after Chan, Golub and LeVeque 1983. Observables 0 and 1 also keep their co-moment, for the ratio of the two. */
#ifndef SL_SIM_TALLY_H
#define SL_SIM_TALLY_H

#include <stddef.h>

#include "base/stats.h"

/* A view of SL_TALLY_SIZE(k) doubles that belong to the caller; all zero: empty. */
typedef struct {
    size_t k;
    double *m;
} sl_tally;
#define SL_TALLY_SIZE(k) (4 + 3 * (k))

/* Adds n >= 1 units: weights w[n], observable j of unit i at y[j * stride + i]. */
void sl_tally_add(sl_tally t, size_t n, const double *w, const double *y, size_t stride);
void sl_tally_merge(sl_tally t, sl_tally other); /* of the same k */

double sl_tally_units(sl_tally t);
/* theta of observable j; dof = units - 1, se NAN below two units; value NAN if all weights are 0. */
sl_estimate sl_tally_mean(sl_tally t, size_t j);
/* mean of observable 0 / mean of observable 1, with their covariance. */
sl_estimate sl_tally_ratio(sl_tally t);

#endif
