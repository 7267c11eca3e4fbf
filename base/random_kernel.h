/* base/random_kernel.h - the loops of base/random.c that carry its running time; compiled with relaxed floating
 * point and cloned per processor (see the Makefile). Private to base/random.c and its tests. */
#ifndef SL_BASE_RANDOM_KERNEL_H
#define SL_BASE_RANDOM_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* Counter words 1..3 and key words 0..1; counter word 0 runs with the lane. */
typedef struct {
    uint32_t counter[3];
    uint32_t key[2];
} sl_random_coordinates;

/* words[64 g + 16 w + j] = word w of counter 16 (group + g) + j; g < groups. */
void sl_random_groups(uint32_t *words, size_t groups, uint32_t group, const sl_random_coordinates *c);

/* From 64 words to 64 normals of deviation sigma, for each of groups groups. z and words must not overlap. */
void sl_random_box_muller(double *z, const uint32_t *words, size_t groups, float sigma);
void sl_random_box_muller_f(float *z, const uint32_t *words, size_t groups, float sigma);

/* out[w * stride + i] = word w of the counter of lane[i] at step now - since[i]; i < n, a multiple of 64. c->counter[2]
 * holds the purpose alone: the other bits of the last word differ from lane to lane. */
void sl_random_scattered(uint32_t *out, size_t stride, size_t n, const uint64_t *lane, const uint64_t *since,
                         uint64_t now, const sl_random_coordinates *c);
/* The same, as standard normals. */
void sl_random_scattered_normals(float *out, size_t stride, size_t n, const uint64_t *lane, const uint64_t *since,
                                 uint64_t now, const sl_random_coordinates *c);

#endif
