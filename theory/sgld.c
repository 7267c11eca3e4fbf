#include "theory/sgld.h"

#include <math.h>

static sl_status check(const sl_sgld_params *p, sl_err *err)
{
    if (!(p->T > 0 && isfinite(p->T))) return sl_fail(err, SL_E_DOMAIN, "sgld: T = %g, need 0 < T < inf", p->T);
    if (!(p->h > 0 && isfinite(p->h))) return sl_fail(err, SL_E_DOMAIN, "sgld: h = %g, need 0 < h < inf", p->h);
    if (!(p->s2 >= 0 && isfinite(p->s2))) return sl_fail(err, SL_E_DOMAIN, "sgld: s2 = %g, need 0 <= s2 < inf", p->s2);
    if (p->corrected && !(p->h * p->s2 <= 2 * p->T))
        return sl_fail(err, SL_E_DOMAIN, "sgld: h s2 = %g, need h s2 <= 2 T = %g for a correction", p->h * p->s2,
                       2 * p->T);
    return SL_OK;
}

sl_status sl_sgld_temperature(double *T, const sl_sgld_params *p, sl_err *err)
{
    SL_TRY(check(p, err));
    *T = p->corrected ? p->T : p->T + p->h * p->s2 / 2;
    return SL_OK;
}

sl_status sl_sgld_x2(double *x2, double a, const sl_sgld_params *p, sl_err *err)
{
    double T;
    SL_TRY(sl_sgld_temperature(&T, p, err));
    if (!(a > 0 && isfinite(a))) return sl_fail(err, SL_E_DOMAIN, "sgld: curvature a = %g, need 0 < a < inf", a);
    if (!(a * p->h < 2)) return sl_fail(err, SL_E_UNSTABLE, "sgld: a h = %g, need a h < 2", a * p->h);
    *x2 = T / (a * (1 - a * p->h / 2));
    return SL_OK;
}

typedef struct {
    const sl_sgld_params *p;
    sl_function f, derivative, second, A;
    void *ctx, *A_ctx;
} problem;

/* What A's covariance is taken with. */
static double pull(double x, void *ctx)
{
    const problem *const q = ctx;
    const double T = q->p->T, g = q->derivative(x, q->ctx);
    const double extra = q->p->corrected ? 0 : q->p->s2 * q->f(x, q->ctx) / (2 * T * T);
    return g * g / (4 * T) - q->second(x, q->ctx) / 2 + extra;
}

static double product(double x, void *ctx)
{
    const problem *const q = ctx;
    return q->A(x, q->A_ctx) * pull(x, ctx);
}

sl_status sl_sgld_bias(double *slope, double *average, sl_function f, sl_function derivative, sl_function second,
                       void *ctx, sl_function A, void *A_ctx, const sl_sgld_params *p, sl_err *err)
{
    problem q = {p, f, derivative, second, A, ctx, A_ctx};
    sl_boltzmann b;
    double mean, mean_pull, mean_product;
    SL_TRY(sl_boltzmann_solve(&b, f, derivative, ctx, p->T, 0, err));
    SL_TRY(sl_boltzmann_average(&mean, &b, f, ctx, p->T, A, A_ctx, err));
    SL_TRY(sl_boltzmann_average(&mean_pull, &b, f, ctx, p->T, pull, &q, err));
    SL_TRY(sl_boltzmann_average(&mean_product, &b, f, ctx, p->T, product, &q, err));
    *slope = mean_product - mean * mean_pull;
    *average = mean;
    return SL_OK;
}
