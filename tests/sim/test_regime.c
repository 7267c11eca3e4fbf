/* Regimes of optim/regime.h in ensembles: a rate for every replica. */
#include "tests/test.h"

#include "sim/ensemble.h"

static sl_regime regime;

static sl_sgd make(const char *loss, const char *text, const char *rule, double mu)
{
    sl_sgd s = {.ensemble = {.seed = 5, .replicas = 200, .steps = 10, .sample_every = 10, .jobs = 1}};
    assert_ok(sl_loss_init(&s.loss, loss, &err));
    assert_ok(sl_rule_init(&s.rule, rule, SL_ALPHA_ON_STEP, 0.1, mu, 0, &err));
    assert_ok(sl_schedule_init(&s.schedule, "constant", 0.1, 1, 1000, &err));
    assert_ok(sl_regime_init(&regime, text, &s.rule, 1, &err));
    s.regime = &regime;
    return s;
}

/* Nothing is tuned: the mean loss from random starts falls by 10^4, condition number 100, without noise; by
 * 10^3 for sgd-bb, whose rates fall like 1/epochs. */
static void regimes__minimise_quadratics(void **state)
{
    (void)state;
    static const char *const rules[] = {"plain", "heavy-ball", "sign"};
    for (size_t r = 0; r < sl_n_regimes; r++)
        for (size_t j = 0; j < 3; j++) {
            sl_sgd s = make("quadratic:spectrum=1,0.3,0.1,0.03,0.01", sl_regimes[r]->name, rules[j], j ? 0.5 : 0);
            s.ensemble.start_spread = 1;
            s.ensemble.burn_in = 4000;
            sl_observed o;
            assert_ok(sl_sgd_run(&o, &s, &err));
            const double left = strcmp(sl_regimes[r]->name, "sgd-bb") == 0 ? 1e-3 : 1e-4;
            if (!(o.loss.value <= left * 0.72)) /* 0.72 = trace / 2 at the start */
                fail_msg("%s, %s: mean loss %.3g", sl_regimes[r]->name, rules[j], o.loss.value);
            assert_int_equal(o.killed, 0);
            assert_true(isnan(o.temperature.kinetic.value));
            sl_observed_clear(&o);
        }
}

/* With the same noise in both gradients a one-dimensional quadratic has its curvature a measured exactly, whatever the
 * noise: the secants' rate is 1/a, and x' = -n/a. So <x^2> = s2 / a^2: 200 replicas of 200 samples that do not remember
 * each other, z < 5. A gradient of other noise (s2 at each point) would not leave anything near. */
static void secant__sees_through_the_noise(void **state)
{
    (void)state;
    for (int is_long = 0; is_long < 2; is_long++) {
        sl_sgd s = make("quadratic:a=4", is_long ? "secant-long" : "secant-short", "plain", 0);
        s.noise_variance = 9;
        s.ensemble.burn_in = 10;
        s.ensemble.steps = 200;
        s.ensemble.sample_every = 1;
        sl_observed o;
        assert_ok(sl_sgd_run(&o, &s, &err));
        assert_near(o.coordinate[0].x2.value, 9.0 / 16, 5 * o.coordinate[0].x2.se);
        assert_true(o.coordinate[0].x2.se < 0.01);
        sl_observed_clear(&o);
    }
}

/* The time series has the rate that was applied, here 1/a, and |grad f|^2, here a^2 x^2; no rate before a step. */
static void series__has_rate_and_gradient(void **state)
{
    (void)state;
    sl_sgd s = make("quadratic:a=4", "secant-long", "plain", 0);
    s.noise_variance = 9;
    s.ensemble.burn_in = 0;
    s.ensemble.steps = 100;
    s.ensemble.series_every = 50;
    sl_observed o;
    assert_ok(sl_sgd_run(&o, &s, &err));
    const size_t rate = sl_table_find(o.series, "rate"), g2 = sl_table_find(o.series, "g2");
    assert_int_equal(rate, 7);
    assert_true(isnan(sl_table_row(o.series, 0)[rate]));
    for (size_t r = 1; r < 3; r++) {
        const double *const row = sl_table_row(o.series, r);
        assert_close(row[rate], 0.25, 1e-9);
        assert_close(row[g2], 16 * row[1], 1e-12);
    }
    sl_observed_clear(&o);
    s.regime = NULL; /* under a schedule the rate is a function of the step, and not in the table */
    assert_ok(sl_sgd_run(&o, &s, &err));
    assert_int_equal(sl_table_columns(o.series), 7);
    sl_observed_clear(&o);
}

/* Replica r is a function of its coordinates: the same whatever the number of threads, and of replicas beside it. */
static void replicas__do_not_see_each_other(void **state)
{
    (void)state;
    for (size_t r = 0; r < sl_n_regimes; r++) {
        double x2[3];
        for (int how = 0; how < 3; how++) {
            sl_sgd s = make("double-well", sl_regimes[r]->name, "heavy-ball", 0.5);
            s.noise_variance = 0.1;
            s.ensemble.start_spread = 0.3;
            s.ensemble.replicas = how == 2 ? 3000 : 64; /* one block of 64; several of 448 */
            s.ensemble.jobs = how == 1 ? 3 : 1;
            s.ensemble.burn_in = 40;
            s.ensemble.series_every = 50;
            sl_observed o;
            assert_ok(sl_sgd_run(&o, &s, &err));
            x2[how] = o.coordinate[0].x2.value;
            sl_observed_clear(&o);
        }
        assert_near(x2[1], x2[0], 0);
        assert_true(fabs(x2[2] - x2[0]) > 0); /* control: other replicas have other numbers */
    }
}

/* A projection, a loss whose value is wanted, noise that depends on where it is taken. */
static void run__takes_every_loss_and_noise(void **state)
{
    (void)state;
    static const char *const losses[] = {"double-well", "mueller-brown", "phase-retrieval", "quadratic:dim=3"};
    for (size_t r = 0; r < sl_n_regimes; r++)
        for (size_t l = 0; l < sizeof losses / sizeof *losses; l++) {
            sl_sgd s = make(losses[l], sl_regimes[r]->name, "sign", 0);
            assert_ok(sl_noise_init(&s.noise, l == 2 ? "minibatch" : l == 0 ? "hessian" : "gaussian", &s.loss, &err));
            s.noise_variance = 0.01;
            s.ensemble.burn_in = 100;
            sl_observed o;
            assert_ok(sl_sgd_run(&o, &s, &err));
            assert_true(isfinite(o.loss.value));
            sl_observed_clear(&o);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regimes__minimise_quadratics),
        cmocka_unit_test(secant__sees_through_the_noise),
        cmocka_unit_test(series__has_rate_and_gradient),
        cmocka_unit_test(replicas__do_not_see_each_other),
        cmocka_unit_test(run__takes_every_loss_and_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
