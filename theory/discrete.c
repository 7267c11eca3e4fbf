#include "theory/discrete.h"

#include <gsl/gsl_integration.h>

#include "base/gsl.h"

typedef struct {
    sl_function f, derivative, second;
    void *ctx;
    double T;
    sl_first_order order; /* q, c3, origin; shift is 0 while it is being found */
    gsl_integration_glfixed_table *rule; /* NULL where int f'^3 has no share */
} correction;

/* int f'^3 dx from the origin to x, by a Gauss-Legendre rule that is exact for a polynomial f of degree 20. */
enum { NODES = 32 };
static double cubed_slope(double x, void *ctx)
{
    const correction *k = ctx;
    const double slope = k->derivative(x, k->ctx);
    return slope * slope * slope;
}

static double c_of(double x, const correction *k)
{
    const sl_first_order *o = &k->order;
    const double slope = k->derivative(x, k->ctx);
    double c = (3 * o->c3 - o->q) / (2 * k->T) * slope * slope - o->c3 * k->second(x, k->ctx) - o->shift;
    if (k->rule) {
        const gsl_function h = {cubed_slope, (void *)k};
        c += (o->q / 2 - o->c3) / (k->T * k->T) * gsl_integration_glfixed(&h, o->origin, x, k->rule);
    }
    return c;
}

static double c_alone(double x, void *ctx)
{
    return c_of(x, ctx);
}

static double c_squared(double x, void *ctx)
{
    return c_of(x, ctx) * c_of(x, ctx);
}

static double c_times_f(double x, void *ctx)
{
    const correction *k = ctx;
    return c_of(x, k) * k->f(x, k->ctx);
}

static double c_times_x2(double x, void *ctx)
{
    return c_of(x, ctx) * x * x;
}

/* The rule only where c needs it: q/2 = c3 for a constant rate. */
static sl_status open_correction(correction *k, sl_err *err)
{
    sl_gsl_quiet();
    k->rule = NULL;
    if (k->order.q == 2 * k->order.c3) return SL_OK;
    k->rule = gsl_integration_glfixed_table_alloc(NODES);
    return k->rule ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for a quadrature rule");
}

static void close_correction(correction *k)
{
    if (k->rule) gsl_integration_glfixed_table_free(k->rule);
}

static sl_status averages(sl_first_order *out, correction *k, const sl_boltzmann *b, sl_err *err)
{
    double mean, square;
    SL_TRY(sl_boltzmann_average(&mean, b, k->f, k->ctx, k->T, c_alone, k, err));
    k->order.shift = mean;
    SL_TRY(sl_boltzmann_average(&square, b, k->f, k->ctx, k->T, c_squared, k, err));
    SL_TRY(sl_boltzmann_average(&k->order.f_per_l, b, k->f, k->ctx, k->T, c_times_f, k, err));
    SL_TRY(sl_boltzmann_average(&k->order.x2_per_l, b, k->f, k->ctx, k->T, c_times_x2, k, err));
    k->order.kl_per_l2 = square / 2;
    *out = k->order;
    return SL_OK;
}

sl_status sl_discrete_first_order(sl_first_order *o, const sl_boltzmann *b, sl_function f, sl_function derivative,
                                  sl_function second, void *ctx, double T, const sl_alpha_law *alpha, sl_err *err)
{
    correction k = {.f = f, .derivative = derivative, .second = second, .ctx = ctx, .T = T};
    double q = 1, third = 1, fourth = 1;
    if (alpha) {
        q = third = fourth = 0;
        for (size_t i = 0; i < alpha->n; i++) {
            const double square = alpha->node[i] * alpha->node[i];
            q += alpha->weight[i] * square;
            third += alpha->weight[i] * square * alpha->node[i];
            fourth += alpha->weight[i] * square * square;
        }
    }
    k.order.q = q;
    k.order.c3 = third / q - fourth / (2 * q * q);
    k.order.origin = b->bottom;
    SL_TRY(open_correction(&k, err));
    const sl_status st = averages(o, &k, b, err);
    close_correction(&k);
    return st;
}

sl_status sl_discrete_correction(double *c, const sl_first_order *o, sl_function derivative, sl_function second,
                                 void *ctx, double T, double x, sl_err *err)
{
    correction k = {.derivative = derivative, .second = second, .ctx = ctx, .T = T, .order = *o};
    SL_TRY(open_correction(&k, err));
    *c = c_of(x, &k);
    close_correction(&k);
    return SL_OK;
}
