/* Estimates and series. Seeds are fixed; the limits stand at 4 standard errors of what is measured (6e-5 each). */
#include "tests/test.h"

#include "base/random.h"
#include "base/stats.h"

/* ---- arithmetic of estimates ---- */

static void exact__has_no_error(void **state)
{
    (void)state;
    const sl_estimate e = sl_exact(2.5);
    assert_near(e.value, 2.5, 0);
    assert_near(e.se, 0, 0);
    assert_near(sl_half_width(e, 0.05), 0, 0);
}

/* 6 +- 0.3 over 3 +- 0.1: 2, with relative errors 1/20 and 1/30: se = 2 sqrt(1/400 + 1/900) = sqrt(13)/30. */
static void ratio__worked_by_hand(void **state)
{
    (void)state;
    const sl_estimate r = sl_ratio((sl_estimate){6, 0.3, 10}, (sl_estimate){-3, 0.1, 20});
    assert_close(r.value, -2.0, 1e-15);
    assert_close(r.se, sqrt(13) / 30, 1e-14);
    assert_close(r.dof, pow(1. / 400 + 1. / 900, 2) / (pow(1. / 400, 2) / 10 + pow(1. / 900, 2) / 20), 1e-12);
    const sl_estimate exact = sl_ratio(sl_exact(1), sl_exact(4));
    assert_near(exact.se, 0, 0);
    assert_true(isinf(exact.dof));
    assert_true(isnan(sl_ratio((sl_estimate){1, NAN, 0}, sl_exact(2)).se));
}

static void difference__is_welch(void **state)
{
    (void)state;
    const sl_estimate a = {5, 0.3, 4}, b = {3, 0.4, 9}, d = sl_difference(a, b);
    assert_close(d.value, 2.0, 1e-15);
    assert_close(d.se, 0.5, 1e-15);
    assert_close(d.dof, 0.0625 / (0.0081 / 4 + 0.0256 / 9), 1e-12);
    assert_close(sl_difference(a, sl_exact(1)).dof, 4.0, 1e-12); /* one error alone keeps its dof */
    assert_close(sl_difference(b, (sl_estimate){1, 1e-9, INFINITY}).dof, 9.0, 1e-12);
    assert_true(isinf(sl_difference((sl_estimate){1, 1, INFINITY}, sl_exact(0)).dof));
    assert_near(sl_difference((sl_estimate){1, 1, 0}, sl_exact(0)).dof, 0, 0); /* nothing known stays unknown */
}

static void scaled__keeps_the_error_positive(void **state)
{
    (void)state;
    const sl_estimate e = sl_scaled(-2, (sl_estimate){3, 0.5, 7});
    assert_near(e.value, -6, 0);
    assert_near(e.se, 1, 0);
    assert_near(e.dof, 7, 0);
}

/* ---- means ---- */

/* 4, 7, 13, 16 have mean 10 and variance 30; a large offset must not hurt. */
static void welford__stands_an_offset(void **state)
{
    (void)state;
    static const double x[] = {4, 7, 13, 16};
    for (int k = 0; k < 2; k++) {
        const double offset = k ? 1e9 : 0;
        sl_welford w = {0};
        for (int i = 0; i < 4; i++) sl_welford_add(&w, offset + x[i]);
        assert_near(w.mean, offset + 10, 0);
        assert_near(sl_welford_variance(&w), 30, 0);
        const sl_estimate e = sl_welford_mean(&w);
        assert_close(e.se, sqrt(30. / 4), 1e-15);
        assert_near(e.dof, 3, 0);
    }
}

static void welford__merging_is_adding(void **state)
{
    (void)state;
    enum { N = 1000 };
    double x[N];
    const sl_draw d = {.seed = 1, .purpose = SL_PURPOSE_TEST};
    sl_random_normals(x, N, 0, 2, &d);
    sl_welford all = {0}, sum = {0};
    static const int ends[] = {0, 1, 5, 5, 400, N};
    for (int i = 0; i < N; i++) sl_welford_add(&all, x[i]);
    for (int k = 0; k + 1 < 6; k++) {
        sl_welford part = {0};
        for (int i = ends[k]; i < ends[k + 1]; i++) sl_welford_add(&part, x[i]);
        sl_welford_merge(&sum, &part);
    }
    assert_near(sum.n, N, 0);
    assert_near(sum.mean, all.mean, 1e-14);
    assert_close(sl_welford_variance(&sum), sl_welford_variance(&all), 1e-13);
    sl_welford empty = {0};
    sl_welford_merge(&empty, &(sl_welford){0});
    assert_near(empty.n, 0, 0);
}

