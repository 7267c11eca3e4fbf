/* Seeds are fixed; the limits stand at 4 standard errors of what is measured (6e-5 each). */
#include "tests/test.h"

#include "base/random.h"
#include "base/stats.h"

static double uniform_cdf(double x, void *ctx)
{
    (void)ctx;
    return fmin(1, fmax(0, x));
}

/* ---- Kolmogorov and Smirnov ---- */

/* p of a sample of 100 whose statistic is d: evenly spread, then shifted. */
static double p_of_distance(double d)
{
    double x[100], measured;
    for (int i = 0; i < 100; i++) x[i] = (i + 0.5) / 100 + (d - 0.005);
    const double p = sl_ks_one_sample(&measured, x, 100, uniform_cdf, NULL);
    assert_near(measured, d, 1e-14);
    return p;
}

/* Kolmogorov's distribution as printed: 1.22385, 1.35810, 1.62762, 1.94947 leave 10, 5, 1 and 0.1 %; its lower tail
 * 0.57117 leaves 90 % (Smirnov 1948). Here at the distance to which Stephens's factor gives that argument. */
static void ks__one_sample_p_is_kolmogorovs(void **state)
{
    (void)state;
    static const double table[][2] = {{0.5711732652, 0.9}, {1.2238478702, 0.1}, {1.3580986394, 0.05},
                                      {1.6276236115, 0.01}, {1.9494746049, 0.001}};
    for (int k = 0; k < 5; k++) assert_close(p_of_distance(table[k][0] / 10.131), table[k][1], 1e-6);
    assert_near(p_of_distance(1.18 / 10.131 - 1e-9), p_of_distance(1.18 / 10.131 + 1e-9), 1e-7); /* two series meet */
    assert_near(p_of_distance(0.005), 1, 1e-12);
}

static void ks__two_samples_by_hand(void **state)
{
    (void)state;
    double x[] = {2, 1, 1}, y[] = {2, 2, 1}, d; /* ties: at 1 the steps are 2/3 and 1/3 */
    sl_ks_two_sample(&d, x, 3, y, 3);
    assert_near(d, 1. / 3, 1e-15);
    double a[] = {3, 1, 2}, b[] = {3.5, 0, 1.5, 2.5}; /* the largest gap stands at 3: 1 against 3/4 */
    const double p = sl_ks_two_sample(&d, a, 3, b, 4);
    assert_near(d, 0.25, 1e-15);
    assert_true(p > 0.9 && p <= 1);
    assert_near(a[0], 1, 0); /* sorted in place */
    double low[50], high[50];
    for (int i = 0; i < 50; i++) low[i] = i, high[i] = 100 + i;
    assert_true(sl_ks_two_sample(&d, low, 50, high, 50) < 1e-15);
    assert_near(d, 1, 0);
}

static void ks__nothing_to_test(void **state)
{
    (void)state;
    double x[] = {0.5, NAN}, y[] = {0.5}, d;
    assert_true(isnan(sl_ks_one_sample(&d, x, 2, uniform_cdf, NULL)) && isnan(d));
    assert_true(isnan(sl_ks_one_sample(&d, y, 0, uniform_cdf, NULL)) && isnan(d));
    assert_true(isnan(sl_ks_two_sample(&d, y, 1, x, 2)) && isnan(d));
}

/* Under the hypothesis 5 % of 4000 tests reject, to 4 x 0.0034 and 0.005 for the asymptotic law at n = 50 (and 0.01
 * for two samples, whose statistic is discrete). A shift of 0.15 is nearly always seen. */
static void ks__rejects_at_its_rate(void **state)
{
    (void)state;
    enum { TRIALS = 4000, N = 50 };
    double one = 0, two = 0, shifted = 0, x[N], y[N], d;
    for (uint64_t t = 0; t < TRIALS; t++) {
        const sl_draw dx = {.seed = 1, .step = t, .purpose = SL_PURPOSE_TEST};
        const sl_draw dy = {.seed = 2, .step = t, .purpose = SL_PURPOSE_TEST};
        sl_random_uniforms(x, N, 0, &dx);
        sl_random_uniforms(y, N, 0, &dy);
        one += sl_ks_one_sample(&d, x, N, uniform_cdf, NULL) < 0.05;
        two += sl_ks_two_sample(&d, x, N, y, N) < 0.05;
        for (int i = 0; i < N; i++) x[i] += 0.3;
        shifted += sl_ks_two_sample(&d, x, N, y, N) < 0.05;
    }
    assert_near(one / TRIALS, 0.05, 4 * 0.0034 + 0.005);
    assert_near(two / TRIALS, 0.05, 4 * 0.0034 + 0.015);
    assert_true(shifted / TRIALS > 0.9);
}

