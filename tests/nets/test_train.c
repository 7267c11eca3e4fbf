#include "tests/test.h"

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/parallel.h"
#include "base/random.h"
#include "nets/checkpoint.h"
#include "tests/nets/fixtures/steps.h"
#include "tests/nets/training.h"

/* ---- against PyTorch ---- */

/* The data and initial weights of fixtures/make_fixtures.py. */
enum { TINY_N = 30, TINY_IN = 12, TINY_CLASSES = 3 };

static void make_tiny(sl_dataset *d, uint8_t *pixels, uint8_t *labels)
{
    for (int i = 0; i < TINY_N * TINY_IN; i++) pixels[i] = (uint8_t)((i * i * 7 + 31 * i + 11 * (i / TINY_IN)) % 256);
    for (int i = 0; i < TINY_N; i++) labels[i] = (uint8_t)((5 * i + i / 7) % TINY_CLASSES);
    *d = (sl_dataset){.n = TINY_N,
                      .channels = 1,
                      .height = 3,
                      .width = 4,
                      .features = TINY_IN,
                      .classes = TINY_CLASSES,
                      .pixels = pixels,
                      .labels = labels,
                      .mean = {0.4f},
                      .deviation = {0.3f}};
}

/* Parameters in float against PyTorch's in double: 20 steps leave 1e-6 of rounding at most. */
static void run__agrees_with_pytorch(void **state)
{
    (void)state;
    sl_dataset d;
    uint8_t pixels[TINY_N * TINY_IN], labels[TINY_N];
    sl_model *m;
    make_tiny(&d, pixels, labels);
    assert_ok(sl_model_alloc(&m, "mlp:hidden=5", 1, 3, 4, TINY_CLASSES, &err));
    const size_t n = sl_model_parameters(m);
    assert_int_equal(n, sizeof torch_runs[0].params / sizeof(double));
    for (size_t r = 0; r < sizeof torch_runs / sizeof *torch_runs; r++) {
        sl_train_config c = {.model = m,
                             .train = &d,
                             .schedule = "constant",
                             .lr = torch_runs[r].lr,
                             .batch = 8,
                             .steps = 20,
                             .order = SL_ORDER_FILE};
        assert_ok(sl_rule_init(&c.rule, torch_runs[r].rule, SL_ALPHA_ON_STEP, c.lr, torch_runs[r].momentum,
                               torch_runs[r].weight_decay, &err));
        sl_trainer *t;
        assert_ok(sl_trainer_alloc(&t, &c, &err));
        float *const p = sl_trainer_params(t);
        for (size_t k = 0; k < n; k++) p[k] = (float)((int)(k * 37 + 11) % 101 - 50) / 128;
        assert_ok(sl_trainer_run(t, 20, NULL, NULL, &err));
        double loss;
        sl_trainer_evaluate(t, &d, &loss, NULL);
        assert_near(loss, torch_runs[r].loss, 2e-6);
        for (size_t k = 0; k < n; k++) assert_near(p[k], torch_runs[r].params[k], 2e-6);
        sl_trainer_free(t);
    }
    sl_model_free(m);
}

/* ---- on the built-in digits ---- */

