#include "nets/objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "nets/objective_kernel.h"

/* Blocks: some ten or more, for the spread between them, but large enough for fast products. */
enum { LEAST_BLOCK = 16, LARGEST_BLOCK = 256, BLOCKS_WANTED = 16, SLOTS = 16 };
static const size_t SLOT_MEMORY = (size_t)1 << 27; /* doubles over all slots, 1 GB */

struct sl_objective {
    const sl_model *model;
    const sl_dataset *data;
    size_t n, parameters, block;
    double weight_decay;
    int workers;
    float *state;
    sl_team *team;
    sl_workspace *curvature; /* of the team; NULL until needed */
    sl_workspace *batch;     /* of the team                    */
    sl_workspace **single;   /* [workers], of one sample each  */
    float *v, *gradient, *hv;
    float **own;             /* [workers]: gradient of a sample */
};

static sl_status check(const sl_objective_config *c, sl_err *err)
{
    const sl_dataset *const d = c->data;
    if (d->features != sl_model_inputs(c->model) || d->classes != sl_model_classes(c->model))
        return sl_fail(err, SL_E_CONFIG, "%s has %zu inputs and %zu classes, the model has %zu and %zu", d->origin,
                       d->features, d->classes, sl_model_inputs(c->model), sl_model_classes(c->model));
    if (d->n == 0 || c->samples > d->n)
        return sl_fail(err, SL_E_DOMAIN, "samples = %zu, %s has %zu", c->samples, d->origin, d->n);
    if (!(c->weight_decay >= 0 && isfinite(c->weight_decay)))
        return sl_fail(err, SL_E_DOMAIN, "weight decay = %g, need 0 <= w < inf", c->weight_decay);
    return SL_OK;
}

static size_t block_of(size_t n)
{
    const size_t block = n / BLOCKS_WANTED;
    return block < LEAST_BLOCK ? LEAST_BLOCK : block > LARGEST_BLOCK ? LARGEST_BLOCK : block;
}

static sl_status set_up(sl_objective *o, const sl_objective_config *c, sl_err *err)
{
    const size_t state = sl_model_state(c->model);
    o->model = c->model;
    o->data = c->data;
    o->n = c->samples ? c->samples : c->data->n;
    o->parameters = sl_model_parameters(c->model);
    o->block = block_of(o->n);
    o->weight_decay = c->weight_decay;
    SL_TRY(sl_team_alloc(&o->team, c->jobs, err));
    o->workers = sl_team_workers(o->team);
    SL_TRY(sl_workspace_alloc(&o->batch, o->model, LARGEST_BLOCK, SL_FOR_GRADIENT, o->team, err));
    o->state = calloc(state, sizeof *o->state);
    o->v = calloc(o->parameters, sizeof *o->v);
    o->gradient = calloc(o->parameters, sizeof *o->gradient);
    o->hv = calloc(o->parameters, sizeof *o->hv);
    o->single = calloc((size_t)o->workers, sizeof(sl_workspace *));
    o->own = calloc((size_t)o->workers, sizeof(float *));
    if (!o->state || !o->v || !o->gradient || !o->hv || !o->single || !o->own)
        return sl_fail(err, SL_E_MEMORY, "no memory to measure %zu parameters", o->parameters);
    for (int i = 0; i < o->workers; i++) {
        SL_TRY(sl_workspace_alloc(&o->single[i], o->model, 1, SL_FOR_GRADIENT, NULL, err));
        o->own[i] = calloc(o->parameters, sizeof(float));
        if (!o->own[i]) return sl_fail(err, SL_E_MEMORY, "no memory to measure %zu parameters", o->parameters);
    }
    return sl_objective_move(o, c->state, err);
}

sl_status sl_objective_alloc(sl_objective **o, const sl_objective_config *config, sl_err *err)
{
    SL_TRY(check(config, err));
    sl_objective *const r = calloc(1, sizeof *r);
    if (!r) return sl_fail(err, SL_E_MEMORY, "no memory to measure a network");
    const sl_status st = set_up(r, config, err);
    if (st == SL_OK) *o = r;
    else sl_objective_free(r);
    return st;
}

void sl_objective_free(sl_objective *o)
{
    if (!o) return;
    for (int i = 0; i < o->workers; i++) {
        if (o->single) sl_workspace_free(o->single[i]);
        if (o->own) free(o->own[i]);
    }
    free(o->single);
    free(o->own);
    sl_workspace_free(o->batch);
    sl_workspace_free(o->curvature);
    sl_team_free(o->team);
    free(o->state);
    free(o->v);
    free(o->gradient);
    free(o->hv);
    free(o);
}

size_t sl_objective_samples(const sl_objective *o)
{
    return o->n;
}

size_t sl_objective_parameters(const sl_objective *o)
{
    return o->parameters;
}

double sl_objective_weight_decay(const sl_objective *o)
{
    return o->weight_decay;
}

sl_status sl_objective_move(sl_objective *o, const float *state, sl_err *err)
{
    const size_t n = sl_model_state(o->model);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(state[i])) return sl_fail(err, SL_E_NUMERIC, "weight %zu of the network is not finite", i);
    memcpy(o->state, state, n * sizeof *state);
    return SL_OK;
}

static void gather(const sl_objective *o, sl_workspace *w, const uint32_t *index, size_t first, size_t count)
{
    sl_dataset_gather(o->data, sl_workspace_input(w), sl_workspace_labels(w), index ? index + first : NULL, first,
                      count);
}

