/* SGD on blocks of replicas, at the rates of a schedule or of a regime. */
#include <math.h>
#include <string.h>

#include "sim/block.h"
#include "sim/noise_kernel.h"

static void add_noise(const sl_sgd_state *s, sl_block *b, uint64_t k, double *g)
{
    const sl_sgd *const sgd = s->sgd;
    if (!(sgd->noise_variance > 0)) return;
    sl_noise_source source = {.block = b, .ensemble = &sgd->ensemble, .step = k};
    s->noise->add(&sgd->noise, &sgd->loss, sgd->noise_variance, &source, g);
}

static void step(const void *dynamics, sl_block *b, uint64_t k)
{
    const sl_sgd_state *s = dynamics;
    const sl_sgd *sgd = s->sgd;
    double rate = 0;
    if (s->random_rate)
        sl_block_rates(b, &sgd->schedule, s->schedule_seed, k, b->rate);
    else
        rate = sl_schedule_lr(&sgd->schedule, s->schedule_seed, 0, k);
    if (s->sampled && sgd->noise_variance > 0) memset(b->g, 0, sgd->loss.dim * b->B * sizeof *b->g);
    add_noise(s, b, k, b->g);
    for (size_t d = 0; d < sgd->loss.dim; d++) {
        double *x = b->x + d * b->B, *v = b->v + d * b->B, *g = b->g + d * b->B;
        if (s->random_rate)
            sl_rule_step_d(&sgd->rule, b->B, x, v, g, b->rate);
        else
            sl_rule_step_same_d(&sgd->rule, b->B, x, v, g, rate);
    }
    if (sgd->loss.kind->project) sgd->loss.kind->project(&sgd->loss, b->B, b->B, b->x);
    if (!s->sampled) sgd->loss.kind->gradient(&sgd->loss, b->B, b->B, b->x, b->g);
}

/* ---- with a regime: its run, a second gradient, the noise and two losses are the block's extra memory ---- */

typedef struct {
    double *g2, *n, *loss, *loss2;
    sl_regime_run *run;
} extra;

enum { LINE = 64, RUN_BYTES = (sizeof(sl_regime_run) + LINE - 1) / LINE * LINE };

static sl_regime_space space_of(const sl_sgd *sgd, size_t B)
{
    return (sl_regime_space){.n = sgd->loss.dim, .lanes = B};
}

static double extra_bytes(const void *dynamics, size_t B)
{
    const sl_sgd *const sgd = ((const sl_sgd_state *)dynamics)->sgd;
    const sl_regime_space space = space_of(sgd, B);
    return RUN_BYTES + sl_regime_bytes(sgd->regime, &space) + (double)((2 * sgd->loss.dim + 2) * B * sizeof(double));
}

/* The pieces of the extra memory, by address: a block of 64 lanes or more keeps cache lines whole. */
static extra extra_of(const sl_sgd *sgd, const sl_block *b)
{
    double *const g2 = (double *)((char *)b->extra + RUN_BYTES), *const n = g2 + sgd->loss.dim * b->B;
    double *const loss = n + sgd->loss.dim * b->B;
    return (extra){.run = b->extra, .g2 = g2, .n = n, .loss = loss, .loss2 = loss + b->B};
}

static void begin_with_regime(const void *dynamics, sl_block *b)
{
    const sl_sgd *const sgd = ((const sl_sgd_state *)dynamics)->sgd;
    const sl_regime_space space = space_of(sgd, b->B);
    const extra e = extra_of(sgd, b);
    sl_regime_bind(e.run, sgd->regime, &space, e.loss2 + b->B);
    sl_regime_begin(e.run);
    b->rate = e.run->rate; /* as they are applied */
    memset(b->rate, 0, b->B * sizeof *b->rate);
}

static const double *origin_of(const sl_sgd *sgd)
{
    return sgd->ensemble.start ? sgd->ensemble.start : sgd->loss.start;
}

/* Noise that does not depend on x, to g and, where that is wanted, to f. n: [dim][B], keeps it; NULL: it is not needed
 * again. drawn: it is there already. */
static void add_additive(const sl_sgd_state *s, sl_block *b, uint64_t k, double *n, bool drawn, double *g, double *f)
{
    const sl_sgd *const sgd = s->sgd;
    const size_t B = b->B;
    const double *const origin = origin_of(sgd);
    sl_noise_source source = {.block = b, .ensemble = &sgd->ensemble, .step = k};
    if (!drawn && !s->noise->draw) {
        memset(n, 0, sgd->loss.dim * B * sizeof *n);
        s->noise->add(&sgd->noise, &sgd->loss, sgd->noise_variance, &source, n);
    }
    for (size_t d = 0; d < sgd->loss.dim; d++) {
        double *const own = n ? n + d * B : b->noise;
        if (!drawn && s->noise->draw) s->noise->draw(&sgd->noise, sgd->noise_variance, &source, d, own);
        if (f) sl_noise_add_and_work(B, g + d * B, f, own, b->x + d * B, origin[d]);
        else sl_noise_add(B, g + d * B, own);
    }
}

/* Of the mini-batch of step k at b->x: the gradient g, which holds grad f unless the model stands in for it, and the
 * loss f if that is not NULL. again: the second time in this step. */
