#include "base/kernel.h"
#include "sim/losses/losses.h"

/* f = (x^2 - 1)^2 / 4 + t x, with the tilt t in loss->data[0]. */

SL_KERNEL void sl_double_well_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                    double *restrict f)
{
    (void)stride;
    const double tilt = loss->data[0];
#pragma omp simd aligned(x, f : 64)
    for (size_t i = 0; i < B; i++) {
        const double w = x[i] * x[i] - 1;
        f[i] = 0.25 * w * w + tilt * x[i];
    }
}

SL_KERNEL void sl_double_well_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                       double *restrict g)
{
    (void)stride;
    const double tilt = loss->data[0];
#pragma omp simd aligned(x, g : 64)
    for (size_t i = 0; i < B; i++) g[i] = x[i] * (x[i] * x[i] - 1) + tilt;
}

SL_KERNEL void sl_double_well_hessian_vector(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                             const double *restrict u, double *restrict h)
{
    (void)loss, (void)stride;
#pragma omp simd aligned(x, u, h : 64)
    for (size_t i = 0; i < B; i++) h[i] = (3 * x[i] * x[i] - 1) * u[i];
}

SL_KERNEL void sl_double_well_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                        double *restrict out)
{
    (void)loss, (void)stride;
#pragma omp simd aligned(x, out : 64)
    for (size_t i = 0; i < B; i++) out[i] = 3 * x[i] * x[i] - 1;
}
