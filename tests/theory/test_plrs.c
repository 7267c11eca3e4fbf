#include "tests/test.h"

#include "theory/exit.h"
#include "theory/plrs.h"

/* w = -(u grad f + eta n) at the ends and the middle of [lo, hi], by Simpson's rule, exact for a quadratic in eta. */
static void plrs__noise_power(void **state)
{
    (void)state;
    const sl_plrs p = {0.07, 0.1};
    const double grad2 = 2.3, sigma2 = 0.7;
    double power = 0;
    for (int i = 0; i < 3; i++) {
        const double eta = p.lo + (p.hi - p.lo) * i / 2, u = eta - 0.085;
        power += (i == 1 ? 4 : 1) / 6.0 * (u * u * grad2 + eta * eta * sigma2);
    }
    assert_close(sl_plrs_noise_power(&p, grad2, sigma2), power, 1e-14);
    assert_close(sl_plrs_delta(&p), 0.015 / 0.085, 1e-14);
    assert_true(isnan(sl_plrs_noise_power(&p, -1, 1)));
    assert_true(isnan(sl_plrs_noise_power(&(sl_plrs){0.2, 0.1}, 1, 1)));
}

/* Where the conditions hold, exact change <= bound <= guarantee <= -hi^2 beta sigma2/12, on quadratics with curvatures
 * between -beta and beta; with all of them beta the bound is the change itself. */
static void plrs__descent(void **state)
{
    (void)state;
    const double beta = 2, s2 = 0.3, sigma2 = 2 * s2;
    for (double hi = 0.01; hi < 0.5; hi += 0.03)
        for (int i = 0; i < 3; i++) {
            const sl_plrs p = {hi * i / 2, hi};
            sl_plrs_descent d;
            const double threshold = 3 * sl_plrs_centre(&p) * beta * sigma2;
            for (double factor = 1; factor < 10; factor *= 3) {
                const double equal[] = {beta, beta}, mixed[] = {beta, -beta / 2};
                const double g = sqrt(factor * threshold / 2);
                const double x[] = {g / beta, g / beta}, y[] = {g / beta, -2 * g / beta};
                double exact, saddle;
                assert_ok(sl_plrs_descend(&d, &p, beta, factor * threshold, sigma2, &err));
                assert_true(d.holds);
                assert_ok(sl_plrs_change(&exact, &p, equal, x, 2, s2, 1, &err));
                assert_ok(sl_plrs_change(&saddle, &p, mixed, y, 2, s2, 1, &err));
                assert_close(d.bound, exact, 1e-12);
                assert_true(saddle <= d.bound);
                assert_true(d.bound <= d.guarantee);
                assert_true(d.guarantee <= -hi * hi * beta * sigma2 / 12 * (1 - 1e-14));
            }
        }
    sl_plrs_descent d;
    assert_ok(sl_plrs_descend(&d, &(sl_plrs){0, 0.4}, beta, 0.99 * 0.6 * beta * sigma2, sigma2, &err));
    assert_false(d.holds); /* the gradient is too small */
    assert_ok(sl_plrs_descend(&d, &(sl_plrs){0, 0.5}, beta, 100, sigma2, &err));
    assert_false(d.holds); /* hi = 1/beta */
}

