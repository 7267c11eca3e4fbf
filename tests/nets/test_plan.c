/* Memory of a pass, planned: on random networks, nothing overlaps that is needed at the same time, and what comes out
 * is what comes out when every array has a place of its own. */
#include "tests/test.h"

#include <malloc.h>

#include "base/random.h"
#include "nets/layer.h"
#include "nets/layers/cross_entropy.h"
#include "nets/plan.h"
#include "tests/nets/random_net.h"

enum { NETS = 200, COUNT = 3 };

/* ---- lifetimes, layer by layer, from what each pass reads and writes ---- */

typedef struct {
    size_t layer, offset, size, birth, death;
    enum { OUTPUT, GRADIENT, TANGENT, GRADIENT_TANGENT, KEPT } what;
} array;

typedef struct {
    array a[8 * RANDOM_NET_MOST];
    size_t n;
} arrays;

static size_t forward_time(size_t layer)
{
    return layer;
}

static size_t backward_time(const sl_model *m, size_t layer)
{
    return 2 * m->n_layers - layer;
}

/* The last time at which the output of layer i is read. */
static size_t last_reading(const sl_model *m, size_t i, sl_purpose_of_workspace what)
{
    if (i == m->n_layers - 1) return 3 * m->n_layers; /* the logits: by whoever asks, after the pass */
    size_t last = forward_time(i);
    if (what != SL_FOR_LOSS && m->layers[i].kind->needs_output) last = backward_time(m, i);
    for (size_t j = i + 1; j < m->n_layers; j++)
        for (size_t k = 0; k < m->layers[j].n_inputs; k++) {
            if (m->layers[j].input[k] != i) continue;
            const size_t t =
                what != SL_FOR_LOSS && m->layers[j].kind->needs_input ? backward_time(m, j) : forward_time(j);
            if (t > last) last = t;
        }
    return last;
}

/* When the gradient of layer i's output is first written. */
static size_t first_writing(const sl_model *m, size_t i)
{
    size_t first = m->n_layers; /* by the loss */
    for (size_t j = i + 1; j < m->n_layers; j++)
        for (size_t k = 0; k < m->layers[j].n_inputs; k++)
            if (m->layers[j].input[k] == i) first = backward_time(m, j); /* the last consumer comes first */
    return first;
}

static void note(arrays *all, array a)
{
    if (a.offset == SL_NONE) fail_msg("layer %zu has no array %d", a.layer, (int)a.what);
    all->a[all->n++] = a;
}

static void list(arrays *all, const sl_model *m, const sl_memory_plan *p, sl_purpose_of_workspace what)
{
    all->n = 0;
    for (size_t i = 1; i < m->n_layers; i++) {
        const sl_layer *const l = &m->layers[i];
        const size_t size = COUNT * sl_shape_size(l->out), kept = l->kind->kept ? l->kind->kept(l, COUNT) : 0;
        const size_t read = last_reading(m, i, what), back = backward_time(m, i);
        note(all, (array){i, p->output[i], size, forward_time(i), read, OUTPUT});
        if (kept)
            note(all, (array){i, p->kept[i], (kept + 3) / 4, forward_time(i),
                              what == SL_FOR_LOSS ? forward_time(i) : back, KEPT});
        if (what == SL_FOR_CURVATURE) note(all, (array){i, p->tangent[i], size, forward_time(i), read, TANGENT});
        if (what == SL_FOR_LOSS || !p->wanted[i]) continue;
        note(all, (array){i, p->gradient[i], size, first_writing(m, i), back, GRADIENT});
        if (what == SL_FOR_CURVATURE)
            note(all, (array){i, p->gradient_tangent[i], size, first_writing(m, i), back, GRADIENT_TANGENT});
    }
}

/* Is one the output of a layer that works in place, and the other its input (or their gradients), which meet only in
 * that layer's own pass? */
static bool in_place(const sl_model *m, const array *a, const array *b)
{
    if (a->what != b->what || a->offset != b->offset || a->what == KEPT) return false;
    const array *const after = a->layer > b->layer ? a : b, *const before = after == a ? b : a;
    const sl_layer *const l = &m->layers[after->layer];
    if (!l->kind->in_place || l->input[0] != before->layer) return false;
    return a->what == OUTPUT || a->what == TANGENT ? before->death == forward_time(after->layer)
                                                   : before->birth == backward_time(m, after->layer);
}

