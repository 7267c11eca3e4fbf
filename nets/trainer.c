/* One network being trained, step by step. The driver of whole epochs is nets/train.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "nets/train.h"
#include "nets/trainer.h"
#include "nets/weights.h"

enum { EVALUATION_BATCH = 256, LARGEST_BATCH = 1 << 24 };
static const uint64_t MOST_STEPS = (uint64_t)1 << 48; /* of base/random.h */

struct sl_trainer {
    sl_train_config config;
    sl_schedule schedule;
    uint64_t steps_per_epoch, stop;
    uint64_t step;          /* updates done                                                  */
    uint64_t ordered_epoch; /* the epoch whose permutation is in index; UINT64_MAX: none yet */
    sl_workspace *workspace;
    float *params, *velocity, *gradient; /* [parameters]                                     */
    uint32_t *index;                     /* shuffle: [n], the epoch's permutation; replacement: [batch]; else NULL */
};

static sl_status check(const sl_train_config *c, sl_err *err)
{
    const sl_dataset *const d = c->train;
    if (!(c->batch >= 1 && c->batch <= LARGEST_BATCH))
        return sl_fail(err, SL_E_DOMAIN, "batch = %zu, need 1 <= batch <= %d", c->batch, LARGEST_BATCH);
    if (c->epochs == 0 && c->steps == 0)
        return sl_fail(err, SL_E_DOMAIN, "epochs and steps are both 0, need one of them");
    if (d->n == 0 || d->n > UINT32_MAX)
        return sl_fail(err, SL_E_CONFIG, "%zu training samples, need 1 to 2^32 - 1", d->n);
    for (int i = 0; i < 2; i++) {
        const sl_dataset *const s = i ? c->test : d;
        if (s && (s->features != sl_model_inputs(c->model) || s->classes != sl_model_classes(c->model)))
            return sl_fail(err, SL_E_CONFIG, "%s has %zu inputs and %zu classes, the model has %zu and %zu", s->origin,
                           s->features, s->classes, sl_model_inputs(c->model), sl_model_classes(c->model));
    }
    return SL_OK;
}

static sl_status set_up(sl_trainer *t, sl_err *err)
{
    const sl_train_config *const c = &t->config;
    const size_t parameters = sl_model_parameters(c->model), n = c->train->n;
    t->steps_per_epoch = (n + c->batch - 1) / c->batch;
    if (c->epochs > MOST_STEPS / t->steps_per_epoch || (c->epochs == 0 && c->steps > MOST_STEPS))
        return sl_fail(err, SL_E_DOMAIN, "epochs = %llu of %llu steps, steps = %llu: need at most 2^48 steps",
                       (unsigned long long)c->epochs, (unsigned long long)t->steps_per_epoch,
                       (unsigned long long)c->steps);
    const uint64_t horizon = c->epochs ? c->epochs * t->steps_per_epoch : c->steps;
    t->stop = c->steps && c->steps < horizon ? c->steps : horizon;
    t->ordered_epoch = UINT64_MAX;
    t->config.rule.lr = c->lr;
    SL_TRY(sl_schedule_init(&t->schedule, c->schedule, c->lr, t->steps_per_epoch, horizon, err));

    const size_t batch = c->order == SL_ORDER_REPLACEMENT || c->batch < n ? c->batch : n;
    SL_TRY(sl_workspace_alloc(&t->workspace, c->model, batch > EVALUATION_BATCH ? batch : EVALUATION_BATCH,
                              SL_FOR_GRADIENT, NULL, err));
    t->params = calloc(sl_model_state(c->model), sizeof *t->params);
    t->velocity = calloc(parameters, sizeof *t->velocity);
    t->gradient = calloc(parameters, sizeof *t->gradient);
    if (c->order != SL_ORDER_FILE) t->index = calloc(c->order == SL_ORDER_SHUFFLE ? n : batch, sizeof *t->index);
    if (!t->params || !t->velocity || !t->gradient || (c->order != SL_ORDER_FILE && !t->index))
        return sl_fail(err, SL_E_MEMORY, "no memory to train %zu parameters", parameters);

    if (c->init) return sl_weights_read(t->params, c->init, c->model, err);
    sl_model_init(c->model, t->params, c->seed, 0);
    return SL_OK;
}