static void mean__of_too_few_has_no_error(void **state)
{
    (void)state;
    const double x[] = {3};
    assert_near(sl_mean(x, 1).value, 3, 0);
    assert_true(isnan(sl_mean(x, 1).se));
    assert_true(isnan(sl_mean(x, 0).value));
    assert_true(isinf(sl_half_width(sl_mean(x, 1), 0.05)));
    assert_true(isinf(sl_half_width(sl_mean(x, 0), 0.05)));
}

/* 7 samples in 3 batches of 2: the first is dropped, the batch means are 1, 4, 10: mean 5, variance 21. */
static void batch_means__worked_by_hand(void **state)
{
    (void)state;
    const double x[] = {100, 0, 2, 3, 5, 9, 11};
    const sl_estimate e = sl_batch_means(x, 7, 3);
    assert_near(e.value, 5, 1e-15);
    assert_close(e.se, sqrt(21. / 3), 1e-15);
    assert_near(e.dof, 2, 0);
    assert_true(isnan(sl_batch_means(x, 7, 1).se) && isnan(sl_batch_means(x, 7, 8).se));
    assert_close(sl_batch_means(x, 7, 7).se, sl_mean(x, 7).se, 1e-14);
}

/* ---- series: x' = phi x + xi has variance 1/(1 - phi^2) and tau = (1 + phi)/(1 - phi) ---- */

static void make_series(double *x, size_t n, double phi, uint64_t seed)
{
    const sl_draw d = {.seed = seed, .purpose = SL_PURPOSE_TEST};
    sl_random_normals(x, n, 0, 1, &d);
    x[0] /= sqrt(1 - phi * phi);
    for (size_t i = 1; i < n; i++) x[i] += phi * x[i - 1];
}

enum { LONG = 100000 };
static double series[LONG];

/* tau's relative error is sqrt(2 (2 W + 1)/n) with W = 5 tau (Sokal 1997, eq 3.19). */
static void autocorrelation_time__of_an_autoregression(void **state)
{
    (void)state;
    static const double phis[] = {0, 0.5, 0.9, 0.97};
    for (int k = 0; k < 4; k++) {
        const double tau = (1 + phis[k]) / (1 - phis[k]);
        make_series(series, LONG, phis[k], 3);
        assert_close(sl_autocorrelation_time(series, LONG), tau, 4 * sqrt(2 * (10 * tau + 1) / LONG));
    }
}

static void autocorrelation_time__equals_the_plain_sum(void **state)
{
    (void)state;
    static const size_t sizes[] = {4, 5, 37, 64, 500};
    for (int k = 0; k < 5; k++) {
        const size_t n = sizes[k];
        make_series(series, n, 0.6, 4);
        const double mean = sl_mean(series, n).value;
        double c0 = 0, tau = 1;
        for (size_t i = 0; i < n; i++) c0 += pow(series[i] - mean, 2);
        for (size_t w = 1; w < n; w++) {
            double c = 0;
            for (size_t i = 0; i + w < n; i++) c += (series[i] - mean) * (series[i + w] - mean);
            tau += 2 * c / c0;
            if ((double)w >= 5 * tau) break;
        }
        assert_near(sl_autocorrelation_time(series, n), tau, 1e-12);
    }
}