static sl_status bad_loss(double loss, size_t first, size_t count, sl_err *err)
{
    return sl_fail(err, SL_E_NUMERIC, "the loss of samples %zu to %zu is %g", first, first + count - 1, loss);
}

sl_status sl_objective_loss(sl_objective *o, double *loss, double *accuracy, sl_err *err)
{
    double sum = 0, right = 0;
    for (size_t first = 0; first < o->n; first += LARGEST_BLOCK) {
        const size_t count = o->n - first < LARGEST_BLOCK ? o->n - first : LARGEST_BLOCK;
        double mean;
        size_t hits;
        gather(o, o->batch, NULL, first, count);
        sl_model_run(o->model, o->batch, o->state, count, NULL, &mean, &hits, NULL);
        if (!isfinite(mean)) return bad_loss(mean, first, count, err);
        sum += mean * (double)count;
        right += (double)hits;
    }
    *loss = sum / (double)o->n;
    *accuracy = right / (double)o->n;
    return SL_OK;
}

sl_status sl_objective_gradient(sl_objective *o, double *gradient, const uint32_t *index, size_t count, sl_err *err)
{
    memset(gradient, 0, o->parameters * sizeof *gradient);
    for (size_t first = 0; first < count; first += LARGEST_BLOCK) {
        const size_t size = count - first < LARGEST_BLOCK ? count - first : LARGEST_BLOCK;
        double mean;
        size_t hits;
        gather(o, o->batch, index, first, size);
        sl_model_run(o->model, o->batch, o->state, size, NULL, &mean, &hits, o->gradient);
        if (!isfinite(mean)) return bad_loss(mean, first, size, err);
        sl_axpy_fd(gradient, (double)size / (double)count, o->gradient, o->parameters);
    }
    return SL_OK;
}

/* ---- curvature ---- */

size_t sl_objective_blocks(const sl_objective *o)
{
    return (o->n + o->block - 1) / o->block;
}

static double norm_of(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += v[i] * v[i];
    return sqrt(sum);
}

/* v goes into float at length 1: no product of a layer then overflows or loses digits by its size. */
sl_status sl_objective_forms(sl_objective *o, const double *v, double *hv, double *form, double *weight, sl_err *err)
{
    const size_t n = o->parameters;
    const double norm = norm_of(v, n);
    if (!isfinite(norm)) return sl_fail(err, SL_E_NUMERIC, "a direction of curvature is not finite");
    if (!o->curvature) SL_TRY(sl_workspace_alloc(&o->curvature, o->model, o->block, SL_FOR_CURVATURE, o->team, err));
    for (size_t i = 0; i < n; i++) {
        hv[i] = o->weight_decay * v[i];
        o->v[i] = norm > 0 ? (float)(v[i] / norm) : 0;
    }
    for (size_t first = 0, b = 0; first < o->n; first += o->block, b++) {
        const size_t count = o->n - first < o->block ? o->n - first : o->block;
        if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "the measurement was interrupted");
        gather(o, o->curvature, NULL, first, count);
        sl_model_hessian_vector(o->model, o->curvature, o->state, count, NULL, o->v, o->gradient, o->hv);
        const double share = (double)count / (double)o->n;
        sl_axpy_fd(hv, norm * share, o->hv, n);
        if (!form) continue;
        form[b] = norm * sl_dot_fd(o->hv, v, n) + o->weight_decay * norm * norm;
        weight[b] = share;
    }
    for (size_t i = 0; i < n; i++)
        if (!isfinite(hv[i])) return sl_fail(err, SL_E_NUMERIC, "the Hessian times a vector is not finite");
    return SL_OK;
}

sl_status sl_objective_hessian(void *objective, size_t count, const double *v, double *hv, sl_err *err)
{
    sl_objective *const o = objective;
    for (size_t j = 0; j < count; j++)
        SL_TRY(sl_objective_forms(o, v + j * o->parameters, hv + j * o->parameters, NULL, NULL, err));
    return SL_OK;
}

/* ---- samples one by one ---- */

size_t sl_objective_slots(const sl_objective *o, size_t numbers)
{
    size_t slots = numbers ? SLOT_MEMORY / numbers : SLOTS;
    if (slots > SLOTS) slots = SLOTS;
    if (slots < 2) slots = 2;
    return slots < o->n ? slots : o->n;
}

typedef struct {
    sl_objective *o;
    size_t slots;
    sl_objective_visit visit;
    void *ctx;
} walk;

static sl_status walk_slot(void *ctx, size_t slot, int worker, sl_err *err)
{
    const walk *const k = ctx;
    sl_objective *const o = k->o;
    sl_workspace *const w = o->single[worker];
    float *const g = o->own[worker];
    const size_t first = o->n * slot / k->slots, last = o->n * (slot + 1) / k->slots;
    for (size_t i = first; i < last; i++) {
        if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "the measurement was interrupted");
        double loss;
        size_t right;
        gather(o, w, NULL, i, 1);
        sl_model_run(o->model, w, o->state, 1, NULL, &loss, &right, g);
        if (!isfinite(loss)) return bad_loss(loss, i, 1, err);
        k->visit(k->ctx, slot, i, loss, g);
    }
    return SL_OK;
}

sl_status sl_objective_each(sl_objective *o, size_t slots, sl_objective_visit visit, void *ctx, sl_err *err)
{
    walk k = {o, slots, visit, ctx};
    return sl_parallel(slots, o->workers, walk_slot, &k, err);
}
