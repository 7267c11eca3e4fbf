#include "tests/test.h"

#include "base/parallel.h"
#include "nets/effective_rate.h"
#include "nets/weights.h"
#include "tests/nets/training.h"

static const char normed[] = "conv 4 3 pad=1 bias=0; bn; relu; maxpool 2; conv 6 3; bn; relu; globalavg; linear";
static sl_model *normed_model;

static int setup(void **state)
{
    if (group_setup(state) != 0) return -1;
    return sl_model_alloc(&normed_model, normed, 1, 28, 28, 10, NULL) == SL_OK ? 0 : -1;
}

static int teardown(void **state)
{
    sl_model_free(normed_model);
    return group_teardown(state);
}

static sl_effective_config plain_config(double lr, uint64_t steps, uint64_t every)
{
    sl_effective_config c = {.train = config(SL_ORDER_SHUFFLE), .every = every, .window = every};
    c.train.model = normed_model;
    c.train.test = NULL;
    c.train.schedule = "constant";
    c.train.lr = lr;
    c.train.epochs = 0;
    c.train.steps = steps;
    assert_ok(sl_rule_init(&c.train.rule, "plain", SL_ALPHA_ON_STEP, lr, 0, 0, &err));
    return c;
}

/* resnet20: 19 convolutions, all before a batch norm; its linear layer is not. The small net: both of two, also that
 * with a bias. wrn normalises before its convolutions, and sums follow some of them. */
static void list__has_the_layers_before_a_batch_norm(void **state)
{
    (void)state;
    sl_invariant *list;
    size_t n;
    assert_ok(sl_invariant_list(&list, &n, normed_model, &err));
    assert_int_equal(n, 2);
    assert_string_equal(list[0].name, "0.weight");
    assert_string_equal(list[1].name, "4.weight");
    assert_int_equal(list[0].size, 4 * 9);
    assert_int_equal(list[1].size, 6 * 4 * 9);
    free(list);
    sl_model *resnet;
    assert_ok(sl_model_alloc(&resnet, "resnet20", 3, 32, 32, 10, &err));
    assert_ok(sl_invariant_list(&list, &n, resnet, &err));
    assert_int_equal(n, 19);
    assert_string_equal(list[0].name, "conv1.weight");
    free(list);
    sl_model_free(resnet);
    assert_fails(sl_invariant_list(&list, &n, model, &err), SL_E_CONFIG, "batch norms");
}

/* The loss does not feel a layer's length, its gradient shrinks with it and is orthogonal to it. */
static void list__is_scale_invariant(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    sl_invariant *list;
    size_t n, right;
    sl_workspace *w;
    const size_t size = sl_model_state(normed_model);
    float *const p = malloc(size * sizeof *p), *const g = malloc(size * sizeof *g);
    float *const g3 = malloc(size * sizeof *g3);
    assert_ok(sl_invariant_list(&list, &n, normed_model, &err));
    assert_ok(sl_workspace_alloc(&w, normed_model, COUNT, SL_FOR_GRADIENT, NULL, &err));
    for (size_t k = 0; k < n; k++) {
        double loss, scaled, dot = 0, g2 = 0, ratio = 0;
        const sl_mode mode = {.train = true};
        for (int pass = 0; pass < 2; pass++) {
            sl_model_init(normed_model, p, 3, 0);
            for (size_t i = 0; i < list[k].size && pass == 1; i++) p[list[k].offset + i] *= 3;
            for (size_t i = 0; i < COUNT * 784; i++) sl_workspace_input(w)[i] = sinf((float)(i * i % 977));
            for (size_t i = 0; i < COUNT; i++) sl_workspace_labels(w)[i] = (uint8_t)(i % 10);
            sl_model_run(normed_model, w, p, COUNT, &mode, pass == 0 ? &loss : &scaled, &right, pass == 0 ? g : g3);
            if (pass == 1) break;
            for (size_t i = list[k].offset; i < list[k].offset + list[k].size; i++) {
                dot += (double)p[i] * g[i];
                g2 += (double)g[i] * g[i];
            }
            assert_true(fabs(dot) < 1e-3 * sqrt(g2 * sl_invariant_norm2(&list[k], p)));
        }
        for (size_t i = list[k].offset; i < list[k].offset + list[k].size; i++) ratio += 3 * (double)g3[i] * g[i] / g2;
        assert_close(scaled, loss, 1e-4);
        assert_near(ratio, 1, 2e-3);
    }
    free(p), free(g), free(g3), free(list);
    sl_workspace_free(w);
}

/* Plain SGD without decay: |w'|^2 = |w|^2 (1 + e^2) at every step, so from row to row log |w|^2 grows by the sum of
 * log(1 + e^2): 20 times its mean, to a relative e^2 (and what the norm's eps leaves of g'w). */
