#include "sim/observer.h"

#include <math.h>
#include <string.h>

#include "base/kernel.h"
#include "sim/observe_kernel.h"

size_t sl_slot_size(const sl_plan *p)
{
    return SL_TALLY_SIZE(p->observables) + (size_t)p->rows * SL_TALLY_SIZE(p->row) + SL_TALLY_SIZE(p->averaged);
}

void sl_slot_bind(sl_slot *s, const sl_plan *p, double *memory)
{
    memset(memory, 0, sl_slot_size(p) * sizeof *memory);
    *s = (sl_slot){.moments = {p->observables, memory}, .series = memory + SL_TALLY_SIZE(p->observables)};
    s->end = (sl_tally){p->averaged, s->series + (size_t)p->rows * SL_TALLY_SIZE(p->row)};
}

static sl_tally row_of(const sl_slot *s, const sl_plan *p, uint64_t row)
{
    return (sl_tally){p->row, s->series + row * SL_TALLY_SIZE(p->row)};
}

void sl_slot_merge(sl_slot *s, const sl_plan *p, const sl_slot *other)
{
    sl_tally_merge(s->moments, other->moments);
    for (uint64_t r = 0; r < p->rows; r++) sl_tally_merge(row_of(s, p, r), row_of(other, p, r));
    if (p->averaged > 0) sl_tally_merge(s->end, other->end);
    s->killed += other->killed;
    s->samples += other->samples;
    s->updates += other->updates;
}

static size_t mean_size(const sl_plan *p)
{
    return p->averaged > 0 ? p->dim * p->block : 0;
}

static size_t counts_size(const sl_plan *p)
{
    return p->bins > 0 ? SL_HISTOGRAM_GROUPS * (p->bins + 1) : 0;
}

/* Every part is a multiple of 64 bytes, so all stay aligned. */
size_t sl_observer_size(const sl_plan *p)
{
    return p->block * (2 * p->observables + 4 + p->row + 1) + mean_size(p) + counts_size(p);
}

void sl_observer_bind(sl_observer *ob, const sl_plan *p, double *memory)
{
    const size_t B = p->block, all = p->observables * B;
    *ob = (sl_observer){.plan = p, .sums = memory, .frozen = memory + all};
    memory += 2 * all;
    ob->living = memory;
    ob->weight = memory + B;
    ob->value = memory + 2 * B;
    ob->trace = memory + 3 * B;
    ob->row = memory + 4 * B;
    memory += (4 + p->row) * B;
    ob->mean = memory;
    memory += mean_size(p);
    ob->bin = (int32_t *)memory;
    ob->counts = (uint64_t *)(memory + B);
    memset(ob->counts, 0, counts_size(p) * sizeof *ob->counts);
}

static double *coordinate_sums(const sl_observer *ob, size_t d, size_t which, size_t B)
{
    return ob->sums + (SL_OB_COORDINATES + SL_OB_EACH * d + which) * B;
}

static void open_unit(sl_observer *ob, const sl_block *b)
{
    memset(ob->sums, 0, ob->plan->observables * b->B * sizeof *ob->sums);
    const bool weighted = ob->plan->dynamics->weighted; /* then they add up sample by sample */
    for (size_t i = 0; i < b->B; i++) ob->weight[i] = weighted ? 0 : ob->living[i];
    ob->taken = 0;
}

void sl_observer_begin(sl_observer *ob, const sl_block *b)
{
    for (size_t i = 0; i < b->B; i++) ob->living[i] = i < b->n;
    ob->alive = b->n;
    ob->seen = ob->units = 0;
    memset(ob->mean, 0, mean_size(ob->plan) * sizeof *ob->mean);
    open_unit(ob, b);
}

/* Not relaxed floating point: a NaN is out of bounds too. */
SL_KERNEL static int any_outside(size_t B, const double *x, double radius)
{
    int any = 0;
#pragma omp simd reduction(| : any)
    for (size_t i = 0; i < B; i++) any |= !(fabs(x[i]) <= radius);
    return any;
}

/* With a kill radius its samples until now count. Without one it was on its way to infinity, for steps that are not
 * known, and its unit is left out. */
static void freeze(sl_observer *ob, size_t i, size_t B, sl_slot *s)
{
    const bool counts = ob->plan->dynamics->ensemble->kill_radius > 0;
    for (size_t j = 0; j < ob->plan->observables; j++) ob->frozen[j * B + i] = counts ? ob->sums[j * B + i] : 0;
    if (!counts) ob->weight[i] = 0;
    else if (!ob->plan->dynamics->weighted) ob->weight[i] = (double)ob->taken / (double)ob->plan->unit;
    if (!counts) s->samples -= ob->taken;
    ob->living[i] = 0;
    ob->alive--;
}

