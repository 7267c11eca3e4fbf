#include "tests/test.h"

#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_dawson.h>

#include "theory/passage.h"

static double well(double x, void *tilt)
{
    return (x * x - 1) * (x * x - 1) / 4 + *(const double *)tilt * x;
}
static double linear(double x, void *slope)
{
    return *(const double *)slope * x;
}
static double quadratic(double x, void *a)
{
    return *(const double *)a * x * x / 2;
}
static double periodic(double x, void *c)
{
    (void)c;
    return 1 - cos(x);
}
static double cubic(double x, void *c)
{
    (void)c;
    return x * x * x;
}
static double wall(double x, void *c)
{
    (void)c;
    return x > 0.5 ? INFINITY : x * x;
}

static double none = 0, tenth = 0.1;

static double log_time(sl_function f, void *ctx, double T, double from, double to, double reflecting)
{
    double log_tau = NAN;
    assert_ok(sl_passage_log_time(&log_tau, f, ctx, T, from, to, reflecting, &err));
    return log_tau;
}

/* shared/oracles/escape.json, mfpt "exact" (two quadratures agreeing to 16 digits); the last three by mpmath with 30
 * digits, nested tanh-sinh quadrature. */
static void log_time__meets_the_oracle(void **state)
{
    (void)state;
    static const struct {
        double tilt, T, from, to, tau;
    } rows[] = {
        {0, 0.03, -1, 0, 9739.57099057965047},    {0, 0.03, -1, 1, 19485.8180200547417},
        {0, 0.05, -1, 0, 361.903759500924366},    {0, 0.05, -1, 1, 729.670691942322799},
        {0, 0.08, -1, 0, 57.4783035570075851},    {0, 0.08, -1, 1, 120.005742034356531},
        {0, 0.01, -1, 1, 324957543146.6773267614}, {0, 0.01, 0, 0.5, 162478168783.890051749},
        {0.1, 0.02, -1, 1, 251386439.1422643873837},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double tilt = rows[i].tilt, mirrored = -tilt;
        const double T = rows[i].T, from = rows[i].from, to = rows[i].to, expected = log(rows[i].tau);
        assert_near(log_time(well, &tilt, T, from, to, -INFINITY), expected, 2e-12);
        assert_near(log_time(well, &mirrored, T, -from, -to, INFINITY), expected, 2e-12);
    }
}

/* f = 0: L^2/2T. f = c x from a wall at 0: (T/c^2) (exp(u) - 1 - u) with u = cL/T. */
static void log_time__meets_closed_forms_at_a_wall(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        double slopes[] = {0, 2, -2, 30}, c = slopes[i];
        const double T = 0.7, L = 3, u = c * L / T;
        const double tau = c == 0 ? L * L / (2 * T) : T / (c * c) * (exp(u) - 1 - u);
        assert_near(log_time(linear, &c, T, 0, L, 0), log(tau), 1e-11);
    }
}

static double harmonic_integrand(double u, void *ctx)
{
    (void)ctx;
    return exp(u * u) * erfc(-u);
}

