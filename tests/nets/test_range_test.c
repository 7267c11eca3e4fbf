#include "tests/test.h"

#include "base/parallel.h"
#include "nets/range_test.h"

/* ---- reading curves ---- */

enum { POINTS = 60 };

/* A test of `steps` whose average has that value at rates 10^(k/10). */
static sl_range_result curve(sl_range_point points[POINTS], double (*smoothed)(int k), size_t n)
{
    for (int k = 0; k < (int)n; k++) points[k] = (sl_range_point){pow(10, k / 10.0), 0, smoothed(k)};
    return (sl_range_result){.points = points, .n = n, .end = SL_RANGE_ROSE};
}

/* Flat, then falling by 0.1 a step, by 0.3 to steps 25 and 26, by 0.05; least at 34, rising by 0.2 from there. */
static double valley(int k)
{
    if (k <= 15) return 3;
    if (k <= 24) return 3 - 0.1 * (k - 15);
    if (k <= 25) return 1.8;
    if (k <= 34) return 1.5 - 0.05 * (k - 26);
    return 1.1 + 0.2 * (k - 34);
}

static double falling(int k)
{
    return 10 - 0.1 * k;
}

static double rising(int k)
{
    return 10 + k;
}

static void read__finds_the_marks_of_a_valley(void **state)
{
    (void)state;
    sl_range_point p[POINTS];
    sl_range_result r = curve(p, valley, 50);
    sl_range_read(&r, 30); /* averages of one batch: nothing to move back */
    assert_near(r.steepest, p[25].lr, 0); /* over 25 +- 1 */
    assert_near(r.rise, p[34].lr, 0);
    sl_range_read(&r, 80); /* averages of four */
    assert_near(r.rise, p[34 - 3].lr, 0);
    assert_near(r.steepest, p[24 - 3].lr, 0); /* over 24 +- 2 */
}

static void read__says_what_is_not_there(void **state)
{
    (void)state;
    sl_range_point p[POINTS];
    sl_range_result r = curve(p, falling, 50);
    r.end = SL_RANGE_TO_THE_END;
    sl_range_read(&r, 30);
    assert_true(isnan(r.rise));
    assert_true(isfinite(r.steepest));
    r.end = SL_RANGE_DIVERGED; /* what came after the last point was not even a number */
    sl_range_read(&r, 30);
    assert_near(r.rise, p[49].lr, 0);
    r = curve(p, rising, 20);
    sl_range_read(&r, 30);
    assert_true(isnan(r.steepest));
    assert_near(r.rise, p[0].lr, 0);
    r.n = 1;
    sl_range_read(&r, 30);
    assert_true(isnan(r.rise) && isnan(r.steepest));
    r.n = 0;
    sl_range_read(&r, 30);
    assert_true(isnan(r.rise) && isnan(r.steepest));
}

/* ---- softmax regression, which is nearly quadratic ---- */

enum { N = 500, IN = 6, CLASSES = 4 };
static uint8_t pixels[N * IN], labels[N];
static sl_dataset noise;
static sl_model *regression;

static int group_setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < N * IN; i++) pixels[i] = (uint8_t)((i * i * 37 + i * 91 + i / 7) % 251);
    for (size_t i = 0; i < N; i++) labels[i] = (uint8_t)((i * i / 3 + i / 11) % CLASSES);
    noise = (sl_dataset){.n = N, .channels = 1, .height = 2, .width = 3, .features = IN, .classes = CLASSES,
                         .pixels = pixels, .labels = labels, .mean = {0.5f}, .deviation = {0.29f}};
    return sl_model_alloc(&regression, "mlp:hidden=0", 1, 2, 3, CLASSES, NULL) == SL_OK ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    sl_model_free(regression);
    return 0;
}

/* Largest eigenvalue of the Hessian where all classes are as likely, which labels that have nothing to do with the
 * pictures lead to: that of E[x x^T] with x = (picture, 1), times the 1 / classes of diag(p) - p p^T. */
