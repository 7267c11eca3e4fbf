/* One network being trained, step by step. The driver of whole epochs is nets/train.c. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "base/random.h"
#include "nets/layer.h"
#include "nets/regime.h"
#include "nets/train.h"
#include "nets/trainer.h"
#include "nets/weights.h"

struct sl_trainer {
    sl_train_config config;
    sl_schedule schedule;
    uint64_t steps_per_epoch, stop;
    uint64_t step;          /* updates done                                                  */
    uint64_t ordered_epoch; /* the epoch whose permutation is in index; UINT64_MAX: none yet */
    double data_seconds;    /* that gathering took                                           */
    size_t evaluation_batch;
    sl_team *team;          /* NULL: the calling thread alone                                */
    sl_workspace *workspace;
    float *state;                /* [sl_model_state]: parameters, running statistics         */
    float *velocity, *gradient;  /* [parameters]                                             */
    float *running;              /* the running statistics as they were before the step      */
    sl_net_regime regime;        /* if the configuration has one                             */
    uint32_t *index;             /* shuffle: [n], the epoch's permutation; replacement: [batch] */
};

static sl_status set_up(sl_trainer *t, const sl_train_plan *p, sl_err *err)
{
    const sl_train_config *const c = &t->config;
    const size_t parameters = sl_model_parameters(c->model), state = sl_model_state(c->model);
    t->steps_per_epoch = p->steps_per_epoch;
    t->stop = p->stop;
    t->evaluation_batch = p->evaluation_batch;
    t->ordered_epoch = UINT64_MAX;
    t->config.rule.lr = c->lr;
    SL_TRY(sl_schedule_init(&t->schedule, c->schedule, c->lr, t->steps_per_epoch, p->horizon, err));

    if (p->threads > 1) SL_TRY(sl_team_alloc(&t->team, p->threads, err));
    SL_TRY(sl_workspace_alloc(&t->workspace, c->model, p->workspace_batch, SL_FOR_GRADIENT, t->team, err));
    if (c->regime) SL_TRY(sl_net_regime_init(&t->regime, c, p->steps_per_epoch, t->team, err));
    t->state = calloc(state, sizeof *t->state);
    t->velocity = calloc(parameters, sizeof *t->velocity);
    t->gradient = calloc(parameters, sizeof *t->gradient);
    t->running = calloc(state - parameters + 1, sizeof *t->running); /* never of size 0 */
    t->index = calloc(p->index_length + 1, sizeof *t->index);
    if (!t->state || !t->velocity || !t->gradient || !t->running || !t->index)
        return sl_fail(err, SL_E_MEMORY, "no memory to train %zu parameters", parameters);

    if (c->init) return sl_weights_read(t->state, c->init, c->model, err);
    sl_model_init(c->model, t->state, c->seed, 0);
    return SL_OK;
}

sl_status sl_trainer_alloc(sl_trainer **t, const sl_train_config *config, sl_err *err)
{
    sl_train_plan plan;
    SL_TRY(sl_train_plan_for(&plan, config, err));
    sl_trainer *const r = calloc(1, sizeof *r);
    if (!r) return sl_fail(err, SL_E_MEMORY, "no memory for a trainer");
    r->config = *config;
    const sl_status st = set_up(r, &plan, err);
    if (st == SL_OK)
        *t = r;
    else
        sl_trainer_free(r);
    return st;
}

void sl_trainer_free(sl_trainer *t)
{
    if (!t) return;
    sl_workspace_free(t->workspace);
    sl_net_regime_clear(&t->regime);
    sl_team_free(t->team);
    free(t->state);
    free(t->velocity);
    free(t->gradient);
    free(t->running);
    free(t->index);
    free(t);
}

uint64_t sl_trainer_step_count(const sl_trainer *t)
{
    return t->step;
}

uint64_t sl_trainer_steps_per_epoch(const sl_trainer *t)
{
    return t->steps_per_epoch;
}

uint64_t sl_trainer_stop(const sl_trainer *t)
{
    return t->stop;
}

double sl_trainer_last_lr(const sl_trainer *t)
{
    if (t->step == 0) return NAN;
    if (t->config.regime) return sl_regime_rate(&t->regime.run, 0);
    return sl_schedule_lr(&t->schedule, t->config.seed, 0, t->step - 1);
}

