#include "base/kernel.h"
#include "sim/losses/losses.h"

/* f = x^4 / 4. */

SL_KERNEL void sl_quartic_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                double *restrict f)
{
    (void)loss, (void)stride;
#pragma omp simd aligned(x, f : 64)
    for (size_t i = 0; i < B; i++) f[i] = 0.25 * (x[i] * x[i]) * (x[i] * x[i]);
}

SL_KERNEL void sl_quartic_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                   double *restrict g)
{
    (void)loss, (void)stride;
#pragma omp simd aligned(x, g : 64)
    for (size_t i = 0; i < B; i++) g[i] = x[i] * x[i] * x[i];
}

SL_KERNEL void sl_quartic_hessian_vector(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                         const double *restrict u, double *restrict h)
{
    (void)loss, (void)stride;
#pragma omp simd aligned(x, u, h : 64)
    for (size_t i = 0; i < B; i++) h[i] = 3 * x[i] * x[i] * u[i];
}

SL_KERNEL void sl_quartic_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                    double *restrict out)
{
    (void)loss, (void)stride;
#pragma omp simd aligned(x, out : 64)
    for (size_t i = 0; i < B; i++) out[i] = 3 * x[i] * x[i];
}
