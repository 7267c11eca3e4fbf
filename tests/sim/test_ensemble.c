#include "tests/test.h"

#include "base/parallel.h"
#include "base/random.h"
#include "sim/ensemble.h"

/* Comparisons with sampling errors pass within 4 of them (6e-5 each), for seeds fixed once. */
static const double Z = 4;

/* plain SGD on loss with a constant rate */
static void set_up(sl_sgd *s, const char *loss, double lr, double noise_variance, uint64_t replicas, uint64_t steps)
{
    *s = (sl_sgd){.noise_variance = noise_variance,
                  .ensemble = {.seed = 21, .replicas = replicas, .steps = steps, .sample_every = 1}};
    assert_ok(sl_loss_init(&s->loss, loss, &err));
    assert_ok(sl_rule_init(&s->rule, "plain", SL_ALPHA_ON_STEP, lr, 0, 0, &err));
    assert_ok(sl_schedule_init(&s->schedule, "constant", lr, 1, steps, &err));
}

/* Everything but the clock, bit for bit. */
static void assert_same(const sl_observed *a, const sl_observed *b)
{
    assert_memory_equal(a->coordinate, b->coordinate, sizeof a->coordinate);
    assert_memory_equal(&a->temperature, &b->temperature, sizeof a->temperature);
    assert_memory_equal(&a->loss, &b->loss, sizeof a->loss);
    assert_true(a->killed == b->killed && a->samples == b->samples && a->updates == b->updates);
    assert_memory_equal(a->density, b->density, a->histogram.bins * sizeof *a->density);
    assert_int_equal(sl_table_rows(a->series), sl_table_rows(b->series));
    for (size_t i = 0; i < sl_table_rows(a->series); i++)
        assert_memory_equal(sl_table_row(a->series, i), sl_table_row(b->series, i),
                            sl_table_columns(a->series) * sizeof(double));
}

static void run__does_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    sl_sgd s;
    sl_observed one, more;
    set_up(&s, "double-well", 0.2, 1, 3000, 200);
    assert_ok(sl_rule_init(&s.rule, "heavy-ball", SL_ALPHA_ON_GRADIENT, 0.2, 0.5, 0, &err));
    assert_ok(sl_schedule_init(&s.schedule, "random:delta=1", 0.2, 1, 200, &err));
    s.ensemble.histogram = (sl_histogram_spec){-2, 2, 40};
    s.ensemble.series_every = 20;
    s.ensemble.kill_radius = 2.2;
    s.ensemble.jobs = 1;
    assert_ok(sl_sgd_run(&one, &s, &err));
    assert_true(one.killed > 0);
    for (int jobs = 2; jobs <= 3; jobs++) {
        s.ensemble.jobs = jobs;
        assert_ok(sl_sgd_run(&more, &s, &err));
        assert_same(&one, &more);
        sl_observed_clear(&more);
    }
    sl_observed_clear(&one);
}

static void run__seeds_and_experiments_change_the_numbers(void **state)
{
    (void)state;
    sl_sgd s;
    sl_observed o[3];
    set_up(&s, "quadratic", 0.1, 1, 64, 50);
    assert_ok(sl_sgd_run(&o[0], &s, &err));
    s.ensemble.experiment = 1;
    assert_ok(sl_sgd_run(&o[1], &s, &err));
    s.ensemble.experiment = 0, s.ensemble.seed++;
    assert_ok(sl_sgd_run(&o[2], &s, &err));
    assert_true(o[0].loss.value != o[1].loss.value && o[0].loss.value != o[2].loss.value);
    assert_true(o[0].coordinate[0].x.se > 0); /* replicas differ */
    /* A random schedule alone must tell experiments apart, too. */
    s.noise_variance = 0;
    s.ensemble.start = (double[]){1};
    assert_ok(sl_schedule_init(&s.schedule, "random:delta=1", 0.1, 1, 50, &err));
    for (uint32_t e = 0; e < 2; e++) {
        sl_observed_clear(&o[e]);
        s.ensemble.experiment = e;
        assert_ok(sl_sgd_run(&o[e], &s, &err));
    }
    assert_true(o[0].loss.value != o[1].loss.value);
    for (int i = 0; i < 3; i++) sl_observed_clear(&o[i]);
}

/* Replica r draws lane r of the streams that the header names: the whole ensemble written out by hand, ragged last
 * block included. */
