/* Temperature of a continued training where the answer is known: softmax regression at its minimum, with small steps,
 * is a quadratic bowl with additive noise, whose stationary moments theory has exactly. */
#include "tests/test.h"

#include "nets/curvature.h"
#include "nets/load.h"
#include "nets/temperature.h"
#include "nets/weights.h"
#include "tests/nets/small_net.h"
#include "tests/nets/temp.h"
#include "theory/moments.h"

enum { N = 60 };
static const double DECAY = 0.5;

/* Full-batch descent to the minimum of the regularised loss. */
static void settle(small_net *s, sl_objective *o)
{
    double *const g = calloc(s->P, sizeof *g);
    for (int step = 0; step < 2000; step++) {
        assert_ok(sl_objective_gradient(o, g, NULL, s->n, &err));
        for (size_t k = 0; k < s->P; k++) s->state[k] -= (float)(0.5 * (g[k] + DECAY * (double)s->state[k]));
        assert_ok(sl_objective_move(o, s->state, &err));
    }
    free(g);
}

typedef struct {
    small_net *s;
    sl_objective *o;
    sl_curvature curve;
} bowl;

static int setup(void **state)
{
    bowl *const b = calloc(1, sizeof *b);
    b->s = small_alloc(false, N);
    b->o = small_objective(b->s, DECAY, 1);
    settle(b->s, b->o);
    const sl_curvature_config c = {.top = 3, .steps = 40, .probes = 2, .points = 2, .seed = 1};
    *state = b;
    return sl_curvature_measure(&b->curve, b->o, &c, NULL) == SL_OK ? 0 : -1;
}

static int teardown(void **state)
{
    bowl *const b = *state;
    sl_curvature_clear(&b->curve);
    sl_objective_free(b->o);
    small_free(b->s);
    free(b);
    return 0;
}

static sl_temperature_config configure(const bowl *b, const char *rule, double lr, double mu, size_t batch,
                                       uint64_t steps)
{
    sl_temperature_config c = {
        .train = {.model = b->s->m, .train = &b->s->data, .schedule = "constant", .lr = lr, .batch = batch,
                  .steps = steps, .order = SL_ORDER_REPLACEMENT, .seed = 5, .threads = 1},
        .state = b->s->state,
        .directions = b->curve.vectors,
        .n_directions = b->curve.n_top,
        .burn_in = steps / 10,
        .windows = 4,
    };
    assert_ok(sl_rule_init(&c.train.rule, rule, SL_ALPHA_ON_STEP, lr, mu, DECAY, &err));
    return c;
}

/* Variance of the noise along the directions, at the minimum. */
static void noise_along(double *D, const bowl *b)
{
    const size_t n = b->s->n;
    double *const mean = calloc(b->s->P, sizeof *mean), *const along = calloc(3 * n, sizeof *along);
    assert_ok(sl_objective_gradient(b->o, mean, NULL, n, &err));
    assert_ok(sl_noise_project(along, b->o, mean, b->curve.vectors, 3, &err));
    for (size_t j = 0; j < 3; j++) {
        D[j] = 0;
        for (size_t i = 0; i < n; i++) D[j] += along[j * n + i] * along[j * n + i] / (double)n;
    }
    free(mean);
    free(along);
}

/* Within 4.5 standard errors, and 3 % for what the bowl is not: quadratic, with noise that does not depend on x. */
static void agrees(sl_estimate e, double expected, const char *what)
{
    if (!(fabs(e.value - expected) <= 4.5 * e.se + 0.03 * expected))
        fail_msg("%s: %g +- %g, expected %g", what, e.value, e.se, expected);
    assert_true(e.se < 0.08 * expected); /* and says something */
}

static void measure__equals_theory_in_a_bowl(void **state)
{
    bowl *const b = *state;
    static const struct {
        const char *rule, *schedule;
        double lr, mu, delta;
    } cases[] = {{"heavy-ball", "constant", 0.2, 0, 0},
                 {"heavy-ball", "constant", 0.06, 0.7, 0},
                 {"nesterov", "constant", 0.06, 0.7, 0},
                 {"heavy-ball", "random:delta=1", 0.06, 0.7, 1}};
    double D[3];
    noise_along(D, b);
    for (size_t i = 0; i < 4; i++) {
        const size_t C = 64;
        sl_temperature_config c = configure(b, cases[i].rule, cases[i].lr, cases[i].mu, C, 20000);
        c.train.schedule = cases[i].schedule;
        sl_temperature t;
        assert_ok(sl_temperature_measure(&t, &c, &err));
        const sl_alpha_law law = sl_alpha_uniform(cases[i].delta);
        sl_rule bare = c.train.rule; /* the curvature holds the decay already */
        bare.weight_decay = 0;
        for (size_t j = 0; j < 3; j++) {
            const double a = b->curve.top[j].value;
            sl_moments m;
            assert_ok(sl_moments_stationary(&m, &bare, a, D[j] / (double)C, &law, &err));
            assert_true(t.along[j].trusted);
            agrees(sl_scaled(a, t.along[j].variance), a * m.x2, "configurational");
            agrees(t.along[j].velocity2, m.v2, "velocity");
            agrees(t.along[j].virial, a * m.x2, "virial");
            /* Control: a temperature half as high is told apart. */
            assert_true(a * t.along[j].variance.value - 4.5 * a * t.along[j].variance.se > a * m.x2 / 2);
        }
        sl_temperature_clear(&t);
    }
}

