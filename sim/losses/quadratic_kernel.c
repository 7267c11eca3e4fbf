#include "base/kernel.h"
#include "sim/losses/losses.h"

/* f = sum_d k_d x_d^2 / 2 with the curvatures k_d, of either sign, in loss->data[d]. */

SL_KERNEL void sl_quadratic_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                  double *restrict f)
{
    const double half = 0.5 * loss->data[0];
#pragma omp simd aligned(x, f : 64)
    for (size_t i = 0; i < B; i++) f[i] = half * x[i] * x[i];
    for (size_t d = 1; d < loss->dim; d++) {
        const double *restrict xd = x + d * stride;
        const double k = 0.5 * loss->data[d];
#pragma omp simd aligned(f : 64)
        for (size_t i = 0; i < B; i++) f[i] += k * xd[i] * xd[i];
    }
}

SL_KERNEL void sl_quadratic_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                     double *restrict g)
{
    for (size_t d = 0; d < loss->dim; d++) {
        const double *restrict xd = x + d * stride;
        const double k = loss->data[d];
        double *restrict gd = g + d * stride;
#pragma omp simd
        for (size_t i = 0; i < B; i++) gd[i] = k * xd[i];
    }
}

SL_KERNEL void sl_quadratic_hessian_vector(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                           const double *restrict u, double *restrict h)
{
    (void)x;
    sl_quadratic_gradient(loss, B, stride, u, h);
}

SL_KERNEL void sl_quadratic_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                      double *restrict out)
{
    (void)x, (void)stride;
    double trace = 0;
    for (size_t d = 0; d < loss->dim; d++) trace += loss->data[d];
#pragma omp simd aligned(out : 64)
    for (size_t i = 0; i < B; i++) out[i] = trace;
}
