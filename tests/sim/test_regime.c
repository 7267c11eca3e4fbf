/* Regimes of optim/regime.h in ensembles: a rate for every replica. */
#include "tests/test.h"

#include "sim/block.h"

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

static double excess_after(const char *order, uint64_t dealt)
{
    char noise[64];
    sl_sgd s = make("logistic:n=16:m=256:l2=0.001", "balance", "plain", 0);
    snprintf(noise, sizeof noise, "minibatch:size=4:order=%s", order);
    assert_ok(sl_noise_init(&s.noise, noise, &s.loss, &err));
    regime.dealt = dealt;
    s.noise_variance = 1;
    s.ensemble.burn_in = 30 * 64;
    s.ensemble.steps = 1;
    s.ensemble.sample_every = 1;
    sl_observed o;
    assert_ok(sl_sgd_run(&o, &s, &err));
    const double excess = o.loss.value - s.loss.least;
    sl_observed_clear(&o);
    return excess;
}

/* The noise of the 64 mini-batches of an epoch sums to 0, and what a step is worth looks too small. A regime that knows
 * ends lower than one that does not (the control), and not above what independent mini-batches give. Means of 200
 * replicas, a tenth uncertain. */
static void balance__knows_of_mini_batches_that_are_dealt(void **state)
{
    (void)state;
    const double told = excess_after("reshuffle", 64), blind = excess_after("reshuffle", 0);
    assert_true(told < 0.6 * blind);
    assert_true(told < excess_after("replacement", 0));
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

/* Also where the mini-batch's gradient stands in for grad f, and no step has that one. In one dimension least squares
 * are a parabola, |grad f|^2 = 2 f'' (f - f*), so that the means of both are each other's; a sample's gradient has its
 * deviation of about 1 in it. */
static void series__has_the_full_gradient(void **state)
{
    (void)state;
    sl_sgd s = make("least-squares:n=1", "secant-short", "plain", 0);
    assert_ok(sl_noise_init(&s.noise, "minibatch", &s.loss, &err));
    s.noise_variance = 1;
    s.ensemble.series_every = 1;
    s.ensemble.sample_every = 7; /* samples are not what brings it */
    sl_observed o;
    assert_ok(sl_sgd_run(&o, &s, &err));
    double at_0, at_1;
    sl_loss_gradient(&s.loss, (const double[]){0}, &at_0);
    sl_loss_gradient(&s.loss, (const double[]){1}, &at_1);
    const size_t g2 = sl_table_find(o.series, "g2"), f = sl_table_find(o.series, "loss");
    for (size_t r = 0; r < sl_table_rows(o.series); r++) {
        const double *const row = sl_table_row(o.series, r);
        assert_close(row[g2], 2 * (at_1 - at_0) * (row[f] - s.loss.least), 1e-9);
    }
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

/* ---- a replica by hand: the mini-batch of a step from the numbers that it is drawn with ---- */

enum { DIM = 3, REPLICAS = 64, STEPS = 24, SAMPLES = 16, SIZE = 2 };

typedef enum { ADDED, SAMPLED, SPHERE, ONLINE } model;
static const struct {
    const char *loss, *noise;
    double s2;
    model which;
} cases[] = {
    {"quadratic:spectrum=2,0.5,0.1", "gaussian", 0.09, ADDED},
    {"quadratic:spectrum=2,0.5,0.1", "bounded:law=cube", 0.09, ADDED},
    {"least-squares:n=3:m=16:l2=0.1", "minibatch:size=2", 1, SAMPLED},
    {"least-squares:n=3:m=16:l2=0.1", "minibatch:size=2", 0.25, SAMPLED},
    {"least-squares:n=3:m=16:l2=0.1", "minibatch:size=2:sphere=0.3", 1, SPHERE},
    {"least-squares-online:spectrum=2,0.5,0.1", "online:size=2", 0.25, ONLINE},
};

/* (Rounded to float with its deviation.) */
static double normal(const sl_ensemble *e, uint64_t replica, size_t channel, uint64_t k, double sigma)
{
    const sl_draw draw = sl_ensemble_draw(e, SL_PURPOSE_NOISE, channel, k);
    return sl_random_normal(replica, sigma, &draw);
}

static double uniform(const sl_ensemble *e, uint64_t replica, size_t channel, uint64_t k)
{
    const sl_draw draw = sl_ensemble_draw(e, SL_PURPOSE_NOISE, channel, k);
    return sl_random_uniform(replica, &draw);
}

/* g += n, *f += n.(x - start) */
static void add_noise(const sl_sgd *s, const double *n, const double *x, double *g, double *f)
{
    for (size_t d = 0; d < DIM; d++) {
        g[d] += n[d];
        *f += n[d] * (x[d] - s->loss.start[d]);
    }
}

/* Gradient and loss of sample c of the mini-batch. */
static void sample(const sl_sgd *s, model which, uint64_t replica, uint64_t k, size_t c, const double *x, double *g,
                   double *f)
{
    const sl_loss *const loss = &s->loss;
    double a[DIM], r, l2 = 0;
    if (which == ONLINE) {
        r = -loss->data[SL_LOSS_MAX_DIM] * normal(&s->ensemble, replica, (2 * c + 1) * SL_LOSS_MAX_DIM, k, 1);
        for (size_t d = 0; d < DIM; d++) {
            a[d] = sqrt(loss->data[d]) * normal(&s->ensemble, replica, 2 * c * SL_LOSS_MAX_DIM + d, k, 1);
            r += a[d] * (x[d] - loss->truth[d]);
        }
    } else {
        const size_t j = (size_t)(uniform(&s->ensemble, replica, c, k) * SAMPLES);
        r = -loss->targets[j];
        l2 = 0.1;
        for (size_t d = 0; d < DIM; d++) {
            a[d] = loss->table[j * DIM + d];
            r += a[d] * x[d];
        }
    }
    *f = r * r / 2;
    for (size_t d = 0; d < DIM; d++) {
        g[d] = r * a[d] + l2 * x[d];
        *f += l2 / 2 * x[d] * x[d];
    }
}

static void evaluate(const sl_sgd *s, size_t which, uint64_t replica, uint64_t k, const double *x, double *g, double *f)
{
    const double root = sqrt(cases[which].s2);
    double n[DIM];
    sl_loss_gradient(&s->loss, x, g);
    *f = sl_loss_value(&s->loss, x);
    if (cases[which].which == ADDED) {
        const bool cube = which == 1;
        for (size_t d = 0; d < DIM; d++)
            n[d] = cube ? root * sqrt(3) * (2 * uniform(&s->ensemble, replica, d, k) - 1)
                        : normal(&s->ensemble, replica, d, k, root);
        add_noise(s, n, x, g, f);
        return;
    }
    double mean[DIM] = {0}, value = 0;
    for (size_t c = 0; c < SIZE; c++) {
        double own[DIM], f_own;
        sample(s, cases[which].which, replica, k, c, x, own, &f_own);
        for (size_t d = 0; d < DIM; d++) mean[d] += own[d] / SIZE;
        value += f_own / SIZE;
    }
    for (size_t d = 0; d < DIM; d++) g[d] += root * (mean[d] - g[d]);
    *f += root * (value - *f);
    if (cases[which].which != SPHERE) return;
    double square = 0;
    for (size_t d = 0; d < DIM; d++) {
        n[d] = normal(&s->ensemble, replica, 4096 + d, k, 1);
        square += n[d] * n[d];
    }
    for (size_t d = 0; d < DIM; d++) n[d] *= 0.3 / sqrt(square);
    add_noise(s, n, x, g, f);
}

/* x after STEPS steps of one replica. blind: the regime is given f in place of f_B. */
static void follow(double *x, const sl_sgd *s, size_t which, uint64_t replica, bool blind)
{
    const sl_regime_space space = {.n = DIM, .lanes = 1};
    void *const memory = aligned_alloc(64, (size_t)sl_regime_bytes(s->regime, &space));
    double v[DIM] = {0}, g[DIM], g2[DIM];
    sl_regime_run run;
    sl_regime_bind(&run, s->regime, &space, memory);
    sl_regime_begin(&run);
    for (size_t d = 0; d < DIM; d++) {
        const sl_draw draw = sl_ensemble_draw(&s->ensemble, SL_PURPOSE_START, d, 0);
        x[d] = s->loss.start[d] + sl_random_normal(replica, s->ensemble.start_spread, &draw);
    }
    for (uint64_t k = 0; k < STEPS; k++) {
        double f, f2 = NAN;
        evaluate(s, which, replica, k, x, g, &f);
        const double *const point = sl_regime_point(&run, k, x, g);
        if (point) evaluate(s, which, replica, k, point, g2, &f2);
        if (blind) {
            f = sl_loss_value(&s->loss, x);
            if (point) f2 = sl_loss_value(&s->loss, point);
        }
        const sl_regime_step step = {.k = k, .loss = &f, .loss2 = &f2, .x = x, .v = v, .g = g, .g2 = point ? g2 : NULL};
        assert_true(sl_regime_update(&run, &step));
    }
    free(memory);
}

/* Both gradients and both losses are of one mini-batch, whose loss f_B has the noisy gradient. Rounding grows to 1e-12
 * or so in 24 steps. Control: what looks at losses and is given f ends elsewhere. */
static void regime__sees_the_loss_of_its_mini_batch(void **state)
{
    (void)state;
    for (size_t which = 0; which < sizeof cases / sizeof *cases; which++)
        for (size_t r = 0; r < sl_n_regimes; r++) {
            const bool is_auto = strcmp(sl_regimes[r]->name, "auto") == 0;
            sl_sgd s = make(cases[which].loss, is_auto ? "auto:episode=4" : sl_regimes[r]->name, "heavy-ball", 0.5);
            assert_ok(sl_noise_init(&s.noise, cases[which].noise, &s.loss, &err));
            s.noise_variance = cases[which].s2;
            s.ensemble.replicas = REPLICAS;
            s.ensemble.start_spread = 0.5;
            s.ensemble.burn_in = STEPS - 1;
            s.ensemble.steps = s.ensemble.sample_every = 1;
            sl_observed o;
            assert_ok(sl_sgd_run(&o, &s, &err));
            double x2[2] = {0};
            for (uint64_t i = 0; i < REPLICAS; i++)
                for (int blind = 0; blind < 2; blind++) {
                    double x[DIM];
                    follow(x, &s, which, i, blind);
                    x2[blind] += x[0] * x[0] / REPLICAS;
                }
            if (!(fabs(o.coordinate[0].x2.value - x2[0]) <= 1e-8 * x2[0]))
                fail_msg("%s, %s: <x^2> = %.12g, by hand %.12g", cases[which].noise, sl_regimes[r]->name,
                         o.coordinate[0].x2.value, x2[0]);
            if (sl_regime_needs_loss(s.regime, STEPS - 1)) assert_true(fabs(x2[1] - x2[0]) > 1e-5 * x2[0]);
            sl_observed_clear(&o);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regimes__minimise_quadratics),
        cmocka_unit_test(secant__sees_through_the_noise),
        cmocka_unit_test(balance__knows_of_mini_batches_that_are_dealt),
        cmocka_unit_test(series__has_rate_and_gradient),
        cmocka_unit_test(series__has_the_full_gradient),
        cmocka_unit_test(replicas__do_not_see_each_other),
        cmocka_unit_test(run__takes_every_loss_and_noise),
        cmocka_unit_test(regime__sees_the_loss_of_its_mini_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
