#include "nets/plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nets/layer.h"

enum { ALIGNMENT = 64 / sizeof(float) }; /* arrays start on cache lines */

/* One array of the block: needed from birth to death, both included. */
typedef struct {
    size_t size, birth, death;
    size_t offset;
} region;

typedef struct {
    const sl_model *m;
    sl_purpose_of_workspace what;
    size_t *tensor;    /* [n_layers]: the first layer of the chain that shares its array */
    size_t *consumers; /* [n_layers]: layers that take its output                        */
    region *region;    /* [5 n_layers]: outputs, gradients, tangents of both, kept */
} planner;

static size_t aligned(size_t floats)
{
    return (floats + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t backward_time(const sl_model *m, size_t layer)
{
    return 2 * m->n_layers - layer;
}

static void find_tensors(planner *p)
{
    const sl_model *const m = p->m;
    for (size_t i = 1; i < m->n_layers; i++)
        for (size_t k = 0; k < m->layers[i].n_inputs; k++) p->consumers[m->layers[i].input[k]]++;
    for (size_t i = 0; i < m->n_layers; i++) {
        const sl_layer *const l = &m->layers[i];
        const size_t from = l->input[0];
        const bool shares = i > 0 && l->kind->in_place && from != 0 && p->consumers[from] == 1 &&
                            !m->layers[from].kind->needs_output;
        p->tensor[i] = shares ? p->tensor[from] : i;
    }
}

static void extend(region *r, size_t time)
{
    if (time > r->death) r->death = time;
}

/* Outputs live until nothing reads them any more; if tangents are wanted, to the end. */
static void plan_outputs(planner *p, size_t max_batch)
{
    const sl_model *const m = p->m;
    const size_t end = 2 * m->n_layers + 1, last = m->n_layers - 1;
    for (size_t i = 1; i < m->n_layers; i++) {
        const sl_layer *const l = &m->layers[i];
        region *const own = &p->region[p->tensor[i]];
        if (p->tensor[i] == i)
            *own = (region){.size = max_batch * sl_shape_size(l->out), .birth = i, .death = i};
        extend(own, i);
        if (p->what != SL_FOR_LOSS && l->kind->needs_output) extend(own, backward_time(m, i));
        for (size_t k = 0; k < l->n_inputs; k++) {
            if (l->input[k] == 0) continue;
            region *const in = &p->region[p->tensor[l->input[k]]];
            extend(in, i);
            if (p->what != SL_FOR_LOSS && l->kind->needs_input) extend(in, backward_time(m, i));
        }
        if (p->what == SL_FOR_CURVATURE) extend(own, end);
    }
    extend(&p->region[p->tensor[last]], end); /* the logits can be looked at after the pass */
}

/* A gradient is born when the last consumer, in forward order, or the loss writes it; it dies with the first layer of
 * the tensor that wants it. */
static void plan_gradients(planner *p, const bool *wanted)
{
    const sl_model *const m = p->m;
    const size_t n = m->n_layers;
    region *const gradient = p->region + n;
    for (size_t i = 1; i < n; i++) {
        region *const r = &gradient[p->tensor[i]];
        if (wanted[i] && !r->size)
            *r = (region){.size = p->region[p->tensor[i]].size, .birth = SL_NONE, .death = backward_time(m, i)};
    }
    for (size_t i = n; i-- > 1;)
        for (size_t k = 0; k < m->layers[i].n_inputs; k++) {
            region *const r = &gradient[p->tensor[m->layers[i].input[k]]];
            if (r->size && backward_time(m, i) < r->birth) r->birth = backward_time(m, i);
        }
    region *const last = &gradient[p->tensor[n - 1]];
    last->birth = n;
    if (p->what != SL_FOR_CURVATURE) return;
    for (size_t i = 1; i < n; i++) {
        p->region[2 * n + i] = p->region[i];
        p->region[3 * n + i] = gradient[i];
    }
}

static int larger_first(const void *a, const void *b)
{
    const region *const *const x = a, *const *const y = b;
    if ((*x)->size != (*y)->size) return (*x)->size < (*y)->size ? 1 : -1;
    return *x < *y ? -1 : *x > *y;
}

static int lower_first(const void *a, const void *b)
{
    const region *const *const x = a, *const *const y = b;
    return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

/* The largest first, each at the lowest place that is free during its life. Returns the length of it all. */
static sl_status place(region *r, size_t n, size_t *length, sl_err *err)
{
    region **const order = calloc(2 * n, sizeof *order), **const at_same_time = order + n;
    if (!order) return sl_fail(err, SL_E_MEMORY, "no memory to plan a network");
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        if (r[i].size) order[used++] = &r[i];
    qsort(order, used, sizeof *order, larger_first);
    *length = 0;
    for (size_t i = 0; i < used; i++) {
        size_t others = 0, at = 0;
        for (size_t j = 0; j < i; j++)
            if (order[j]->birth <= order[i]->death && order[i]->birth <= order[j]->death)
                at_same_time[others++] = order[j];
        qsort(at_same_time, others, sizeof *at_same_time, lower_first);
        for (size_t j = 0; j < others; j++) {
            if (at + aligned(order[i]->size) <= at_same_time[j]->offset) break;
            const size_t after = at_same_time[j]->offset + aligned(at_same_time[j]->size);
            if (after > at) at = after;
        }
        order[i]->offset = at;
        if (at + aligned(order[i]->size) > *length) *length = at + aligned(order[i]->size);
    }
    free(order);
    return SL_OK;
}

/* Could all of them together, were none to share its place, be more than can be counted? */
static bool countable(const region *r, size_t n, double others)
{
    double floats = others;
    for (size_t i = 0; i < n; i++) floats += (double)r[i].size + ALIGNMENT;
    return floats < (double)(SIZE_MAX / 64);
}

static size_t *offsets(const planner *p, size_t *to, const region *r)
{
    for (size_t i = 0; i < p->m->n_layers; i++) {
        const region *const own = &r[p->tensor[i]];
        to[i] = own->size ? own->offset : SL_NONE;
    }
    return to;
}

static sl_status plan(sl_memory_plan *out, planner *p, size_t max_batch, int workers, sl_err *err)
{
    const sl_model *const m = p->m;
    const size_t n = m->n_layers;
    find_tensors(p);
    for (size_t i = 1; i < n; i++) {
        out->wanted[i] = m->layers[i].weight != SL_NONE;
        for (size_t k = 0; k < m->layers[i].n_inputs; k++) out->wanted[i] |= out->wanted[m->layers[i].input[k]];
    }
    plan_outputs(p, max_batch);
    if (p->what != SL_FOR_LOSS) plan_gradients(p, out->wanted);
    size_t scratch = 0;
    for (size_t i = 1; i < n; i++) {
        const sl_layer *const l = &m->layers[i];
        const size_t floats = l->kind->scratch ? l->kind->scratch(l, max_batch, workers, p->what) : 0;
        if (floats > scratch) scratch = floats;
        const size_t bytes = l->kind->kept ? l->kind->kept(l, max_batch) : 0;
        p->region[4 * n + i] = (region){.size = (bytes + sizeof(float) - 1) / sizeof(float), .birth = i,
                                        .death = p->what == SL_FOR_LOSS ? i : backward_time(m, i)};
    }
    const double others = (double)max_batch * (double)(sl_shape_size(m->input) + 2 * m->classes) + (double)scratch;
    if (!countable(p->region, 5 * n, others))
        return sl_fail(err, SL_E_MEMORY, "activations of %zu samples in %zu layers: more numbers than can be addressed",
                       max_batch, n);
    size_t length = 0;
    SL_TRY(place(p->region, 5 * n, &length, err));
    offsets(p, out->output, p->region);
    offsets(p, out->gradient, p->region + n);
    offsets(p, out->tangent, p->region + 2 * n);
    offsets(p, out->gradient_tangent, p->region + 3 * n);
    for (size_t i = 0; i < n; i++)
        out->kept[i] = p->region[4 * n + i].size ? p->region[4 * n + i].offset : SL_NONE;
    out->input = length;
    length += aligned(max_batch * sl_shape_size(m->input));
    out->output[0] = out->input;
    out->probabilities = length;
    length += 2 * aligned(max_batch * m->classes);
    out->scratch = length;
    out->total = length + aligned(scratch);
    return SL_OK;
}

sl_status sl_memory_plan_alloc(sl_memory_plan *out, const sl_model *m, size_t max_batch, sl_purpose_of_workspace what,
                               int workers, sl_err *err)
{
    const size_t n = m->n_layers;
    planner p = {.m = m, .what = what};
    *out = (sl_memory_plan){.numbers = calloc(5 * n, sizeof *out->numbers), .wanted = calloc(n, sizeof *out->wanted)};
    p.tensor = calloc(2 * n, sizeof *p.tensor);
    p.region = calloc(5 * n, sizeof *p.region);
    sl_status st = SL_OK;
    if (!out->numbers || !out->wanted || !p.tensor || !p.region)
        st = sl_fail(err, SL_E_MEMORY, "no memory to plan a network of %zu layers", n);
    if (st == SL_OK) {
        p.consumers = p.tensor + n;
        size_t **const parts[] = {&out->output, &out->gradient, &out->tangent, &out->gradient_tangent, &out->kept};
        for (size_t i = 0; i < 5; i++) *parts[i] = out->numbers + i * n;
        st = plan(out, &p, max_batch, workers, err);
    }
    free(p.tensor);
    free(p.region);
    if (st != SL_OK) sl_memory_plan_clear(out);
    return st;
}

void sl_memory_plan_clear(sl_memory_plan *p)
{
    free(p->numbers);
    free(p->wanted);
    *p = (sl_memory_plan){0};
}
