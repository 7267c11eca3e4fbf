#include "optim/rule_kernel.h"

#include "base/kernel.h"

/* The formulas of optim/rule.h, once for all types: d = a_g (g + w x), u = v'. The kernels differ in the type of a
 * coordinate and in where a_g and a_s come from, which are expressions that may use i. */
#define LOOP(real, A_G, A_S, ...)                                               \
    _Pragma("omp simd") for (size_t i = 0; i < n; i++)                          \
    {                                                                           \
        const real a_s_i = (A_S), d = (A_G) * (g[i] + w * x[i]);                \
        __VA_ARGS__                                                             \
    }                                                                           \
    break

#define RULES(real, A_G, A_S)                                                                                     \
    switch (kind) {                                                                                               \
    case SL_RULE_PLAIN: LOOP(real, A_G, A_S, x[i] -= a_s_i * d;);                                                 \
    case SL_RULE_HEAVY_BALL: LOOP(real, A_G, A_S, const real u = mu * v[i] - d; v[i] = u; x[i] += a_s_i * u;);    \
    case SL_RULE_NESTEROV:                                                                                        \
        LOOP(real, A_G, A_S, const real u = mu * v[i] - d; v[i] = u; x[i] += a_s_i * (mu * u - d););              \
    case SL_RULE_SIGN:                                                                                            \
        LOOP(real, A_G, A_S, const real u = mu * v[i] - d; v[i] = u;                                              \
             x[i] += u > 0 ? a_s_i : u < 0 ? -a_s_i : 0;);                                                        \
    }

SL_KERNEL void sl_rule_each_on_step(sl_rule_kind kind, size_t n, double *restrict x, double *restrict v,
                                    const double *restrict g, const double *restrict rate, double mu, double w)
{
    RULES(double, 1.0, rate[i])
}

SL_KERNEL void sl_rule_each_on_gradient(sl_rule_kind kind, size_t n, double *restrict x, double *restrict v,
                                        const double *restrict g, const double *restrict rate, double mu, double w,
                                        double l)
{
    const double per_l = 1 / l; /* a product for a quotient: alpha may be off by its last bit */
    RULES(double, rate[i] * per_l, l)
}

SL_KERNEL void sl_rule_same_d(sl_rule_kind kind, size_t n, double *restrict x, double *restrict v,
                              const double *restrict g, double a_g, double a_s, double mu, double w)
{
    RULES(double, a_g, a_s)
}

SL_KERNEL void sl_rule_same_f(sl_rule_kind kind, size_t n, float *restrict x, float *restrict v,
                              const float *restrict g, float a_g, float a_s, float mu, float w)
{
    RULES(float, a_g, a_s)
}
