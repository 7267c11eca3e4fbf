#include "tests/test.h"

#include "theory/averaging.h"

enum { D = 3 };
static const double spectrum[D] = {1.3, 0.4, 0.05}, start[D] = {1, -0.7, 2};

static sl_averaging problem(double rate, double batch)
{
    return (sl_averaging){.d = D, .spectrum = spectrum, .start = start, .rate = rate, .noise = 0.6, .batch = batch};
}

/* a b, row-major. */
static void multiply(double c[D][D], double a[D][D], double b[D][D])
{
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) {
            c[i][j] = 0;
            for (int k = 0; k < D; k++) c[i][j] += a[i][k] * b[k][j];
        }
}

/* The recursion of full matrices, in a basis in which S is not diagonal, and the definition of the average's second
 * moment: the sum over all pairs of iterates. O(n^2). */
typedef struct {
    double S[D][D], V[D][D], A[D][D]; /* A = 1 - rate S */
} reference;

static void rotate(double m[D][D], double a, int p, int q)
{
    double r[D][D] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, t[D][D] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, half[D][D];
    r[p][p] = r[q][q] = t[p][p] = t[q][q] = cos(a);
    r[p][q] = t[q][p] = -sin(a);
    r[q][p] = t[p][q] = sin(a);
    multiply(half, r, m);
    multiply(m, half, t);
}

static void reference_init(reference *r, const sl_averaging *a, int with_start)
{
    double S[D][D], V[D][D];
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) {
            S[i][j] = i == j ? spectrum[i] : 0;
            V[i][j] = with_start ? start[i] * start[j] : 0;
        }
    rotate(S, 0.4, 0, 1), rotate(V, 0.4, 0, 1);
    rotate(S, 1.1, 1, 2), rotate(V, 1.1, 1, 2);
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) r->A[i][j] = (i == j) - a->rate * S[i][j];
    memcpy(r->S, S, sizeof S);
    memcpy(r->V, V, sizeof V);
}

static double risk_of(double S[D][D], double V[D][D])
{
    double sum = 0;
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) sum += S[i][j] * V[j][i] / 2;
    return sum;
}

static void reference_step(reference *r, const sl_averaging *a, double noise)
{
    double SV[D][D], SVS[D][D], trace = 0, next[D][D];
    multiply(SV, r->S, r->V);
    multiply(SVS, SV, r->S);
    for (int i = 0; i < D; i++) trace += SV[i][i];
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            next[i][j] = r->V[i][j] - a->rate * (SV[i][j] + SV[j][i]) +
                         a->rate * a->rate * (SVS[i][j] + (SVS[i][j] + (trace + noise) * r->S[i][j]) / a->batch);
    memcpy(r->V, next, sizeof next);
}

/* Risk of the last iterate and of the mean of theta_from .. theta_(from+count-1). */
static void reference_run(double *last, double *average, const sl_averaging *a, int with_start, double noise, int from,
                          int count)
{
    reference r;
    double total[D][D] = {0};
    reference_init(&r, a, with_start);
    for (int k = 0; k < from + count; k++) {
        double power[D][D], later[D][D];
        memcpy(power, r.V, sizeof power); /* A^(j-k) V_k, for j = k, k + 1, ... */
        for (int j = k; j < from + count && k >= from; j++) {
            for (int p = 0; p < D; p++)
                for (int q = 0; q < D; q++)
                    total[p][q] += (j == k ? power[p][q] : power[p][q] + power[q][p]) / ((double)count * count);
            multiply(later, r.A, power);
            memcpy(power, later, sizeof power);
        }
        if (k == from + count - 1) *last = risk_of(r.S, r.V);
        reference_step(&r, a, noise);
    }
    *average = risk_of(r.S, total);
}

static void averaging__is_the_recursion_of_full_matrices(void **state)
{
    (void)state;
    static const struct {
        double rate, batch;
        int from, count;
    } cases[] = {{0.05, 1, 0, 1}, {0.3, 1, 0, 60}, {0.3, 4, 7, 33}, {1.2, 8, 0, 50}, {0.9, 1, 3, 12}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const sl_averaging a = problem(cases[c].rate, cases[c].batch);
        const uint64_t from = (uint64_t)cases[c].from, count = (uint64_t)cases[c].count;
        double last_bias = NAN, bias, last_variance = NAN, variance;
        reference_run(&last_bias, &bias, &a, 1, 0, cases[c].from, cases[c].count);
        reference_run(&last_variance, &variance, &a, 0, a.noise, cases[c].from, cases[c].count);
        sl_averaging_modes *m;
        sl_averaging_risk r;
        assert_ok(sl_averaging_alloc(&m, &a, &err));
        assert_ok(sl_averaging_last(&r, m, from + count - 1, &err));
        assert_close(r.bias, last_bias, 1e-12);
        assert_close(r.variance, last_variance, 1e-12);
        assert_ok(sl_averaging_average(&r, m, from, count, &err));
        assert_close(r.bias, bias, 1e-12);
        assert_close(r.variance, variance, 1e-12);
        sl_averaging_free(m);
    }
}