static void run__replica_is_a_function_of_its_number(void **state)
{
    (void)state;
    enum { R = 700, STEPS = 5 };
    sl_sgd s;
    sl_observed o;
    set_up(&s, "double-well", 0.1, 2, R, STEPS);
    s.ensemble.experiment = 7;
    s.ensemble.sample_every = STEPS;
    s.ensemble.start_spread = 0.3;
    assert_ok(sl_sgd_run(&o, &s, &err));
    sl_welford w = {0};
    for (uint64_t r = 0; r < R; r++) {
        const sl_draw start = {.seed = 21, .sub = 7u << 16, .purpose = SL_PURPOSE_START};
        double x = 1 + sl_random_normal(r, 0.3, &start);
        for (uint64_t k = 0; k < STEPS; k++) {
            const sl_draw noise = {.seed = 21, .sub = 7u << 16, .step = k, .purpose = SL_PURPOSE_NOISE};
            x -= 0.1 * (x * x * x - x + sl_random_normal(r, sqrt(2), &noise));
        }
        sl_welford_add(&w, x);
    }
    const sl_estimate e = sl_welford_mean(&w);
    assert_near(o.coordinate[0].x.value, e.value, 1e-13);
    assert_close(o.coordinate[0].x.se, e.se, 1e-11);
    assert_near(o.coordinate[0].x.dof, R - 1, 0);
    assert_int_equal(o.samples, R);
    assert_near(o.updates, R * STEPS, 0);
    sl_observed_clear(&o);
}

/* On -x^2/2 without noise x_k = x_0 (1 + l)^k: who leaves when is known, and so is what each contributed before. */
static void run__counts_the_killed_and_keeps_their_samples_until_then(void **state)
{
    (void)state;
    enum { R = 300, BURN_IN = 5, STEPS = 20 };
    const double l = 0.1, radius = 9;
    sl_sgd s;
    sl_observed o;
    set_up(&s, "quadratic-saddle:dim=1", l, 0, R, STEPS);
    s.ensemble.burn_in = BURN_IN;
    s.ensemble.start_spread = 1;
    s.ensemble.kill_radius = radius;
    s.ensemble.series_every = BURN_IN + STEPS;
    assert_ok(sl_sgd_run(&o, &s, &err));

    const sl_draw start = {.seed = 21, .purpose = SL_PURPOSE_START};
    double x2 = 0, last = 0, survivors = 0;
    uint64_t samples = 0;
    for (uint64_t r = 0; r < R; r++) {
        double x = sl_random_normal(r, 1, &start);
        for (int k = 0; k <= BURN_IN + STEPS && fabs(x) <= radius; k++, x *= 1 + l) {
            if (k > BURN_IN) x2 += x * x, samples++;
            if (k == BURN_IN + STEPS) survivors++, last += x * x;
        }
    }
    assert_true(survivors > 10 && survivors < R - 10);
    assert_int_equal(o.killed, R - (uint64_t)survivors);
    assert_int_equal(o.samples, samples);
    assert_close(o.coordinate[0].x2.value, x2 / (double)samples, 1e-12);
    assert_close(sl_table_row(o.series, 1)[1], last / survivors, 1e-12);
    sl_observed_clear(&o);
}

static void run__says_that_it_diverged(void **state)
{
    (void)state;
    sl_sgd s;
    sl_observed o;
    set_up(&s, "double-well", 3, 1, 200, 500);
    assert_fails(sl_sgd_run(&o, &s, &err), SL_DIVERGED, "200 of 200 replicas");
    assert_int_equal(o.killed, 200);
    assert_true(o.updates < 200 * 500); /* it does not go on with nobody alive */
    sl_observed_clear(&o);
    s.ensemble.burn_in = 400, s.ensemble.steps = 100;
    assert_fails(sl_sgd_run(&o, &s, &err), SL_DIVERGED, "200");
    assert_true(isnan(o.coordinate[0].x2.value) && isnan(o.loss.value) && o.samples == 0);
    sl_observed_clear(&o);
    set_up(&s, "periodic", 1e200, 1, 1, 100); /* a lone replica, off to 1e200 in one step */
    s.ensemble.histogram = (sl_histogram_spec){-1, 1, 10};
    assert_fails(sl_sgd_run(&o, &s, &err), SL_DIVERGED, "1 of 1");
    sl_observed_clear(&o);
}

