/* Seeds are fixed. z-limits are 4 (6e-5 a comparison, two-sided), for the many correlations 4.5 (7e-6), and p-limits
 * 1e-4. With 12 to 90 comparisons of each kind, a correct generator fails the file for about one choice of seeds in
 * 200. */
#include "tests/test.h"

#include <Random123/threefry.h>
#include <gsl/gsl_cdf.h>
#include <stdbool.h>

#include "base/random.h"
#include "base/random_kernel.h"
#include "base/stats.h"

static const double z_limit = 4, correlation_limit = 4.5, p_limit = 1e-4;

static sl_draw at(uint64_t seed, uint64_t step, uint32_t sub)
{
    return (sl_draw){.seed = seed, .step = step, .sub = sub, .purpose = SL_PURPOSE_TEST};
}

/* ---- known answers ---- */

/* kat_vectors of Random123 1.14, threefry4x32 of 20 rounds. */
static void threefry__known_answers(void **state)
{
    (void)state;
    static const struct {
        threefry4x32_ctr_t counter;
        threefry4x32_key_t key;
        uint32_t answer[4];
    } known[] = {
        {{{0, 0, 0, 0}}, {{0, 0, 0, 0}}, {0x9c6ca96a, 0xe17eae66, 0xfc10ecd4, 0x5256a7d8}},
        {{{~0u, ~0u, ~0u, ~0u}}, {{~0u, ~0u, ~0u, ~0u}}, {0x2a881696, 0x57012287, 0xf6c7446e, 0xa16a6732}},
        {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
         {{0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89}},
         {0x59cd1dbb, 0xb8879579, 0x86b5d00c, 0xac8b6d84}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const threefry4x32_ctr_t r = threefry4x32_R(20, known[i].counter, known[i].key);
        assert_memory_equal(r.v, known[i].answer, sizeof known[i].answer);
    }
    const sl_draw zero = at(0, 0, 0);
    for (uint64_t w = 0; w < 4; w++) assert_int_equal(sl_random_word(16 * w, &zero), known[0].answer[w]);
}

static void word__is_threefry_of_its_coordinates(void **state)
{
    (void)state;
    static const sl_draw draws[] = {
        {.seed = 1, .step = 0, .sub = 0, .purpose = SL_PURPOSE_TEST},
        {.seed = 0x123456789abcdef0, .step = 7, .sub = 3, .purpose = SL_PURPOSE_NOISE},
        {.seed = UINT64_MAX, .step = ((uint64_t)1 << 48) - 1, .sub = UINT32_MAX, .purpose = SL_PURPOSE_CLAIM},
    };
    static const uint64_t lanes[] = {0, 1, 15, 16, 31, 32, 63, 64, 65, 1000003, ((uint64_t)1 << 34) - 1};
    for (size_t i = 0; i < sizeof draws / sizeof *draws; i++)
        for (size_t j = 0; j < sizeof lanes / sizeof *lanes; j++) {
            const sl_draw d = draws[i];
            const uint64_t lane = lanes[j];
            const threefry4x32_ctr_t c = {{(uint32_t)(lane / 64 * 16 + lane % 16), (uint32_t)d.step, d.sub,
                                           (uint32_t)(d.step >> 32) << 16 | (uint32_t)d.purpose}};
            const threefry4x32_key_t k = {{(uint32_t)d.seed, (uint32_t)(d.seed >> 32), 0, 0}};
            assert_int_equal(sl_random_word(lane, &d), threefry4x32_R(20, c, k).v[lane % 64 / 16]);
        }
}

static void uniform__is_symmetric_and_open(void **state)
{
    (void)state;
    const sl_draw d = at(3, 0, 0);
    for (uint64_t lane = 0; lane < 200; lane++) {
        const double u = sl_random_uniform(lane, &d);
        assert_true(u > 0 && u < 1);
        assert_near(u, ((double)sl_random_word(lane, &d) + 0.5) / 4294967296.0, 0);
    }
}

/* ---- fills ---- */

static void fill__equals_single_values(void **state)
{
    (void)state;
    const sl_draw d = {.seed = 7, .step = ((uint64_t)5 << 32) + 3, .sub = 2, .purpose = SL_PURPOSE_TEST};
    double z[300], u[300];
    sl_random_normals(z, 300, 37, 1.5, &d);
    sl_random_uniforms(u, 300, 37, &d);
    for (uint64_t i = 0; i < 300; i++) {
        assert_near(z[i], sl_random_normal(37 + i, 1.5, &d), 0);
        assert_near(u[i], sl_random_uniform(37 + i, &d), 0);
    }
}

static void fill__does_not_depend_on_chunks(void **state)
{
    (void)state;
    enum { N = 5000 };
    static uint32_t words[2][N], sizes[N];
    static double uniforms[2][N], normals[2][N];
    static float floats[2][N];
    const sl_draw d = at(11, 12, 13), cut = at(11, 12, 14);
    const uint64_t first = 1234;
    sl_random_words(words[0], N, first, &d);
    sl_random_uniforms(uniforms[0], N, first, &d);
    sl_random_normals(normals[0], N, first, 2.5, &d);
    sl_random_normals_f(floats[0], N, first, 2.5, &d);
    for (uint32_t longest = 2; longest < 3000; longest *= 3) { /* pieces of 0 to longest - 1 */
        sl_random_below(sizes, N, longest, &cut);
        size_t done = 0;
        for (size_t k = 0; done < N; k = (k + 1) % N) {
            const size_t n = sizes[k] < N - done ? sizes[k] : N - done;
            sl_random_words(words[1] + done, n, first + done, &d);
            sl_random_uniforms(uniforms[1] + done, n, first + done, &d);
            sl_random_normals(normals[1] + done, n, first + done, 2.5, &d);
            sl_random_normals_f(floats[1] + done, n, first + done, 2.5, &d);
            done += n;
        }
        assert_memory_equal(words[0], words[1], sizeof words[0]);
        assert_memory_equal(uniforms[0], uniforms[1], sizeof uniforms[0]);
        assert_memory_equal(normals[0], normals[1], sizeof normals[0]);
        assert_memory_equal(floats[0], floats[1], sizeof floats[0]);
        memset(words[1], 0, sizeof words[1]);
    }
}

/* Against Box-Muller with libm in double; the kernel works in single precision, whose angle and radius carry a few
 * units of 6e-8 each. */
static void normals__are_box_muller_of_their_words(void **state)
{
    (void)state;
    enum { N = 64 * 100 };
    static uint32_t w[N];
    static double z[N], unit[N];
    static float f[N];
    const sl_draw d = at(21, 0, 0);
    sl_random_words(w, N, 0, &d);
    sl_random_normals(z, N, 0, 3, &d);
    sl_random_normals(unit, N, 0, 1, &d);
    sl_random_normals_f(f, N, 0, 3, &d);
    for (size_t i = 0; i < N; i++) {
        const size_t low = i - (i % 64 >= 32 ? 32 : 0);
        const double r = sqrt(-2 * log((w[low] / 2 + 0.5) * 0x1p-31));
        const double angle = (int32_t)w[low + 32] * M_PI * 0x1p-31;
        assert_near(z[i], 3 * r * (low == i ? cos(angle) : sin(angle)), 3 * 6.7 * 1e-6);
        assert_near(z[i], 3 * unit[i], 1e-6 * fabs(z[i]));
        assert_near(f[i], z[i], 1e-6 * fabs(z[i]));
        assert_true(fabs(unit[i]) < 6.7);
    }
    double zero;
    sl_random_normals(&zero, 1, 5, 0, &d);
    assert_near(zero, 0, 0);
}

/* The words that come once in 2^31: the longest radius is sqrt(-2 log 2^-32) = sqrt(64 log 2), the shortest 0. */
static void box_muller__extreme_words(void **state)
{
    (void)state;
    uint32_t w[64];
    double z[64];
    float f[64];
    for (int j = 0; j < 32; j++) w[j] = j % 2 ? UINT32_MAX : 0, w[32 + j] = (uint32_t)j << 27; /* all angles */
    sl_random_box_muller(z, w, 1, 1);
    sl_random_box_muller_f(f, w, 1, 1);
    for (int j = 0; j < 32; j++) {
        const double r = j % 2 ? 0 : sqrt(64 * log(2));
        assert_near(hypot(z[j], z[32 + j]), r, 1e-5);
        assert_near(hypot(f[j], f[32 + j]), r, 1e-5);
    }
}

/* ---- distributions ---- */

enum { MILLION = 1000000 };
static double sample[MILLION];
static uint32_t word_sample[MILLION];

/* The largest |z| of mean, variance, skewness and kurtosis against those of N(0,1). */
static double normal_moments(const double *x, size_t n)
{
    double m[5] = {0};
    for (size_t i = 0; i < n; i++) {
        double power = 1;
        for (int k = 1; k <= 4; k++) m[k] += (power *= x[i]) / (double)n;
    }
    const double v = m[2] - m[1] * m[1];
    const double skew = (m[3] - 3 * m[1] * m[2] + 2 * pow(m[1], 3)) / pow(v, 1.5);
    const double kurt = (m[4] - 4 * m[1] * m[3] + 6 * m[1] * m[1] * m[2] - 3 * pow(m[1], 4)) / (v * v);
    const double z[4] = {m[1], (v - 1) / sqrt(2), skew / sqrt(6), (kurt - 3) / sqrt(24)};
    double worst = 0;
    for (int k = 0; k < 4; k++) worst = fmax(worst, fabs(z[k]) * sqrt((double)n));
    return worst;
}

static void normals__have_the_moments_of_a_normal(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        const sl_draw d = at(seed, 0, 0);
        sl_random_normals(sample, MILLION, 0, 1, &d);
        assert_true(normal_moments(sample, MILLION) < z_limit);
    }
    /* Controls: a shift of 10 standard errors, a deviation 1 % too large (14 standard errors of the variance), a
     * skewness of 0.03 (12), and tails cut at 3 (z = -3.3 for the variance alone; the kurtosis is off by 30). */
    double *x = malloc(sizeof sample);
    for (size_t i = 0; i < MILLION; i++) x[i] = sample[i] + 0.01;
    assert_true(normal_moments(x, MILLION) > z_limit);
    for (size_t i = 0; i < MILLION; i++) x[i] = sample[i] * 1.01;
    assert_true(normal_moments(x, MILLION) > z_limit);
    for (size_t i = 0; i < MILLION; i++) x[i] = sample[i] + 0.005 * (sample[i] * sample[i] - 1);
    assert_true(normal_moments(x, MILLION) > z_limit);
    for (size_t i = 0; i < MILLION; i++) x[i] = fmax(-3, fmin(3, sample[i]));
    assert_true(normal_moments(x, MILLION) > z_limit);
    free(x);
}

