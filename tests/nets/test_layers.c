/* Every kind of layer, alone, against its definition in double precision (tests/nets/reference.h) and central
 * differences of that. */
#include "tests/test.h"

#include "nets/layer.h"
#include "tests/nets/reference.h"

enum { MOST_INPUTS = 2 };

static sl_team *team;

static int make_team(void **state)
{
    (void)state;
    return sl_team_alloc(&team, 3, NULL);
}

static int free_team(void **state)
{
    (void)state;
    sl_team_free(team);
    return 0;
}

/* N(mean, 1), coarse: then maxima have equals, and most numbers of the reference are those of the layer exactly. */
static void fill(float *x, size_t n, double mean, uint32_t what)
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
    sl_pass p;                   /* with arrays of its own for everything */
    reference_sides sides;
} bench;

static float *floats(size_t n)
{
    float *const x = calloc(n + 16, sizeof *x);
    assert_non_null(x);
    return x;
}

typedef size_t (*builder_of_layer)(sl_builder *b);

/* The model ends in a linear layer behind the one that is looked at. */
static bench set_up(builder_of_layer build, sl_shape pictures, size_t count, bool train)
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

static void clear_pass(bench *b)
{
    const sl_pass *const p = &b->p;
    void *const all[] = {p->scratch, p->kept, p->y, p->ry, p->gradient, p->rgradient, p->dy, p->rdy, p->running,
                         p->dx[0], p->dx[1], p->rdx[0], p->rdx[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void clear(bench *b)
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

static float *copied(const float *x, size_t n)
{
    float *const c = floats(n);
    memcpy(c, x, n * sizeof *c);
    return c;
}

/* All four passes, nothing shared. before: what stands in dx and rdx, to be added to. */
static void run(bench *b, sl_team *t, float before)
{
    const sl_layer_kind *const kind = b->l->kind;
    b->p = (sl_pass){.layer = b->l, .index = b->index, .count = b->count, .mode = b->mode, .team = t, .state = b->state,
                     .v = b->v, .y = floats(b->out), .ry = floats(b->out), .dy = copied(b->dy, b->out),
                     .rdy = copied(b->rdy, b->out), .gradient = floats(b->m->state),
                     .rgradient = floats(b->m->state), .running = copied(b->state, b->m->state)};
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

/* ---- the same by definition ---- */

/* Where x, the parameters and dy are: at the layer's, moved by a along (rx, v, rdy). */
typedef struct {
    double *x[MOST_INPUTS], *state, *dy, *y;
} point;

static double *doubles(const float *at, const float *along, size_t n, double a)
{
    double *const d = calloc(n + 1, sizeof *d);
    for (size_t i = 0; i < n; i++) d[i] = (double)at[i] + (along ? a * (double)along[i] : 0);
    return d;
}

static point point_at(const bench *b, double a)
{
    point q = {.state = doubles(b->state, NULL, b->m->state, 0), .dy = doubles(b->dy, b->rdy, b->out, a),
               .y = calloc(b->out, sizeof(double))};
    for (size_t i = 0; i < b->m->parameters; i++) q.state[i] += a * (double)b->v[i];
    for (size_t k = 0; k < b->inputs; k++) q.x[k] = doubles(b->x[k], b->rx[k], b->in[k], a);
    return q;
}

static void clear_point(point *q)
{
    free(q->state);
    free(q->dy);
    free(q->y);
    for (size_t k = 0; k < MOST_INPUTS; k++) free(q->x[k]);
}

/* <dy, y> */
static double product(bench *b, point *q)
{
    const double *const x[2] = {q->x[0], q->x[1]};
    reference_layer(b->l, b->index, b->count, &b->mode, x, q->state, q->y, &b->sides);
    double sum = 0;
    for (size_t i = 0; i < b->out; i++) sum += q->dy[i] * q->y[i];
    return sum;
}

/* Of central differences: errors of H^2 = 1e-7 (all but batch norm are linear: none), rounding of 1e-13 / H of the
 * sums (some 1e3), in second differences 1e-13 / H^2 = 1e-6. */
static const double H = 3e-4;

/* d<dy, y> / d*at */
static double slope(bench *b, point *q, double *at)
{
    const double middle = *at;
    *at = middle + H;
    const double up = product(b, q);
    *at = middle - H;
    const double down = product(b, q);
    *at = middle;
    return (up - down) / (2 * H);
}

static double largest(const double *x, size_t n)
{
    double most = 1e-3;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

/* Relative to the largest: single precision has 6e-8, sums of some hundred terms and divisions by small standard
 * deviations cost some tens of that; second differences in double cost 1e-7. */
static void compare(const char *what, const bench *b, const float *got, const double *expected, size_t n, double offset)
{
    const double scale = largest(expected, n), tolerance = 1e-5 * (scale + fabs(offset));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - offset - expected[i]) <= tolerance))
            fail_msg("%s, %s of %zu samples of %zux%zux%zu, [%zu]: %.9g, expected %.9g, largest %g", b->l->kind->name,
                     what, b->count, b->l->in[0].channels, b->l->in[0].height, b->l->in[0].width, i,
                     (double)got[i] - offset, expected[i], scale);
}

static void check_forward(bench *b)
{
    point at = point_at(b, 0), up = point_at(b, H), down = point_at(b, -H);
    product(b, &at);
    compare("y", b, b->p.y, at.y, b->out, 0);
    product(b, &up);
    product(b, &down);
    for (size_t i = 0; i < b->out; i++) up.y[i] = (up.y[i] - down.y[i]) / (2 * H);
    compare("ry", b, b->p.ry, up.y, b->out, 0);
    clear_point(&at);
    clear_point(&up);
    clear_point(&down);
}

/* Gradients with respect to n numbers, which start at x of the point (member: which of its arrays), and their
 * derivatives along the direction. */
static void check_slopes(bench *b, const char *what, const char *r_what, const float *got, const float *r_got, size_t n,
                         size_t first, int member, double before)
{
    point at = point_at(b, 0), up = point_at(b, H), down = point_at(b, -H);
    double *const d = calloc(n + 1, sizeof *d), *const rd = calloc(n + 1, sizeof *rd);
    for (size_t i = 0; i < n; i++) {
        double *const place[3] = {member < 0 ? at.state : at.x[member], member < 0 ? up.state : up.x[member],
                                  member < 0 ? down.state : down.x[member]};
        d[i] = slope(b, &at, place[0] + first + i);
        rd[i] = (slope(b, &up, place[1] + first + i) - slope(b, &down, place[2] + first + i)) / (2 * H);
    }
    if (got) compare(what, b, got, d, n, before);
    if (r_got) compare(r_what, b, r_got, rd, n, before);
    free(d);
    free(rd);
    clear_point(&at);
    clear_point(&up);
    clear_point(&down);
}

static void check_backward(bench *b, float before)
{
    for (size_t k = 0; k < b->inputs; k++) check_slopes(b, "dx", "rdx", b->p.dx[k], b->p.rdx[k], b->in[k], 0, (int)k, before);
    const size_t offsets[2] = {b->l->weight, b->l->bias};
    for (size_t k = 0; k < 2; k++) {
        if (offsets[k] == SL_NONE) continue;
        for (size_t i = 0; i < b->m->n_views; i++) {
            const sl_view *const view = &b->m->views[i];
            if (view->offset == offsets[k])
                check_slopes(b, view->name, "its derivative", b->p.gradient + view->offset,
                             b->p.rgradient + view->offset, view->size, view->offset, -1, 0);
        }
    }
}

static void same(const float *a, const float *c, size_t n)
{
    assert_true((a == NULL) == (c == NULL));
    if (a) assert_memory_equal(a, c, n * sizeof *a);
}

/* The same bytes with a team, and no dx where none is wanted; that those are not touched, a crash would tell. */
static void check_variants(bench *b)
{
    bench other = *b;
    run(&other, team, 0);
    same(b->p.y, other.p.y, b->out);
    same(b->p.ry, other.p.ry, b->out);
    for (size_t k = 0; k < b->inputs; k++) {
        same(b->p.dx[k], other.p.dx[k], b->in[k]);
        same(b->p.rdx[k], other.p.rdx[k], b->in[k]);
    }
    same(b->p.gradient, other.p.gradient, b->m->parameters);
    same(b->p.rgradient, other.p.rgradient, b->m->parameters);
    float *const dx = other.p.dx[0], *const rdx = other.p.rdx[0];
    other.p.dx[0] = other.p.rdx[0] = NULL;
    memcpy(other.p.dy, b->dy, b->out * sizeof *b->dy);
    memcpy(other.p.rdy, b->rdy, b->out * sizeof *b->rdy);
    b->l->kind->backward_tangent(&other.p);
    b->l->kind->backward(&other.p);
    same(b->p.gradient, other.p.gradient, b->m->parameters);
    same(b->p.rgradient, other.p.rgradient, b->m->parameters);
    if (b->inputs > 1) same(b->p.dx[1], other.p.dx[1], b->in[1]);
    other.p.dx[0] = dx;
    other.p.rdx[0] = rdx;
    clear_pass(&other);
}

/* Over its own input and gradient. */
static void check_in_place(const bench *b)
{
    if (!b->l->kind->in_place) return;
    sl_pass p = b->p;
    float *const x = copied(b->x[0], b->in[0]), *const rx = copied(b->rx[0], b->in[0]),
          *const dy = copied(b->dy, b->out), *const rdy = copied(b->rdy, b->out);
    p.x[0] = p.y = x;
    p.rx[0] = p.ry = rx;
    p.dx[0] = p.dy = dy;
    p.rdx[0] = p.rdy = rdy;
    b->l->kind->forward(&p);
    b->l->kind->forward_tangent(&p);
    b->l->kind->backward_tangent(&p);
    b->l->kind->backward(&p);
    same(b->p.y, x, b->out);
    same(b->p.ry, rx, b->out);
    same(b->p.dx[0], dy, b->out);
    same(b->p.rdx[0], rdy, b->out);
    free(x);
    free(rx);
    free(dy);
    free(rdy);
}

/* A direction of 0 at the inputs, said as NULL. */
static void check_no_rx(bench *b)
{
    for (size_t k = 0; k < b->inputs; k++) {
        memset(b->rx[k], 0, b->in[k] * sizeof *b->rx[k]);
        b->p.rx[k] = NULL;
        for (size_t i = 0; i < b->in[k]; i++) b->p.rdx[k][i] = NAN;
        b->p.accumulate[k] = false;
    }
    memcpy(b->p.dy, b->dy, b->out * sizeof *b->dy);
    memcpy(b->p.rdy, b->rdy, b->out * sizeof *b->rdy);
    b->l->kind->forward(&b->p);
    b->l->kind->forward_tangent(&b->p);
    b->l->kind->backward_tangent(&b->p);
    check_forward(b);
    for (size_t k = 0; k < b->inputs; k++) check_slopes(b, "dx", "rdx without rx", NULL, b->p.rdx[k], b->in[k], 0, (int)k, 0);
    if (b->l->weight != SL_NONE)
        check_slopes(b, "", "R dw without rx", NULL, b->p.rgradient + b->l->weight, b->l->out.channels, b->l->weight, -1, 0);
}

static void check(builder_of_layer build, sl_shape pictures, size_t count, bool train)
{
    bench b = set_up(build, pictures, count, train);
    run(&b, NULL, 0);
    check_forward(&b);
    check_backward(&b, 0);
    check_in_place(&b);
    check_variants(&b);
    clear_pass(&b);
    run(&b, NULL, 3);
    check_backward(&b, 3);
    check_no_rx(&b);
    clear(&b);
}

/* ---- the kinds ---- */

static size_t batch_norm(sl_builder *b)
{
    return sl_build_batch_norm(b, 0, "bn");
}

static void batch_norm__equals_its_definition(void **state)
{
    (void)state;
    for (int train = 0; train < 2; train++) {
        check(batch_norm, (sl_shape){3, 5, 7}, 4, train);
        check(batch_norm, (sl_shape){1, 1, 67}, 5, train);
        check(batch_norm, (sl_shape){7, 3, 1}, 9, train); /* rows of many pixels, the last one short */
    }
}

static size_t add(sl_builder *b)
{
    return sl_build_add(b, sl_build_relu(b, 0), 0);
}

static size_t concat(sl_builder *b)
{
    return sl_build_concat(b, sl_build_shortcut(b, 0, sl_build_shape(b, 0).channels + 2, 1), 0);
}

static size_t flatten(sl_builder *b)
{
    return sl_build_flatten(b, 0);
}

static size_t relu(sl_builder *b)
{
    return sl_build_relu(b, 0);
}

static size_t linear(sl_builder *b)
{
    return sl_build_linear(b, 0, "linear", 5, true);
}

static void elementwise__equal_their_definitions(void **state)
{
    (void)state;
    check(add, (sl_shape){3, 5, 7}, 2, true);
    check(relu, (sl_shape){3, 5, 7}, 2, true);
    check(concat, (sl_shape){3, 2, 5}, 3, true);
    check(concat, (sl_shape){1, 1, 1}, 1, true);
    check(flatten, (sl_shape){3, 4, 19}, 2, true);
    check(linear, (sl_shape){1, 1, 13}, 7, true);
}

static size_t shortcut(sl_builder *b)
{
    return sl_build_shortcut(b, 0, sl_build_shape(b, 0).channels + 4, 2);
}

static size_t subsampled(sl_builder *b)
{
    return sl_build_shortcut(b, 0, sl_build_shape(b, 0).channels, 3);
}

static void shortcut__equals_its_definition(void **state)
{
    (void)state;
    check(shortcut, (sl_shape){5, 4, 3}, 3, true);
    check(subsampled, (sl_shape){7, 8, 1}, 2, true);
}

static size_t max_pool_2(sl_builder *b)
{
    return sl_build_max_pool(b, 0, 2, 2, 0);
}

static size_t max_pool_3(sl_builder *b)
{
    return sl_build_max_pool(b, 0, 3, 2, 1);
}

static size_t max_pool_sparse(sl_builder *b)
{
    return sl_build_max_pool(b, 0, 2, 3, 1);
}

static void max_pool__equals_its_definition(void **state)
{
    (void)state;
    check(max_pool_2, (sl_shape){6, 4, 3}, 2, true);
    check(max_pool_2, (sl_shape){5, 7, 2}, 3, true); /* a row and a column that no window has */
    check(max_pool_3, (sl_shape){5, 7, 3}, 2, true);
    check(max_pool_3, (sl_shape){2, 2, 70}, 1, true);
    check(max_pool_sparse, (sl_shape){5, 6, 2}, 2, true);
}

static size_t avg_pool_3(sl_builder *b)
{
    return sl_build_avg_pool(b, 0, 3, 2, 1);
}

static size_t avg_pool_2(sl_builder *b)
{
    return sl_build_avg_pool(b, 0, 2, 2, 0);
}

static size_t global_avg(sl_builder *b)
{
    return sl_build_global_avg(b, 0);
}

static size_t adaptive_avg(sl_builder *b)
{
    return sl_build_adaptive_avg(b, 0, 3);
}

static void averages__equal_their_definitions(void **state)
{
    (void)state;
    check(avg_pool_3, (sl_shape){5, 8, 3}, 2, true);
    check(avg_pool_2, (sl_shape){4, 5, 2}, 3, true);
    check(global_avg, (sl_shape){5, 3, 6}, 4, true);
    check(adaptive_avg, (sl_shape){7, 4, 2}, 2, true);
    check(adaptive_avg, (sl_shape){2, 1, 3}, 2, true); /* more bins than pixels */
}

static size_t dropout(sl_builder *b)
{
    return sl_build_dropout(b, 0, 0.3);
}

static void dropout__equals_its_definition(void **state)
{
    (void)state;
    check(dropout, (sl_shape){5, 3, 7}, 3, true);
    check(dropout, (sl_shape){5, 3, 7}, 3, false);
}

/* ---- batch norm's statistics ---- */

/* A million pixels far from 0: the batch's mean and variance to a float's last digits, against two passes in long
 * double; in training the running ones move by a tenth towards the mean and the unbiased variance. */
static void batch_norm__statistics_of_a_million_pixels(void **state)
{
    (void)state;
    enum { CHANNELS = 3, SAMPLES = 4 };
    bench b = set_up(batch_norm, (sl_shape){512, 512, CHANNELS}, SAMPLES, true);
    const size_t pixels = b.in[0] / CHANNELS;
    const double offset[CHANNELS] = {0, 300, -1e4}, spread[CHANNELS] = {1e-3, 1, 50};
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t i = 0; i < pixels; i++)
            b.x[0][i * CHANNELS + c] = (float)(offset[c] + spread[c] * sin((double)(i * (c + 3))));
    for (size_t c = 0; c < CHANNELS; c++) b.state[b.l->weight + c] = 1, b.state[b.l->bias + c] = 0;
    run(&b, NULL, 0);
    for (size_t c = 0; c < CHANNELS; c++) {
        long double mean = 0, var = 0;
        for (size_t i = 0; i < pixels; i++) mean += (long double)b.x[0][i * CHANNELS + c];
        mean /= pixels;
        for (size_t i = 0; i < pixels; i++) {
            const long double d = (long double)b.x[0][i * CHANNELS + c] - mean;
            var += d * d;
        }
        const double old_mean = b.state[b.l->running_mean + c], old_var = b.state[b.l->running_var + c];
        /* The biased variance, as y has it: the difference of two pixels is theirs by the standard deviation. */
        const double two = b.x[0][CHANNELS + c] - b.x[0][c], y_two = b.p.y[CHANNELS + c] - b.p.y[c];
        assert_close(y_two, two / sqrt((double)(var / pixels) + 1e-5), 1e-5);
        assert_close(b.p.running[b.l->running_mean + c], 0.9 * old_mean + 0.1 * (double)mean, 1e-7);
        assert_close(b.p.running[b.l->running_var + c], 0.9 * old_var + 0.1 * (double)(var / (pixels - 1)), 1e-7);
    }
    bench other = b;
    run(&other, team, 0);
    same(b.p.y, other.p.y, b.out);
    same(b.p.running, other.p.running, b.m->state);
    same(b.p.dx[0], other.p.dx[0], b.in[0]);
    same(b.p.rdx[0], other.p.rdx[0], b.in[0]);
    clear_pass(&other);
    clear(&b);
}

static void batch_norm__a_constant_channel_and_a_single_pixel(void **state)
{
    (void)state;
    bench b = set_up(batch_norm, (sl_shape){3, 3, 2}, 4, true);
    for (size_t i = 0; i < b.in[0]; i++) b.x[0][i] = i % 2 ? 0.1f : b.x[0][i];
    run(&b, NULL, 0);
    for (size_t i = 1; i < b.out; i += 2) assert_near(b.p.y[i], b.state[b.l->bias + 1], 0);
    assert_close(b.p.running[b.l->running_var + 1], 0.9 * (double)b.state[b.l->running_var + 1], 1e-7);
    clear(&b);
    b = set_up(batch_norm, (sl_shape){1, 1, 2}, 1, true); /* its variance counts as 0, unbiased too */
    run(&b, NULL, 0);
    for (size_t c = 0; c < 2; c++) {
        assert_near(b.p.y[c], b.state[b.l->bias + c], 0);
        assert_close(b.p.running[b.l->running_var + c], 0.9 * (double)b.state[b.l->running_var + c], 1e-7);
        assert_near(b.p.dx[0][c], 0, 0);
    }
    clear(&b);
}

/* Evaluation reads the running statistics, and nothing writes them where none are to be written. */
static void batch_norm__leaves_running_statistics_alone(void **state)
{
    (void)state;
    bench b = set_up(batch_norm, (sl_shape){3, 3, 2}, 4, false);
    run(&b, NULL, 0);
    same(b.p.running, b.state, b.m->state);
    free(b.p.running);
    b.p.running = NULL;
    b.p.mode.train = true;
    float *const before = copied(b.state, b.m->state);
    b.l->kind->forward(&b.p);
    same(b.state, before, b.m->state);
    free(before);
    clear(&b);
}

/* ---- what is not a number ---- */

static void kinds__a_nan_comes_through(void **state)
{
    (void)state;
    const builder_of_layer kinds[] = {batch_norm, add, concat, flatten, shortcut, max_pool_2, max_pool_3, avg_pool_3,
                                      global_avg, adaptive_avg, dropout, relu};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        bench b = set_up(kinds[k], (sl_shape){4, 4, 5}, 2, true);
        for (size_t at = 0; at < 5; at++) { /* channels of the first pixel, which every layer looks at */
            const float was = b.x[0][at];
            b.x[0][at] = NAN;
            run(&b, NULL, 0);
            bool seen = false;
            for (size_t i = 0; i < b.out; i++) seen |= isnan(b.p.y[i]) != 0;
            if (!seen) fail_msg("%s lost a NaN", b.l->kind->name);
            clear_pass(&b);
            b.x[0][at] = was;
        }
        run(&b, NULL, 0);
        clear(&b);
    }
}

