#include "sim/observe_kernel.h"

#include <math.h>

#include "base/kernel.h"

SL_KERNEL void sl_observe_moments(size_t B, const double *restrict x, const double *restrict v,
                                  const double *restrict g, double *restrict sums, double *restrict g2)
{
    double *restrict sx = sums, *restrict sx2 = sums + B, *restrict sx4 = sums + 2 * B, *restrict sxv = sums + 3 * B,
                     *restrict sv2 = sums + 4 * B, *restrict sxg = sums + 5 * B;
#pragma omp simd
    for (size_t i = 0; i < B; i++) {
        const double xi = x[i], vi = v[i], gi = g[i], x2 = xi * xi;
        sx[i] += xi;
        sx2[i] += x2;
        sx4[i] += x2 * x2;
        sxv[i] += xi * vi;
        sv2[i] += vi * vi;
        sxg[i] += xi * gi;
        g2[i] += gi * gi;
    }
}

SL_KERNEL void sl_observe_positions(size_t B, const double *restrict x, const double *restrict g, double *restrict sums,
                                    double *restrict g2)
{
    double *restrict sx = sums, *restrict sx2 = sums + B, *restrict sx4 = sums + 2 * B, *restrict sxg = sums + 5 * B;
#pragma omp simd
    for (size_t i = 0; i < B; i++) {
        const double xi = x[i], gi = g[i], x2 = xi * xi;
        sx[i] += xi;
        sx2[i] += x2;
        sx4[i] += x2 * x2;
        sxg[i] += xi * gi;
        g2[i] += gi * gi;
    }
}

SL_KERNEL void sl_observe_weighted(size_t B, const double *restrict w, const double *restrict x,
                                   const double *restrict v, const double *restrict g, double *restrict sums,
                                   double *restrict g2)
{
    double *restrict sx = sums, *restrict sx2 = sums + B, *restrict sx4 = sums + 2 * B, *restrict sxv = sums + 3 * B,
                     *restrict sv2 = sums + 4 * B, *restrict sxg = sums + 5 * B;
#pragma omp simd
    for (size_t i = 0; i < B; i++) {
        const double xi = x[i], gi = g[i], wx = w[i] * xi, x2 = xi * xi;
        sx[i] += wx;
        sx2[i] += wx * xi;
        sx4[i] += w[i] * x2 * x2;
        sxg[i] += wx * gi;
        g2[i] += w[i] * gi * gi;
    }
    if (!v) return;
#pragma omp simd
    for (size_t i = 0; i < B; i++) {
        const double wv = w[i] * v[i];
        sxv[i] += wv * x[i];
        sv2[i] += wv * v[i];
    }
}

SL_KERNEL void sl_observe_add_weighted(size_t B, const double *restrict w, const double *restrict y,
                                       double *restrict sum)
{
#pragma omp simd aligned(w, y, sum : 64)
    for (size_t i = 0; i < B; i++) sum[i] += w[i] * y[i];
}

SL_KERNEL void sl_observe_add(size_t B, const double *restrict y, double *restrict sum)
{
#pragma omp simd aligned(y, sum : 64)
    for (size_t i = 0; i < B; i++) sum[i] += y[i];
}

SL_KERNEL void sl_observe_add_squares(size_t B, const double *restrict y, double scale, double *restrict sum)
{
#pragma omp simd aligned(y, sum : 64)
    for (size_t i = 0; i < B; i++) sum[i] += scale * y[i] * y[i];
}

SL_KERNEL void sl_observe_bins(size_t B, const double *restrict x, double lo, double scale, double period, int32_t bins,
                               int32_t *restrict bin)
{
    const double inverse = period > 0 ? 1 / period : 0, top = (double)bins;
#pragma omp simd
    for (size_t i = 0; i < B; i++) {
        const double from_lo = x[i] - lo, t = (from_lo - period * floor(from_lo * inverse)) * scale;
        bin[i] = (int32_t)(t >= 0 && t < top ? t : top);
    }
}