void sl_observer_kill(sl_observer *ob, sl_block *b, double radius, sl_slot *s)
{
    const size_t B = b->B, dim = ob->plan->dim;
    if (!any_outside(dim * B, b->x, radius)) return;
    const sl_dynamics *dynamics = ob->plan->dynamics;
    const double *start = dynamics->ensemble->start ? dynamics->ensemble->start : dynamics->loss->start;
    for (size_t i = 0; i < B; i++) {
        bool outside = false;
        for (size_t d = 0; d < dim; d++) outside |= !(fabs(b->x[d * B + i]) <= radius);
        if (!outside) continue;
        if (ob->living[i] > 0) {
            freeze(ob, i, B, s);
            s->killed++;
        }
        for (size_t d = 0; d < dim; d++) b->x[d * B + i] = start[d], b->v[d * B + i] = 0;
    }
    dynamics->loss->kind->gradient(dynamics->loss, B, B, b->x, b->g);
}

/* The unit's sums over its planned number of samples become one observation a lane. */
static void close_unit(sl_observer *ob, const sl_block *b, sl_slot *s)
{
    const size_t B = b->B, dim = ob->plan->dim;
    double *equipartition = ob->sums + SL_OB_EQUIPARTITION * B, *kinetic = ob->sums + SL_OB_KINETIC * B;
    for (size_t i = 0; i < b->n && ob->alive < b->n; i++)
        for (size_t j = 0; ob->living[i] == 0 && j < ob->plan->observables; j++)
            ob->sums[j * B + i] = ob->frozen[j * B + i];
    const double scale = 1 / (double)ob->plan->unit;
    for (size_t k = 0; k < ob->plan->observables * B; k++) ob->sums[k] *= scale;
    for (size_t d = 0; d < dim; d++) {
        const double *xg = coordinate_sums(ob, d, SL_OB_XG, B), *v2 = coordinate_sums(ob, d, SL_OB_V2, B);
        for (size_t i = 0; i < B; i++) {
            equipartition[i] += xg[i] / (double)dim;
            kinetic[i] += v2[i] / (double)dim;
        }
    }
    sl_tally_add(s->moments, b->n, ob->weight, ob->sums, B);
    ob->units++;
}

/* What the lanes' samples weigh, killed ones nothing. */
static void add_weights(sl_observer *ob, const sl_block *b)
{
    const double scale = 1 / (double)ob->plan->unit;
    for (size_t i = 0; i < b->B; i++) ob->weight[i] += ob->living[i] > 0 ? scale * b->rate[i] : 0;
}

static void add_values(const sl_observer *ob, const sl_block *b, const double *y, double *sum)
{
    if (ob->plan->dynamics->weighted)
        sl_observe_add_weighted(b->B, b->rate, y, sum);
    else
        sl_observe_add(b->B, y, sum);
}

/* Histogram groups are what the errors come from: 64 groups of replicas, or the batches of a lone one. */
static void count(sl_observer *ob, const sl_block *b)
{
    const sl_histogram_spec *h = &ob->plan->dynamics->ensemble->histogram;
    const size_t bins = ob->plan->bins, lone = ob->plan->dynamics->ensemble->replicas == 1;
    sl_observe_bins(b->B, b->x, h->lo, (double)bins / (h->hi - h->lo), ob->plan->dynamics->loss->kind->period,
                    (int32_t)bins, ob->bin);
    for (size_t i = 0; i < b->n; i++) {
        if (ob->living[i] == 0) continue;
        const size_t group = (lone ? (size_t)ob->units : i) % SL_HISTOGRAM_GROUPS;
        ob->counts[group * (bins + 1) + (size_t)ob->bin[i]]++;
    }
}

