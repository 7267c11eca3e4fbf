#include "sim/shuffle_kernel.h"

#include "base/kernel.h"

enum { ROUNDS = 24 };

/* The finaliser "lowbias32" of Ellis's hash prospector: a bijection of 32 bits whose output bits each depend on all. */
static inline __attribute__((always_inline)) uint32_t mix(uint32_t v)
{
    v ^= v >> 16;
    v *= 0x7feb352dU;
    v ^= v >> 15;
    v *= 0x846ca68bU;
    return v ^ v >> 16;
}

/* Rounds outside, so that the inner loop is one of plain selects. */
SL_KERNEL void sl_shuffle(size_t n, uint32_t *restrict x, const uint32_t *restrict high, const uint32_t *restrict low,
                          uint32_t N)
{
    for (uint32_t r = 0; r < ROUNDS; r++) {
        const uint32_t odd = (2 * r + 1) * 0x9e3779b9U, even = (2 * r + 2) * 0x9e3779b9U;
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            const uint32_t word = mix(low[i] + odd) ^ high[i];
            const uint32_t K = (uint32_t)((uint64_t)word * N >> 32);
            const uint32_t partner = K >= x[i] ? K - x[i] : K + N - x[i];
            const uint32_t larger = x[i] > partner ? x[i] : partner;
            const uint32_t bit = mix(larger * 0x9e3779b9U ^ (word + even)) >> 31;
            x[i] = bit ? partner : x[i];
        }
    }
}
