#include "nets/layers/linear_kernel.h"

#include "base/kernel.h"

SL_KERNEL void sl_bias_fill(float *restrict y, const float *restrict bias, size_t n, size_t out)
{
    for (size_t i = 0; i < n; i++) {
#pragma omp simd
        for (size_t j = 0; j < out; j++) y[i * out + j] = bias[j];
    }
}

SL_KERNEL void sl_bias_add(float *restrict y, const float *restrict bias, size_t n, size_t out)
{
    for (size_t i = 0; i < n; i++) {
#pragma omp simd
        for (size_t j = 0; j < out; j++) y[i * out + j] += bias[j];
    }
}

SL_KERNEL void sl_bias_gradient(float *restrict d_bias, const float *restrict dy, size_t n, size_t out)
{
    for (size_t j = 0; j < out; j++) d_bias[j] = 0;
    for (size_t i = 0; i < n; i++) {
#pragma omp simd
        for (size_t j = 0; j < out; j++) d_bias[j] += dy[i * out + j];
    }
}
