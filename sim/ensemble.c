#define _GNU_SOURCE
#include "sim/ensemble.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parallel.h"
#include "sim/observer.h"

/* Steps between looks at the wish to stop: about a millisecond. */
enum { POLL = 1024 };

/* Steps between looks for runaways when nobody watches. */
enum { IDLE = 32 };

/* Slots of finished blocks that wait to be merged take about this much memory. */
static const size_t SLOT_BYTES = (size_t)64 << 20;
enum { FEWEST_SLOTS = 4, MOST_SLOTS = 256 };

static const uint64_t MOST_REPLICAS = (uint64_t)1 << 34, MOST_STEPS = (uint64_t)1 << 48; /* of base/random.h */
enum { MOST_EXPERIMENTS = 1 << 16, MOST_BINS = 1 << 20 };

sl_draw sl_ensemble_draw(const sl_ensemble *e, sl_purpose purpose, size_t d, uint64_t k)
{
    return (sl_draw){.seed = e->seed, .step = k, .sub = e->experiment << 16 | (uint32_t)d, .purpose = purpose};
}

static sl_status check_start(const sl_ensemble *e, const sl_loss *loss, sl_err *err)
{
    const double *start = e->start ? e->start : loss->start;
    const double radius = e->kill_radius > 0 ? e->kill_radius : SL_FARTHEST;
    for (size_t d = 0; d < loss->dim; d++) {
        if (!isfinite(start[d])) return sl_fail(err, SL_E_DOMAIN, "start: x[%zu] = %g must be finite", d, start[d]);
        if (fabs(start[d]) > radius)
            return sl_fail(err, SL_E_DOMAIN, "start: x[%zu] = %g lies beyond the kill radius %g", d, start[d], radius);
    }
    return SL_OK;
}

/* Each test is written so that a NaN is refused too. */
sl_status sl_ensemble_check(const sl_ensemble *e, const sl_loss *loss, sl_err *err)
{
    if (!loss->kind) return sl_fail(err, SL_E_DOMAIN, "the ensemble has no loss");
    if (!(e->replicas >= 1 && e->replicas <= MOST_REPLICAS))
        return sl_fail(err, SL_E_DOMAIN, "replicas = %llu, need 1 <= replicas <= 2^34",
                       (unsigned long long)e->replicas);
    if (!(e->steps >= 1 && e->steps < MOST_STEPS))
        return sl_fail(err, SL_E_DOMAIN, "steps = %llu, need 1 <= steps < 2^48", (unsigned long long)e->steps);
    if (!(e->burn_in < MOST_STEPS - e->steps))
        return sl_fail(err, SL_E_DOMAIN, "burn-in = %llu, need burn-in + steps < 2^48", (unsigned long long)e->burn_in);
    if (!(e->experiment < MOST_EXPERIMENTS))
        return sl_fail(err, SL_E_DOMAIN, "experiment = %u, need experiment < %d", e->experiment, MOST_EXPERIMENTS);
    if (!(e->sample_every <= e->steps))
        return sl_fail(err, SL_E_DOMAIN, "sample_every = %llu, need sample_every <= steps = %llu",
                       (unsigned long long)e->sample_every, (unsigned long long)e->steps);
    if (!(e->mean_of <= e->burn_in + e->steps))
        return sl_fail(err, SL_E_DOMAIN, "mean of %llu states, need at most burn-in + steps = %llu",
                       (unsigned long long)e->mean_of, (unsigned long long)(e->burn_in + e->steps));
    if (!(e->start_spread >= 0 && isfinite(e->start_spread)))
        return sl_fail(err, SL_E_DOMAIN, "start spread = %g, need 0 <= spread < inf", e->start_spread);
    if (!(e->kill_radius >= 0)) return sl_fail(err, SL_E_DOMAIN, "kill radius = %g, need radius >= 0", e->kill_radius);
    const sl_histogram_spec *h = &e->histogram;
    if (h->bins > MOST_BINS)
        return sl_fail(err, SL_E_DOMAIN, "histogram: bins = %zu, need bins <= %d", h->bins, MOST_BINS);
    if (h->bins > 0 && !(h->lo < h->hi && isfinite(h->hi - h->lo)))
        return sl_fail(err, SL_E_DOMAIN, "histogram: range %g to %g, need lo < hi, both finite", h->lo, h->hi);
    if (h->bins > 0 && loss->kind->period > 0 && h->hi - h->lo > loss->kind->period * (1 + 1e-12))
        return sl_fail(err, SL_E_DOMAIN, "histogram: range %g to %g is longer than the period %g", h->lo, h->hi,
                       loss->kind->period);
    return check_start(e, loss, err);
}

