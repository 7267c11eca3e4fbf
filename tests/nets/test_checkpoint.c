#include "tests/test.h"

#include <signal.h>
#include <sys/resource.h>

#include "nets/checkpoint.h"
#include "nets/weights.h"
#include "tests/nets/temp.h"

static sl_model *model;
static float *params, *velocity, *found;
static size_t n;
static sl_epoch history[3];

static int group_setup(void **state)
{
    if (sl_model_alloc(&model, "mlp:hidden=6", 1, 2, 4, 3, NULL) != SL_OK) return -1;
    n = sl_model_parameters(model);
    params = calloc(n, sizeof *params);
    velocity = calloc(n, sizeof *velocity);
    found = calloc(2 * n, sizeof *found);
    sl_model_init(model, params, 3, 0);
    sl_model_init(model, velocity, 4, 0);
    for (int i = 0; i < 3; i++) history[i] = (sl_epoch){(uint64_t)i + 1, 0.1 * i, 1 / 3.0, i ? 0.7 : NAN, 0.9, 1e-3};
    return temp_setup(state);
}

static int group_teardown(void **state)
{
    sl_model_free(model);
    free(params);
    free(velocity);
    free(found);
    return temp_teardown(state);
}

static sl_checkpoint sample(size_t epochs)
{
    return (sl_checkpoint){.step = 123456789012345,
                           .loss_sum = 1 / 7.0,
                           .right_sum = 42,
                           .image_sum = 99,
                           .state = params,
                           .velocity = velocity,
                           .epochs = history,
                           .n_epochs = epochs,
                           .config = "model=mlp lr=0.1 batch=8 seed=1"};
}

static sl_checkpoint empty(const char *config)
{
    return (sl_checkpoint){.state = found, .velocity = found + n, .config = config};
}

static void read__gives_back_what_was_written(void **state)
{
    (void)state;
    const char *const path = temp_path("c.h5");
    for (size_t epochs = 0; epochs <= 3; epochs += 3) {
        const sl_checkpoint c = sample(epochs);
        assert_ok(sl_checkpoint_write(path, model, &c, &err));
        for (int given = 0; given < 2; given++) {
            sl_checkpoint k = empty(given ? c.config : NULL);
            memset(found, 0, 2 * n * sizeof *found);
            assert_ok(sl_checkpoint_read(&k, path, model, &err));
            assert_true(k.step == c.step);
            assert_near(k.loss_sum, c.loss_sum, 0);
            assert_near(k.right_sum, 42, 0);
            assert_near(k.image_sum, 99, 0);
            assert_int_equal(k.n_epochs, epochs);
            if (epochs) assert_memory_equal(k.epochs, history, sizeof history);
            assert_memory_equal(found, params, n * sizeof *found);
            assert_memory_equal(found + n, velocity, n * sizeof *found);
            free(k.epochs);
        }
    }
    const sl_checkpoint c = sample(3);
    assert_ok(sl_checkpoint_write(temp_path("c2.h5"), model, &c, &err));
    assert_true(temp_same(path, temp_path("c2.h5")));
}

static void refused(const char *path, sl_status status, const char *text)
{
    sl_checkpoint k = empty("model=mlp lr=0.1 batch=8 seed=1");
    k.step = 5;
    memset(found, 1, 2 * n * sizeof *found);
    assert_fails(sl_checkpoint_read(&k, path, model, &err), status, text);
    for (size_t i = 0; i < 2 * n * sizeof *found; i++) assert_int_equal(((char *)found)[i], 1);
    assert_int_equal(k.step, 5);
    assert_null(k.epochs);
}

/* A batch norm's running statistics are kept with the weights; nothing stands in for a velocity of theirs. */
static void read__gives_back_running_statistics(void **state)
{
    (void)state;
    const char *const path = temp_path("normed.h5");
    sl_model *m;
    assert_ok(sl_model_alloc(&m, "conv 3 2; bn; relu; globalavg; linear", 1, 4, 4, 3, &err));
    const size_t all = sl_model_state(m), trained = sl_model_parameters(m);
    assert_int_equal(all, trained + 6);
    float *const w = calloc(2 * (all + trained), sizeof *w), *const v = w + all, *const to = v + trained;
    for (size_t i = 0; i < all + trained; i++) w[i] = (float)i / 7 - 3;
    sl_checkpoint c = sample(1);
    c.state = w;
    c.velocity = v;
    assert_ok(sl_checkpoint_write(path, m, &c, &err));
    sl_checkpoint k = {.state = to, .velocity = to + all, .config = c.config};
    assert_ok(sl_checkpoint_read(&k, path, m, &err));
    assert_memory_equal(to, w, (all + trained) * sizeof *w);
    free(k.epochs);
    free(w);
    sl_model_free(m);
    refused(path, SL_E_FORMAT, "0.weight"); /* another model's */
}

