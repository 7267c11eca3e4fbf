#include "nets/dataset_kernel.h"

#include "base/kernel.h"

SL_KERNEL void sl_bytes_to_floats(float *restrict out, const uint8_t *restrict byte, size_t n, float scale,
                                  float shift)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] = (float)byte[i] * scale + shift;
}