static double normal_cdf(double x, void *ctx)
{
    (void)ctx;
    return gsl_cdf_ugaussian_P(x);
}

static void normals__pass_kolmogorov_smirnov(void **state)
{
    (void)state;
    enum { N = 200000 };
    const sl_draw d = at(31, 5, 0);
    double ks;
    sl_random_normals(sample, N, 64 * 1000, 1, &d);
    assert_true(sl_ks_one_sample(&ks, sample, N, normal_cdf, NULL) > p_limit);
    for (size_t i = 0; i < N; i++) sample[i] += 0.02; /* control: 9 standard errors */
    assert_true(sl_ks_one_sample(&ks, sample, N, normal_cdf, NULL) < p_limit);
}

/* Counts beyond t against the Poisson law; further out, see bench/random.c. */
static double tail_z(const double *x, size_t n, double t)
{
    double count = 0;
    for (size_t i = 0; i < n; i++) count += fabs(x[i]) > t;
    const double expected = 2 * gsl_cdf_ugaussian_Q(t) * (double)n;
    return (count - expected) / sqrt(expected);
}

static void normals__have_their_tails(void **state)
{
    (void)state;
    const sl_draw d = at(41, 0, 9);
    sl_random_normals(sample, MILLION, 0, 1, &d);
    for (int t = 1; t <= 4; t++) assert_true(fabs(tail_z(sample, MILLION, t)) < z_limit);
    for (size_t i = 0; i < MILLION; i++) sample[i] *= 1.05; /* control: at 3, a fifth more than expected */
    assert_true(tail_z(sample, MILLION, 3) > z_limit);
}

