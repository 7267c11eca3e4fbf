#include "sim/convex/rate_curve.h"

#include <math.h>

/* One of n runs that follow each other. */
typedef struct {
    const sl_rate_curve *curve;
    size_t i, n;
} part;

static void tell(void *ctx, double fraction)
{
    const part *const p = ctx;
    p->curve->progress(p->curve->progress_ctx, ((double)p->i + fraction) / (double)p->n);
}

sl_status sl_rate_curve_run(sl_estimate *excess, const double *factor, size_t n, const sl_rate_curve *c, sl_err *err)
{
    if (!isfinite(c->loss.least))
        return sl_fail(err, SL_E_CONFIG, "the least value of loss '%s' is not known, so what is above it is not either",
                       c->loss.kind->entry.name);
    const uint64_t T = c->schedule.total_steps;
    char text[1024];
    sl_spec_print(text, sizeof text, &c->schedule.spec);
    for (size_t i = 0; i < n; i++) {
        part here = {c, i, n};
        sl_sgd sgd = {.loss = c->loss, .noise = c->noise, .noise_variance = c->noise_variance};
        sgd.ensemble = (sl_ensemble){
            .seed = c->seed, .replicas = c->replicas, .steps = 1, .burn_in = T - 1, .sample_every = 1, .jobs = c->jobs};
        if (c->progress) sgd.ensemble.progress = tell, sgd.ensemble.progress_ctx = &here;
        SL_TRY(sl_schedule_init(&sgd.schedule, text, c->schedule.lr * factor[i], c->schedule.steps_per_epoch, T, err));
        SL_TRY(sl_rule_init(&sgd.rule, "plain", SL_ALPHA_ON_STEP, sgd.schedule.lr, 0, 0, err));
        sl_observed o = {0};
        const sl_status st = sl_sgd_run(&o, &sgd, err);
        if (st < 0 || st == SL_INTERRUPTED) return st;
        excess[i] = o.loss;
        excess[i].value -= c->loss.least;
        if (st == SL_DIVERGED || !isfinite(excess[i].value)) excess[i] = (sl_estimate){INFINITY, NAN, NAN};
        sl_observed_clear(&o);
    }
    return SL_OK;
}
