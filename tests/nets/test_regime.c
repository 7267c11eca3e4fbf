/* Regimes of optim/regime.h in trainings of networks. */
#include "tests/test.h"

#include "base/run.h"
#include "nets/checkpoint.h"
#include "tests/nets/training.h"

static sl_train_config with(const char *regime, const char *rule, double mu, double weight_decay)
{
    sl_train_config c = config(SL_ORDER_SHUFFLE);
    c.schedule = "constant";
    c.regime = regime;
    assert_ok(sl_rule_init(&c.rule, rule, SL_ALPHA_ON_STEP, c.lr, mu, weight_decay, &err));
    return c;
}

/* Model 1 with nothing tuned: 8 epochs of 16 steps bring the test set from one in ten to two in three at least. The
 * control is the constant step that is usual for momentum, under the sign rule. */
static void regimes__train_without_tuning(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        double mu;
    } rules[] = {{"plain", 0}, {"heavy-ball", 0.9}, {"sign", 0.9}};
    sl_model *model1;
    double accuracy;
    sl_trainer *t;
    assert_ok(sl_model_alloc(&model1, "mlp", 1, 28, 28, 10, &err));
    for (size_t r = 0; r < sl_n_regimes; r++)
        for (size_t j = 0; j < 3; j++) {
            sl_train_config c = with(sl_regimes[r]->name, rules[j].rule, rules[j].mu, 0);
            c.model = model1;
            assert_ok(sl_trainer_alloc(&t, &c, &err));
            assert_ok(sl_trainer_run(t, 8 * sl_trainer_steps_per_epoch(t), NULL, NULL, &err));
            sl_trainer_evaluate(t, &test_set, NULL, &accuracy);
            if (!(accuracy > 0.65)) fail_msg("%s, %s: accuracy %.3f", sl_regimes[r]->name, rules[j].rule, accuracy);
            sl_trainer_free(t);
        }
    sl_train_config c = with(NULL, "sign", 0.9, 0);
    c.model = model1;
    c.lr = c.rule.lr = 0.05;
    assert_ok(sl_trainer_alloc(&t, &c, &err));
    assert_ok(sl_trainer_run(t, 8 * sl_trainer_steps_per_epoch(t), NULL, NULL, &err));
    sl_trainer_evaluate(t, &test_set, NULL, &accuracy);
    assert_true(accuracy < 0.65);
    sl_trainer_free(t);
    sl_model_free(model1);
}

/* A checkpoint holds all there is: at any step, also within an episode or an epoch. */
static void checkpoint__goes_on_with_the_same_bytes(void **state)
{
    (void)state;
    const char *const path = temp_path("regime.h5");
    for (size_t r = 0; r < sl_n_regimes; r++) {
        const sl_train_config c = with(sl_regimes[r]->name, "heavy-ball", 0.9, 1e-4);
        sl_trainer *whole, *cut;
        assert_ok(sl_trainer_alloc(&whole, &c, &err));
        assert_ok(sl_trainer_alloc(&cut, &c, &err));
        assert_ok(sl_trainer_run(whole, 37, NULL, NULL, &err));
        const sl_trainer *const both[] = {whole, cut};
        sl_checkpoint k[2];
        for (int i = 0; i < 2; i++) {
            sl_trainer *const t = (sl_trainer *)both[i];
            sl_regime_run *const run = sl_trainer_regime(t);
            k[i] = (sl_checkpoint){.step = sl_trainer_step_count(t), .state = sl_trainer_params(t),
                                   .velocity = sl_trainer_velocity(t), .config = "regime",
                                   .regime_numbers = run->numbers, .regime_vectors = run->vector[0],
                                   .n_regime_numbers = sl_regime_numbers_length(run),
                                   .n_regime_vectors = sl_regime_vectors_length(run)};
        }
        assert_ok(sl_checkpoint_write(path, model, &k[0], &err));
        assert_ok(sl_checkpoint_read(&k[1], path, model, &err));
        free(k[1].epochs);
        sl_trainer_set_step(cut, k[1].step);
        assert_near(sl_trainer_last_lr(cut), sl_trainer_last_lr(whole), 0);
        assert_ok(sl_trainer_run(whole, 25, NULL, NULL, &err));
        assert_ok(sl_trainer_run(cut, 25, NULL, NULL, &err));
        assert_memory_equal(sl_trainer_params(whole), sl_trainer_params(cut),
                            sl_model_state(model) * sizeof(float));
        k[1].n_regime_numbers++; /* control: a state of another length is refused, and nothing touched */
        const uint64_t step = k[1].step;
        assert_fails(sl_checkpoint_read(&k[1], path, model, &err), SL_E_FORMAT, "regime_numbers");
        assert_true(k[1].step == step);
        sl_trainer_free(whole);
        sl_trainer_free(cut);
    }
}