sl_status sl_trainer_alloc(sl_trainer **t, const sl_train_config *config, sl_err *err)
{
    SL_TRY(check(config, err));
    sl_trainer *const r = calloc(1, sizeof *r);
    if (!r) return sl_fail(err, SL_E_MEMORY, "no memory for a trainer");
    r->config = *config;
    const sl_status st = set_up(r, err);
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
    free(t->params);
    free(t->velocity);
    free(t->gradient);
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
    return t->step ? sl_schedule_lr(&t->schedule, t->config.seed, 0, t->step - 1) : NAN;
}

float *sl_trainer_params(sl_trainer *t)
{
    return t->params;
}

float *sl_trainer_velocity(sl_trainer *t)
{
    return t->velocity;
}

void sl_trainer_set_step(sl_trainer *t, uint64_t step)
{
    t->step = step;
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
    const size_t first = (size_t)(t->step % t->steps_per_epoch) * c->batch;
    size_t count = d->n - first < c->batch ? d->n - first : c->batch;
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
    }
    sl_dataset_gather(d, sl_workspace_input(t->workspace), sl_workspace_labels(t->workspace), index, first, count);
    return count;
}

sl_status sl_trainer_step(sl_trainer *t, sl_train_sums *sums, sl_err *err)
{
    const sl_train_config *const c = &t->config;
    const size_t count = gather(t);
    double loss;
    size_t right;
    const sl_mode mode = {.train = true, .seed = c->seed, .step = t->step};
    sl_model_run(c->model, t->workspace, t->params, count, &mode, &loss, &right, t->gradient);
    if (!isfinite(loss))
        return sl_fail(err, SL_DIVERGED, "diverged at step %llu, epoch %llu: the batch's loss is not finite",
                       (unsigned long long)t->step, (unsigned long long)(t->step / t->steps_per_epoch + 1));
    const double lr = sl_schedule_lr(&t->schedule, c->seed, 0, t->step);
    sl_rule_step_f(&c->rule, sl_model_parameters(c->model), t->params, t->velocity, t->gradient, lr);
    t->step++;
    sums->loss += loss * (double)count;
    sums->right += (double)right;
    sums->images += (double)count;
    return SL_OK;
}

sl_status sl_trainer_run(sl_trainer *t, uint64_t n, double *loss, double *accuracy, sl_err *err)
{
    sl_train_sums sums = {0};
    for (uint64_t i = 0; i < n; i++) SL_TRY(sl_trainer_step(t, &sums, err));
    if (loss) *loss = sums.loss / sums.images;
    if (accuracy) *accuracy = sums.right / sums.images;
    return SL_OK;
}

void sl_trainer_evaluate(sl_trainer *t, const sl_dataset *d, double *loss, double *accuracy)
{
    sl_train_sums sums = {0};
    for (size_t first = 0; first < d->n; first += EVALUATION_BATCH) {
        const size_t count = d->n - first < EVALUATION_BATCH ? d->n - first : EVALUATION_BATCH;
        double mean;
        size_t right;
        sl_dataset_gather(d, sl_workspace_input(t->workspace), sl_workspace_labels(t->workspace), NULL, first, count);
        sl_model_run(t->config.model, t->workspace, t->params, count, NULL, &mean, &right, NULL);
        sums.loss += mean * (double)count;
        sums.right += (double)right;
    }
    if (loss) *loss = sums.loss / (double)d->n;
    if (accuracy) *accuracy = sums.right / (double)d->n;
}

double sl_trainer_regularised_loss(sl_trainer *t, const sl_dataset *d)
{
    double loss, squares = 0;
    sl_trainer_evaluate(t, d, &loss, NULL);
    const size_t n = sl_model_parameters(t->config.model);
    for (size_t i = 0; i < n; i++) squares += (double)t->params[i] * (double)t->params[i];
    return loss + t->config.rule.weight_decay / 2 * squares;
}
