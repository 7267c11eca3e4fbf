#include "claims/exact.h"

#include <math.h>
#include <stdio.h>

#include "theory/temperature.h"

static sl_status begin(sl_operator *op, const sl_operator_kind *kind, const char *loss, const sl_lab *lab, sl_err *err)
{
    *op = (sl_operator){.kind = kind, .seed = lab->seed, .jobs = lab->jobs};
    return sl_loss_init(&op->loss, loss, err);
}

sl_status sl_exact_chain(sl_operator *op, const sl_sgd_chain *c, const sl_lab *lab, sl_err *err)
{
    SL_TRY(begin(op, &sl_transfer, c->loss, lab, err));
    op->noise_variance = c->s2;
    SL_TRY(sl_rule_init(&op->rule, c->mu > 0 ? "heavy-ball" : "plain", c->alpha_on, c->l, c->mu, 0, err));
    return sl_schedule_init(&op->schedule, c->schedule ? c->schedule : "constant", c->l, 1, 1, err);
}

sl_status sl_exact_law_at(sl_answer *a, const char *loss, double T, double l, double delta, const sl_lab *lab,
                          sl_err *err)
{
    char schedule[32];
    snprintf(schedule, sizeof schedule, "random:delta=%g", delta);
    const sl_sgd_chain chain = {
        .loss = loss, .schedule = delta > 0 ? schedule : NULL, .l = l, .s2 = 2 * T / (l * sl_alpha_q(delta))};
    const sl_question q = {.task = SL_TASK_STATIONARY};
    sl_operator op;
    SL_TRY(sl_exact_chain(&op, &chain, lab, err));
    op.temperature = T;
    return sl_exact_solve(a, &op, &q, err);
}

sl_status sl_exact_overdamped(sl_operator *op, const char *loss, double T, const sl_lab *lab, sl_err *err)
{
    SL_TRY(begin(op, &sl_fokker_planck, loss, lab, err));
    op->temperature = T;
    return SL_OK;
}

sl_status sl_exact_underdamped(sl_operator *op, const char *loss, double T, double g, const sl_lab *lab, sl_err *err)
{
    SL_TRY(begin(op, &sl_klein_kramers, loss, lab, err));
    op->temperature = T;
    op->friction = g;
    return SL_OK;
}

sl_status sl_exact_solve(sl_answer *a, const sl_operator *op, const sl_question *q, sl_err *err)
{
    *a = (sl_answer){0};
    const sl_status st = sl_operator_solve(a, op, q, err);
    return st == SL_UNDECIDED ? SL_OK : st;
}

sl_estimate sl_exact_number(const sl_answer *a, const char *name, size_t index)
{
    const sl_number number = sl_answer_number(a, name, index);
    return (sl_estimate){number.value, number.error, INFINITY};
}

sl_estimate sl_measured_order(sl_estimate a, sl_estimate b)
{
    const sl_estimate ratio = sl_ratio(a, b);
    return (sl_estimate){log2(fabs(ratio.value)), ratio.se / (fabs(ratio.value) * M_LN2), ratio.dof};
}

sl_estimate sl_extrapolated(sl_estimate a, sl_estimate b)
{
    return sl_difference(sl_scaled(2, b), a);
}
