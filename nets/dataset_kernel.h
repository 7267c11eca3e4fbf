/* nets/dataset_kernel.h - from bytes to standardised floats; private to nets/dataset.c. */
#ifndef SL_NETS_DATASET_KERNEL_H
#define SL_NETS_DATASET_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* out[i] = byte[i] scale + shift, i < n. */
void sl_bytes_to_floats(float *out, const uint8_t *byte, size_t n, float scale, float shift);

#endif