/* chi^2 = 5 + 0 + 5; with 2 degrees of freedom p = exp(-chi^2/2), with 1 erfc(sqrt(chi^2/2)). */
static void chi_square__closed_forms(void **state)
{
    (void)state;
    const double seen[] = {10, 20, 30}, expected[] = {20, 20, 20}, hole[] = {20, 0, 20};
    assert_close(sl_chi_square(seen, expected, 3, 0), exp(-5), 1e-12);
    assert_close(sl_chi_square(seen, expected, 3, 1), erfc(sqrt(5)), 1e-12);
    assert_near(sl_chi_square(expected, expected, 3, 0), 1, 0);
    assert_true(isnan(sl_chi_square(seen, expected, 3, 2)));
    assert_true(isnan(sl_chi_square(seen, hole, 3, 0)));
}

/* ---- straight line ---- */

/* NIST StRD, data set Norris (linear, 36 points), with its certified values. */
static void fit_line__norris(void **state)
{
    (void)state;
    static const double data[36][2] = {
        {0.1, 0.2},     {338.8, 337.4}, {118.1, 118.2}, {888.0, 884.6}, {9.2, 10.1},    {228.1, 226.5},
        {668.5, 666.3}, {998.5, 996.3}, {449.1, 448.6}, {778.9, 777.0}, {559.2, 558.2}, {0.3, 0.4},
        {0.1, 0.6},     {778.1, 775.5}, {668.8, 666.9}, {339.3, 338.0}, {448.9, 447.5}, {10.8, 11.6},
        {557.7, 556.0}, {228.3, 228.1}, {998.0, 995.8}, {888.8, 887.6}, {119.6, 120.2}, {0.3, 0.3},
        {0.6, 0.3},     {557.6, 556.8}, {339.3, 339.1}, {888.0, 887.2}, {998.5, 999.0}, {778.9, 779.0},
        {10.2, 11.1},   {117.6, 118.3}, {228.9, 229.2}, {668.4, 669.1}, {449.2, 448.9}, {0.2, 0.5},
    };
    double x[36], y[36];
    for (int i = 0; i < 36; i++) y[i] = data[i][0], x[i] = data[i][1];
    sl_line f;
    assert_ok(sl_fit_line(&f, x, y, NULL, 36, &err));
    assert_close(f.intercept.value, -0.262323073774029, 1e-11);
    assert_close(f.intercept.se, 0.232818234301152, 1e-11);
    assert_close(f.slope.value, 1.00211681802045, 1e-13);
    assert_close(f.slope.se, 0.429796848199937e-3, 1e-11);
    assert_close(sqrt(f.chi2 / 34), 0.884796396144373, 1e-11);
    assert_near(f.slope.dof, 34, 0);
}

/* A point of error s/sqrt(2) weighs as much as two of error s; and by hand: errors 1, 1, 1 at x = -1, 0, 1. */
static void fit_line__weights(void **state)
{
    (void)state;
    const double x2[] = {1, 2, 2, 4}, y2[] = {3, 4, 4, 9}, se2[] = {1, 0.5, 0.5, 2};
    const double x1[] = {1, 2, 4}, y1[] = {3, 4, 9}, se1[] = {1, 0.5 / sqrt(2), 2};
    sl_line a, b;
    assert_ok(sl_fit_line(&a, x2, y2, se2, 4, &err));
    assert_ok(sl_fit_line(&b, x1, y1, se1, 3, &err));
    assert_close(a.slope.value, b.slope.value, 1e-14);
    assert_close(a.intercept.value, b.intercept.value, 1e-13);
    assert_close(a.slope.se, b.slope.se, 1e-14);
    assert_close(a.intercept.se, b.intercept.se, 1e-14);
    assert_close(a.chi2, b.chi2, 1e-13);
    assert_true(isinf(a.slope.dof));
    const double x[] = {-1, 0, 1}, y[] = {1, 0, 2}, one[] = {1, 1, 1};
    assert_ok(sl_fit_line(&a, x, y, one, 3, &err));
    assert_close(a.slope.value, 0.5, 1e-15);
    assert_close(a.slope.se, sqrt(0.5), 1e-15);
    assert_close(a.intercept.value, 1.0, 1e-15);
    assert_close(a.intercept.se, sqrt(1. / 3), 1e-15);
    assert_close(a.chi2, 1.5, 1e-15); /* residuals 1/2, -1, 1/2 */
}