/* One replica: errors from 32 batches in time. <x^2> = l s2 / (a (2 - a l)). */
static void run__one_replica_has_errors_from_batches(void **state)
{
    (void)state;
    const double exact = 0.2 / (2 - 0.2);
    sl_sgd s;
    sl_observed o;
    set_up(&s, "quadratic", 0.2, 1, 1, 200011);
    s.ensemble.histogram = (sl_histogram_spec){-2, 2, 10};
    s.ensemble.burn_in = 100;
    assert_ok(sl_sgd_run(&o, &s, &err));
    const sl_estimate e = o.coordinate[0].x2;
    assert_near(e.dof, 31, 0);
    assert_near(e.value, exact, Z * e.se);
    /* x^2 has variance 2 exact^2 and autocorrelation (1 - l)^(2k), so the true error is known; 31 degrees of freedom
     * know it to 13 %. */
    const double rho = 0.64, truth = exact * sqrt(2 * (1 + rho) / (1 - rho) / 200000);
    assert_near(e.se / truth, 1, 4 * 0.13);
    assert_true(o.density[4].se > 0);
    assert_int_equal(o.samples, 200011 - 200011 % 32);
    sl_observed_clear(&o);
    set_up(&s, "quadratic", 0.2, 1, 1, 10); /* fewer samples than batches: each is one */
    assert_ok(sl_sgd_run(&o, &s, &err));
    assert_near(o.coordinate[0].x2.dof, 9, 0);
    sl_observed_clear(&o);
}

/* x2_(k+1) = (1 - l)^2 x2_k + l^2 s2, from x2_0 = 4. */
static void series__follows_the_transient(void **state)
{
    (void)state;
    const double l = 0.1, s2 = 2, start = 2;
    sl_sgd s;
    sl_observed o;
    set_up(&s, "quadratic", l, s2, 5000, 30);
    s.ensemble.start = &start;
    s.ensemble.burn_in = 10;
    s.ensemble.series_every = 4;
    assert_ok(sl_sgd_run(&o, &s, &err));
    assert_int_equal(sl_table_rows(o.series), 11);
    assert_int_equal(sl_table_find(o.series, "loss_se"), 6);
    double x2 = start * start;
    for (int k = 0; k <= 40; k++) {
        if (k % 4 == 0) {
            const double *row = sl_table_row(o.series, (size_t)k / 4);
            assert_near(row[0], k, 0);
            assert_near(row[1], x2, k == 0 ? 1e-14 : Z * row[2]);
            assert_near(row[5], x2 / 2, k == 0 ? 1e-14 : Z * row[6]);
            if (k > 20) assert_true(fabs(row[1] - 1.2 * x2) > Z * row[2]); /* control */
            assert_true(isnan(row[3]));
        }
        x2 = (1 - l) * (1 - l) * x2 + l * l * s2;
    }
    sl_observed_clear(&o);
}

/* A Gaussian of variance l s2 / (2 - l): density of bins by the error function; what is outside, too. */
static void histogram__is_the_density(void **state)
{
    (void)state;
    const double l = 0.5, s2 = 3, deviation = sqrt(l * s2 / (2 - l));
    sl_sgd s;
    sl_observed o;
    set_up(&s, "quadratic", l, s2, 2000, 600);
    s.ensemble.burn_in = 100;
    s.ensemble.histogram = (sl_histogram_spec){-2, 1, 30};
    assert_ok(sl_sgd_run(&o, &s, &err));
    double inside = 0;
    for (int b = 0; b < 30; b++) {
        const double lo = -2 + 0.1 * b, scale = 1 / (deviation * sqrt(2));
        const double p = (erf((lo + 0.1) * scale) - erf(lo * scale)) / 2;
        assert_near(o.density[b].value, p / 0.1, Z * o.density[b].se);
        assert_true(o.density[b].se < 0.03 * o.density[b].value);
        assert_near(o.density[b].dof, 63, 0);
        inside += 0.1 * o.density[b].value;
    }
    assert_near(inside + o.outside, 1, 1e-12);
    sl_table *t;
    assert_ok(sl_observed_histogram(&t, &o, &err));
    assert_int_equal(sl_table_rows(t), 30);
    assert_near(sl_table_row(t, 0)[0], -1.95, 1e-14);
    assert_near(sl_table_row(t, 29)[1], o.density[29].value, 0);
    sl_table_free(t);
    sl_observed_clear(&o);
    assert_null(o.density);
    assert_fails(sl_observed_histogram(&t, &o, &err), SL_E_CONFIG, "histogram");
}

/* Histograms of periodic losses are of x modulo the period. */
static void histogram__wraps_a_period(void **state)
{
    (void)state;
    const double start = 100 * M_PI + 0.05;
    sl_sgd s;
    sl_observed o;
    set_up(&s, "periodic", 1e-9, 0, 10, 4);
    s.ensemble.start = &start;
    s.ensemble.histogram = (sl_histogram_spec){-M_PI, M_PI, 2};
    assert_ok(sl_sgd_run(&o, &s, &err));
    assert_near(o.density[1].value, 1 / M_PI, 1e-12);
    assert_near(o.density[0].value + o.outside, 0, 0);
    assert_true(isnan(o.temperature.equipartition.value));
    sl_observed_clear(&o);
}

