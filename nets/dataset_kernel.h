/* nets/dataset_kernel.h - from bytes to standardised floats; private to nets/gather.c. */
#ifndef SL_NETS_DATASET_KERNEL_H
#define SL_NETS_DATASET_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* out[i] = (byte[i] / 255 - mean) / deviation with each operation rounded to float, as PyTorch's loaders round it, i < n.
 * Quotients are products with the reciprocal in double, rounded to float: that is the rounded quotient itself, since
 * the quotient of two floats is never nearer than 2^-49 relative to the middle between two floats. */
void sl_bytes_standardise(float *out, const uint8_t *byte, size_t n, float mean, float deviation);

#endif