/* The trainer against its parts, put together here: order of samples, batch, gradient, rate, update. */
static void run__is_the_sum_of_its_parts(void **state)
{
    (void)state;
    for (sl_order order = SL_ORDER_SHUFFLE; order <= SL_ORDER_REPLACEMENT; order++) {
        sl_train_config c = config(order);
        sl_trainer *t;
        sl_workspace *w;
        assert_ok(sl_trainer_alloc(&t, &c, &err));
        assert_ok(sl_workspace_alloc(&w, model, c.batch, SL_FOR_GRADIENT, NULL, &err));
        const size_t n = sl_model_parameters(model), per_epoch = 16; /* ceil(1000 / 64) */
        assert_int_equal(sl_trainer_steps_per_epoch(t), per_epoch);
        assert_true(isnan(sl_trainer_last_lr(t)));
        float *const p = calloc(n, sizeof *p), *const v = calloc(n, sizeof *v), *const g = calloc(n, sizeof *g);
        uint32_t index[1000];
        sl_model_init(model, p, c.seed, 0);
        sl_schedule s;
        assert_ok(sl_schedule_init(&s, c.schedule, c.lr, per_epoch, 4 * per_epoch, &err));
        double loss_sum = 0, right_sum = 0, images = 0;
        for (uint64_t step = 0; step < 2 * per_epoch; step++) {
            const size_t in_epoch = step % per_epoch;
            size_t count = order != SL_ORDER_REPLACEMENT && in_epoch == per_epoch - 1 ? 1000 - 15 * 64 : 64, right;
            sl_draw draw = {.seed = c.seed, .step = step / per_epoch, .purpose = SL_PURPOSE_SHUFFLE};
            const uint32_t *from = index + in_epoch * 64;
            if (order == SL_ORDER_SHUFFLE) sl_random_permutation(index, 1000, &draw);
            if (order == SL_ORDER_FILE)
                for (uint32_t i = 0; i < 1000; i++) index[i] = i;
            if (order == SL_ORDER_REPLACEMENT) {
                draw.step = step;
                draw.purpose = SL_PURPOSE_BATCH;
                sl_random_below(index, count, 1000, &draw);
                from = index;
            }
            double loss;
            sl_dataset_gather(&train_set, sl_workspace_input(w), sl_workspace_labels(w), from, 0, count);
            sl_model_run(model, w, p, count, NULL, &loss, &right, g);
            sl_rule_step_f(&c.rule, n, p, v, g, sl_schedule_lr(&s, c.seed, 0, step));
            loss_sum += loss * (double)count;
            right_sum += (double)right;
            images += (double)count;
        }
        double loss, accuracy;
        assert_ok(sl_trainer_run(t, 2 * per_epoch, &loss, &accuracy, &err));
        assert_memory_equal(sl_trainer_params(t), p, n * sizeof *p);
        assert_memory_equal(sl_trainer_velocity(t), v, n * sizeof *v);
        assert_near(loss, loss_sum / images, 0);
        assert_near(accuracy, right_sum / images, 0);
        assert_near(sl_trainer_last_lr(t), sl_schedule_lr(&s, c.seed, 0, 2 * per_epoch - 1), 0);
        assert_int_equal(sl_trainer_step_count(t), 2 * per_epoch);
        free(p);
        free(v);
        free(g);
        sl_workspace_free(w);
        sl_trainer_free(t);
    }
}

/* Evaluation in one piece, sample by sample in double. */
static void evaluate__equals_brute_force(void **state)
{
    (void)state;
    const sl_train_config c = config(SL_ORDER_SHUFFLE);
    sl_trainer *t;
    assert_ok(sl_trainer_alloc(&t, &c, &err));
    assert_ok(sl_trainer_run(t, 40, NULL, NULL, &err));
    const float *const p = sl_trainer_params(t), *const b1 = p + 784 * 20, *const w2 = b1 + 20, *const b2 = w2 + 200;
    double total = 0, right = 0, squares = 0;
    for (size_t s = 0; s < test_set.n; s++) {
        double h[20], z[10], sum = 0;
        for (size_t o = 0; o < 20; o++) {
            h[o] = b1[o];
            for (size_t k = 0; k < 784; k++)
                h[o] += (double)p[o * 784 + k] * ((test_set.pixels[s * 784 + k] / 255.0 - (double)test_set.mean[0]) /
                                                  (double)test_set.deviation[0]);
            if (h[o] < 0) h[o] = 0;
        }
        size_t best = 0;
        for (size_t o = 0; o < 10; o++) {
            z[o] = b2[o];
            for (size_t k = 0; k < 20; k++) z[o] += (double)w2[o * 20 + k] * h[k];
            sum += exp(z[o]);
            if (z[o] > z[best]) best = o;
        }
        total += log(sum) - z[test_set.labels[s]];
        right += best == test_set.labels[s];
    }
    for (size_t k = 0; k < sl_model_parameters(model); k++) squares += (double)p[k] * p[k];
    double loss, accuracy;
    sl_trainer_evaluate(t, &test_set, &loss, &accuracy);
    assert_near(loss, total / 300, 2e-6);
    assert_near(accuracy, right / 300, 0);
    assert_true(accuracy > 0.5);
    assert_near(sl_trainer_regularised_loss(t, &test_set), loss + 0.5e-4 * squares, 1e-9);
    sl_trainer_free(t);
}