static void see(const sl_sgd_state *s, sl_block *b, uint64_t k, bool again, double *g, double *f)
{
    const sl_sgd *const sgd = s->sgd;
    const sl_loss *const loss = &sgd->loss;
    const size_t B = b->B;
    if (s->sampled) memset(g, 0, loss->dim * B * sizeof *g);
    if (f && s->sampled) memset(f, 0, B * sizeof *f);
    if (f && !s->sampled) loss->kind->value(loss, B, B, b->x, f);
    if (!(sgd->noise_variance > 0)) return;
    if (s->additive && (s->two || f)) {
        const bool keeps = s->two || !s->noise->draw;
        add_additive(s, b, k, keeps ? extra_of(sgd, b).n : NULL, again && keeps, g, f);
        return;
    }
    sl_noise_source source = {.block = b, .ensemble = &sgd->ensemble, .step = k, .f = f, .origin = origin_of(sgd)};
    s->noise->add(&sgd->noise, loss, sgd->noise_variance, &source, g);
}

/* A trajectory that has gone off is found by the kill radius; others do not see it. */
static void step_with_regime(const void *dynamics, sl_block *b, uint64_t k)
{
    const sl_sgd_state *const s = dynamics;
    const sl_sgd *const sgd = s->sgd;
    const sl_loss *const loss = &sgd->loss;
    const extra e = extra_of(sgd, b);
    const bool losses = sl_regime_needs_loss(sgd->regime, k);
    see(s, b, k, false, b->g, losses ? e.loss : NULL);
    const double *const point = sl_regime_point(e.run, k, b->x, b->g);
    if (point) {
        sl_block there = *b; /* the same replicas at another point: noise that depends on x looks there */
        there.x = (double *)point;
        if (!s->sampled) loss->kind->gradient(loss, b->B, b->B, point, e.g2);
        see(s, &there, k, true, e.g2, losses ? e.loss2 : NULL);
    }
    const sl_regime_step step = {.k = k, .loss = losses ? e.loss : NULL, .loss2 = losses ? e.loss2 : NULL, .x = b->x,
                                 .v = sgd->rule.kind == SL_RULE_PLAIN ? NULL : b->v, .g = b->g,
                                 .g2 = point ? e.g2 : NULL};
    (void)sl_regime_update(e.run, &step);
    if (loss->kind->project) loss->kind->project(loss, b->B, b->B, b->x);
    if (!s->sampled) loss->kind->gradient(loss, b->B, b->B, b->x, b->g);
}

/* Steps between samples: all places of an epoch are seen. */
static uint64_t stride(uint64_t period)
{
    uint64_t every = SL_SAMPLE_EVERY;
    for (;; every += 2) {
        uint64_t a = period, b = every;
        while (b > 0) {
            const uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1 || period == 0) return every;
    }
}

static bool takes_two(const sl_regime *r)
{
    for (size_t i = 0; i < sl_n_regimes; i++)
        if (sl_regimes[i] == r->spec.entry) return sl_regime_gradients(i) == 2;
    return true;
}

sl_status sl_sgd_dynamics(sl_dynamics *d, sl_sgd_state *state, const sl_sgd *sgd, sl_err *err)
{
    if (!(sgd->noise_variance >= 0 && isfinite(sgd->noise_variance)))
        return sl_fail(err, SL_E_DOMAIN, "noise variance = %g, need 0 <= noise variance < inf", sgd->noise_variance);
    if (!sgd->schedule.spec.entry) return sl_fail(err, SL_E_DOMAIN, "the ensemble has no schedule");
    const bool on_gradient = sgd->rule.alpha_on == SL_ALPHA_ON_GRADIENT;
    if (on_gradient && !(sgd->rule.lr > 0 && isfinite(sgd->rule.lr)))
        return sl_fail(err, SL_E_DOMAIN, "base rate l = %g, need 0 < l < inf with alpha on the gradient", sgd->rule.lr);

    const sl_ensemble *e = &sgd->ensemble;
    *state = (sl_sgd_state){
        .sgd = sgd,
        .noise = sgd->noise.kind ? sgd->noise.kind : sl_noises[0],
        /* Schedules know no experiments, so each experiment hands them a seed of its own; 0 leaves it as it is. */
        .schedule_seed = e->seed ^ (uint64_t)e->experiment << 48,
        .random_rate = sl_schedule_is_random(&sgd->schedule),
        .sampled = sgd->noise.stands_in && sgd->noise_variance == 1,
        .additive = sgd->noise_variance > 0 && !sgd->noise.depends_on_x,
        .two = sgd->regime && takes_two(sgd->regime),
    };
    const bool stationary = sl_schedule_is_stationary(&sgd->schedule);
    *d = (sl_dynamics){
        .ensemble = e,
        .loss = &sgd->loss,
        .step = step,
        .dynamics = state,
        .no_gradient = state->sampled,
        .velocity = sgd->rule.kind != SL_RULE_PLAIN,
        .stationary = stationary && !sgd->noise.remembers,
        .mass = on_gradient  ? sgd->rule.lr
                : stationary ? sl_schedule_mean(&sgd->schedule, e->burn_in, e->burn_in + 1)
                             : sgd->schedule.lr,
        /* Samples at a stride could all fall on one phase of a cyclic rate. */
        .every = stationary ? stride(sgd->noise.dealt) : 1,
    };
    if (!sgd->regime) return SL_OK;
    d->begin = begin_with_regime;
    d->step = step_with_regime;
    d->extra_bytes = extra_bytes;
    d->rated = true;
    d->stationary = false;
    d->mass = NAN;
    d->every = SL_SAMPLE_EVERY;
    return SL_OK;
}

sl_status sl_sgd_run(sl_observed *o, const sl_sgd *sgd, sl_err *err)
{
    sl_sgd_state state;
    sl_dynamics dynamics;
    SL_TRY(sl_sgd_dynamics(&dynamics, &state, sgd, err));
    return sl_ensemble_run(o, &dynamics, err);
}
