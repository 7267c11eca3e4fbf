#include "tests/test.h"

#include "theory/saddle.h"

static sl_saddle saddle(double l, double delta)
{
    return (sl_saddle){.gamma = 1, .l = l, .delta = delta, .s2 = 0.01, .R = 1};
}

/* gamma = R = 1, s2 = 0.01, constant rate: closed forms evaluated by another program, and its sum of survivals. */
static const struct {
    double l, lyapunov, v_inf, mean, median, leading, constant, sum;
} rows[] = {
    {0.2, 0.1823215567939546, 0.0009090909090909092, 23.189111616126432, 21.86517259665744, 17.269388197455342,
     20.445295311109035, 23.19160132440582},
    {0.1, 0.09531017980432495, 0.000476190476190476, 47.29487273807568, 44.762272090113264, 38.004512297710406,
     44.356326525017806, 47.297369065748484},
    {0.05, 0.04879016416943205, 0.0002439024390243901, 98.7688341122823, 93.82147172400245, 82.94049640102027,
     95.64412485563506, 98.77133270275681},
    {0.02, 0.01980262729617973, 9.900990099009914e-05, 265.3803462133193, 253.19092207683536, 230.25850929940455,
     262.0175804359415, 265.3828457604735},
    {0.01, 0.009950330853168092, 4.975124378109438e-05, 562.2319717539548, 537.973218282155, 495.17437762680635,
     558.6925198998803, 562.2344715467939},
    {0.005, 0.004987541511038968, 2.4937655860349827e-05, 1190.414352841501, 1142.0172372294116, 1059.6634733096073,
     1186.6997578557553, 1190.4168527428171},
};

static void saddle__of_a_constant_rate(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const sl_saddle s = saddle(rows[i].l, 0);
        sl_saddle_law a;
        double sum, survival[4];
        assert_ok(sl_saddle_asymptotic(&a, &s, &err));
        assert_close(a.lyapunov, rows[i].lyapunov, 3e-14);
        assert_close(a.xi2, rows[i].lyapunov * rows[i].lyapunov, 1e-13);
        assert_close(a.v_inf, rows[i].v_inf, 1e-13);
        assert_close(a.mean, rows[i].mean, 1e-12);
        assert_close(a.median, rows[i].median, 1e-11);
        assert_close(a.leading, rows[i].leading, 1e-13);
        assert_close(a.constant, rows[i].constant, 1e-13);
        assert_ok(sl_saddle_survival_sum(&sum, survival, 4, &s, &err));
        assert_close(sum, rows[i].sum, 1e-12);
        assert_near(survival[0], 1, 0);
        assert_close(survival[3], erf(sqrt(0.5 / (0.01 * s.l * s.l * (1 + pow(1 + s.l, 2) + pow(1 + s.l, 4))))), 1e-14);
        assert_near(sum - a.mean, 0.0025, 5e-5); /* what R^2 / v_inf = 1e3 and more leave */
    }
}

/* E log(1 + c alpha) against its closed form in 50 digits, c = l gamma: no digits are lost at small ones. */
static void saddle__lyapunov_exponents(void **state)
{
    (void)state;
    static const double values[][3] = {
        {1e-8, 1, 9.999999933333334e-9},  {1e-3, 0.5, 0.0009994587496222537605}, {0.3, 0.4, 0.26094050119651621872},
        {0.4, 1, 0.32251999602976776843}, {2, 1, 1.0117973905426254683},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const sl_saddle s = saddle(values[i][0], values[i][1]);
        sl_saddle_law a;
        assert_ok(sl_saddle_asymptotic(&a, &s, &err));
        assert_close(a.lyapunov, values[i][2], 4e-15);
    }
}

/* delta = 1: exponents of the mean, fitted to l = 0.05 .. 0.005, by another program: slopes of log mean in log l. */
static void saddle__of_a_random_rate(void **state)
{
    (void)state;
    static const double l[] = {0.05, 0.02, 0.01, 0.005};
    static const double s2[] = {1e-4, 1e-2}, exponent[] = {-1.0509522358511325, -1.0790378217001029};
    for (int k = 0; k < 2; k++) {
        double sx = 0, sy = 0, sxx = 0, sxy = 0;
        for (int i = 0; i < 4; i++) {
            sl_saddle s = saddle(l[i], 1);
            sl_saddle_law a;
            s.s2 = s2[k];
            assert_ok(sl_saddle_asymptotic(&a, &s, &err));
            const double x = log(l[i]), y = log(a.mean);
            sx += x, sy += y, sxx += x * x, sxy += x * y;
        }
        assert_near((4 * sxy - sx * sy) / (4 * sxx - sx * sx), exponent[k], 1e-12);
    }
}

