#include "claims/crossing.h"

#include <math.h>
#include <stdio.h>

#include "base/spec.h"
#include "claims/exact.h"
#include "claims/synthetic.h"
#include "sim/escape/splitting.h"
#include "sim/landscape.h"
#include "theory/temperature.h"

double sl_crossing_noise(double T, double l, double delta)
{
    return 2 * T / (l * sl_alpha_q(delta));
}

static void schedule_of(char text[64], double delta)
{
    char number[32];
    sl_print_double(number, delta);
    snprintf(text, 64, delta > 0 ? "random:delta=%s" : "constant", number);
}

sl_status sl_crossing_exact(sl_estimate *steps, const sl_crossing *c, double reach, double tolerance, const sl_lab *lab,
                            sl_err *err)
{
    char schedule[64];
    schedule_of(schedule, c->delta);
    const sl_sgd_chain chain = {.loss = c->loss, .schedule = schedule, .l = c->l, .s2 = c->s2};
    const sl_question q = {.task = SL_TASK_MFPT, .from = {c->from}, .to = {c->to}};
    sl_operator op;
    sl_answer a;
    SL_TRY(sl_exact_chain(&op, &chain, lab, err));
    op.lo[0] = -reach;
    op.hi[0] = reach;
    op.tolerance = tolerance;
    SL_TRY(sl_exact_solve(&a, &op, &q, err));
    *steps = sl_exact_number(&a, "mfpt", 0);
    sl_answer_clear(&a);
    return SL_OK;
}

static sl_status prepare(sl_sgd *sgd, const sl_crossing *c, const sl_lab *lab, uint32_t experiment, sl_err *err)
{
    char schedule[64];
    schedule_of(schedule, c->delta);
    *sgd = (sl_sgd){.ensemble = {.seed = lab->seed, .experiment = experiment, .start = &c->from, .jobs = lab->jobs},
                    .noise_variance = c->s2};
    SL_TRY(sl_loss_init(&sgd->loss, c->loss, err));
    SL_TRY(sl_rule_init(&sgd->rule, "plain", SL_ALPHA_ON_GRADIENT, c->l, 0, 0, err));
    SL_TRY(sl_noise_init(&sgd->noise, c->noise ? c->noise : "gaussian", &sgd->loss, err));
    return sl_schedule_init(&sgd->schedule, schedule, c->l, 1, 1, err);
}

sl_status sl_crossing_exits(sl_exits *e, const sl_crossing *c, double replicas, double limit, const sl_lab *lab,
                            uint32_t experiment, sl_err *err)
{
    const double side = c->to > c->from ? 1 : -1;
    sl_escape how = {.region = {.n = 1}};
    sl_sgd sgd;
    if (c->either_side)
        sl_region_ball(&how.region, &c->from, 1, fabs(c->to - c->from));
    else
        how.region.set[0] = (sl_set){.kind = SL_SET_HALF, .point = {side}, .level = side * c->to};
    SL_TRY(prepare(&sgd, c, lab, experiment, err));
    sgd.ensemble.replicas = (uint64_t)replicas;
    sgd.ensemble.steps = (uint64_t)ceil(limit);
    return sl_synthetic_escape(e, &sgd, &how, err);
}

sl_status sl_exits_mean(sl_estimate *steps, const sl_exits *e, sl_err *err)
{
    const double exited = (double)e->exited, n = (double)e->replicas;
    double at_risk = 0, squares = 0;
    for (uint64_t r = 0; r < e->replicas; r++) at_risk += (double)e->time[r];
    if (exited < 2)
        return sl_fail(err, SL_DIVERGED, "%g of %llu trajectories came to an exit, need 2", exited,
                       (unsigned long long)e->replicas);
    const double mean = at_risk / exited;
    for (uint64_t r = 0; r < e->replicas; r++) {
        const double residual = (double)e->time[r] - (e->by[r] < SL_EXIT_CENSORED ? mean : 0);
        squares += residual * residual;
    }
    *steps = (sl_estimate){mean, sqrt(squares * n / (n - 1)) / exited, exited - 1};
    return SL_OK;
}

sl_status sl_crossing_sampled(sl_estimate *steps, const sl_crossing *c, double replicas, double limit,
                              const sl_lab *lab, uint32_t experiment, sl_err *err)
{
    sl_exits e = {0};
    SL_TRY(sl_crossing_exits(&e, c, replicas, limit, lab, experiment, err));
    const sl_status st = sl_exits_mean(steps, &e, err);
    sl_exits_clear(&e);
    return st;
}

sl_status sl_crossing_split(sl_estimate *steps, const sl_crossing *c, size_t particles, size_t repeats,
                            const sl_lab *lab, uint32_t experiment, sl_err *err)
{
    sl_splitting how = {.xi = {1}, .a = c->from, .b = {.n = 1}, .particles = particles, .repeats = repeats};
    sl_sgd sgd;
    sl_rare rare;
    double curvature;
    SL_TRY(prepare(&sgd, c, lab, experiment, err));
    sl_loss_hessian(&sgd.loss, &c->from, &curvature);
    how.z = c->from + sqrt(c->l * sl_alpha_q(c->delta) * c->s2 / (2 * curvature));
    how.b.set[0] = (sl_set){.kind = SL_SET_HALF, .point = {1}, .level = c->to};
    SL_TRY(sl_sgd_splitting(&rare, &sgd, &how, err));
    *steps = rare.time;
    return SL_OK;
}

sl_estimate sl_log_of(sl_estimate e)
{
    return (sl_estimate){log(e.value), e.se / fabs(e.value), e.dof};
}

sl_estimate sl_exponent(sl_estimate a, sl_estimate b, double by)
{
    sl_estimate e = sl_scaled(1 / by, sl_difference(sl_log_of(a), sl_log_of(b)));
    e.se = fabs(e.se);
    return e;
}
