/* nets/layers/linear.h - y = x W^T + b for a batch. Row-major throughout: x [n][in], y [n][out], W [out][in], b [out]
 * (W and b as in PyTorch; b may be NULL: 0). Arrays must not overlap. */
#ifndef SL_NETS_LAYERS_LINEAR_H
#define SL_NETS_LAYERS_LINEAR_H

#include <stddef.h>

#include "base/team.h"

/* Out: y; accumulate: added to. */
void sl_linear_forward(float *y, const float *x, const float *weight, const float *bias, size_t n, size_t in,
                       size_t out, int accumulate, sl_team *team);

/* dW = dy^T x, db = column sums of dy, overwritten (accumulate_weights: dW added to, for tangents; d_bias NULL: not
 * wanted). dy [n][out]. */
void sl_linear_backward_weights(float *d_weight, float *d_bias, const float *dy, const float *x, size_t n, size_t in,
                                size_t out, int accumulate_weights, sl_team *team);

/* dx = dy W, overwritten or added to. */
void sl_linear_backward_input(float *dx, const float *dy, const float *weight, size_t n, size_t in, size_t out,
                              int accumulate, sl_team *team);

#endif
