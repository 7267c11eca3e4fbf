/* Li, Tai and E 2015: stochastic modified equations. SGD x' = x - l (f'(x) + n), n ~ N(0, s2), follows
 *   order 1: dX = -f' dt + sqrt(l s2) dW
 *   order 2: dX = -(f + (l/4) f'^2)' dt + sqrt(l s2) dW
 * in the mean of any smooth function, to O(l) and O(l^2) at a fixed time t = k l. Both sides without sampling: the
 * chain's transfer operator and the equations' Fokker-Planck operators. */
#include <math.h>
#include <stdio.h>

#include "claims/exact.h"
#include "claims/operators.h"
#include "claims/synthetic.h"
#include "theory/weak.h"

/* ---- The double well's modified loss f + (l/4) f'^2, a loss of its own ------------------------------------------- */

/* data[0]: l. */
static void modified_value(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    (void)stride;
    for (size_t i = 0; i < B; i++) {
        const double w = x[i] * x[i] - 1, slope = x[i] * w;
        f[i] = w * w / 4 + loss->data[0] / 4 * slope * slope;
    }
}

static void modified_gradient(const sl_loss *loss, size_t B, size_t stride, const double *x, double *g)
{
    (void)stride;
    for (size_t i = 0; i < B; i++) {
        const double slope = x[i] * (x[i] * x[i] - 1);
        g[i] = slope + loss->data[0] / 2 * (3 * x[i] * x[i] - 1) * slope;
    }
}

static const sl_loss_kind modified_well = {
    .entry = {.name = "modified-double-well", .help = "f + (l/4) f'^2 of the double well", .source = "Li, Tai, E 2015"},
    .value = modified_value,
    .gradient = modified_gradient,
    .confining = true,
    .separable = true,
};

/* ---- Both sides ------------------------------------------------------------------------------------------------ */

enum { MOMENTS = 3 };
static const char *const moments[MOMENTS] = {"x", "x2", "x4"};
static const double start = 0.5, spread = 0.1, until = 1, s2 = 2;

static sl_status moments_at(sl_estimate m[MOMENTS], const sl_operator *op, double time, sl_err *err)
{
    const sl_question q = {
        .task = SL_TASK_EVOLVE, .from = {start}, .spread = spread, .times = {time}, .n_times = 1};
    sl_answer a;
    SL_TRY(sl_exact_solve(&a, op, &q, err));
    for (int i = 0; i < MOMENTS; i++) m[i] = sl_exact_number(&a, moments[i], 0);
    sl_answer_clear(&a);
    return SL_OK;
}

/* What the equation of that order errs by at rate l. */
static sl_status weak_error(sl_estimate e[MOMENTS], int order, double l, const sl_lab *lab, sl_err *err)
{
    const sl_sgd_chain chain = {.loss = "double-well", .l = l, .s2 = s2};
    sl_operator discrete, continuous;
    sl_estimate sgd[MOMENTS], equation[MOMENTS];
    SL_TRY(sl_exact_chain(&discrete, &chain, lab, err));
    SL_TRY(sl_exact_overdamped(&continuous, "double-well", l * s2 / 2, lab, err));
    if (order == 2) {
        SL_TRY(sl_loss_init_kind(&continuous.loss, &modified_well, err));
        continuous.loss.data[0] = l;
    }
    SL_TRY(moments_at(sgd, &discrete, round(until / l), err));
    SL_TRY(moments_at(equation, &continuous, until, err));
    for (int i = 0; i < MOMENTS; i++) e[i] = sl_difference(sgd[i], equation[i]);
    return SL_OK;
}

/* On f = x^2/2, where all is known in closed form: the order of the error of <x^2>, from l and l/2. (Started at 1.5:
 * from 0.5 the errors of mean and variance nearly cancel.) */
static sl_status quadratic_order(double *order, int equation, double l, sl_err *err)
{
    double error[2];
    for (int i = 0; i < 2; i++) {
        const double rate = l / (i + 1);
        sl_gaussian sgd, limit;
        SL_TRY(sl_weak_sgd(&sgd, 1, rate, s2, 1.5, round(until / rate), err));
        SL_TRY(sl_weak_equation(&limit, equation, 1, rate, s2, 1.5, until, err));
        error[i] = sgd.variance + sgd.mean * sgd.mean - limit.variance - limit.mean * limit.mean;
    }
    *order = log2(fabs(error[0] / error[1]));
    return SL_OK;
}

/* Slopes from l and l/2; the next order in l moves them by up to 14 l, half of the tolerance, which shrinks with l. */
static sl_status weak_order(const sl_lab *lab, sl_finding *f, int order, sl_err *err)
{
    /* The temperature l s2/2 falls with l: at l = 0.001 densities at the start underflow. */
    static const double refinements[] = {[SL_QUICK] = 1, [SL_DESK] = 3, [SL_PAPER] = 4};
    const double r = refinements[lab->scale], l = 0.005 / r;
    sl_estimate coarse[MOMENTS], fine[MOMENTS];
    double quadratic;
    SL_TRY(weak_error(coarse, order, l, lab, err));
    SL_TRY(weak_error(fine, order, l / 2, lab, err));
    for (int i = 0; i < MOMENTS; i++)
        SL_TRY(sl_finding_add(f, sl_measured_order(coarse[i], fine[i]), order, 0.15 / r, 3 - order, err,
                              "double well: order of the error of <%s> in l, t=%g", moments[i], until));
    SL_TRY(quadratic_order(&quadratic, order, l, err));
    SL_TRY(sl_finding_add(f, sl_exact(quadratic), order, 0.15 / r, 3 - order, err,
                          "quadratic: order of the error of <x^2> in l, t=%g", until));
    snprintf(f->note, sizeof f->note, "errors at l = %.3g: <x> %.2g, <x^2> %.2g, <x^4> %.2g; nothing is sampled", l,
             coarse[0].value, coarse[1].value, coarse[2].value);
    return SL_OK;
}

static sl_status weak_order_1(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    return weak_order(lab, f, 1, err);
}

static sl_status weak_order_2(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    return weak_order(lab, f, 2, err);
}

const sl_claim sl_claim_li_tai_e_weak_order_1 = {
    .id = "li-tai-e.weak-order.1",
    .paper = "Li, Tai and E 2015",
    .equation = "theorem 1, order 1",
    .statement = "dX = -f' dt + sqrt(l s2) dW follows SGD in the mean of smooth functions to O(l)",
    .expected = SL_HOLDS,
    .measure = weak_order_1,
    .parts = MOMENTS + 1,
};

const sl_claim sl_claim_li_tai_e_weak_order_2 = {
    .id = "li-tai-e.weak-order.2",
    .paper = "Li, Tai and E 2015",
    .equation = "theorem 1, order 2",
    .statement = "dX = -(f + (l/4) f'^2)' dt + sqrt(l s2) dW follows SGD in the mean of smooth functions to O(l^2)",
    .expected = SL_HOLDS,
    .measure = weak_order_2,
    .parts = MOMENTS + 1,
};