static double curvature(void)
{
    double m[IN + 1][IN + 1] = {{0}}, v[IN + 1], lambda = 0;
    for (size_t i = 0; i < N; i++) {
        double x[IN + 1];
        x[IN] = 1;
        for (size_t k = 0; k < IN; k++) x[k] = (pixels[i * IN + k] / 255.0 - 0.5) / (double)noise.deviation[0];
        for (size_t a = 0; a <= IN; a++)
            for (size_t b = 0; b <= IN; b++) m[a][b] += x[a] * x[b] / N;
    }
    for (size_t a = 0; a <= IN; a++) v[a] = 1 + 0.1 * (double)a;
    for (int times = 0; times < 1000; times++) {
        double w[IN + 1], norm = 0;
        for (size_t a = 0; a <= IN; a++) {
            w[a] = 0;
            for (size_t b = 0; b <= IN; b++) w[a] += m[a][b] * v[b];
            norm += w[a] * w[a];
        }
        lambda = sqrt(norm);
        for (size_t a = 0; a <= IN; a++) v[a] = w[a] / lambda;
    }
    return lambda / CLASSES;
}

static sl_train_config whole_batches(const char *rule, double mu)
{
    sl_train_config c = {.model = regression, .train = &noise, .lr = 1, .batch = N, .order = SL_ORDER_FILE, .seed = 3};
    assert_ok(sl_rule_init(&c.rule, rule, SL_ALPHA_ON_STEP, c.lr, mu, 0, &err));
    return c;
}

/* Whole batches have no noise: below the edge of stability, 2 (1 + mu) / lambda, the loss falls, beyond it the sharpest
 * direction grows from the last bit of a float. At rate (1 + e) edge a step multiplies it by at least 1 + 2 e, which is
 * 10^9 by twice the edge at 400 steps over three decades. The report is moved back by the average's age. */
static void range__ends_at_the_edge_of_stability(void **state)
{
    (void)state;
    static const struct { const char *rule; double mu; } rules[] = {
        {"plain", 0}, {"heavy-ball", 0.9}, {"heavy-ball", 0.5}};
    const double lambda = curvature();
    for (size_t i = 0; i < 3; i++) {
        const double edge = 2 * (1 + rules[i].mu) / lambda;
        const sl_range range = {edge / 30, edge * 30, 400};
        const double moved = pow(900, 19 / 399.0);
        const sl_train_config c = whole_batches(rules[i].rule, rules[i].mu);
        sl_range_result r;
        assert_ok(sl_range_test(&r, &c, &range, NULL, NULL, &err));
        assert_true(r.end != SL_RANGE_TO_THE_END);
        const double found = r.rise * moved / edge;
        if (!(found > 0.99 && found < 2)) fail_msg("%s: rise at %g times the edge", rules[i].rule, found);
        assert_true(r.steepest < r.rise);
        sl_range_result_clear(&r);
    }
}

/* What it records: rates of a geometric series, losses of trainings at those rates, an average. */
static void range__records_what_it_does(void **state)
{
    (void)state;
    const sl_range range = {1e-3, 0.1, 60};
    sl_train_config c = whole_batches("nesterov", 0.9);
    c.batch = 64;
    c.order = SL_ORDER_SHUFFLE;
    sl_range_result r, shared;
    assert_ok(sl_range_test(&r, &c, &range, NULL, NULL, &err));
    assert_int_equal(r.n, 60);
    assert_int_equal(r.end, SL_RANGE_TO_THE_END);
    assert_near(r.images, 7 * N + 4 * 64, 0); /* 60 steps, 8 an epoch */
    assert_true(r.seconds > 0 && r.data_seconds > 0 && r.data_seconds < r.seconds);
    const double keep = 1 - 1 / 3.0; /* over a twentieth of the steps */
    for (size_t k = 0; k < r.n; k++) {
        double sum = 0, weight = 0;
        assert_close(r.points[k].lr, 1e-3 * pow(100, (double)k / 59), 1e-12);
        for (size_t j = 0; j <= k; j++) {
            sum += pow(keep, (double)(k - j)) * r.points[j].loss;
            weight += pow(keep, (double)(k - j));
        }
        assert_close(r.points[k].smoothed, sum / weight, 1e-12);
    }
    /* The first losses are those of a training at the first rate until the rates have parted. */
    sl_trainer *t;
    c.schedule = "constant";
    c.lr = 1e-3;
    c.steps = 60;
    double loss;
    assert_ok(sl_trainer_alloc(&t, &c, &err));
    for (size_t k = 0; k < 2; k++) {
        assert_ok(sl_trainer_run(t, 1, &loss, NULL, &err));
        assert_near(loss, r.points[k].loss, k == 0 ? 0 : 1e-6);
    }
    sl_trainer_free(t);
    c.threads = 3;
    assert_ok(sl_range_test(&shared, &c, &range, NULL, NULL, &err));
    assert_memory_equal(r.points, shared.points, r.n * sizeof *r.points);
    sl_range_result_clear(&r);
    sl_range_result_clear(&shared);
}

