/* Trainings of a small network with batch norm, on varied pictures with smoothed labels: threads, state, resuming. */
#include "tests/test.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/parallel.h"
#include "base/random.h"
#include "nets/checkpoint.h"
#include "tests/nets/training.h"

static const char normed[] = "conv 4 3 pad=1 bias=0; bn; relu; maxpool 2; conv 6 3; bn; relu; globalavg; linear";
static sl_model *normed_model;

static sl_train_config varied_config(sl_order order)
{
    sl_train_config c = config(order);
    if (!normed_model) assert_ok(sl_model_alloc(&normed_model, normed, 1, 28, 28, 10, &err));
    c.model = normed_model;
    c.epochs = 2;
    c.augment = (sl_augment){.crop = 3, .flip = true};
    c.label_smoothing = 0.1;
    return c;
}

/* One thread or three: the same weights, running statistics and test losses. */
static void train__same_bytes_with_any_number_of_threads(void **state)
{
    (void)state;
    for (sl_order order = SL_ORDER_SHUFFLE; order <= SL_ORDER_REPLACEMENT; order++) {
        sl_train_result one, three;
        sl_train_config c = varied_config(order);
        const char *const a = temp_path("one.h5"), *const b = temp_path("three.h5");
        const sl_train_options first = {.save = a}, second = {.save = b};
        c.threads = 1;
        assert_ok(sl_train(&one, &c, &first, &err));
        c.threads = 3;
        assert_ok(sl_train(&three, &c, &second, &err));
        assert_true(temp_same(a, b));
        assert_int_equal(one.n_epochs, 2);
        assert_memory_equal(one.epochs, three.epochs, 2 * sizeof *one.epochs);
        sl_train_result_clear(&one);
        sl_train_result_clear(&three);
    }
}

/* The parts again: which random numbers vary which picture, the mode of a pass, and that the rule acts on parameters
 * while running statistics follow the passes. */
static void run__varies_pictures_and_moves_statistics(void **state)
{
    (void)state;
    for (sl_order order = SL_ORDER_SHUFFLE; order <= SL_ORDER_REPLACEMENT; order++) {
        const sl_train_config c = varied_config(order);
        const size_t n = sl_model_parameters(c.model), all = sl_model_state(c.model);
        assert_int_equal(all, n + 2 * (4 + 6));
        sl_trainer *t;
        sl_workspace *w;
        assert_ok(sl_trainer_alloc(&t, &c, &err));
        assert_ok(sl_workspace_alloc(&w, c.model, 64, SL_FOR_GRADIENT, NULL, &err));
        float *const p = calloc(all, sizeof *p), *const v = calloc(n, sizeof *v), *const g = calloc(n, sizeof *g);
        sl_model_init(c.model, p, c.seed, 0);
        sl_schedule s;
        assert_ok(sl_schedule_init(&s, c.schedule, c.lr, 16, 32, &err));
        for (uint64_t step = 0; step < 18; step++) {
            const uint64_t epoch = step / 16, first = 64 * (step % 16);
            const size_t count = order != SL_ORDER_REPLACEMENT && first == 960 ? 40 : 64;
            uint32_t index[1000];
            sl_draw draw = {.seed = c.seed, .step = epoch, .purpose = SL_PURPOSE_SHUFFLE};
            sl_draw varied = {.seed = c.seed, .step = epoch, .purpose = SL_PURPOSE_AUGMENT};
            const uint32_t *from = index + first;
            size_t lane = first, right;
            if (order == SL_ORDER_SHUFFLE) sl_random_permutation(index, 1000, &draw);
            if (order == SL_ORDER_FILE)
                for (uint32_t i = 0; i < 1000; i++) index[i] = i;
            if (order == SL_ORDER_REPLACEMENT) {
                draw = (sl_draw){.seed = c.seed, .step = step, .purpose = SL_PURPOSE_BATCH};
                sl_random_below(index, count, 1000, &draw);
                varied.step = step;
                lane = 0;
                from = index;
            }
            const sl_mode mode = {.train = true, .label_smoothing = 0.1, .seed = c.seed, .step = step};
            double loss;
            sl_dataset_gather_varied(&train_set, sl_workspace_input(w), sl_workspace_labels(w), from, 0, count,
                                     &c.augment, &varied, lane, NULL);
            sl_model_run(c.model, w, p, count, &mode, &loss, &right, g);
            sl_rule_step_f(&c.rule, n, p, v, g, sl_schedule_lr(&s, c.seed, 0, step));
        }
        assert_ok(sl_trainer_run(t, 18, NULL, NULL, &err));
        assert_memory_equal(sl_trainer_params(t), p, all * sizeof *p);
        assert_memory_equal(sl_trainer_velocity(t), v, n * sizeof *v);
        for (size_t i = n; i < all; i++) assert_true(p[i] != 0 && p[i] != 1); /* where they started */
        free(p);
        free(v);
        free(g);
        sl_workspace_free(w);
        sl_trainer_free(t);
    }
}

