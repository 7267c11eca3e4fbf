#include "base/random_kernel.h"

#include <Random123/threefry.h>
#include <math.h>

#include "base/kernel.h"

SL_KERNEL void sl_random_groups(uint32_t *restrict words, size_t groups, uint32_t group,
                                const sl_random_coordinates *c)
{
    const uint32_t c1 = c->counter[0], c2 = c->counter[1], c3 = c->counter[2];
    const threefry4x32_key_t key = {{c->key[0], c->key[1], 0, 0}};
    for (size_t g = 0; g < groups; g++) {
        uint32_t *restrict w = words + 64 * g;
        const uint32_t base = (group + (uint32_t)g) * 16u;
#pragma omp simd
        for (uint32_t j = 0; j < 16; j++) {
            const threefry4x32_ctr_t counter = {{base + j, c1, c2, c3}};
            const threefry4x32_ctr_t r = threefry4x32_R(20, counter, key);
            w[j] = r.v[0];
            w[16 + j] = r.v[1];
            w[32 + j] = r.v[2];
            w[48 + j] = r.v[3];
        }
    }
}

/* r = sigma sqrt(-2 log u), u in (0,1] on a grid of 2^-31; angle t in [-pi, pi). cos and sin stand in loops of
 * their own because gcc would merge them into one sincos call, which has no vector version. */
#define BOX_MULLER(name, real)                                                                            \
    SL_KERNEL void name(real *restrict z, const uint32_t *restrict words, size_t groups, float sigma)     \
    {                                                                                                     \
        float r[32], t[32];                                                                               \
        for (size_t g = 0; g < groups; g++) {                                                             \
            const uint32_t *restrict w = words + 64 * g;                                                  \
            real *restrict out = z + 64 * g;                                                              \
            _Pragma("omp simd") for (int j = 0; j < 32; j++)                                              \
            {                                                                                             \
                const float u = ((float)(int32_t)(w[j] >> 1) + 0.5f) * 0x1p-31f;                          \
                t[j] = (float)(int32_t)w[32 + j] * (float)(M_PI * 0x1p-31);                               \
                r[j] = sigma * sqrtf(-2.0f * logf(u));                                                    \
            }                                                                                             \
            _Pragma("omp simd") for (int j = 0; j < 32; j++) out[j] = r[j] * cosf(t[j]);                  \
            _Pragma("omp simd") for (int j = 0; j < 32; j++) out[32 + j] = r[j] * sinf(t[j]);             \
        }                                                                                                 \
    }

BOX_MULLER(sl_random_box_muller, double)
BOX_MULLER(sl_random_box_muller_f, float)