static double byte_p(const uint32_t *w, size_t n, int shift)
{
    double seen[256] = {0}, expected[256];
    for (size_t i = 0; i < n; i++) seen[w[i] >> shift & 255]++;
    for (size_t k = 0; k < 256; k++) expected[k] = (double)n / 256;
    return sl_chi_square(seen, expected, 256, 0);
}

/* Far from 0 and from 1: bytes that fill their bins too evenly are not random either. */
static void words__have_uniform_bytes(void **state)
{
    (void)state;
    const sl_draw d = at(51, 1, 1);
    sl_random_words(word_sample, MILLION, 3, &d);
    for (int shift = 0; shift < 32; shift += 8) {
        const double p = byte_p(word_sample, MILLION, shift);
        assert_true(p > p_limit && p < 1 - p_limit);
    }
    for (size_t i = 0; i < MILLION; i += 50) word_sample[i] &= 0x7fffffff; /* control: 1 % lose their top bit */
    assert_true(byte_p(word_sample, MILLION, 24) < p_limit);
}

static void uniforms__have_mean_and_variance(void **state)
{
    (void)state;
    const sl_draw d = at(61, 0, 0);
    sl_welford w = {0};
    sl_random_uniforms(sample, MILLION, 0, &d);
    for (size_t i = 0; i < MILLION; i++) sl_welford_add(&w, sample[i]);
    assert_near(w.mean, 0.5, z_limit * sqrt(1. / 12 / MILLION));
    assert_near(sl_welford_variance(&w), 1. / 12, z_limit * sqrt((1. / 80 - 1. / 144) / MILLION));
}

