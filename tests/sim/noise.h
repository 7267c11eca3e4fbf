/* tests/sim/noise.h - a finite sum, and samples of a model of gradient noise. */
#ifndef SL_TESTS_SIM_NOISE_H
#define SL_TESTS_SIM_NOISE_H

#include "tests/test.h"

#include "base/stats.h"
#include "sim/block.h"

/* Limit of every comparison, in standard errors, chosen beforehand: some 400 comparisons of false alarm 6e-5 each,
 * 2.5 % for one unlucky choice of the seeds. */
static const double Z = 4;

/* ---- a finite sum: least squares (a_k . x - b_k)^2 / 2 over SAMPLES rows (a_k0, a_k1, b_k) ---- */

enum { SAMPLES = 7 };
static const double rows[SAMPLES][3] = {{1, 0.5, 0.2},  {-0.3, 1.2, -1},  {0.8, -0.7, 0.5}, {0.1, 0.9, 1.5},
                                        {1.4, 0, -0.4}, {-1, -0.6, 0.3}, {0.5, 0.5, 2}};

static inline double residual(size_t k, double x, double y)
{
    return rows[k][0] * x + rows[k][1] * y - rows[k][2];
}

static inline sl_status squares_init(sl_loss *loss, sl_err *e)
{
    (void)e;
    loss->dim = 2;
    loss->samples = SAMPLES;
    return SL_OK;
}

static inline void squares_value(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    (void)loss;
    for (size_t i = 0; i < B; i++) {
        f[i] = 0;
        for (size_t k = 0; k < SAMPLES; k++) f[i] += pow(residual(k, x[i], x[stride + i]), 2) / (2 * SAMPLES);
    }
}

static inline void squares_gradient(const sl_loss *loss, size_t B, size_t stride, const double *x, double *g)
{
    (void)loss;
    for (size_t i = 0; i < B; i++) {
        g[i] = g[stride + i] = 0;
        for (size_t k = 0; k < SAMPLES; k++) {
            const double r = residual(k, x[i], x[stride + i]) / SAMPLES;
            g[i] += r * rows[k][0], g[stride + i] += r * rows[k][1];
        }
    }
}

static inline void squares_sample(const sl_loss *loss, size_t B, size_t stride, const double *x, const uint32_t *index,
                           double *g, double *f)
{
    (void)loss;
    for (size_t i = 0; i < B; i++) {
        assert_true(index[i] < SAMPLES);
        const double r = residual(index[i], x[i], x[stride + i]);
        g[i] = r * rows[index[i]][0], g[stride + i] = r * rows[index[i]][1];
        if (f) f[i] = r * r / 2;
    }
}

static const sl_loss_kind squares = {
    .entry = {.name = "squares", .help = "least squares of the tests", .source = ""},
    .init = squares_init,
    .value = squares_value,
    .gradient = squares_gradient,
    .sample_gradient = squares_sample,
};

/* Where its noise is looked at. */
static const double at_x[2] = {0.4, -0.9};

/* ---- samples of a model at one point ---- */

enum { B = 1024, STEPS = 200, N = B * STEPS, MOST_DIM = 5 };
static double sample[MOST_DIM][N];

static inline void make_loss(sl_loss *loss, const char *text)
{
    if (strcmp(text, "squares") == 0)
        assert_ok(sl_loss_init_kind(loss, &squares, &err));
    else
        assert_ok(sl_loss_init(loss, text, &err));
}

/* sample[d] = what the model adds to grad f(x). */
static inline void fill(const sl_noise *noise, const sl_loss *loss, double s2, const double *x)
{
    static _Alignas(64) double memory[4][MOST_DIM * B], scratch[B];
    sl_block b = {.B = B, .n = B, .x = memory[0], .v = memory[1], .g = memory[2], .kept = memory[3], .noise = scratch};
    const sl_ensemble e = {.seed = 20, .experiment = 3};
    double g0[MOST_DIM];
    sl_loss_gradient(loss, x, g0);
    for (size_t d = 0; d < loss->dim; d++)
        for (size_t i = 0; i < B; i++) b.x[d * B + i] = x[d];
    for (uint64_t k = 0; k < STEPS; k++) {
        for (size_t d = 0; d < loss->dim; d++)
            for (size_t i = 0; i < B; i++) b.g[d * B + i] = g0[d];
        sl_noise_source source = {.block = &b, .ensemble = &e, .step = k};
        noise->kind->add(noise, loss, s2, &source, b.g);
        for (size_t d = 0; d < loss->dim; d++)
            for (size_t i = 0; i < B; i++) sample[d][k * B + i] = b.g[d * B + i] - g0[d];
    }
}

static inline void make(sl_noise *noise, sl_loss *loss, const char *model, const char *text)
{
    make_loss(loss, text);
    assert_ok(sl_noise_init(noise, model, loss, &err));
}

static inline void draw(sl_noise *noise, sl_loss *loss, const char *model, const char *text, double s2, const double *x)
{
    make(noise, loss, model, text);
    fill(noise, loss, s2, x);
}

static inline void assert_within(sl_estimate e, double expected, const char *what, const char *where)
{
    if (!(fabs(e.value - expected) <= Z * e.se + 1e-13 * fabs(expected)))
        fail_msg("%s, %s: %.9g +- %.2g, expected %.9g (z = %.2f)", where, what, e.value, e.se, expected,
                 (e.value - expected) / e.se);
}

/* The mean of c(n) over the sample. */
static inline sl_estimate mean_of(double (*c)(const double n[MOST_DIM], const void *ctx), const void *ctx)
{
    sl_welford w = {0};
    for (size_t i = 0; i < N; i++) {
        const double n[MOST_DIM] = {sample[0][i], sample[1][i], sample[2][i], sample[3][i], sample[4][i]};
        sl_welford_add(&w, c(n, ctx));
    }
    return sl_welford_mean(&w);
}

static inline double component(const double *n, const void *ctx)
{
    return n[*(const size_t *)ctx];
}

static inline double product(const double *n, const void *ctx)
{
    const size_t *pair = ctx;
    return n[pair[0]] * n[pair[1]];
}

#endif
