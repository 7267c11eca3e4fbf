/* nets/layers/cross_entropy_kernel.h - the exponentials of cross_entropy.c; private to it. */
#ifndef SL_NETS_LAYERS_CROSS_ENTROPY_KERNEL_H
#define SL_NETS_LAYERS_CROSS_ENTROPY_KERNEL_H

#include <stddef.h>

/* p[i][c] = exp(z[i][c] - top[i]) / sum[i], with sum[i] the sum over c that makes a row of p add up to 1. p may be z. */
void sl_softmax(float *p, float *sum, const float *z, const float *top, size_t n, size_t classes);

#endif
