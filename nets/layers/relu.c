#include "nets/layers/relu.h"

#include "base/kernel.h"

/* Not in a *_kernel.c file: relaxed floating point may turn NaN into 0 here. These loops vectorise without it. */

SL_KERNEL void sl_relu_forward(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = y[i] < 0 ? 0 : y[i];
}

SL_KERNEL void sl_relu_backward(float *restrict dy, const float *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++) dy[i] = y[i] <= 0 ? 0 : dy[i];
}
