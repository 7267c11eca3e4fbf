/* Every kind of layer, alone, against its definition in double precision (tests/nets/reference.h) and central
 * differences of that. */
#include "tests/nets/one_layer.h"

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
    point q = {.state = doubles(b->state, NULL, b->m->state, 0),
               .dy = doubles(b->dy, b->rdy, b->out, a),
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
    for (size_t k = 0; k < b->inputs; k++)
        check_slopes(b, "dx", "rdx", b->p.dx[k], b->p.rdx[k], b->in[k], 0, (int)k, before);
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
    for (size_t k = 0; k < b->inputs; k++)
        check_slopes(b, "dx", "rdx without rx", NULL, b->p.rdx[k], b->in[k], 0, (int)k, 0);
    if (b->l->weight != SL_NONE)
        check_slopes(b, "", "R dw without rx", NULL, b->p.rgradient + b->l->weight, b->l->out.channels, b->l->weight,
                     -1, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_norm__equals_its_definition),
        cmocka_unit_test(elementwise__equal_their_definitions),
        cmocka_unit_test(shortcut__equals_its_definition),
        cmocka_unit_test(max_pool__equals_its_definition),
        cmocka_unit_test(averages__equal_their_definitions),
        cmocka_unit_test(dropout__equals_its_definition),
    };
    return cmocka_run_group_tests(tests, make_team, free_team);
}