/* By hand, one window: where the largest is, the gradient goes. */
static void max_pool__first_of_equals_and_nan(void **state)
{
    (void)state;
    const float n = NAN, inf = INFINITY;
    const float windows[][4] = {{1, 3, 3, 2}, {7, 7, 7, 7}, {-inf, -inf, -inf, -inf}, {1, n, 5, 2}, {n, 5, 6, 7}, {-3, -2, -1, inf}};
    const size_t winner[] = {1, 0, 0, 1, 0, 3};
    bench b = set_up(max_pool_2, (sl_shape){2, 2, 1}, 1, true);
    for (size_t k = 0; k < sizeof winner / sizeof *winner; k++) {
        memcpy(b.x[0], windows[k], sizeof windows[k]);
        run(&b, NULL, 0);
        assert_true(memcmp(b.p.y, &windows[k][winner[k]], sizeof(float)) == 0);
        for (size_t i = 0; i < 4; i++) assert_near(b.p.dx[0][i], i == winner[k] ? (double)b.dy[0] : 0, 0);
        if (k < 5) clear_pass(&b);
    }
    clear(&b);
}

/* ---- dropout's masks ---- */

/* 2^17 draws at p = 0.3: the fraction dropped within 5 standard errors (false alarm 6e-7); another seed, step or layer
 * has another mask, whose agreement with the first is that of independent ones. */
