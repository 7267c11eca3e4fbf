/* Passes through a network: forward, backward, and the directional derivatives of both. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nets/layer.h"
#include "nets/layers/cross_entropy.h"
#include "nets/plan.h"

struct sl_workspace {
    sl_memory_plan plan;
    sl_team *team;
    sl_purpose_of_workspace what;
    size_t max_batch;
    float *block;    /* [plan.total]              */
    bool *written;   /* [n_layers]: gradients     */
    uint8_t *labels; /* [max_batch]               */
    const float *logits;
};

sl_status sl_workspace_alloc(sl_workspace **w, const sl_model *m, size_t max_batch, sl_purpose_of_workspace what,
                             sl_team *team, sl_err *err)
{
    sl_workspace *const r = calloc(1, sizeof *r);
    if (!r) return sl_fail(err, SL_E_MEMORY, "no memory for a network");
    const sl_status st = sl_memory_plan_alloc(&r->plan, m, max_batch, what, sl_team_workers(team), err);
    if (st != SL_OK) {
        free(r);
        return st;
    }
    r->team = team;
    r->what = what;
    r->max_batch = max_batch;
    r->block = aligned_alloc(64, r->plan.total * sizeof *r->block);
    r->written = calloc(m->n_layers, sizeof *r->written);
    r->labels = calloc(max_batch, 1);
    if (!r->block || !r->written || !r->labels) {
        const double bytes = (double)r->plan.total * sizeof *r->block;
        sl_workspace_free(r);
        return sl_fail(err, SL_E_MEMORY, "no memory for the activations of %zu samples, %.3g MB", max_batch,
                       1e-6 * bytes);
    }
    r->logits = r->block + r->plan.output[m->n_layers - 1];
    *w = r;
    return SL_OK;
}

void sl_workspace_free(sl_workspace *w)
{
    if (!w) return;
    sl_memory_plan_clear(&w->plan);
    free(w->block);
    free(w->written);
    free(w->labels);
    free(w);
}

double sl_workspace_bytes(const sl_model *m, size_t max_batch, sl_purpose_of_workspace what, int workers)
{
    sl_memory_plan plan;
    if (sl_memory_plan_alloc(&plan, m, max_batch, what, workers, NULL) != SL_OK) return INFINITY;
    const double bytes = (double)plan.total * sizeof(float);
    sl_memory_plan_clear(&plan);
    return bytes;
}

float *sl_workspace_input(sl_workspace *w)
{
    return w->block + w->plan.input;
}

uint8_t *sl_workspace_labels(sl_workspace *w)
{
    return w->labels;
}

sl_team *sl_workspace_team(const sl_workspace *w)
{
    return w->team;
}

const float *sl_workspace_logits(const sl_workspace *w)
{
    return w->logits;
}

/* What a pass as a whole works with. */
typedef struct {
    const sl_model *m;
    sl_workspace *w;
    size_t count;
    sl_mode mode;
    const float *state;
    float *running;
    float *gradient;
    const float *v; /* NULL: no tangents */
    float *rgradient;
} journey;

static float *at(const sl_workspace *w, size_t offset)
{
    return offset == SL_NONE ? NULL : w->block + offset;
}

/* What layer i works on, but for the gradients. */
static sl_pass prepare(const journey *j, size_t i)
{
    const sl_layer *const l = &j->m->layers[i];
    const sl_memory_plan *const plan = &j->w->plan;
    sl_pass p = {.layer = l, .index = i, .count = j->count, .mode = j->mode, .team = j->w->team,
                 .scratch = at(j->w, plan->scratch), .kept = at(j->w, plan->kept[i]), .state = j->state,
                 .running = j->running, .y = at(j->w, plan->output[i]), .gradient = j->gradient, .v = j->v,
                 .rgradient = j->rgradient};
    for (size_t k = 0; k < l->n_inputs; k++) {
        p.x[k] = at(j->w, plan->output[l->input[k]]);
        p.rx[k] = j->v ? at(j->w, plan->tangent[l->input[k]]) : NULL;
    }
    p.ry = j->v ? at(j->w, plan->tangent[i]) : NULL;
    return p;
}

static void forward(const journey *j)
{
    for (size_t i = 1; i < j->m->n_layers; i++) {
        const sl_pass p = prepare(j, i);
        p.layer->kind->forward(&p);
        if (j->v) p.layer->kind->forward_tangent(&p);
    }
}

/* The gradient of the last layer's output is in place already. */
static void backward(const journey *j)
{
    const sl_memory_plan *const plan = &j->w->plan;
    bool *const written = j->w->written;
    memset(written, 0, j->m->n_layers * sizeof *written);
    for (size_t i = j->m->n_layers; i-- > 1;) {
        if (!plan->wanted[i]) continue;
        sl_pass p = prepare(j, i);
        p.dy = at(j->w, plan->gradient[i]);
        p.rdy = j->v ? at(j->w, plan->gradient_tangent[i]) : NULL;
        for (size_t k = 0; k < p.layer->n_inputs; k++) {
            const size_t from = p.layer->input[k];
            if (!plan->wanted[from]) continue;
            p.dx[k] = at(j->w, plan->gradient[from]);
            p.rdx[k] = j->v ? at(j->w, plan->gradient_tangent[from]) : NULL;
            p.accumulate[k] = written[from];
            written[from] = true;
        }
        if (j->v) p.layer->kind->backward_tangent(&p);
        p.layer->kind->backward(&p);
    }
}

static double loss_of(const journey *j, size_t *right)
{
    float *const p = at(j->w, j->w->plan.probabilities);
    return sl_cross_entropy_forward(p, right, j->w->logits, j->w->labels, j->count, j->m->classes,
                                    j->mode.label_smoothing) / (double)j->count;
}

void sl_model_run(const sl_model *m, sl_workspace *w, float *state, size_t count, const sl_mode *mode, double *loss,
                  size_t *right, float *gradient)
{
    const journey j = {.m = m, .w = w, .count = count, .mode = mode ? *mode : (sl_mode){0}, .state = state,
                       .running = mode && mode->train && gradient ? state : NULL, .gradient = gradient};
    forward(&j);
    *loss = loss_of(&j, right);
    if (!gradient) return;
    sl_cross_entropy_backward(at(w, w->plan.gradient[m->n_layers - 1]), at(w, w->plan.probabilities), w->labels, count,
                              m->classes, j.mode.label_smoothing);
    backward(&j);
}

void sl_model_hessian_vector(const sl_model *m, sl_workspace *w, const float *state, size_t count,
                             const sl_mode *mode, const float *v, float *gradient, float *hv)
{
    const journey j = {.m = m, .w = w, .count = count, .mode = mode ? *mode : (sl_mode){0}, .state = state,
                       .gradient = gradient, .v = v, .rgradient = hv};
    const size_t last = m->n_layers - 1;
    float *const p = at(w, w->plan.probabilities);
    size_t right;
    forward(&j);
    loss_of(&j, &right);
    sl_cross_entropy_tangent(at(w, w->plan.gradient_tangent[last]), p, at(w, w->plan.tangent[last]), count, m->classes);
    sl_cross_entropy_backward(at(w, w->plan.gradient[last]), p, w->labels, count, m->classes, j.mode.label_smoothing);
    backward(&j);
}
