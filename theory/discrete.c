#include "theory/discrete.h"

typedef struct {
    sl_function f, derivative, second;
    void *ctx;
    double T;
    double shift; /* <c> before centring; 0 while it is being found */
} correction;

static double c_of(double x, const correction *k)
{
    const double slope = k->derivative(x, k->ctx);
    return slope * slope / (4 * k->T) - k->second(x, k->ctx) / 2 - k->shift;
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

sl_status sl_discrete_first_order(sl_first_order *o, const sl_boltzmann *b, sl_function f, sl_function derivative,
                                  sl_function second, void *ctx, double T, sl_err *err)
{
    correction k = {.f = f, .derivative = derivative, .second = second, .ctx = ctx, .T = T};
    double mean, square;
    sl_first_order out;
    SL_TRY(sl_boltzmann_average(&mean, b, f, ctx, T, c_alone, &k, err));
    k.shift = mean;
    SL_TRY(sl_boltzmann_average(&square, b, f, ctx, T, c_squared, &k, err));
    SL_TRY(sl_boltzmann_average(&out.f_per_l, b, f, ctx, T, c_times_f, &k, err));
    SL_TRY(sl_boltzmann_average(&out.x2_per_l, b, f, ctx, T, c_times_x2, &k, err));
    out.kl_per_l2 = square / 2;
    out.shift = mean;
    *o = out;
    return SL_OK;
}

double sl_discrete_correction(const sl_first_order *o, sl_function derivative, sl_function second, void *ctx, double T,
                              double x)
{
    const correction k = {.derivative = derivative, .second = second, .ctx = ctx, .T = T, .shift = o->shift};
    return c_of(x, &k);
}
