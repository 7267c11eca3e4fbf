/* Schedules as functions of u: tail integrals and the exponent by quadrature. */
#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <math.h>

#include "base/gsl.h"
#include "theory/annealing.h"

enum { LIMIT = 1000 };
#define INNER 1e-10
#define OUTER 1e-9

typedef struct {
    sl_anneal_shape h;
    void *ctx;
    double tail, w, scale;
    gsl_integration_workspace *inner, *outer;
    int failed; /* GSL's code of an inner integral, 0: none */
} shape;

/* int_0^tail h d left = tail int_0^inf h(tail e^-y) e^-y dy, which resolves every scale of the tail. */
static double tail_term(double y, void *ctx)
{
    const shape *s = ctx;
    const double left = s->tail * exp(-y);
    return left > 0 ? s->h(left, s->ctx) / s->scale * exp(-y) : 0;
}

/* GSL reports roundoff where the tolerance is met but for the last digits; the estimate then decides. */
static int integrate(double *result, double (*f)(double, void *), void *ctx, double tolerance,
                     gsl_integration_workspace *ws)
{
    const gsl_function g = {.function = f, .params = ctx};
    double error;
    const int code = gsl_integration_qagiu((gsl_function *)&g, 0, 0, tolerance, LIMIT, ws, result, &error);
    if (!isfinite(*result)) return GSL_EFAILED;
    return code == GSL_EROUND && error <= 100 * tolerance * fabs(*result) ? GSL_SUCCESS : code;
}

static double tail_sum(shape *s, double tail)
{
    shape part = *s;
    double H = 0;
    const double here = s->h(tail, s->ctx);
    part.tail = tail;
    part.scale = here > 0 ? here : 1; /* integrals of numbers of order 1, however small h is */
    const int code = integrate(&H, tail_term, &part, INNER, s->inner);
    if (code) s->failed = code;
    return tail * part.scale * H;
}

/* J = int_0^tail h^2/(H + w) d left, left = tail e^-y. */
static double noise_term(double y, void *ctx)
{
    shape *s = ctx;
    const double left = s->tail * exp(-y), h = left > 1e-100 ? s->h(left, s->ctx) : 0;
    if (!(h > 1e-100)) return 0; /* products below would underflow; J has no more than 1e-100^p there */
    return left * h * h / (tail_sum(s, left) + s->w);
}

static sl_status check_tail(double tail, sl_err *err)
{
    if (!(tail > 0 && tail <= 1)) return sl_fail(err, SL_E_DOMAIN, "1 - u = %g, need 0 < 1 - u <= 1", tail);
    return SL_OK;
}

static sl_status with_workspaces(double *H, double *J, shape *s, sl_err *err)
{
    const double sum = tail_sum(s, s->tail);
    if (s->failed || !(sum >= 0))
        return sl_fail(err, SL_E_NUMERIC, "the integral of h from u = %g failed: %s", 1 - s->tail,
                       gsl_strerror(s->failed));
    if (!(sum > 0)) return sl_fail(err, SL_E_NUMERIC, "h is 0 from u = %g on", 1 - s->tail);
    if (J) {
        double noise;
        const int code = integrate(&noise, noise_term, s, OUTER, s->outer);
        if (code || s->failed)
            return sl_fail(err, SL_E_NUMERIC, "the integral of h^2/H from u = %g failed: %s", 1 - s->tail,
                           gsl_strerror(code ? code : s->failed));
        /* without w the integrand has to vanish by the end of the range that numbers have */
        if (!(s->w > 0) && noise_term(log(s->tail / 2e-100), s) > 1e-6 * noise)
            return sl_fail(err, SL_E_NUMERIC, "the integral of h^2/H diverges at u = 1: h(1) > 0 needs w > 0");
        *J = noise + s->w;
    }
    *H = sum;
    return SL_OK;
}

static sl_status integrals(double *H, double *J, shape *s, sl_err *err)
{
    sl_gsl_quiet();
    s->inner = gsl_integration_workspace_alloc(LIMIT);
    s->outer = gsl_integration_workspace_alloc(LIMIT);
    const sl_status st =
        s->inner && s->outer ? with_workspaces(H, J, s, err) : sl_fail(err, SL_E_MEMORY, "no memory for a quadrature");
    if (s->inner) gsl_integration_workspace_free(s->inner);
    if (s->outer) gsl_integration_workspace_free(s->outer);
    return st;
}

sl_status sl_anneal_integrals(double *H, double *J, sl_anneal_shape h, void *ctx, double tail, double w, sl_err *err)
{
    SL_TRY(check_tail(tail, err));
    if (!(w >= 0 && isfinite(w))) return sl_fail(err, SL_E_DOMAIN, "w = %g, need 0 or more", w);
    shape s = {.h = h, .ctx = ctx, .tail = tail, .w = w};
    double sum, noise;
    SL_TRY(integrals(&sum, &noise, &s, err));
    *H = sum + w;
    *J = noise;
    return SL_OK;
}

sl_status sl_anneal_local_exponent(double *exponent, sl_anneal_shape h, void *ctx, double tail, sl_err *err)
{
    static const double step = 1e-4; /* of log tail: differences err by step^2 */
    SL_TRY(check_tail(tail, err));
    shape s = {.h = h, .ctx = ctx, .tail = tail};
    double H;
    SL_TRY(integrals(&H, NULL, &s, err));
    const double here = h(tail, ctx), before = h(tail * exp(-step), ctx), after = h(fmin(tail * exp(step), 1), ctx);
    const double width = log(fmin(tail * exp(step), 1) / tail) + step;
    if (!(here > 0 && before > 0 && after > 0)) return sl_fail(err, SL_E_NUMERIC, "h is 0 at u = %g", 1 - tail);
    const double beta = log(after / before) / width, a = tail * here / H;
    *exponent = (2 * a - 1 - 2 * beta) / (1 + 2 * beta);
    return SL_OK;
}
