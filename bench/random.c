/* Random numbers: how fast, and whether 10^8 normals have the moments and the tails that they should.
 * Usage: random [draws] [seed]. Exit code 1 if a check is off by more than 4.5 standard errors. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "base/random.h"

enum { FILL = 1 << 14, BLOCK = 1 << 20 }; /* a fill's buffer stays in cache; a block is a task */

/* ---- time ---- */

static union {
    uint32_t words[FILL];
    double values[FILL];
    float floats[FILL];
} buffer;

static void fill_words(const sl_draw *d) { sl_random_words(buffer.words, FILL, 0, d); }
static void fill_uniforms(const sl_draw *d) { sl_random_uniforms(buffer.values, FILL, 0, d); }
static void fill_normals(const sl_draw *d) { sl_random_normals(buffer.values, FILL, 0, 1, d); }
static void fill_normals_f(const sl_draw *d) { sl_random_normals_f(buffer.floats, FILL, 0, 1, d); }

/* Nanoseconds a value: the best of five runs of 2^24 values, one thread. */
static double ns_a_value(void (*fill)(const sl_draw *))
{
    enum { FILLS = (1 << 24) / FILL };
    double best = INFINITY;
    for (int run = 0; run < 5; run++) {
        const double start = sl_clock();
        for (uint64_t k = 0; k < FILLS; k++) fill(&(sl_draw){.seed = 1, .step = k, .purpose = SL_PURPOSE_TEST});
        best = fmin(best, (sl_clock() - start) / ((double)FILLS * FILL));
    }
    return 1e9 * best;
}

/* ---- moments and tails ---- */

enum { MOMENTS = 4, TAILS = 3 };
static const double tail_at[TAILS] = {3, 4, 5};

typedef struct {
    double power[MOMENTS + 1]; /* sums of z^k                */
    double above[TAILS], below[TAILS];
} sums;

typedef struct {
    uint64_t seed;
    size_t draws;
    sums *block;
} survey;

static sl_status count_block(void *ctx, size_t b, int worker, sl_err *err)
{
    (void)worker;
    const survey *s = ctx;
    const sl_draw d = {.seed = s->seed, .purpose = SL_PURPOSE_TEST};
    const size_t first = b * BLOCK, n = s->draws - first < BLOCK ? s->draws - first : BLOCK;
    double *z = malloc(n * sizeof *z);
    if (!z) return sl_fail(err, SL_E_MEMORY, "no memory for %zu numbers", n);
    sl_random_normals(z, n, first, 1, &d);
    sums t = {0};
    for (size_t i = 0; i < n; i++) {
        double power = 1;
        for (int k = 1; k <= MOMENTS; k++) t.power[k] += (power *= z[i]);
        if (fabs(z[i]) < tail_at[0]) continue;
        for (int k = 0; k < TAILS; k++) t.above[k] += z[i] > tail_at[k], t.below[k] += z[i] < -tail_at[k];
    }
    s->block[b] = t;
    free(z);
    return SL_OK;
}

static int check(const char *what, double measured, double expected, double se)
{
    const double z = (measured - expected) / se;
    const int bad = !(fabs(z) <= 4.5);
    printf("%-26s %16.8g %16.8g %8.2f%s\n", what, measured, expected, z, bad ? "  OFF" : "");
    return bad;
}

int main(int argc, char **argv)
{
    survey s = {.draws = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000000,
                .seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
    if (s.draws == 0) {
        fputs("usage: random [draws] [seed]\n", stderr);
        return 2;
    }
    printf("ns a 32-bit word   %6.3f\nns a uniform       %6.3f\nns a normal        %6.3f\nns a normal, float %6.3f\n\n",
           ns_a_value(fill_words), ns_a_value(fill_uniforms), ns_a_value(fill_normals), ns_a_value(fill_normals_f));

    const size_t blocks = (s.draws + BLOCK - 1) / BLOCK;
    s.block = calloc(blocks, sizeof *s.block);
    sl_err err = {0};
    if (!s.block || sl_parallel(blocks, 0, count_block, &s, &err) != SL_OK) {
        fprintf(stderr, "%s\n", s.block ? err.message : "out of memory");
        return 4;
    }
    sums t = {0};
    for (size_t b = 0; b < blocks; b++) {
        for (int k = 1; k <= MOMENTS; k++) t.power[k] += s.block[b].power[k];
        for (int k = 0; k < TAILS; k++) t.above[k] += s.block[b].above[k], t.below[k] += s.block[b].below[k];
    }
    free(s.block);

    /* Var z^k = E z^2k - (E z^k)^2: 1, 2, 15, 96. Counts are Poisson. */
    const double n = (double)s.draws;
    static const double moment[] = {0, 0, 1, 0, 3}, variance[] = {0, 1, 2, 15, 96};
    int bad = 0;
    printf("%zu normals, seed %llu\n%-26s %16s %16s %8s\n", s.draws, (unsigned long long)s.seed, "", "measured", "expected",
           "z");
    for (int k = 1; k <= MOMENTS; k++) {
        char what[32];
        snprintf(what, sizeof what, "mean of z^%d", k);
        bad |= check(what, t.power[k] / n, moment[k], sqrt(variance[k] / n));
    }
    for (int k = 0; k < TAILS; k++) {
        char what[32];
        const double expected = n * gsl_cdf_ugaussian_Q(tail_at[k]);
        snprintf(what, sizeof what, "count of z > %g", tail_at[k]);
        bad |= check(what, t.above[k], expected, sqrt(expected));
        snprintf(what, sizeof what, "count of z < -%g", tail_at[k]);
        bad |= check(what, t.below[k], expected, sqrt(expected));
    }
    return bad;
}