/* ---- independence ---- */

/* sqrt(n) times the correlation of x and y, and of their squares: the larger. Both N(0,1), of known moments. */
static double correlation_z(const double *x, const double *y, size_t n)
{
    double xy = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        xy += x[i] * y[i];
        squares += (x[i] * x[i] - 1) * (y[i] * y[i] - 1);
    }
    return fmax(fabs(xy), fabs(squares) / 2) / sqrt((double)n);
}

static void streams__are_uncorrelated(void **state)
{
    (void)state;
    enum { N = 64 * 2000 };
    const sl_draw here = {.seed = 100, .step = 1000, .sub = 10, .purpose = SL_PURPOSE_NOISE};
    sl_draw others[24];
    size_t n = 0;
    for (int bit = 0; bit < 64; bit += 13) others[n] = here, others[n++].seed ^= (uint64_t)1 << bit;
    for (int bit = 0; bit < 48; bit += 8) others[n] = here, others[n++].step ^= (uint64_t)1 << bit;
    for (int bit = 0; bit < 32; bit += 7) others[n] = here, others[n++].sub ^= (uint32_t)1 << bit;
    others[n] = here, others[n++].purpose = SL_PURPOSE_TEST;
    others[n] = here, others[n++].purpose = SL_PURPOSE_SCHEDULE;
    others[n] = here, others[n++].step = 1001;
    others[n++] = (sl_draw){.seed = 1000, .step = 100, .sub = 10, .purpose = SL_PURPOSE_NOISE}; /* swapped */
    assert_true(n <= sizeof others / sizeof *others);

    double *x = sample, *y = sample + N;
    sl_random_normals(x, N, 0, 1, &here);
    for (size_t k = 0; k < n; k++) {
        sl_random_normals(y, N, 0, 1, &others[k]);
        assert_true(correlation_z(x, y, N) < correlation_limit);
    }
    /* Controls: a common part of 2 % (z = 7), and a common scale that leaves the plain correlation at nought. */
    for (size_t i = 0; i < N; i++) y[i] += 0.02 * x[i];
    assert_true(correlation_z(x, y, N) > correlation_limit);
    sl_random_normals(y, N, 0, 1, &others[0]);
    for (size_t i = 0; i < N; i++) y[i] *= 1 + 0.02 * (x[i] * x[i] - 1);
    assert_true(correlation_z(x, y, N) > correlation_limit);
}

