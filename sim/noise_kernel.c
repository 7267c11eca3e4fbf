#include "sim/noise_kernel.h"

#include "base/kernel.h"

SL_KERNEL void sl_noise_add(size_t B, double *restrict g, const double *restrict noise)
{
#pragma omp simd aligned(g, noise : 64)
    for (size_t i = 0; i < B; i++) g[i] += noise[i];
}
