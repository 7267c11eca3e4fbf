#include "sim/escape/lanes.h"

#include <stdlib.h>
#include <string.h>

enum { GROUP = SL_LANE_GROUP };

static size_t whole_groups(size_t n)
{
    return (n + GROUP - 1) / GROUP * GROUP;
}

/* Four arrays of coordinates and two of scratch, in doubles. */
static size_t block_size(size_t dim, size_t B)
{
    return (4 * dim + 2) * B;
}

static void bind(sl_block *b, size_t dim, size_t B, double *memory, sl_scatter *scatter)
{
    const size_t all = dim * B;
    *b = (sl_block){.n = B, .B = B, .scatter = scatter, .x = memory, .v = memory + all, .g = memory + 2 * all};
    b->kept = memory + 3 * all;
    b->noise = memory + 4 * all;
    b->rate = b->noise + B;
}

sl_status sl_lanes_init(sl_lanes *l, const sl_dynamics *dynamics, size_t capacity, const double *park, sl_err *err)
{
    const size_t dim = dynamics->loss->dim, each = block_size(dim, capacity);
    *l = (sl_lanes){.dynamics = dynamics, .dim = dim, .capacity = capacity};
    l->memory = aligned_alloc(64, 2 * each * sizeof *l->memory);
    l->living = calloc(capacity, sizeof *l->living);
    l->idle = calloc(capacity, sizeof *l->idle);
    l->park = calloc(2 * dim, sizeof *l->park);
    sl_status st = SL_OK;
    if (!l->memory || !l->living || !l->idle || !l->park)
        st = sl_fail(err, SL_E_MEMORY, "no memory for a block of %zu lanes of %zu coordinates", capacity, dim);
    if (st == SL_OK) st = sl_scatter_init(&l->scatter, capacity, err);
    if (st == SL_OK) st = sl_scatter_init(&l->young_scatter, capacity, err);
    if (st != SL_OK) {
        sl_lanes_clear(l);
        return st;
    }
    memset(l->memory, 0, 2 * each * sizeof *l->memory);
    bind(&l->block, dim, capacity, l->memory, &l->scatter);
    bind(&l->young, dim, capacity, l->memory + each, &l->young_scatter);
    memcpy(l->park, park, dim * sizeof *park);
    sl_loss_gradient(dynamics->loss, l->park, l->park + dim);
    sl_lanes_empty(l);
    return SL_OK;
}

void sl_lanes_clear(sl_lanes *l)
{
    sl_scatter_clear(&l->scatter);
    sl_scatter_clear(&l->young_scatter);
    free(l->memory), free(l->living), free(l->idle), free(l->park);
    *l = (sl_lanes){0};
}

void sl_lanes_park(sl_lanes *l, size_t lane)
{
    sl_block *b = &l->block;
    for (size_t d = 0; d < l->dim; d++) {
        const size_t at = d * b->B + lane;
        b->x[at] = l->park[d], b->g[at] = l->park[l->dim + d], b->v[at] = b->kept[at] = 0;
    }
}

void sl_lanes_empty(sl_lanes *l)
{
    bind(&l->block, l->dim, l->capacity, l->block.x, &l->scatter);
    l->alive = 0, l->k = 0;
    for (size_t i = 0; i < l->capacity; i++) {
        l->living[i] = false, l->idle[i] = l->capacity - 1 - i; /* taken from the end: in order */
        l->scatter.lane[i] = l->scatter.since[i] = 0;
        sl_lanes_park(l, i);
    }
    sl_scatter_renew(&l->scatter);
}

