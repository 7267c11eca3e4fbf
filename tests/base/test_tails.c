/* Kurtosis and tail indices on samples of known laws. Fixed seeds; limits of 4.5 standard errors, chosen beforehand. */
#include "tests/test.h"

#include "base/random.h"
#include "base/tails.h"

enum { N = 40000 };
static double x[N];

typedef enum { GAUSS, LAPLACE, CAUCHY, STABLE, PARETO } law;

/* alpha: of STABLE (symmetric, by Chambers, Mallows and Stuck 1976) and PARETO (|x| > 1, random signs). */
static void fill(law which, double alpha, uint64_t seed)
{
    static double u[N], w[N];
    const sl_draw one = {.seed = seed, .purpose = SL_PURPOSE_TEST},
                  two = {.seed = seed, .sub = 1, .purpose = SL_PURPOSE_TEST};
    sl_random_uniforms(u, N, 0, &one);
    sl_random_uniforms(w, N, 0, &two);
    if (which == GAUSS) sl_random_normals(x, N, 0, 1, &one);
    for (size_t i = 0; i < N; i++) {
        const double phi = M_PI * (u[i] - 0.5), e = -log(w[i]), sign = u[i] < 0.5 ? -1 : 1;
        if (which == LAPLACE) x[i] = sign * e;
        if (which == CAUCHY) x[i] = tan(phi);
        if (which == STABLE)
            x[i] = sin(alpha * phi) / pow(cos(phi), 1 / alpha) * pow(cos((1 - alpha) * phi) / e, (1 - alpha) / alpha);
        if (which == PARETO) x[i] = sign * pow(w[i], -1 / alpha);
    }
}

static void within(sl_estimate e, double expected)
{
    if (!(fabs(e.value - expected) <= 4.5 * e.se)) fail_msg("%g +- %g, expected %g", e.value, e.se, expected);
}

static void kurtosis__of_known_laws(void **state)
{
    (void)state;
    fill(GAUSS, 0, 1);
    sl_estimate e = sl_kurtosis(x, N);
    within(e, 0);
    assert_close(e.se, sqrt(24. / N), 0.1); /* textbook error of a Gaussian sample */
    fill(LAPLACE, 0, 2);
    e = sl_kurtosis(x, N);
    within(e, 3);
    assert_true(e.se < 0.5);
    /* By hand: -1, -1, -1, 3: mean 0, m2 = 3, m4 = 21, so 21/9 - 3; no shift or scale changes it. */
    assert_near(sl_kurtosis((double[]){-1, -1, -1, 3}, 4).value, 21 / 9. - 3, 1e-14);
    assert_near(sl_kurtosis((double[]){5, 5, 5, 13}, 4).value, 21 / 9. - 3, 1e-13);
}

/* The error against the spread over independent samples. */
static void kurtosis__error_is_the_spread(void **state)
{
    (void)state;
    fill(LAPLACE, 0, 7);
    enum { PARTS = 40, EACH = N / PARTS };
    sl_welford spread = {0}, said = {0};
    for (size_t p = 0; p < PARTS; p++) {
        const sl_estimate e = sl_kurtosis(x + p * EACH, EACH);
        sl_welford_add(&spread, e.value);
        sl_welford_add(&said, e.se);
    }
    const double ratio = said.mean / sqrt(sl_welford_variance(&spread));
    assert_true(ratio > 0.6 && ratio < 1.5); /* heavy tails: the error itself is rough */
}

static void hill__of_a_power_law(void **state)
{
    (void)state;
    static const double alphas[] = {0.8, 1.5, 3};
    for (size_t i = 0; i < 3; i++) {
        sl_estimate e;
        fill(PARETO, alphas[i], 10 + i);
        assert_ok(sl_hill(&e, x, N, 2000, &err));
        within(e, alphas[i]); /* unbiased on an exact power law: sum of exponentials */
        assert_close(e.se, alphas[i] / sqrt(2000), 0.15);
    }
    fill(CAUCHY, 0, 20);
    sl_estimate e;
    assert_ok(sl_hill(&e, x, N, sl_hill_k(N), &err)); /* tail exponent 1, bias O((k/n)^2) */
    within(e, 1);
    fill(GAUSS, 0, 21);
    assert_ok(sl_hill(&e, x, N, sl_hill_k(N), &err));
    assert_true(e.value > 4); /* control: no heavy tail */
    /* By hand: of 8, 4, 2, 1 the two largest against 2: log 4 + log 2 over 2. */
    assert_ok(sl_hill(&e, (double[]){1, -8, 4, -2}, 4, 2, &err));
    assert_near(e.value, 2 / log(8), 1e-14);
}

static void stable__of_stable_laws(void **state)
{
    (void)state;
    static const double alphas[] = {0.7, 1.2, 1.7};
    for (size_t i = 0; i < 3; i++) {
        fill(STABLE, alphas[i], 30 + i);
        const sl_estimate e = sl_stable_index(x, N);
        within(e, alphas[i]);
        assert_true(e.se < 0.1 * alphas[i]);
    }
    fill(CAUCHY, 0, 40);
    within(sl_stable_index(x, N), 1);
    fill(GAUSS, 0, 41);
    const sl_estimate e = sl_stable_index(x, N);
    within(e, 2);
    assert_true(fabs(e.value - 1.5) > 4.5 * e.se); /* control */
}

static void stable__zeros_are_left_out(void **state)
{
    (void)state;
    fill(GAUSS, 0, 42);
    const sl_estimate whole = sl_stable_index(x, N / 2);
    for (size_t i = N / 2; i-- > 0;) x[2 * i] = x[i], x[2 * i + 1] = 0;
    const sl_estimate e = sl_stable_index(x, N);
    assert_near(e.value, whole.value, 0);
    assert_near(e.se, whole.se, 0);
}

static void samples__too_small_or_without_spread(void **state)
{
    (void)state;
    double same[40];
    for (size_t i = 0; i < 40; i++) same[i] = 2;
    sl_estimate e;
    assert_true(isnan(sl_kurtosis(same, 40).value));
    assert_true(isnan(sl_kurtosis(x, 3).value));
    assert_ok(sl_hill(&e, same, 40, 10, &err));
    assert_true(isnan(e.value));
    assert_ok(sl_hill(&e, same, 10, 10, &err));
    assert_true(isnan(e.value) && isnan(e.se));
    memset(same, 0, sizeof same);
    assert_ok(sl_hill(&e, same, 40, 10, &err));
    assert_true(isnan(e.value));
    assert_true(isnan(sl_stable_index(same, 40).value));
    assert_int_equal(sl_hill_k(5), 10);
    assert_int_equal(sl_hill_k(1001), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kurtosis__of_known_laws), cmocka_unit_test(kurtosis__error_is_the_spread),
        cmocka_unit_test(hill__of_a_power_law),    cmocka_unit_test(stable__of_stable_laws),
        cmocka_unit_test(stable__zeros_are_left_out), cmocka_unit_test(samples__too_small_or_without_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
