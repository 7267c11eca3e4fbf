/* What is run for the figures of Musso 2020 compares what it says: protocols of one mean rate over whole periods, pairs
 * of one temperature and time. Temperatures are those of eq 20 and, where it leaves something out, exact moments. */
#include "tests/test.h"

#include "claims/musso_network.h"
#include "theory/moments.h"

static const sl_scale scales[] = {SL_QUICK, SL_DESK, SL_PAPER};
enum { SCALES = 3, PROTOCOLS = 5 };

/* Mean over the epochs of (rate / l)^power of a schedule that is constant within each. */
static double mean_power(const sl_arm *a, uint64_t epochs, double power)
{
    sl_schedule s;
    assert_ok(sl_schedule_init(&s, a->schedule, a->lr, 1, epochs, &err));
    assert_false(sl_schedule_is_random(&s));
    double sum = 0;
    for (uint64_t t = 0; t < epochs; t++) sum += pow(sl_schedule_lr(&s, 1, 0, t) / a->lr, power);
    return sum / (double)epochs;
}

/* Exact a <x^2> / D in a bowl so flat that only the leading order in l is left. */
static double temperature_of(const sl_arm *a)
{
    sl_rule rule;
    sl_schedule s;
    sl_alpha_law law;
    sl_moments m;
    const double curvature = 1e-5 / a->lr;
    assert_ok(sl_rule_init(&rule, a->rule, a->alpha_on, a->lr, a->mu, 0, &err));
    assert_ok(sl_schedule_init(&s, a->schedule, a->lr, 1, 1, &err));
    assert_ok(sl_alpha_of_schedule(&law, &s, &err));
    assert_ok(sl_moments_stationary(&m, &rule, curvature, 1 / (double)a->batch, &law, &err));
    return curvature * m.x2;
}

static double of_eq_20(const sl_arm *a)
{
    return a->lr / (2 * (double)a->batch * (1 - a->mu));
}

static double time_of_a_sample(const sl_arm *a)
{
    return a->lr / ((double)a->batch * (1 - a->mu));
}

static void assert_protocols(const sl_musso_protocols *p)
{
    const sl_arm *const a = p->arms;
    assert_in_range(p->n_arms, PROTOCOLS, SL_MUSSO_MOST_ARMS);
    assert_in_range(p->seeds, 3, SL_MUSSO_MOST_SEEDS);
    assert_true(p->margin > 0);
    assert_string_equal(a[0].schedule, "constant");
    assert_string_equal(a[1].schedule, "random:delta=1");
    for (size_t i = 0; i < p->n_arms; i++) {
        assert_string_equal(a[i].rule, a[0].rule);
        assert_int_equal(a[i].batch, a[0].batch);
        assert_near(a[i].mu, a[0].mu, 0);
        assert_near(a[i].weight_decay, a[0].weight_decay, 0);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(a[i].name, a[k].name);
    }
    for (size_t i = 0; i < PROTOCOLS; i++) assert_near(a[i].lr, a[0].lr, 0);
    for (size_t i = 2; i < PROTOCOLS; i++) assert_near(mean_power(&a[i], p->epochs, 1), 1, 1e-12);
}

static void protocols__have_one_mean_rate_over_whole_periods(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCALES; i++) {
        const sl_musso_protocols all[] = {
            sl_musso_protocols_at(scales[i]), sl_musso_protocols_model_2_at(scales[i]),
            sl_musso_accuracy_model_2_at(scales[i]), sl_musso_regularisation_at(scales[i])};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) assert_protocols(&all[k]);
    }
    /* Control: what would be noticed. */
    sl_arm third = sl_musso_protocols_at(SL_PAPER).arms[3];
    assert_string_equal(third.schedule, "cyclic:period=18");
    assert_true(fabs(mean_power(&third, 60, 1) - 1) > 0.05);
}

