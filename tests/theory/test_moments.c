#include "tests/test.h"

#include "base/random.h"
#include "theory/moments.h"

static sl_rule make(const char *name, sl_alpha_on on, double l, double mu)
{
    sl_rule rule;
    assert_ok(sl_rule_init(&rule, name, on, l, mu, 0, &err));
    return rule;
}

static sl_moments solve(const sl_rule *rule, double a, double s2, double delta)
{
    sl_moments m;
    const sl_alpha_law law = sl_alpha_uniform(delta);
    assert_ok(sl_moments_stationary(&m, rule, a, s2, &law, &err));
    return m;
}

/* Closed forms, found by solving the moment equations symbolically; i, ii: heavy ball with alpha on the gradient and
 * on the step; iii: Nesterov's with alpha on the step, velocity along the motion. */
static sl_moments closed_form(int which, double a, double l, double mu, double q, double s2)
{
    const double y = a * l, common = (1 - mu * mu) + mu * y - q * y * (1 + mu) / 2;
    if (which == 1) {
        const double v2 = q * s2 / common;
        return (sl_moments){.v2 = v2, .xv = l * v2 / 2, .x2 = l * (1 + mu) * v2 / (2 * a)};
    }
    if (which == 2)
        return (sl_moments){.v2 = s2 / common,
                            .xv = l * s2 * (2 - q) / (2 * common),
                            .x2 = l * s2 * (q + 2 * mu - mu * q) / (2 * a * common)};
    const double m2 = mu * mu, m3 = m2 * mu, m4 = m3 * mu;
    const double denominator =
        2 * y * y * m2 * q + y * y * mu * q - 4 * y * m2 + y * mu * q - 2 * y * mu + y * q + 2 * m2 - 2;
    return (sl_moments){.x2 = -l * s2 *
                              (2 * y * m2 * q + y * mu * q + 2 * m4 * q - 2 * m4 - 2 * m3 * q + 2 * m3 - 2 * m2 * q +
                               2 * m2 + mu * q + q) /
                              (a * denominator),
                        .xv = -l * s2 * (2 * m3 * q - 2 * m3 - 2 * mu * q + 4 * mu - q + 2) / denominator,
                        .v2 = -2 * s2 * (y * m2 * q - y * m2 + y * mu * q - y * mu + 1) / denominator};
}

/* Linear solves in 40 digits. Rows 1: gradient, 2: step, 3: Nesterov (sign of x v turned to our velocity). */
static void moments_stationary__meets_40_digit_solves(void **state)
{
    (void)state;
    static const struct {
        int which;
        double mu, delta, l, s2, x2, xv, v2;
    } t[] = {
        {1, 0, 0, 0.001, 1, 0.0005002501250625312656328164, 0.0005002501250625312656328164, 1.000500250125062531265633},
        {1, 0, 0.5, 0.01, 1, 0.005446166736489317134478425, 0.005446166736489317134478425, 1.089233347297863426895685},
        {2, 0, 0.5, 0.01, 1, 0.005446166736489317134478425, 0.004608294930875576036866359, 1.005446166736489317134478},
        {2, 0, 1, 0.1, 1, 0.07142857142857142857142857, 0.03571428571428571428571429, 1.071428571428571428571429},
        {1, 0, 1, 0.5, 1, 0.5, 0.5, 2},
        {1, 0.5, 0, 0.01, 1, 0.01003344481605351170568562, 0.006688963210702341137123746, 1.337792642140468227424749},
        {3, 0.5, 0, 0.01, 1, 0.01003388929496976543291913, 0.01328991959598644428201209, 1.328991959598644428201209},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        const sl_rule rule = make(t[i].which == 3 ? "nesterov" : "heavy-ball",
                                  t[i].which == 1 ? SL_ALPHA_ON_GRADIENT : SL_ALPHA_ON_STEP, t[i].l, t[i].mu);
        const sl_moments m = solve(&rule, 1, t[i].s2, t[i].delta);
        assert_close(m.x2, t[i].x2, 1e-13);
        assert_close(m.xv, t[i].xv, 1e-13);
        assert_close(m.v2, t[i].v2, 1e-13);
    }
}

static void moments_stationary__equals_closed_forms(void **state)
{
    (void)state;
    const double mu[] = {0.1, 0.5, 0.9, 0.99}, delta[] = {0, 0.5, 1}, y[] = {1e-6, 1e-3, 0.03};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 3; k++)
                for (int which = 1; which <= 3; which++) {
                    const double a = 2.5, l = y[k] / a, s2 = 0.3;
                    const sl_rule rule = make(which == 3 ? "nesterov" : "heavy-ball",
                                              which == 1 ? SL_ALPHA_ON_GRADIENT : SL_ALPHA_ON_STEP, l, mu[i]);
                    const sl_moments m = solve(&rule, a, s2, delta[j]);
                    const sl_moments e = closed_form(which, a, l, mu[i], 1 + delta[j] * delta[j] / 3, s2);
                    assert_close(m.x2, e.x2, 1e-11);
                    assert_close(m.xv, e.xv, 1e-11);
                    assert_close(m.v2, e.v2, 1e-11);
                }
}

