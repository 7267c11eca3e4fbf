/* nets/layers/relu.h - y = max(x, 0), in place, NaN kept (so that a diverged network shows it). */
#ifndef SL_NETS_LAYERS_RELU_H
#define SL_NETS_LAYERS_RELU_H

#include <stddef.h>

void sl_relu_forward(float *y, size_t n);
/* dy[i] = 0 where the output y[i] is 0: the derivative at 0 is 0, as in PyTorch. */
void sl_relu_backward(float *dy, const float *y, size_t n);

#endif