static void lanes__are_uncorrelated(void **state)
{
    (void)state;
    enum { N = MILLION - 1024 };
    static const size_t lags[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 63, 64, 128, 1024}; /* 32: the shared radius */
    const sl_draw d = at(71, 0, 0);
    sl_random_normals(sample, N + 1024, 0, 1, &d);
    for (size_t k = 0; k < sizeof lags / sizeof *lags; k++)
        assert_true(correlation_z(sample, sample + lags[k], N) < correlation_limit);
}

/* ---- scattered streams ---- */

static void word_at__is_threefry_of_its_coordinates(void **state)
{
    (void)state;
    static const uint64_t lanes[] = {0, 1, 63, 64, 1000003, UINT32_MAX, ((uint64_t)1 << 34) - 1},
                          steps[] = {0, 1, 2, 3, 4, 1000001, ((uint64_t)1 << 34) + 6, ((uint64_t)1 << 48) - 1};
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++)
        for (size_t j = 0; j < sizeof steps / sizeof *steps; j++) {
            const uint64_t lane = lanes[i], quarter = steps[j] / 4;
            const sl_draw d = {.seed = 0x123456789abcdef0, .step = steps[j], .sub = 77, .purpose = SL_PURPOSE_THERMAL};
            const threefry4x32_ctr_t c = {{(uint32_t)lane, (uint32_t)quarter, 77,
                                           (uint32_t)(lane >> 32) << 30 | (uint32_t)(quarter >> 32) << 16 |
                                               SL_PURPOSE_ESCAPE * 256 | SL_PURPOSE_THERMAL}};
            const threefry4x32_key_t k = {{(uint32_t)d.seed, (uint32_t)(d.seed >> 32), 0, 0}};
            const uint32_t word = threefry4x32_R(20, c, k).v[steps[j] % 4];
            assert_int_equal(sl_random_word_at(lane, &d), word);
            assert_near(sl_random_uniform_at(lane, &d), (word + 0.5) / 4294967296.0, 0);
        }
}

/* Lanes in disorder, each with a time of its own. */
static void fill_at__equals_single_values(void **state)
{
    (void)state;
    enum { N = 256, STRIDE = 320 };
    static uint32_t words[4 * STRIDE];
    static float normals[4 * STRIDE];
    uint64_t lane[N], since[N];
    uint32_t order[N];
    const sl_draw d = {.seed = 7, .step = ((uint64_t)5 << 36) + 4000, .sub = 2, .purpose = SL_PURPOSE_TEST};
    sl_random_permutation(order, N, &d);
    for (size_t i = 0; i < N; i++)
        lane[i] = (uint64_t)order[i] * 0x1234567 % ((uint64_t)1 << 34), since[i] = i % 3 * ((uint64_t)i << 30) + 4 * i;
    sl_random_words_at(words, STRIDE, N, lane, since, &d);
    sl_random_normals_at(normals, STRIDE, N, lane, since, &d);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < 4; j++) {
            sl_draw then = d;
            then.step = d.step - since[i] + j;
            assert_int_equal(words[j * STRIDE + i], sl_random_word_at(lane[i], &then));
            assert_near(1.5 * (double)normals[j * STRIDE + i], sl_random_normal_at(lane[i], 1.5, &then), 0);
        }
    for (size_t i = N; i < STRIDE; i++) assert_int_equal(words[i], 0);
}

/* Against Box-Muller with libm in double, as above. */
static void normals_at__are_box_muller_of_their_words(void **state)
{
    (void)state;
    for (uint64_t lane = 0; lane < 500; lane++) {
        uint32_t w[4];
        double z[4];
        for (uint64_t j = 0; j < 4; j++) {
            const sl_draw d = at(22, 4 * lane + j, 0);
            w[j] = sl_random_word_at(lane, &d);
            z[j] = sl_random_normal_at(lane, 1, &d);
        }
        for (size_t j = 0; j < 4; j += 2) {
            const double r = sqrt(-2 * log((w[j] / 2 + 0.5) * 0x1p-31)), angle = (int32_t)w[j + 1] * M_PI * 0x1p-31;
            assert_near(z[j], r * cos(angle), 6.7 * 1e-6);
            assert_near(z[j + 1], r * sin(angle), 6.7 * 1e-6);
        }
    }
}