/* Neither v nor momentum: x' = (1 - r a) x - r n, E x^2 = l q s2 / (a (2 - q a l)). */
static void moments_stationary__knows_the_plain_rule(void **state)
{
    (void)state;
    const sl_rule rule = make("plain", SL_ALPHA_ON_STEP, 0.2, 0);
    assert_close(solve(&rule, 1.5, 0.7, 1).x2, 0.2 * (4.0 / 3) * 0.7 / (1.5 * (2 - 4.0 / 3 * 0.3)), 1e-13);
}

/* Weight decay w adds to the curvature: a -> a + w, for every rule. */
static void moments_stationary__counts_weight_decay_as_curvature(void **state)
{
    (void)state;
    const char *const names[] = {"heavy-ball", "nesterov"};
    for (int i = 0; i < 2; i++) {
        sl_rule rule = make(names[i], SL_ALPHA_ON_STEP, 0.1, 0.6);
        const sl_moments without = solve(&rule, 1.25, 1, 0.5);
        rule.weight_decay = 0.25;
        assert_close(solve(&rule, 1, 1, 0.5).x2, without.x2, 1e-12);
    }
}

/* Small rates: a <x^2> -> T for alpha on the gradient; other values for the other placements (theory of q). */
static void moments_stationary__has_the_small_rate_limits(void **state)
{
    (void)state;
    const double l = 1e-7, mu = 0.8, q = 4.0 / 3;
    const sl_rule gradient = make("heavy-ball", SL_ALPHA_ON_GRADIENT, l, mu);
    const sl_rule step = make("heavy-ball", SL_ALPHA_ON_STEP, l, mu);
    const sl_rule nesterov = make("nesterov", SL_ALPHA_ON_STEP, l, mu);
    assert_close(solve(&gradient, 1, 1, 1).x2 / l, q / (2 * (1 - mu)), 1e-5);
    assert_close(solve(&step, 1, 1, 1).x2 / l, (2 * mu + q * (1 - mu)) / (2 * (1 - mu * mu)), 1e-5);
    assert_close(solve(&nesterov, 1, 1, 1).x2 / l,
                 0.5 * ((q - 1) * (1 + 2 * mu - 2 * mu * mu * mu) / (1 + mu) + 1 / (1 - mu)), 1e-5);
}

static void moments_step__converges_to_the_stationary_moments(void **state)
{
    (void)state;
    const sl_alpha_law law = sl_alpha_uniform(0.7);
    const sl_rule rule = make("nesterov", SL_ALPHA_ON_GRADIENT, 0.1, 0.6);
    sl_moments m = {.x2 = 9, .xv = -1, .v2 = 4}, stationary;
    assert_ok(sl_moments_stationary(&stationary, &rule, 1.2, 0.4, &law, &err));
    for (int k = 0; k < 400; k++) assert_ok(sl_moments_step(&m, &rule, 1.2, 0.4, &law, &err));
    assert_close(m.x2, stationary.x2, 1e-12);
    assert_close(m.xv, stationary.xv, 1e-12);
    assert_close(m.v2, stationary.v2, 1e-12);
}

/* One step from x = 2, v = 1 on f = 3 x^2/2 without noise, l = 0.1, mu = 0.5: v = -5.5, x = 1.45 by hand. */
static void moments_step__by_hand(void **state)
{
    (void)state;
    const sl_alpha_law law = sl_alpha_uniform(0);
    const sl_rule rule = make("heavy-ball", SL_ALPHA_ON_STEP, 0.1, 0.5);
    sl_moments m = {.x2 = 4, .xv = 2, .v2 = 1};
    assert_ok(sl_moments_step(&m, &rule, 3, 0, &law, &err));
    assert_close(m.x2, 1.45 * 1.45, 1e-14);
    assert_close(m.xv, -1.45 * 5.5, 1e-14);
    assert_close(m.v2, 5.5 * 5.5, 1e-14);
}

