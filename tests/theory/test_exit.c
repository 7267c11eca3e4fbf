#include "tests/test.h"

#include "theory/exit.h"

static sl_saddle saddle(double l, double delta, double s2, size_t index)
{
    return (sl_saddle){.gamma = 1, .l = l, .delta = delta, .s2 = s2, .R = 1, .index = index};
}

/* gamma = R = 1, s2 = 0.01, constant rate: sums of survivals and quantiles of another program, whose own solution by
 * Nystrom's method agrees to 1e-10. */
static void exit__of_a_constant_rate(void **state)
{
    (void)state;
    static const struct {
        double l, mean;
        uint64_t quantile[7];
    } rows[] = {{0.2, 23.19160132440582, {15, 16, 19, 22, 26, 35, 44}},
                {0.1, 47.297369065748484, {31, 34, 39, 45, 53, 70, 87}},
                {0.05, 98.77133270275681, {66, 72, 83, 94, 109, 143, 176}},
                {0.02, 265.3828457604735, {186, 199, 226, 253, 291, 373, 454}},
                {0.01, 562.2344715467939, {403, 431, 484, 538, 613, 777, 939}},
                {0.005, 1190.4168527428171, {873, 928, 1035, 1142, 1292, 1618, 1941}}};
    static const double p[] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const sl_saddle s = saddle(rows[i].l, 0, 0.01, 1);
        sl_exit_law *law;
        sl_approximation mean;
        assert_ok(sl_exit_law_new(&law, &s, &err));
        assert_ok(sl_exit_mean(&mean, law, 0, &err));
        assert_close(mean.value, rows[i].mean, 1e-12);
        assert_true(mean.error < 1e-8 * mean.value);
        for (int k = 0; k < 7; k++) {
            uint64_t t;
            bool ambiguous;
            assert_ok(sl_exit_quantile(&t, &ambiguous, law, 0, p[k], &err));
            assert_int_equal(t, rows[i].quantile[k]);
            assert_false(ambiguous);
        }
        sl_exit_law_free(law);
    }
}

/* Random rates, several directions, minima: means and probabilities of 400000 trajectories by NumPy, at 4 of their
 * standard errors; the error that the solver states is far smaller, and so is the change by other units of length. */
static void exit__meets_trajectories(void **state)
{
    (void)state;
    static const struct {
        double l, delta, s2;
        size_t index;
        double mean, se;
        uint64_t q[3]; /* 0.01, 0.5, 0.99 */
    } rows[] = {{0.1, 1, 0.01, 1, 46.8830175, 0.0198, {28, 45, 88}},
                {0.1, 0.5, 0.01, 1, 47.207995, 0.0188, {30, 45, 87}},
                {0.1, 1, 0.01, 3, 36.2290275, 0.00999, {24, 36, 54}},
                {0.1, 0, 0.01, 2, 40.0336725, 0.01064, {29, 39, 61}},
                {0.1, 1, 1, 1, 22.5165125, 0.0188, {6, 20, 63}}};
    static const double p[] = {0.01, 0.5, 0.99};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_saddle s = saddle(rows[i].l, rows[i].delta, rows[i].s2, rows[i].index);
        sl_exit_law *law;
        sl_approximation mean, again;
        assert_ok(sl_exit_law_new(&law, &s, &err));
        assert_ok(sl_exit_mean(&mean, law, 0, &err));
        assert_near(mean.value, rows[i].mean, 4 * rows[i].se);
        assert_true(mean.error < 1e-7);
        for (int k = 0; k < 3; k++) {
            uint64_t t;
            assert_ok(sl_exit_quantile(&t, NULL, law, 0, p[k], &err));
            assert_near((double)t, (double)rows[i].q[k], 0);
        }
        sl_exit_law_free(law);
        if (i > 0) continue;
        s.R = 7, s.s2 *= 49;
        assert_ok(sl_exit_law_new(&law, &s, &err));
        assert_ok(sl_exit_mean(&again, law, 0, &err));
        assert_close(again.value, mean.value, 1e-11);
        sl_exit_law_free(law);
    }
}

static void exit__of_minima_meets_trajectories(void **state)
{
    (void)state;
    /* index, delta, R, p, se */
    static const double rows[][5] = {{1, 1, 0.6, 0.7927075, 0.00064}, {2, 0.5, 0.8, 0.29032, 0.00072}};
    for (size_t i = 0; i < 2; i++) {
        const sl_saddle s = {.gamma = -1,
                             .l = 0.1,
                             .delta = rows[i][1],
                             .s2 = 1,
                             .R = rows[i][2],
                             .index = (size_t)rows[i][0]};
        sl_exit_law *law;
        sl_approximation left;
        double survival[201], all[201], error;
        assert_ok(sl_exit_law_new(&law, &s, &err));
        assert_ok(sl_exit_probability(&left, law, 0, 200, &err));
        assert_near(left.value, rows[i][3], 4 * rows[i][4]);
        assert_ok(sl_exit_survival(survival, all, &error, 201, law, 0, &err));
        assert_near(survival[0], 1, 0);
        assert_close(all[200], left.value, 1e-11);
        assert_close(1 - survival[200], left.value, 1e-11);
        assert_true(error < 1e-9 && left.error < 1e-9);
        sl_exit_law_free(law);
    }
}