/* Blocks are smaller when replicas are few, so that there is work for several cores; never dependent on how many. */
static sl_plan plan_of(const sl_dynamics *dynamics)
{
    const sl_ensemble *e = dynamics->ensemble;
    sl_plan p = {
        .dynamics = dynamics,
        .dim = dynamics->loss->dim,
        .observables = SL_OB_COORDINATES + SL_OB_EACH * dynamics->loss->dim,
        .total = e->burn_in + e->steps,
        .every = e->sample_every > 0          ? e->sample_every
                 : dynamics->every < e->steps ? dynamics->every
                                              : e->steps,
        .bins = e->histogram.bins,
        .averaged = e->mean_of > 0 ? SL_END_EACH : 0,
    };
    const uint64_t eighth = (e->replicas + 7) / 8;
    p.block = eighth < SL_BLOCK ? (size_t)(eighth + SL_LANE_GROUP - 1) / SL_LANE_GROUP * SL_LANE_GROUP : SL_BLOCK;
    p.blocks = (e->replicas + p.block - 1) / p.block;
    const uint64_t samples = e->steps / p.every;
    const uint64_t batch = samples < SL_BATCHES ? 1 : samples / SL_BATCHES;
    p.unit = e->replicas > 1 ? samples : batch;
    p.skip = samples % p.unit;
    p.rows = e->series_every > 0 ? p.total / e->series_every + 1 : 0;
    p.row = dynamics->rated ? SL_ROW_RATED : SL_ROW_EACH;
    return p;
}

/* A run under way. */
typedef struct {
    const sl_plan *plan;
    double radius;
    sl_block *block;       /* [workers] */
    sl_observer *observer; /* [workers] */
    sl_slot *slot;         /* [slots]   */
    double *slot_memory;
    uint64_t first_block; /* of this wave: block first_block + i goes into slot i */
    pthread_mutex_t lock; /* guards progress */
    uint64_t done, told;  /* polls finished; thousandths reported */
} run;

static void place(const run *r, sl_block *b, uint64_t block)
{
    const sl_plan *p = r->plan;
    const sl_ensemble *e = p->dynamics->ensemble;
    const sl_loss *loss = p->dynamics->loss;
    const double *start = e->start ? e->start : loss->start;
    b->B = p->block;
    b->first = block * p->block;
    b->n = e->replicas - b->first < p->block ? (size_t)(e->replicas - b->first) : p->block;
    for (size_t d = 0; d < p->dim; d++) {
        double *x = b->x + d * b->B;
        const sl_draw draw = sl_ensemble_draw(e, SL_PURPOSE_START, d, 0);
        if (e->start_spread > 0)
            sl_random_normals(x, b->B, b->first, e->start_spread, &draw);
        else
            memset(x, 0, b->B * sizeof *x);
        for (size_t i = 0; i < b->B; i++) x[i] += start[d];
    }
    if (loss->kind->project) loss->kind->project(loss, b->B, b->B, b->x);
    memset(b->v, 0, p->dim * b->B * sizeof *b->v);
    loss->kind->gradient(loss, b->B, b->B, b->x, b->g);
    if (p->dynamics->begin) p->dynamics->begin(p->dynamics->dynamics, b);
}

