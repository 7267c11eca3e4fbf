/* claims/crossing.h - how long SGD without momentum takes from one point of a line to beyond another: exactly, by an
 * ensemble, and by splitting. What the claims and figures about escape share. */
#ifndef SL_CLAIMS_CROSSING_H
#define SL_CLAIMS_CROSSING_H

#include "claims/claim.h"
#include "sim/ensemble.h"
#include "sim/escape/exit.h"

/* x' = x - l alpha (f'(x) + n), n of scale s2 (variance D0/C where it has one), alpha ~ U[1-delta, 1+delta]. */
typedef struct {
    const char *loss;  /* of one dimension                     */
    const char *noise; /* NULL: Gaussian                       */
    double l, delta, s2;
    double from, to;  /* out at x >= to, or x <= to < from    */
    bool either_side; /* out at |x - from| > |to - from|; not by the operator */
} sl_crossing;

/* The noise variance that has temperature T: 2T/(l q). */
double sl_crossing_noise(double T, double l, double delta);

/* Mean steps by the transfer operator (Gaussian noise). reach: its domain is [-reach, reach], wide enough for what is
 * left beyond to weigh less than the passage itself: the operator's own choice is that of a stationary law.
 * tolerance: relative; 0: the operator's own. */
SL_CHECKED sl_status sl_crossing_exact(sl_estimate *steps, const sl_crossing *c, double reach, double tolerance,
                                       const sl_lab *lab, sl_err *err);

/* Mean steps of `replicas` independent trajectories, of which those that are still on their way after `limit` steps,
 * and those that were thrown to infinity, are censored: time at risk over exits, which is exact for exponential laws
 * and where nothing is censored. */
SL_CHECKED sl_status sl_crossing_sampled(sl_estimate *steps, const sl_crossing *c, double replicas, double limit,
                                         const sl_lab *lab, uint32_t experiment, sl_err *err);

/* The same trajectories, every time kept. *e is to be cleared. */
SL_CHECKED sl_status sl_crossing_exits(sl_exits *e, const sl_crossing *c, double replicas, double limit,
                                       const sl_lab *lab, uint32_t experiment, sl_err *err);

/* The mean time of exits by the same rule, with the error of a ratio. Errors: SL_DIVERGED for fewer than two exits. */
SL_CHECKED sl_status sl_exits_mean(sl_estimate *steps, const sl_exits *e, sl_err *err);

/* By splitting along the line, from < to, Gaussian noise: levels begin one standard deviation of the well that `from`
 * is the minimum of above it. particles, repeats: as in sim/escape/splitting.h, 0 for its defaults. */
SL_CHECKED sl_status sl_crossing_split(sl_estimate *steps, const sl_crossing *c, size_t particles, size_t repeats,
                                       const sl_lab *lab, uint32_t experiment, sl_err *err);

/* log e, its error propagated to first order. */
sl_estimate sl_log_of(sl_estimate e);

/* (log a - log b) / by: an exponent from two independent estimates. */
sl_estimate sl_exponent(sl_estimate a, sl_estimate b, double by);

/* First experiment numbers, 64 for each claim and figure; those of claims/synthetic.h are below. */
enum {
    SL_EXPERIMENT_BATCH_SIZE = 4096,
    SL_EXPERIMENT_HEAVY_TAIL = 4160,
    SL_EXPERIMENT_PLANE = 4224,
    SL_EXPERIMENT_EXITS = 4288,
    SL_EXPERIMENT_ARRHENIUS = 4352
};

#endif