/* E y_t^2 by its recursion m' = (1 + 2 c + q c^2) m + l^2 q s2; with momentum by the covariance of (y, u). */
static void saddle__second_moments(void **state)
{
    (void)state;
    const double l = 0.07, s2 = 0.01;
    double y2, m = 0, q = 1 + 0.25 / 3;
    sl_saddle s = saddle(l, 0.5);
    for (int t = 0; t < 50; t++) m = (1 + 2 * l + q * l * l) * m + l * l * q * s2;
    assert_ok(sl_saddle_second_moment(&y2, &s, 50, &err));
    assert_close(y2, m, 1e-13);
    s = saddle(l, 0);
    s.mu = 0.8;
    double yy = 0, yu = 0, uu = 0;
    for (int t = 0; t < 50; t++) { /* u' = mu u + l y - l n, y' = y + u' */
        const double uu1 = s.mu * s.mu * uu + 2 * s.mu * l * yu + l * l * yy + l * l * s2;
        const double yu1 = s.mu * yu + l * yy + uu1, yy1 = yy + 2 * (s.mu * yu + l * yy) + uu1;
        yy = yy1, yu = yu1, uu = uu1;
    }
    assert_ok(sl_saddle_second_moment(&y2, &s, 50, &err));
    assert_close(y2, yy, 1e-12);
    /* and the growth of that at late times is v_inf r^2t */
    sl_saddle_law a;
    assert_ok(sl_saddle_asymptotic(&a, &s, &err));
    assert_ok(sl_saddle_second_moment(&y2, &s, 400, &err));
    assert_close(y2, a.v_inf * exp(800 * a.lyapunov), 1e-10);
}

/* |y| of several directions is a chi variable: E log|Z| by psi(k/2); against the sum of survivals. With momentum too.
 */
static void saddle__several_directions_and_momentum(void **state)
{
    (void)state;
    for (size_t k = 1; k <= 5; k += 2)
        for (int momentum = 0; momentum < 2; momentum++) {
            sl_saddle s = saddle(0.01, 0);
            sl_saddle_law a;
            double sum, median;
            s.index = k;
            s.mu = momentum ? 0.9 : 0;
            s.s2 = 1e-4;
            assert_ok(sl_saddle_asymptotic(&a, &s, &err));
            assert_ok(sl_saddle_survival_sum(&sum, NULL, 0, &s, &err));
            assert_close(a.mean, sum, 2e-5);
            assert_ok(sl_saddle_quantile(&median, &s, 0.5, &err));
            assert_near(median, a.median, 1e-9);
            assert_true(median < a.mean);
        }
}

static void saddle__of_schedules(void **state)
{
    (void)state;
    sl_schedule plrs, cosine;
    sl_saddle s = saddle(1, 0);
    assert_ok(sl_schedule_init(&plrs, "plrs:min=0.07:max=0.1", 0.1, 1, 100, &err));
    assert_ok(sl_saddle_schedule(&s, &plrs, &err));
    assert_close(s.l, 0.085, 1e-15);
    assert_close(s.delta, 0.015 / 0.085, 1e-12);
    assert_ok(sl_schedule_init(&cosine, "cosine", 0.1, 1, 100, &err));
    assert_fails(sl_saddle_schedule(&s, &cosine, &err), SL_E_CONFIG, "schedule 'cosine' changes with time");
}

static void saddle__refuses(void **state)
{
    (void)state;
    sl_saddle_law a;
    double x;
    sl_saddle s = saddle(0.1, 0);
    s.gamma = -1;
    assert_fails(sl_saddle_asymptotic(&a, &s, &err), SL_E_DOMAIN, "gamma = -1");
    s = saddle(NAN, 0);
    assert_fails(sl_saddle_asymptotic(&a, &s, &err), SL_E_DOMAIN, "learning rate l = nan");
    s = saddle(0.1, 1.5);
    assert_fails(sl_saddle_asymptotic(&a, &s, &err), SL_E_DOMAIN, "delta = 1.5");
    s = saddle(0.1, 1);
    s.mu = 0.5;
    assert_fails(sl_saddle_second_moment(&x, &s, 1, &err), SL_E_DOMAIN, "one of them must be 0");
    s.mu = 0;
    assert_fails(sl_saddle_survival_sum(&x, NULL, 0, &s, &err), SL_E_DOMAIN, "only for delta = 0");
    assert_fails(sl_saddle_quantile(&x, &s, 1, &err), SL_E_DOMAIN, "p = 1");
    assert_fails(sl_saddle_second_moment(&x, &s, -1, &err), SL_E_DOMAIN, "t = -1");
    s = saddle(1e-9, 0);
    assert_fails(sl_saddle_survival_sum(&x, NULL, 0, &s, &err), SL_E_DOMAIN, "too small to sum");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saddle__of_a_constant_rate),
        cmocka_unit_test(saddle__lyapunov_exponents),
        cmocka_unit_test(saddle__of_a_random_rate),
        cmocka_unit_test(saddle__second_moments),
        cmocka_unit_test(saddle__several_directions_and_momentum),
        cmocka_unit_test(saddle__of_schedules),
        cmocka_unit_test(saddle__refuses),
    };
    return cmocka_run_group_tests_name("theory/saddle", tests, NULL, NULL);
}
