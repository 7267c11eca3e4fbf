/* nets/layers/linear.h - y = x W^T + b for a batch. Row-major throughout: x [n][in], y [n][out], W [out][in], b [out]
 * (W and b as in PyTorch). Arrays must not overlap. */
#ifndef SL_NETS_LAYERS_LINEAR_H
#define SL_NETS_LAYERS_LINEAR_H

#include <stddef.h>

/* Out: y. */
void sl_linear_forward(float *y, const float *x, const float *weight, const float *bias, size_t n, size_t in,
                       size_t out);

/* dW = dy^T x, db = column sums of dy, dx = dy W (NULL: not needed), all overwritten. dy [n][out]. */
void sl_linear_backward(float *dx, float *d_weight, float *d_bias, const float *dy, const float *x,
                        const float *weight, size_t n, size_t in, size_t out);

#endif
