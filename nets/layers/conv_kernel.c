#include "nets/layers/conv_kernel.h"

#include "base/kernel.h"

SL_KERNEL void sl_conv_taps_first(float *restrict to, const float *restrict from, size_t out, size_t in, size_t taps)
{
    for (size_t o = 0; o < out; o++, from += in * taps)
        for (size_t t = 0; t < taps; t++, to += in) {
#pragma omp simd
            for (size_t i = 0; i < in; i++) to[i] = from[i * taps + t];
        }
}

SL_KERNEL void sl_conv_sum_parts(float *restrict to, const float *restrict from, size_t parts, size_t stride, size_t in,
                                 size_t taps, int accumulate)
{
    for (size_t t = 0; t < taps; t++, from += in)
        for (size_t i = 0; i < in; i++) {
            float sum = from[i];
            for (size_t p = 1; p < parts; p++) sum += from[p * stride + i];
            to[i * taps + t] = accumulate ? to[i * taps + t] + sum : sum;
        }
}

SL_KERNEL void sl_conv_add(float *restrict to, const float *restrict from, size_t n)
{
#pragma omp simd
    for (size_t j = 0; j < n; j++) to[j] += from[j];
}

SL_KERNEL void sl_conv_bias_gradient(float *restrict sum, float *restrict bits, const float *restrict dy, size_t n,
                                     size_t out)
{
    enum { BIT = 32 }; /* rows that are summed on their own: the sum of very many would lose digits */
    for (size_t j = 0; j < out; j++) sum[j] = 0;
    for (size_t first = 0; first < n; first += BIT) {
        const size_t end = n - first < BIT ? n : first + BIT;
        for (size_t j = 0; j < out; j++) bits[j] = 0;
        for (size_t i = first; i < end; i++) {
#pragma omp simd
            for (size_t j = 0; j < out; j++) bits[j] += dy[i * out + j];
        }
        for (size_t j = 0; j < out; j++) sum[j] += bits[j];
    }
}