/* Spectral radii in 40 digits; without momentum E (1 - y alpha)^4 for the fourth moment. */
static void moments_radius__meets_references(void **state)
{
    (void)state;
    const sl_alpha_law half = sl_alpha_uniform(0.5), one = sl_alpha_uniform(1), none = sl_alpha_uniform(0);
    sl_rule rule = make("heavy-ball", SL_ALPHA_ON_GRADIENT, 0.01, 0);
    assert_close(sl_moments_radius(&rule, 1, &half), 0.9801083333333334, 1e-13);
    assert_close(sl_moments_radius4(&rule, 1, &half), 0.960645015125, 1e-13);
    assert_close(sl_moments_radius4(&rule, 50, &one), 0.2, 1e-13);
    rule = make("heavy-ball", SL_ALPHA_ON_STEP, 0.01, 0.5);
    assert_close(sl_moments_radius(&rule, 1, &none), 0.9595653823510493, 1e-13);
    assert_close(sl_moments_radius4(&rule, 1, &none), 0.9207657230065148, 1e-13);
    rule = make("nesterov", SL_ALPHA_ON_STEP, 0.01, 0.5);
    assert_close(sl_moments_radius(&rule, 1, &none), 0.9599872297356183, 1e-13);
    assert_close(sl_moments_radius4(&rule, 1, &none), 0.9215754812554655, 1e-13);
}

static void moments_stability__meets_closed_forms(void **state)
{
    (void)state;
    const double mu[] = {0, 0.5, 0.9, 0.99}, delta[] = {0, 0.5, 1};
    /* Roots of the determinant of Nesterov's moment equations, rows by mu = 0.5, 0.9, 0.99. */
    const double nesterov[3][3] = {{1.5, 1.3624343150820175, 1.0606601717798212},
                                   {1.3571428571428572, 1.2074637065043345, 0.8752469748176551},
                                   {1.3355704697986577, 1.1821573280311088, 0.8375498841546899}};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++) {
            const sl_alpha_law law = sl_alpha_uniform(delta[j]);
            const double q = 1 + delta[j] * delta[j] / 3;
            const double bound = 2 * (1 - mu[i] * mu[i]) / (q * (1 + mu[i]) - 2 * mu[i]);
            double al;
            sl_rule rule = make("heavy-ball", SL_ALPHA_ON_GRADIENT, 0.1, mu[i]);
            assert_ok(sl_moments_stability(&al, &rule, &law, &err));
            assert_close(al, bound, 1e-11);
            rule = make("heavy-ball", SL_ALPHA_ON_STEP, 1e-4, mu[i]);
            assert_ok(sl_moments_stability(&al, &rule, &law, &err));
            assert_close(al, bound, 1e-11);
            if (i == 0) continue;
            rule = make("nesterov", SL_ALPHA_ON_STEP, 0.3, mu[i]);
            assert_ok(sl_moments_stability(&al, &rule, &law, &err));
            assert_close(al, nesterov[i - 1][j], 1e-11);
        }
}

/* Fourth moments are lost first. */
static void moments_radius4__exceeds_one_before_the_second(void **state)
{
    (void)state;
    const sl_alpha_law law = sl_alpha_uniform(1);
    const sl_rule rule = make("heavy-ball", SL_ALPHA_ON_GRADIENT, 1, 0.9);
    double bound;
    assert_ok(sl_moments_stability(&bound, &rule, &law, &err));
    assert_true(sl_moments_radius(&rule, 0.98 * bound, &law) < 1);
    assert_true(sl_moments_radius4(&rule, 0.98 * bound, &law) > 1);
    assert_true(sl_moments_radius4(&rule, 0.1 * bound, &law) < 1);
}

static void alpha_uniform__integrates_moments_exactly(void **state)
{
    (void)state;
    const sl_alpha_law law = sl_alpha_uniform(0.8);
    for (int n = 0; n < 16; n++) { /* E alpha^n = (1.8^(n+1) - 0.2^(n+1)) / (1.6 (n+1)) */
        double sum = 0;
        for (size_t k = 0; k < law.n; k++) sum += law.weight[k] * pow(law.node[k], n);
        assert_close(sum, (pow(1.8, n + 1) - pow(0.2, n + 1)) / (1.6 * (n + 1)), 1e-14);
    }
}

static void alpha_of_schedule__reads_the_law_of_one_step(void **state)
{
    (void)state;
    sl_schedule s;
    sl_alpha_law law;
    assert_ok(sl_schedule_init(&s, "constant", 0.1, 1, 100, &err));
    assert_ok(sl_alpha_of_schedule(&law, &s, &err));
    assert_int_equal(law.n, 1);
    assert_near(law.node[0], 1, 0);
    assert_ok(sl_schedule_init(&s, "random:delta=0.5", 0.1, 1, 100, &err));
    assert_ok(sl_alpha_of_schedule(&law, &s, &err));
    const sl_alpha_law half = sl_alpha_uniform(0.5);
    for (size_t k = 0; k < half.n; k++) assert_near(law.node[k], half.node[k], 1e-14);
    assert_ok(sl_schedule_init(&s, "plrs:min=0.07:max=0.1", 0.1, 1, 100, &err)); /* U[0.7, 1] */
    assert_ok(sl_alpha_of_schedule(&law, &s, &err));
    double mean = 0, square = 0;
    for (size_t k = 0; k < law.n; k++) {
        mean += law.weight[k] * law.node[k];
        square += law.weight[k] * law.node[k] * law.node[k];
    }
    assert_close(mean, 0.85, 1e-13);
    assert_close(square, (1 - 0.343) / 0.9, 1e-13);
    assert_ok(sl_schedule_init(&s, "cyclic:period=6", 0.1, 1, 100, &err));
    assert_fails(sl_alpha_of_schedule(&law, &s, &err), SL_E_CONFIG, "cyclic");
}

