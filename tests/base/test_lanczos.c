/* Lanczos and random probes against dense linear algebra (LAPACK) on a matrix with a known spectrum. */
#include "tests/test.h"

#include <lapacke.h>

#include "base/lanczos.h"

enum { N = 60 };

typedef struct {
    double a[N * N];
    double value[N]; /* descending */
    size_t bad;      /* which product comes back not finite; 0: none */
    size_t products;
} dense;

static sl_status apply(void *ctx, size_t count, const double *x, double *y, sl_err *err)
{
    (void)err;
    dense *const d = ctx;
    for (size_t j = 0; j < count; j++, d->products++)
        for (size_t i = 0; i < N; i++) {
            y[j * N + i] = d->products + 1 == d->bad ? NAN : 0;
            for (size_t k = 0; k < N; k++) y[j * N + i] += d->a[i * N + k] * x[j * N + k];
        }
    return SL_OK;
}

static double dot(const double *a, const double *b)
{
    double s = 0;
    for (size_t i = 0; i < N; i++) s += a[i] * b[i];
    return s;
}

/* Some large eigenvalues, some negative, a bulk: as a Hessian's. */
static int setup(void **state)
{
    dense *const d = calloc(1, sizeof *d);
    const sl_draw draw = {.seed = 3, .purpose = SL_PURPOSE_TEST};
    double g[N * N], copy[N * N];
    sl_random_normals(g, N * N, 0, 1, &draw);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) d->a[i * N + j] = (g[i * N + j] + g[j * N + i]) / 20;
    for (size_t i = 0; i < 4; i++) d->a[i * N + i] += 4 + 2 * (double)i;
    memcpy(copy, d->a, sizeof copy);
    if (LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'U', N, copy, N, g) != 0) return -1;
    for (size_t i = 0; i < N; i++) d->value[i] = g[N - 1 - i];
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void signs(double *z, uint64_t step)
{
    const sl_draw draw = {.seed = 8, .step = step, .purpose = SL_PURPOSE_TEST};
    sl_random_signs(z, N, &draw);
}

static void lanczos__all_steps_give_all_eigenvalues(void **state)
{
    dense *const d = *state;
    double z[N], u[N], au[N];
    signs(z, 0);
    sl_lanczos l;
    assert_ok(sl_lanczos_alloc(&l, N, N + 20, z, apply, d, &err));
    assert_int_equal(l.steps, N);
    double weights = 0;
    for (size_t i = 0; i < N; i++) {
        assert_near(l.value[i], d->value[i], 1e-11);
        weights += l.weight[i];
        sl_lanczos_vector(u, &l, i);
        assert_ok(apply(d, 1, u, au, &err));
        for (size_t k = 0; k < N; k++) assert_near(au[k], d->value[i] * u[k], 1e-10);
    }
    assert_near(weights, 1, 1e-13);
    sl_lanczos_free(&l);
}

/* The residuals are those of the vectors, and bound the errors; z' A^k z by quadrature is exact up to k = 2 steps - 1.
 */
static void lanczos__few_steps_know_their_errors(void **state)
{
    dense *const d = *state;
    enum { STEPS = 12 };
    double z[N], u[N], au[N], power[N], next[N];
    signs(z, 1);
    sl_lanczos l;
    assert_ok(sl_lanczos_alloc(&l, N, STEPS, z, apply, d, &err));
    for (size_t i = 0; i < STEPS; i++) {
        sl_lanczos_vector(u, &l, i);
        assert_near(dot(u, u), 1, 1e-12);
        assert_ok(apply(d, 1, u, au, &err));
        double rest = 0, nearest = INFINITY;
        for (size_t k = 0; k < N; k++) {
            rest += pow(au[k] - l.value[i] * u[k], 2);
            nearest = fmin(nearest, fabs(d->value[k] - l.value[i]));
        }
        assert_near(l.residual[i], sqrt(rest), 1e-10);
        assert_true(nearest <= l.residual[i] + 1e-12);
    }
    assert_near(l.value[0], d->value[0], 1e-6); /* the ends converge first */
    memcpy(power, z, sizeof z);
    for (size_t k = 0; k < 2 * STEPS; k++) {
        double sum = 0;
        for (size_t i = 0; i < STEPS; i++) sum += l.weight[i] * pow(l.value[i], (double)k);
        assert_close(sum, dot(z, power) / N, 1e-9);
        assert_ok(apply(d, 1, power, next, &err));
        memcpy(power, next, sizeof power);
    }
    sl_lanczos_free(&l);
}

static void lanczos__stops_where_the_space_ends(void **state)
{
    dense d = {.a = {0}};
    (void)state;
    for (size_t i = 0; i < N; i++) d.a[i * N + i] = i < 20 ? 3 : i < 40 ? 2 : -1; /* three different eigenvalues */
    double z[N];
    signs(z, 2);
    sl_lanczos l;
    assert_ok(sl_lanczos_alloc(&l, N, 30, z, apply, &d, &err));
    assert_int_equal(l.steps, 3);
    const double value[3] = {3, 2, -1};
    for (size_t i = 0; i < 3; i++) {
        assert_near(l.value[i], value[i], 1e-13);
        assert_near(l.weight[i], 1 / 3., 1e-13);
        assert_near(l.residual[i], 0, 0);
    }
    sl_lanczos_free(&l);
}

