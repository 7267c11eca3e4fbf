#include "nets/data/digits_kernel.h"

#include <math.h>

#include "base/kernel.h"

SL_KERNEL void sl_digit_warp(float *restrict x, float *restrict y, size_t side, const sl_affine *m,
                             const sl_wave *waves, size_t n_waves)
{
    const sl_affine a = *m;
    for (size_t j = 0; j < side; j++) {
        float *restrict const xr = x + j * side, *restrict const yr = y + j * side;
        const float row = (float)j;
        for (size_t i = 0; i < side; i++) {
            xr[i] = (float)i - a.ci;
            yr[i] = row - a.cj;
        }
        for (size_t k = 0; k < n_waves; k++) {
            const sl_wave w = waves[k];
#pragma omp simd
            for (size_t i = 0; i < side; i++) {
                const float s = sinf(w.kx * (float)i + w.ky * row + w.phase);
                xr[i] += w.dx * s;
                yr[i] += w.dy * s;
            }
        }
#pragma omp simd
        for (size_t i = 0; i < side; i++) {
            const float u = xr[i], v = yr[i];
            xr[i] = a.xx * u + a.xy * v + 50;
            yr[i] = a.yx * u + a.yy * v + 50;
        }
    }
}

SL_KERNEL void sl_digit_distance(float *restrict d2, const float *restrict x, const float *restrict y, size_t n,
                                 const sl_segment *s)
{
    const float ax = s->ax, ay = s->ay, bx = s->bx - ax, by = s->by - ay;
    const float per_length2 = 1 / (bx * bx + by * by + 1e-6f);
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float px = x[i] - ax, py = y[i] - ay;
        float t = (px * bx + py * by) * per_length2; /* the nearest point of the segment, 0 to 1 along it */
        t = t < 0 ? 0 : t;
        t = t > 1 ? 1 : t;
        const float ex = px - t * bx, ey = py - t * by, e2 = ex * ex + ey * ey;
        d2[i] = e2 < d2[i] ? e2 : d2[i];
    }
}

SL_KERNEL void sl_digit_ink(float *restrict ink, const float *restrict d2, size_t n, float half_width, float soft,
                            float strength)
{
    const float per_soft = 1 / soft;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float c = 1 - (sqrtf(d2[i]) - half_width) * per_soft;
        c = c < 0 ? 0 : c;
        c = c > 1 ? 1 : c;
        c *= strength;
        ink[i] = c > ink[i] ? c : ink[i];
    }
}

SL_KERNEL void sl_digit_expose(uint8_t *restrict out, const float *restrict ink, const float *restrict noise, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float v = ink[i] + noise[i];
        v = v < 0 ? 0 : v;
        v = v > 1 ? 1 : v;
        out[i] = (uint8_t)(int)(255 * v + 0.5f);
    }
}
