/* sim/convex/rate_curve.h - the loss that SGD ends with on one convex problem, as a function of the rate. */
#ifndef SL_SIM_CONVEX_RATE_CURVE_H
#define SL_SIM_CONVEX_RATE_CURVE_H

#include "base/stats.h"
#include "sim/ensemble.h"

typedef struct {
    sl_loss loss;   /* loss.least known                                                       */
    sl_noise noise; /* of noise_variance, as in sl_sgd: 1 for the mini-batches of a finite sum */
    double noise_variance;
    sl_schedule schedule; /* its total_steps T is the horizon                                       */
    uint64_t seed, replicas;
    int jobs;
    void (*progress)(void *ctx, double fraction); /* may be NULL; from one thread at a time */
    void *progress_ctx;
} sl_rate_curve;

/* excess[i] = E f(x_{T+1}) - f*, of the plain rule from the loss's start, at the schedule's base rate times factor[i];
 * the same noise for all i. A rate at which more than half of the replicas are lost has INFINITY for its excess.
 * Errors: SL_E_CONFIG where the least value is not known; those of sl_sgd_run and sl_schedule_init. */
SL_CHECKED sl_status sl_rate_curve_run(sl_estimate *excess, const double *factor, size_t n, const sl_rate_curve *c,
                                       sl_err *err);

#endif