sl_regime_run *sl_trainer_regime(sl_trainer *t)
{
    return t->config.regime ? &t->regime.run : NULL;
}

float *sl_trainer_params(sl_trainer *t)
{
    return t->state;
}

float *sl_trainer_velocity(sl_trainer *t)
{
    return t->velocity;
}

void sl_trainer_set_step(sl_trainer *t, uint64_t step)
{
    t->step = step;
}

double sl_trainer_data_seconds(const sl_trainer *t)
{
    return t->data_seconds;
}

const sl_schedule *sl_trainer_schedule(const sl_trainer *t)
{
    return &t->schedule;
}

/* Brings the coming step's batch into the workspace; returns its size. */
static size_t gather(sl_trainer *t)
{
    const sl_train_config *const c = &t->config;
    const sl_dataset *const d = c->train;
    const uint64_t epoch = t->step / t->steps_per_epoch;
    size_t first = (size_t)(t->step % t->steps_per_epoch) * c->batch;
    size_t count = d->n - first < c->batch ? d->n - first : c->batch;
    sl_draw varied = {.seed = c->seed, .step = epoch, .purpose = SL_PURPOSE_AUGMENT}; /* lane: place in the epoch */
    const uint32_t *index = NULL;
    if (c->order == SL_ORDER_SHUFFLE) {
        if (t->ordered_epoch != epoch) {
            const sl_draw draw = {.seed = c->seed, .step = epoch, .purpose = SL_PURPOSE_SHUFFLE};
            sl_random_permutation(t->index, (uint32_t)d->n, &draw);
            t->ordered_epoch = epoch;
        }
        index = t->index + first;
    } else if (c->order == SL_ORDER_REPLACEMENT) {
        const sl_draw draw = {.seed = c->seed, .step = t->step, .purpose = SL_PURPOSE_BATCH};
        count = c->batch;
        sl_random_below(t->index, count, (uint32_t)d->n, &draw);
        index = t->index;
        varied.step = t->step; /* lane: place in the batch */
        first = 0;
    }
    sl_dataset_gather_varied(d, sl_workspace_input(t->workspace), sl_workspace_labels(t->workspace), index, first,
                             count, &c->augment, &varied, first, t->team);
    if (c->order == SL_ORDER_SHUFFLE) {
        const size_t left = d->n - first - count;
        sl_dataset_will_need(d, index + count, left < c->batch ? left : c->batch);
    }
    return count;
}

typedef struct {
    sl_trainer *t;
    double lr;
} update;

static void update_block(void *ctx, size_t i, int worker)
{
    (void)worker;
    const update *const u = ctx;
    sl_trainer *const t = u->t;
    const size_t first = i * SL_LAYER_BLOCK;
    sl_rule_step_f(&t->config.rule, sl_layer_block_size(sl_model_parameters(t->config.model), i), t->state + first,
                   t->velocity + first, t->gradient + first, u->lr);
}

static sl_status not_finite(const sl_trainer *t, const char *what, sl_err *err)
{
    return sl_fail(err, SL_DIVERGED, "diverged at step %llu, epoch %llu: the %s is not finite",
                   (unsigned long long)t->step, (unsigned long long)(t->step / t->steps_per_epoch + 1), what);
}

static void update_at(sl_trainer *t, double lr)
{
    update u = {.t = t, .lr = lr};
    sl_team_run(t->team, sl_layer_blocks(sl_model_parameters(t->config.model)), update_block, &u);
}

/* The running statistics are those of the first pass, at the parameters themselves. */
static sl_status update_by_regime(sl_trainer *t, size_t count, const sl_mode *mode, double loss, sl_err *err)
{
    const sl_model *const m = t->config.model;
    const size_t parameters = sl_model_parameters(m), running = sl_model_state(m) - parameters;
    sl_net_regime *const r = &t->regime;
    const float *const point = sl_regime_point(&r->run, t->step, t->state, t->gradient);
    double loss2 = NAN;
    if (point) {
        size_t right;
        memcpy(r->point, point, parameters * sizeof *r->point);
        memcpy(r->point + parameters, t->running, running * sizeof *r->point);
        sl_model_run(m, t->workspace, r->point, count, mode, &loss2, &right, r->gradient);
    }
    const sl_regime_step step = {.k = t->step, .loss = &loss, .loss2 = &loss2, .x = t->state, .v = t->velocity,
                                 .g = t->gradient, .g2 = point ? r->gradient : NULL};
    return sl_regime_update(&r->run, &step) ? SL_OK : not_finite(t, "rate of the regime", err);
}

