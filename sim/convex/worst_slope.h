/* sim/convex/worst_slope.h - SGD on f_s(x) = s |x| over [-D, D] (means of iterates: [0, D]) for many (rho, s) at once,
 * which share their noise.
 * Private to sim/convex: sim/convex/robustness.h is what to call. */
#ifndef SL_SIM_CONVEX_WORST_SLOPE_H
#define SL_SIM_CONVEX_WORST_SLOPE_H

#include "sim/convex/robustness.h"

typedef struct {
    double rho, slope;
} sl_slope_pair;

/* excess[pair * replicas + lane] = slope |x|, x the last iterate or the mean of the last ones (r->suffix); replicas a
 * multiple of SL_SLOPE_LANES. rate[T]: the schedule at rho = 1. Replicas are lanes of the stream (r->seed,
 * SL_PURPOSE_NOISE, sub); a pair's numbers do not depend on which other pairs there are.
 * Errors: SL_E_MEMORY; SL_INTERRUPTED. */
SL_CHECKED sl_status sl_slope_run(double *excess, const sl_robustness *r, const double *rate, const sl_slope_pair *pair,
                                  size_t pairs, size_t replicas, uint32_t sub, sl_err *err);

#endif
