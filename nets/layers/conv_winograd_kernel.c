#include "nets/layers/conv_winograd_kernel.h"

#include "base/kernel.h"

/* Each goes along the rows and then along the columns, by the matrices in conv_winograd.c. Numbers on the way are in
 * small arrays, which the compiler turns into registers. */

SL_KERNEL void sl_winograd_input(float *restrict to, size_t plane, const float *restrict x, size_t line, size_t pixel,
                                 size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float t[4][4];
#pragma GCC unroll 4
        for (size_t r = 0; r < 4; r++) {
            const float *const d = x + r * line + i;
            const float d0 = d[0], d1 = d[pixel], d2 = d[2 * pixel], d3 = d[3 * pixel];
            t[r][0] = d0 - d2;
            t[r][1] = d1 + d2;
            t[r][2] = d2 - d1;
            t[r][3] = d1 - d3;
        }
#pragma GCC unroll 4
        for (size_t q = 0; q < 4; q++) {
            to[q * plane + i] = t[0][q] - t[2][q];
            to[(4 + q) * plane + i] = t[1][q] + t[2][q];
            to[(8 + q) * plane + i] = t[2][q] - t[1][q];
            to[(12 + q) * plane + i] = t[1][q] - t[3][q];
        }
    }
}

static inline __attribute__((always_inline)) void output(float *restrict y, size_t line, size_t pixel,
                                                         const float *restrict m, size_t plane,
                                                         const float *restrict bias, size_t n, int accumulate)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float t[2][4];
#pragma GCC unroll 4
        for (size_t q = 0; q < 4; q++) {
            const float m0 = m[q * plane + i], m1 = m[(4 + q) * plane + i], m2 = m[(8 + q) * plane + i],
                        m3 = m[(12 + q) * plane + i];
            t[0][q] = m0 + m1 + m2;
            t[1][q] = m1 - m2 - m3;
        }
#pragma GCC unroll 2
        for (size_t r = 0; r < 2; r++) {
            float *const to = y + r * line + i;
            const float left = t[r][0] + t[r][1] + t[r][2] + bias[i], right = t[r][1] - t[r][2] - t[r][3] + bias[i];
            to[0] = accumulate ? to[0] + left : left;
            to[pixel] = accumulate ? to[pixel] + right : right;
        }
    }
}

SL_KERNEL void sl_winograd_output(float *restrict y, size_t line, size_t pixel, const float *restrict m, size_t plane,
                                  const float *restrict bias, size_t n, int accumulate)
{
    if (accumulate)
        output(y, line, pixel, m, plane, bias, n, 1);
    else
        output(y, line, pixel, m, plane, bias, n, 0);
}

SL_KERNEL void sl_winograd_gradient(float *restrict to, size_t plane, const float *restrict dy, size_t line,
                                    size_t pixel, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float t[2][4];
#pragma GCC unroll 2
        for (size_t r = 0; r < 2; r++) {
            const float d0 = dy[r * line + i], d1 = dy[r * line + pixel + i];
            t[r][0] = d0;
            t[r][1] = 0.5f * (d0 + d1);
            t[r][2] = 0.5f * (d0 - d1);
            t[r][3] = d1;
        }
#pragma GCC unroll 4
        for (size_t q = 0; q < 4; q++) {
            to[q * plane + i] = t[0][q];
            to[(4 + q) * plane + i] = 0.5f * (t[0][q] + t[1][q]);
            to[(8 + q) * plane + i] = 0.5f * (t[0][q] - t[1][q]);
            to[(12 + q) * plane + i] = t[1][q];
        }
    }
}

SL_KERNEL void sl_winograd_weight(float *restrict to, size_t plane, const float *restrict w, size_t n, int flipped)
{
    /* Turning the kernel exchanges the first and the last number in each dimension. */
    const size_t first = flipped ? 3 : 0, last = 3 - first;
    const size_t column[4] = {first, 1, 2, last};
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float t[3][4];
#pragma GCC unroll 3
        for (size_t r = 0; r < 3; r++) {
            const float g0 = w[9 * i + 3 * r], g1 = w[9 * i + 3 * r + 1], g2 = w[9 * i + 3 * r + 2];
            t[r][0] = g0;
            t[r][1] = 0.5f * (g0 + g2 + g1);
            t[r][2] = 0.5f * (g0 + g2 - g1);
            t[r][3] = g2;
        }
#pragma GCC unroll 4
        for (size_t q = 0; q < 4; q++) {
            float *const at = to + column[q] * plane + i;
            at[4 * first * plane] = t[0][q];
            at[4 * plane] = 0.5f * (t[0][q] + t[2][q] + t[1][q]);
            at[8 * plane] = 0.5f * (t[0][q] + t[2][q] - t[1][q]);
            at[4 * last * plane] = t[2][q];
        }
    }
}

SL_KERNEL void sl_winograd_weight_gradient(float *restrict to, const float *restrict m, size_t plane, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float t[4][3];
#pragma GCC unroll 4
        for (size_t r = 0; r < 4; r++) {
            const float *const row = m + 4 * r * plane + i;
            const float m0 = row[0], m1 = row[plane], m2 = row[2 * plane], m3 = row[3 * plane];
            t[r][0] = m0 + (m1 + m2);
            t[r][1] = m1 - m2;
            t[r][2] = (m1 + m2) - m3;
        }
#pragma GCC unroll 3
        for (size_t q = 0; q < 3; q++) {
            to[q * n + i] = t[0][q] + (t[1][q] + t[2][q]);
            to[(3 + q) * n + i] = t[1][q] - t[2][q];
            to[(6 + q) * n + i] = (t[1][q] + t[2][q]) - t[3][q];
        }
    }
}
