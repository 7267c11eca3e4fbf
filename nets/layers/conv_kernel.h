/* nets/layers/conv_kernel.h - the copying loops of convolutions; private to conv*.c. */
#ifndef SL_NETS_LAYERS_CONV_KERNEL_H
#define SL_NETS_LAYERS_CONV_KERNEL_H

#include <stddef.h>

/* to[o][tap][i] = from[o][i][tap] */
void sl_conv_taps_first(float *to, const float *from, size_t out, size_t in, size_t taps);

/* to[i][tap] = sum over p < parts of from[p * stride + tap * in + i], in the order of p, or added to it. */
void sl_conv_sum_parts(float *to, const float *from, size_t parts, size_t stride, size_t in, size_t taps,
                       int accumulate);

/* to[j] += from[j] */
void sl_conv_add(float *to, const float *from, size_t n);

/* sum[j] = sum over i < n of dy[i][j]; bits: scratch of [out]. */
void sl_conv_bias_gradient(float *sum, float *bits, const float *dy, size_t n, size_t out);

#endif
