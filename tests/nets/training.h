/* tests/nets/training.h - a small training on the built-in digits, for the programs that test trainings. */
#ifndef SL_TESTS_TRAINING_H
#define SL_TESTS_TRAINING_H

#include "nets/train.h"
#include "tests/nets/temp.h"

static sl_dataset train_set, test_set;
static sl_model *model;

static inline int group_setup(void **state)
{
    if (sl_dataset_load(&train_set, &test_set, "digits:train=1000:test=300", NULL, NULL) != SL_OK) return -1;
    if (sl_model_alloc(&model, "mlp:hidden=20", 1, 28, 28, 10, NULL) != SL_OK) return -1;
    return temp_setup(state);
}

static inline int group_teardown(void **state)
{
    sl_dataset_free(&train_set);
    sl_dataset_free(&test_set);
    sl_model_free(model);
    return temp_teardown(state);
}

static inline sl_train_config config(sl_order order)
{
    sl_train_config c = {.model = model,
                         .train = &train_set,
                         .test = &test_set,
                         .schedule = "random:delta=1",
                         .lr = 0.01,
                         .batch = 64,
                         .epochs = 4,
                         .order = order,
                         .seed = 7};
    assert_ok(sl_rule_init(&c.rule, "nesterov", SL_ALPHA_ON_STEP, c.lr, 0.9, 1e-4, &err));
    return c;
}

static inline void check_same_history(const sl_train_result *a, const sl_train_result *b)
{
    assert_int_equal(a->n_epochs, b->n_epochs);
    assert_memory_equal(a->epochs, b->epochs, a->n_epochs * sizeof *a->epochs);
}

#endif