/* f = (x^2 - y^2)/2 from its saddle: T, and E f(x_T) - f(0), by another program that iterates second moments. */
static void plrs__steps_and_decrease(void **state)
{
    (void)state;
    static const struct {
        double l, T, constant, random; /* the decrease at s2 = 0.01, delta = 0 and 1 */
    } rows[] = {{0.2, 3, -0.0004928, -0.0006627555555555556},
                {0.1, 3, -6.040000000000003e-05, -8.071111111111111e-05},
                {0.05, 4, -1.5075046875000023e-05, -2.0122333333333364e-05},
                {0.02, 5, -1.6025607936409652e-06, -2.137317194085e-06},
                {0.01, 7, -4.2042011060919894e-07, -5.606224213553338e-07},
                {0.005, 8, -7.002450242820979e-08, -9.336911531129976e-08}};
    static const double more[][2] = {{0.002, 10}, {0.001, 12}, {1e-4, 20}, {1e-5, 36},
                                     {1e-6, 64},  {1e-7, 113}, {1e-8, 200}};
    const double a[] = {1, -1};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const double l = rows[i].l;
        double T, real, df;
        assert_ok(sl_plrs_steps(&T, &real, &(sl_plrs){l, l}, 1, 2, &err));
        assert_near(T, rows[i].T, 0);
        assert_true(real <= T && real > T - 1);
        assert_ok(sl_plrs_change(&df, &(sl_plrs){l, l}, a, NULL, 2, 0.01, T, &err));
        assert_close(df, rows[i].constant, 1e-12);
        assert_ok(sl_plrs_change(&df, &(sl_plrs){0, 2 * l}, a, NULL, 2, 0.01, T, &err));
        assert_close(df, rows[i].random, 1e-12);
        assert_ok(sl_plrs_change(&df, &(sl_plrs){0, 2 * l}, a, NULL, 2, 0.01, 0, &err));
        assert_near(df, 0, 0);
    }
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        double T, real, sum = 0;
        assert_ok(sl_plrs_steps(&T, &real, &(sl_plrs){0, 2 * more[i][0]}, 1, 2, &err));
        assert_near(T, more[i][1], 0);
        const double needed = 2 / pow(more[i][0], 0.25);
        int steps = 0;
        while (sum < needed) sum += pow(1 + more[i][0], 2.0 * steps++); /* as the theorem has it */
        assert_near(T, steps, 0);
    }
    double real[2], T;
    for (int i = 0; i < 2; i++) assert_ok(sl_plrs_steps(&T, &real[i], &(sl_plrs){0, i ? 1e-10 : 1e-9}, 1, 2, &err));
    assert_near(log10(real[1] / real[0]), 0.25, 1e-6);
}

/* Theorem 3 on f = x^2/2, noise of variance 1, k = 3: the exact chance to leave is below the bound, and both are below
 * xi; a tube a quarter as wide is left. */
static void plrs__stays(void **state)
{
    (void)state;
    const sl_plrs p = {0, 0.1};
    const double xi = 0.05;
    sl_plrs_tube tube;
    assert_ok(sl_plrs_stay(&tube, &p, xi, 1, &err));
    assert_close(tube.start, sqrt(0.1), 1e-15);
    assert_close(tube.radius, sqrt(0.1 * log(200)), 1e-14);
    assert_close(tube.horizon, 100 * log(20), 1e-14);
    assert_ok(sl_plrs_stay(&tube, &p, xi, 3, &err));
    sl_saddle s = {.gamma = -1, .l = sl_plrs_centre(&p), .delta = sl_plrs_delta(&p), .s2 = 1, .R = tube.radius};
    sl_exit_law *law;
    sl_approximation left;
    double bound, previous;
    assert_ok(sl_exit_law_new(&law, &s, &err));
    assert_ok(sl_exit_probability(&left, law, tube.start, tube.horizon, &err));
    sl_exit_law_free(law);
    assert_ok(sl_plrs_leave_bound(&bound, &p, 1, 1, 1, tube.start, tube.radius, tube.horizon, &err));
    assert_true(left.value > 0 && left.value < bound);
    assert_true(left.value < xi && bound < xi);
    assert_ok(sl_plrs_leave_bound(&previous, &p, 1, 1, 1, tube.start, tube.radius, tube.horizon / 2, &err));
    assert_close(bound, 2 * previous, 1e-12);
    assert_ok(sl_plrs_leave_bound(&previous, &p, 1, 1, 1, tube.start, tube.radius, 1e300, &err));
    assert_near(previous, 1, 0);
    s.R = tube.radius / 4;
    assert_ok(sl_exit_law_new(&law, &s, &err));
    assert_ok(sl_exit_probability(&left, law, 0, tube.horizon, &err));
    assert_true(left.value > xi);
    sl_exit_law_free(law);
}