static void autocorrelation_time__of_nothing_to_measure(void **state)
{
    (void)state;
    const double same[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, hole[] = {1, 2, NAN, 3, 4};
    assert_true(isnan(sl_autocorrelation_time(same, 6)));
    assert_true(isnan(sl_autocorrelation_time(hole, 5)));
    assert_true(isnan(sl_autocorrelation_time(hole, 2)));
}

/* The three errors of a correlated mean: two know of the correlation, the plain one is short by sqrt(19). */
static void series_mean__error_is_that_of_the_mean(void **state)
{
    (void)state;
    const double phi = 0.9, tau = 19, truth = sqrt(tau / (1 - phi * phi) / LONG);
    make_series(series, LONG, phi, 5);
    sl_estimate e;
    assert_ok(sl_series_mean(&e, series, LONG, &err));
    assert_close(e.se, truth, 4 * 0.5 * sqrt(2 * (10 * tau + 1) / LONG) + 0.02);
    assert_close(e.dof, LONG / tau - 1, 0.3);
    assert_near(e.value, 0, 4 * truth);
    assert_close(sl_batch_means(series, LONG, 50).se, truth, 4 / sqrt(2 * 49.));
    assert_true(sl_mean(series, LONG).se < 0.3 * truth); /* control */
}

/* How often the 95 % interval holds the truth, in 1000 series of 200 tau: 0.95 +- 4 x 0.0069, and 0.01 for the bias
 * of tau itself. Control: the interval that takes the samples for independent. */
static void series_mean__interval_covers(void **state)
{
    (void)state;
    enum { TRIALS = 1000, N = 600 };
    double held = 0, naive = 0;
    for (int t = 0; t < TRIALS; t++) {
        sl_estimate e;
        make_series(series, N, 0.5, 100 + (uint64_t)t);
        assert_true(sl_series_mean(&e, series, N, NULL) >= 0);
        held += fabs(e.value) <= sl_half_width(e, 0.05);
        const sl_estimate plain = sl_mean(series, N);
        naive += fabs(plain.value) <= sl_half_width(plain, 0.05);
    }
    assert_near(held / TRIALS, 0.95, 4 * 0.0069 + 0.01);
    assert_true(naive / TRIALS < 0.95 - 4 * 0.0069 - 0.01);
}

static void series_mean__says_when_samples_are_few(void **state)
{
    (void)state;
    sl_estimate e = {0};
    make_series(series, 200, 0.9, 6);
    assert_fails(sl_series_mean(&e, series, 200, &err), SL_UNDECIDED, "autocorrelation times, need 50");
    assert_true(e.se > 0);
    const double same[] = {2, 2, 2, 2, 2};
    assert_fails(sl_series_mean(&e, same, 5, &err), SL_UNDECIDED, "constant");
    assert_near(e.value, 2, 0);
    assert_true(isnan(e.se)); /* and not 0, which would mean exact */
    assert_fails(sl_series_mean(&e, same, 0, &err), SL_E_DOMAIN, "empty");
    double alternating[1000];
    for (int i = 0; i < 1000; i++) alternating[i] = i % 2 ? 1 : -1;
    assert_ok(sl_series_mean(&e, alternating, 1000, &err));
    assert_close(e.se, sl_mean(alternating, 1000).se, 1e-12); /* tau counts as at least 1 */
}

/* ---- bootstrap ---- */

static double mean_of(const double *x, size_t n, void *ctx)
{
    (void)ctx;
    return sl_mean(x, n).value;
}

static double not_a_number(const double *x, size_t n, void *ctx)
{
    (void)x, (void)n;
    int *calls = ctx;
    return ++*calls > 3 ? NAN : 1;
}

/* The mean's bootstrap error is known: sqrt of sum (x - mean)^2 / n^2. 4000 resamples measure it to 1.1 %. */
static void bootstrap__of_the_mean(void **state)
{
    (void)state;
    enum { N = 400 };
    double x[N], lo, hi;
    const sl_draw d = {.seed = 8, .purpose = SL_PURPOSE_TEST};
    sl_random_normals(x, N, 0, 3, &d);
    const sl_estimate plain = sl_mean(x, N);
    sl_estimate e, again, other;
    assert_ok(sl_bootstrap(&e, &lo, &hi, 0.9, x, N, mean_of, NULL, 4000, 1, &err));
    assert_near(e.value, plain.value, 0);
    assert_close(e.se, plain.se * sqrt(1 - 1. / N), 4 / sqrt(2 * 4000.));
    assert_near(hi - e.value, 1.6449 * e.se, 0.15 * e.se); /* quantile's error: 4 x 0.033 */
    assert_near(e.value - lo, 1.6449 * e.se, 0.15 * e.se);
    assert_ok(sl_bootstrap(&again, NULL, NULL, NAN, x, N, mean_of, NULL, 4000, 1, &err));
    assert_near(again.se, e.se, 0);
    assert_ok(sl_bootstrap(&other, NULL, NULL, NAN, x, N, mean_of, NULL, 4000, 2, &err));
    assert_true(other.se != e.se);
}

static void bootstrap__refuses_and_leaves_outputs_alone(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3};
    sl_estimate e = {42, 42, 42};
    double lo = 42, hi = 42;
    int calls = 0;
    assert_fails(sl_bootstrap(&e, &lo, &hi, 0.9, x, 0, mean_of, NULL, 10, 1, &err), SL_E_DOMAIN, "n = 0");
    assert_fails(sl_bootstrap(&e, &lo, &hi, 0.9, x, 3, mean_of, NULL, 1, 1, &err), SL_E_DOMAIN, "1 resamples");
    assert_fails(sl_bootstrap(&e, &lo, &hi, 1, x, 3, mean_of, NULL, 10, 1, &err), SL_E_DOMAIN, "confidence = 1");
    assert_fails(sl_bootstrap(&e, &lo, &hi, 0.9, x, 3, not_a_number, &calls, 10, 1, &err), SL_E_NUMERIC, "resample 2");
    assert_true(e.value == 42 && e.se == 42 && lo == 42 && hi == 42);
}

/* ---- intervals ---- */

/* Student's quantiles in closed form for 1, 2 and 4 degrees of freedom, also far out, where a family of claims with
 * its shared error budget stands; two from printed tables; the normal beyond. */
