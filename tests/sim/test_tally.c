#include "tests/test.h"

#include "base/random.h"
#include "sim/tally.h"

enum { N = 200, K = 3 };

/* Weights in (0, 1); observables that go with them, with a common fluctuation and one of their own. */
static void fill(double *w, double *y)
{
    const sl_draw u = {.seed = 1, .purpose = SL_PURPOSE_TEST}, z = {.seed = 2, .purpose = SL_PURPOSE_TEST};
    sl_random_uniforms(w, N, 0, &u);
    double common[N];
    sl_random_normals(common, N, 0, 1, &z);
    sl_random_normals(y, K * N, N, 1, &z);
    for (size_t j = 0; j < K; j++)
        for (size_t i = 0; i < N; i++)
            y[j * N + i] = w[i] * (3 + (double)j) * (1 + 0.2 * common[i]) + 0.1 * y[j * N + i];
}

static void mean__is_the_ratio_of_sums_with_its_linearised_error(void **state)
{
    (void)state;
    double w[N], y[K * N], memory[SL_TALLY_SIZE(K)] = {0};
    const sl_tally t = {K, memory};
    fill(w, y);
    sl_tally_add(t, N, w, y, N);
    assert_near(sl_tally_units(t), N, 0);
    for (size_t j = 0; j < K; j++) {
        double sum = 0, weight = 0, residual2 = 0;
        for (size_t i = 0; i < N; i++) sum += y[j * N + i], weight += w[i];
        const double theta = sum / weight;
        for (size_t i = 0; i < N; i++) residual2 += pow(y[j * N + i] - theta * w[i], 2);
        const sl_estimate e = sl_tally_mean(t, j);
        assert_close(e.value, theta, 1e-13);
        assert_close(e.se, sqrt(residual2 * N / (N - 1.0)) / weight, 1e-12);
        assert_near(e.dof, N - 1, 0);
    }
}

static void ratio__carries_the_covariance(void **state)
{
    (void)state;
    double w[N], y[K * N], memory[SL_TALLY_SIZE(K)] = {0};
    const sl_tally t = {K, memory};
    fill(w, y);
    sl_tally_add(t, N, w, y, N);
    double a = 0, b = 0, residual2 = 0;
    for (size_t i = 0; i < N; i++) a += y[i], b += y[N + i];
    for (size_t i = 0; i < N; i++) residual2 += pow(y[i] - a / b * y[N + i], 2);
    const sl_estimate e = sl_tally_ratio(t);
    assert_close(e.value, a / b, 1e-13);
    assert_close(e.se, sqrt(residual2 * N / (N - 1.0)) / b, 1e-12);
    /* Control: as if numerator and denominator were independent, the error would be another. */
    const sl_estimate apart = sl_ratio(sl_tally_mean(t, 0), sl_tally_mean(t, 1));
    assert_true(fabs(apart.se / e.se - 1) > 0.1);
}

static void merge__equals_one_addition(void **state)
{
    (void)state;
    double w[N], y[K * N], m1[SL_TALLY_SIZE(K)] = {0}, m2[SL_TALLY_SIZE(K)] = {0}, m3[SL_TALLY_SIZE(K)] = {0};
    const sl_tally whole = {K, m1}, left = {K, m2}, right = {K, m3};
    fill(w, y);
    sl_tally_add(whole, N, w, y, N);
    sl_tally_add(left, 70, w, y, N);
    sl_tally_add(right, 1, w + 70, y + 70, N);
    sl_tally_add(right, N - 71, w + 71, y + 71, N);
    sl_tally_merge(left, right);
    for (size_t i = 0; i < SL_TALLY_SIZE(K); i++) assert_near(m2[i], m1[i], 1e-11 * (1 + fabs(m1[i])));
    const sl_tally empty = {K, m3};
    memset(m3, 0, sizeof m3);
    sl_tally_merge(left, empty);
    assert_close(sl_tally_mean(left, 1).value, sl_tally_mean(whole, 1).value, 1e-14);
}

static void mean__of_nothing_is_not_a_number(void **state)
{
    (void)state;
    double memory[SL_TALLY_SIZE(2)] = {0};
    const sl_tally t = {2, memory};
    assert_true(isnan(sl_tally_mean(t, 0).value) && isnan(sl_tally_ratio(t).value));
    sl_tally_add(t, 1, &(double){1}, (double[]){4, 2}, 1);
    assert_near(sl_tally_mean(t, 0).value, 4, 0);
    assert_near(sl_tally_ratio(t).value, 2, 0);
    assert_true(isnan(sl_tally_mean(t, 0).se) && isnan(sl_tally_ratio(t).se));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean__is_the_ratio_of_sums_with_its_linearised_error),
        cmocka_unit_test(ratio__carries_the_covariance),
        cmocka_unit_test(merge__equals_one_addition),
        cmocka_unit_test(mean__of_nothing_is_not_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