/* Evaluation sees pictures as they are, labels as they are, and running statistics: a loss of its own. With smoothing
 * of 1/2 no training loss is below the entropy of its target, -(0.55 log 0.55 + 9 * 0.05 log 0.05) = 1.677. */
static void train__smooths_labels_in_training_only(void **state)
{
    (void)state;
    sl_train_config c = config(SL_ORDER_SHUFFLE);
    c.schedule = "constant";
    c.lr = 0.05;
    c.epochs = 12;
    c.label_smoothing = 0.5;
    sl_train_result r;
    assert_ok(sl_train(&r, &c, NULL, &err));
    const double entropy = -(0.55 * log(0.55) + 9 * 0.05 * log(0.05));
    const sl_epoch *const last = &r.epochs[r.n_epochs - 1];
    assert_true(last->train_loss > entropy && last->train_loss < entropy + 0.2);
    assert_true(last->test_loss < entropy - 0.5);
    sl_train_result_clear(&r);
}

/* A training that is too fast leaves the statistics of before the bad batch, too. */
static void run__diverging_keeps_the_statistics_before(void **state)
{
    (void)state;
    sl_train_config c = varied_config(SL_ORDER_FILE);
    c.schedule = "constant";
    c.lr = 1e37;
    sl_trainer *t;
    assert_ok(sl_trainer_alloc(&t, &c, &err));
    const size_t bytes = sl_model_state(c.model) * sizeof(float);
    float *const before = malloc(bytes);
    sl_status st = SL_OK;
    for (int step = 0; st == SL_OK && step < 1000; step++) {
        memcpy(before, sl_trainer_params(t), bytes);
        st = sl_trainer_run(t, 1, NULL, NULL, NULL);
    }
    assert_int_equal(st, SL_DIVERGED);
    assert_memory_equal(before, sl_trainer_params(t), bytes);
    free(before);
    sl_trainer_free(t);
}