static sl_status train_task(void *ctx, size_t i, int worker, sl_err *err)
{
    (void)worker;
    char path[256];
    snprintf(path, sizeof path, "%s/%s-%zu.h5", temp_dir, (const char *)ctx, i);
    sl_train_config c = config(SL_ORDER_SHUFFLE);
    c.seed = i;
    sl_train_result r;
    const sl_train_options o = {.save = path};
    SL_TRY(sl_train(&r, &c, &o, err));
    sl_train_result_clear(&r);
    return SL_OK;
}

static void train__same_bytes_alone_and_side_by_side(void **state)
{
    (void)state;
    assert_ok(sl_parallel(4, 1, train_task, (void *)"alone", &err));
    assert_ok(sl_parallel(4, 4, train_task, (void *)"together", &err));
    for (int i = 0; i < 4; i++) {
        char a[64], b[64];
        snprintf(a, sizeof a, "alone-%d.h5", i);
        snprintf(b, sizeof b, "together-%d.h5", i);
        assert_true(temp_same(temp_path(a), temp_path(b)));
    }
    assert_false(temp_same(temp_path("alone-0.h5"), temp_path("alone-1.h5"))); /* the seed matters */
}

static void train__history_and_horizon(void **state)
{
    (void)state;
    sl_train_config c = config(SL_ORDER_SHUFFLE);
    sl_train_result r;
    c.schedule = "constant";
    assert_ok(sl_train(&r, &c, NULL, &err));
    assert_int_equal(r.status, SL_TRAIN_COMPLETE);
    assert_int_equal(r.n_epochs, 4);
    assert_near(r.images, 4000, 0);
    assert_true(r.seconds > 0);
    double best = 0;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(r.epochs[i].epoch, i + 1);
        assert_near(r.epochs[i].lr, 0.01, 0);
        best = fmax(best, r.epochs[i].test_accuracy);
    }
    assert_true(r.epochs[3].train_loss < r.epochs[0].train_loss);
    assert_near(r.best_test_accuracy, best, 0);
    assert_near(r.epochs[r.best_epoch - 1].test_accuracy, best, 0);
    assert_true(r.data_seconds > 0 && r.data_seconds < r.seconds && r.seconds < r.total_seconds);
    assert_near(r.final_test_accuracy, r.epochs[3].test_accuracy, 0);
    sl_train_result_clear(&r);

    /* Stopped in the second epoch of a horizon of four: the row is of the part that was done. */
    c.test = NULL;
    c.steps = 20;
    assert_ok(sl_train(&r, &c, NULL, &err));
    assert_int_equal(r.n_epochs, 2);
    assert_near(r.images, 1000 + 4 * 64, 0);
    assert_true(isnan(r.epochs[1].test_loss));
    assert_true(isnan(r.final_test_accuracy));
    assert_int_equal(r.best_epoch, 0);
    sl_train_result_clear(&r);

    /* A linear decay to 0 knows its horizon: epochs, or steps where there are none. */
    c.schedule = "linear";
    c.epochs = 0;
    assert_ok(sl_train(&r, &c, NULL, &err));
    sl_schedule s;
    assert_ok(sl_schedule_init(&s, "linear", c.lr, 16, 20, &err));
    assert_near(r.epochs[1].lr, sl_schedule_lr(&s, c.seed, 0, 19), 0);
    sl_train_result_clear(&r);
}

