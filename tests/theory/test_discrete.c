#include "tests/test.h"

#include "theory/discrete.h"

static double well(double x, void *c)
{
    (void)c;
    return (x * x - 1) * (x * x - 1) / 4;
}
static double d_well(double x, void *c)
{
    (void)c;
    return x * (x * x - 1);
}
static double dd_well(double x, void *c)
{
    (void)c;
    return 3 * x * x - 1;
}
static double quadratic(double x, void *a)
{
    return *(double *)a * x * x / 2;
}
static double d_quadratic(double x, void *a)
{
    return *(double *)a * x;
}
static double dd_quadratic(double x, void *a)
{
    (void)x;
    return *(double *)a;
}

/* f = a x^2/2: <x^2>_l = T / (a (1 - a l/2)), a Gaussian wider by 1 + a l/2: KL = (a l/2)^2 / 4. */
static void discrete_first_order__is_exact_on_the_quadratic(void **state)
{
    (void)state;
    double a = 1.7;
    const double T = 0.3;
    sl_boltzmann b;
    sl_first_order o;
    assert_ok(sl_boltzmann_solve(&b, quadratic, d_quadratic, &a, T, 0, &err));
    assert_ok(sl_discrete_first_order(&o, &b, quadratic, d_quadratic, dd_quadratic, &a, T, NULL, &err));
    assert_close(o.x2_per_l, T / 2, 1e-11);
    assert_close(o.f_per_l, a * T / 4, 1e-11);
    assert_close(o.kl_per_l2, a * a / 16, 1e-11);
    /* a^2 x^2/(4T) - a/4 */
    double c;
    assert_ok(sl_discrete_correction(&c, &o, d_quadratic, dd_quadratic, &a, T, 0.8, &err));
    assert_close(c, a * a * 0.64 / (4 * T) - a / 4, 1e-11);
}

/* The double well, from a perturbation expansion in another program, confirmed by its transfer operator on a grid:
 * KL = 2.113893568994014e-4 at l = 0.025 and 5.163286178494768e-5 at l = 0.0125 (T = 0.1), extrapolated here. */
static void discrete_first_order__meets_the_transfer_operator(void **state)
{
    (void)state;
    sl_boltzmann b;
    sl_first_order o;
    assert_ok(sl_boltzmann_solve(&b, well, d_well, NULL, 0.1, 0, &err));
    assert_ok(sl_discrete_first_order(&o, &b, well, d_well, dd_well, NULL, 0.1, NULL, &err));
    assert_close(o.kl_per_l2, 0.32303074259460207, 1e-11);
    assert_close(o.x2_per_l, -0.10906719289791399, 1e-11);
    assert_close(o.f_per_l, 0.047442907276055386, 1e-11);
    const double coarse = 2.113893568994014e-4 / (0.025 * 0.025), fine = 5.163286178494768e-5 / (0.0125 * 0.0125);
    assert_close(2 * fine - coarse, o.kl_per_l2, 2e-3);
    assert_ok(sl_boltzmann_solve(&b, well, d_well, NULL, 0.05, 0, &err));
    assert_ok(sl_discrete_first_order(&o, &b, well, d_well, dd_well, NULL, 0.05, NULL, &err));
    assert_close(o.kl_per_l2, 0.2876121443440448, 1e-11);
    assert_close(o.f_per_l, 0.025536156727272566, 1e-10);
}

/* alpha ~ U[1-Delta, 1+Delta]: perturbation expansion of another program for the double well; on f = x^2/2 the exact
 * <x^2>_l = T/(1 - q l/2), so <x^2> moves by q T l/2. */
static void discrete_first_order__of_a_random_rate(void **state)
{
    (void)state;
    static const struct {
        double delta, T, kl, x2, f;
    } rows[] = {{0.5, 0.1, 0.385943288780089, -0.1158148813344526, 0.05081117180615474},
                {1, 0.1, 0.5977694196903488, -0.14057550839635372, 0.06204535583452423},
                {0.5, 0.05, 0.3440688910663514, -0.06224761114453158, 0.027820508867414908},
                {1, 0.05, 0.5338459433344542, -0.07713754047282416, 0.03437190029516854}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const sl_alpha_law alpha = sl_alpha_uniform(rows[i].delta);
        sl_boltzmann b;
        sl_first_order o;
        assert_ok(sl_boltzmann_solve(&b, well, d_well, NULL, rows[i].T, 0, &err));
        assert_ok(sl_discrete_first_order(&o, &b, well, d_well, dd_well, NULL, rows[i].T, &alpha, &err));
        assert_close(o.kl_per_l2, rows[i].kl, 1e-10);
        assert_close(o.x2_per_l, rows[i].x2, 1e-10);
        assert_close(o.f_per_l, rows[i].f, 1e-10);
    }
    double a = 1;
    const double T = 0.1;
    const sl_alpha_law alpha = sl_alpha_uniform(1);
    sl_boltzmann b;
    sl_first_order o;
    assert_ok(sl_boltzmann_solve(&b, quadratic, d_quadratic, &a, T, 0, &err));
    assert_ok(sl_discrete_first_order(&o, &b, quadratic, d_quadratic, dd_quadratic, &a, T, &alpha, &err));
    assert_close(o.x2_per_l, 4.0 / 3 * T / 2, 1e-10);
    assert_close(o.kl_per_l2, 0.1144444444444444, 1e-10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discrete_first_order__is_exact_on_the_quadratic),
        cmocka_unit_test(discrete_first_order__meets_the_transfer_operator),
        cmocka_unit_test(discrete_first_order__of_a_random_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