/* One step is in closed form: P(tau = 1 | y) = P(|A y - l n| > R); far out in the tail it has its digits. */
static void exit__of_one_step(void **state)
{
    (void)state;
    const sl_saddle s = saddle(0.1, 0, 0.01, 1);
    sl_exit_law *law;
    double left[2], error;
    assert_ok(sl_exit_law_new(&law, &s, &err));
    for (double y = 0.85; y < 1; y += 0.014) {
        assert_ok(sl_exit_survival(NULL, left, &error, 2, law, y, &err));
        const double exact = erfc((1 - 1.1 * y) / (0.01 * M_SQRT2)) / 2;
        assert_near(left[1], exact, 1e-11);
        if (y > 0.86) assert_near(log(left[1]), log(exact), 1e-2);
    }
    sl_exit_law_free(law);
}

/* A walk without drift (gamma = 0) of small steps: the mean of a Brownian motion's exit from a ball moved outwards by
 * the mean overshoot, -zeta(1/2)/sqrt(2 pi) steps: (R + 0.5826 sigma)^2/sigma^2 (Siegmund 1979), up to O(1). */
static void exit__without_drift(void **state)
{
    (void)state;
    const sl_saddle s = {.gamma = 0, .l = 0.1, .s2 = 0.01, .R = 1};
    sl_exit_law *law;
    sl_approximation mean;
    assert_ok(sl_exit_law_new(&law, &s, &err));
    assert_ok(sl_exit_mean(&mean, law, 0, &err));
    const double R = 100 + 0.5825971579390106;
    assert_near(mean.value, R * R, 0.5);
    sl_exit_law_free(law);
}

/* A deep minimum: the chance to leave grows as 1 - exp(-t rate), and what is continued agrees with what is iterated.
 * The mean is 1/rate. Beyond 1e12 steps it is refused. */
static void exit__of_deep_minima(void **state)
{
    (void)state;
    sl_saddle s = {.gamma = -1, .l = 0.1, .s2 = 1, .R = 1};
    sl_exit_law *law;
    sl_approximation far, near, mean;
    double left[5001], error;
    uint64_t t;
    assert_ok(sl_exit_law_new(&law, &s, &err));
    assert_ok(sl_exit_survival(NULL, left, &error, 5001, law, 0, &err));
    assert_ok(sl_exit_probability(&near, law, 0, 5000, &err));
    assert_close(near.value, left[5000], 1e-8);
    assert_ok(sl_exit_mean(&mean, law, 0, &err));
    assert_ok(sl_exit_probability(&far, law, 0, 1e6, &err));
    const double rate = (left[5000] - left[3000]) / 2000 / (1 - left[4000]);
    assert_close(mean.value, 1 / rate, 0.01);
    assert_true(far.value > near.value && far.value <= 1);
    sl_exit_law_free(law);
    s.R = 3;
    assert_ok(sl_exit_law_new(&law, &s, &err));
    assert_fails(sl_exit_mean(&mean, law, 0, &err), SL_E_NUMERIC, "beyond 1e+12 steps");
    assert_ok(sl_exit_probability(&near, law, 0, 1e4, &err));
    assert_true(near.value > 0 && near.value < 1e-20);
    assert_ok(sl_exit_probability(&far, law, 0, 1e15, &err)); /* a factor a step that is 1 to rounding */
    assert_close(far.value, near.value * 1e11, 0.01);
    assert_fails(sl_exit_quantile(&t, NULL, law, 0, 0.5, &err), SL_E_NUMERIC, "beyond 2^53 steps");
    sl_exit_law_free(law);
    s.R = 20;
    assert_ok(sl_exit_law_new(&law, &s, &err));
    assert_ok(sl_exit_probability(&far, law, 0, 1e15, &err));
    assert_true(far.value == 0); /* below the least of doubles */
    assert_fails(sl_exit_quantile(&t, NULL, law, 0, 0.5, &err), SL_E_NUMERIC, "beyond 2^53 steps");
    sl_exit_law_free(law);
}

static void exit__refuses(void **state)
{
    (void)state;
    sl_saddle s = saddle(0.1, 0, 0.01, 1);
    sl_exit_law *law = NULL;
    sl_approximation a;
    uint64_t t;
    s.mu = 0.5;
    assert_fails(sl_exit_law_new(&law, &s, &err), SL_E_DOMAIN, "without momentum only");
    s = saddle(0.1, 0, 0.01, 65);
    assert_fails(sl_exit_law_new(&law, &s, &err), SL_E_DOMAIN, "65 unstable directions");
    s = saddle(1e-7, 0, 1e-6, 1);
    assert_fails(sl_exit_law_new(&law, &s, &err), SL_E_CONFIG, "too small against R = 1");
    s = saddle(0.1, NAN, 0.01, 1);
    assert_fails(sl_exit_law_new(&law, &s, &err), SL_E_DOMAIN, "delta = nan");
    assert_null(law);
    s = saddle(0.1, 0, 0.01, 1);
    assert_ok(sl_exit_law_new(&law, &s, &err));
    assert_fails(sl_exit_mean(&a, law, 1, &err), SL_E_DOMAIN, "start at |y| = 1");
    assert_fails(sl_exit_mean(&a, law, NAN, &err), SL_E_DOMAIN, "start at |y| = nan");
    assert_fails(sl_exit_probability(&a, law, 0, -1, &err), SL_E_DOMAIN, "t = -1");
    assert_fails(sl_exit_quantile(&t, NULL, law, 0, 1, &err), SL_E_DOMAIN, "p = 1");
    sl_exit_law_free(law);
    sl_exit_law_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit__of_a_constant_rate),
        cmocka_unit_test(exit__meets_trajectories),
        cmocka_unit_test(exit__of_minima_meets_trajectories),
        cmocka_unit_test(exit__of_one_step),
        cmocka_unit_test(exit__without_drift),
        cmocka_unit_test(exit__of_deep_minima),
        cmocka_unit_test(exit__refuses),
    };
    return cmocka_run_group_tests_name("theory/exit", tests, NULL, NULL);
}