static void alloc__refuses_what_does_not_fit(void **state)
{
    (void)state;
    sl_trainer *t = NULL;
    sl_train_config c = config(SL_ORDER_SHUFFLE);
    c.batch = 0;
    assert_fails(sl_trainer_alloc(&t, &c, &err), SL_E_DOMAIN, "batch = 0");
    c = config(SL_ORDER_SHUFFLE);
    c.epochs = 0;
    assert_fails(sl_trainer_alloc(&t, &c, &err), SL_E_DOMAIN, "epochs");
    c.epochs = UINT64_MAX / 16 + 1; /* a product of 16 steps an epoch would wrap to 0 */
    assert_fails(sl_trainer_alloc(&t, &c, &err), SL_E_DOMAIN, "at most 2^48 steps");
    c.epochs = 0;
    c.steps = UINT64_MAX;
    assert_fails(sl_trainer_alloc(&t, &c, &err), SL_E_DOMAIN, "at most 2^48 steps");
    c = config(SL_ORDER_SHUFFLE);
    c.lr = NAN;
    assert_fails(sl_trainer_alloc(&t, &c, &err), SL_E_DOMAIN, "");
    c = config(SL_ORDER_SHUFFLE);
    c.augment.crop = 29;
    assert_fails(sl_trainer_alloc(&t, &c, &err), SL_E_DOMAIN, "crop = 29 on pictures of 28x28");
    static const double smoothings[] = {-0.1, 1, NAN};
    for (size_t i = 0; i < 3; i++) {
        c = config(SL_ORDER_SHUFFLE);
        c.label_smoothing = smoothings[i];
        assert_fails(sl_trainer_alloc(&t, &c, &err), SL_E_DOMAIN, "label smoothing");
    }
    c = config(SL_ORDER_SHUFFLE);
    c.schedule = "constnat";
    assert_fails(sl_trainer_alloc(&t, &c, &err), SL_E_NAME, "constant");
    c = config(SL_ORDER_SHUFFLE);
    c.init = temp_path("absent.h5");
    assert_fails(sl_trainer_alloc(&t, &c, &err), SL_E_FILE, "absent.h5");
    sl_dataset other = test_set;
    other.features = 100;
    c = config(SL_ORDER_SHUFFLE);
    c.test = &other;
    assert_fails(sl_trainer_alloc(&t, &c, &err), SL_E_CONFIG, "100 inputs");
    assert_null(t);
    /* A batch larger than the set is the whole set. */
    c = config(SL_ORDER_SHUFFLE);
    c.batch = 5000;
    assert_ok(sl_trainer_alloc(&t, &c, &err));
    assert_int_equal(sl_trainer_steps_per_epoch(t), 1);
    assert_ok(sl_trainer_run(t, 2, NULL, NULL, &err));
    sl_trainer_free(t);
}

/* ---- divergence ---- */

static void run__diverging_keeps_the_state_before(void **state)
{
    (void)state;
    sl_train_config c = config(SL_ORDER_FILE);
    c.schedule = "constant";
    c.lr = 1e12;
    sl_trainer *t;
    assert_ok(sl_trainer_alloc(&t, &c, &err));
    const size_t bytes = sl_model_parameters(model) * sizeof(float);
    float *const before = malloc(bytes);
    sl_err err = {0};
    sl_status st = SL_OK;
    uint64_t step = 0;
    for (; st == SL_OK && step < 1000; step++) {
        memcpy(before, sl_trainer_params(t), bytes);
        st = sl_trainer_run(t, 1, NULL, NULL, &err);
    }
    char text[64];
    snprintf(text, sizeof text, "step %d, epoch %d", (int)step - 1, (int)(step - 1) / 16 + 1);
    assert_int_equal(st, SL_DIVERGED);
    assert_non_null(strstr(err.message, text));
    assert_int_equal(sl_trainer_step_count(t), step - 1);
    assert_memory_equal(before, sl_trainer_params(t), bytes);
    free(before);
    sl_trainer_free(t);
}

static void train__diverging_keeps_the_history(void **state)
{
    (void)state;
    sl_train_config c = config(SL_ORDER_SHUFFLE);
    c.schedule = "constant:warmup=60"; /* from small to much too large over 60 of 100 epochs */
    c.lr = 100;
    c.epochs = 100;
    sl_train_result r;
    const char *const save = temp_path("never.h5");
    const sl_train_options o = {.save = save};
    assert_fails(sl_train(&r, &c, &o, &err), SL_DIVERGED, "diverged");
    assert_int_equal(r.status, SL_TRAIN_DIVERGED);
    assert_int_equal(r.diverged_epoch, r.diverged_step / 16 + 1);
    assert_int_equal(r.n_epochs, r.diverged_epoch - 1);
    assert_true(r.n_epochs > 2);
    assert_true(isfinite(r.epochs[0].train_loss));
    assert_int_equal(access(save, F_OK), -1);
    sl_train_result_clear(&r);
}

