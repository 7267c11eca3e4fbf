#include "tests/test.h"

#include "theory/sgld.h"

static double quadratic(double x, void *a)
{
    return *(const double *)a * x * x / 2;
}
static double quadratic_1(double x, void *a)
{
    return *(const double *)a * x;
}
static double quadratic_2(double x, void *a)
{
    (void)x;
    return *(const double *)a;
}
static double well(double x, void *none)
{
    (void)none;
    return (x * x - 1) * (x * x - 1) / 4;
}
static double well_1(double x, void *none)
{
    (void)none;
    return x * x * x - x;
}
static double well_2(double x, void *none)
{
    (void)none;
    return 3 * x * x - 1;
}
static double square(double x, void *none)
{
    (void)none;
    return x * x;
}

/* The exact variance of the linear chain, T_h / (a (1 - a h/2)), has the slope of the first-order formula. */
static void bias__is_the_slope_of_the_exact_variance(void **state)
{
    (void)state;
    double a = 1.7;
    for (int corrected = 0; corrected < 2; corrected++) {
        sl_sgld_params p = {.T = 0.4, .h = 1e-5, .s2 = 0.9, .corrected = corrected};
        double slope, average, x2;
        assert_ok(sl_sgld_bias(&slope, &average, quadratic, quadratic_1, quadratic_2, &a, square, NULL, &p, &err));
        assert_ok(sl_sgld_x2(&x2, a, &p, &err));
        assert_close(average, 0.4 / a, 1e-9);
        assert_near((x2 - 0.4 / a) / p.h, slope, 1e-5);
        assert_close(slope, 0.2 + (corrected ? 0 : 0.45 / a), 1e-8);
    }
}

/* Euler-Maruyama on the double well at T = 0.1: <x^2> of the chain without sampling (its transition matrix on 521
 * points, NumPy; the first as by tests/sim/discrete_laws.py), h = 0.1, 0.05, 0.025, extrapolated twice to h = 0. */
static void bias__is_that_of_the_chain_on_a_double_well(void **state)
{
    (void)state;
    const sl_sgld_params p = {.T = 0.1};
    double slope, average;
    assert_ok(sl_sgld_bias(&slope, &average, well, well_1, well_2, NULL, square, NULL, &p, &err));
    assert_close(average, 0.8713629080420498, 1e-10);
    const double x2[3] = {0.8592945934029954, 0.8656456827739065, 0.8685730654185495};
    double chord[3];
    for (int i = 0; i < 3; i++) chord[i] = (x2[i] - average) / (0.1 / (1 << i));
    const double first = 2 * chord[1] - chord[0], second = 2 * chord[2] - chord[1];
    assert_close(slope, (4 * second - first) / 3, 1e-3);
    assert_true(fabs(slope / chord[2] - 1) > 0.02); /* control: the chord is another number */
}

static void sgld__refuses_bad_input(void **state)
{
    (void)state;
    double T = 7, a = 1;
    sl_sgld_params p = {.T = 0, .h = 0.1};
    assert_fails(sl_sgld_temperature(&T, &p, &err), SL_E_DOMAIN, "T = 0");
    p = (sl_sgld_params){.T = 1, .h = NAN};
    assert_fails(sl_sgld_temperature(&T, &p, &err), SL_E_DOMAIN, "h = ");
    p = (sl_sgld_params){.T = 1, .h = 1, .s2 = 3, .corrected = true};
    assert_fails(sl_sgld_temperature(&T, &p, &err), SL_E_DOMAIN, "h s2 = 3");
    p = (sl_sgld_params){.T = 1, .h = 2};
    assert_fails(sl_sgld_x2(&T, a, &p, &err), SL_E_UNSTABLE, "a h = 2");
    assert_fails(sl_sgld_x2(&T, -1, &p, &err), SL_E_DOMAIN, "a = -1");
    assert_true(T == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bias__is_the_slope_of_the_exact_variance),
        cmocka_unit_test(bias__is_that_of_the_chain_on_a_double_well),
        cmocka_unit_test(sgld__refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
