/* A training loop of one's own: Model 1 on the built-in digits, stopped early.
 *
 * sl_train runs a whole training. Here the loop is ours: one epoch at a time through a trainer, keeping the best
 * weights, until the test accuracy has not improved for two epochs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nets/train.h"

typedef struct {
    sl_dataset train, test;
    sl_model *model;
    sl_trainer *trainer;
    float *best; /* [parameters] */
} lab;

static sl_status prepare(lab *l, sl_err *err)
{
    SL_TRY(sl_dataset_load(&l->train, &l->test, "digits:train=4000:test=1000", NULL, err));
    const sl_dataset *d = &l->train;
    SL_TRY(sl_model_alloc(&l->model, "mlp", d->channels, d->height, d->width, d->classes, err));
    sl_train_config config = {
        .model = l->model,
        .train = d,
        .test = &l->test,
        .schedule = "random:delta=1",
        .lr = 0.02,
        .batch = 64,
        .epochs = 12,
        .seed = 1,
    };
    SL_TRY(sl_rule_init(&config.rule, "nesterov", SL_ALPHA_ON_STEP, config.lr, 0.9, 0, err));
    SL_TRY(sl_trainer_alloc(&l->trainer, &config, err));
    l->best = malloc(sl_model_parameters(l->model) * sizeof *l->best);
    return l->best ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for the best weights");
}

static sl_status run(lab *l, sl_err *err)
{
    const size_t bytes = sl_model_parameters(l->model) * sizeof *l->best;
    double best = -1, accuracy = 0, loss, test_loss; /* below any accuracy, so that the first epoch's weights count */
    int stale = 0;
    for (int epoch = 1; epoch <= 12 && stale < 2; epoch++) {
        SL_TRY(sl_trainer_run(l->trainer, sl_trainer_steps_per_epoch(l->trainer), &loss, NULL, err));
        sl_trainer_evaluate(l->trainer, &l->test, &test_loss, &accuracy);
        printf("epoch %2d   training loss %.4f   test accuracy %.3f   last rate %.4f\n", epoch, loss, accuracy,
               sl_trainer_last_lr(l->trainer));
        stale++;
        if (accuracy > best) {
            best = accuracy;
            stale = 0;
            memcpy(l->best, sl_trainer_params(l->trainer), bytes);
        }
    }
    memcpy(sl_trainer_params(l->trainer), l->best, bytes);
    sl_trainer_evaluate(l->trainer, &l->test, &test_loss, &accuracy);
    printf("best weights restored: test accuracy %.3f, %s\n", accuracy, accuracy > 0.85 ? "learned" : "not learned");
    return accuracy == best && accuracy > 0.85 ? SL_OK : SL_UNDECIDED;
}

int main(void)
{
    sl_err err = {0};
    lab l = {0};
    sl_status status = prepare(&l, &err);
    if (status == SL_OK) status = run(&l, &err);
    if (status < 0 || status == SL_DIVERGED) fprintf(stderr, "own_training: %s\n", err.message);
    free(l.best);
    sl_trainer_free(l.trainer);
    sl_model_free(l.model);
    sl_dataset_free(&l.train);
    sl_dataset_free(&l.test);
    return sl_status_exit_code(status);
}