static void nothing_overlaps(const sl_model *m, const arrays *all, size_t number)
{
    for (size_t i = 0; i < all->n; i++)
        for (size_t j = 0; j < i; j++) {
            const array *const a = &all->a[i], *const b = &all->a[j];
            const bool time = a->birth <= b->death && b->birth <= a->death;
            const bool place = a->offset < b->offset + b->size && b->offset < a->offset + a->size;
            if (time && place && !in_place(m, a, b))
                fail_msg("net %zu: array %d of layer %zu (%s) and array %d of layer %zu (%s) overlap", number,
                         (int)a->what, a->layer, m->layers[a->layer].kind->name, (int)b->what, b->layer,
                         m->layers[b->layer].kind->name);
        }
}

static void plan__arrays_that_live_together_do_not_overlap(void **state)
{
    (void)state;
    arrays all;
    double planned = 0, separate = 0;
    size_t shared = 0;
    for (size_t number = 0; number < NETS; number++)
        for (int what = SL_FOR_LOSS; what <= SL_FOR_CURVATURE; what++) {
            sl_model *m;
            sl_memory_plan p;
            assert_ok(random_net_alloc(&m, number, &err));
            assert_ok(sl_memory_plan_alloc(&p, m, COUNT, (sl_purpose_of_workspace)what, 2, &err));
            list(&all, m, &p, (sl_purpose_of_workspace)what);
            nothing_overlaps(m, &all, number);
            size_t scratch = 0, end = 0;
            for (size_t i = 0; i < all.n; i++) {
                separate += (double)all.a[i].size;
                if (all.a[i].offset + all.a[i].size > end) end = all.a[i].offset + all.a[i].size;
                assert_int_equal(all.a[i].offset % 16, 0);
            }
            for (size_t i = 1; i < m->n_layers; i++) {
                const sl_layer *const l = &m->layers[i];
                const size_t s = l->kind->scratch ? l->kind->scratch(l, COUNT, 2, (sl_purpose_of_workspace)what) : 0;
                if (s > scratch) scratch = s;
                shared += l->kind->in_place && p.output[i] == p.output[l->input[0]];
            }
            assert_true(end <= p.input && p.input + COUNT * sl_model_inputs(m) <= p.probabilities);
            assert_true(p.probabilities + COUNT * RANDOM_NET_CLASSES <= p.scratch && p.scratch + scratch <= p.total);
            planned += (double)end;
            sl_memory_plan_clear(&p);
            sl_model_free(m);
        }
    assert_true(planned < 0.75 * separate); /* something is saved, and chains in place were among them */
    assert_true(shared > NETS);
}

/* ---- the same passes, every array by itself ---- */

typedef struct {
    const sl_model *m;
    float **y, **ry, **dy, **rdy, *scratch;
    void **kept;
    bool *written;
    float *gradient, *hv;
} loose;

static float **lay_out(const sl_model *m)
{
    float **const a = calloc(m->n_layers, sizeof *a);
    for (size_t i = 0; i < m->n_layers; i++) a[i] = calloc(COUNT * sl_shape_size(m->layers[i].out), sizeof **a);
    return a;
}

static void free_all(const sl_model *m, float **a)
{
    for (size_t i = 0; i < m->n_layers; i++) free(a[i]);
    free(a);
}

static loose loose_init(const sl_model *m, const float *pictures)
{
    loose f = {.m = m,
               .y = lay_out(m),
               .ry = lay_out(m),
               .dy = lay_out(m),
               .rdy = lay_out(m),
               .kept = calloc(m->n_layers, sizeof *f.kept),
               .written = calloc(m->n_layers, sizeof *f.written),
               .gradient = calloc(m->parameters, sizeof(float)),
               .hv = calloc(m->parameters, sizeof(float))};
    size_t scratch = 16;
    for (size_t i = 1; i < m->n_layers; i++) {
        const sl_layer *const l = &m->layers[i];
        const size_t s = l->kind->scratch ? l->kind->scratch(l, COUNT, 1, SL_FOR_CURVATURE) : 0;
        if (s > scratch) scratch = s;
        f.kept[i] = l->kind->kept ? calloc(1, l->kind->kept(l, COUNT)) : NULL;
    }
    f.scratch = aligned_alloc(64, (scratch + 15) / 16 * 64);
    memcpy(f.y[0], pictures, COUNT * sl_model_inputs(m) * sizeof **f.y);
    return f;
}

