#include "nets/objective_kernel.h"

#include "base/kernel.h"

SL_KERNEL double sl_moments_add(double *restrict sum, double *restrict square, const float *restrict g, size_t n)
{
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (size_t i = 0; i < n; i++) {
        const double x = (double)g[i];
        sum[i] += x;
        square[i] += x * x;
        total += x * x;
    }
    return total;
}

SL_KERNEL double sl_dot_fd(const float *restrict g, const double *restrict x, size_t n)
{
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (size_t i = 0; i < n; i++) total += (double)g[i] * x[i];
    return total;
}

SL_KERNEL void sl_axpy_fd(double *restrict y, double c, const float *restrict g, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] += c * (double)g[i];
}
