/* sim/escape/split.h - what the parts of splitting share: particles that are driven from set to set by first exits, the
 * flux out of A, the pilot run that places the levels. Private to sim/escape/. */
#ifndef SL_SIM_ESCAPE_SPLIT_H
#define SL_SIM_ESCAPE_SPLIT_H

#include <stdbool.h>

#include "sim/escape/splitting.h"

/* Any of the dynamics, and what is asked. */
typedef struct {
    const void *dynamics; /* sl_sgd or sl_langevin */
    const sl_ensemble *ensemble;
    const sl_loss *loss;
    bool velocity; /* is there a v?                                               */
    double memory; /* steps in which a v is forgotten (to 1/e); 0 without         */
    sl_status (*escape)(sl_exits *e, const void *dynamics, const sl_ensemble *ensemble, const sl_escape *how,
                        sl_err *err);
    sl_splitting how; /* defaults filled in                                          */
    uint64_t calls;   /* first exits so far: each draws under a seed of its own      */
    double updates;
} sl_split;

/* The seed of first exits number `call` >= 1: a bijection of the seed for every call, and different for every call of
 * one seed. Purpose and sub stay the caller's, so runs are still told apart by seed and experiment. */
uint64_t sl_split_seed(uint64_t seed, uint64_t call);

/* ---- particles ---- */

typedef struct {
    size_t n, dim;
    double *x, *v;  /* [n][dim]; v NULL where there is none                                              */
    uint64_t *time; /* [n] steps that the last drive took; 0: it was there                               */
    uint8_t *at;    /* [n] the set where the last drive ended, or SL_EXIT_LOST                           */
    bool *idle;     /* [n] left alone by drives: x, v, at, time too                                      */
} sl_crowd;

/* n particles at the start, at rest, none idle. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_crowd_init(sl_crowd *c, const sl_split *s, size_t n, sl_err *err);
void sl_crowd_clear(sl_crowd *c);
void sl_crowd_restart(sl_crowd *c, const sl_split *s, size_t i);
void sl_crowd_copy(sl_crowd *to, size_t i, const sl_crowd *from, size_t j);

/* Moves every particle that is not idle on until it is in one of the sets; those that are in one stay where they are.
 * where: for messages. SL_UNDECIDED: some were still under way after most_steps. Else as sl_sgd_escape. */
SL_CHECKED sl_status sl_crowd_drive(sl_crowd *c, sl_split *s, const sl_region *region, const char *where, sl_err *err);

/* B's sets, then A, then (level < INFINITY) xi . x >= level. A particle has failed that is in A or lost. */
void sl_split_region(sl_region *region, const sl_split *s, double level);
bool sl_split_failed(const sl_split *s, uint8_t at);

/* to[first .. first + n) = states of the m particles from[chosen[0..m)], each floor(n/m) or ceil(n/m) times, at random:
 * n/m on average, which is all that an unbiased estimate needs, with less variance than drawing with replacement.
 * key: tells resamplings of one call apart. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_crowd_resample(sl_crowd *to, size_t first, size_t n, const sl_crowd *from,
                                       const uint32_t *chosen, size_t m, const sl_split *s, uint64_t key, sl_err *err);

/* ---- the flux out of A ---- */

/* groups x each replicas go to and fro between A and the first level, for as many cycles each after the burn-in. */
typedef struct {
    size_t groups, each, cycles;
    double *time;    /* [groups] steps that a group's cycles took in all                         */
    sl_crowd stock;  /* [groups][each][cycles] states on crossing the first level                */
    double burn_in;  /* steps, of the replica that took the least                                */
    char drift[320]; /* what was not stationary; "" if nothing was seen                          */
} sl_flux;

/* SL_UNDECIDED: the first level was not reached. */
SL_CHECKED sl_status sl_flux_run(sl_flux *f, sl_split *s, size_t groups, sl_err *err);
void sl_flux_clear(sl_flux *f);

/* ---- the pilot run ---- */

/* Fills r->level[] and n_levels. SL_UNDECIDED: no way to B was found; the levels are those up to there. */
SL_CHECKED sl_status sl_pilot_run(sl_rare *r, sl_split *s, const sl_flux *flux, sl_err *err);

#endif