/* The 95 % intervals of slope and intercept hold the truth in 95 % of 4000 fits, +- 4 x 0.0034. */
static void fit_line__intervals_cover(void **state)
{
    (void)state;
    enum { TRIALS = 4000, N = 6 };
    double held[4] = {0}, x[N], y[N], se[N], z[N];
    for (int i = 0; i < N; i++) x[i] = 10 + i, se[i] = 0.5 + 0.3 * i;
    for (uint64_t t = 0; t < TRIALS; t++) {
        const sl_draw d = {.seed = 3, .step = t, .purpose = SL_PURPOSE_TEST};
        sl_line f;
        sl_random_normals(z, N, 0, 1, &d);
        for (int i = 0; i < N; i++) y[i] = 3 - 2 * x[i] + se[i] * z[i];
        assert_ok(sl_fit_line(&f, x, y, se, N, &err));
        held[0] += fabs(f.slope.value + 2) <= sl_half_width(f.slope, 0.05);
        held[1] += fabs(f.intercept.value - 3) <= sl_half_width(f.intercept, 0.05);
        for (int i = 0; i < N; i++) y[i] = 3 - 2 * x[i] + z[i];
        assert_ok(sl_fit_line(&f, x, y, NULL, N, &err));
        held[2] += fabs(f.slope.value + 2) <= sl_half_width(f.slope, 0.05);
        held[3] += fabs(f.intercept.value - 3) <= sl_half_width(f.intercept, 0.05);
    }
    for (int k = 0; k < 4; k++) assert_near(held[k] / TRIALS, 0.95, 4 * 0.0034);
}

static void fit_line__refuses(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3}, y[] = {1, 2, NAN}, same[] = {2, 2, 2}, se[] = {1, 0, 1};
    sl_line f = {.chi2 = 42};
    assert_fails(sl_fit_line(&f, x, x, NULL, 2, &err), SL_E_DOMAIN, "at least 3");
    assert_fails(sl_fit_line(&f, x, x, x, 1, &err), SL_E_DOMAIN, "at least 2");
    assert_fails(sl_fit_line(&f, x, y, NULL, 3, &err), SL_E_DOMAIN, "not all finite");
    assert_fails(sl_fit_line(&f, same, x, NULL, 3, &err), SL_E_DOMAIN, "x = 2");
    assert_fails(sl_fit_line(&f, x, x, se, 3, &err), SL_E_DOMAIN, "point 1 is 0");
    assert_near(f.chi2, 42, 0);
}

/* ---- equivalence ---- */

/* Means 2 and 2.5, variances 1 and 1, 3 samples each: se = sqrt(2/3), dof = 4; at margin 1.5 the nearer edge is 1
 * away: t = sqrt(3/2), and Student's tail with 4 degrees of freedom is 1/2 - (3/4)(s - s^3/3), s = t/sqrt(4 + t^2). */
static void tost__worked_by_hand(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3}, y[] = {1.5, 2.5, 3.5};
    const double t = sqrt(1.5), s = t / sqrt(4 + t * t), p = 0.5 - 0.75 * (s - s * s * s / 3);
    sl_tost_result a, b;
    assert_ok(sl_tost(&a, x, 3, y, 3, 1.5, 0.05, &err));
    assert_ok(sl_tost(&b, y, 3, x, 3, 1.5, 0.2, &err));
    assert_close(a.difference.value, -0.5, 1e-15);
    assert_close(a.difference.se, sqrt(2. / 3), 1e-15);
    assert_close(a.difference.dof, 4.0, 1e-14);
    assert_close(a.p, p, 1e-12);
    assert_close(b.p, p, 1e-12);
    assert_false(a.equivalent); /* p = 0.14 */
    assert_true(b.equivalent);
    assert_ok(sl_tost(&a, x, 3, y, 3, 0.5, 0.05, &err));
    assert_close(a.p, 0.5, 1e-12); /* on the edge */
    assert_ok(sl_tost(&a, x, 3, y, 3, 0.1, 0.05, &err));
    assert_true(a.p > 0.5);
}