/* What is said beforehand of steps and memory. */
static void plan__counts_steps_and_bytes(void **state)
{
    (void)state;
    sl_train_plan p;
    sl_train_config c = varied_config(SL_ORDER_SHUFFLE);
    assert_ok(sl_train_plan_for(&p, &c, &err));
    assert_int_equal(p.steps_per_epoch, 16);
    assert_int_equal(p.stop, 32);
    assert_int_equal(p.threads, 1);
    const double parameters = (double)sl_model_parameters(c.model);
    const double workspace = sl_workspace_bytes(c.model, p.workspace_batch, SL_FOR_GRADIENT, 1);
    /* state, velocity, gradient; running statistics twice; a number a sample; labels of a batch */
    assert_near(p.bytes, workspace + 4 * (3 * parameters + 2 * 20) + 4 * 1000 + (double)p.workspace_batch, 0);
    c.steps = 20;
    c.batch = 700;
    c.threads = 4;
    c.order = SL_ORDER_REPLACEMENT;
    assert_ok(sl_train_plan_for(&p, &c, &err));
    assert_int_equal(p.steps_per_epoch, 2);
    assert_true(p.horizon == 4 && p.stop == 4);
    assert_int_equal(p.workspace_batch, 700);
    assert_int_equal(p.index_length, 700);
    /* A large network is not evaluated in batches that take more than its training does. */
    sl_model *large;
    assert_ok(sl_model_alloc(&large, "mlp:hidden=40000,40000", 1, 28, 28, 10, &err));
    c.model = large;
    c.batch = 8;
    c.order = SL_ORDER_FILE;
    assert_ok(sl_train_plan_for(&p, &c, &err));
    assert_int_equal(p.evaluation_batch, 8);
    assert_int_equal(p.workspace_batch, 8);
    assert_true(p.bytes > 12.0 * 40000 * 40000);
    sl_model_free(large);
}

/* In a batch of one a batch norm of single pixels has no variance: PyTorch stops there with "Expected more than 1 value
 * per channel when training"; here it is said before the first step. */
static void plan__refuses_batch_norm_of_one(void **state)
{
    (void)state;
    sl_train_plan p;
    sl_model *flat, *picture;
    assert_ok(sl_model_alloc(&flat, "flatten; linear 8; bn; relu; linear 10", 1, 28, 28, 10, &err));
    assert_ok(sl_model_alloc(&picture, "conv 4 3; bn; relu; globalavg; linear 10", 1, 28, 28, 10, &err));
    sl_train_config c = varied_config(SL_ORDER_SHUFFLE);
    c.model = flat;
    c.batch = 333; /* of 1000: leaves one */
    assert_fails(sl_train_plan_for(&p, &c, &err), SL_E_DOMAIN, "batch = 333 of 1000 samples leaves a batch of one");
    c.steps = 3; /* which is not reached */
    assert_ok(sl_train_plan_for(&p, &c, &err));
    c.steps = 4;
    assert_fails(sl_train_plan_for(&p, &c, &err), SL_E_DOMAIN, "'2.weight'");
    c.order = SL_ORDER_REPLACEMENT; /* whose batches are all of one size */
    assert_ok(sl_train_plan_for(&p, &c, &err));
    c.batch = 1;
    assert_fails(sl_train_plan_for(&p, &c, &err), SL_E_DOMAIN, "batch of one");
    c.model = picture;
    assert_ok(sl_train_plan_for(&p, &c, &err));
    sl_model_free(flat);
    sl_model_free(picture);
}

/* More numbers than size_t counts bytes of. */
static void plan__refuses_what_cannot_be_addressed(void **state)
{
    (void)state;
    sl_train_plan p;
    sl_model *m;
    sl_workspace *w;
    assert_ok(sl_model_alloc(&m, "conv 65536 1 pad=100; 200 x (relu); maxpool 228; linear 10", 1, 28, 28, 10, &err));
    sl_train_config c = varied_config(SL_ORDER_REPLACEMENT);
    c.model = m;
    c.batch = (size_t)1 << 24;
    assert_fails(sl_train_plan_for(&p, &c, &err), SL_E_MEMORY, "batch = 16777216");
    assert_fails(sl_workspace_alloc(&w, m, c.batch, SL_FOR_GRADIENT, NULL, &err), SL_E_MEMORY, "16777216 samples");
    sl_model_free(m);
}

