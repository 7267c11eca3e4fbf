#include "nets/layers/conv_product_kernel.h"

#include "base/kernel.h"

enum { ROWS = 8, WIDE = SL_PRODUCT_WIDE };

/* `rows` rows of 16 sums, which stay in registers. */
static inline __attribute__((always_inline)) void block(float *restrict c, size_t n, int accumulate,
                                                        const float *restrict a, size_t row, size_t depth,
                                                        const float *restrict b, size_t k, size_t rows)
{
    float sum[ROWS][WIDE];
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++) {
#pragma omp simd
        for (size_t q = 0; q < WIDE; q++) sum[r][q] = 0;
    }
    for (size_t l = 0; l < k; l++) {
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            const float factor = a[r * row + l * depth];
#pragma omp simd
            for (size_t q = 0; q < WIDE; q++) sum[r][q] += factor * b[l * n + q];
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++) {
#pragma omp simd
        for (size_t q = 0; q < WIDE; q++) c[r * n + q] = accumulate ? c[r * n + q] + sum[r][q] : sum[r][q];
    }
}

SL_KERNEL void sl_conv_product(float *restrict c, int accumulate, const float *restrict a, size_t row, size_t depth,
                               const float *restrict b, size_t m, size_t n, size_t k)
{
    for (size_t j = 0; j < n; j += WIDE) {
        size_t i = 0;
        for (; i + ROWS <= m; i += ROWS)
            block(c + i * n + j, n, accumulate, a + i * row, row, depth, b + j, k, ROWS);
        for (; i < m; i++) block(c + i * n + j, n, accumulate, a + i * row, row, depth, b + j, k, 1);
    }
}

SL_KERNEL void sl_conv_transpose(float *restrict to, const float *restrict from, size_t m, size_t n)
{
    for (size_t j = 0; j < n; j++) {
#pragma omp simd
        for (size_t i = 0; i < m; i++) to[j * m + i] = from[i * n + j];
    }
}
