#include <math.h>

#include "base/kernel.h"
#include "sim/losses/losses.h"

/* f = (sum_d k_d u_d^2 + sigma^2)/2, u = x - truth: k in loss->data[d], truth in loss->table[d], sigma in
 * loss->data[SL_LOSS_MAX_DIM]. */

SL_KERNEL void sl_least_squares_online_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                             double *restrict f)
{
    const double sigma = loss->data[SL_LOSS_MAX_DIM];
#pragma omp simd aligned(f : 64)
    for (size_t i = 0; i < B; i++) f[i] = 0.5 * sigma * sigma;
    for (size_t d = 0; d < loss->dim; d++) {
        const double half = 0.5 * loss->data[d], at = loss->table[d];
        const double *restrict xd = x + d * stride;
#pragma omp simd aligned(f : 64)
        for (size_t i = 0; i < B; i++) f[i] += half * (xd[i] - at) * (xd[i] - at);
    }
}

SL_KERNEL void sl_least_squares_online_gradient(const sl_loss *loss, size_t B, size_t stride,
                                                const double *restrict x, double *restrict g)
{
    for (size_t d = 0; d < loss->dim; d++) {
        const double k = loss->data[d], at = loss->table[d];
#pragma omp simd
        for (size_t i = 0; i < B; i++) g[d * stride + i] = k * (x[d * stride + i] - at);
    }
}

SL_KERNEL void sl_least_squares_online_hessian_vector(const sl_loss *loss, size_t B, size_t stride,
                                                      const double *restrict x, const double *restrict u,
                                                      double *restrict h)
{
    (void)x;
    for (size_t d = 0; d < loss->dim; d++) {
        const double k = loss->data[d];
#pragma omp simd
        for (size_t i = 0; i < B; i++) h[d * stride + i] = k * u[d * stride + i];
    }
}

SL_KERNEL void sl_least_squares_online_laplacian(const sl_loss *loss, size_t B, size_t stride,
                                                 const double *restrict x, double *restrict out)
{
    sl_quadratic_laplacian(loss, B, stride, x, out);
}

/* a = sqrt(k) z in place; then (a.u - sigma e) a. */
SL_KERNEL void sl_least_squares_online_fresh_gradient(const sl_loss *loss, size_t B, size_t stride,
                                                      const double *restrict x, double *restrict z,
                                                      double *restrict e)
{
    const double sigma = loss->data[SL_LOSS_MAX_DIM];
#pragma omp simd
    for (size_t i = 0; i < B; i++) e[i] *= -sigma;
    for (size_t d = 0; d < loss->dim; d++) {
        const double root = sqrt(loss->data[d]), at = loss->table[d];
#pragma omp simd
        for (size_t i = 0; i < B; i++) {
            z[d * stride + i] *= root;
            e[i] += z[d * stride + i] * (x[d * stride + i] - at);
        }
    }
    for (size_t d = 0; d < loss->dim; d++)
#pragma omp simd
        for (size_t i = 0; i < B; i++) z[d * stride + i] *= e[i];
}
