#include "tests/test.h"

#include <gsl/gsl_integration.h>

#include "theory/kramers.h"

static double well(double x, void *tilt)
{
    return (x * x - 1) * (x * x - 1) / 4 + *(const double *)tilt * x;
}
static double periodic(double x, void *c)
{
    (void)c;
    return 1 - cos(x);
}
static double cubic(double x, void *c) /* a well at 0, its barrier at 1: f = x^2/2 - x^3/3 */
{
    (void)c;
    return x * x / 2 - x * x * x / 3;
}
static double valley(double x, void *c) /* bounded on the left: no turning point above 1 */
{
    (void)c;
    return -exp(-x * x) + (x > 0 ? x * x : 0);
}

static double none = 0, tenth = 0.1;

/* (x^2 - 1)^2/4: curvatures 2 and -1, barrier 1/4. */
static const double MINIMUM[] = {2}, SADDLE[] = {-1};
static const sl_barrier WELL = {1, MINIMUM, SADDLE, 0.25};

/* shared/oracles/escape.json: "kramers" of left_min->saddle, half of that of left_min->right_min, which comes next with
 * "kramers_corrected". */
static void eyring_kramers__meets_the_oracle(void **state)
{
    (void)state;
    static const double rows[][4] = {{0.03, 9241.778540974674, 18483.557081949348, 19315.317150637067},
                                     {0.05, 329.6911461875103, 659.3822923750206, 708.8359643031471},
                                     {0.08, 50.55977479265211, 101.11954958530421, 113.25389553554074}};
    static const double minimum[] = {2, -6, 6}, saddle[] = {-1, 0, 6};
    for (int i = 0; i < 3; i++) {
        double k, tau;
        assert_ok(sl_rate_eyring_kramers(&k, &WELL, rows[i][0], &err));
        assert_close(1 / (2 * k), rows[i][1], 1e-14);
        assert_close(1 / k, rows[i][2], 1e-14);
        assert_ok(sl_time_kramers_corrected(&tau, minimum, saddle, 0.25, rows[i][0], &err));
        assert_close(tau, rows[i][3], 1e-14);
    }
}

/* Directions that the saddle and the minimum share change nothing; a softer one at the saddle by the ratio's root. */
static void eyring_kramers__in_several_dimensions(void **state)
{
    (void)state;
    static const double minimum[] = {0.5, 2, 1e200, 1e200}, saddle[] = {0.125, 1e200, -1, 1e200};
    const sl_barrier b = {4, minimum, saddle, 0.25};
    double k1, k4;
    assert_ok(sl_rate_eyring_kramers(&k1, &WELL, 0.1, &err));
    assert_ok(sl_rate_eyring_kramers(&k4, &b, 0.1, &err));
    assert_close(k4, 2 * k1, 1e-12);
    assert_ok(sl_rate_eyring_kramers(&k1, &WELL, 1e-4, &err));
    assert_near(k1, 0, 0); /* exp(-2500) */
}

/* The factor c of Laplace's method at a minimum, against the integral itself: what is left over of
 * int exp(-f/T) / sqrt(2 pi T/f'') is 1 + c T + O(T^2). f = x^2 + x^3 + x^4: f''' = 6, f'''' = 24. At the saddle of the
 * corrected time stands the same with -f, so minimum and saddle of opposite derivatives correct alike. */
static double quartic_weight(double x, void *T)
{
    return exp(-x * x * (1 + x + x * x) / *(double *)T);
}

static void time_corrected__is_laplace_to_next_order(void **state)
{
    (void)state;
    static const double minimum[] = {2, 6, 24}, saddle[] = {-2, -6, -24};
    gsl_integration_workspace *work = gsl_integration_workspace_alloc(200);
    double off[2];
    for (int i = 0; i < 2; i++) {
        double T = 1e-3 / (1 << i), Z, error, k, tau;
        gsl_function f = {quartic_weight, &T};
        gsl_integration_qag(&f, -0.4, 0.4, 0, 1e-13, 200, GSL_INTEG_GAUSS31, work, &Z, &error);
        assert_ok(sl_rate_eyring_kramers(&k, &(sl_barrier){1, minimum, saddle, 0.1}, T, &err));
        assert_ok(sl_time_kramers_corrected(&tau, minimum, saddle, 0.1, T, &err));
        off[i] = Z * sqrt(2 / (2 * M_PI * T)) - (1 + tau * k) / 2;
    }
    gsl_integration_workspace_free(work);
    assert_near(log2(off[0] / off[1]), 2, 0.02);
}

