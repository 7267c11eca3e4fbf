/* claims/plrs_saddle.h - exits from a strict saddle under every rate, for the claims and the figure. */
#ifndef SL_CLAIMS_PLRS_SADDLE_H
#define SL_CLAIMS_PLRS_SADDLE_H

#include "claims/plrs_trial.h"
#include "theory/saddle.h"

/* The loss (x^2 - y^2)/2 + y^4/4, started on its saddle; out beyond |y| = radius. */
typedef struct {
    sl_trial trial; /* replicas, rate, s2, schedule, noise; steps: the limit */
    double radius;
} sl_leaving;

/* The mean exit time in steps. Errors: those of sl_sgd_escape; SL_E_NUMERIC where a replica did not leave. */
SL_CHECKED sl_status sl_leaving_time(sl_estimate *time, const sl_leaving *s, uint32_t experiment, const sl_lab *lab,
                                     sl_err *err);

/* What theory says of it (theory/saddle.h). Downhill y' = y - y^3 takes as long to get to y as y' = y does to
 * y/sqrt(1 - y^2), so that is the radius. Constant and uniform rates only. */
SL_CHECKED sl_status sl_leaving_law(sl_saddle_law *law, const sl_leaving *s, sl_err *err);

#endif