/* Means over 2^20 trajectories in NumPy 1.24 (default_rng(5); lambda = 1, 0.25; start 1, 2; rate 0.2; label noise 0.5;
 * C = 1): excess loss of theta_30 and of the mean of theta_0 .. theta_29, with standard errors. Limit: 4 of them. */
static void averaging__has_the_sampled_risks(void **state)
{
    (void)state;
    const double lambda[2] = {1, 0.25}, eta[2] = {1, 2};
    const sl_averaging a = {.d = 2, .spectrum = lambda, .start = eta, .rate = 0.2, .noise = 0.5};
    sl_averaging_modes *m;
    sl_averaging_risk r;
    assert_ok(sl_averaging_alloc(&m, &a, &err));
    assert_ok(sl_averaging_last(&r, m, 30, &err));
    assert_near(r.bias + r.variance, 0.077936, 4 * 7.7e-05);
    assert_ok(sl_averaging_average(&r, m, 0, 30, &err));
    assert_near(r.bias + r.variance, 0.178475, 4 * 8.3e-05);
    sl_averaging_free(m);
}

/* One dimension, C = 1, y = rate lambda: m = 1 - 2 y + 3 y^2, and everything is a geometric series. */
static void averaging__one_dimension_has_closed_forms(void **state)
{
    (void)state;
    const double lambda = 2, eta = 1.5, rate = 0.1, noise = 0.3, y = rate * lambda, m2 = 1 - 2 * y + 3 * y * y;
    const sl_averaging a = {.d = 1, .spectrum = &lambda, .start = &eta, .rate = rate, .noise = noise};
    sl_averaging_modes *m;
    sl_averaging_risk r;
    sl_averaging_law w;
    assert_ok(sl_averaging_alloc(&m, &a, &err));
    assert_ok(sl_averaging_last(&r, m, 25, &err));
    assert_close(r.bias, lambda * eta * eta * pow(m2, 25) / 2, 1e-13);
    const double stationary = rate * noise / (2 - 3 * y);
    assert_close(r.variance, lambda * stationary * (1 - pow(m2, 25)) / 2, 1e-13);
    assert_ok(sl_averaging_asymptotic(&w, m, &err));
    assert_close(w.last, lambda * stationary / 2, 1e-14);
    assert_close(w.variance_1, lambda * stationary * (2 - y) / y / 2, 1e-14);
    assert_close(w.bias_2, lambda * eta * eta * (2 - y) / y / (1 - m2) / 2, 1e-14);
    assert_close(w.relaxation, -1 / log(m2), 1e-12);
    sl_averaging_free(m);
}

/* n much longer than the memory of the slowest direction: what is left out decays exponentially. */
static void asymptotic__is_the_limit_of_many_steps(void **state)
{
    (void)state;
    const sl_averaging a = problem(0.2, 2);
    sl_averaging_modes *m;
    sl_averaging_risk r;
    sl_averaging_law w;
    assert_ok(sl_averaging_alloc(&m, &a, &err));
    assert_ok(sl_averaging_asymptotic(&w, m, &err));
    const double n = 20000;
    assert_ok(sl_averaging_average(&r, m, 0, (uint64_t)n, &err));
    assert_close(r.bias, w.bias_2 / (n * n), 1e-10);
    assert_close(r.variance, w.variance_1 / n + w.variance_2 / (n * n), 1e-10);
    assert_true(fabs(r.variance - w.variance_1 / n) > 1e-3 * r.variance); /* control */
    assert_ok(sl_averaging_last(&r, m, 20000, &err));
    assert_close(r.variance, w.last, 1e-11);
    sl_averaging_free(m);
}

/* Small rates: variance noise d / (2 C n), bias eta' S^-1 eta / (2 rate^2 n^2), corrections of relative order rate. */
static void asymptotic__has_the_limits_of_small_rates(void **state)
{
    (void)state;
    double off[2][2];
    for (int i = 0; i < 2; i++) {
        const sl_averaging a = problem(1e-3 / (1 + i), 2);
        sl_averaging_modes *m;
        sl_averaging_law w;
        assert_ok(sl_averaging_alloc(&m, &a, &err));
        assert_ok(sl_averaging_asymptotic(&w, m, &err));
        off[0][i] = w.variance_1 / w.variance_small - 1;
        off[1][i] = w.bias_2 / w.bias_small - 1;
        assert_close(w.variance_small, 0.6 * 3 / 4, 1e-15);
        assert_close(w.bias_small * a.rate * a.rate, (1 / 1.3 + 0.49 / 0.4 + 4 / 0.05) / 2, 1e-13);
        sl_averaging_free(m);
    }
    for (int k = 0; k < 2; k++) {
        assert_true(fabs(off[k][0]) < 2e-3 && fabs(off[k][0]) > 1e-5);
        assert_near(off[k][0] / off[k][1], 2, 0.01);
    }
}