static void dropout__masks(void **state)
{
    (void)state;
    enum { SIDE = 64, CHANNELS = 16, N = 2 * SIDE * SIDE * CHANNELS };
    bench b = set_up(dropout, (sl_shape){SIDE, SIDE, CHANNELS}, 2, true);
    for (size_t i = 0; i < b.in[0]; i++) b.x[0][i] = 1;
    float *first = NULL;
    for (int k = 0; k < 5; k++) {
        b.mode = (sl_mode){.train = true, .seed = 3 + (k == 1), .step = 5 + (k == 2)};
        b.index = 1 + (k == 3);
        run(&b, k == 4 ? team : NULL, 0);
        double dropped = 0, agree = 0;
        for (size_t i = 0; i < N; i++) {
            assert_true(b.p.y[i] == 0 || fabs((double)b.p.y[i] - 1 / 0.7) < 1e-6);
            dropped += b.p.y[i] == 0;
            agree += first && (b.p.y[i] == 0) == (first[i] == 0);
        }
        assert_near(dropped / N, 0.3, 5 * sqrt(0.3 * 0.7 / N));
        if (k == 4) assert_near(agree / N, 1, 0);
        else if (k > 0) assert_near(agree / N, 0.58, 5 * sqrt(0.58 * 0.42 / N));
        if (!first) first = copied(b.p.y, N);
        if (k < 4) clear_pass(&b);
    }
    free(first);
    clear(&b);
}

