/* Whole trainings, epoch by epoch: history, evaluation, checkpoints, interruption. A step is nets/trainer.c. */
#include "nets/train.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "nets/checkpoint.h"
#include "nets/identity.h"
#include "nets/trainer.h"
#include "nets/weights.h"

/* A training under way. */
typedef struct {
    const sl_train_config *config;
    const sl_train_options *options;
    sl_trainer *trainer;
    sl_train_result *result;
    sl_train_sums sums; /* over the epoch under way */
    size_t room;        /* of result->epochs        */
    char *about;        /* what the checkpoint says of the configuration; NULL without one */
    double saved;       /* the clock at the last checkpoint, or at the beginning           */
    double reported;    /* the clock when options->stepped was called last                 */
} training;

static sl_checkpoint snapshot(const training *t)
{
    sl_regime_run *const regime = sl_trainer_regime(t->trainer);
    return (sl_checkpoint){.regime_numbers = regime ? regime->numbers : NULL,
                           .regime_vectors = regime ? regime->vector[0] : NULL,
                           .n_regime_numbers = regime ? sl_regime_numbers_length(regime) : 0,
                           .n_regime_vectors = regime ? sl_regime_vectors_length(regime) : 0,
                           .step = sl_trainer_step_count(t->trainer),
                           .loss_sum = t->sums.loss,
                           .right_sum = t->sums.right,
                           .image_sum = t->sums.images,
                           .state = sl_trainer_params(t->trainer),
                           .velocity = sl_trainer_velocity(t->trainer),
                           .epochs = t->result->epochs,
                           .n_epochs = t->result->n_epochs,
                           .config = t->about};
}

static sl_status save_checkpoint(training *t, sl_err *err)
{
    if (!t->options->checkpoint) return SL_OK;
    const sl_checkpoint c = snapshot(t);
    SL_TRY(sl_checkpoint_write(t->options->checkpoint, t->config->model, &c, err));
    t->saved = sl_clock();
    return SL_OK;
}

/* Goes on from the checkpoint if there is one. */
static sl_status resume(training *t, sl_err *err)
{
    if (!t->options->checkpoint) return SL_OK;
    SL_TRY(sl_train_identity(&t->about, t->config, sl_trainer_schedule(t->trainer), sl_trainer_params(t->trainer),
                             err));
    if (access(t->options->checkpoint, F_OK) != 0) return SL_OK;
    sl_checkpoint c = snapshot(t);
    SL_TRY(sl_checkpoint_read(&c, t->options->checkpoint, t->config->model, err));
    sl_trainer_set_step(t->trainer, c.step);
    t->sums = (sl_train_sums){.loss = c.loss_sum, .right = c.right_sum, .images = c.image_sum};
    t->result->epochs = c.epochs;
    t->result->n_epochs = t->room = c.n_epochs;
    return SL_OK;
}

static sl_status add_row(training *t, const sl_epoch *row, sl_err *err)
{
    sl_train_result *const r = t->result;
    if (r->n_epochs == t->room) {
        const size_t room = t->room ? 2 * t->room : 16;
        sl_epoch *const more = realloc(r->epochs, room * sizeof *more);
        if (!more) return sl_fail(err, SL_E_MEMORY, "no memory for %zu epochs", room);
        r->epochs = more;
        t->room = room;
    }
    r->epochs[r->n_epochs++] = *row;
    return SL_OK;
}

static int all_finite(const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i])) return 0;
    return 1;
}

/* The last update of an epoch has no batch after it to show that it was a bad one. */
static sl_status diverged(training *t, const char *what, sl_err *err)
{
    const uint64_t step = sl_trainer_step_count(t->trainer) - 1;
    t->result->diverged_step = step;
    t->result->diverged_epoch = step / sl_trainer_steps_per_epoch(t->trainer) + 1;
    return sl_fail(err, SL_DIVERGED, "diverged by step %llu, epoch %llu: %s not finite", (unsigned long long)step,
                   (unsigned long long)t->result->diverged_epoch, what);
}

/* What an epoch leaves: a row, after a look at the weights and at what they make of the test set. */
static sl_status close_epoch(training *t, sl_err *err)
{
    const uint64_t step = sl_trainer_step_count(t->trainer), per_epoch = sl_trainer_steps_per_epoch(t->trainer);
    if (!all_finite(sl_trainer_params(t->trainer), sl_model_state(t->config->model)))
        return diverged(t, "the weights are", err);
    sl_epoch row = {.epoch = (step - 1) / per_epoch + 1,
                    .train_loss = t->sums.loss / t->sums.images,
                    .train_accuracy = t->sums.right / t->sums.images,
                    .test_loss = NAN,
                    .test_accuracy = NAN,
                    .lr = sl_trainer_last_lr(t->trainer)};
    if (t->config->test) {
        SL_TRY(sl_trainer_evaluate_unless_stopped(t->trainer, t->config->test, &row.test_loss, &row.test_accuracy,
                                                  err));
        if (!isfinite(row.test_loss)) return diverged(t, "the test loss is", err);
    }
    SL_TRY(add_row(t, &row, err));
    t->sums = (sl_train_sums){0};
    if (t->options->progress) {
        const uint64_t epochs = (sl_trainer_stop(t->trainer) + per_epoch - 1) / per_epoch;
        t->options->progress(t->options->ctx, &row, epochs);
    }
    return SL_OK;
}

