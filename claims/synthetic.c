#include "claims/synthetic.h"

#include <math.h>
#include <stdio.h>

/* Blocks enough for many cores, and so many degrees of freedom that Student's law is normal. */
enum { REPLICAS = 16384 };

double sl_lab_refinement(const sl_lab *lab)
{
    static const double refinement[] = {[SL_QUICK] = 1, [SL_DESK] = 3, [SL_PAPER] = 10};
    return refinement[lab->scale];
}

void sl_lab_report(const sl_lab *lab, const char *what, size_t done, size_t of)
{
    if (lab->progress) lab->progress(lab->progress_ctx, what, (double)done / (double)of);
}

double sl_synthetic_temperature(const sl_synthetic *s, double q)
{
    const sl_temp_params p = {.l = s->l, .mu = s->mu, .C = s->C, .D = q * s->D0};
    double T = NAN;
    return sl_temp_effective(&T, &p, NULL) == SL_OK ? T : NAN;
}

sl_status sl_synthetic_prepare(sl_sgd *sgd, const sl_synthetic *s, const sl_lab *lab, uint32_t experiment, sl_err *err)
{
    const double steps = ceil(s->updates / REPLICAS);
    *sgd = (sl_sgd){
        .ensemble = {.seed = lab->seed,
                     .experiment = experiment,
                     .replicas = REPLICAS,
                     .steps = (uint64_t)steps,
                     .burn_in = (uint64_t)ceil(15 * s->relaxation),
                     .jobs = lab->jobs},
        .noise_variance = s->D0 / s->C,
    };
    char schedule[64] = "constant", delta[32];
    if (s->delta > 0) {
        sl_print_double(delta, s->delta);
        snprintf(schedule, sizeof schedule, "random:delta=%s", delta);
    }
    SL_TRY(sl_loss_init(&sgd->loss, s->loss, err));
    SL_TRY(sl_rule_init(&sgd->rule, s->rule, s->alpha_on, s->l, s->mu, 0, err));
    return sl_schedule_init(&sgd->schedule, schedule, s->l, 1, 1, err);
}

sl_status sl_synthetic_measure(sl_observed *o, const sl_sgd *sgd, sl_err *err)
{
    sl_observed out = {0};
    const sl_status st = sl_sgd_run(&out, sgd, err);
    if (st != SL_OK) {
        sl_observed_clear(&out);
        return sl_fail_in(err, st, "%s with %s at l = %g, mu = %g", sgd->loss.spec.entry->name,
                          sl_rule_name(&sgd->rule), sgd->rule.lr, sgd->rule.mu);
    }
    *o = out;
    return SL_OK;
}

sl_status sl_synthetic_run(sl_observed *o, const sl_synthetic *s, const sl_lab *lab, uint32_t experiment, sl_err *err)
{
    sl_sgd sgd;
    SL_TRY(sl_synthetic_prepare(&sgd, s, lab, experiment, err));
    return sl_synthetic_measure(o, &sgd, err);
}

sl_status sl_synthetic_escape(sl_exits *e, const sl_sgd *sgd, const sl_escape *how, sl_err *err)
{
    sl_exits out = {0};
    const sl_status st = sl_sgd_escape(&out, sgd, how, err);
    if (st == SL_OK)
        *e = out;
    else
        sl_exits_clear(&out);
    return st;
}

double sl_synthetic_relaxation(double al, double mu)
{
    return fmax((1 - mu) / (2 * al), 1 / (1 - mu));
}

double sl_well(double x, void *ctx)
{
    (void)ctx;
    return (x * x - 1) * (x * x - 1) / 4;
}

double sl_well_slope(double x, void *ctx)
{
    (void)ctx;
    return x * (x * x - 1);
}

double sl_well_curvature(double x, void *ctx)
{
    (void)ctx;
    return 3 * x * x - 1;
}