/* The same for a network with batch norm on varied pictures, with checkpoints as often as can be within epochs. */
static void train__killed_within_epochs_and_resumed_is_the_same(void **state)
{
    (void)state;
    const char *const whole = temp_path("normed.h5"), *const pieces = temp_path("normed-killed.h5");
    const char *const checkpoint = temp_path("normed-checkpoint.h5");
    sl_train_result a, b;
    sl_train_config c = varied_config(SL_ORDER_SHUFFLE);
    c.batch = 16;
    const sl_train_options straight = {.save = whole};
    const sl_train_options o = {.save = pieces, .checkpoint = checkpoint, .checkpoint_seconds = 1e-9};
    assert_ok(sl_train(&a, &c, &straight, &err));
    size_t within = 0;
    for (int i = 0; i < 6; i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            sl_train_result r;
            _exit(sl_train(&r, &c, &o, NULL) == SL_OK ? 0 : 1);
        }
        usleep(15000 + 9000 * (unsigned)i);
        kill(child, SIGKILL);
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how) || WEXITSTATUS(how) == 0);
        float *const scratch = calloc(2 * sl_model_state(c.model), sizeof *scratch);
        sl_checkpoint k = {.state = scratch, .velocity = scratch + sl_model_state(c.model)};
        if (access(checkpoint, F_OK) == 0) {
            assert_ok(sl_checkpoint_read(&k, checkpoint, c.model, &err));
            within += k.step % 63 != 0;
        }
        free(k.epochs);
        free(scratch);
    }
    assert_true(within > 0);
    assert_ok(sl_train(&b, &c, &o, &err));
    assert_true(temp_same(whole, pieces));
    check_same_history(&a, &b);
    sl_train_result_clear(&a);
    sl_train_result_clear(&b);
}

/* Asks to stop after an epoch's last step; ctx: was it called in this run? The first call is of where it begins. */
static void stop_at_end(void *ctx, uint64_t step, uint64_t stop)
{
    bool *const begun = ctx;
    if (*begun && (step % 16 == 0 || step == stop)) sl_stop_request();
    *begun = true;
}

/* An epoch that was interrupted while it was evaluated has no row yet, and gets it when the training goes on. */
static void train__interrupted_while_evaluating_is_the_same(void **state)
{
    (void)state;
    sl_train_config c = config(SL_ORDER_SHUFFLE);
    const char *const whole = temp_path("evaluated.h5"), *const pieces = temp_path("evaluating.h5");
    const char *const checkpoint = temp_path("evaluating-checkpoint.h5");
    const sl_train_options straight = {.save = whole};
    bool begun;
    const sl_train_options o = {
        .save = pieces, .checkpoint = checkpoint, .stepped = stop_at_end, .step_seconds = 1e-9, .ctx = &begun};
    sl_train_result a, b;
    assert_ok(sl_train(&a, &c, &straight, &err));
    int evaluating = 0;
    for (;;) {
        sl_err err = {0};
        begun = false;
        const sl_status st = sl_train(&b, &c, &o, &err);
        sl_stop_clear();
        if (st == SL_OK) break;
        assert_int_equal(st, SL_INTERRUPTED);
        evaluating += strstr(err.message, "while evaluating") != NULL;
        sl_train_result_clear(&b);
        if (evaluating > 100) fail_msg("no progress");
    }
    assert_int_equal(evaluating, 4);
    assert_true(temp_same(whole, pieces));
    check_same_history(&a, &b);
    sl_train_result_clear(&a);
    sl_train_result_clear(&b);
}

static int teardown(void **state)
{
    sl_model_free(normed_model);
    return group_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(train__same_bytes_with_any_number_of_threads),
        cmocka_unit_test(run__varies_pictures_and_moves_statistics),
        cmocka_unit_test(train__smooths_labels_in_training_only),
        cmocka_unit_test(run__diverging_keeps_the_statistics_before),
        cmocka_unit_test(plan__counts_steps_and_bytes),
        cmocka_unit_test(plan__refuses_batch_norm_of_one),
        cmocka_unit_test(plan__refuses_what_cannot_be_addressed),
        cmocka_unit_test(train__killed_within_epochs_and_resumed_is_the_same),
        cmocka_unit_test(train__interrupted_while_evaluating_is_the_same),
    };
    return cmocka_run_group_tests(tests, group_setup, teardown);
}
