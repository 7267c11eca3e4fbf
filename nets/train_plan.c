/* What a training will take, before any of it is taken: steps, batches, memory. */
#include <math.h>
#include <stdbool.h>

#include "nets/layer.h"
#include "nets/regime.h"
#include "nets/train.h"

enum { EVALUATION_BATCH = 256, LARGEST_BATCH = 1 << 24 };
static const double EVALUATION_BYTES = 64e6;
static const uint64_t MOST_STEPS = (uint64_t)1 << 48; /* of base/random.h */

static sl_status check_data(const sl_train_config *c, sl_err *err)
{
    const sl_dataset *const d = c->train;
    if (d->n == 0 || d->n > UINT32_MAX)
        return sl_fail(err, SL_E_CONFIG, "%zu training samples, need 1 to 2^32 - 1", d->n);
    for (int i = 0; i < 2; i++) {
        const sl_dataset *const s = i ? c->test : d;
        if (s && (s->features != sl_model_inputs(c->model) || s->classes != sl_model_classes(c->model)))
            return sl_fail(err, SL_E_CONFIG, "%s has %zu inputs and %zu classes, the model has %zu and %zu", s->origin,
                           s->features, s->classes, sl_model_inputs(c->model), sl_model_classes(c->model));
    }
    const size_t side = d->height < d->width ? d->height : d->width;
    if (c->augment.crop > side)
        return sl_fail(err, SL_E_DOMAIN, "augmentation: crop = %zu on pictures of %zux%zu, need at most %zu",
                       c->augment.crop, d->height, d->width, side);
    return SL_OK;
}

static sl_status check(const sl_train_config *c, sl_err *err)
{
    if (!(c->batch >= 1 && c->batch <= LARGEST_BATCH))
        return sl_fail(err, SL_E_DOMAIN, "batch = %zu, need 1 <= batch <= %d", c->batch, LARGEST_BATCH);
    if (c->epochs == 0 && c->steps == 0)
        return sl_fail(err, SL_E_DOMAIN, "epochs and steps are both 0, need one of them");
    if (!(c->label_smoothing >= 0 && c->label_smoothing < 1))
        return sl_fail(err, SL_E_DOMAIN, "label smoothing = %g, need 0 <= e < 1", c->label_smoothing);
    return check_data(c, err);
}

static sl_status count_steps(sl_train_plan *p, const sl_train_config *c, sl_err *err)
{
    p->steps_per_epoch = (c->train->n + c->batch - 1) / c->batch;
    if (c->epochs > MOST_STEPS / p->steps_per_epoch || (c->epochs == 0 && c->steps > MOST_STEPS))
        return sl_fail(err, SL_E_DOMAIN, "epochs = %llu of %llu steps, steps = %llu: need at most 2^48 steps",
                       (unsigned long long)c->epochs, (unsigned long long)p->steps_per_epoch,
                       (unsigned long long)c->steps);
    p->horizon = c->epochs ? c->epochs * p->steps_per_epoch : c->steps;
    p->stop = c->steps && c->steps < p->horizon ? c->steps : p->horizon;
    return SL_OK;
}

/* A batch norm of single pixels has no variance to divide by in a batch of one: what lies before it would learn
 * nothing, and its running variance shrink. PyTorch refuses at that step. */
static sl_status check_batch_norms(const sl_train_plan *p, const sl_train_config *c, sl_err *err)
{
    const size_t n = c->train->n, rest = n % c->batch;
    const bool short_one = rest == 1 && c->order != SL_ORDER_REPLACEMENT && p->stop >= p->steps_per_epoch;
    if (c->batch > 1 && !short_one) return SL_OK;
    const sl_layer *norm = NULL;
    for (size_t i = 1; i < c->model->n_layers; i++) {
        const sl_layer *const l = &c->model->layers[i];
        if (l->kind == &sl_layer_batch_norm && l->out.height * l->out.width == 1) norm = l;
    }
    for (size_t i = 0; norm && i < c->model->n_views; i++)
        if (c->model->views[i].offset == norm->weight)
            return sl_fail(err, SL_E_DOMAIN,
                           "batch = %zu of %zu samples leaves a batch of one, but the batch norm of single pixels that "
                           "has '%s' needs two at least: take another batch size",
                           c->batch, n, c->model->views[i].name);
    return SL_OK;
}

/* Large batches are evaluated faster, but are not worth a workspace beyond that of a step unless it is small. This must
 * not depend on the number of threads, or the last bits of test losses would. */
static void choose_batches(sl_train_plan *p, const sl_train_config *c)
{
    const size_t step = c->order == SL_ORDER_REPLACEMENT || c->batch < c->train->n ? c->batch : c->train->n;
    const bool large = step >= EVALUATION_BATCH ||
                       sl_workspace_bytes(c->model, EVALUATION_BATCH, SL_FOR_GRADIENT, 1) <= EVALUATION_BYTES;
    p->evaluation_batch = large ? EVALUATION_BATCH : step;
    p->workspace_batch = step > p->evaluation_batch ? step : p->evaluation_batch;
    p->index_length = c->order == SL_ORDER_FILE ? 0 : c->order == SL_ORDER_SHUFFLE ? c->train->n : step;
}

static void count_bytes(sl_train_plan *p, const sl_model *m)
{
    const double state = (double)sl_model_state(m), parameters = (double)sl_model_parameters(m);
    p->workspace_bytes = sl_workspace_bytes(m, p->workspace_batch, SL_FOR_GRADIENT, p->threads) +
                         (double)p->workspace_batch; /* labels */
    p->bytes = p->workspace_bytes + p->regime_bytes + (state + 2 * parameters + (state - parameters)) * sizeof(float) +
               (double)p->index_length * sizeof(uint32_t);
    /* HDF5's image of the file, and a copy */
    p->checkpoint_bytes = 2 * ((state + parameters) * sizeof(float) + p->regime_bytes);
}

sl_status sl_train_plan_for(sl_train_plan *plan, const sl_train_config *c, sl_err *err)
{
    sl_train_plan p = {.threads = c->threads > 1 ? c->threads : 1};
    sl_schedule schedule;
    SL_TRY(check(c, err));
    SL_TRY(count_steps(&p, c, err));
    SL_TRY(check_batch_norms(&p, c, err));
    SL_TRY(sl_schedule_init(&schedule, c->schedule, c->lr, p.steps_per_epoch, p.horizon, err));
    if (c->regime) SL_TRY(sl_net_regime_bytes(&p.regime_bytes, c, p.steps_per_epoch, err));
    choose_batches(&p, c);
    count_bytes(&p, c->model);
    if (!isfinite(p.bytes))
        return sl_fail(err, SL_E_MEMORY, "batch = %zu: its activations are more than can be addressed", c->batch);
    *plan = p;
    return SL_OK;
}