/* The solver against the rule run on numbers: 4e6 steps of one chain, mean of x^2 over 400 batches. The tolerance is
 * 4.5 standard errors (false alarm 7e-6 a number); a control 5 % away must lie outside. */
static void moments_stationary__is_what_the_rule_does(void **state)
{
    (void)state;
    enum { BATCHES = 400, LENGTH = 10000 };
    const sl_rule rule = make("nesterov", SL_ALPHA_ON_GRADIENT, 0.2, 0.5);
    const sl_moments m = solve(&rule, 1, 1, 1);
    static double z[LENGTH], u[LENGTH];
    double x = 0, v = 0, mean = 0, m2 = 0;
    for (int b = 0; b < BATCHES; b++) {
        const sl_draw noise = {.seed = 11, .step = (uint64_t)b, .purpose = SL_PURPOSE_NOISE};
        const sl_draw rates = {.seed = 11, .step = (uint64_t)b, .purpose = SL_PURPOSE_SCHEDULE};
        sl_random_normals(z, LENGTH, 0, 1, &noise);
        sl_random_uniforms(u, LENGTH, 0, &rates);
        double sum = 0;
        for (int i = 0; i < LENGTH; i++) {
            const double g = x + z[i];
            sl_rule_step_same_d(&rule, 1, &x, &v, &g, rule.lr * 2 * u[i]);
            sum += x * x;
        }
        const double delta = sum / LENGTH - mean;
        mean += delta / (b + 1);
        m2 += delta * (sum / LENGTH - mean);
    }
    const double se = sqrt(m2 / (BATCHES - 1) / BATCHES);
    assert_true(se < 0.004 * m.x2);
    assert_near(mean, m.x2, 4.5 * se);
    assert_true(fabs(mean - 1.05 * m.x2) > 4.5 * se);
}

static void moments__refuse_what_has_no_answer(void **state)
{
    (void)state;
    const sl_alpha_law one = sl_alpha_uniform(1), bad = sl_alpha_uniform(2);
    sl_moments m = {.x2 = 7};
    const sl_rule rule = make("heavy-ball", SL_ALPHA_ON_GRADIENT, 1, 0.99);
    assert_fails(sl_moments_stationary(&m, &rule, 0.06, 1, &one, &err), SL_E_UNSTABLE, "0.0591");
    assert_fails(sl_moments_stationary(&m, &rule, 0, 1, &one, &err), SL_E_DOMAIN, "a = 0");
    assert_fails(sl_moments_stationary(&m, &rule, 0.01, -1, &one, &err), SL_E_DOMAIN, "s2 = -1");
    assert_fails(sl_moments_stationary(&m, &rule, 0.01, 1, &bad, &err), SL_E_DOMAIN, "alpha");
    const sl_rule sign = make("sign", SL_ALPHA_ON_STEP, 1, 0.5);
    assert_fails(sl_moments_stationary(&m, &sign, 0.01, 1, &one, &err), SL_E_CONFIG, "sign");
    assert_true(isnan(sl_moments_radius(&sign, 0.01, &one)));
    assert_near(m.x2, 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_stationary__meets_40_digit_solves),
        cmocka_unit_test(moments_stationary__equals_closed_forms),
        cmocka_unit_test(moments_stationary__knows_the_plain_rule),
        cmocka_unit_test(moments_stationary__counts_weight_decay_as_curvature),
        cmocka_unit_test(moments_stationary__has_the_small_rate_limits),
        cmocka_unit_test(moments_step__converges_to_the_stationary_moments),
        cmocka_unit_test(moments_step__by_hand),
        cmocka_unit_test(moments_radius__meets_references),
        cmocka_unit_test(moments_stability__meets_closed_forms),
        cmocka_unit_test(moments_radius4__exceeds_one_before_the_second),
        cmocka_unit_test(alpha_uniform__integrates_moments_exactly),
        cmocka_unit_test(alpha_of_schedule__reads_the_law_of_one_step),
        cmocka_unit_test(moments_stationary__is_what_the_rule_does),
        cmocka_unit_test(moments__refuse_what_has_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
