#include <math.h>
#include <string.h>

#include "sim/adam_langevin_kernel.h"
#include "sim/block.h"
#include "sim/samplers.h"

/* The first row of what a block keeps is zeta; rate is psi, of the state that is sampled. */
typedef struct {
    sl_adam_langevin s; /* with its defaults */
    double keep, gain;  /* of half a step of zeta */
} adam_state;

static void pace(const adam_state *a, sl_block *b, double keep, double gain)
{
    memset(b->noise, 0, b->B * sizeof *b->noise);
    for (size_t d = 0; d < a->s.loss.dim; d++) sl_adam_langevin_squares(b->B, b->noise, b->g + d * b->B);
    sl_adam_langevin_pace(b->B, b->kept, b->rate, b->noise, keep, gain, a->s.power, a->s.low, a->s.high);
}

/* As if the trajectory had waited at its start. */
static void begin(const void *dynamics, sl_block *b)
{
    const adam_state *const a = dynamics;
    memset(b->kept, 0, b->B * sizeof *b->kept);
    pace(a, b, 0, 1 / (a->s.decay * a->s.scale));
}

static void step(const void *dynamics, sl_block *b, uint64_t k)
{
    const adam_state *const a = dynamics;
    const sl_adam_langevin *const s = &a->s;
    const size_t B = b->B, dim = s->loss.dim;
    pace(a, b, a->keep, a->gain);
    for (size_t d = 0; d < dim; d++) {
        sl_block_normals(b, &s->ensemble, SL_PURPOSE_THERMAL, d, k, 1, b->noise);
        sl_adam_langevin_baoa(B, b->x + d * B, b->v + d * B, b->g + d * B, b->noise, b->rate, s->h, s->friction,
                              s->temperature);
    }
    s->loss.kind->gradient(&s->loss, B, B, b->x, b->g);
    for (size_t d = 0; d < dim; d++) sl_adam_langevin_kick(B, b->v + d * B, b->g + d * B, b->rate, s->h);
    pace(a, b, a->keep, a->gain);
}

static sl_status positive(const char *what, double value, sl_err *err)
{
    if (value > 0 && isfinite(value)) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "%s = %g, need 0 < %s < inf", what, value, what);
}

static sl_status check(const sl_adam_langevin *s, sl_err *err)
{
    if (s->loss.kind && sl_loss_restricted(&s->loss))
        return sl_fail(err, SL_E_DOMAIN, "loss '%s' lives on a subset of space, where there is no Langevin dynamics",
                       s->loss.kind->entry.name);
    if (!(s->temperature >= 0 && isfinite(s->temperature)))
        return sl_fail(err, SL_E_DOMAIN, "temperature = %g, need 0 <= T < inf", s->temperature);
    SL_TRY(positive("time step h", s->h, err));
    SL_TRY(positive("friction", s->friction, err));
    SL_TRY(positive("decay", s->decay, err));
    SL_TRY(positive("scale", s->scale, err));
    SL_TRY(positive("power", s->power, err));
    SL_TRY(positive("low", s->low, err));
    if (!(s->high >= s->low && isfinite(s->high)))
        return sl_fail(err, SL_E_DOMAIN, "high = %g, need low = %g <= high < inf", s->high, s->low);
    return SL_OK;
}

sl_status sl_adam_langevin_run(sl_observed *o, const sl_adam_langevin *given, sl_err *err)
{
    adam_state a = {.s = *given};
    sl_adam_langevin *const s = &a.s;
    if (s->decay == 0) s->decay = 1;
    if (s->scale == 0) s->scale = 1;
    if (s->power == 0) s->power = 0.5;
    if (s->low == 0) s->low = 0.1;
    if (s->high == 0) s->high = 2;
    SL_TRY(check(s, err));
    a.keep = exp(-s->decay * s->h / 2);
    a.gain = -expm1(-s->decay * s->h / 2) / (s->decay * s->scale);
    const sl_dynamics dynamics = {
        .ensemble = &s->ensemble,
        .loss = &s->loss,
        .begin = begin,
        .step = step,
        .dynamics = &a,
        .velocity = true,
        .stationary = true,
        .weighted = true,
        .mass = 1,
        .every = SL_SAMPLE_EVERY,
    };
    return sl_ensemble_run(o, &dynamics, err);
}