static void lanczos__refuses_what_is_not_finite(void **state)
{
    dense *const d = *state;
    double z[N] = {0};
    sl_lanczos l;
    assert_fails(sl_lanczos_alloc(&l, N, 5, z, apply, d, &err), SL_E_NUMERIC, "length 0");
    z[0] = NAN;
    assert_fails(sl_lanczos_alloc(&l, N, 5, z, apply, d, &err), SL_E_NUMERIC, "length");
    signs(z, 0);
    d->bad = 3;
    assert_fails(sl_lanczos_alloc(&l, N, 5, z, apply, d, &err), SL_E_NUMERIC, "step 2");
    assert_fails(sl_lanczos_alloc(&l, N, 0, z, apply, d, &err), SL_E_DOMAIN, "0 steps");
    assert_fails(sl_lanczos_alloc(&l, 0, 5, z, apply, d, &err), SL_E_DOMAIN, "n = 0");
}

/* 400 probes: within 4.5 standard errors (false alarm 7e-6), and the error as the theory of Rademacher probes has it:
 * Var z'Az = 2 sum_{i != j} a_ij^2. */
static void trace__unbiased_with_its_error(void **state)
{
    dense *const d = *state;
    enum { PROBES = 400 };
    double trace = 0, square = 0, beside = 0;
    for (size_t i = 0; i < N; i++) {
        trace += d->value[i];
        square += d->value[i] * d->value[i];
        for (size_t j = 0; j < N; j++) beside += i != j ? 2 * pow(d->a[i * N + j], 2) : 0;
    }
    sl_traces t;
    const sl_draw draw = {.seed = 5, .purpose = SL_PURPOSE_TEST};
    assert_ok(sl_trace_probe(&t, N, PROBES, NULL, NULL, NULL, 0, apply, d, draw, &err));
    assert_near(t.trace.value, trace, 4.5 * t.trace.se);
    assert_near(t.square.value, square, 4.5 * t.square.se);
    assert_close(t.trace.se, sqrt(beside / PROBES), 0.15); /* relative error of an error: 1/sqrt(2 probes) = 0.035 */
    assert_fails(sl_trace_probe(&t, N, 1, NULL, NULL, NULL, 0, apply, d, draw, &err), SL_E_DOMAIN, "at least 2");
}

/* With the leading vectors taken out, what is left to chance is less; with all of them, nothing. */
static void trace__deflation(void **state)
{
    dense *const d = *state;
    double z[N], q[N * N];
    signs(z, 0);
    sl_lanczos l;
    assert_ok(sl_lanczos_alloc(&l, N, N, z, apply, d, &err));
    for (size_t i = 0; i < N; i++) sl_lanczos_vector(q + i * N, &l, i);
    sl_traces plain, some, all;
    const sl_draw draw = {.seed = 6, .purpose = SL_PURPOSE_TEST};
    assert_ok(sl_trace_probe(&plain, N, 100, NULL, NULL, NULL, 0, apply, d, draw, &err));
    assert_ok(sl_trace_probe(&some, N, 100, q, l.value, l.residual, 6, apply, d, draw, &err));
    assert_ok(sl_trace_probe(&all, N, 100, q, l.value, l.residual, N, apply, d, draw, &err));
    double trace = 0, square = 0;
    for (size_t i = 0; i < N; i++) trace += d->value[i], square += d->value[i] * d->value[i];
    assert_near(some.trace.value, trace, 4.5 * some.trace.se);
    assert_near(some.square.value, square, 4.5 * some.square.se);
    assert_true(some.square.se < 0.2 * plain.square.se);
    assert_near(all.trace.value, trace, 1e-10);
    assert_near(all.square.value, square, 1e-9);
    assert_near(all.trace.se, 0, 0);
    sl_lanczos_free(&l);
}

/* Against the density itself, which 30 steps resolve at this width; it integrates to 1. */
static void density__of_known_spectrum(void **state)
{
    dense *const d = *state;
    enum { PROBES = 40, POINTS = 400 };
    const double width = 0.4;
    sl_lanczos probe[PROBES];
    double z[N], grid[POINTS], density[POINTS], se[POINTS], sum = 0, far = 0;
    for (size_t p = 0; p < PROBES; p++) {
        signs(z, 100 + p);
        assert_ok(sl_lanczos_alloc(&probe[p], N, 30, z, apply, d, &err));
    }
    for (size_t g = 0; g < POINTS; g++) grid[g] = -6 + 22. * (double)g / POINTS;
    sl_spectral_density(density, se, grid, POINTS, width, probe, PROBES);
    for (size_t g = 0; g < POINTS; g++) {
        double exact = 0;
        for (size_t i = 0; i < N; i++)
            exact += exp(-pow((grid[g] - d->value[i]) / width, 2) / 2) / (width * sqrt(2 * M_PI) * N);
        sum += density[g] * 22. / POINTS;
        if (se[g] > 1e-8) far = fmax(far, fabs(density[g] - exact) / se[g]);
    }
    assert_near(sum, 1, 1e-6);
    assert_true(far < 5); /* 400 points, correlated: beyond 5 in 2e-4 of all seeds */
    for (size_t p = 0; p < PROBES; p++) sl_lanczos_free(&probe[p]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(lanczos__all_steps_give_all_eigenvalues), TEST(lanczos__few_steps_know_their_errors),
        TEST(lanczos__stops_where_the_space_ends),     TEST(lanczos__refuses_what_is_not_finite),
        TEST(trace__unbiased_with_its_error),          TEST(trace__deflation),
        TEST(density__of_known_spectrum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