/* Far from the minimum the way made shows as drift; at the minimum there is none to speak of. */
static void measure__drift_is_told_from_fluctuation(void **state)
{
    bowl *const b = *state;
    sl_temperature_config c = configure(b, "heavy-ball", 0.002, 0.5, 30, 400);
    sl_temperature t;
    assert_ok(sl_temperature_measure(&t, &c, &err));
    assert_true(t.drift2 < 0.1 * t.velocity2.value);
    sl_temperature_clear(&t);
    for (size_t k = 0; k < b->s->P; k++) b->s->state[k] += k % 2 ? 4 : -4; /* uphill by decay alone: gradient 2 */
    assert_ok(sl_temperature_measure(&t, &c, &err));
    assert_true(t.drift2 > 0.7 * t.velocity2.value && t.drift2 < 1.05 * t.velocity2.value);
    /* A drift of g/(1 - mu) a step: at least decay's 2 and whatever the loss adds, within a factor. */
    assert_true(t.drift2 > 0.25 * pow(2 / 0.5, 2) && t.drift2 < 4 * pow(2 / 0.5, 2));
    sl_temperature_clear(&t);
}

/* Far out, where drift is many times the heat and the windows hold few correlation times of the velocity: what is left
 * in all windows is D / C (1 - mu^2). Heat is known to 3 % (2000 steps, tau of v^2 4.6, a few directions); a drift that
 * was short by tau / count, 0.2, would leave several times it. */
static void measure__heat_beside_a_strong_drift(void **state)
{
    bowl *const b = *state;
    enum { WINDOWS = 50 };
    const double mu = 0.8, C = 16;
    sl_temperature_config c = configure(b, "heavy-ball", 1e-4, mu, (size_t)C, WINDOWS * 40);
    c.windows = WINDOWS;
    c.objective = b->o;
    for (size_t k = 0; k < b->s->P; k++) b->s->state[k] += k % 2 ? 0.7F : -0.7F;
    sl_temperature t;
    assert_ok(sl_temperature_measure(&t, &c, &err));
    double heat = 0, expected = 0, drift = 0;
    for (size_t w = 1; w < WINDOWS; w++) { /* the first starts from rest */
        heat += t.history[w].velocity2.value - t.history[w].drift2;
        drift += t.history[w].drift2;
        expected += t.history[w].noise.value / (C * (1 - mu * mu) * (double)b->s->P);
    }
    assert_true(drift > 20 * expected);
    assert_close(heat, expected, 0.12);
    sl_temperature_clear(&t);
}

/* The windows hold the mean noise of their two ends, the rate and the loss; the run is that of a trainer. */
static void measure__history(void **state)
{
    bowl *const b = *state;
    sl_temperature_config c = configure(b, "heavy-ball", 0.05, 0.5, 10, 100);
    c.train.schedule = "linear";
    c.burn_in = 20;
    c.objective = b->o;
    sl_temperature t;
    sl_estimate trace[5], a[5];
    assert_ok(sl_temperature_measure(&t, &c, &err));
    assert_int_equal(t.windows, 4);
    assert_true(isnan(t.history[0].curvature.value));
    sl_temperature_clear(&t);
    c.probes = 3;
    assert_ok(sl_temperature_measure(&t, &c, &err));
    sl_trainer *beside;
    assert_ok(sl_trainer_alloc(&beside, &c.train, &err));
    memcpy(sl_trainer_params(beside), b->s->state, b->s->P * sizeof(float));
    for (size_t w = 0; w <= 4; w++) {
        if (w > 0) assert_ok(sl_trainer_run(beside, 25, NULL, NULL, &err));
        assert_ok(sl_objective_move(b->o, sl_trainer_params(beside), &err));
        assert_ok(sl_noise_trace(&trace[w], b->o, &err));
        assert_ok(sl_noise_curvature(&a[w], b->o, 10, 3, c.train.seed, &err));
    }
    sl_trainer_free(beside);
    for (size_t w = 0; w < 4; w++) {
        assert_close(t.history[w].noise.value, (trace[w].value + trace[w + 1].value) / 2, 1e-14);
        assert_close(t.history[w].curvature.value, (a[w].value + a[w + 1].value) / 2, 1e-14);
    }
    for (size_t w = 0; w < 4; w++) {
        assert_int_equal(t.history[w].first, 25 * w);
        assert_int_equal(t.history[w].last, 25 * (w + 1));
        assert_true(t.history[w].noise.value > 0 && t.history[w].loss.value > 0);
        if (w > 0) assert_true(t.history[w].lr < t.history[w - 1].lr);
    }
    sl_trainer *trainer;
    assert_ok(sl_trainer_alloc(&trainer, &c.train, &err));
    memcpy(sl_trainer_params(trainer), b->s->state, b->s->P * sizeof(float));
    assert_ok(sl_trainer_run(trainer, 100, NULL, NULL, &err));
    assert_memory_equal(t.state, sl_trainer_params(trainer), b->s->P * sizeof(float));
    sl_trainer_free(trainer);
    sl_temperature_clear(&t);
}

