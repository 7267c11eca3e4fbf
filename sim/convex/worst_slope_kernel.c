#include "sim/convex/worst_slope_kernel.h"

#include <math.h>

#include "base/kernel.h"

/* The subgradient at 0 counts as +-slope, which is one of those that |x| has there. */
#define STEP                                                                                                   \
    const double y = x[i] - copysign(pull, x[i]) - push * z[i], low = y < D ? y : D;                           \
    x[i] = low > least ? low : least

SL_KERNEL void sl_slope_steps(size_t steps, double *restrict x, const double *restrict noise,
                              const double *restrict rate, double factor, double slope, double sigma, double least,
                              double D)
{
    for (size_t k = 0; k < steps; k++) {
        const double *restrict z = noise + k * SL_SLOPE_LANES;
        const double pull = factor * rate[k] * slope, push = factor * rate[k] * sigma;
#pragma omp simd aligned(x, z : 64)
        for (size_t i = 0; i < SL_SLOPE_LANES; i++) {
            STEP;
        }
    }
}

SL_KERNEL void sl_slope_steps_sum(size_t steps, double *restrict x, double *restrict sum, const double *restrict noise,
                                  const double *restrict rate, double factor, double slope, double sigma, double least,
                              double D)
{
    for (size_t k = 0; k < steps; k++) {
        const double *restrict z = noise + k * SL_SLOPE_LANES;
        const double pull = factor * rate[k] * slope, push = factor * rate[k] * sigma;
#pragma omp simd aligned(x, sum, z : 64)
        for (size_t i = 0; i < SL_SLOPE_LANES; i++) {
            STEP;
            sum[i] += x[i];
        }
    }
}
