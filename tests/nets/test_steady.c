/* Steps of whole networks, small ones of every architecture: none of them asks for memory, and a weight that is not a
 * number never leaves a loss that is one, whatever relaxed arithmetic its kernels have. */
#include "tests/test.h"

#include <stdatomic.h>
#include <stdint.h>

#include "nets/dataset.h"
#include "nets/train.h"

/* ---- our requests for memory, counted while asked to; a sanitizer keeps malloc to itself ----
 * OpenBLAS asks for some in a few of its products, on some processors. Ours are told by where they come from: this
 * program holds sgdlab inside, and OpenBLAS is a shared library. */

static atomic_size_t requests;
static atomic_bool counting;

#ifndef __SANITIZE_ADDRESS__
extern const char __executable_start, etext; /* the linker's */

static void count(const void *caller)
{
    const uintptr_t at = (uintptr_t)caller;
    if (atomic_load(&counting) && at >= (uintptr_t)&__executable_start && at < (uintptr_t)&etext)
        atomic_fetch_add(&requests, 1);
}

/* glibc's own, by the names that are for those who replace malloc. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}
#endif

static sl_dataset train_set, test_set;

static int load(void **state)
{
    (void)state;
    return sl_dataset_load(&train_set, &test_set, "digits:train=120:test=70", NULL, NULL) == SL_OK ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    sl_dataset_free(&train_set);
    sl_dataset_free(&test_set);
    return 0;
}

#define PIECES                                                                                             \
    "conv 12 5 stride=2 pad=6; relu; maxpool 3 2 pad=1; residual(conv 16 3 pad=1; bn; relu); avgpool 2;"   \
    "dropout 0.2; dense(relu; conv 8 1); conv 10 3 pad=2; adaptiveavg 3; globalavg; relu"
static const char *const networks[] = {"mlp:hidden=20,10",
                                       "cnn:channels=8",
                                       "resnet50:channels=4",
                                       "resnet8:channels=8",
                                       "wrn-10-1:channels=8:dropout=0.3",
                                       "densenet-10-8:channels=16",
                                       PIECES};
enum { NETWORKS = sizeof networks / sizeof *networks };

static sl_train_config config(const sl_model *m, int threads)
{
    sl_train_config c = {.model = m,
                         .train = &train_set,
                         .test = &test_set,
                         .schedule = "random:delta=1",
                         .lr = 1e-3,
                         .batch = 50, /* and a short one of 20 */
                         .epochs = 4,
                         .seed = 7,
                         .augment = {.crop = 2, .flip = true},
                         .threads = threads};
    assert_ok(sl_rule_init(&c.rule, "heavy-ball", SL_ALPHA_ON_STEP, c.lr, 0.9, 1e-4, &err));
    return c;
}

static void step__asks_for_no_memory(void **state)
{
    (void)state;
#ifndef __SANITIZE_ADDRESS__
    atomic_store(&counting, true);
    void *volatile one = malloc(1); /* volatile: or a compiler leaves both out */
    atomic_store(&counting, false);
    free(one);
    assert_int_equal(atomic_load(&requests), 1);
#endif
    for (int i = 0; i < NETWORKS; i++)
        for (int threads = 1; threads <= 3; threads += 2) {
            sl_model *m;
            sl_trainer *t;
            double loss;
            assert_ok(sl_model_alloc(&m, networks[i], 1, 28, 28, 10, &err));
            const sl_train_config c = config(m, threads);
            assert_ok(sl_trainer_alloc(&t, &c, &err));
            assert_ok(sl_trainer_run(t, 1, NULL, NULL, &err)); /* libraries set themselves up */
            sl_trainer_evaluate(t, &test_set, &loss, NULL);
            atomic_store(&requests, 0);
            atomic_store(&counting, true);
            const sl_status st = sl_trainer_run(t, 5, NULL, NULL, NULL);
            sl_trainer_evaluate(t, &test_set, &loss, NULL);
            atomic_store(&counting, false);
            assert_int_equal(st, SL_OK);
            if (atomic_load(&requests) > 0)
                fail_msg("%s, %d threads: memory was asked for %zu times", networks[i], threads,
                         atomic_load(&requests));
            sl_trainer_free(t);
            sl_model_free(m);
        }
}

/* A NaN in one number of each tensor: first, last, and one in between. Running statistics count in evaluation alone. */
static void run__a_nan_in_any_tensor_shows(void **state)
{
    (void)state;
    for (int i = 0; i < NETWORKS; i++) {
        sl_model *m;
        sl_workspace *w;
        assert_ok(sl_model_alloc(&m, networks[i], 1, 28, 28, 10, &err));
        assert_ok(sl_workspace_alloc(&w, m, 4, SL_FOR_GRADIENT, NULL, &err));
        const size_t n = sl_model_state(m), parameters = sl_model_parameters(m);
        float *const x = malloc(n * sizeof *x), *const moved = malloc(n * sizeof *x), *const g = malloc(n * sizeof *g);
        sl_model_init(m, x, 3, 0);
        sl_dataset_gather(&train_set, sl_workspace_input(w), sl_workspace_labels(w), NULL, 0, 4);
        for (size_t v = 0; v < sl_model_n_views(m); v++)
            for (int where = 0; where < 3; where++)
                for (int train = sl_model_view(m, v)->offset < parameters; train >= 0; train--) {
                    const sl_view *const view = sl_model_view(m, v);
                    const size_t at = view->offset + (view->size - 1) * (size_t)where / 2;
                    double loss;
                    size_t right;
                    memcpy(moved, x, n * sizeof *x);
                    moved[at] = NAN;
                    sl_model_run(m, w, moved, 4, &(sl_mode){.train = train, .seed = 1}, &loss, &right,
                                 where == 0 && train ? g : NULL);
                    if (isfinite(loss))
                        fail_msg("%s: %s[%zu] is NaN, the loss %g (train: %d)", networks[i], view->name,
                                 at - view->offset, loss, train);
                }
        free(x);
        free(moved);
        free(g);
        sl_workspace_free(w);
        sl_model_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step__asks_for_no_memory),
        cmocka_unit_test(run__a_nan_in_any_tensor_shows),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