/* Sets up the young block: state, gradient and what the scheme keeps, at age 0. */
static void set_up(sl_lanes *l, uint64_t first, size_t n, const double *x, const double *v)
{
    const sl_dynamics *dynamics = l->dynamics;
    const sl_ensemble *e = dynamics->ensemble;
    const sl_loss *loss = dynamics->loss;
    const double *start = e->start ? e->start : loss->start;
    sl_block *b = &l->young;
    bind(b, l->dim, whole_groups(n), b->x, &l->young_scatter);
    for (size_t i = 0; i < b->B; i++) l->young_scatter.lane[i] = first + (i < n ? i : 0);
    sl_scatter_renew(&l->young_scatter);
    memset(b->v, 0, l->dim * b->B * sizeof *b->v);
    for (size_t d = 0; d < l->dim; d++) {
        double *xd = b->x + d * b->B, *vd = b->v + d * b->B;
        if (x) {
            for (size_t i = 0; i < b->B; i++) xd[i] = x[(first + (i < n ? i : 0)) * l->dim + d];
            for (size_t i = 0; v && i < n; i++) vd[i] = v[(first + i) * l->dim + d];
            continue;
        }
        if (e->start_spread > 0)
            sl_block_normals(b, e, SL_PURPOSE_START, d, 0, e->start_spread, xd);
        else
            memset(xd, 0, b->B * sizeof *xd);
        for (size_t i = 0; i < b->B; i++) xd[i] += start[d];
    }
    if (loss->kind->project) loss->kind->project(loss, b->B, b->B, b->x);
    loss->kind->gradient(loss, b->B, b->B, b->x, b->g);
    if (dynamics->begin) dynamics->begin(dynamics->dynamics, b);
    if (l->young_scatter.failed) l->scatter.failed = true;
}

void sl_lanes_fill(sl_lanes *l, uint64_t first, size_t n, const double *x, const double *v, size_t *lanes)
{
    set_up(l, first, n, x, v);
    const sl_block *from = &l->young;
    sl_block *to = &l->block;
    for (size_t i = 0; i < n; i++) {
        const size_t lane = lanes[i] = l->idle[to->B - l->alive - 1];
        for (size_t d = 0; d < l->dim; d++) {
            const size_t a = d * to->B + lane, b = d * from->B + i;
            to->x[a] = from->x[b], to->v[a] = from->v[b], to->g[a] = from->g[b], to->kept[a] = from->kept[b];
        }
        l->scatter.lane[lane] = first + i;
        l->scatter.since[lane] = l->k;
        l->living[lane] = true;
        l->alive++;
    }
    sl_scatter_renew(&l->scatter);
}

void sl_lanes_step(sl_lanes *l)
{
    l->dynamics->step(l->dynamics->dynamics, &l->block, l->k++);
}

void sl_lanes_retire(sl_lanes *l, size_t lane)
{
    sl_lanes_park(l, lane);
    l->living[lane] = false;
    l->alive--;
    l->idle[l->block.B - l->alive - 1] = lane;
}

/* Rows of B become rows of fewer, in place: every value moves towards the front, so none is overwritten unread. */
static void gather(double *array, size_t dim, size_t B, size_t fewer, const size_t *source)
{
    for (size_t d = 0; d < dim; d++)
        for (size_t i = 0; i < fewer; i++) array[d * fewer + i] = array[d * B + source[i]];
}

void sl_lanes_close_ranks(sl_lanes *l)
{
    sl_block *b = &l->block;
    const size_t B = b->B, fewer = whole_groups(l->alive);
    if (fewer == B) return;
    /* Which lane goes where: those alive in order, then whatever is there, as idle lanes. */
    size_t *const source = l->idle, n = l->alive;
    size_t found = 0;
    for (size_t i = 0; i < B; i++)
        if (l->living[i]) source[found++] = i;
    for (size_t i = n; i < fewer; i++) source[i] = i;
    double *const arrays[] = {b->x, b->v, b->g, b->kept};
    for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++) gather(arrays[a], l->dim, B, fewer, source);
    for (size_t i = 0; i < fewer; i++) {
        l->scatter.lane[i] = l->scatter.lane[source[i]];
        l->scatter.since[i] = l->scatter.since[source[i]];
    }
    for (size_t i = 0; i < B; i++) l->living[i] = i < n;
    for (size_t i = n; i < fewer; i++) l->idle[fewer - 1 - i] = i;
    b->B = b->n = fewer;
    sl_scatter_renew(&l->scatter);
}
