#include "optim/schedule_kernel.h"

#include "base/kernel.h"

/* Straight from the words, because signed conversions vectorise on every x86-64 and a second pass costs as much as
 * the first: 2 u - 1 = (word - 2^31 + 1/2) 2^-31. */
SL_KERNEL void sl_schedule_spread(double *restrict rate, const uint32_t *restrict words, size_t n, double mean,
                                  double half)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        rate[i] = mean + half * (((double)(int32_t)(words[i] ^ 0x80000000u) + 0.5) * 0x1p-31);
}