/* shared/oracles/escape.json, "kramers_spatial_diffusion_2k" at T = 0.1; Eyring-Kramers / g at high friction, half a
 * period's inverse at low friction (transition-state theory), in any dimension. */
static void rate_kramers__at_all_frictions(void **state)
{
    (void)state;
    double k, od;
    assert_ok(sl_rate_kramers(&k, &WELL, 0.1, 0.3, &err));
    assert_close(2 * k, 0.03182193599781506, 1e-14);
    assert_ok(sl_rate_kramers(&k, &WELL, 0.1, 3, &err));
    assert_close(2 * k, 0.011187932769114506, 1e-14);
    assert_ok(sl_rate_eyring_kramers(&od, &WELL, 0.1, &err));
    assert_ok(sl_rate_kramers(&k, &WELL, 0.1, 1e6, &err));
    assert_close(k * 1e6, od, 1.1e-12); /* the next order is |lambda_-|/g^2 */
    static const double minimum[] = {2, 3}, saddle[] = {-1.5, 0.5};
    assert_ok(sl_rate_kramers(&k, &(sl_barrier){2, minimum, saddle, 0.25}, 0.1, 1e-12, &err));
    assert_close(k, sqrt(2.0 * 3 / 0.5) / (2 * M_PI) * exp(-2.5), 1e-11);
}

/* Closed forms: the double well, 4/3; the pendulum, 16; the cubic well, 6/5 (turning point -1/2). The tilted well by
 * mpmath with 25 digits. */
static void action__meets_closed_forms(void **state)
{
    (void)state;
    static const double left = -1.046680531804602261, saddle = 0.1010312578810108177, right = 0.945649273923591443;
    double I;
    assert_ok(sl_action_barrier(&I, well, &none, -1, 0, &err));
    assert_close(I, 4.0 / 3, 1e-10);
    assert_ok(sl_action_barrier(&I, well, &none, 1, 0, &err));
    assert_close(I, 4.0 / 3, 1e-10);
    assert_ok(sl_action_barrier(&I, periodic, NULL, 0, M_PI, &err));
    assert_close(I, 16.0, 1e-10);
    assert_ok(sl_action_barrier(&I, periodic, NULL, 2 * M_PI, M_PI, &err));
    assert_close(I, 16.0, 1e-10);
    assert_ok(sl_action_barrier(&I, cubic, NULL, 0, 1, &err));
    assert_close(I, 1.2, 1e-10);
    assert_ok(sl_action_barrier(&I, well, &tenth, left, saddle, &err));
    assert_close(I, 1.79780956629801159, 1e-10);
    assert_ok(sl_action_barrier(&I, well, &tenth, right, saddle, &err));
    assert_close(I, 0.909232978666338341, 1e-10);
}

static double depopulation_integrand(double u, void *delta)
{
    const double y = u / (1 - u * u), e = 0.25 + y * y; /* -1 < u < 1 for the real line */
    return log(-expm1(-*(double *)delta * e)) / e * (1 + u * u) / ((1 - u * u) * (1 - u * u));
}