/* At the edge the recursion's largest eigenvalue is 1: just inside risks stay, just outside they grow. */
static void stability__is_where_second_moments_start_to_grow(void **state)
{
    (void)state;
    double edge;
    const double one = 2;
    assert_ok(sl_averaging_stability(&edge, &one, 1, 0, &err));
    assert_close(edge, 2 / (3 * one), 1e-14);
    assert_ok(sl_averaging_stability(&edge, &one, 1, 5, &err));
    assert_close(edge, 2 / ((1 + 2 / 5.0) * one), 1e-14);
    const double equal[4] = {1, 1, 1, 1}; /* rate (d + 2) = 2 at C = 1 */
    assert_ok(sl_averaging_stability(&edge, equal, 4, 1, &err));
    assert_close(edge, 2 / 6.0, 1e-14);

    assert_ok(sl_averaging_stability(&edge, spectrum, D, 1, &err));
    double growth[2];
    for (int i = 0; i < 2; i++) {
        const sl_averaging a = problem(edge * (i == 0 ? 0.999 : 1.001), 1);
        sl_averaging_modes *m;
        sl_averaging_risk early, late;
        sl_averaging_law w;
        assert_ok(sl_averaging_alloc(&m, &a, &err));
        assert_ok(sl_averaging_last(&early, m, 10000, &err));
        assert_ok(sl_averaging_last(&late, m, 20000, &err));
        growth[i] = late.bias / early.bias;
        if (i == 1) assert_fails(sl_averaging_asymptotic(&w, m, &err), SL_E_UNSTABLE, "need rate <");
        sl_averaging_free(m);
    }
    assert_true(growth[0] < 1e-2 && growth[1] > 1e2);
}

static void averaging__refuses_bad_input(void **state)
{
    (void)state;
    sl_averaging_modes *m = NULL;
    sl_averaging_risk r = {7, 7};
    double edge = 7;
    const double bad[D] = {1, 0, 1}, lost[D] = {0, NAN, 0};
    sl_averaging a = problem(0.1, 1);
    a.d = 0;
    assert_fails(sl_averaging_alloc(&m, &a, &err), SL_E_DOMAIN, "d = 0");
    a = problem(0.1, 1), a.d = SL_AVERAGING_MAX_DIM + 1;
    assert_fails(sl_averaging_alloc(&m, &a, &err), SL_E_DOMAIN, "d = 2049");
    a = problem(0.1, 1), a.spectrum = bad;
    assert_fails(sl_averaging_alloc(&m, &a, &err), SL_E_DOMAIN, "spectrum[1] = 0");
    a = problem(0.1, 1), a.start = lost;
    assert_fails(sl_averaging_alloc(&m, &a, &err), SL_E_DOMAIN, "start[1]");
    a = problem(NAN, 1);
    assert_fails(sl_averaging_alloc(&m, &a, &err), SL_E_DOMAIN, "rate = ");
    a = problem(0.1, 0.5);
    assert_fails(sl_averaging_alloc(&m, &a, &err), SL_E_DOMAIN, "batch = 0.5");
    a = problem(0.1, 1), a.noise = -1;
    assert_fails(sl_averaging_alloc(&m, &a, &err), SL_E_DOMAIN, "noise = -1");
    assert_null(m);
    assert_fails(sl_averaging_stability(&edge, bad, D, 1, &err), SL_E_DOMAIN, "spectrum[1]");
    assert_true(edge == 7);

    a = problem(10, 1);
    assert_ok(sl_averaging_alloc(&m, &a, &err));
    assert_fails(sl_averaging_last(&r, m, 1000000, &err), SL_E_NUMERIC, "beyond doubles");
    assert_fails(sl_averaging_average(&r, m, 0, 1000000, &err), SL_E_NUMERIC, "beyond doubles");
    assert_fails(sl_averaging_average(&r, m, 5, 0, &err), SL_E_DOMAIN, "0 iterates");
    assert_fails(sl_averaging_last(&r, m, UINT64_MAX, &err), SL_E_DOMAIN, "2^52");
    assert_true(r.bias == 7 && r.variance == 7);
    sl_averaging_free(m);
    sl_averaging_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averaging__is_the_recursion_of_full_matrices),
        cmocka_unit_test(averaging__has_the_sampled_risks),
        cmocka_unit_test(averaging__one_dimension_has_closed_forms),
        cmocka_unit_test(asymptotic__is_the_limit_of_many_steps),
        cmocka_unit_test(asymptotic__has_the_limits_of_small_rates),
        cmocka_unit_test(stability__is_where_second_moments_start_to_grow),
        cmocka_unit_test(averaging__refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