static void measure__lengths_grow_by_the_updates(void **state)
{
    (void)state;
    sl_table *t;
    sl_effective_config c = plain_config(0.4, 80, 20);
    assert_ok(sl_effective_measure(&t, &c, &err));
    assert_int_equal(sl_table_rows(t), 4);
    assert_string_equal(sl_table_get(t, "layer_1"), "4.weight");
    for (size_t i = 0; i + 1 < 4; i++)
        for (size_t k = 0; k < 2; k++) {
            const double *const row = sl_table_row(t, i) + 4 + 4 * k, *const next = sl_table_row(t, i + 1) + 4 + 4 * k;
            assert_close(log(next[0] / row[0]), 20 * row[2] * row[2], 0.02);
            assert_close(row[1], 0.4 / row[0], 1e-12);
            assert_true(row[2] > 0.005 && row[3] > 0 && row[3] < row[2]);
        }
    const double *const row = sl_table_row(t, 2);
    assert_true(row[0] == 40 && row[1] == 0.4);
    assert_close(row[2], fmax(row[6], row[10]) / fmin(row[6], row[10]), 1e-12);
    sl_table_free(t);
}

/* One layer three times as long as PyTorch starts it: its updates are a ninth at first. At a large constant rate the
 * spread falls; at a tiny one, where lengths do not change, it stays. */
static void measure__spread_falls_under_a_constant_rate(void **state)
{
    (void)state;
    sl_invariant *list;
    size_t n;
    float *const p = malloc(sl_model_state(normed_model) * sizeof *p);
    sl_model_init(normed_model, p, 7, 0);
    assert_ok(sl_invariant_list(&list, &n, normed_model, &err));
    for (size_t i = 0; i < list[1].size; i++) p[list[1].offset + i] *= 3;
    double first[2], last[2];
    for (int i = 0; i < 2; i++) {
        sl_table *t;
        sl_effective_config c = plain_config(i == 0 ? 3 : 1e-5, 160, 20);
        c.state = p;
        assert_ok(sl_effective_measure(&t, &c, &err));
        first[i] = sl_table_row(t, 0)[2];
        last[i] = sl_table_row(t, 7)[2];
        sl_table_free(t);
    }
    assert_true(first[1] > 3);
    assert_true(last[0] < 0.5 * first[1] && last[0] < 2);
    assert_true(last[1] > 0.6 * first[1]); /* control */
    free(list), free(p);
}

/* Lengths of weights that went through a file are those of the training that wrote it. */
static void norm2__of_saved_weights(void **state)
{
    (void)state;
    sl_invariant *list;
    size_t n;
    sl_trainer *t;
    sl_train_result r;
    float *const p = malloc(sl_model_state(normed_model) * sizeof *p);
    const sl_effective_config c = plain_config(0.2, 6, 2);
    const sl_train_options options = {.save = temp_path("normed.h5")};
    assert_ok(sl_train(&r, &c.train, &options, &err));
    assert_ok(sl_weights_read(p, options.save, normed_model, &err));
    assert_ok(sl_trainer_alloc(&t, &c.train, &err));
    assert_ok(sl_trainer_run(t, 6, NULL, NULL, &err));
    assert_ok(sl_invariant_list(&list, &n, normed_model, &err));
    for (size_t k = 0; k < n; k++)
        assert_true(sl_invariant_norm2(&list[k], p) == sl_invariant_norm2(&list[k], sl_trainer_params(t)));
    sl_train_result_clear(&r);
    sl_trainer_free(t);
    free(list), free(p);
}

static void measure__refuses_bad_input(void **state)
{
    (void)state;
    sl_table *t = NULL;
    sl_effective_config c = plain_config(0.1, 10, 5);
    c.window = 1;
    assert_fails(sl_effective_measure(&t, &c, &err), SL_E_DOMAIN, "window = 1");
    c = plain_config(0.1, 10, 5), c.window = 6;
    assert_fails(sl_effective_measure(&t, &c, &err), SL_E_DOMAIN, "every = 5");
    c = plain_config(0.1, 3, 5);
    assert_fails(sl_effective_measure(&t, &c, &err), SL_E_DOMAIN, "3 steps");
    c = plain_config(0.1, 10, 5), c.train.model = model;
    assert_fails(sl_effective_measure(&t, &c, &err), SL_E_CONFIG, "effective rates");
    c = plain_config(0.1, 10, 5), c.train.batch = 0;
    assert_fails(sl_effective_measure(&t, &c, &err), SL_E_DOMAIN, "batch");
    float *const none = calloc(sl_model_state(normed_model), sizeof *none); /* |w' - w|/|w| of weights 0 */
    c = plain_config(0.1, 10, 5), c.state = none;
    assert_fails(sl_effective_measure(&t, &c, &err), SL_E_NUMERIC, "weights that are not 0");
    free(none);
    sl_stop_request();
    c = plain_config(0.1, 10, 5);
    assert_int_equal(sl_effective_measure(&t, &c, NULL), SL_INTERRUPTED);
    sl_stop_clear();
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list__has_the_layers_before_a_batch_norm),
        cmocka_unit_test(list__is_scale_invariant),
        cmocka_unit_test(measure__lengths_grow_by_the_updates),
        cmocka_unit_test(measure__spread_falls_under_a_constant_rate),
        cmocka_unit_test(norm2__of_saved_weights),
        cmocka_unit_test(measure__refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