/* Differences -1/2, 1/2, 3/2: mean 1/2, variance 1, se = sqrt(1/3), dof = 2; at margin 3/2 the nearer edge is 1 away:
 * t = sqrt(3), and Student's tail with 2 degrees of freedom is (1 - t/sqrt(2 + t^2))/2. */
static void tost_paired__worked_by_hand(void **state)
{
    (void)state;
    const double x[] = {10, 20, 30}, y[] = {10.5, 19.5, 28.5}, t = sqrt(3);
    sl_tost_result r;
    assert_ok(sl_tost_paired(&r, x, y, 3, 1.5, 0.12, &err));
    assert_close(r.difference.value, 0.5, 1e-15);
    assert_close(r.difference.se, sqrt(1. / 3), 1e-15);
    assert_close(r.difference.dof, 2.0, 0);
    assert_close(r.p, 0.5 * (1 - t / sqrt(2 + t * t)), 1e-12);
    assert_true(r.equivalent); /* p = 0.113, though each sample spreads over 20 */
    assert_ok(sl_tost_paired(&r, y, x, 3, 1.5, 0.11, &err));
    assert_close(r.difference.value, -0.5, 1e-15);
    assert_false(r.equivalent);
    assert_fails(sl_tost_paired(&r, x, y, 1, 1.5, 0.05, &err), SL_E_DOMAIN, "at least 2");
}

static void tost__constant_samples(void **state)
{
    (void)state;
    const double x[] = {1, 1}, y[] = {1.5, 1.5};
    sl_tost_result r;
    assert_ok(sl_tost(&r, x, 2, y, 2, 0.6, 0.05, &err));
    assert_true(r.equivalent && r.p == 0);
    assert_ok(sl_tost(&r, x, 2, y, 2, 0.4, 0.05, &err));
    assert_true(!r.equivalent && r.p == 1);
}

/* Where the truth lies on the edge of the margin, 5 % of 4000 tests are deceived, +- 4 x 0.0034; where the means are
 * equal and the margin is wide, nearly all find it so. */
static void tost__errs_at_its_rate(void **state)
{
    (void)state;
    enum { TRIALS = 4000, N = 12, M = 20 };
    double deceived = 0, found = 0, x[N], y[M];
    for (uint64_t t = 0; t < TRIALS; t++) {
        const sl_draw dx = {.seed = 4, .step = t, .purpose = SL_PURPOSE_TEST};
        const sl_draw dy = {.seed = 5, .step = t, .purpose = SL_PURPOSE_TEST};
        sl_tost_result r;
        sl_random_normals(x, N, 0, 1, &dx);
        sl_random_normals(y, M, 0, 2, &dy);
        assert_ok(sl_tost(&r, x, N, y, M, 3, 0.05, &err));
        found += r.equivalent;
        for (int i = 0; i < N; i++) x[i] += 3;
        assert_ok(sl_tost(&r, x, N, y, M, 3, 0.05, &err));
        deceived += r.equivalent;
    }
    assert_near(deceived / TRIALS, 0.05, 4 * 0.0034);
    assert_true(found / TRIALS > 0.98);
}

static void tost__refuses(void **state)
{
    (void)state;
    const double x[] = {1, 2, NAN};
    sl_tost_result r = {.p = 42};
    assert_fails(sl_tost(&r, x, 1, x, 2, 1, 0.05, &err), SL_E_DOMAIN, "at least 2");
    assert_fails(sl_tost(&r, x, 2, x, 2, 0, 0.05, &err), SL_E_DOMAIN, "margin");
    assert_fails(sl_tost(&r, x, 2, x, 2, NAN, 0.05, &err), SL_E_DOMAIN, "margin");
    assert_fails(sl_tost(&r, x, 2, x, 2, 1, 0, &err), SL_E_DOMAIN, "alpha");
    assert_fails(sl_tost(&r, x, 3, x, 2, 1, 0.05, &err), SL_E_DOMAIN, "not all finite");
    assert_near(r.p, 42, 0);
}

/* ---- families and ranks ---- */

