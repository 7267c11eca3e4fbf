/* tests/nets/one_layer.h - a layer alone, with arrays of its own for all that it reads and writes. */
#ifndef SL_TESTS_NETS_ONE_LAYER_H
#define SL_TESTS_NETS_ONE_LAYER_H

#include "tests/test.h"

#include "nets/layer.h"
#include "tests/nets/reference.h"

enum { MOST_INPUTS = 2 };

static sl_team *team; /* of three */

static inline int make_team(void **state)
{
    (void)state;
    return sl_team_alloc(&team, 3, NULL);
}

static inline int free_team(void **state)
{
    (void)state;
    sl_team_free(team);
    return 0;
}

/* N(mean, 1), coarse: then maxima have equals, and most numbers of the reference are those of the layer exactly. */
static inline void fill(float *x, size_t n, double mean, uint32_t what)
{
    const sl_draw draw = {.seed = 11, .sub = what, .purpose = SL_PURPOSE_TEST};
    sl_random_normals_f(x, n, 0, 1, &draw);
    for (size_t i = 0; i < n; i++) x[i] = (float)mean + roundf(4 * x[i]) / 4;
}

/* ---- one layer and all that it reads and writes ---- */

typedef struct {
    sl_model *m;
    const sl_layer *l;
    size_t index, count, inputs;
    size_t in[MOST_INPUTS], out; /* numbers */
    sl_mode mode;
    float *x[MOST_INPUTS], *rx[MOST_INPUTS], *dy, *rdy, *state, *v;
    sl_pass p; /* with arrays of its own for everything */
    reference_sides sides;
} bench;

static inline float *floats(size_t n)
{
    float *const x = calloc(n + 16, sizeof *x);
    assert_non_null(x);
    return x;
}

typedef size_t (*builder_of_layer)(sl_builder *b);

/* The model ends in a linear layer behind the one that is looked at. */
static inline bench set_up(builder_of_layer build, sl_shape pictures, size_t count, bool train)
{
    bench b = {.count = count, .mode = {.train = train, .seed = 3, .step = 5}};
    sl_builder *builder;
    assert_ok(sl_builder_alloc(&builder, pictures, 3, SL_START_DEFAULT, &err));
    b.index = build(builder);
    sl_build_linear(builder, sl_build_flatten(builder, b.index), "last", 3, true);
    assert_ok(sl_builder_finish(builder, &b.m, &err));
    b.l = &b.m->layers[b.index];
    b.inputs = b.l->n_inputs;
    b.out = count * sl_shape_size(b.l->out);
    for (size_t k = 0; k < b.inputs; k++) {
        b.in[k] = count * sl_shape_size(b.l->in[k]);
        b.x[k] = floats(b.in[k]);
        b.rx[k] = floats(b.in[k]);
        fill(b.x[k], b.in[k], 2, 10 + (uint32_t)k);
        fill(b.rx[k], b.in[k], -1, 20 + (uint32_t)k);
    }
    b.dy = floats(b.out);
    b.rdy = floats(b.out);
    b.state = floats(b.m->state);
    b.v = floats(b.m->parameters);
    fill(b.dy, b.out, 0.5, 30);
    fill(b.rdy, b.out, 0, 31);
    fill(b.state, b.m->state, 0, 32);
    fill(b.v, b.m->parameters, 0, 33);
    if (b.l->running_var != SL_NONE)
        for (size_t c = 0; c < b.l->out.channels; c++) b.state[b.l->running_var + c] = (float)(c + 1) / 4;
    return b;
}

static inline void clear_pass(bench *b)
{
    const sl_pass *const p = &b->p;
    void *const all[] = {p->scratch, p->kept,    p->y,     p->ry,    p->gradient, p->rgradient, p->dy,
                         p->rdy,     p->running, p->dx[0], p->dx[1], p->rdx[0],   p->rdx[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static inline void clear(bench *b)
{
    clear_pass(b);
    for (size_t k = 0; k < b->inputs; k++) {
        free(b->x[k]);
        free(b->rx[k]);
    }
    free(b->dy);
    free(b->rdy);
    free(b->state);
    free(b->v);
    free(b->sides.side);
    sl_model_free(b->m);
}

static inline float *copied(const float *x, size_t n)
{
    float *const c = floats(n);
    memcpy(c, x, n * sizeof *c);
    return c;
}

/* All four passes, nothing shared. before: what stands in dx and rdx, to be added to. */
static inline void run(bench *b, sl_team *t, float before)
{
    const sl_layer_kind *const kind = b->l->kind;
    b->p = (sl_pass){.layer = b->l,
                     .index = b->index,
                     .count = b->count,
                     .mode = b->mode,
                     .team = t,
                     .state = b->state,
                     .v = b->v,
                     .y = floats(b->out),
                     .ry = floats(b->out),
                     .dy = copied(b->dy, b->out),
                     .rdy = copied(b->rdy, b->out),
                     .gradient = floats(b->m->state),
                     .rgradient = floats(b->m->state),
                     .running = copied(b->state, b->m->state)};
    sl_pass *const p = &b->p;
    const size_t scratch = kind->scratch ? kind->scratch(b->l, b->count, sl_team_workers(t), SL_FOR_CURVATURE) : 0;
    if (scratch) p->scratch = aligned_alloc(64, (scratch + 15) / 16 * 16 * sizeof(float));
    if (kind->kept && kind->kept(b->l, b->count)) p->kept = calloc(kind->kept(b->l, b->count), 1);
    for (size_t k = 0; k < b->inputs; k++) {
        p->x[k] = b->x[k];
        p->rx[k] = b->rx[k];
        p->dx[k] = floats(b->in[k]);
        p->rdx[k] = floats(b->in[k]);
        p->accumulate[k] = before != 0;
        for (size_t i = 0; i < b->in[k]; i++) p->dx[k][i] = p->rdx[k][i] = before != 0 ? before : NAN;
    }
    for (size_t i = 0; i < b->m->state; i++) p->gradient[i] = p->rgradient[i] = NAN;
    for (size_t i = 0; i < b->out; i++) p->y[i] = p->ry[i] = NAN;
    kind->forward(p);
    kind->forward_tangent(p);
    kind->backward_tangent(p);
    kind->backward(p);
}

static inline void same(const float *a, const float *c, size_t n)
{
    assert_true((a == NULL) == (c == NULL));
    if (a) assert_memory_equal(a, c, n * sizeof *a);
}

#endif
