#include "nets/layers/conv_winograd_kernel.h"

#include "base/kernel.h"

/* One dimension each; the matrices are in conv_winograd.c. */

static inline void input_4(float *restrict v, float d0, float d1, float d2, float d3)
{
    v[0] = d0 - d2;
    v[1] = d1 + d2;
    v[2] = d2 - d1;
    v[3] = d1 - d3;
}

SL_KERNEL void sl_winograd_input(float *restrict to, size_t plane, const float *restrict x, size_t line, size_t pixel,
                                 size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float t[4][4], v[4];
#pragma GCC unroll 4
        for (size_t r = 0; r < 4; r++) {
            const float *const d = x + r * line + i;
            input_4(t[r], d[0], d[pixel], d[2 * pixel], d[3 * pixel]);
        }
#pragma GCC unroll 4
        for (size_t q = 0; q < 4; q++) {
            input_4(v, t[0][q], t[1][q], t[2][q], t[3][q]);
            to[q * plane + i] = v[0];
            to[(4 + q) * plane + i] = v[1];
            to[(8 + q) * plane + i] = v[2];
            to[(12 + q) * plane + i] = v[3];
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

static inline void gradient_2(float *restrict v, float d0, float d1)
{
    v[0] = d0;
    v[1] = 0.5f * (d0 + d1);
    v[2] = 0.5f * (d0 - d1);
    v[3] = d1;
}

SL_KERNEL void sl_winograd_gradient(float *restrict to, size_t plane, const float *restrict dy, size_t line,
                                    size_t pixel, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float t[2][4], v[4];
        gradient_2(t[0], dy[i], dy[pixel + i]);
        gradient_2(t[1], dy[line + i], dy[line + pixel + i]);
#pragma GCC unroll 4
        for (size_t q = 0; q < 4; q++) {
            gradient_2(v, t[0][q], t[1][q]);
            to[q * plane + i] = v[0];
            to[(4 + q) * plane + i] = v[1];
            to[(8 + q) * plane + i] = v[2];
            to[(12 + q) * plane + i] = v[3];
        }
    }
}

static inline void weight_3(float *restrict v, float g0, float g1, float g2)
{
    v[0] = g0;
    v[1] = 0.5f * (g0 + g2 + g1);
    v[2] = 0.5f * (g0 + g2 - g1);
    v[3] = g2;
}

SL_KERNEL void sl_winograd_weight(float *restrict to, size_t plane, const float *restrict w, size_t n, int flipped)
{
    /* Turning the kernel exchanges the first and the last number in each dimension. */
    const size_t first = flipped ? 3 : 0, last = 3 - first;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float *const g = w + 9 * i;
        float t[3][4], v[4];
#pragma GCC unroll 3
        for (size_t r = 0; r < 3; r++) weight_3(t[r], g[3 * r], g[3 * r + 1], g[3 * r + 2]);
#pragma GCC unroll 4
        for (size_t q = 0; q < 4; q++) {
            const size_t column = q == 0 ? first : q == 3 ? last : q;
            weight_3(v, t[0][q], t[1][q], t[2][q]);
            to[(4 * first + column) * plane + i] = v[0];
            to[(4 + column) * plane + i] = v[1];
            to[(8 + column) * plane + i] = v[2];
            to[(4 * last + column) * plane + i] = v[3];
        }
    }
}

static inline void weight_gradient_3(float *restrict v, float m0, float m1, float m2, float m3)
{
    v[0] = m0 + (m1 + m2);
    v[1] = m1 - m2;
    v[2] = (m1 + m2) - m3;
}

SL_KERNEL void sl_winograd_weight_gradient(float *restrict to, const float *restrict m, size_t plane, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float t[4][3], v[3];
#pragma GCC unroll 4
        for (size_t r = 0; r < 4; r++) {
            const float *const row = m + 4 * r * plane + i;
            weight_gradient_3(t[r], row[0], row[plane], row[2 * plane], row[3 * plane]);
        }
#pragma GCC unroll 3
        for (size_t q = 0; q < 3; q++) {
            weight_gradient_3(v, t[0][q], t[1][q], t[2][q], t[3][q]);
            to[q * n + i] = v[0];
            to[(3 + q) * n + i] = v[1];
            to[(6 + q) * n + i] = v[2];
        }
    }
}