/* On digits: just below the rise is a rate that learns; a tenth of it is slow, and thirty times as much useless. */
static void range__warns_of_rates_that_are_too_large(void **state)
{
    (void)state;
    sl_dataset train, test;
    sl_model *m;
    assert_ok(sl_dataset_load(&train, &test, "digits:train=2000:test=400", NULL, &err));
    assert_ok(sl_model_alloc(&m, "mlp:hidden=30", 1, 28, 28, 10, &err));
    sl_train_config c = {.model = m, .train = &train, .test = &test, .lr = 1, .batch = 64, .seed = 1};
    assert_ok(sl_rule_init(&c.rule, "plain", SL_ALPHA_ON_STEP, c.lr, 0, 0, &err));
    const sl_range range = {1e-4, 1e3, 300};
    sl_range_result r;
    assert_ok(sl_range_test(&r, &c, &range, NULL, NULL, &err));
    assert_int_not_equal(r.end, SL_RANGE_TO_THE_END);
    assert_true(r.steepest > 1e-3 && r.steepest < r.rise && r.rise < 5);
    const double factors[] = {0.1, 1, 30};
    double accuracy[3];
    for (size_t i = 0; i < 3; i++) {
        sl_train_result result;
        c.schedule = "constant";
        c.epochs = 6;
        c.lr = factors[i] * r.rise;
        const sl_status st = sl_train(&result, &c, NULL, NULL);
        assert_true(st >= 0);
        accuracy[i] = st == SL_OK ? result.final_test_accuracy : 0.1;
        sl_train_result_clear(&result);
    }
    assert_true(accuracy[1] > 0.8 && accuracy[1] > accuracy[0] + 0.1);
    assert_true(accuracy[2] < 0.5);
    sl_range_result_clear(&r);
    sl_model_free(m);
    sl_dataset_free(&train);
    sl_dataset_free(&test);
}

static void range__sees_losses_that_are_not_finite(void **state)
{
    (void)state;
    const sl_train_config c = whole_batches("plain", 0);
    const sl_range range = {1e30, 1e37, 20};
    sl_range_result r;
    assert_ok(sl_range_test(&r, &c, &range, NULL, NULL, &err));
    assert_true(r.end != SL_RANGE_TO_THE_END && r.n >= 1 && r.n < 20);
    for (size_t k = 0; k < r.n; k++) assert_true(isfinite(r.points[k].loss));
    sl_range_result_clear(&r);
}

static void range__refuses(void **state)
{
    (void)state;
    static const sl_range bad[] = {{0, 1, 100},    {-1, 1, 100},   {1, 1, 100},         {2, 1, 100}, {NAN, 1, 100},
                                   {1e-3, INFINITY, 100}, {1e-3, 1, 9}, {1e-3, 1, SL_RANGE_MOST_STEPS + 1}};
    sl_train_config c = whole_batches("plain", 0);
    sl_range_result r = {.n = 77};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(sl_range_test(&r, &c, &bad[i], NULL, NULL, &err), SL_E_DOMAIN, "range test");
    const sl_range good = {1e-3, 1, 100};
    c.batch = 0;
    assert_fails(sl_range_test(&r, &c, &good, NULL, NULL, &err), SL_E_DOMAIN, "batch = 0");
    c.batch = N;
    sl_stop_request();
    assert_fails(sl_range_test(&r, &c, &good, NULL, NULL, &err), SL_INTERRUPTED, "after 0 of 100 steps");
    sl_stop_clear();
    assert_int_equal(r.n, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__finds_the_marks_of_a_valley),
        cmocka_unit_test(read__says_what_is_not_there),
        cmocka_unit_test(range__ends_at_the_edge_of_stability),
        cmocka_unit_test(range__records_what_it_does),
        cmocka_unit_test(range__warns_of_rates_that_are_too_large),
        cmocka_unit_test(range__sees_losses_that_are_not_finite),
        cmocka_unit_test(range__refuses),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