static void stop_at_once(void *ctx, double fraction)
{
    *(double *)ctx = fraction;
    sl_stop_request();
}

static void run__stops_when_asked(void **state)
{
    (void)state;
    double told = 0;
    sl_sgd s;
    sl_observed o = {.killed = 99};
    set_up(&s, "quadratic", 0.1, 1, 2000, 100000);
    s.ensemble.jobs = 1;
    s.ensemble.progress = stop_at_once;
    s.ensemble.progress_ctx = &told;
    assert_fails(sl_sgd_run(&o, &s, &err), SL_INTERRUPTED, "interrupted");
    sl_stop_clear();
    assert_true(told > 0 && told < 0.1);
    assert_true(o.killed == 0 && o.updates == 0);
    sl_observed_clear(&o);
}

static void note(void *ctx, double fraction)
{
    double *last = ctx;
    assert_true(fraction > last[0]);
    last[0] = fraction;
    last[1]++;
}

static void progress__rises_to_one(void **state)
{
    (void)state;
    double last[2] = {0, 0};
    sl_sgd s;
    sl_observed o;
    set_up(&s, "quadratic", 0.1, 1, 640, 5000);
    s.ensemble.progress = note;
    s.ensemble.progress_ctx = last;
    s.ensemble.jobs = 1;
    assert_ok(sl_sgd_run(&o, &s, &err));
    assert_near(last[0], 1, 1e-15);
    assert_true(last[1] > 20);
    sl_observed_clear(&o);
}

static void run__refuses_bad_numbers(void **state)
{
    (void)state;
    sl_sgd good, s;
    sl_observed o = {.killed = 99};
    set_up(&good, "double-well", 0.1, 1, 10, 10);
#define REFUSED(change, text)                                      \
    do {                                                           \
        s = good, change;                                          \
        assert_fails(sl_sgd_run(&o, &s, &err), SL_E_DOMAIN, text); \
    } while (0)
    REFUSED(s.loss.kind = NULL, "loss");
    REFUSED(s.ensemble.replicas = 0, "replicas = 0");
    REFUSED(s.ensemble.replicas = (uint64_t)1 << 35, "replicas = 34359738368");
    REFUSED(s.ensemble.steps = 0, "steps = 0");
    REFUSED(s.ensemble.burn_in = UINT64_MAX, "burn-in = 18446744073709551615");
    REFUSED(s.ensemble.experiment = 65536, "experiment = 65536");
    REFUSED(s.ensemble.sample_every = 11, "sample_every = 11");
    REFUSED(s.ensemble.start_spread = -1, "spread = -1");
    REFUSED(s.ensemble.start_spread = NAN, "spread = ");
    REFUSED(s.ensemble.kill_radius = -2, "radius = -2");
    REFUSED(s.ensemble.kill_radius = NAN, "radius = ");
    REFUSED(s.ensemble.kill_radius = 0.5, "x[0] = 1 lies beyond");
    REFUSED(s.ensemble.start = &(double){NAN}, "x[0] = ");
    REFUSED(s.ensemble.start = &(double){INFINITY}, "x[0] = inf");
    REFUSED((s.ensemble.histogram = (sl_histogram_spec){1, 1, 5}), "range 1 to 1");
    REFUSED((s.ensemble.histogram = (sl_histogram_spec){0, INFINITY, 5}), "range 0 to inf");
    REFUSED((s.ensemble.histogram = (sl_histogram_spec){0, 1, (size_t)1 << 40}), "bins = 1099511627776");
    assert_ok(sl_loss_init(&good.loss, "periodic", &err));
    REFUSED((s.ensemble.histogram = (sl_histogram_spec){-4, 4, 5}), "period");
#undef REFUSED
    assert_int_equal(o.killed, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run__does_not_depend_on_the_number_of_threads),
        cmocka_unit_test(run__seeds_and_experiments_change_the_numbers),
        cmocka_unit_test(run__replica_is_a_function_of_its_number),
        cmocka_unit_test(run__counts_the_killed_and_keeps_their_samples_until_then),
        cmocka_unit_test(run__says_that_it_diverged),
        cmocka_unit_test(run__one_replica_has_errors_from_batches),
        cmocka_unit_test(series__follows_the_transient),
        cmocka_unit_test(histogram__is_the_density),
        cmocka_unit_test(histogram__wraps_a_period),
        cmocka_unit_test(run__stops_when_asked),
        cmocka_unit_test(progress__rises_to_one),
        cmocka_unit_test(run__refuses_bad_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
