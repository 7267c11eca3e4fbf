/* Whole trainings, epoch by epoch: history, evaluation, checkpoints, interruption. A step is nets/trainer.c. */
#include "nets/train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/parallel.h"
#include "nets/checkpoint.h"
#include "nets/seal.h"
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
} training;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of pictures and labels, and of how the pictures are standardised. */
static uint64_t data_checksum(const sl_dataset *d)
{
    if (!d) return 0;
    uint64_t sum = sl_checksum(d->pixels, d->n * d->features, 0);
    sum = sl_checksum(d->labels, d->n, sum);
    sum = sl_checksum(d->mean, sizeof d->mean, sum);
    return sl_checksum(d->deviation, sizeof d->deviation, sum);
}

/* Everything that the trajectory depends on, in words "name=value"; data and initial weights by their checksums, so
 * that they may lie elsewhere when the training goes on. Called before the first step. */
static sl_status describe(training *t, sl_err *err)
{
    static const char *const orders[] = {"shuffle", "file", "replacement"};
    const sl_train_config *const c = t->config;
    const sl_model *const m = c->model;
    char *text = NULL;
    size_t size;
    FILE *const f = open_memstream(&text, &size);
    if (!f) return sl_fail(err, SL_E_MEMORY, "no memory for a checkpoint");
    fprintf(f, "model=");
    for (size_t i = 0; i < sl_model_n_views(m); i++) {
        const sl_view *const v = sl_model_view(m, i);
        fprintf(f, "%s%s", i ? "," : "", v->name);
        for (size_t k = 0; k < v->rank; k++) fprintf(f, "%c%zu", k ? 'x' : '/', v->shape[k]);
    }
    char schedule[1024], lr[32], mu[32], decay[32];
    sl_spec_print(schedule, sizeof schedule, &sl_trainer_schedule(t->trainer)->spec);
    sl_print_double(lr, c->lr);
    sl_print_double(mu, c->rule.mu);
    sl_print_double(decay, c->rule.weight_decay);
    fprintf(f, " train=%zu/%016llx test=%zu/%016llx", c->train->n, (unsigned long long)data_checksum(c->train),
            c->test ? c->test->n : 0, (unsigned long long)data_checksum(c->test));
    fprintf(f, " rule=%s momentum=%s weight-decay=%s alpha-on=%s", sl_rule_name(&c->rule), mu, decay,
            c->rule.alpha_on == SL_ALPHA_ON_GRADIENT ? "gradient" : "step");
    fprintf(f, " schedule=%s lr=%s batch=%zu epochs=%llu steps=%llu order=%s seed=%llu initial=%016llx", schedule, lr,
            c->batch, (unsigned long long)c->epochs, (unsigned long long)c->steps, orders[c->order],
            (unsigned long long)c->seed,
            (unsigned long long)sl_checksum(sl_trainer_params(t->trainer), sl_model_parameters(m) * sizeof(float), 0));
    if (fclose(f) != 0 || !text) {
        free(text);
        return sl_fail(err, SL_E_MEMORY, "no memory for a checkpoint");
    }
    t->about = text;
    return SL_OK;
}

static sl_checkpoint snapshot(const training *t)
{
    return (sl_checkpoint){.step = sl_trainer_step_count(t->trainer),
                           .loss_sum = t->sums.loss,
                           .right_sum = t->sums.right,
                           .image_sum = t->sums.images,
                           .params = sl_trainer_params(t->trainer),
                           .velocity = sl_trainer_velocity(t->trainer),
                           .epochs = t->result->epochs,
                           .n_epochs = t->result->n_epochs,
                           .config = t->about};
}

static sl_status save_checkpoint(const training *t, sl_err *err)
{
    if (!t->options->checkpoint) return SL_OK;
    const sl_checkpoint c = snapshot(t);
    return sl_checkpoint_write(t->options->checkpoint, t->config->model, &c, err);
}

/* Goes on from the checkpoint if there is one. */
static sl_status resume(training *t, sl_err *err)
{
    if (!t->options->checkpoint) return SL_OK;
    SL_TRY(describe(t, err));
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
    if (!all_finite(sl_trainer_params(t->trainer), sl_model_parameters(t->config->model)))
        return diverged(t, "the weights are", err);
    sl_epoch row = {.epoch = (step - 1) / per_epoch + 1,
                    .train_loss = t->sums.loss / t->sums.images,
                    .train_accuracy = t->sums.right / t->sums.images,
                    .test_loss = NAN,
                    .test_accuracy = NAN,
                    .lr = sl_trainer_last_lr(t->trainer)};
    if (t->config->test) {
        sl_trainer_evaluate(t->trainer, t->config->test, &row.test_loss, &row.test_accuracy);
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

/* Steps to the end of the epoch, or of the run. */
static sl_status run_epoch(training *t, sl_err *err)
{
    const uint64_t per_epoch = sl_trainer_steps_per_epoch(t->trainer), stop = sl_trainer_stop(t->trainer);
    const double start = seconds(), images = t->sums.images;
    sl_status st = SL_OK;
    do {
        if (sl_stop_requested())
            st = sl_fail(err, SL_INTERRUPTED, "interrupted after %llu of %llu steps",
                         (unsigned long long)sl_trainer_step_count(t->trainer), (unsigned long long)stop);
        else
            st = sl_trainer_step(t->trainer, &t->sums, err);
    } while (st == SL_OK && sl_trainer_step_count(t->trainer) < stop &&
             sl_trainer_step_count(t->trainer) % per_epoch != 0);
    t->result->seconds += seconds() - start;
    t->result->images += t->sums.images - images;
    if (st == SL_DIVERGED) {
        t->result->diverged_step = sl_trainer_step_count(t->trainer);
        t->result->diverged_epoch = t->result->diverged_step / per_epoch + 1;
    }
    return st;
}

static sl_status run_epochs(training *t, sl_err *err)
{
    const uint64_t stop = sl_trainer_stop(t->trainer);
    const uint64_t every = t->options->checkpoint_epochs ? t->options->checkpoint_epochs : 1;
    while (sl_trainer_step_count(t->trainer) < stop) {
        SL_TRY(run_epoch(t, err));
        SL_TRY(close_epoch(t, err));
        if (t->result->n_epochs % every == 0 || sl_trainer_step_count(t->trainer) == stop)
            SL_TRY(save_checkpoint(t, err));
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
        r->best_test_accuracy = fmax(r->best_test_accuracy, r->final_test_accuracy); /* NAN gives way */
    }
}

sl_status sl_train(sl_train_result *r, const sl_train_config *config, const sl_train_options *options, sl_err *err)
{
    static const sl_train_options none = {0};
    sl_train_result result = {0};
    training t = {.config = config, .options = options ? options : &none, .result = &result};
    sl_status st = sl_trainer_alloc(&t.trainer, config, err);
    if (st == SL_OK) st = resume(&t, err);
    if (st == SL_OK) st = run_epochs(&t, err);
    if (st == SL_INTERRUPTED) {
        const sl_status saved = save_checkpoint(&t, err);
        if (saved != SL_OK) st = saved;
    }
    if (st >= 0) {
        summarise(&result, st);
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