static void tell(run *r, uint64_t polls)
{
    const sl_ensemble *e = r->plan->dynamics->ensemble;
    if (!e->progress) return;
    pthread_mutex_lock(&r->lock);
    r->done += polls;
    const double all = (double)r->plan->blocks * (double)(r->plan->total / POLL + 1), fraction = (double)r->done / all;
    if ((uint64_t)(1000 * fraction) > r->told) {
        r->told = (uint64_t)(1000 * fraction);
        e->progress(e->progress_ctx, fraction);
    }
    pthread_mutex_unlock(&r->lock);
}

/* State k is that after k updates: killed, recorded, sampled, then updated. With a kill radius every state is looked
 * at; without, a trajectory that runs off only grows, and it is enough to catch it before it is sampled. */
static sl_status run_block(void *ctx, size_t i, int worker, sl_err *err)
{
    run *r = ctx;
    const sl_plan *p = r->plan;
    const sl_dynamics *dynamics = p->dynamics;
    const uint64_t burn_in = dynamics->ensemble->burn_in, series_every = dynamics->ensemble->series_every;
    const bool killing = dynamics->ensemble->kill_radius > 0;
    sl_block *b = &r->block[worker];
    sl_observer *ob = &r->observer[worker];
    sl_slot *s = &r->slot[i];
    sl_slot_bind(s, p, r->slot_memory + i * sl_slot_size(p));
    place(r, b, r->first_block + i);
    sl_observer_begin(ob, b);
    uint64_t k = 0, told = 0;
    for (;; k++) {
        const bool row = series_every > 0 && k % series_every == 0;
        const bool sample = k > burn_in && (k - burn_in) % p->every == 0;
        if (killing || row || sample || k % IDLE == 0 || k == p->total) sl_observer_kill(ob, b, r->radius, s);
        if (ob->alive == 0) break;
        if (row) sl_observer_row(ob, b, k / series_every, s);
        if (sample) sl_observer_sample(ob, b, s);
        if (k == p->total) break;
        if (p->averaged > 0 && p->total - k <= dynamics->ensemble->mean_of) sl_observer_average(ob, b);
        if (k % POLL == 0) {
            if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "the ensemble was interrupted");
            if (k > 0) tell(r, 1), told++;
        }
        dynamics->step(dynamics->dynamics, b, k);
    }
    sl_observer_end(ob, b, s);
    s->updates = (double)b->n * (double)k;
    tell(r, p->total / POLL + 1 - told);
    return SL_OK;
}

static size_t block_size(const sl_plan *p)
{
    return p->block * (4 * p->dim + 2);
}

/* Bytes of a block's extra memory. */
static double extra_bytes(const sl_plan *p)
{
    const sl_dynamics *const d = p->dynamics;
    return d->extra_bytes ? d->extra_bytes(d->dynamics, p->block) : 0;
}

static void block_bind(sl_block *b, const sl_plan *p, double *memory)
{
    const size_t all = p->dim * p->block;
    *b = (sl_block){.x = memory, .v = memory + all, .g = memory + 2 * all, .kept = memory + 3 * all};
    b->noise = memory + 4 * all;
    b->rate = b->noise + p->block;
}

/* Runs all blocks in waves of as many as there are slots, and merges each wave in block order into *total, so that
 * neither threads nor waves show in the result. */
static sl_status run_blocks(run *r, sl_slot *total, size_t slots, int jobs, sl_err *err)
{
    const sl_plan *p = r->plan;
    for (r->first_block = 0; r->first_block < p->blocks; r->first_block += slots) {
        const uint64_t left = p->blocks - r->first_block;
        const size_t n = left < slots ? (size_t)left : slots;
        SL_TRY(sl_parallel(n, jobs, run_block, r, err));
        for (size_t i = 0; i < n; i++) sl_slot_merge(total, p, &r->slot[i]);
    }
    return SL_OK;
}

