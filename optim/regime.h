/* optim/regime.h - automatic learning-rate regimes: the rate follows from the gradients, and nothing is tuned.
 *
 * A regime looks at the gradients of the mini-batches that it is given, g_B(x), and says which rate r the rule's step
 * takes. It remembers little: a few numbers and up to four vectors, all of them in memory of the caller, who can write
 * them into a checkpoint and read them back: the step that follows is the same, bit for bit.
 *
 * Most of them estimate a curvature c along the way from a secant on the same mini-batch,
 *
 *     s = x_k - x_{k-1},   y = g_B(x_k) - g_B(x_{k-1}),   long step s's / s'y,   short step s'y / y'y,
 *
 * which costs one more gradient on the batch. What becomes of the gain eta = 1/c in a rule is the same for all regimes:
 *
 *     r = (1 - mu) eta                     plain, heavy-ball, nesterov (momentum multiplies a step by 1/(1 - mu))
 *     r = (1 - mu) eta |g|_1 / n           sign: the step along sign(g) that lowers f - r |g|_1 + n r^2 / (2 eta) most;
 *                                          momentum only delays a sign, and 1 - mu keeps that from overshooting
 *
 * so that a loss multiplied by c has its rates divided by c (sign: the same steps). Alpha stands on the step. Weight
 * decay w belongs to the loss: g + w x is what a regime sees.
 *
 * The first step has no point behind it. There x_{-1} = x_0 + d g_B(x_0), d |g| = 1e-3 max(|x_0|, 1), takes its place;
 * so do regimes of one gradient begin, which then need a second one in that step alone. Where a probe meets no
 * curvature at all (a linear loss), its own length d is the gain.
 *
 * Vectors: n coordinates of `lanes` replicas, [n][lanes], double, each replica with a rate of its own (ensembles); or
 * flat: [n], float, one replica, with layers (networks). */
#ifndef SL_OPTIM_REGIME_H
#define SL_OPTIM_REGIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/spec.h"
#include "base/team.h"
#include "optim/rule.h"

enum { SL_REGIME_NUMBERS = 8, SL_REGIME_VECTORS = 4 };

/* A regime bound to a rule. Plain data. */
typedef struct {
    sl_spec spec;
    sl_rule rule;          /* alpha on the step                                                */
    uint64_t period;       /* m: the steps of an epoch; SL_REGIME_PERIOD where an epoch is one */
    uint64_t dealt;        /* mini-batches that an epoch deals out, each once; 0: each is drawn by itself. The
                              caller's to set, after sl_regime_init                            */
    double derived;        /* what a family works out beforehand                               */
} sl_regime;

enum { SL_REGIME_PERIOD = 32 };

extern const sl_entry *const sl_regimes[];
extern const size_t sl_n_regimes;

/* Of entry i of the registry: gradients on its batch that a step needs (1 or 2), and what it keeps, in words. */
int sl_regime_gradients(size_t i);
const char *sl_regime_memory(size_t i);

/* Does step k look at losses? Others are given none if that costs anything. */
bool sl_regime_needs_loss(const sl_regime *r, uint64_t k);

/* "secant-short", "polyak:fstar=0.1", ... Errors: those of sl_spec_parse; SL_E_CONFIG for a rule with alpha on the
 * gradient; SL_E_DOMAIN for an epoch of no steps. */
SL_CHECKED sl_status sl_regime_init(sl_regime *r, const char *text, const sl_rule *rule, uint64_t steps_per_epoch,
                                    sl_err *err);

/* What a regime acts on. */
typedef struct {
    size_t n, lanes;
    bool flat;              /* float, lanes = 1                                               */
    const size_t *ends;     /* flat: where each layer ends, rising, the last one n; kept by the run. NULL: one layer */
    size_t layers;
    sl_team *team;          /* flat: shares the work; results do not depend on it. May be NULL */
} sl_regime_space;

/* A regime at work: pointers into the caller's memory. */
typedef struct {
    const sl_regime *regime;
    sl_regime_space space;
    size_t vectors, pieces;
    /* The state, all of it: these two arrays, and the number of the step. */
    double *numbers;        /* [layers + 1][SL_REGIME_NUMBERS][lanes]; the last layer stands for the whole */
    void *vector[SL_REGIME_VECTORS]; /* [n][lanes] each, one behind the other                               */
    /* Scratch. */
    double *rate;           /* [layers][lanes]: what the last update applied; of `auto`, at x    */
    double *sums, *probe, *partial; /* probe: [5][lanes], lengths of probes first */
    size_t *piece;
} sl_regime_run;

/* Bytes of memory (aligned to 64) that a run needs; INFINITY: more than can be addressed. */
double sl_regime_bytes(const sl_regime *r, const sl_regime_space *space);
/* Leaves the state that is there; a new one begins with sl_regime_begin. */
void sl_regime_bind(sl_regime_run *run, const sl_regime *r, const sl_regime_space *space, void *memory);
/* The state before step 0. */
void sl_regime_begin(sl_regime_run *run);

/* How long the two arrays of the state are, in numbers. */
size_t sl_regime_numbers_length(const sl_regime_run *run);
size_t sl_regime_vectors_length(const sl_regime_run *run);

/* Where step k needs a second gradient on its batch: [n][lanes] of the run's own; NULL: it needs none.
 * x: the point, g: the gradient there. */
const void *sl_regime_point(sl_regime_run *run, uint64_t k, const void *x, const void *g);

/* What step k knows. Losses may be NAN or infinite for a lane that has gone off. */
typedef struct {
    uint64_t k;
    const double *loss, *loss2; /* [lanes]: f_B(x); f_B at the second point. May be NULL where they are not needed */
    void *x, *v;                /* updated; v may be NULL for plain                            */
    void *g, *g2;               /* overwritten. g2: at sl_regime_point; NULL where that is NULL */
} sl_regime_step;

/* Update k. Returns whether every lane's rate is a finite number. A lane where it is not takes a rate of 0; of a flat
 * vector nothing is updated then. */
bool sl_regime_update(sl_regime_run *run, const sl_regime_step *step);

/* The rate that lane i's last update applied; of several layers, its mean over the parameters. 0 before the first. */
double sl_regime_rate(const sl_regime_run *run, size_t i);

#endif
