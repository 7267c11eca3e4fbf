#include <math.h>
#include <string.h>

#include "sim/block.h"

static void step(const void *dynamics, sl_block *b, uint64_t k)
{
    const sl_sgd_state *s = dynamics;
    const sl_sgd *sgd = s->sgd;
    double rate = 0;
    if (s->random_rate)
        sl_block_rates(b, &sgd->schedule, s->schedule_seed, k, b->rate);
    else
        rate = sl_schedule_lr(&sgd->schedule, s->schedule_seed, 0, k);
    if (sgd->noise_variance > 0) {
        sl_noise_source source = {.block = b, .ensemble = &sgd->ensemble, .step = k};
        if (s->sampled) memset(b->g, 0, sgd->loss.dim * b->B * sizeof *b->g);
        s->noise->add(&sgd->noise, &sgd->loss, sgd->noise_variance, &source, b->g);
    }
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
        .every = stationary ? SL_SAMPLE_EVERY : 1,
    };
    return SL_OK;
}

sl_status sl_sgd_run(sl_observed *o, const sl_sgd *sgd, sl_err *err)
{
    sl_sgd_state state;
    sl_dynamics dynamics;
    SL_TRY(sl_sgd_dynamics(&dynamics, &state, sgd, err));
    return sl_ensemble_run(o, &dynamics, err);
}
