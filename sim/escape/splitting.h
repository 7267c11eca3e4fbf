/* sim/escape/splitting.h - mean first-passage times over high barriers by multilevel splitting (forward-flux sampling:
 * Allen, Warren and ten Wolde 2005; fixed effort: Cerou, Del Moral, Furon and Guyader 2012), for any of the dynamics of
 * sim/ensemble.h with one law at every step.
 *
 * From A a trajectory crosses the first level (xi . x >= z_1, xi a linear reaction coordinate) at some rate a step, a
 * crossing being counted only if A was visited since the last; from there it reaches B before it is back in A with
 * probability p, the product of the conditional probabilities to reach the next level before A. Levels are chosen in a
 * pilot run and then kept, so that the estimate of p is unbiased; repeats with streams of their own give its error.
 * Particles carry v along. The mean first-passage time from the start to B is 1 / (rate p), up to a relative error of
 * the order of the time to forget the start over that time (derived in splitting.c). Being a ratio, the estimate of the
 * time itself is biased, by about its relative error squared.
 *
 * Any xi that grows from A to B gives the right answer; one along which the probability to reach B grows gives it with
 * fewer particles. A should hold where the trajectory mostly is, and the first level be crossed every few dozen or
 * hundred steps: A up to half a deviation beyond the minimum, the level at 1 or 2, say. In A the trajectory must forget
 * where it was within the burn-in: one well, or several that it changes quickly. Wells between A and B, where particles
 * settle on their way, take long but do no harm. */
#ifndef SL_SIM_ESCAPE_SPLITTING_H
#define SL_SIM_ESCAPE_SPLITTING_H

#include "base/stats.h"
#include "sim/escape/exit.h"

enum { SL_SPLITTING_LEVELS = 128 };

/* Zeroed fields mean the defaults given. */
typedef struct {
    double xi[SL_LOSS_MAX_DIM]; /* the reaction coordinate xi . x, growing from A to B                                */
    double a;                   /* A: xi . x <= a                                                                     */
    double z;                   /* the first level, > a                                                               */
    sl_region b;                /* B: discs (SL_SET_WITHIN) and half-spaces along xi, all of it at xi . x >= z        */
    size_t particles;           /* a level and repeat, >= 8; 0: 1024                                                  */
    size_t repeats;             /* >= 2; 0: 32                                                                        */
    double share;               /* of particles that should reach the next level, 0.01 to 0.9; 0: 0.2                 */
    uint64_t most_steps;        /* of one particle between two levels, or burnt in: more is SL_UNDECIDED; 0: 10^7     */
} sl_splitting;

typedef struct {
    sl_estimate time;                    /* mean first-passage time, steps                          */
    sl_estimate rate;                    /* crossings of the first level a step, from A             */
    sl_estimate probability;             /* p                                                       */
    size_t n_levels;                     /* z_1 included                                        */
    double level[SL_SPLITTING_LEVELS];   /* z_1, z_2, ...; the last step is into B      */
    double passage[SL_SPLITTING_LEVELS]; /* from level i to the next (or B), mean       */
    double updates, seconds;
} sl_rare;

/* The ensemble's seed, experiment, start (in A), kill_radius, jobs and progress are read, and burn_in: steps before
 * crossings are counted, beyond what is chosen (8 cycles from A to the first level and back, and 12 times what v is
 * remembered). Give it where coordinates other than xi take long to settle. What is lost on its way counts as fallen
 * back to A, and begins anew at the start. r's numbers do not depend on jobs.
 *
 * Errors: as for sl_sgd_escape; SL_E_CONFIG for a schedule that is not stationary, the scheme lm (whose state is more
 * than x), a start that is not in A, or a B that overlaps with A or begins before the first level.
 * SL_UNDECIDED, with what there is in *r (the rest NAN), err saying where: no particle reached B, or steps or levels
 * ran out. The same with all of *r, as a reservation: the flux had not become stationary, so far as could be seen. */
SL_CHECKED sl_status sl_sgd_splitting(sl_rare *r, const sl_sgd *sgd, const sl_splitting *how, sl_err *err);
SL_CHECKED sl_status sl_overdamped_splitting(sl_rare *r, const sl_langevin *l, const sl_splitting *how, sl_err *err);
SL_CHECKED sl_status sl_underdamped_splitting(sl_rare *r, const sl_langevin *l, const sl_splitting *how, sl_err *err);

#endif
