#include "base/kernel.h"
#include "sim/losses/losses.h"

/* f = (a - x)^2 + b (y - x^2)^2, with a, b in loss->data. r = y - x^2. */

SL_KERNEL void sl_rosenbrock_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                   double *restrict f)
{
    const double a = loss->data[0], b = loss->data[1];
    const double *restrict y = x + stride;
#pragma omp simd aligned(x, f : 64)
    for (size_t i = 0; i < B; i++) {
        const double r = y[i] - x[i] * x[i];
        f[i] = (a - x[i]) * (a - x[i]) + b * r * r;
    }
}

SL_KERNEL void sl_rosenbrock_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                      double *restrict g)
{
    const double a = loss->data[0], b = loss->data[1];
    const double *restrict y = x + stride;
    double *restrict gy = g + stride;
#pragma omp simd aligned(x, g : 64)
    for (size_t i = 0; i < B; i++) {
        const double r = y[i] - x[i] * x[i];
        g[i] = 2 * (x[i] - a) - 4 * b * x[i] * r;
        gy[i] = 2 * b * r;
    }
}

SL_KERNEL void sl_rosenbrock_hessian_vector(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                            const double *restrict u, double *restrict h)
{
    const double b = loss->data[1];
    const double *restrict y = x + stride, *restrict uy = u + stride;
    double *restrict hy = h + stride;
#pragma omp simd aligned(x, u, h : 64)
    for (size_t i = 0; i < B; i++) {
        const double x2 = x[i] * x[i];
        h[i] = (2 - 4 * b * (y[i] - 3 * x2)) * u[i] - 4 * b * x[i] * uy[i];
        hy[i] = 2 * b * (uy[i] - 2 * x[i] * u[i]);
    }
}

SL_KERNEL void sl_rosenbrock_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                       double *restrict out)
{
    const double b = loss->data[1];
    const double *restrict y = x + stride;
#pragma omp simd aligned(x, out : 64)
    for (size_t i = 0; i < B; i++) out[i] = 2 + 2 * b - 4 * b * (y[i] - 3 * x[i] * x[i]);
}

/* f = w^2/4 + (a/2) r^2, w = x^2 - 1, r = y - b w, with a, b in loss->data. */

SL_KERNEL void sl_bent_double_well_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                         double *restrict f)
{
    const double a = loss->data[0], b = loss->data[1];
    const double *restrict y = x + stride;
#pragma omp simd aligned(x, f : 64)
    for (size_t i = 0; i < B; i++) {
        const double w = x[i] * x[i] - 1, r = y[i] - b * w;
        f[i] = 0.25 * w * w + 0.5 * a * r * r;
    }
}

SL_KERNEL void sl_bent_double_well_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                            double *restrict g)
{
    const double a = loss->data[0], b = loss->data[1];
    const double *restrict y = x + stride;
    double *restrict gy = g + stride;
#pragma omp simd aligned(x, g : 64)
    for (size_t i = 0; i < B; i++) {
        const double w = x[i] * x[i] - 1, r = y[i] - b * w;
        g[i] = x[i] * (w - 2 * a * b * r);
        gy[i] = a * r;
    }
}

SL_KERNEL void sl_bent_double_well_hessian_vector(const sl_loss *loss, size_t B, size_t stride,
                                                  const double *restrict x, const double *restrict u,
                                                  double *restrict h)
{
    const double a = loss->data[0], b = loss->data[1];
    const double *restrict y = x + stride, *restrict uy = u + stride;
    double *restrict hy = h + stride;
#pragma omp simd aligned(x, u, h : 64)
    for (size_t i = 0; i < B; i++) {
        const double x2 = x[i] * x[i], r = y[i] - b * (x2 - 1), xy = -2 * a * b * x[i];
        h[i] = (3 * x2 - 1 - 2 * a * b * (r - 2 * b * x2)) * u[i] + xy * uy[i];
        hy[i] = xy * u[i] + a * uy[i];
    }
}

SL_KERNEL void sl_bent_double_well_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                             double *restrict out)
{
    const double a = loss->data[0], b = loss->data[1];
    const double *restrict y = x + stride;
#pragma omp simd aligned(x, out : 64)
    for (size_t i = 0; i < B; i++) {
        const double x2 = x[i] * x[i], r = y[i] - b * (x2 - 1);
        out[i] = 3 * x2 - 1 - 2 * a * b * (r - 2 * b * x2) + a;
    }
}