static void add_counts(run *r, size_t workers)
{
    const size_t n = SL_HISTOGRAM_GROUPS * (r->plan->bins + 1);
    for (size_t w = 1; w < workers && r->plan->bins > 0; w++)
        for (size_t i = 0; i < n; i++) r->observer[0].counts[i] += r->observer[w].counts[i];
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The answer stands, with a reservation if too many replicas were lost. */
static sl_status judge(const sl_observed *o, const sl_ensemble *e, double radius, sl_err *err)
{
    if (2 * o->killed <= e->replicas) return SL_OK;
    return sl_fail(err, SL_DIVERGED, "%llu of %llu replicas left |x| <= %g", (unsigned long long)o->killed,
                   (unsigned long long)e->replicas, radius);
}

sl_status sl_ensemble_run(sl_observed *o, const sl_dynamics *dynamics, sl_err *err)
{
    const double start = now();
    const sl_ensemble *e = dynamics->ensemble;
    SL_TRY(sl_ensemble_check(e, dynamics->loss, err));
    if (dynamics->weighted && e->histogram.bins > 0)
        return sl_fail(err, SL_E_CONFIG, "histogram: bins = %zu, need 0 where samples have unequal weights",
                       e->histogram.bins);
    const sl_plan plan = plan_of(dynamics), *p = &plan;
    const size_t slot_size = sl_slot_size(p);
    size_t slots = SLOT_BYTES / (slot_size * sizeof(double));
    slots = slots < FEWEST_SLOTS ? FEWEST_SLOTS : slots > MOST_SLOTS ? MOST_SLOTS : slots;
    if (slots > p->blocks) slots = (size_t)p->blocks;
    size_t workers = e->jobs > 0 ? (size_t)e->jobs : (size_t)sl_cores();
    if (workers > slots) workers = slots;

    run r = {.plan = p, .radius = e->kill_radius > 0 ? fmin(e->kill_radius, SL_FARTHEST) : SL_FARTHEST};
    const double more = ceil(extra_bytes(p) / 64) * 8; /* doubles, whole cache lines */
    if (!(more < 0x1p40)) return sl_fail(err, SL_E_MEMORY, "no memory for a regime in %zu coordinates", p->dim);
    const size_t extra = (size_t)more, own = block_size(p) + sl_observer_size(p), each = (own + 7) / 8 * 8 + extra;
    double *memory = aligned_alloc(64, workers * each * sizeof *memory);
    r.slot_memory = malloc((slots + 1) * slot_size * sizeof *r.slot_memory);
    r.block = calloc(workers, sizeof *r.block);
    r.observer = calloc(workers, sizeof *r.observer);
    r.slot = calloc(slots, sizeof *r.slot);
    sl_observed result = {0};
    sl_status st = SL_OK;
    if (!memory || !r.slot_memory || !r.block || !r.observer || !r.slot) {
        st = sl_fail(err, SL_E_MEMORY, "no memory for an ensemble of %zu coordinates, %zu bins and %llu rows", p->dim,
                     p->bins, (unsigned long long)p->rows);
        goto done;
    }
    for (size_t w = 0; w < workers; w++) {
        block_bind(&r.block[w], p, memory + w * each);
        sl_observer_bind(&r.observer[w], p, memory + w * each + block_size(p));
        r.block[w].extra = memory + (w + 1) * each - extra;
    }
    sl_slot total;
    sl_slot_bind(&total, p, r.slot_memory + slots * slot_size);
    pthread_mutex_init(&r.lock, NULL);
    st = run_blocks(&r, &total, slots, (int)workers, err);
    pthread_mutex_destroy(&r.lock);
    if (st != SL_OK) goto done;
    add_counts(&r, workers);
    st = sl_observed_fill(&result, p, &total, r.observer[0].counts, err);
    if (st != SL_OK) goto done;
    st = judge(&result, e, r.radius, err);
    result.seconds = now() - start;
done:
    if (st >= 0) *o = result;
    free(memory);
    free(r.slot_memory);
    free(r.block);
    free(r.observer);
    free(r.slot);
    return st;
}
