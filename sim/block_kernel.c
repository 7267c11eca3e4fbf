#include "sim/block_kernel.h"

#include "base/kernel.h"

SL_KERNEL void sl_block_scale(size_t n, double *restrict out, const float *restrict z, double sigma)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] = sigma * (double)z[i];
}

SL_KERNEL void sl_block_add_scaled(size_t n, double *restrict out, const float *restrict z, double sigma)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] += sigma * (double)z[i];
}

/* Signed conversions vectorise on every x86-64; both sums are exact. */
SL_KERNEL void sl_block_unit(size_t n, double *restrict out, const uint32_t *restrict words)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] = (((double)(int32_t)(words[i] ^ 0x80000000u) + 0.5) + 0x1p31) * 0x1p-32;
}
