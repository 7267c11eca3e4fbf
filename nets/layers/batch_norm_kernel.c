#include "nets/layers/batch_norm_kernel.h"

#include "base/kernel.h"

static inline size_t row(size_t n, size_t i, size_t width)
{
    return n - i < width ? n - i : width;
}

/* Four rows at a time: the sums are loaded and stored a quarter as often. */
SL_KERNEL void sl_norm_moments(double *restrict sum, double *restrict square, const float *restrict x,
                               const float *restrict shift, size_t n, size_t width)
{
    for (size_t c = 0; c < width; c++) sum[c] = square[c] = 0;
    size_t i = 0;
    for (; i + 4 * width <= n; i += 4 * width) {
        const float *const a = x + i, *const b = a + width, *const d = b + width, *const e = d + width;
#pragma omp simd
        for (size_t c = 0; c < width; c++) {
            const double s = (double)shift[c], t = (double)a[c] - s, u = (double)b[c] - s, v = (double)d[c] - s,
                         w = (double)e[c] - s;
            sum[c] += (t + u) + (v + w);
            square[c] += (t * t + u * u) + (v * v + w * w);
        }
    }
    for (; i < n; i += width) {
        const size_t length = row(n, i, width);
#pragma omp simd
        for (size_t c = 0; c < length; c++) {
            const double t = (double)x[i + c] - (double)shift[c];
            sum[c] += t;
            square[c] += t * t;
        }
    }
}

SL_KERNEL void sl_norm_products(double *restrict sum, double *restrict product, const float *restrict u,
                                const float *restrict x, const float *restrict shift, size_t n, size_t width)
{
    for (size_t c = 0; c < width; c++) sum[c] = product[c] = 0;
    size_t i = 0;
    for (; i + 2 * width <= n; i += 2 * width) {
        const float *const u0 = u + i, *const u1 = u0 + width, *const x0 = x + i, *const x1 = x0 + width;
#pragma omp simd
        for (size_t c = 0; c < width; c++) {
            const double s = (double)shift[c], a = (double)u0[c], b = (double)u1[c];
            sum[c] += a + b;
            product[c] += a * ((double)x0[c] - s) + b * ((double)x1[c] - s);
        }
    }
    for (; i < n; i += width) {
        const size_t length = row(n, i, width);
#pragma omp simd
        for (size_t c = 0; c < length; c++) {
            sum[c] += (double)u[i + c];
            product[c] += (double)u[i + c] * ((double)x[i + c] - (double)shift[c]);
        }
    }
}

SL_KERNEL void sl_norm_combine_1(float *restrict y, const float *restrict x, const sl_norm_terms *k, size_t n,
                                 size_t width)
{
    const float *restrict const shift = k->shift, *restrict const k0 = k->one, *restrict const kx = k->x;
    for (size_t i = 0; i < n; i += width) {
        const size_t length = row(n, i, width);
#pragma omp simd
        for (size_t c = 0; c < length; c++) y[i + c] = k0[c] + kx[c] * (x[i + c] - shift[c]);
    }
}

SL_KERNEL void sl_norm_combine_2(float *restrict y, const float *restrict x, const float *restrict u,
                                 const sl_norm_terms *k, size_t n, size_t width, bool accumulate)
{
    const float *restrict const shift = k->shift, *restrict const k0 = k->one, *restrict const kx = k->x,
                *restrict const ku = k->u;
    for (size_t i = 0; i < n; i += width) {
        const size_t length = row(n, i, width);
        if (accumulate) {
#pragma omp simd
            for (size_t c = 0; c < length; c++) y[i + c] += k0[c] + ku[c] * u[i + c] + kx[c] * (x[i + c] - shift[c]);
        } else {
#pragma omp simd
            for (size_t c = 0; c < length; c++) y[i + c] = k0[c] + ku[c] * u[i + c] + kx[c] * (x[i + c] - shift[c]);
        }
    }
}

SL_KERNEL void sl_norm_combine_4(float *restrict y, const float *restrict x, const float *restrict u,
                                 const float *restrict w, const float *restrict z, const sl_norm_terms *k, size_t n,
                                 size_t width, bool accumulate)
{
    const float *restrict const shift = k->shift, *restrict const k0 = k->one, *restrict const kx = k->x,
                *restrict const ku = k->u, *restrict const kw = k->w, *restrict const kz = k->z;
    for (size_t i = 0; i < n; i += width) {
        const size_t length = row(n, i, width);
#pragma omp simd
        for (size_t c = 0; c < length; c++)
            y[i + c] = (accumulate ? y[i + c] : 0) + k0[c] + kx[c] * (x[i + c] - shift[c]) + ku[c] * u[i + c] +
                       kw[c] * w[i + c] + kz[c] * z[i + c];
    }
}