/* The last update of all may be the bad one, with no batch after it to show it. */
static void train__infinite_weights_are_divergence(void **state)
{
    (void)state;
    sl_train_config c = config(SL_ORDER_FILE);
    c.schedule = "constant";
    c.lr = 1e38;
    c.rule.mu = 0;
    c.rule.kind = SL_RULE_PLAIN;
    c.rule.weight_decay = 1e10;
    c.steps = 1;
    sl_train_result r;
    assert_fails(sl_train(&r, &c, NULL, &err), SL_DIVERGED, "weights are not finite");
    assert_int_equal(r.diverged_step, 0);
    assert_int_equal(r.diverged_epoch, 1);
    sl_train_result_clear(&r);
}

/* Weights that are still finite, of which the test set makes logits that are not: no epoch is complete with a loss of
 * NaN. Without a test set there is nothing to see yet. */
static void train__infinite_test_loss_is_divergence(void **state)
{
    (void)state;
    sl_train_config c = config(SL_ORDER_FILE);
    c.schedule = "constant";
    c.lr = 1e25;
    c.steps = 1;
    assert_ok(sl_rule_init(&c.rule, "plain", SL_ALPHA_ON_STEP, c.lr, 0, 0, &err));
    sl_train_result r;
    assert_fails(sl_train(&r, &c, NULL, &err), SL_DIVERGED, "by step 0, epoch 1: the test loss is not finite");
    assert_int_equal(r.status, SL_TRAIN_DIVERGED);
    assert_int_equal(r.n_epochs, 0);
    assert_true(r.diverged_step == 0 && r.diverged_epoch == 1);
    sl_train_result_clear(&r);
    c.test = NULL;
    assert_ok(sl_train(&r, &c, NULL, &err));
    sl_train_result_clear(&r);
}

/* Every rule, with alpha in either place, at rates that no float survives: it says that it diverged, where, and with
 * words for what is not a number; at a rate that merely ruins the training every number of the history is one. */
static void train__every_rule_sees_its_divergence(void **state)
{
    (void)state;
    static const char *const rules[] = {"plain", "heavy-ball", "nesterov", "sign"};
    static const double rates[] = {1e3, 1e22, 1e30, 1e37};
    for (size_t k = 0; k < 4; k++)
        for (size_t i = 0; i < 4; i++)
            for (int on = 0; on < 2; on++) {
                sl_train_config c = config(SL_ORDER_SHUFFLE);
                c.schedule = "constant";
                c.lr = rates[i];
                c.epochs = 2;
                assert_ok(sl_rule_init(&c.rule, rules[k], on ? SL_ALPHA_ON_GRADIENT : SL_ALPHA_ON_STEP, c.lr,
                                       k == 0 ? 0 : 0.9, 0, &err));
                sl_train_result r;
                sl_err err = {0};
                const sl_status st = sl_train(&r, &c, NULL, &err);
                for (size_t e = 0; e < r.n_epochs; e++)
                    assert_true(isfinite(r.epochs[e].train_loss) && isfinite(r.epochs[e].test_loss));
                if (i > 0 || st != SL_OK) {
                    if (st != SL_DIVERGED) fail_msg("%s at %g: %s", rules[k], rates[i], sl_status_sentence(st));
                    assert_int_equal(r.status, SL_TRAIN_DIVERGED);
                    assert_non_null(strstr(err.message, "diverged"));
                    assert_non_null(strstr(err.message, i > 0 ? "epoch 1" : "epoch"));
                    assert_non_null(strstr(err.message, "not finite"));
                    assert_null(strstr(err.message, "nan"));
                }
                sl_train_result_clear(&r);
            }
}

/* ---- interruption ---- */

static sl_train_config long_config(void)
{
    sl_train_config c = config(SL_ORDER_SHUFFLE);
    c.schedule = "cosine";
    c.batch = 16;
    c.epochs = 20;
    return c;
}