/* The claim and the figure know the arms by their places and names. */
static void regularisation__arms_are_as_hot_as_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCALES; i++) {
        const sl_musso_protocols p = sl_musso_regularisation_at(scales[i]);
        assert_int_equal(p.n_arms, 8);
        const sl_arm *const a = p.arms, *const hotter = a + 5, *const on_gradients = a + 7;
        assert_string_equal(hotter[0].name, "hotter-4-3");
        assert_string_equal(hotter[1].name, "hotter-3-2");
        assert_string_equal(on_gradients->name, "random-gradient");
        const double T = temperature_of(&a[0]);
        assert_close(T, of_eq_20(&a[0]), 1e-4);
        assert_close(temperature_of(&hotter[0]), 4. / 3 * T, 1e-4);
        assert_close(temperature_of(&hotter[1]), 3. / 2 * T, 1e-4);
        assert_close(temperature_of(on_gradients), 4. / 3 * T, 1e-4);
        /* alpha on the step, Nesterov: 1 + (1 - mu)(q - 1)(1 + 2 mu - 2 mu^3)/(1 + mu), theory.md */
        assert_close(temperature_of(&a[1]) / T, 1 + 0.1 / 3 * (1 + 1.8 - 2 * 0.729) / 1.9, 1e-4);
        for (size_t k = 2; k < PROTOCOLS; k++) assert_near(mean_power(&a[k], p.epochs, 2), 1.5, 1e-12);
    }
}

static void assert_pair(const sl_musso_pair *p, double exact)
{
    const sl_arm *const I = p->arms, *const II = p->arms + 1, *const III = p->arms + 2;
    assert_in_range(p->seeds, 3, SL_MUSSO_MOST_SEEDS);
    assert_close(of_eq_20(II), of_eq_20(I), 1e-14);
    assert_close(of_eq_20(III), of_eq_20(I) / 2, 1e-14);
    assert_close(time_of_a_sample(II), time_of_a_sample(I), 1e-14);
    assert_close(time_of_a_sample(III), time_of_a_sample(I) / 2, 1e-14);
    assert_near(temperature_of(II) / temperature_of(I), exact, 1e-3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(p->arms[i].schedule, "random:delta=1");
        assert_near(p->arms[i].weight_decay, 0, 0);
    }
}

static void pairs__have_one_temperature_and_one_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCALES; i++) {
        const sl_musso_pair five = sl_musso_figure_5_at(scales[i]), six = sl_musso_figure_6_at(scales[i]);
        const sl_musso_pair right = sl_musso_figure_6_right_at(scales[i]);
        assert_in_range(five.epochs, 2, 31); /* 1 to 4 parts of their claims: after 2, 4, 8, 16 */
        assert_in_range(six.epochs, 2, 31);
        assert_pair(&five, 1);
        assert_pair(&six, 1.107); /* alpha on the step at mu = 0.5 and 0.75: said where it stands */
        assert_pair(&right, 1);
    }
}

static void stationary__settings_are_of_the_temperatures_that_they_say(void **state)
{
    (void)state;
    static const double T[] = {1, 1, 1, 0.5, 0.5, 4. / 3, 4. / 3}; /* in units of the first */
    for (size_t i = 0; i < SCALES; i++) {
        const sl_musso_stationary s = sl_musso_stationary_at(scales[i]);
        assert_in_range(s.seeds, 3, SL_MUSSO_MOST_SEEDS);
        for (size_t k = 0; k < sizeof T / sizeof *T; k++) {
            assert_close(temperature_of(&s.arms[k]), T[k] * of_eq_20(&s.arms[0]), 1e-4);
            assert_near(s.arms[k].weight_decay, s.arms[0].weight_decay, 0);
            assert_true(s.time * s.arms[k].weight_decay > 2); /* relaxed in the slowest direction, too */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protocols__have_one_mean_rate_over_whole_periods),
        cmocka_unit_test(regularisation__arms_are_as_hot_as_they_say),
        cmocka_unit_test(pairs__have_one_temperature_and_one_time),
        cmocka_unit_test(stationary__settings_are_of_the_temperatures_that_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
