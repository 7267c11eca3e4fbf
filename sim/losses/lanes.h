/* sim/losses/lanes.h - sums over a table of samples, for kernels of finite sums. Private to sim/losses/.
 *
 * A few lanes at a time, copied together so that they stay in the first cache while the table goes by (in place, the
 * coordinates of a block lie a power of two apart and evict each other: 4 times slower for 32 coordinates). The number
 * of lanes w is 8 or 16, written out where these are called so that each is compiled for itself. */
#ifndef SL_SIM_LOSSES_LANES_H
#define SL_SIM_LOSSES_LANES_H

#include "sim/loss.h"

enum { WIDE = 16, NARROW = 8 };
typedef double lanes[SL_LOSS_MAX_DIM * WIDE];

static inline __attribute__((always_inline)) void gather(double *restrict to, size_t n, size_t w, size_t stride,
                                                         const double *restrict x)
{
    for (size_t d = 0; d < n; d++)
#pragma omp simd
        for (size_t i = 0; i < w; i++) to[d * w + i] = x[d * stride + i];
}

static inline __attribute__((always_inline)) void dot(double *restrict s, size_t n, size_t w, const double *restrict a,
                                                      const double *restrict x)
{
    double sum[WIDE] = {0};
    for (size_t d = 0; d < n; d++)
#pragma omp simd
        for (size_t i = 0; i < w; i++) sum[i] += a[d] * x[d * w + i];
#pragma omp simd
    for (size_t i = 0; i < w; i++) s[i] = sum[i];
}

/* g += s a. */
static inline __attribute__((always_inline)) void spread(double *restrict g, size_t n, size_t w,
                                                         const double *restrict a, const double *restrict s)
{
    for (size_t d = 0; d < n; d++)
#pragma omp simd
        for (size_t i = 0; i < w; i++) g[d * w + i] += a[d] * s[i];
}

#endif