static void loose_clear(loose *f)
{
    for (size_t i = 1; i < f->m->n_layers; i++) free(f->kept[i]);
    free(f->kept);
    free(f->written);
    free(f->scratch);
    free(f->gradient);
    free(f->hv);
    free_all(f->m, f->y);
    free_all(f->m, f->ry);
    free_all(f->m, f->dy);
    free_all(f->m, f->rdy);
}

static sl_pass loose_pass(const loose *f, size_t i, const float *state, float *running, const sl_mode *mode,
                          const float *v)
{
    const sl_layer *const l = &f->m->layers[i];
    sl_pass p = {.layer = l,
                 .index = i,
                 .count = COUNT,
                 .mode = *mode,
                 .scratch = f->scratch,
                 .kept = f->kept[i],
                 .state = state,
                 .running = running,
                 .y = f->y[i],
                 .ry = f->ry[i],
                 .dy = f->dy[i],
                 .rdy = f->rdy[i],
                 .gradient = f->gradient,
                 .rgradient = f->hv,
                 .v = v};
    for (size_t k = 0; k < l->n_inputs; k++) {
        p.x[k] = f->y[l->input[k]];
        p.rx[k] = l->input[k] ? f->ry[l->input[k]] : NULL;
    }
    return p;
}

static void loose_run(loose *f, const float *state, float *running, const sl_mode *mode, const float *v,
                      const uint8_t *labels)
{
    const size_t last = f->m->n_layers - 1;
    size_t right;
    for (size_t i = 1; i <= last; i++) {
        const sl_pass p = loose_pass(f, i, state, running, mode, v);
        p.layer->kind->forward(&p);
        p.layer->kind->forward_tangent(&p);
    }
    float *const prob = calloc(COUNT * RANDOM_NET_CLASSES, sizeof *prob);
    sl_cross_entropy_forward(prob, &right, f->y[last], labels, COUNT, RANDOM_NET_CLASSES, mode->label_smoothing);
    sl_cross_entropy_tangent(f->rdy[last], prob, f->ry[last], COUNT, RANDOM_NET_CLASSES);
    sl_cross_entropy_backward(f->dy[last], prob, labels, COUNT, RANDOM_NET_CLASSES, mode->label_smoothing);
    free(prob);
    for (size_t i = last; i > 0; i--) {
        sl_pass p = loose_pass(f, i, state, running, mode, v);
        for (size_t k = 0; k < p.layer->n_inputs; k++) {
            const size_t from = p.layer->input[k];
            if (from == 0) continue;
            p.dx[k] = f->dy[from];
            p.rdx[k] = f->rdy[from];
            p.accumulate[k] = f->written[from];
            f->written[from] = true;
        }
        p.layer->kind->backward_tangent(&p);
        p.layer->kind->backward(&p);
    }
}

static void fill(float *x, size_t n, uint32_t what)
{
    sl_random_normals_f(x, n, 0, 1, &(sl_draw){.seed = 5, .sub = what, .purpose = SL_PURPOSE_TEST});
}

typedef struct {
    float *state, *gradient, *hv, logits[COUNT * RANDOM_NET_CLASSES];
    double loss;
} outcome;

static void outcome_clear(outcome *o)
{
    free(o->state);
    free(o->gradient);
    free(o->hv);
}

/* Planned, with more room than samples; in a workspace that did something else before. */
static outcome run_planned(const sl_model *m, sl_purpose_of_workspace what, sl_team *team, const float *state,
                           const float *pictures, const uint8_t *labels, const sl_mode *mode, const float *v)
{
    sl_workspace *w;
    outcome o = {.state = calloc(m->state, sizeof(float)),
                 .gradient = calloc(m->parameters, sizeof(float)),
                 .hv = calloc(m->parameters, sizeof(float))};
    size_t right;
    assert_ok(sl_workspace_alloc(&w, m, COUNT + 2, what, team, &err));
    fill(sl_workspace_input(w), (COUNT + 2) * sl_model_inputs(m), 9);
    memcpy(o.state, state, m->state * sizeof *state);
    sl_model_run(m, w, o.state, COUNT + 2, NULL, &o.loss, &right, NULL);
    memcpy(sl_workspace_input(w), pictures, COUNT * sl_model_inputs(m) * sizeof *pictures);
    memcpy(sl_workspace_labels(w), labels, COUNT);
    if (what == SL_FOR_CURVATURE) sl_model_hessian_vector(m, w, o.state, COUNT, mode, v, o.gradient, o.hv);
    assert_memory_equal(o.state, state, m->state * sizeof *state); /* the running statistics have not moved */
    memset(o.gradient, 0, m->parameters * sizeof *o.gradient);
    sl_model_run(m, w, o.state, COUNT, mode, &o.loss, &right, what == SL_FOR_LOSS ? NULL : o.gradient);
    memcpy(o.logits, sl_workspace_logits(w), sizeof o.logits);
    sl_workspace_free(w);
    return o;
}

