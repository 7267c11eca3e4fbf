#include <math.h>

#include "sim/block.h"
#include "sim/langevin_kernel.h"
#include "sim/samplers.h"

typedef struct {
    const sl_sgld *s;
    const sl_noise_kind *noise;
    double sigma; /* deviation of a step's thermal noise */
} sgld_state;

static void step(const void *dynamics, sl_block *b, uint64_t k)
{
    const sgld_state *const state = dynamics;
    const sl_sgld *const s = state->s;
    if (s->noise_variance > 0) {
        sl_noise_source source = {.block = b, .ensemble = &s->ensemble, .step = k};
        state->noise->add(&s->noise, &s->loss, s->noise_variance, &source, b->g);
    }
    for (size_t d = 0; d < s->loss.dim; d++) {
        sl_block_normals(b, &s->ensemble, SL_PURPOSE_THERMAL, d, k, state->sigma, b->noise);
        sl_langevin_euler(b->B, b->x + d * b->B, b->g + d * b->B, b->noise, s->h);
    }
    s->loss.kind->gradient(&s->loss, b->B, b->B, b->x, b->g);
}

static sl_status check(const sl_sgld *s, const sl_noise_kind *noise, sl_err *err)
{
    if (s->loss.kind && sl_loss_restricted(&s->loss))
        return sl_fail(err, SL_E_DOMAIN, "loss '%s' lives on a subset of space, where there is no Langevin dynamics",
                       s->loss.kind->entry.name);
    if (!(s->temperature >= 0 && isfinite(s->temperature)))
        return sl_fail(err, SL_E_DOMAIN, "temperature = %g, need 0 <= T < inf", s->temperature);
    if (!(s->h > 0 && isfinite(s->h))) return sl_fail(err, SL_E_DOMAIN, "time step h = %g, need 0 < h < inf", s->h);
    if (!(s->noise_variance >= 0 && isfinite(s->noise_variance)))
        return sl_fail(err, SL_E_DOMAIN, "noise variance = %g, need 0 <= noise variance < inf", s->noise_variance);
    if (!s->corrected) return SL_OK;
    if (noise->covariance || s->noise.infinite_variance)
        return sl_fail(err, SL_E_CONFIG, "sgld: the correction needs noise of one variance everywhere and in every "
                       "direction, which '%s' is not", noise->entry.name);
    if (!(s->h * s->noise_variance <= 2 * s->temperature))
        return sl_fail(err, SL_E_DOMAIN, "sgld: gradient noise of variance %g makes a temperature of %g alone at "
                       "h = %g, need h <= 2 T / variance = %g for a correction", s->noise_variance,
                       s->h * s->noise_variance / 2, s->h, 2 * s->temperature / s->noise_variance);
    return SL_OK;
}

sl_status sl_sgld_run(sl_observed *o, const sl_sgld *s, sl_err *err)
{
    const sl_noise_kind *const noise = s->noise.kind ? s->noise.kind : sl_noises[0];
    SL_TRY(check(s, noise, err));
    const double taken = s->corrected ? s->h * s->h * s->noise_variance : 0;
    const sgld_state state = {
        .s = s, .noise = noise, .sigma = sqrt(fmax(2 * s->temperature * s->h - taken, 0))};
    const sl_dynamics dynamics = {
        .ensemble = &s->ensemble,
        .loss = &s->loss,
        .step = step,
        .dynamics = &state,
        .stationary = !s->noise.remembers,
        .every = SL_SAMPLE_EVERY,
    };
    return sl_ensemble_run(o, &dynamics, err);
}
