/* sim/block.h - what the dynamics of sim/ share: a block of replicas, and the loop that drives it. Private to sim/.
 *
 * A dynamics is a function that advances a block by one step; everything else (starting points, killing, sampling,
 * series, threads, merging) is sim/ensemble.c, or sim/escape/ where it ends when a trajectory leaves a region. On entry
 * to and exit from every step, g = grad f(x), unless the dynamics does without. */
#ifndef SL_SIM_BLOCK_H
#define SL_SIM_BLOCK_H

#include <stdbool.h>

#include "base/random.h"
#include "sim/ensemble.h"

/* Where the lanes of a block whose replicas do not follow each other get their random numbers (sim/escape/). */
typedef struct sl_scatter sl_scatter;

/* Replicas first .. first + n - 1, padded to B lanes, a multiple of 64 (whole groups of base/random.h); the lanes
 * beyond n are simulated and ignored. Coordinate d of an array [dim][B] starts at d * B. */
typedef struct {
    uint64_t first;
    size_t n, B;
    sl_scatter *scatter; /* NULL: lane i is replica first + i                                 */
    double *x, *v, *g; /* [dim][B]                                                            */
    double *noise;     /* [B]: scratch of a step                                              */
    double *kept;      /* [dim][B]: noise that a scheme keeps; in SGD scratch of noise models */
    double *rate;      /* [B]: scratch for learning rates that differ; of a rated dynamics the last ones, of a weighted
                          one the weights of its samples */
    void *extra;       /* what a dynamics asked for in extra_bytes; each block's own, kept over its steps */
} sl_block;

typedef struct {
    const sl_ensemble *ensemble;
    const sl_loss *loss;
    void (*begin)(const void *dynamics, sl_block *b);            /* before update 0: fills kept; NULL: nothing   */
    void (*step)(const void *dynamics, sl_block *b, uint64_t k); /* update k = 0, 1, ...: state k to state k + 1 */
    const void *dynamics;
    bool no_gradient; /* steps neither need nor leave grad f(x) in g: who wants it computes it */
    bool velocity;   /* is there a v?                                                      */
    bool rated;      /* step leaves in rate[i] what it applied to lane i: a column of the time series */
    bool stationary; /* has every step one law, whatever k? (no schedule that changes)     */
    double (*extra_bytes)(const void *dynamics, size_t B); /* NULL: none; INFINITY: too much */
    bool weighted;   /* averages are sum w y / sum w: lane i of a state counts with w = rate[i] > 0, left there by
                        begin and step. No histogram                                       */
    double mass;     /* kinetic temperature = mass <v^2>                                   */
    uint64_t every;  /* steps between samples unless the ensemble says                     */
} sl_dynamics;

/* The dynamics of sim/ensemble.h, checked (all but the ensemble: sl_ensemble_check), with what they keep; *d points at
 * the state and at what it was made from. Errors: SL_E_DOMAIN. */
typedef struct {
    const sl_sgd *sgd;
    const sl_noise_kind *noise;
    uint64_t schedule_seed;
    bool random_rate;
    bool sampled; /* the noise model stands in for the gradient */
    bool additive; /* with a regime: n is the same wherever it is added */
    bool two;      /* with a regime: two gradients in every step */
} sl_sgd_state;
SL_CHECKED sl_status sl_sgd_dynamics(sl_dynamics *d, sl_sgd_state *state, const sl_sgd *sgd, sl_err *err);

typedef struct {
    const sl_langevin *l;
    double sigma; /* deviation of a step's noise         */
    double c;     /* exp(-gamma h) of underdamped motion */
} sl_langevin_state;
SL_CHECKED sl_status sl_overdamped_dynamics(sl_dynamics *d, sl_langevin_state *state, const sl_langevin *l,
                                            sl_err *err);
SL_CHECKED sl_status sl_underdamped_dynamics(sl_dynamics *d, sl_langevin_state *state, const sl_langevin *l,
                                             sl_err *err);

/* Without a kill radius: beyond this x^4 is soon not a number. */
#define SL_FARTHEST 1e75

/* Refuses what sl_sgd_run refuses of an ensemble. Errors: SL_E_DOMAIN. */
SL_CHECKED sl_status sl_ensemble_check(const sl_ensemble *e, const sl_loss *loss, sl_err *err);

/* The coordinates of the draw of coordinate d at step k. */
sl_draw sl_ensemble_draw(const sl_ensemble *e, sl_purpose purpose, size_t d, uint64_t k);

/* What dynamics draw from: out[i] for the B lanes of b, of one channel at step k. A channel is a coordinate d, or
 * SL_LOSS_MAX_DIM j + d for the j-th further number that a noise model needs there; < 2^16. Equal coordinates give
 * equal numbers:
 * a channel is drawn as normals or as uniforms, not both. */
void sl_block_normals(sl_block *b, const sl_ensemble *e, sl_purpose purpose, size_t channel, uint64_t k, double sigma,
                      double *out);
/* out[i] += the same; b->noise is scratch. */
void sl_block_add_normals(sl_block *b, const sl_ensemble *e, sl_purpose purpose, size_t channel, uint64_t k,
                          double sigma, double *out);
void sl_block_uniforms(sl_block *b, const sl_ensemble *e, sl_purpose purpose, size_t channel, uint64_t k, double *out);

/* The random words of rounds of `length` steps, for the n lanes from first (multiples of 64): place[i] = the step of
 * lane i within its round, and the 64 bits high[i], low[i] of (replica, round), on purpose SL_PURPOSE_SHUFFLE. once:
 * all rounds have the words of round 0. */
void sl_block_rounds(const sl_block *b, const sl_ensemble *e, uint64_t k, uint64_t length, bool once, size_t first,
                     size_t n, uint32_t *place, uint32_t *high, uint32_t *low);

/* What a noise model (sim/noise.h) is given: numbers of channel j SL_LOSS_MAX_DIM + d, for its use. */
struct sl_noise_source {
    sl_block *block; /* x: where the gradient was taken; noise, kept: scratch (and rate, where f is wanted) */
    const sl_ensemble *ensemble;
    uint64_t step;
    double *f;            /* [B]: f(x), to become the mini-batch's loss f_B(x) in models of mini-batches; NULL: not
                             wanted                                                                              */
    const double *origin; /* [dim], with f: what is added to a gradient, n, adds n.(x - origin) to its loss       */
};

/* The rates that step k applies, one a lane, of a random schedule. seed: that of the schedule. */
void sl_block_rates(sl_block *b, const sl_schedule *s, uint64_t seed, uint64_t k, double *rate);

/* Errors and outputs as for sl_sgd_run. */
SL_CHECKED sl_status sl_ensemble_run(sl_observed *o, const sl_dynamics *dynamics, sl_err *err);

#endif
