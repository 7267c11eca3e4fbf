#include <math.h>

#include "base/kernel.h"
#include "sim/losses/losses.h"

/* data: the slope s, the minimiser, and for huber the half-width of the parabola. */

SL_KERNEL void sl_absolute_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                 double *restrict f)
{
    (void)stride;
    const double s = loss->data[0], at = loss->data[1];
#pragma omp simd aligned(x, f : 64)
    for (size_t i = 0; i < B; i++) f[i] = s * fabs(x[i] - at);
}

SL_KERNEL void sl_absolute_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                    double *restrict g)
{
    (void)stride;
    const double s = loss->data[0], at = loss->data[1];
#pragma omp simd aligned(x, g : 64)
    for (size_t i = 0; i < B; i++) g[i] = x[i] > at ? s : x[i] < at ? -s : 0;
}

SL_KERNEL void sl_huber_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                              double *restrict f)
{
    const double s = loss->data[0], at = loss->data[1], delta = loss->data[2];
#pragma omp simd aligned(f : 64)
    for (size_t i = 0; i < B; i++) f[i] = 0;
    for (size_t d = 0; d < loss->dim; d++) {
        const double *restrict xd = x + d * stride;
#pragma omp simd aligned(f : 64)
        for (size_t i = 0; i < B; i++) {
            const double u = fabs(xd[i] - at), near = u < delta ? u : delta;
            f[i] += s * (0.5 * near * near / delta + (u - near));
        }
    }
}

SL_KERNEL void sl_huber_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                 double *restrict g)
{
    const double s = loss->data[0], at = loss->data[1], delta = loss->data[2];
    for (size_t d = 0; d < loss->dim; d++) {
        const double *restrict xd = x + d * stride;
        double *restrict gd = g + d * stride;
#pragma omp simd
        for (size_t i = 0; i < B; i++) {
            const double u = xd[i] - at;
            gd[i] = s / delta * (u > delta ? delta : u < -delta ? -delta : u);
        }
    }
}

SL_KERNEL void sl_huber_hessian_vector(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                       const double *restrict u, double *restrict h)
{
    const double a = loss->data[0] / loss->data[2], at = loss->data[1], delta = loss->data[2];
    for (size_t d = 0; d < loss->dim; d++)
#pragma omp simd
        for (size_t i = 0; i < B; i++)
            h[d * stride + i] = fabs(x[d * stride + i] - at) <= delta ? a * u[d * stride + i] : 0;
}

SL_KERNEL void sl_huber_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                  double *restrict out)
{
    const double a = loss->data[0] / loss->data[2], at = loss->data[1], delta = loss->data[2];
#pragma omp simd aligned(out : 64)
    for (size_t i = 0; i < B; i++) out[i] = 0;
    for (size_t d = 0; d < loss->dim; d++)
#pragma omp simd aligned(out : 64)
        for (size_t i = 0; i < B; i++) out[i] += fabs(x[d * stride + i] - at) <= delta ? a : 0;
}
