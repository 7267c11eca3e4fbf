#include "base/kernel.h"
#include "sim/losses/losses.h"

/* f = (x^2 - y^2) / 2 + y^4 / 4. */

SL_KERNEL void sl_strict_saddle_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                      double *restrict f)
{
    (void)loss;
    const double *restrict y = x + stride;
#pragma omp simd aligned(x, f : 64)
    for (size_t i = 0; i < B; i++) {
        const double y2 = y[i] * y[i];
        f[i] = 0.5 * (x[i] * x[i] - y2) + 0.25 * y2 * y2;
    }
}

SL_KERNEL void sl_strict_saddle_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                         double *restrict g)
{
    (void)loss;
    const double *restrict y = x + stride;
    double *restrict gy = g + stride;
#pragma omp simd aligned(x, g : 64)
    for (size_t i = 0; i < B; i++) {
        g[i] = x[i];
        gy[i] = y[i] * (y[i] * y[i] - 1);
    }
}

SL_KERNEL void sl_strict_saddle_hessian_vector(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                               const double *restrict u, double *restrict h)
{
    (void)loss;
    const double *restrict y = x + stride, *restrict uy = u + stride;
    double *restrict hy = h + stride;
#pragma omp simd aligned(u, h : 64)
    for (size_t i = 0; i < B; i++) {
        h[i] = u[i];
        hy[i] = (3 * y[i] * y[i] - 1) * uy[i];
    }
}

SL_KERNEL void sl_strict_saddle_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                          double *restrict out)
{
    (void)loss;
    const double *restrict y = x + stride;
#pragma omp simd aligned(out : 64)
    for (size_t i = 0; i < B; i++) out[i] = 3 * y[i] * y[i];
}