void sl_observer_sample(sl_observer *ob, const sl_block *b, sl_slot *s)
{
    if (ob->seen++ < ob->plan->skip) return;
    const size_t B = b->B;
    const sl_loss *loss = ob->plan->dynamics->loss;
    if (ob->plan->dynamics->no_gradient) loss->kind->gradient(loss, B, B, b->x, b->g);
    double *gradient2 = ob->sums + SL_OB_GRADIENT2 * B;
    for (size_t d = 0; d < ob->plan->dim; d++) {
        const double *x = b->x + d * B, *v = b->v + d * B, *g = b->g + d * B;
        double *sums = coordinate_sums(ob, d, 0, B);
        if (ob->plan->dynamics->weighted)
            sl_observe_weighted(B, b->rate, x, ob->plan->dynamics->velocity ? v : NULL, g, sums, gradient2);
        else if (ob->plan->dynamics->velocity)
            sl_observe_moments(B, x, v, g, sums, gradient2);
        else
            sl_observe_positions(B, x, g, sums, gradient2);
    }
    loss->kind->value(loss, B, B, b->x, ob->value);
    add_values(ob, b, ob->value, ob->sums + SL_OB_LOSS * B);
    if (loss->kind->laplacian) {
        loss->kind->laplacian(loss, B, B, b->x, ob->trace);
        add_values(ob, b, ob->trace, ob->sums + SL_OB_LAPLACIAN * B);
    }
    if (ob->plan->bins > 0) count(ob, b);
    if (ob->plan->dynamics->weighted) add_weights(ob, b);
    s->samples += ob->alive;
    if (++ob->taken == ob->plan->unit) {
        close_unit(ob, b, s);
        open_unit(ob, b);
    }
}

void sl_observer_row(sl_observer *ob, const sl_block *b, uint64_t row, sl_slot *s)
{
    const size_t B = b->B, dim = ob->plan->dim;
    const sl_loss *loss = ob->plan->dynamics->loss;
    memset(ob->row, 0, 2 * B * sizeof *ob->row);
    for (size_t d = 0; d < dim; d++) {
        sl_observe_add_squares(B, b->x + d * B, 1 / (double)dim, ob->row + SL_ROW_X2 * B);
        sl_observe_add_squares(B, b->v + d * B, 1 / (double)dim, ob->row + SL_ROW_V2 * B);
    }
    loss->kind->value(loss, B, B, b->x, ob->row + SL_ROW_LOSS * B);
    if (ob->plan->dynamics->rated) {
        memcpy(ob->row + SL_ROW_RATE * B, b->rate, B * sizeof *ob->row);
        memset(ob->row + SL_ROW_GRADIENT2 * B, 0, B * sizeof *ob->row);
        if (ob->plan->dynamics->no_gradient) loss->kind->gradient(loss, B, B, b->x, b->g);
        for (size_t d = 0; d < dim; d++) sl_observe_add_squares(B, b->g + d * B, 1, ob->row + SL_ROW_GRADIENT2 * B);
    }
    double *const weight = ob->value; /* scratch by now */
    for (size_t i = 0; i < B; i++)
        weight[i] = ob->living[i] > 0 ? ob->plan->dynamics->weighted ? b->rate[i] : 1 : 0;
    for (size_t j = 0; j < ob->plan->row; j++)
        for (size_t i = 0; i < B; i++) ob->row[j * B + i] *= weight[i];
    sl_tally_add(row_of(s, ob->plan, row), b->n, weight, ob->row, B);
}

void sl_observer_average(sl_observer *ob, const sl_block *b)
{
    sl_observe_add(ob->plan->dim * b->B, b->x, ob->mean);
}

/* The losses of the last state and of the mean, of the replicas that are there to the end. */
static void end_averages(sl_observer *ob, const sl_block *b, sl_slot *s)
{
    const size_t B = b->B;
    const sl_loss *const loss = ob->plan->dynamics->loss;
    double *const f = ob->row; /* scratch, of more rows than two */
    const double scale = 1 / (double)ob->plan->dynamics->ensemble->mean_of;
    for (size_t i = 0; i < ob->plan->dim * B; i++) ob->mean[i] *= scale;
    loss->kind->value(loss, B, B, b->x, f + SL_END_LAST * B);
    loss->kind->value(loss, B, B, ob->mean, f + SL_END_AVERAGE * B);
    for (size_t i = 0; i < b->n; i++)
        if (ob->living[i] == 0) f[SL_END_LAST * B + i] = f[SL_END_AVERAGE * B + i] = 0;
    sl_tally_add(s->end, b->n, ob->living, f, B);
}

void sl_observer_end(sl_observer *ob, const sl_block *b, sl_slot *s)
{
    if (ob->plan->averaged > 0) end_averages(ob, b, s);
    /* Only a block whose last replica was killed ends within a unit. */
    if (ob->alive == 0 && (ob->taken > 0 || ob->units == 0)) close_unit(ob, b, s);
}
