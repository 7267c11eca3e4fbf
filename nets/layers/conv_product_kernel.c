#include "nets/layers/conv_product_kernel.h"

#include "base/kernel.h"

/* DEEP rows of b, 16 wide, stay in the first-level cache while the rows of a go by. */
enum { ROWS = 8, WIDE = SL_PRODUCT_WIDE, DEEP = 256 };

/* `rows` rows of 16 sums, which stay in registers. */
static inline __attribute__((always_inline)) void block(float *restrict c, size_t ldc, int accumulate,
                                                        const float *restrict a, size_t row, size_t depth,
                                                        const float *restrict b, size_t ldb, size_t k, size_t rows)
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
            for (size_t q = 0; q < WIDE; q++) sum[r][q] += factor * b[l * ldb + q];
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++) {
#pragma omp simd
        for (size_t q = 0; q < WIDE; q++) c[r * ldc + q] = accumulate ? c[r * ldc + q] + sum[r][q] : sum[r][q];
    }
}

SL_KERNEL void sl_product(float *restrict c, size_t ldc, int accumulate, const float *restrict a, size_t row,
                          size_t depth, const float *restrict b, size_t ldb, size_t m, size_t n, size_t k)
{
    for (size_t l = 0; l < k; l += DEEP) {
        const size_t nk = k - l < DEEP ? k - l : DEEP;
        const int add = accumulate || l > 0;
        for (size_t j = 0; j < n; j += WIDE) {
            const float *const part = b + l * ldb + j;
            size_t i = 0;
            for (; i + ROWS <= m; i += ROWS)
                block(c + i * ldc + j, ldc, add, a + i * row + l * depth, row, depth, part, ldb, nk, ROWS);
            for (; i < m; i++) block(c + i * ldc + j, ldc, add, a + i * row + l * depth, row, depth, part, ldb, nk, 1);
        }
    }
}

SL_KERNEL void sl_product_turn(float *restrict to, size_t line, const float *restrict from, size_t m, size_t n)
{
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < m; i++) to[j * line + i] = from[i * n + j];
}