static void half_width__is_the_quantile(void **state)
{
    (void)state;
    static const double alphas[] = {0.5, 0.1, 0.05, 1e-3, 1e-6};
    for (int k = 0; k < 5; k++) {
        const double a = alphas[k], c = a * (2 - a), q = cos(acos(sqrt(c)) / 3) / sqrt(c);
        assert_close(sl_half_width((sl_estimate){0, 2, 1}, a), 2 / tan(M_PI * a / 2), 1e-9);
        assert_close(sl_half_width((sl_estimate){0, 2, 2}, a), 2 * (1 - a) * sqrt(2 / c), 1e-9);
        assert_close(sl_half_width((sl_estimate){0, 2, 4}, a), 4 * sqrt(q - 1), 1e-8);
    }
    assert_close(sl_half_width((sl_estimate){0, 1, 10}, 0.05), 2.228138851964939, 1e-10);
    assert_close(sl_half_width((sl_estimate){0, 1, 30}, 0.01), 2.749995653567231, 1e-10);
    assert_close(sl_half_width((sl_estimate){0, 1, INFINITY}, 0.05), 1.959963984540054, 1e-12);
    assert_close(sl_half_width((sl_estimate){0, 1, INFINITY}, 1e-6), 4.891638475699, 1e-10);
    assert_close(sl_half_width((sl_estimate){0, 1, 1e7}, 0.05), 1.959963984540054, 1e-6);
    assert_close(sl_half_width((sl_estimate){0, 1, 2.5}, 0.05), 3.5578, 0.01); /* between 4.303 and 3.182 */
}

static void half_width__unknown_is_infinite(void **state)
{
    (void)state;
    assert_true(isinf(sl_half_width((sl_estimate){1, NAN, 5}, 0.05)));
    assert_true(isinf(sl_half_width((sl_estimate){1, 1, 0}, 0.05)));
    assert_true(isinf(sl_half_width((sl_estimate){1, 1, -1}, 0.05)));
    assert_true(isinf(sl_half_width((sl_estimate){1, 1, NAN}, 0.05)));
    assert_true(isinf(sl_half_width((sl_estimate){1, 1, 5}, 0)));
}

static void compare__inside_outside_astride(void **state)
{
    (void)state;
    const double h = 1.959963984540054; /* of se = 1 at 5 % */
    assert_int_equal(sl_compare((sl_estimate){0.5, 1, INFINITY}, 0.5 + h + 0.01, 0.05), SL_INSIDE);
    assert_int_equal(sl_compare((sl_estimate){0.5, 1, INFINITY}, 0.5 + h - 0.01, 0.05), SL_ASTRIDE);
    assert_int_equal(sl_compare((sl_estimate){-0.5, 1, INFINITY}, 0.5 + h + 0.01, 0.05), SL_INSIDE);
    assert_int_equal(sl_compare((sl_estimate){5, 1, INFINITY}, 5 - h - 0.01, 0.05), SL_OUTSIDE);
    assert_int_equal(sl_compare((sl_estimate){-5, 1, INFINITY}, 5 - h - 0.01, 0.05), SL_OUTSIDE);
    assert_int_equal(sl_compare((sl_estimate){5, 1, INFINITY}, 5 - h + 0.01, 0.05), SL_ASTRIDE);
    assert_int_equal(sl_compare(sl_exact(1), 1, 0.05), SL_INSIDE);
    assert_int_equal(sl_compare(sl_exact(1), 0.999, 0.05), SL_OUTSIDE);
    assert_int_equal(sl_compare((sl_estimate){0, NAN, 3}, 1, 0.05), SL_ASTRIDE); /* nothing is known: no verdict */
    assert_int_equal(sl_compare((sl_estimate){NAN, 1, 3}, 1, 0.05), SL_ASTRIDE);
    assert_int_equal(sl_compare(sl_exact(NAN), 1, 0.05), SL_ASTRIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact__has_no_error),
        cmocka_unit_test(ratio__worked_by_hand),
        cmocka_unit_test(difference__is_welch),
        cmocka_unit_test(scaled__keeps_the_error_positive),
        cmocka_unit_test(welford__stands_an_offset),
        cmocka_unit_test(welford__merging_is_adding),
        cmocka_unit_test(mean__of_too_few_has_no_error),
        cmocka_unit_test(batch_means__worked_by_hand),
        cmocka_unit_test(autocorrelation_time__of_an_autoregression),
        cmocka_unit_test(autocorrelation_time__equals_the_plain_sum),
        cmocka_unit_test(autocorrelation_time__of_nothing_to_measure),
        cmocka_unit_test(series_mean__error_is_that_of_the_mean),
        cmocka_unit_test(series_mean__interval_covers),
        cmocka_unit_test(series_mean__says_when_samples_are_few),
        cmocka_unit_test(bootstrap__of_the_mean),
        cmocka_unit_test(bootstrap__refuses_and_leaves_outputs_alone),
        cmocka_unit_test(half_width__is_the_quantile),
        cmocka_unit_test(half_width__unknown_is_infinite),
        cmocka_unit_test(compare__inside_outside_astride),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
