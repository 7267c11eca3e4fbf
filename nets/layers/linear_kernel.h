/* nets/layers/linear_kernel.h - the bias loops of linear.c; private to it. */
#ifndef SL_NETS_LAYERS_LINEAR_KERNEL_H
#define SL_NETS_LAYERS_LINEAR_KERNEL_H

#include <stddef.h>

/* y[i][j] = bias[j], i < n, j < out. */
void sl_bias_fill(float *y, const float *bias, size_t n, size_t out);
/* y[i][j] += bias[j] */
void sl_bias_add(float *y, const float *bias, size_t n, size_t out);
/* d_bias[j] = sum over i of dy[i][j], in the order of i. */
void sl_bias_gradient(float *d_bias, const float *dy, size_t n, size_t out);

#endif