static size_t dropout_0(sl_builder *b)
{
    return sl_build_dropout(b, 0, 0);
}

static size_t dropout_1(sl_builder *b)
{
    return sl_build_dropout(b, 0, nextafter(1, 0));
}

static void dropout__extreme_probabilities(void **state)
{
    (void)state;
    bench b = set_up(dropout_0, (sl_shape){8, 8, 3}, 2, true);
    run(&b, NULL, 0);
    same(b.p.y, b.x[0], b.out);
    clear(&b);
    b = set_up(dropout_1, (sl_shape){8, 8, 3}, 2, true);
    run(&b, NULL, 0);
    for (size_t i = 0; i < b.out; i++) assert_near(b.p.y[i], 0, 0);
    clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_norm__equals_its_definition),
        cmocka_unit_test(elementwise__equal_their_definitions),
        cmocka_unit_test(shortcut__equals_its_definition),
        cmocka_unit_test(max_pool__equals_its_definition),
        cmocka_unit_test(averages__equal_their_definitions),
        cmocka_unit_test(dropout__equals_its_definition),
        cmocka_unit_test(batch_norm__statistics_of_a_million_pixels),
        cmocka_unit_test(batch_norm__a_constant_channel_and_a_single_pixel),
        cmocka_unit_test(batch_norm__leaves_running_statistics_alone),
        cmocka_unit_test(kinds__a_nan_comes_through),
        cmocka_unit_test(max_pool__first_of_equals_and_nan),
        cmocka_unit_test(dropout__masks),
        cmocka_unit_test(dropout__extreme_probabilities),
    };
    return cmocka_run_group_tests(tests, make_team, free_team);
}