/* lr NULL: the regime's. */
static sl_status step_at(sl_trainer *t, const double *lr, sl_train_sums *sums, sl_err *err)
{
    const sl_train_config *const c = &t->config;
    const size_t parameters = sl_model_parameters(c->model);
    const size_t running = (sl_model_state(c->model) - parameters) * sizeof *t->running;
    const double start = sl_clock();
    const size_t count = gather(t);
    t->data_seconds += sl_clock() - start;

    double loss;
    size_t right;
    const sl_mode mode = {.train = true, .label_smoothing = c->label_smoothing, .seed = c->seed, .step = t->step};
    memcpy(t->running, t->state + parameters, running);
    sl_model_run(c->model, t->workspace, t->state, count, &mode, &loss, &right, t->gradient);
    sl_status st = SL_OK;
    if (!isfinite(loss))
        st = not_finite(t, "batch's loss", err);
    else if (lr)
        update_at(t, *lr);
    else
        st = update_by_regime(t, count, &mode, loss, err);
    if (st != SL_OK) {
        memcpy(t->state + parameters, t->running, running);
        return st;
    }
    t->step++;
    sums->loss += loss * (double)count;
    sums->right += (double)right;
    sums->images += (double)count;
    return SL_OK;
}

sl_status sl_trainer_step_at(sl_trainer *t, double lr, sl_train_sums *sums, sl_err *err)
{
    return step_at(t, &lr, sums, err);
}

sl_status sl_trainer_step(sl_trainer *t, sl_train_sums *sums, sl_err *err)
{
    if (t->config.regime) return step_at(t, NULL, sums, err);
    return sl_trainer_step_at(t, sl_schedule_lr(&t->schedule, t->config.seed, 0, t->step), sums, err);
}

sl_status sl_trainer_run(sl_trainer *t, uint64_t n, double *loss, double *accuracy, sl_err *err)
{
    sl_train_sums sums = {0};
    for (uint64_t i = 0; i < n; i++) SL_TRY(sl_trainer_step(t, &sums, err));
    if (loss) *loss = sums.loss / sums.images;
    if (accuracy) *accuracy = sums.right / sums.images;
    return SL_OK;
}

/* Stops between two batches if asked to and stops are heeded. Returns whether it went through. */
static bool evaluate(sl_trainer *t, const sl_dataset *d, bool heed_stop, double *loss, double *accuracy)
{
    const size_t batch = t->evaluation_batch;
    sl_train_sums sums = {0};
    for (size_t first = 0; first < d->n; first += batch) {
        const size_t count = d->n - first < batch ? d->n - first : batch;
        double mean;
        size_t right;
        if (heed_stop && sl_stop_requested()) return false;
        sl_dataset_gather_varied(d, sl_workspace_input(t->workspace), sl_workspace_labels(t->workspace), NULL, first,
                                 count, NULL, NULL, 0, t->team);
        sl_model_run(t->config.model, t->workspace, t->state, count, NULL, &mean, &right, NULL);
        sums.loss += mean * (double)count;
        sums.right += (double)right;
    }
    if (loss) *loss = sums.loss / (double)d->n;
    if (accuracy) *accuracy = sums.right / (double)d->n;
    return true;
}

void sl_trainer_evaluate(sl_trainer *t, const sl_dataset *d, double *loss, double *accuracy)
{
    evaluate(t, d, false, loss, accuracy);
}

sl_status sl_trainer_evaluate_unless_stopped(sl_trainer *t, const sl_dataset *d, double *loss, double *accuracy,
                                             sl_err *err)
{
    if (evaluate(t, d, true, loss, accuracy)) return SL_OK;
    return sl_fail(err, SL_INTERRUPTED, "interrupted while evaluating after %llu of %llu steps",
                   (unsigned long long)t->step, (unsigned long long)t->stop);
}

double sl_trainer_regularised_loss(sl_trainer *t, const sl_dataset *d)
{
    double loss, squares = 0;
    sl_trainer_evaluate(t, d, &loss, NULL);
    const size_t n = sl_model_parameters(t->config.model);
    for (size_t i = 0; i < n; i++) squares += (double)t->state[i] * (double)t->state[i];
    return loss + t->config.rule.weight_decay / 2 * squares;
}
