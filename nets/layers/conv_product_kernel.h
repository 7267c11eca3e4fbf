/* nets/layers/conv_product_kernel.h - the product of a long and a small matrix; private to conv*.c. */
#ifndef SL_NETS_LAYERS_CONV_PRODUCT_KERNEL_H
#define SL_NETS_LAYERS_CONV_PRODUCT_KERNEL_H

#include <stddef.h>

enum { SL_PRODUCT_WIDE = 16 };

/* c[m][n] = a b, or added to it; a's number (i, l) is at a[i * row + l * depth], b is [k][n]. n is a multiple of
 * SL_PRODUCT_WIDE, and b should fit the first-level cache. */
void sl_conv_product(float *c, int accumulate, const float *a, size_t row, size_t depth, const float *b, size_t m,
                     size_t n, size_t k);

/* to[j][i] = from[i][j], i < m, j < n. */
void sl_conv_transpose(float *to, const float *from, size_t m, size_t n);

#endif
