#include <math.h>

#include "sim/block.h"
#include "sim/langevin_kernel.h"

/* The noise of step k in coordinate d; zero temperature needs no special case but costs nothing to have. */
static void draw_noise(const sl_langevin_state *s, sl_block *b, size_t d, uint64_t k, double *noise)
{
    sl_block_normals(b, &s->l->ensemble, SL_PURPOSE_THERMAL, d, k, s->sigma, noise);
}

static void new_gradient(const sl_langevin_state *s, sl_block *b)
{
    s->l->loss.kind->gradient(&s->l->loss, b->B, b->B, b->x, b->g);
}

static void euler(const void *dynamics, sl_block *b, uint64_t k)
{
    const sl_langevin_state *s = dynamics;
    for (size_t d = 0; d < s->l->loss.dim; d++) {
        draw_noise(s, b, d, k, b->noise);
        sl_langevin_euler(b->B, b->x + d * b->B, b->g + d * b->B, b->noise, s->l->h);
    }
    new_gradient(s, b);
}

/* Step k uses the noises k and k + 1; the latter is kept for the next step. */
static void begin_lm(const void *dynamics, sl_block *b)
{
    const sl_langevin_state *s = dynamics;
    for (size_t d = 0; d < s->l->loss.dim; d++) draw_noise(s, b, d, 0, b->kept + d * b->B);
}

static void lm(const void *dynamics, sl_block *b, uint64_t k)
{
    const sl_langevin_state *s = dynamics;
    for (size_t d = 0; d < s->l->loss.dim; d++) {
        draw_noise(s, b, d, k + 1, b->noise);
        sl_langevin_lm(b->B, b->x + d * b->B, b->g + d * b->B, b->kept + d * b->B, b->noise, s->l->h);
    }
    new_gradient(s, b);
}

static void baoab(const void *dynamics, sl_block *b, uint64_t k)
{
    const sl_langevin_state *s = dynamics;
    const size_t dim = s->l->loss.dim;
    for (size_t d = 0; d < dim; d++) {
        draw_noise(s, b, d, k, b->noise);
        sl_langevin_baoa(b->B, b->x + d * b->B, b->v + d * b->B, b->g + d * b->B, b->noise, s->l->h, s->c);
    }
    new_gradient(s, b);
    for (size_t d = 0; d < dim; d++) sl_langevin_kick(b->B, b->v + d * b->B, b->g + d * b->B, s->l->h);
}

static sl_status check(const sl_langevin *l, sl_err *err)
{
    if (l->loss.kind && sl_loss_restricted(&l->loss))
        return sl_fail(err, SL_E_DOMAIN, "loss '%s' lives on a subset of space, where there is no Langevin dynamics",
                       l->loss.kind->entry.name);
    if (!(l->temperature >= 0 && isfinite(l->temperature)))
        return sl_fail(err, SL_E_DOMAIN, "temperature = %g, need 0 <= T < inf", l->temperature);
    if (!(l->h > 0 && isfinite(l->h))) return sl_fail(err, SL_E_DOMAIN, "time step h = %g, need 0 < h < inf", l->h);
    return SL_OK;
}

sl_status sl_overdamped_dynamics(sl_dynamics *d, sl_langevin_state *state, const sl_langevin *l, sl_err *err)
{
    SL_TRY(check(l, err));
    if (l->scheme != SL_OVERDAMPED_EULER && l->scheme != SL_OVERDAMPED_LM)
        return sl_fail(err, SL_E_DOMAIN, "overdamped scheme = %d, need euler or lm", (int)l->scheme);
    const bool two_noises = l->scheme == SL_OVERDAMPED_LM;
    *state = (sl_langevin_state){.l = l, .sigma = sqrt(2 * l->temperature * l->h)};
    *d = (sl_dynamics){
        .ensemble = &l->ensemble,
        .loss = &l->loss,
        .begin = two_noises ? begin_lm : NULL,
        .step = two_noises ? lm : euler,
        .dynamics = state,
        .stationary = true,
        .every = SL_SAMPLE_EVERY,
    };
    return SL_OK;
}

sl_status sl_underdamped_dynamics(sl_dynamics *d, sl_langevin_state *state, const sl_langevin *l, sl_err *err)
{
    SL_TRY(check(l, err));
    if (!(l->friction > 0 && isfinite(l->friction)))
        return sl_fail(err, SL_E_DOMAIN, "friction = %g, need 0 < friction < inf", l->friction);
    *state = (sl_langevin_state){
        .l = l,
        .sigma = sqrt(-l->temperature * expm1(-2 * l->friction * l->h)),
        .c = exp(-l->friction * l->h),
    };
    *d = (sl_dynamics){
        .ensemble = &l->ensemble,
        .loss = &l->loss,
        .step = baoab,
        .dynamics = state,
        .velocity = true,
        .stationary = true,
        .mass = 1,
        .every = SL_SAMPLE_EVERY,
    };
    return SL_OK;
}

sl_status sl_overdamped_run(sl_observed *o, const sl_langevin *l, sl_err *err)
{
    sl_langevin_state state;
    sl_dynamics dynamics;
    SL_TRY(sl_overdamped_dynamics(&dynamics, &state, l, err));
    return sl_ensemble_run(o, &dynamics, err);
}

sl_status sl_underdamped_run(sl_observed *o, const sl_langevin *l, sl_err *err)
{
    sl_langevin_state state;
    sl_dynamics dynamics;
    SL_TRY(sl_underdamped_dynamics(&dynamics, &state, l, err));
    return sl_ensemble_run(o, &dynamics, err);
}