/* One row of a quarter, and the fill of the same purpose. */
static void draw_at(double *z, size_t n, uint64_t first, const sl_draw *draw)
{
    enum { CHUNK = 1024 };
    static float rows[4 * CHUNK];
    const uint64_t since[CHUNK] = {0};
    sl_draw quarter = *draw;
    quarter.step = draw->step / 4 * 4;
    for (size_t start = 0; start < n; start += CHUNK) {
        uint64_t lane[CHUNK];
        for (size_t i = 0; i < CHUNK; i++) lane[i] = first + start + i;
        sl_random_normals_at(rows, CHUNK, CHUNK, lane, since, &quarter);
        for (size_t i = 0; i < CHUNK && start + i < n; i++) z[start + i] = (double)rows[draw->step % 4 * CHUNK + i];
    }
}

static void normals_at__have_the_moments_and_the_law_of_a_normal(void **state)
{
    (void)state;
    double ks;
    for (uint64_t step = 0; step < 4; step++) {
        const sl_draw d = at(101, 40 + step, 0);
        draw_at(sample, MILLION, 0, &d);
        assert_true(normal_moments(sample, MILLION) < z_limit);
        assert_true(fabs(tail_z(sample, MILLION, 4)) < z_limit);
        assert_true(sl_ks_one_sample(&ks, sample, MILLION / 10, normal_cdf, NULL) > p_limit);
    }
}

static void streams_at__are_uncorrelated(void **state)
{
    (void)state;
    enum { N = 64 * 2000 };
    const sl_draw here = {.seed = 100, .step = 1000, .sub = 10, .purpose = SL_PURPOSE_NOISE};
    sl_draw others[12];
    size_t n = 0;
    for (uint64_t j = 1; j < 8; j++) others[n] = here, others[n++].step = 1000 + j; /* 1: the shared radius */
    others[n] = here, others[n++].purpose = SL_PURPOSE_THERMAL;
    others[n] = here, others[n++].sub = 11;
    others[n] = here, others[n++].seed = 101;
    others[n] = here, others[n++].step ^= (uint64_t)1 << 40;
    double *x = sample, *y = sample + N;
    draw_at(x, N, 0, &here);
    for (size_t k = 0; k < n; k++) {
        draw_at(y, N, 0, &others[k]);
        assert_true(correlation_z(x, y, N) < correlation_limit);
    }
    sl_random_normals(y, N, 0, 1, &here);
    assert_true(correlation_z(x, y, N) < correlation_limit);
    draw_at(y, N, (uint64_t)1 << 32, &here);
    assert_true(correlation_z(x, y, N) < correlation_limit);
    for (uint64_t lag = 1; lag < 100; lag *= 3) {
        draw_at(y, N, lag, &here);
        assert_true(correlation_z(x, y, N) < correlation_limit);
    }
    for (size_t i = 0; i < N; i++) y[i] += 0.02 * x[i]; /* control: a common part of 2 % (z = 7) */
    assert_true(correlation_z(x, y, N) > correlation_limit);
}

/* ---- whole numbers ---- */

static void below__is_uniform(void **state)
{
    (void)state;
    static const uint32_t bounds[] = {2, 7, 100, 3000000000u};
    for (size_t k = 0; k < 4; k++) {
        const sl_draw d = at(81, k, 0);
        sl_random_below(word_sample, MILLION / 2, bounds[k], &d);
        const size_t bins = bounds[k] < 100 ? bounds[k] : 100;
        double seen[100] = {0}, expected[100];
        for (size_t i = 0; i < MILLION / 2; i++) {
            assert_true(word_sample[i] < bounds[k]);
            seen[(uint64_t)word_sample[i] * bins / bounds[k]]++;
        }
        for (size_t b = 0; b < bins; b++) expected[b] = MILLION / 2. / (double)bins;
        assert_true(sl_chi_square(seen, expected, bins, 0) > p_limit);
        seen[0] *= 1.05, seen[1] -= 0.05 * expected[1]; /* control: an outcome 5 % too frequent, 11 or more sigma^2 */
        if (bins < 100) assert_true(sl_chi_square(seen, expected, bins, 0) < p_limit);
    }
    const sl_draw d = at(81, 9, 0);
    uint32_t out[3] = {9, 9, 9};
    sl_random_below(out, 2, 1, &d);
    assert_int_equal(out[0] + out[1], 0);
    assert_int_equal(out[2], 9);
}