static void uninterrupted(const char *save, sl_train_result *r)
{
    const sl_train_config c = long_config();
    const sl_train_options o = {.save = save};
    assert_ok(sl_train(r, &c, &o, &err));
}

static void on_alarm(int signal)
{
    (void)signal;
    sl_stop_request();
}

static void stop_after(long microseconds)
{
    const struct itimerval t = {.it_value = {.tv_usec = microseconds}};
    setitimer(ITIMER_REAL, &t, NULL);
}

/* Asked to stop at many moments, most of them within an epoch: the same weights, history and checkpoint. */
static void train__interrupted_and_resumed_is_the_same(void **state)
{
    (void)state;
    const char *const whole = temp_path("whole.h5"), *const pieces = temp_path("pieces.h5");
    const char *const checkpoint = temp_path("pieces-checkpoint.h5");
    sl_train_result a, b;
    uninterrupted(whole, &a);
    signal(SIGALRM, on_alarm);
    const sl_train_config c = long_config();
    const sl_train_options o = {.save = pieces, .checkpoint = checkpoint, .checkpoint_epochs = 7};
    size_t within = 0, times = 0;
    for (;;) {
        sl_err err = {0};
        stop_after(2000 + 1700 * (long)(times % 4) + 50 * (long)times); /* longer and longer, so it ends anywhere */
        const sl_status st = sl_train(&b, &c, &o, &err);
        stop_after(0);
        sl_stop_clear();
        if (st == SL_OK) break;
        assert_int_equal(st, SL_INTERRUPTED);
        assert_int_equal(b.status, SL_TRAIN_INTERRUPTED);
        assert_int_equal(access(pieces, F_OK), -1);
        float *const scratch = calloc(2 * sl_model_parameters(model), sizeof *scratch);
        sl_checkpoint k = {.state = scratch, .velocity = scratch + sl_model_parameters(model)};
        assert_int_equal(sl_checkpoint_read(&k, checkpoint, model, NULL), SL_OK);
        within += k.step % 63 != 0;
        times++;
        free(k.epochs);
        free(scratch);
        sl_train_result_clear(&b);
        if (times > 2000) fail_msg("no progress: step %d after %zu interruptions", (int)k.step, times);
    }
    signal(SIGALRM, SIG_DFL);
    assert_true(within > 0);
    assert_true(temp_same(whole, pieces));
    check_same_history(&a, &b);
    sl_train_result_clear(&a);
    sl_train_result_clear(&b);

    /* Complete already: nothing to do, and the weights can be had again. */
    unlink(pieces);
    assert_ok(sl_train(&b, &c, &o, &err));
    assert_near(b.images, 0, 0);
    assert_true(temp_same(whole, pieces));
    sl_train_result_clear(&b);

    /* Another configuration does not go on from there. */
    sl_train_config other = c;
    other.seed++;
    assert_fails(sl_train(&b, &other, &o, &err), SL_E_CONFIG, "it has 'seed=7', this run 'seed=8'");
    other = c;
    other.batch = 32;
    assert_fails(sl_train(&b, &other, &o, &err), SL_E_CONFIG, "batch=16");
    sl_dataset otherwise = train_set; /* the same bytes, standardised in another way */
    otherwise.deviation[0] *= 2;
    other = c;
    other.train = &otherwise;
    assert_fails(sl_train(&b, &other, &o, &err), SL_E_CONFIG, "it has 'train=1000/");
    other = c;
    other.augment = (sl_augment){.crop = 2, .flip = true};
    assert_fails(sl_train(&b, &other, &o, &err), SL_E_CONFIG, "it has 'augment=none', this run 'augment=crop=2,flip'");
    other = c;
    other.label_smoothing = 0.1;
    assert_fails(sl_train(&b, &other, &o, &err), SL_E_CONFIG, "this run 'label-smoothing=0.1'");
    other = c;
    other.threads = 2; /* is no matter */
    assert_ok(sl_train(&b, &other, &o, &err));
    sl_train_result_clear(&b);
    other = c;
    other.rule.alpha_on = SL_ALPHA_ON_GRADIENT;
    assert_fails(sl_train(&b, &other, &o, &err), SL_E_CONFIG, "this run 'alpha-on=gradient'");
    other = c;
    other.epochs++;
    assert_fails(sl_train(&b, &other, &o, &err), SL_E_CONFIG, "it has 'epochs=20', this run 'epochs=21'");
}

