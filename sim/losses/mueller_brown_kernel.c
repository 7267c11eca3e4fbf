#include <math.h>

#include "base/kernel.h"
#include "sim/losses/losses.h"

/* f = s sum_k A_k exp(a_k u^2 + b_k u w + c_k w^2), u = x - x_k, w = y - y_k, with the scale s in loss->data[0]. */
enum { TERMS = 4 };
static const double A[TERMS] = {-200, -100, -170, 15}, a[TERMS] = {-1, -1, -6.5, 0.7}, b[TERMS] = {0, 0, 11, 0.6},
                    c[TERMS] = {-10, -10, -6.5, 0.7}, x_k[TERMS] = {1, 0, -0.5, -1}, y_k[TERMS] = {0, 0.5, 1.5, 1};

SL_KERNEL void sl_mueller_brown_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                      double *restrict f)
{
    const double s = loss->data[0];
    const double *restrict y = x + stride;
#pragma omp simd aligned(x, f : 64)
    for (size_t i = 0; i < B; i++) {
        double sum = 0;
        for (int k = 0; k < TERMS; k++) {
            const double u = x[i] - x_k[k], w = y[i] - y_k[k];
            sum += A[k] * exp(a[k] * u * u + b[k] * u * w + c[k] * w * w);
        }
        f[i] = s * sum;
    }
}

SL_KERNEL void sl_mueller_brown_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                         double *restrict g)
{
    const double s = loss->data[0];
    const double *restrict y = x + stride;
    double *restrict gy = g + stride;
#pragma omp simd aligned(x, g : 64)
    for (size_t i = 0; i < B; i++) {
        double sum_x = 0, sum_y = 0;
        for (int k = 0; k < TERMS; k++) {
            const double u = x[i] - x_k[k], w = y[i] - y_k[k];
            const double e = A[k] * exp(a[k] * u * u + b[k] * u * w + c[k] * w * w);
            sum_x += e * (2 * a[k] * u + b[k] * w);
            sum_y += e * (b[k] * u + 2 * c[k] * w);
        }
        g[i] = s * sum_x;
        gy[i] = s * sum_y;
    }
}

SL_KERNEL void sl_mueller_brown_hessian_vector(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                               const double *restrict u, double *restrict h)
{
    const double s = loss->data[0];
    const double *restrict y = x + stride, *restrict uy = u + stride;
    double *restrict hy = h + stride;
#pragma omp simd aligned(x, u, h : 64)
    for (size_t i = 0; i < B; i++) {
        double xx = 0, xy = 0, yy = 0;
        for (int k = 0; k < TERMS; k++) {
            const double v = x[i] - x_k[k], w = y[i] - y_k[k];
            const double e = A[k] * exp(a[k] * v * v + b[k] * v * w + c[k] * w * w);
            const double px = 2 * a[k] * v + b[k] * w, py = b[k] * v + 2 * c[k] * w;
            xx += e * (px * px + 2 * a[k]);
            xy += e * (px * py + b[k]);
            yy += e * (py * py + 2 * c[k]);
        }
        h[i] = s * (xx * u[i] + xy * uy[i]);
        hy[i] = s * (xy * u[i] + yy * uy[i]);
    }
}

SL_KERNEL void sl_mueller_brown_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                          double *restrict out)
{
    const double s = loss->data[0];
    const double *restrict y = x + stride;
#pragma omp simd aligned(x, out : 64)
    for (size_t i = 0; i < B; i++) {
        double sum = 0;
        for (int k = 0; k < TERMS; k++) {
            const double v = x[i] - x_k[k], w = y[i] - y_k[k];
            const double px = 2 * a[k] * v + b[k] * w, py = b[k] * v + 2 * c[k] * w;
            sum += A[k] * exp(a[k] * v * v + b[k] * v * w + c[k] * w * w) * (px * px + py * py + 2 * (a[k] + c[k]));
        }
        out[i] = s * sum;
    }
}
