#include "tests/test.h"

#include "theory/modified.h"

static double slope(double x, void *a)
{
    return *(double *)a * x;
}
static double curvature(double x, void *a)
{
    (void)x;
    return *(double *)a;
}
static double well_slope(double x, void *c)
{
    (void)c;
    return x * (x * x - 1);
}
static double well_curvature(double x, void *c)
{
    (void)c;
    return 3 * x * x - 1;
}

/* f = a x^2/2: plain exp(-a t); modified exp(-(a + l a^2/2) t); printed x' = -a x - (l/4) a^2 x^2, a Bernoulli
 * equation: 1/x = (1/x0 + l a/4) exp(a t) - l a/4. */
static void modified_flow__solves_the_quadratic(void **state)
{
    (void)state;
    double a = 1.3, x;
    const double x0 = 0.7, t = 2.1, l = 0.2;
    assert_ok(sl_modified_flow(&x, x0, t, l, SL_FLOW_PLAIN, slope, curvature, &a, &err));
    assert_close(x, x0 * exp(-a * t), 1e-11);
    assert_ok(sl_modified_flow(&x, x0, t, l, SL_FLOW_MODIFIED, slope, curvature, &a, &err));
    assert_close(x, x0 * exp(-(a + l * a * a / 2) * t), 1e-11);
    assert_ok(sl_modified_flow(&x, x0, t, l, SL_FLOW_PRINTED, slope, curvature, &a, &err));
    assert_close(x, 1 / ((1 / x0 + l * a / 4) * exp(a * t) - l * a / 4), 1e-11);
}

/* Plain flow on the double well from 0 < x0 < 1: x^2 = 1 / (1 + (1/x0^2 - 1) exp(-2t)). */
static void modified_flow__solves_the_double_well(void **state)
{
    (void)state;
    double x;
    assert_ok(sl_modified_flow(&x, 0.3, 1.7, 0.1, SL_FLOW_PLAIN, well_slope, well_curvature, NULL, &err));
    assert_close(x, 1 / sqrt(1 + (1 / 0.09 - 1) * exp(-3.4)), 1e-11);
    assert_ok(sl_modified_flow(&x, 0.3, 0, 0.1, SL_FLOW_PLAIN, well_slope, well_curvature, NULL, &err));
    assert_near(x, 0.3, 0);
}

/* The order at which gradient descent follows each flow, from halving l: 2 for the modified loss, 1 for the others. */
static void modified_flow__is_followed_to_second_order(void **state)
{
    (void)state;
    const double expected[] = {1, 2, 1}; /* by sl_flow */
    for (int flow = 0; flow < 3; flow++) {
        double error[2];
        for (int k = 0; k < 2; k++) {
            const double l = 0.01 / (k + 1);
            const int steps = 100 * (k + 1); /* t = 1 */
            double x = 0.3, y;
            for (int i = 0; i < steps; i++) x -= l * well_slope(x, NULL);
            assert_ok(sl_modified_flow(&y, 0.3, 1, l, (sl_flow)flow, well_slope, well_curvature, NULL, &err));
            error[k] = fabs(x - y);
        }
        assert_near(log2(error[0] / error[1]), expected[flow], 0.05);
    }
}

static void modified_flow__says_where_it_stopped(void **state)
{
    (void)state;
    double a = -3, x = 7;
    assert_fails(sl_modified_flow(&x, 1, NAN, 0.1, SL_FLOW_PLAIN, slope, curvature, &a, &err), SL_E_DOMAIN, "t = ");
    assert_fails(sl_modified_flow(&x, 1, 1, -0.1, SL_FLOW_PLAIN, slope, curvature, &a, &err), SL_E_DOMAIN, "l = -0.1");
    /* dx/dt = 3 x - (9/4) x^2 from x = -1 blows up in finite time. */
    assert_fails(sl_modified_flow(&x, -1, 10, 1, SL_FLOW_PRINTED, slope, curvature, &a, &err), SL_E_NUMERIC, "stopped");
    assert_near(x, 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modified_flow__solves_the_quadratic),
        cmocka_unit_test(modified_flow__solves_the_double_well),
        cmocka_unit_test(modified_flow__is_followed_to_second_order),
        cmocka_unit_test(modified_flow__says_where_it_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