static void same(const float *a, const float *b, size_t n, const char *what, size_t number)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0)
            fail_msg("net %zu: %s[%zu] is %.9g and %.9g", number, what, i, a[i], b[i]);
}

static void compare(size_t number, bool train, sl_team *team)
{
    sl_model *m;
    assert_ok(random_net_alloc(&m, number, &err));
    const sl_mode mode = {.train = train, .label_smoothing = 0.1, .seed = 4, .step = number};
    float pictures[COUNT * 60], *const state = calloc(m->state, sizeof *state),
                                       *const moved = calloc(m->state, sizeof *moved),
                                       *const v = calloc(m->parameters, sizeof *v);
    const uint8_t labels[COUNT] = {2, 0, 1};
    fill(pictures, COUNT * 60, 1);
    fill(v, m->parameters, 2);
    sl_model_init(m, state, 7, 0);
    memcpy(moved, state, m->state * sizeof *state);
    loose f = loose_init(m, pictures);
    loose_run(&f, state, train ? moved : NULL, &mode, v, labels);
    outcome o[3];
    for (int what = SL_FOR_LOSS; what <= SL_FOR_CURVATURE; what++)
        o[what] = run_planned(m, (sl_purpose_of_workspace)what, what == SL_FOR_GRADIENT ? team : NULL, state, pictures,
                              labels, &mode, v);
    for (int what = SL_FOR_LOSS; what <= SL_FOR_CURVATURE; what++) {
        same(o[what].logits, f.y[m->n_layers - 1], COUNT * RANDOM_NET_CLASSES, "logits", number);
        assert_near(o[what].loss, o[0].loss, 0);
        assert_true(isfinite(o[what].loss));
        if (what == SL_FOR_LOSS) continue;
        same(o[what].gradient, f.gradient, m->parameters, "gradient", number);
        same(o[what].state, moved, m->state, "state", number);
    }
    same(o[SL_FOR_CURVATURE].hv, f.hv, m->parameters, "hv", number);
    for (int what = 0; what < 3; what++) outcome_clear(&o[what]);
    loose_clear(&f);
    free(state);
    free(moved);
    free(v);
    sl_model_free(m);
}

static void workspace__results_are_those_of_separate_arrays(void **state)
{
    (void)state;
    sl_team *team;
    assert_ok(sl_team_alloc(&team, 3, &err));
    for (size_t number = 0; number < NETS; number++) compare(number, number % 3 != 0, team);
    sl_team_free(team);
}

static void workspace__bytes_are_what_is_taken(void **state)
{
    (void)state;
    for (int what = SL_FOR_LOSS; what <= SL_FOR_CURVATURE; what++) {
        sl_model *m;
        sl_workspace *w;
        sl_memory_plan p;
        assert_ok(sl_model_alloc(&m, "mlp:hidden=300,200", 1, 28, 28, 10, &err));
        assert_ok(sl_workspace_alloc(&w, m, 1000, (sl_purpose_of_workspace)what, NULL, &err));
        assert_ok(sl_memory_plan_alloc(&p, m, 1000, (sl_purpose_of_workspace)what, 1, &err));
        const double bytes = sl_workspace_bytes(m, 1000, (sl_purpose_of_workspace)what, 1);
        /* The block starts p.input floats before the pictures; the allocator rounds up to pages. */
        const double taken = (double)malloc_usable_size(sl_workspace_input(w) - p.input);
        assert_true(taken >= bytes && taken < bytes + 2 * 4096);
        sl_memory_plan_clear(&p);
        sl_workspace_free(w);
        sl_model_free(m);
    }
}