/* Against the integral itself, by GSL and (literals) by mpmath with 25 digits; the two series inside meet at 4. */
static void depopulation__is_its_integral(void **state)
{
    (void)state;
    static const double mp[][2] = {{1e-6, 9.99176422533858359e-7}, {0.01, 0.00920920185499357523},
                                   {0.5, 0.280185114210026612},    {3.9, 0.823874489776098512},
                                   {4.1, 0.835725371938111807},    {8, 0.953101351452560963},
                                   {20, 0.998431941858303571}};
    for (size_t i = 0; i < sizeof mp / sizeof *mp; i++) assert_close(sl_depopulation(mp[i][0]), mp[i][1], 1e-14);
    gsl_integration_workspace *work = gsl_integration_workspace_alloc(1000);
    for (double delta = 0.05; delta < 50; delta *= 1.7) {
        double value, error;
        gsl_function f = {depopulation_integrand, &delta};
        gsl_integration_qags(&f, -1, 1, 1e-12, 1e-11, 1000, work, &value, &error);
        assert_close(sl_depopulation(delta), exp(value / (2 * M_PI)), 1e-9);
    }
    gsl_integration_workspace_free(work);
}

/* delta (1 - 0.8239 sqrt(delta)) for small delta, with zeta(1/2)/sqrt(pi) = -0.823916...; 1 for large; increasing. */
static void depopulation__has_its_limits(void **state)
{
    (void)state;
    const double delta = 1e-10;
    assert_close(sl_depopulation(delta), delta, 1e-5);
    assert_near((sl_depopulation(delta) / delta - 1) / sqrt(delta), -1.4603545088095868 / sqrt(M_PI), 1e-5);
    assert_near(sl_depopulation(0), 0, 0);
    assert_near(sl_depopulation(1e4), 1, 0);
    assert_near(sl_depopulation(INFINITY), 1, 0);
    assert_true(isnan(sl_depopulation(-1)) && isnan(sl_depopulation(NAN)));
    for (double d = 0.01; d < 100; d *= 1.01) assert_true(sl_depopulation(d) < sl_depopulation(d * 1.01));
}

static double turnover(double T, double g, double from, double to)
{
    double k = NAN;
    assert_ok(sl_rate_turnover(&k, &WELL, T, g, from, to, &err));
    return k;
}

/* High friction: Kramers. Low friction: energy diffusion, into a trap; with a second well like it, half of that (at low
 * friction an orbit above the barrier falls into either well). Unequal wells: each rate has the same factor. */
static void turnover__has_its_limits(void **state)
{
    (void)state;
    const double T = 0.1, I = 4.0 / 3;
    double kramers, low;
    assert_ok(sl_rate_kramers(&kramers, &WELL, T, 20, &err));
    assert_close(turnover(T, 20, I, I), kramers, 1e-14);
    const double g = 1e-10;
    assert_ok(sl_rate_low_friction(&low, I, 2, 0.25, T, g, &err));
    assert_close(turnover(T, g, I, INFINITY), low, 1e-4); /* the next order is sqrt(g) */
    assert_close(turnover(T, g, I, I), low / 2, 1e-4);
    assert_close(turnover(T, g, I, 3 * I), low * 0.75, 1e-4);
    assert_close(turnover(T, 0.1, I, 0.7), turnover(T, 0.1, 0.7, I), 1e-14);
}

/* The slowest eigenvalue 2k of Klein-Kramers, shared/oracles/escape.json (two bases agreeing to 3e-10), T = 0.1, a
 * barrier of 2.5 T. Seen: 5.6 % below at g = 0.3, where spatial diffusion alone is 31 % above, and 7.0 % above at
 * g = 3: what a theory for barriers >> T leaves open, 3T/2 = 15 % in the overdamped limit. */
static void turnover__against_klein_kramers(void **state)
{
    (void)state;
    assert_near(2 * turnover(0.1, 0.3, 4.0 / 3, 4.0 / 3) / 0.024354010339981882, 0.9442538962785453, 1e-12);
    assert_near(2 * turnover(0.1, 3, 4.0 / 3, 4.0 / 3) / 0.010454351081794936, 1.070153412620036, 1e-12);
}

