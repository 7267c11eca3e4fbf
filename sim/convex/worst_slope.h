/* sim/convex/worst_slope.h - SGD on f_s(x) = s |x| over [-D, D] (means of iterates: [0, D]) for many (rho, s) at once,
 * which share their noise.
 * Private to sim/convex: sim/convex/robustness.h is what to call. */
#ifndef SL_SIM_CONVEX_WORST_SLOPE_H
#define SL_SIM_CONVEX_WORST_SLOPE_H

#include <stdatomic.h>

#include "sim/convex/robustness.h"

typedef struct {
    double rho, slope;
} sl_slope_pair;

/* Work, in updates of 64 lanes: what has been done, from any thread, and what there will be. */
typedef struct {
    atomic_uint_fast64_t done;
    double all;
} sl_slope_meter;

/* Runs of so many pairs and replicas. */
double sl_slope_work(const sl_robustness *r, size_t pairs, size_t replicas);

/* excess[pair * replicas + lane] = slope |x|, x the last iterate or the mean of the last ones (r->suffix); replicas a
 * multiple of SL_SLOPE_LANES. rate[T]: the schedule at rho = 1. Replicas are lanes of the stream (r->seed,
 * SL_PURPOSE_NOISE, sub); a pair's numbers do not depend on which other pairs there are. meter
 * counts what is done, and r->progress is told. Errors: SL_E_MEMORY; SL_INTERRUPTED. */
SL_CHECKED sl_status sl_slope_run(double *excess, const sl_robustness *r, const double *rate, const sl_slope_pair *pair,
                                  size_t pairs, size_t replicas, uint32_t sub, sl_slope_meter *meter, sl_err *err);

#endif
