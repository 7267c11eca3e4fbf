#include "sim/least_squares_kernel.h"

#include "base/kernel.h"

SL_KERNEL void sl_least_squares_add_product(size_t B, double *restrict sum, const double *restrict a,
                                            const double *restrict b)
{
#pragma omp simd aligned(sum, a, b : 64)
    for (size_t i = 0; i < B; i++) sum[i] += a[i] * b[i];
}

SL_KERNEL void sl_least_squares_step(size_t B, double *restrict eta, double *restrict total, double *restrict g,
                                     double share, double scale)
{
#pragma omp simd aligned(eta, total, g : 64)
    for (size_t i = 0; i < B; i++) {
        total[i] += share * eta[i];
        eta[i] -= scale * g[i];
        g[i] = 0;
    }
}

SL_KERNEL void sl_least_squares_add_square(size_t B, double *restrict f, const double *restrict y, double weight)
{
#pragma omp simd aligned(f, y : 64)
    for (size_t i = 0; i < B; i++) f[i] += weight * y[i] * y[i];
}