static void rates__refuse_bad_barriers(void **state)
{
    (void)state;
    static const double flat[] = {0}, two[] = {-1, -2}, convex[] = {1, 2}, up[] = {1};
    double k = 7;
    assert_fails(sl_rate_eyring_kramers(&k, &WELL, 0, &err), SL_E_DOMAIN, "T = 0");
    assert_fails(sl_rate_eyring_kramers(&k, &(sl_barrier){1, MINIMUM, SADDLE, -1}, 1, &err), SL_E_DOMAIN, "= -1");
    assert_fails(sl_rate_eyring_kramers(&k, &(sl_barrier){1, SADDLE, SADDLE, 1}, 1, &err), SL_E_DOMAIN, "minimum");
    assert_fails(sl_rate_eyring_kramers(&k, &(sl_barrier){1, MINIMUM, flat, 1}, 1, &err), SL_E_DOMAIN, "saddle is 0");
    assert_fails(sl_rate_eyring_kramers(&k, &(sl_barrier){1, MINIMUM, up, 1}, 1, &err), SL_E_DOMAIN, "exactly 1");
    assert_fails(sl_rate_eyring_kramers(&k, &(sl_barrier){2, convex, two, 1}, 1, &err), SL_E_DOMAIN, "has 2 negative");
    assert_fails(sl_rate_eyring_kramers(&k, &(sl_barrier){0}, 1, &err), SL_E_DOMAIN, "height");
    assert_fails(sl_rate_kramers(&k, &WELL, 1, 0, &err), SL_E_DOMAIN, "friction g = 0");
    assert_fails(sl_rate_low_friction(&k, -1, 1, 1, 1, 1, &err), SL_E_DOMAIN, "action = -1");
    assert_fails(sl_rate_low_friction(&k, 1, 1, 1, NAN, 1, &err), SL_E_DOMAIN, "T = ");
    assert_fails(sl_rate_turnover(&k, &WELL, 1, 1, INFINITY, 1, &err), SL_E_DOMAIN, "departure = inf");
    assert_fails(sl_rate_turnover(&k, &WELL, 1, 1, 1, 0, &err), SL_E_DOMAIN, "arrival = 0");
    assert_fails(sl_rate_turnover(&k, &(sl_barrier){2, convex, two, 1}, 1, 1, 1, 1, &err), SL_E_DOMAIN, "not for 2");
    static const double stiff[] = {2, 0, 100}, saddle[] = {-1, 0, 0}, plain[] = {2, 0, 0};
    assert_fails(sl_time_kramers_corrected(&k, stiff, saddle, 0.25, 1, &err), SL_E_NUMERIC, "negative");
    assert_fails(sl_time_kramers_corrected(&k, plain, saddle, 0.25, 1e-4, &err), SL_E_NUMERIC, "exp(2500)");
    assert_near(k, 7, 0);
}

static void action__refuses_what_is_no_well(void **state)
{
    (void)state;
    double I = 7;
    assert_fails(sl_action_barrier(&I, well, &none, 0, -1, &err), SL_E_DOMAIN, "above the minimum");
    assert_fails(sl_action_barrier(&I, well, &none, -1, 0.9, &err), SL_E_DOMAIN, "above the barrier at 0.9");
    assert_fails(sl_action_barrier(&I, well, &none, 1, -1.2, &err), SL_E_DOMAIN, "rises above the barrier");
    assert_fails(sl_action_barrier(&I, well, &none, 1, 1, &err), SL_E_DOMAIN, "two finite points");
    assert_fails(sl_action_barrier(&I, well, &none, NAN, 1, &err), SL_E_DOMAIN, "two finite points");
    assert_fails(sl_action_barrier(&I, valley, NULL, 0, 1.5, &err), SL_E_UNSTABLE, "other side of the minimum at 0");
    assert_near(I, 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eyring_kramers__meets_the_oracle),
        cmocka_unit_test(eyring_kramers__in_several_dimensions),
        cmocka_unit_test(time_corrected__is_laplace_to_next_order),
        cmocka_unit_test(rate_kramers__at_all_frictions),
        cmocka_unit_test(action__meets_closed_forms),
        cmocka_unit_test(depopulation__is_its_integral),
        cmocka_unit_test(depopulation__has_its_limits),
        cmocka_unit_test(turnover__has_its_limits),
        cmocka_unit_test(turnover__against_klein_kramers),
        cmocka_unit_test(rates__refuse_bad_barriers),
        cmocka_unit_test(action__refuses_what_is_no_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