/* At the end of an epoch, or of the run. */
static bool at_end(const training *t)
{
    const uint64_t step = sl_trainer_step_count(t->trainer);
    return step % sl_trainer_steps_per_epoch(t->trainer) == 0 || step == sl_trainer_stop(t->trainer);
}

static void report(training *t, bool now)
{
    const double every = t->options->step_seconds > 0 ? t->options->step_seconds : 0.1;
    if (!t->options->stepped || (!now && sl_clock() - t->reported < every)) return;
    t->reported = sl_clock();
    t->options->stepped(t->options->ctx, sl_trainer_step_count(t->trainer), sl_trainer_stop(t->trainer));
}

/* Steps to the next end, or till a checkpoint is due. */
static sl_status run_steps(training *t, sl_err *err)
{
    const double every = t->options->checkpoint_seconds;
    do {
        if (sl_stop_requested())
            return sl_fail(err, SL_INTERRUPTED, "interrupted after %llu of %llu steps",
                           (unsigned long long)sl_trainer_step_count(t->trainer),
                           (unsigned long long)sl_trainer_stop(t->trainer));
        SL_TRY(sl_trainer_step(t->trainer, &t->sums, err));
        report(t, false);
    } while (!at_end(t) && !(every > 0 && sl_clock() - t->saved >= every));
    return SL_OK;
}

static sl_status run_some(training *t, sl_err *err)
{
    sl_train_result *const r = t->result;
    const double start = sl_clock(), images = t->sums.images, data = sl_trainer_data_seconds(t->trainer);
    const sl_status st = run_steps(t, err);
    r->seconds += sl_clock() - start;
    r->data_seconds += sl_trainer_data_seconds(t->trainer) - data;
    r->images += t->sums.images - images;
    if (st == SL_DIVERGED) {
        r->diverged_step = sl_trainer_step_count(t->trainer);
        r->diverged_epoch = r->diverged_step / sl_trainer_steps_per_epoch(t->trainer) + 1;
    }
    return st;
}

/* Where it begins may be the end of an epoch that has no row yet: evaluations can be interrupted too. */
static sl_status run_epochs(training *t, sl_err *err)
{
    const uint64_t stop = sl_trainer_stop(t->trainer);
    const uint64_t every = t->options->checkpoint_epochs ? t->options->checkpoint_epochs : 1;
    while (sl_trainer_step_count(t->trainer) < stop || t->sums.images > 0) {
        const bool closing = t->sums.images > 0 && at_end(t);
        SL_TRY(closing ? close_epoch(t, err) : run_some(t, err));
        const bool over = sl_trainer_step_count(t->trainer) == stop;
        if (closing ? over || t->result->n_epochs % every == 0 : !at_end(t)) SL_TRY(save_checkpoint(t, err));
    }
    return t->options->save ? sl_weights_write(t->options->save, t->config->model, sl_trainer_params(t->trainer), err)
                            : SL_OK;
}

static void summarise(sl_train_result *r, sl_status st)
{
    r->status = st == SL_DIVERGED ? SL_TRAIN_DIVERGED : st == SL_OK ? SL_TRAIN_COMPLETE : SL_TRAIN_INTERRUPTED;
    r->best_test_accuracy = r->final_test_accuracy = NAN;
    for (size_t i = 0; i < r->n_epochs; i++) {
        r->final_test_accuracy = r->epochs[i].test_accuracy;
        if (isnan(r->final_test_accuracy) || r->final_test_accuracy <= r->best_test_accuracy) continue;
        r->best_test_accuracy = r->final_test_accuracy;
        r->best_epoch = r->epochs[i].epoch;
    }
}

sl_status sl_train(sl_train_result *r, const sl_train_config *config, const sl_train_options *options, sl_err *err)
{
    static const sl_train_options none = {0};
    sl_train_result result = {0};
    const double start = sl_clock();
    training t = {.config = config, .options = options ? options : &none, .result = &result, .saved = start};
    sl_status st = sl_trainer_alloc(&t.trainer, config, err);
    if (st == SL_OK) st = resume(&t, err);
    if (st == SL_OK) {
        report(&t, true);
        st = run_epochs(&t, err);
    }
    if (st == SL_INTERRUPTED) {
        const sl_status saved = save_checkpoint(&t, err);
        if (saved != SL_OK) st = saved;
    }
    if (st >= 0) {
        summarise(&result, st);
        result.total_seconds = sl_clock() - start;
        *r = result;
    } else {
        sl_train_result_clear(&result);
    }
    free(t.about);
    sl_trainer_free(t.trainer);
    return st;
}

void sl_train_result_clear(sl_train_result *r)
{
    free(r->epochs);
    *r = (sl_train_result){0};
}
