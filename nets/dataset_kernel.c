#include "nets/dataset_kernel.h"

#include "base/kernel.h"

SL_KERNEL void sl_bytes_standardise(float *restrict out, const uint8_t *restrict byte, size_t n, float mean,
                                    float deviation)
{
    const double per_255 = 1 / 255.0, per_deviation = 1 / (double)deviation;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float pixel = (float)((double)byte[i] * per_255);
        out[i] = (float)((double)(pixel - mean) * per_deviation);
    }
}