static void assert_holm(const double *p, const double *expected, size_t n)
{
    double adjusted[8];
    sl_holm(adjusted, p, n);
    for (size_t i = 0; i < n; i++) assert_near(adjusted[i], expected[i], 1e-15);
}

/* 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04, which must not stand below its predecessor. */
static void holm__worked_by_hand(void **state)
{
    (void)state;
    assert_holm((const double[]){0.01, 0.04, 0.03, 0.005}, (const double[]){0.03, 0.06, 0.06, 0.02}, 4);
    assert_holm((const double[]){0.3}, (const double[]){0.3}, 1);
    assert_holm((const double[]){0.01, 0.01, 0.9}, (const double[]){0.03, 0.03, 0.9}, 3);
    assert_holm((const double[]){0.6, 0.7}, (const double[]){1, 1}, 2);
    assert_holm((const double[]){NAN, 0.01}, (const double[]){1, 0.02}, 2);
}

/* Eight true hypotheses: in 5 % of 4000 families something is rejected, +- 4 x 0.0034 (Bonferroni's 8 x 0.05/8 is
 * 0.0489 for independent tests). Control: without adjustment it is a third. */
static void holm__keeps_the_family_error(void **state)
{
    (void)state;
    enum { TRIALS = 4000 };
    double wrong = 0, plain = 0, p[8], adjusted[8];
    for (uint64_t t = 0; t < TRIALS; t++) {
        const sl_draw d = {.seed = 6, .step = t, .purpose = SL_PURPOSE_TEST};
        sl_random_uniforms(p, 8, 0, &d);
        sl_holm(adjusted, p, 8);
        int any = 0, any_plain = 0;
        for (int i = 0; i < 8; i++) any |= adjusted[i] <= 0.05, any_plain |= p[i] <= 0.05;
        wrong += any, plain += any_plain;
    }
    assert_near(wrong / TRIALS, 1 - pow(1 - 0.05 / 8, 8), 4 * 0.0034);
    assert_true(plain / TRIALS > 0.3);
}

/* The textbook's ten pairs of IQ and hours of television: sum of squared rank differences 194, r = 1 - 6 x 194/990. */
static void rank_correlation__worked_by_hand(void **state)
{
    (void)state;
    const double iq[] = {106, 100, 86, 101, 99, 103, 97, 113, 112, 110}, tv[] = {7, 27, 2, 50, 28, 29, 20, 12, 6, 17};
    assert_close(sl_rank_correlation(iq, tv, 10), -29. / 165, 1e-14);
    const double x[] = {1, 2, 2, 3}, y[] = {1, 2, 3, 4}; /* ranks 1, 2.5, 2.5, 4 */
    assert_close(sl_rank_correlation(x, y, 4), 4.5 / sqrt(4.5 * 5), 1e-15);
    const double cubes[] = {-8, 1, 27, 64}, falling[] = {4, 3, 2, -1000};
    assert_close(sl_rank_correlation(cubes, y, 4), 1.0, 1e-15);
    assert_close(sl_rank_correlation(cubes, falling, 4), -1.0, 1e-15);
    const double same[] = {5, 5, 5, 5}, hole[] = {1, NAN, 2, 3};
    assert_true(isnan(sl_rank_correlation(same, y, 4)));
    assert_true(isnan(sl_rank_correlation(hole, y, 4)));
    assert_true(isnan(sl_rank_correlation(x, y, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ks__one_sample_p_is_kolmogorovs),
        cmocka_unit_test(ks__two_samples_by_hand),
        cmocka_unit_test(ks__nothing_to_test),
        cmocka_unit_test(ks__rejects_at_its_rate),
        cmocka_unit_test(chi_square__closed_forms),
        cmocka_unit_test(fit_line__norris),
        cmocka_unit_test(fit_line__weights),
        cmocka_unit_test(fit_line__intervals_cover),
        cmocka_unit_test(fit_line__refuses),
        cmocka_unit_test(tost__worked_by_hand),
        cmocka_unit_test(tost_paired__worked_by_hand),
        cmocka_unit_test(tost__constant_samples),
        cmocka_unit_test(tost__errs_at_its_rate),
        cmocka_unit_test(tost__refuses),
        cmocka_unit_test(holm__worked_by_hand),
        cmocka_unit_test(holm__keeps_the_family_error),
        cmocka_unit_test(rank_correlation__worked_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