/* Memory of a chain of equal layers: a pass forward holds two of them, whatever their number. */
static void plan__forward_passes_of_deep_networks_are_small(void **state)
{
    (void)state;
    double bytes[2];
    for (int deep = 0; deep < 2; deep++) {
        sl_model *m;
        assert_ok(
            sl_model_alloc(&m, deep ? "mlp:hidden=64,64,64,64,64,64,64,64" : "mlp:hidden=64,64", 1, 8, 8, 10, &err));
        bytes[deep] = sl_workspace_bytes(m, 100, SL_FOR_LOSS, 1);
        assert_true(sl_workspace_bytes(m, 100, SL_FOR_GRADIENT, 1) > bytes[deep]);
        assert_true(sl_workspace_bytes(m, 100, SL_FOR_CURVATURE, 1) > sl_workspace_bytes(m, 100, SL_FOR_GRADIENT, 1));
        sl_model_free(m);
    }
    assert_near(bytes[1], bytes[0], 0);
}

static void build__refuses_what_is_left_over(void **state)
{
    (void)state;
    sl_builder *b;
    sl_model *m;
    assert_ok(sl_builder_alloc(&b, (sl_shape){4, 4, 1}, 3, SL_START_DEFAULT, &err));
    const size_t pooled = sl_build_max_pool(b, 0, 2, 2, 0);
    sl_build_relu(b, pooled);
    sl_build_linear(b, sl_build_flatten(b, pooled), "l", 3, true);
    assert_fails(sl_builder_finish(b, &m, &err), SL_E_DOMAIN, "layer 1 (relu): no other layer takes its output");
    assert_ok(sl_builder_alloc(&b, (sl_shape){600, 600, 1}, 3, SL_START_DEFAULT, &err));
    sl_build_max_pool(b, 0, 300, 300, 0);
    assert_fails(sl_builder_finish(b, &m, &err), SL_E_DOMAIN, "kernel 300, need at most 256");
    assert_ok(sl_builder_alloc(&b, (sl_shape){4, 4, 3}, 3, SL_START_DEFAULT, &err));
    sl_build_global_avg(b, 0); /* as many numbers as classes, but none to train */
    assert_fails(sl_builder_finish(b, &m, &err), SL_E_DOMAIN, "a model without parameters");
    assert_ok(sl_builder_alloc(&b, (sl_shape){1, 1, (size_t)1 << 31}, 2, SL_START_DEFAULT, &err));
    sl_build_linear(b, 0, "l", 2, true); /* beyond what a matrix product counts */
    assert_fails(sl_builder_finish(b, &m, &err), SL_E_DOMAIN, "2147483648 inputs");
    assert_ok(sl_builder_alloc(&b, (sl_shape){1, 1, (size_t)1 << 30}, 2, SL_START_DEFAULT, &err));
    sl_build_conv(b, 0, "c", 1, 2, 1, 1, true);
    assert_fails(sl_builder_finish(b, &m, &err), SL_E_DOMAIN, "a kernel of 2x2");
}

/* A branch without parameters, over whose array an addition works in place: its gradient is needed all the same. */
static void plan__a_branch_without_parameters(void **state)
{
    (void)state;
    sl_builder *b;
    sl_model *m;
    assert_ok(sl_builder_alloc(&b, (sl_shape){4, 4, 3}, 3, SL_START_DEFAULT, &err));
    const size_t bare = sl_build_global_avg(b, 0), norm = sl_build_batch_norm(b, sl_build_global_avg(b, 0), "bn");
    sl_build_add(b, bare, norm);
    assert_ok(sl_builder_finish(b, &m, &err));
    float state0[12], pictures[COUNT * 48];
    const uint8_t labels[COUNT] = {2, 0, 1};
    const sl_mode mode = {.train = true};
    const float v[6] = {1, 2, 3, 4, 5, 6};
    sl_model_init(m, state0, 1, 0);
    fill(pictures, COUNT * 48, 3);
    outcome o = run_planned(m, SL_FOR_CURVATURE, NULL, state0, pictures, labels, &mode, v);
    loose f = loose_init(m, pictures);
    loose_run(&f, state0, NULL, &mode, v, labels);
    same(o.gradient, f.gradient, m->parameters, "gradient", 0);
    same(o.hv, f.hv, m->parameters, "hv", 0);
    loose_clear(&f);
    outcome_clear(&o);
    sl_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan__arrays_that_live_together_do_not_overlap),
        cmocka_unit_test(workspace__results_are_those_of_separate_arrays),
        cmocka_unit_test(workspace__bytes_are_what_is_taken),
        cmocka_unit_test(plan__forward_passes_of_deep_networks_are_small),
        cmocka_unit_test(build__refuses_what_is_left_over),
        cmocka_unit_test(plan__a_branch_without_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