static void measure__refuses(void **state)
{
    bowl *const b = *state;
    sl_temperature t = {.windows = 77};
    sl_temperature_config c = configure(b, "heavy-ball", 0.05, 0.5, 10, 100);
    c.burn_in = 90;
    assert_fails(sl_temperature_measure(&t, &c, &err), SL_E_DOMAIN, "burn-in = 90");
    c.burn_in = 0;
    c.windows = 13;
    assert_fails(sl_temperature_measure(&t, &c, &err), SL_E_DOMAIN, "13 windows");
    c.windows = 2;
    assert_ok(sl_rule_init(&c.train.rule, "sign", SL_ALPHA_ON_STEP, 0.05, 0.5, 0, &err));
    assert_fails(sl_temperature_measure(&t, &c, &err), SL_E_CONFIG, "rule sign");
    c = configure(b, "heavy-ball", 1e9, 0.5, 10, 100);
    c.train.rule.weight_decay = 1e3;
    assert_fails(sl_temperature_measure(&t, &c, &err), SL_DIVERGED, "diverged");
    assert_int_equal(t.windows, 77);
}

static void load__either_kind_of_file(void **state)
{
    bowl *const b = *state;
    const sl_model *const m = b->s->m;
    float *const x = calloc(2 * b->s->P, sizeof *x), *const v = x + b->s->P;
    bool checkpoint = true;
    assert_ok(sl_weights_write(temp_path("w.h5"), m, b->s->state, &err));
    v[0] = 3;
    assert_ok(sl_load_weights(x, v, &checkpoint, temp_path("w.h5"), m, &err));
    assert_false(checkpoint);
    assert_memory_equal(x, b->s->state, b->s->P * sizeof *x);
    assert_near(v[0], 0, 0);

    sl_train_config c = configure(b, "heavy-ball", 0.05, 0.5, 10, 12).train;
    const sl_train_options how = {.checkpoint = temp_path("c.h5"), .save = temp_path("f.h5")};
    sl_train_result r;
    assert_ok(sl_train(&r, &c, &how, &err));
    sl_train_result_clear(&r);
    assert_ok(sl_load_weights(x, v, &checkpoint, temp_path("c.h5"), m, &err));
    assert_true(checkpoint);
    assert_true(v[0] != 0);
    float *const y = calloc(b->s->P, sizeof *y);
    assert_ok(sl_load_weights(y, NULL, &checkpoint, temp_path("f.h5"), m, &err));
    assert_false(checkpoint);
    assert_memory_equal(x, y, b->s->P * sizeof *x);
    assert_ok(sl_load_weights(y, NULL, &checkpoint, temp_path("c.h5"), m, &err));
    assert_true(checkpoint);

    assert_fails(sl_load_weights(y, NULL, &checkpoint, temp_path("absent.h5"), m, &err), SL_E_FILE, "absent.h5");
    temp_write(temp_path("bad.h5"), "nonsense", 8);
    assert_fails(sl_load_weights(y, NULL, &checkpoint, temp_path("bad.h5"), m, &err), SL_E_FORMAT, "bad.h5");
    size_t size;
    unsigned char *const bytes = temp_read(temp_path("c.h5"), &size);
    bytes[size / 2] ^= 1;
    temp_write(temp_path("d.h5"), bytes, size);
    assert_fails(sl_load_weights(y, NULL, &checkpoint, temp_path("d.h5"), m, &err), SL_E_FORMAT, "d.h5");
    free(bytes);
    free(x);
    free(y);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(measure__equals_theory_in_a_bowl), TEST(measure__drift_is_told_from_fluctuation),
        TEST(measure__heat_beside_a_strong_drift),
        TEST(measure__history),                 TEST(measure__refuses),
        TEST(load__either_kind_of_file),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
