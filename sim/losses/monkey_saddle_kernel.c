#include "base/kernel.h"
#include "sim/losses/losses.h"

/* f = x^3 - 3 x y^2 + (q/4) s^2, s = x^2 + y^2, with q in loss->data[0]. */

SL_KERNEL void sl_monkey_saddle_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                      double *restrict f)
{
    const double q = loss->data[0];
    const double *restrict y = x + stride;
#pragma omp simd aligned(x, f : 64)
    for (size_t i = 0; i < B; i++) {
        const double x2 = x[i] * x[i], y2 = y[i] * y[i], s = x2 + y2;
        f[i] = x[i] * (x2 - 3 * y2) + 0.25 * q * s * s;
    }
}

SL_KERNEL void sl_monkey_saddle_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                         double *restrict g)
{
    const double q = loss->data[0];
    const double *restrict y = x + stride;
    double *restrict gy = g + stride;
#pragma omp simd aligned(x, g : 64)
    for (size_t i = 0; i < B; i++) {
        const double x2 = x[i] * x[i], y2 = y[i] * y[i], qs = q * (x2 + y2);
        g[i] = 3 * (x2 - y2) + qs * x[i];
        gy[i] = (qs - 6 * x[i]) * y[i];
    }
}

SL_KERNEL void sl_monkey_saddle_hessian_vector(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                               const double *restrict u, double *restrict h)
{
    const double q = loss->data[0];
    const double *restrict y = x + stride, *restrict uy = u + stride;
    double *restrict hy = h + stride;
#pragma omp simd aligned(x, u, h : 64)
    for (size_t i = 0; i < B; i++) {
        const double x2 = x[i] * x[i], y2 = y[i] * y[i], xy = (2 * q * x[i] - 6) * y[i];
        h[i] = (6 * x[i] + q * (3 * x2 + y2)) * u[i] + xy * uy[i];
        hy[i] = xy * u[i] + (q * (x2 + 3 * y2) - 6 * x[i]) * uy[i];
    }
}

SL_KERNEL void sl_monkey_saddle_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                          double *restrict out)
{
    const double q = loss->data[0];
    const double *restrict y = x + stride;
#pragma omp simd aligned(x, out : 64)
    for (size_t i = 0; i < B; i++) out[i] = 4 * q * (x[i] * x[i] + y[i] * y[i]);
}
