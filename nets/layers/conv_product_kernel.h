/* nets/layers/conv_product_kernel.h - the product of a long and a small matrix; private to conv*.c. */
#ifndef SL_NETS_LAYERS_CONV_PRODUCT_KERNEL_H
#define SL_NETS_LAYERS_CONV_PRODUCT_KERNEL_H

#include <stddef.h>

enum { SL_PRODUCT_WIDE = 16 };

/* c[m][n] = a b, or added to it, rows of c and b being ldc and ldb apart; a's number (i, l) is at
 * a[i * row + l * depth], b is [k][n]. n is a multiple of SL_PRODUCT_WIDE. */
void sl_product(float *c, size_t ldc, int accumulate, const float *a, size_t row, size_t depth, const float *b,
                size_t ldb, size_t m, size_t n, size_t k);

/* to[j * line + i] = from[i][j], i < m, j < n; m: few. */
void sl_product_turn(float *to, size_t line, const float *from, size_t m, size_t n);

#endif
