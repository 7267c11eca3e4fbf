/* sim/escape/splitting.h - mean first-passage times over high barriers by multilevel splitting (forward-flux sampling:
 * Allen, Warren and ten Wolde 2005; fixed effort: Cerou, Del Moral, Furon and Guyader 2012), for any of the dynamics of
 * sim/ensemble.h with one law at every step.
 *
 * From A a trajectory crosses the first level (xi >= z_1, xi a linear reaction coordinate) at some rate a step, and from
 * there reaches B before it is back in A with probability p, the product of the conditional probabilities p_i to reach
 * level z_{i+1} before A. Levels are chosen in a pilot run and then kept, so that the estimate of p is unbiased; repeats
 * with streams of their own give its error. The mean first-passage time from A to B is 1 / (rate p), up to a relative
 * error of the order of the time to forget the start over that time. */
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
    sl_region b;                /* B                                                                                  */
    size_t particles;           /* a level and repeat; 0: 1024                                                        */
    size_t repeats;             /* 0: 32                                                                              */
    double share;               /* of particles that should reach the next level, in the pilot run; 0: 0.2            */
    uint64_t most_steps;        /* of one particle between two levels: more is SL_UNDECIDED; 0: 10^7                  */
} sl_splitting;

typedef struct {
    sl_estimate time;        /* mean first-passage time, steps                          */
    sl_estimate rate;        /* crossings of the first level a step, from A             */
    sl_estimate probability; /* p                                                       */
    size_t n_levels;
    double level[SL_SPLITTING_LEVELS];   /* z_1, z_2, ...; the last step is into B      */
    double passage[SL_SPLITTING_LEVELS]; /* from level i to the next (or B), mean       */
    double updates, seconds;
} sl_rare;

/* The ensemble's seed, experiment, start (in A), jobs and progress are read. Errors: as for sl_sgd_escape; SL_E_CONFIG
 * for a schedule that is not stationary, a start that is not in A, or a B that overlaps with A. SL_UNDECIDED, with what
 * there is in *r: no particle reached B, or steps ran out; *err says where. */
SL_CHECKED sl_status sl_sgd_splitting(sl_rare *r, const sl_sgd *sgd, const sl_splitting *how, sl_err *err);
SL_CHECKED sl_status sl_overdamped_splitting(sl_rare *r, const sl_langevin *l, const sl_splitting *how, sl_err *err);
SL_CHECKED sl_status sl_underdamped_splitting(sl_rare *r, const sl_langevin *l, const sl_splitting *how, sl_err *err);

#endif