static void write_curve(const char *path, const char *text)
{
    FILE *const f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* A checkpoint knows the curve and not only the name of the file that it came from. */
static void train__schedule_of_another_content_does_not_go_on(void **state)
{
    (void)state;
    const char *const curve = temp_path("curve.dat"), *const checkpoint = temp_path("curve.h5");
    char schedule[256];
    snprintf(schedule, sizeof schedule, "table:file=%s", curve);
    sl_train_config c = config(SL_ORDER_SHUFFLE);
    c.schedule = schedule;
    const sl_train_options o = {.checkpoint = checkpoint};
    sl_train_result r;
    write_curve(curve, "0 1\n1 0\n");
    assert_ok(sl_train(&r, &c, &o, &err));
    sl_train_result_clear(&r);
    write_curve(curve, "0 1\n1 0.5\n");
    assert_fails(sl_train(&r, &c, &o, &err), SL_E_CONFIG, "table=");
    write_curve(curve, "# the same in other words\n0 1.0\n1 0\n");
    assert_ok(sl_train(&r, &c, &o, &err));
    assert_near(r.images, 0, 0); /* it was complete */
    sl_train_result_clear(&r);
}

/* Killed without warning, five times. */
static void train__killed_and_resumed_is_the_same(void **state)
{
    (void)state;
    const char *const whole = temp_path("unkilled.h5"), *const pieces = temp_path("killed.h5");
    const char *const checkpoint = temp_path("killed-checkpoint.h5");
    sl_train_result a, b;
    uninterrupted(whole, &a);
    const sl_train_config c = long_config();
    const sl_train_options o = {.save = pieces, .checkpoint = checkpoint};
    for (int i = 0; i < 5; i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            sl_train_result r;
            _exit(sl_train(&r, &c, &o, NULL) == SL_OK ? 0 : 1);
        }
        usleep(3000 + 2500 * (unsigned)i);
        kill(child, SIGKILL);
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how) || WEXITSTATUS(how) == 0);
    }
    assert_ok(sl_train(&b, &c, &o, &err));
    assert_true(temp_same(whole, pieces));
    check_same_history(&a, &b);
    sl_train_result_clear(&a);
    sl_train_result_clear(&b);
}

static void train__cannot_write(void **state)
{
    (void)state;
    sl_train_config c = config(SL_ORDER_SHUFFLE);
    c.epochs = 1;
    sl_train_result r;
    const char *const nowhere = temp_path("no/such/folder.h5");
    sl_train_options o = {.save = nowhere};
    assert_fails(sl_train(&r, &c, &o, &err), SL_E_WRITE, "folder.h5");
    o = (sl_train_options){.checkpoint = nowhere};
    assert_fails(sl_train(&r, &c, &o, &err), SL_E_WRITE, "folder.h5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run__agrees_with_pytorch),
        cmocka_unit_test(run__is_the_sum_of_its_parts),
        cmocka_unit_test(evaluate__equals_brute_force),
        cmocka_unit_test(train__same_bytes_alone_and_side_by_side),
        cmocka_unit_test(train__history_and_horizon),
        cmocka_unit_test(alloc__refuses_what_does_not_fit),
        cmocka_unit_test(run__diverging_keeps_the_state_before),
        cmocka_unit_test(train__diverging_keeps_the_history),
        cmocka_unit_test(train__infinite_weights_are_divergence),
        cmocka_unit_test(train__infinite_test_loss_is_divergence),
        cmocka_unit_test(train__every_rule_sees_its_divergence),
        cmocka_unit_test(train__interrupted_and_resumed_is_the_same),
        cmocka_unit_test(train__killed_and_resumed_is_the_same),
        cmocka_unit_test(train__schedule_of_another_content_does_not_go_on),
        cmocka_unit_test(train__cannot_write),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
