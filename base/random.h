/* base/random.h - random numbers as a function of their coordinates.
 *
 * value = F(seed, purpose, step, sub, lane), with F the counter-based generator Threefry-4x32-20 of Random123
 * (Salmon et al. 2011). There is no state: what a number is does not depend on threads, on block sizes, on the
 * order of calls, or on having been interrupted.
 *
 * seed     what the user gives, 64 bits: the key.
 * purpose  what the number is for (the list below), so that no two uses share numbers.
 * step     time, 0 <= step < 2^48.
 * sub      whatever else tells draws of a step apart: a coordinate, a network's replica, an experiment; 32 bits.
 * lane     the fast axis, which vector fills run along: a replica of an ensemble, an index in a vector;
 *          0 <= lane < 2^34. 64 consecutive lanes (from a multiple of 64) share 16 counters, four words each:
 *          lane -> counter 16 (lane / 64) + lane % 16, word (lane % 64) / 16. So fills of whole groups store
 *          contiguously and vectorise.
 *
 * All uniforms are symmetric about 1/2 and never 0 or 1. Normals are Box-Muller in single precision: 32 bits a
 * number, |z| < 6.7; words 0 and 1 of a counter are the radii whose angles are words 2 and 3, so one radius
 * serves the two lanes 32 apart (z = r cos, r sin: independent). Values can differ in the last bits between
 * processor families (vector width of libm), never between threads or runs on one. */
#ifndef SL_BASE_RANDOM_H
#define SL_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Append only: the order is part of what a seed means. */
typedef enum {
    SL_PURPOSE_TEST = 0,
    SL_PURPOSE_NOISE,       /* gradient noise of synthetic losses       */
    SL_PURPOSE_SCHEDULE,    /* random learning rates                    */
    SL_PURPOSE_START,       /* initial points of ensembles              */
    SL_PURPOSE_THERMAL,     /* Langevin noise                           */
    SL_PURPOSE_INIT,        /* initial weights of networks              */
    SL_PURPOSE_SHUFFLE,     /* order of samples within an epoch         */
    SL_PURPOSE_BATCH,       /* mini-batches drawn with replacement      */
    SL_PURPOSE_DIGITS,      /* the built-in digits                      */
    SL_PURPOSE_BOOTSTRAP,   /* resampling                               */
    SL_PURPOSE_AUGMENT,     /* data augmentation                        */
    SL_PURPOSE_CLAIM,       /* whatever a claim samples by itself       */
    SL_PURPOSE_DROPOUT,     /* masks of dropout layers                  */
    SL_PURPOSE_MEASURE,     /* probes and batches of measurements       */
    SL_PURPOSE_ESCAPE,      /* first exits: see sim/escape/             */
    SL_PURPOSE_SAMPLES      /* data of finite-sum losses                */
} sl_purpose;

typedef struct {
    uint64_t seed;
    uint64_t step; /* < 2^48 */
    uint32_t sub;
    sl_purpose purpose;
} sl_draw;

enum { SL_LANE_GROUP = 64 }; /* fills are fastest when first and n are multiples of it */

/* out[i] = the raw 32-bit word of lane first + i, i < n. */
void sl_random_words(uint32_t *out, size_t n, uint64_t first, const sl_draw *draw);

/* out[i] ~ U(0,1) with 32 bits: (word + 1/2) 2^-32. */
void sl_random_uniforms(double *out, size_t n, uint64_t first, const sl_draw *draw);

/* out[i] ~ N(0, sigma^2), in doubles or floats. */
void sl_random_normals(double *out, size_t n, uint64_t first, double sigma, const sl_draw *draw);
void sl_random_normals_f(float *out, size_t n, uint64_t first, double sigma, const sl_draw *draw);

/* The single values of one lane, equal to those of the fills. */
uint32_t sl_random_word(uint64_t lane, const sl_draw *draw);
double sl_random_uniform(uint64_t lane, const sl_draw *draw);
double sl_random_normal(uint64_t lane, double sigma, const sl_draw *draw);

/* Scattered streams: four steps at once, of lanes in any order, each with a time of its own. They are another function
 * of the same coordinates (they share no number with the fills above), laid out along steps instead of lanes:
 *   counter words  lane mod 2^32; (step / 4) mod 2^32; sub; and, from the top, 2 bits of lane / 2^32, 14 bits of
 *                  (step / 4) / 2^32, then 16 bits of 256 SL_PURPOSE_ESCAPE + purpose
 * and the four words serve the steps 4 (step / 4) + 0, 1, 2, 3. Normals: words 0 and 2 are the radii of the steps 0, 1
 * and 2, 3 (r cos, r sin), words 1 and 3 their angles.
 *
 * Row j of out[4][stride] belongs to step draw->step - since[i] + j of lane[i], i < n; both these times are multiples
 * of 4, since[i] <= draw->step, and n is a multiple of SL_LANE_GROUP. Words; or N(0, 1). */
void sl_random_words_at(uint32_t *out, size_t stride, size_t n, const uint64_t *lane, const uint64_t *since,
                        const sl_draw *draw);
void sl_random_normals_at(float *out, size_t stride, size_t n, const uint64_t *lane, const uint64_t *since,
                          const sl_draw *draw);

/* The single values of one lane at draw->step, equal to those of the rows; word w gives the uniform (w + 1/2) 2^-32. */
uint32_t sl_random_word_at(uint64_t lane, const sl_draw *draw);
double sl_random_uniform_at(uint64_t lane, const sl_draw *draw);
double sl_random_normal_at(uint64_t lane, double sigma, const sl_draw *draw);

/* out[0..n) = a permutation of 0..n-1, uniform up to n 2^-64 (Fisher-Yates with the words of lanes 0..2n-1). */
void sl_random_permutation(uint32_t *out, uint32_t n, const sl_draw *draw);

/* out[i] uniform on 0..bound-1, i < n (64 bits by multiply-shift, bias below bound 2^-64). */
void sl_random_below(uint32_t *out, size_t n, uint32_t bound, const sl_draw *draw);

#endif