static void train__refuses_a_checkpoint_of_another_regime(void **state)
{
    (void)state;
    const sl_train_options how = {.checkpoint = temp_path("other.h5")};
    sl_train_config c = with("polyak", "plain", 0, 0);
    sl_train_result r;
    c.epochs = 1;
    assert_ok(sl_train(&r, &c, &how, &err));
    assert_true(r.epochs[0].lr > 0);
    sl_train_result_clear(&r);
    c.regime = "polyak:c=1";
    assert_fails(sl_train(&r, &c, &how, &err), SL_E_CONFIG, "regime=polyak:fstar=0:c=1:tau=2");
    c.regime = NULL;
    assert_fails(sl_train(&r, &c, &how, &err), SL_E_CONFIG, "schedule=constant");
    c.regime = "bb";
    assert_fails(sl_train(&r, &c, &how, &err), SL_E_NAME, "sgd-bb");
}

/* The sign rule moves every parameter by its rate: the one that is reported. And no thread shows. */
static void last_lr__is_the_rate_applied(void **state)
{
    (void)state;
    for (size_t r = 0; r < sl_n_regimes; r++) {
        sl_train_config c = with(sl_regimes[r]->name, "sign", 0, 0);
        float *const before = malloc(sl_model_state(model) * sizeof *before);
        sl_trainer *t, *threads;
        assert_ok(sl_trainer_alloc(&t, &c, &err));
        c.threads = 2;
        assert_ok(sl_trainer_alloc(&threads, &c, &err));
        assert_true(isnan(sl_trainer_last_lr(t)));
        assert_ok(sl_trainer_run(t, 6, NULL, NULL, &err));
        memcpy(before, sl_trainer_params(t), sl_model_state(model) * sizeof *before);
        assert_ok(sl_trainer_run(t, 1, NULL, NULL, &err));
        const size_t last = sl_model_parameters(model) - 1; /* a bias of the output: its gradient is not 0 */
        const double moved = fabs((double)sl_trainer_params(t)[last] - (double)before[last]);
        const char *const name = sl_regimes[r]->name;
        if (strcmp(name, "layer-wise") != 0 && strcmp(name, "diagonal") != 0)
            assert_near(moved, sl_trainer_last_lr(t), 1e-7);
        assert_ok(sl_trainer_run(threads, 7, NULL, NULL, &err));
        assert_memory_equal(sl_trainer_params(t), sl_trainer_params(threads), sl_model_state(model) * sizeof *before);
        sl_trainer_free(t);
        sl_trainer_free(threads);
        free(before);
    }
}

/* A loss that is no number ends the training, with the parameters as they were. */
static void step__leaves_the_parameters_where_it_diverges(void **state)
{
    (void)state;
    const sl_train_config c = with("secant-long", "heavy-ball", 0.9, 0);
    float *const before = malloc(sl_model_state(model) * sizeof *before);
    sl_trainer *t;
    assert_ok(sl_trainer_alloc(&t, &c, &err));
    assert_ok(sl_trainer_run(t, 3, NULL, NULL, &err));
    sl_trainer_params(t)[0] = NAN;
    memcpy(before, sl_trainer_params(t), sl_model_state(model) * sizeof *before);
    assert_fails(sl_trainer_run(t, 1, NULL, NULL, &err), SL_DIVERGED, "step 3");
    assert_memory_equal(before, sl_trainer_params(t), sl_model_state(model) * sizeof *before);
    assert_int_equal(sl_trainer_step_count(t), 3);
    sl_trainer_free(t);
    free(before);
}

static void plan__counts_the_memory_of_a_regime(void **state)
{
    (void)state;
    sl_train_plan plain, episodes;
    sl_train_config c = with(NULL, "plain", 0, 0);
    assert_ok(sl_train_plan_for(&plain, &c, &err));
    c.regime = "auto"; /* four vectors, a point and its gradient */
    assert_ok(sl_train_plan_for(&episodes, &c, &err));
    const double vectors = 6 * (double)sl_model_parameters(model) * sizeof(float);
    assert_true(episodes.bytes - plain.bytes >= vectors && episodes.bytes - plain.bytes < 1.2 * vectors);
    c.regime = "auto:episode=1";
    assert_fails(sl_train_plan_for(&episodes, &c, &err), SL_E_DOMAIN, "episode");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regimes__train_without_tuning),
        cmocka_unit_test(checkpoint__goes_on_with_the_same_bytes),
        cmocka_unit_test(train__refuses_a_checkpoint_of_another_regime),
        cmocka_unit_test(last_lr__is_the_rate_applied),
        cmocka_unit_test(step__leaves_the_parameters_where_it_diverges),
        cmocka_unit_test(plan__counts_the_memory_of_a_regime),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