static void read__sees_every_damage(void **state)
{
    (void)state;
    const char *const path = temp_path("damaged.h5");
    const sl_checkpoint c = sample(3);
    size_t size;
    assert_ok(sl_checkpoint_write(path, model, &c, &err));
    unsigned char *const bytes = temp_read(path, &size);
    for (size_t k = 0; k < size; k += k < size - 40 ? 37 : 1) {
        bytes[k] ^= (unsigned char)(1u << k % 8);
        temp_write(path, bytes, size);
        refused(path, SL_E_FORMAT, "damaged");
        bytes[k] ^= (unsigned char)(1u << k % 8);
    }
    for (size_t k = 0; k < size; k += 137) {
        temp_write(path, bytes, k);
        refused(path, SL_E_FORMAT, "damaged");
    }
    free(bytes);
}

static void read__refuses_other_files(void **state)
{
    (void)state;
    refused(temp_path("absent.h5"), SL_E_FILE, "absent.h5");
    const char *const path = temp_path("other.h5");
    assert_ok(sl_weights_write(path, model, params, &err));
    refused(path, SL_E_FORMAT, "not a checkpoint");
    temp_write(path, "junk", 4);
    refused(path, SL_E_FORMAT, "damaged");

    sl_model *wider;
    assert_ok(sl_model_alloc(&wider, "mlp:hidden=7", 1, 2, 4, 3, &err));
    float *const p = calloc(sl_model_parameters(wider), sizeof *p);
    sl_checkpoint c = sample(2);
    c.state = c.velocity = p;
    assert_ok(sl_checkpoint_write(path, wider, &c, &err));
    refused(path, SL_E_FORMAT, "'0.weight' has shape [7, 8], expected [6, 8]");
    free(p);
    sl_model_free(wider);
}

static void read__refuses_other_configurations(void **state)
{
    (void)state;
    const char *const path = temp_path("config.h5");
    sl_checkpoint c = sample(2);
    c.config = "model=mlp lr=0.2 batch=8 seed=1";
    assert_ok(sl_checkpoint_write(path, model, &c, &err));
    refused(path, SL_E_CONFIG, "it has 'lr=0.2', this run 'lr=0.1'");
    c.config = "model=mlp lr=0.1 batch=8 seed=12";
    assert_ok(sl_checkpoint_write(path, model, &c, &err));
    refused(path, SL_E_CONFIG, "it has 'seed=12', this run 'seed=1'");
    c.config = "";
    assert_ok(sl_checkpoint_write(path, model, &c, &err));
    refused(path, SL_E_CONFIG, "this run 'model=mlp'");
}

static void write__names_what_cannot_be_written(void **state)
{
    (void)state;
    const sl_checkpoint c = sample(1);
    assert_fails(sl_checkpoint_write(temp_path("no/folder.h5"), model, &c, &err), SL_E_WRITE, "no/folder.h5");
    assert_fails(sl_checkpoint_write(temp_dir, model, &c, &err), SL_E_WRITE, temp_dir);
}

/* A disk that is full halfway, played by a limit on the size of files: the old checkpoint stays, and nothing else. */
static void write__keeps_the_old_file_on_a_full_disk(void **state)
{
    (void)state;
    char folder[600];
    snprintf(folder, sizeof folder, "%s", temp_path("full"));
    assert_int_equal(mkdir(folder, 0755), 0);
    const char *const path = temp_path("full/c.h5"), *const copy = temp_path("copy.h5");
    sl_checkpoint c = sample(1);
    assert_ok(sl_checkpoint_write(path, model, &c, &err));
    assert_ok(sl_checkpoint_write(copy, model, &c, &err));
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    const struct rlimit small = {1000, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    c.step++;
    sl_err err = {0};
    const sl_status st = sl_checkpoint_write(path, model, &c, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(st, SL_E_WRITE);
    assert_non_null(strstr(err.message, "full/c.h5"));
    assert_true(temp_same(path, copy));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing is left beside it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__gives_back_what_was_written),
        cmocka_unit_test(read__gives_back_running_statistics),
        cmocka_unit_test(read__sees_every_damage),
        cmocka_unit_test(read__refuses_other_files),
        cmocka_unit_test(read__refuses_other_configurations),
        cmocka_unit_test(write__names_what_cannot_be_written),
        cmocka_unit_test(write__keeps_the_old_file_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
