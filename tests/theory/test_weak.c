#include "tests/test.h"

#include "theory/weak.h"

/* Mean and variance iterated step by step, in long double. */
static sl_gaussian iterated(double a, double l, double s2, double x0, int k)
{
    long double mean = x0, variance = 0;
    const long double factor = 1 - (long double)a * l;
    for (int i = 0; i < k; i++) {
        mean *= factor;
        variance = factor * factor * variance + (long double)l * l * s2;
    }
    return (sl_gaussian){(double)mean, (double)variance};
}

static void weak_sgd__is_the_iteration(void **state)
{
    (void)state;
    static const double cases[][2] = {{1, 0.1},   {2, 0.5}, {2, 1},      {3, 0.5},
                                      {2.5, 0.9}, {0, 0.3}, {1e-9, 0.1}, {1, 1e-7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int k = 0; k <= 300; k = 3 * k + 1) {
            const double a = cases[i][0], l = cases[i][1];
            const sl_gaussian direct = iterated(a, l, 0.7, 1.3, k);
            sl_gaussian g;
            assert_ok(sl_weak_sgd(&g, a, l, 0.7, 1.3, k, &err));
            assert_close(g.mean, direct.mean, 1e-12);
            assert_close(g.variance, direct.variance, 1e-12);
        }
}

/* The moments obey m' = -c m, V' = -2 c V + l s2, with c = a, or a + l a^2/2 at order 2: Runge-Kutta of order 4. */
static void weak_equation__solves_its_equation(void **state)
{
    (void)state;
    const double a = 1.3, l = 0.2, s2 = 0.7, x0 = -2, t = 1.5;
    enum { STEPS = 2000 };
    for (int order = 0; order <= 2; order++) {
        const double c = order == 2 ? a + l * a * a / 2 : a, noise = order == 0 ? 0 : l * s2, h = t / STEPS;
        double m = x0, V = 0;
        for (int i = 0; i < STEPS; i++) {
            const double m1 = -c * m, m2 = -c * (m + h / 2 * m1), m3 = -c * (m + h / 2 * m2), m4 = -c * (m + h * m3);
            const double V1 = noise - 2 * c * V, V2 = noise - 2 * c * (V + h / 2 * V1),
                         V3 = noise - 2 * c * (V + h / 2 * V2), V4 = noise - 2 * c * (V + h * V3);
            m += h / 6 * (m1 + 2 * m2 + 2 * m3 + m4);
            V += h / 6 * (V1 + 2 * V2 + 2 * V3 + V4);
        }
        sl_gaussian g;
        assert_ok(sl_weak_equation(&g, order, a, l, s2, x0, t, &err));
        assert_close(g.mean, m, 1e-11);
        assert_near(g.variance, V, 1e-11);
    }
    sl_gaussian free_motion; /* a = 0: Brownian motion */
    assert_ok(sl_weak_equation(&free_motion, 2, 0, l, s2, x0, t, &err));
    assert_near(free_motion.mean, x0, 0);
    assert_close(free_motion.variance, l * s2 * t, 1e-15);
}

/* E x^2 of equation and SGD at t = 2, against l: the order is the slope between two rates a factor 2 apart, which is
 * exact up to O(l): 0.01 at l = 1/512. Order 0 has neither noise nor the right drift, hence slope 1 as well; what tells
 * it from order 1 is the variance, missing altogether (slope 1 where order 1 has 2). */
static void weak_equation__has_its_order(void **state)
{
    (void)state;
    const double a = 1.1, s2 = 0.5, x0 = 1.7, t = 2;
    for (int order = 0; order <= 2; order++) {
        double of_square[2], of_variance[2];
        for (int i = 0; i < 2; i++) {
            const double l = 1.0 / (256 << i);
            sl_gaussian exact, equation;
            assert_ok(sl_weak_sgd(&exact, a, l, s2, x0, t / l, &err));
            assert_ok(sl_weak_equation(&equation, order, a, l, s2, x0, t, &err));
            of_square[i] = equation.mean * equation.mean + equation.variance - exact.mean * exact.mean - exact.variance;
            of_variance[i] = equation.variance - exact.variance;
        }
        assert_near(log2(of_square[0] / of_square[1]), order == 2 ? 2 : 1, 0.02);
        assert_near(log2(of_variance[0] / of_variance[1]), order == 0 ? 1 : 2, 0.02);
    }
}

static void weak__refuses_bad_input(void **state)
{
    (void)state;
    sl_gaussian g = {7, 7};
    assert_fails(sl_weak_sgd(&g, -1, 0.1, 1, 0, 1, &err), SL_E_DOMAIN, "a = -1");
    assert_fails(sl_weak_sgd(&g, 1, 0, 1, 0, 1, &err), SL_E_DOMAIN, "l = 0");
    assert_fails(sl_weak_sgd(&g, 1, 0.1, -1, 0, 1, &err), SL_E_DOMAIN, "s2 = -1");
    assert_fails(sl_weak_sgd(&g, 1, 0.1, 1, NAN, 1, &err), SL_E_DOMAIN, "x0");
    assert_fails(sl_weak_sgd(&g, 1, 0.1, 1, 0, 1.5, &err), SL_E_DOMAIN, "k = 1.5");
    assert_fails(sl_weak_sgd(&g, 1, 0.1, 1, 0, -1, &err), SL_E_DOMAIN, "k = -1");
    assert_fails(sl_weak_sgd(&g, 1, 3, 1, 1, 1e6, &err), SL_E_UNSTABLE, "diverged");
    assert_fails(sl_weak_equation(&g, 3, 1, 0.1, 1, 0, 1, &err), SL_E_DOMAIN, "order 3");
    assert_fails(sl_weak_equation(&g, 1, 1, 0.1, 1, 0, -1, &err), SL_E_DOMAIN, "t = -1");
    assert_fails(sl_weak_equation(&g, 1, NAN, 0.1, 1, 0, 1, &err), SL_E_DOMAIN, "a = ");
    assert_near(g.mean, 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weak_sgd__is_the_iteration),
        cmocka_unit_test(weak_equation__solves_its_equation),
        cmocka_unit_test(weak_equation__has_its_order),
        cmocka_unit_test(weak__refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
