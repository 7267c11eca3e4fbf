#include "base/random.h"

#include <string.h>

#include "base/random_kernel.h"

enum { CHUNK = 16, GROUP = SL_LANE_GROUP }; /* groups of words held at once: 4 kB, well inside L1 */

static sl_random_coordinates coordinates(const sl_draw *d)
{
    return (sl_random_coordinates){
        .counter = {(uint32_t)d->step, d->sub, (uint32_t)(d->step >> 32) << 16 | ((uint32_t)d->purpose & 0xffffu)},
        .key = {(uint32_t)d->seed, (uint32_t)(d->seed >> 32)},
    };
}

/* One fill, whatever the type of its values: VALUES(out, words, groups) turns whole groups into values in place;
 * the ragged ends go through a buffer of one group. */
#define FILL(type, VALUES)                                                              \
    const sl_random_coordinates c = coordinates(draw);                                  \
    uint32_t words[CHUNK * GROUP];                                                      \
    while (n > 0) {                                                                     \
        const uint32_t group = (uint32_t)(first / GROUP);                               \
        const size_t skip = first % GROUP;                                              \
        size_t took;                                                                    \
        if (skip == 0 && n >= GROUP) {                                                  \
            size_t groups = n / GROUP;                                                  \
            if (groups > CHUNK) groups = CHUNK;                                         \
            sl_random_groups(words, groups, group, &c);                                 \
            VALUES(out, words, groups);                                                 \
            took = groups * GROUP;                                                      \
        } else {                                                                        \
            type values[GROUP];                                                         \
            took = GROUP - skip;                                                        \
            if (took > n) took = n;                                                     \
            sl_random_groups(words, 1, group, &c);                                      \
            VALUES(values, words, 1);                                                   \
            memcpy(out, values + skip, took * sizeof *out);                             \
        }                                                                               \
        out += took, first += took, n -= took;                                          \
    }

static double unit(uint32_t word)
{
    return ((double)word + 0.5) * 0x1p-32;
}

static void copy_words(uint32_t *out, const uint32_t *words, size_t groups)
{
    memcpy(out, words, groups * GROUP * sizeof *out);
}

static void to_uniforms(double *out, const uint32_t *words, size_t groups)
{
    for (size_t i = 0; i < groups * GROUP; i++) out[i] = unit(words[i]);
}

void sl_random_words(uint32_t *out, size_t n, uint64_t first, const sl_draw *draw)
{
    FILL(uint32_t, copy_words)
}

void sl_random_uniforms(double *out, size_t n, uint64_t first, const sl_draw *draw)
{
    FILL(double, to_uniforms)
}

void sl_random_normals(double *out, size_t n, uint64_t first, double sigma, const sl_draw *draw)
{
#define NORMALS(z, w, g) sl_random_box_muller(z, w, g, (float)sigma)
    FILL(double, NORMALS)
#undef NORMALS
}

void sl_random_normals_f(float *out, size_t n, uint64_t first, double sigma, const sl_draw *draw)
{
#define NORMALS(z, w, g) sl_random_box_muller_f(z, w, g, (float)sigma)
    FILL(float, NORMALS)
#undef NORMALS
}

uint32_t sl_random_word(uint64_t lane, const sl_draw *draw)
{
    uint32_t word;
    sl_random_words(&word, 1, lane, draw);
    return word;
}

double sl_random_uniform(uint64_t lane, const sl_draw *draw)
{
    return unit(sl_random_word(lane, draw));
}

double sl_random_normal(uint64_t lane, double sigma, const sl_draw *draw)
{
    double z;
    sl_random_normals(&z, 1, lane, sigma, draw);
    return z;
}

/* ---- scattered streams ---- */

static sl_random_coordinates scattered(const sl_draw *d)
{
    return (sl_random_coordinates){
        .counter = {0, d->sub, (uint32_t)SL_PURPOSE_ESCAPE << 8 | ((uint32_t)d->purpose & 0xffu)},
        .key = {(uint32_t)d->seed, (uint32_t)(d->seed >> 32)},
    };
}

void sl_random_words_at(uint32_t *out, size_t stride, size_t n, const uint64_t *lane, const uint64_t *since,
                        const sl_draw *draw)
{
    const sl_random_coordinates c = scattered(draw);
    sl_random_scattered(out, stride, n, lane, since, draw->step, &c);
}

void sl_random_normals_at(float *out, size_t stride, size_t n, const uint64_t *lane, const uint64_t *since,
                          const sl_draw *draw)
{
    const sl_random_coordinates c = scattered(draw);
    sl_random_scattered_normals(out, stride, n, lane, since, draw->step, &c);
}

uint32_t sl_random_word_at(uint64_t lane, const sl_draw *draw)
{
    const uint64_t lanes[GROUP] = {lane}, since[GROUP] = {0};
    uint32_t rows[4 * GROUP];
    sl_random_words_at(rows, GROUP, GROUP, lanes, since, draw);
    return rows[draw->step % 4 * GROUP];
}

double sl_random_uniform_at(uint64_t lane, const sl_draw *draw)
{
    return unit(sl_random_word_at(lane, draw));
}

double sl_random_normal_at(uint64_t lane, double sigma, const sl_draw *draw)
{
    const uint64_t lanes[GROUP] = {lane}, since[GROUP] = {0};
    float rows[4 * GROUP];
    sl_random_normals_at(rows, GROUP, GROUP, lanes, since, draw);
    return sigma * (double)rows[draw->step % 4 * GROUP];
}

/* 64 random bits from lanes 2i and 2i+1, scaled to 0..bound-1. */
static uint32_t below(const uint32_t pair[2], uint32_t bound)
{
    const uint64_t bits = (uint64_t)pair[1] << 32 | pair[0];
    return (uint32_t)(((unsigned __int128)bits * bound) >> 64);
}

enum { PAIRS = 512 };

void sl_random_permutation(uint32_t *out, uint32_t n, const sl_draw *draw)
{
    uint32_t words[2 * PAIRS];
    for (uint32_t i = 0; i < n; i++) out[i] = i;
    for (uint32_t start = 0; start < n; start += PAIRS) {
        sl_random_words(words, 2 * PAIRS, 2 * (uint64_t)start, draw);
        for (uint32_t k = 0; k < PAIRS && start + k < n; k++) {
            const uint32_t i = start + k, j = i + below(words + 2 * k, n - i), t = out[i];
            out[i] = out[j];
            out[j] = t;
        }
    }
}

void sl_random_below(uint32_t *out, size_t n, uint32_t bound, const sl_draw *draw)
{
    uint32_t words[2 * PAIRS];
    for (size_t start = 0; start < n; start += PAIRS) {
        const size_t m = n - start < PAIRS ? n - start : PAIRS;
        sl_random_words(words, 2 * m, 2 * (uint64_t)start, draw);
        for (size_t k = 0; k < m; k++) out[start + k] = below(words + 2 * k, bound);
    }
}
