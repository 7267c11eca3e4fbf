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

/* Four words of each of 64 lanes. */
static inline __attribute__((always_inline)) void scattered(uint32_t *restrict out, size_t stride,
                                                            const uint64_t *restrict lane,
                                                            const uint64_t *restrict since, uint64_t now,
                                                            const sl_random_coordinates *c)
{
    const threefry4x32_key_t key = {{c->key[0], c->key[1], 0, 0}};
    const uint32_t c2 = c->counter[1], purpose = c->counter[2];
    uint32_t c0[64], c1[64], c3[64];
#pragma omp simd
    for (int i = 0; i < 64; i++) {
        const uint64_t quarter = (now - since[i]) >> 2;
        c0[i] = (uint32_t)lane[i];
        c1[i] = (uint32_t)quarter;
        c3[i] = (uint32_t)(lane[i] >> 32) << 30 | (uint32_t)(quarter >> 32) << 16 | purpose;
    }
#pragma omp simd
    for (int i = 0; i < 64; i++) {
        const threefry4x32_ctr_t counter = {{c0[i], c1[i], c2, c3[i]}};
        const threefry4x32_ctr_t r = threefry4x32_R(20, counter, key);
        out[i] = r.v[0];
        out[stride + i] = r.v[1];
        out[2 * stride + i] = r.v[2];
        out[3 * stride + i] = r.v[3];
    }
}

SL_KERNEL void sl_random_scattered(uint32_t *restrict out, size_t stride, size_t n, const uint64_t *restrict lane,
                                   const uint64_t *restrict since, uint64_t now, const sl_random_coordinates *c)
{
    for (size_t i = 0; i < n; i += 64) scattered(out + i, stride, lane + i, since + i, now, c);
}

SL_KERNEL void sl_random_scattered_normals(float *restrict out, size_t stride, size_t n, const uint64_t *restrict lane,
                                           const uint64_t *restrict since, uint64_t now,
                                           const sl_random_coordinates *c)
{
    uint32_t words[4 * 64];
    float r[64], t[64];
    for (size_t i = 0; i < n; i += 64) {
        scattered(words, 64, lane + i, since + i, now, c);
        for (size_t pair = 0; pair < 2; pair++) {
            const uint32_t *restrict w = words + 128 * pair;
            float *restrict z = out + 2 * pair * stride + i;
#pragma omp simd
            for (int j = 0; j < 64; j++) {
                const float u = ((float)(int32_t)(w[j] >> 1) + 0.5f) * 0x1p-31f;
                t[j] = (float)(int32_t)w[64 + j] * (float)(M_PI * 0x1p-31);
                r[j] = sqrtf(-2.0f * logf(u));
            }
#pragma omp simd
            for (int j = 0; j < 64; j++) z[j] = r[j] * cosf(t[j]);
#pragma omp simd
            for (int j = 0; j < 64; j++) z[stride + j] = r[j] * sinf(t[j]);
        }
    }
}