/* The variance under any rates in [lo, hi]: the bound's V is that of hi for ever, and no sequence of rates exceeds it.
 */
static void plrs__variance_is_bounded(void **state)
{
    (void)state;
    const sl_plrs p = {0, 1.5};
    const double V = 1.5 / (2 - 1.5);
    double v = 0;
    unsigned r = 1;
    for (int t = 0; t < 1000; t++) {
        r = r * 1103515245u + 12345u;
        const double eta = p.hi * (r >> 16) / 65535.0;
        v = (1 - eta) * (1 - eta) * v + eta * eta;
        assert_true(v <= V);
    }
    double bound;
    assert_ok(sl_plrs_leave_bound(&bound, &p, 1, 1, 1, 0, sqrt(V), 1, &err));
    assert_close(bound, erfc(sqrt(0.5)), 1e-12);
}

static void plrs__refuses(void **state)
{
    (void)state;
    const sl_plrs p = {0.1, 0.2}, wrong = {0.3, 0.2};
    const double a[] = {1}, nan[] = {NAN}, steep[] = {-1e3};
    double x;
    sl_plrs_descent d;
    sl_plrs_tube tube;
    assert_fails(sl_plrs_descend(&d, &wrong, 1, 1, 1, &err), SL_E_DOMAIN, "rates in [0.3, 0.2]");
    assert_fails(sl_plrs_descend(&d, &p, 0, 1, 1, &err), SL_E_DOMAIN, "beta = 0");
    assert_fails(sl_plrs_descend(&d, &p, 1, NAN, 1, &err), SL_E_DOMAIN, "grad2 = nan");
    assert_fails(sl_plrs_change(&x, &p, a, NULL, 1, -1, 1, &err), SL_E_DOMAIN, "s2 = -1");
    assert_fails(sl_plrs_change(&x, &p, a, NULL, 1, 1, 1.5, &err), SL_E_DOMAIN, "T = 1.5");
    assert_fails(sl_plrs_change(&x, &p, nan, NULL, 1, 1, 1, &err), SL_E_DOMAIN, "curvature 0 = nan");
    assert_fails(sl_plrs_change(&x, &p, steep, NULL, 1, 1, 1000, &err), SL_E_UNSTABLE, "beyond the range");
    assert_fails(sl_plrs_steps(&x, NULL, &p, -1, 2, &err), SL_E_DOMAIN, "gamma = -1");
    assert_fails(sl_plrs_steps(&x, NULL, &(sl_plrs){0, 0}, 1, 2, &err), SL_E_DOMAIN, "rates in [0, 0]");
    assert_fails(sl_plrs_stay(&tube, &p, 1, 1, &err), SL_E_DOMAIN, "xi = 1");
    assert_fails(sl_plrs_stay(&tube, &p, 0.1, 0, &err), SL_E_DOMAIN, "k = 0");
    assert_fails(sl_plrs_leave_bound(&x, &p, 10, 1, 1, 0, 1, 1, &err), SL_E_DOMAIN, "a hi = 2");
    assert_fails(sl_plrs_leave_bound(&x, &p, 1, 1, 1, 1, 1, 1, &err), SL_E_DOMAIN, "radius = 1");
    assert_fails(sl_plrs_leave_bound(&x, &p, 1, 1, 0, 0, 1, 1, &err), SL_E_DOMAIN, "0 dimensions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plrs__noise_power),         cmocka_unit_test(plrs__descent),
        cmocka_unit_test(plrs__steps_and_decrease),  cmocka_unit_test(plrs__stays),
        cmocka_unit_test(plrs__variance_is_bounded), cmocka_unit_test(plrs__refuses),
    };
    return cmocka_run_group_tests_name("theory/plrs", tests, NULL, NULL);
}