/* f = a x^2/2 from 0 to L: (sqrt(pi)/a) int_0^{L sqrt(a/2T)} exp(u^2) (1 + erf u) du, a single quadrature. */
static void log_time__meets_the_harmonic_passage(void **state)
{
    (void)state;
    static const double cases[][3] = {{1, 0.5, 1}, {2, 0.1, 1}, {1e4, 1e-4, 5e-4}, {1e-6, 10, 2000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double a = cases[i][0], sum = 0, error = 0;
        const double T = cases[i][1], L = cases[i][2];
        gsl_function f = {harmonic_integrand, NULL};
        gsl_integration_workspace *work = gsl_integration_workspace_alloc(200);
        gsl_integration_qag(&f, 0, L * sqrt(a / (2 * T)), 0, 1e-13, 200, GSL_INTEG_GAUSS31, work, &sum, &error);
        gsl_integration_workspace_free(work);
        assert_near(log_time(quadratic, &a, T, 0, L, -INFINITY), log(sqrt(M_PI) / a * sum), 2e-12);
    }
}

/* tau(a -> c) = tau(a -> b) + tau(b -> c), whatever lies between. */
static void log_time__adds_up(void **state)
{
    (void)state;
    static const double points[][3] = {{-1, 0.2, 1.1}, {-1.7, -0.3, 0.1}, {1.2, 0.9, -1.3}};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        for (double T = 0.02; T < 2; T *= 3) {
            const double *p = points[i], end = p[0] < p[2] ? -INFINITY : INFINITY;
            const double whole = log_time(well, &tenth, T, p[0], p[2], end);
            const double first = log_time(well, &tenth, T, p[0], p[1], end);
            const double second = log_time(well, &tenth, T, p[1], p[2], end);
            assert_near(exp(first - whole) + exp(second - whole), 1, 1e-11);
        }
}

/* With the first correction (1 + 3T/2) taken out, what is left of Kramers' pi sqrt(2) exp(1/4T) is of order T^2:
 * c T^2 with one c at all temperatures, down to where the time is exp(250000) and f itself is rounded to 3e-11 T. */
static void log_time__tends_to_kramers_at_low_temperature(void **state)
{
    (void)state;
    double c[3];
    for (int i = 0; i < 3; i++) {
        const double T = 4e-3 / (1 << i);
        c[i] = (log_time(well, &none, T, -1, 1, -INFINITY) - log(M_PI * M_SQRT2 * (1 + 1.5 * T)) - 0.25 / T) / (T * T);
    }
    assert_close(c[1], c[2], 0.03);
    assert_close(c[0], c[1], 0.06);
    assert_near(log_time(well, &none, 1e-6, -1, 1, -INFINITY), 250000 + log(M_PI * M_SQRT2 * (1 + 1.5e-6)), 1e-9);
}

static void log_time__of_no_way_is_zero(void **state)
{
    (void)state;
    assert_true(log_time(well, &none, 0.1, 0.3, 0.3, -INFINITY) == -INFINITY);
}

static void log_time__refuses_bad_input(void **state)
{
    (void)state;
    double t = 7;
    const double inf = INFINITY;
    assert_fails(sl_passage_log_time(&t, well, &none, 0, -1, 1, -inf, &err), SL_E_DOMAIN, "T = 0");
    assert_fails(sl_passage_log_time(&t, well, &none, NAN, -1, 1, -inf, &err), SL_E_DOMAIN, "T = ");
    assert_fails(sl_passage_log_time(&t, well, &none, 1, -inf, 1, -inf, &err), SL_E_DOMAIN, "finite");
    assert_fails(sl_passage_log_time(&t, well, &none, 1, -1, 1, NAN, &err), SL_E_DOMAIN, "finite");
    assert_fails(sl_passage_log_time(&t, well, &none, 1, -1, 1, 0, &err), SL_E_DOMAIN, "behind the start");
    assert_fails(sl_passage_log_time(&t, well, &none, 1, 1, -1, 0, &err), SL_E_DOMAIN, "behind the start");
    assert_fails(sl_passage_log_time(&t, cubic, NULL, 1, 0, 1, -inf, &err), SL_E_UNSTABLE, "on the left");
    assert_fails(sl_passage_log_time(&t, periodic, NULL, 1, 1, 0, inf, &err), SL_E_UNSTABLE, "on the right");
    assert_fails(sl_passage_log_time(&t, wall, NULL, 1, 0, 1, -inf, &err), SL_E_DOMAIN, "not finite");
    assert_near(t, 7, 0);
}

/* A jump inside: panels close in on it, and the answer is right. f = 0 below 1/3, h above, from a wall at 0 to 1:
 * T tau = a^2/2 + b^2/2 + a b exp(h/T), a = 1/3, b = 2/3. */
static double step(double x, void *height)
{
    return x < 1.0 / 3 ? 0 : *(const double *)height;
}

static void log_time__copes_with_a_jump(void **state)
{
    (void)state;
    double h = 2;
    const double T = 0.5, a = 1.0 / 3, b = 2.0 / 3;
    assert_near(log_time(step, &h, T, 0, 1, 0), log((a * a / 2 + b * b / 2 + a * b * exp(h / T)) / T), 1e-10);
}

static double committor(sl_function f, void *ctx, double T, double a, double b, double x)
{
    double q = NAN;
    assert_ok(sl_passage_committor(&q, f, ctx, T, a, b, x, &err));
    return q;
}

/* Linear: expm1(c (x - a)/T) / expm1(c (b - a)/T). Quadratic: exp(z^2) D(z) with Dawson's D. The saddle of a symmetric
 * well: 1/2. */
static void committor__meets_closed_forms(void **state)
{
    (void)state;
    double c = 3, a = 2;
    assert_close(committor(linear, &c, 0.1, -1, 1, 0.5), expm1(45) / expm1(60), 1e-11);
    assert_close(committor(linear, &c, 0.1, -1, 1, -0.9), expm1(3) / expm1(60), 1e-11);
    assert_close(committor(linear, &none, 0.1, -1, 1, 0.5), 0.75, 1e-14);
    const double z = 0.3 * sqrt(a / 0.2), end = 2 * sqrt(a / 0.2);
    const double part = exp(z * z - end * end) * gsl_sf_dawson(z), whole = gsl_sf_dawson(end);
    assert_close(committor(quadratic, &a, 0.1, 0, 2, 0.3), part / whole, 1e-11);
    assert_close(committor(well, &none, 1e-4, -1, 1, 0), 0.5, 1e-11);
    assert_near(committor(well, &tenth, 0.1, -1, 1, -1), 0, 0);
    assert_near(committor(well, &tenth, 0.1, -1, 1, 1), 1, 0);
}

static void committor__refuses_bad_input(void **state)
{
    (void)state;
    double q = 7;
    assert_fails(sl_passage_committor(&q, well, &none, -1, -1, 1, 0, &err), SL_E_DOMAIN, "T = -1");
    assert_fails(sl_passage_committor(&q, well, &none, 1, 1, -1, 0, &err), SL_E_DOMAIN, "a < b");
    assert_fails(sl_passage_committor(&q, well, &none, 1, -1, 1, 2, &err), SL_E_DOMAIN, "committor at 2");
    assert_fails(sl_passage_committor(&q, well, &none, 1, -1, INFINITY, 0, &err), SL_E_DOMAIN, "finite");
    assert_fails(sl_passage_committor(&q, wall, NULL, 1, 0, 1, 0.2, &err), SL_E_DOMAIN, "not finite");
    assert_near(q, 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_time__meets_the_oracle),
        cmocka_unit_test(log_time__meets_closed_forms_at_a_wall),
        cmocka_unit_test(log_time__meets_the_harmonic_passage),
        cmocka_unit_test(log_time__adds_up),
        cmocka_unit_test(log_time__tends_to_kramers_at_low_temperature),
        cmocka_unit_test(log_time__of_no_way_is_zero),
        cmocka_unit_test(log_time__copes_with_a_jump),
        cmocka_unit_test(log_time__refuses_bad_input),
        cmocka_unit_test(committor__meets_closed_forms),
        cmocka_unit_test(committor__refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