static void permutation__holds_every_number_once(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 2, 511, 512, 513, 60000};
    uint32_t *p = malloc(60001 * sizeof *p);
    bool *seen = malloc(60000);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const sl_draw d = at(91, k, 0);
        p[sizes[k]] = 77;
        sl_random_permutation(p, sizes[k], &d);
        assert_int_equal(p[sizes[k]], 77);
        memset(seen, 0, 60000);
        for (uint32_t i = 0; i < sizes[k]; i++) {
            assert_true(p[i] < sizes[k] && !seen[p[i]]);
            seen[p[i]] = true;
        }
    }
    free(p);
    free(seen);
}

static void permutation__is_uniform(void **state)
{
    (void)state;
    enum { TRIALS = 48000 };
    double seen[256] = {0}, counts[24], expected[24];
    for (uint64_t i = 0; i < TRIALS; i++) {
        const sl_draw d = at(92, i, 0);
        uint32_t p[4];
        sl_random_permutation(p, 4, &d);
        seen[p[0] | p[1] << 2 | p[2] << 4 | p[3] << 6]++;
    }
    size_t n = 0;
    for (size_t code = 0; code < 256; code++) {
        if (seen[code] == 0) continue;
        assert_true(n < 24);
        expected[n] = TRIALS / 24.;
        counts[n++] = seen[code];
    }
    assert_int_equal(n, 24);
    assert_true(sl_chi_square(counts, expected, 24, 0) > p_limit);
    /* Control: the shuffle that swaps with any of all places favours some orders by up to 15/256 : 8/256. */
    static const int naive[24] = {10, 10, 10, 10, 11, 8, 10, 15, 14, 11, 11, 9, 9, 11, 14, 15, 10, 8, 11, 11, 11, 11, 8, 8};
    double total = 0;
    for (size_t k = 0; k < 24; k++) total += naive[k];
    for (size_t k = 0; k < 24; k++) counts[k] = naive[k] / total * TRIALS;
    assert_true(sl_chi_square(counts, expected, 24, 0) < p_limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threefry__known_answers),
        cmocka_unit_test(word__is_threefry_of_its_coordinates),
        cmocka_unit_test(uniform__is_symmetric_and_open),
        cmocka_unit_test(fill__equals_single_values),
        cmocka_unit_test(fill__does_not_depend_on_chunks),
        cmocka_unit_test(normals__are_box_muller_of_their_words),
        cmocka_unit_test(box_muller__extreme_words),
        cmocka_unit_test(normals__have_the_moments_of_a_normal),
        cmocka_unit_test(normals__pass_kolmogorov_smirnov),
        cmocka_unit_test(normals__have_their_tails),
        cmocka_unit_test(words__have_uniform_bytes),
        cmocka_unit_test(uniforms__have_mean_and_variance),
        cmocka_unit_test(streams__are_uncorrelated),
        cmocka_unit_test(lanes__are_uncorrelated),
        cmocka_unit_test(below__is_uniform),
        cmocka_unit_test(permutation__holds_every_number_once),
        cmocka_unit_test(permutation__is_uniform),
        cmocka_unit_test(word_at__is_threefry_of_its_coordinates),
        cmocka_unit_test(fill_at__equals_single_values),
        cmocka_unit_test(normals_at__are_box_muller_of_their_words),
        cmocka_unit_test(normals_at__have_the_moments_and_the_law_of_a_normal),
        cmocka_unit_test(streams_at__are_uncorrelated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
