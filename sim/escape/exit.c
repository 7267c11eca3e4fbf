#include "sim/escape/exit.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "sim/escape/lanes.h"
#include "sim/escape/paths.h"
#include "sim/escape/region.h"

/* Lanes of a worker's block: what its cache holds. Where the rates change with time, blocks start together and only
 * shrink, so they start larger. */
enum { LANES = 1024, MOST_LANES = 4096, FEWEST_LANES = 128 };
static const size_t CACHE = (size_t)1 << 19;

/* Steps between looks at the wish to stop: about a millisecond. */
enum { POLL = 1024 };

/* Bytes of results that are asked for without looking first whether there are so many: looking takes longer than many
 * a run. */
static const double LITTLE = 64 << 20;

/* Without a kill radius: beyond this x^4 is soon not a number. */
static const double FARTHEST = 1e75;

/* A run under way: workers take replicas from a queue and write into what belongs to those. */
typedef struct {
    const sl_dynamics *dynamics;
    const sl_escape *how;
    sl_exits *e;
    sl_paths *paths; /* NULL: none asked for */
    uint64_t limit;
    double radius;  /* beyond it a replica is lost                                                           */
    bool far_often; /* somebody asked for it: looked at every step. Else now and then, as what runs off grows */
    size_t lanes;
    _Atomic uint64_t next; /* replica of the queue      */
    atomic_bool failed;    /* a worker gave up          */
    pthread_mutex_t lock;  /* guards progress           */
    uint64_t done, told;   /* replicas; thousandths     */
} run;

typedef struct {
    run *r;
    sl_lanes lanes;
    size_t *taken;      /* [lanes]: scratch                                       */
    uint64_t deadline;  /* the clock when the oldest replica may reach the limit  */
    uint64_t finished;  /* since progress was told                                */
    size_t followed;    /* lanes alive whose path is kept                         */
} worker;

/* ---- one replica ---- */

/* A state of a replica that is followed. */
static sl_status follow(worker *w, size_t lane, sl_err *err)
{
    const sl_lanes *l = &w->lanes;
    double x[SL_LOSS_MAX_DIM];
    sl_lanes_state(l, l->block.x, lane, x);
    return sl_paths_add(w->r->paths, l->scatter.lane[lane], sl_lanes_age(l, lane), x, err);
}

static bool followed(const worker *w, size_t lane)
{
    return w->lanes.scatter.lane[lane] < w->r->how->paths;
}

/* The replica of a lane has ended. */
static sl_status finish(worker *w, size_t lane, unsigned by, sl_err *err)
{
    sl_lanes *l = &w->lanes;
    sl_exits *e = w->r->e;
    const uint64_t replica = l->scatter.lane[lane], age = sl_lanes_age(l, lane);
    e->time[replica] = age;
    e->by[replica] = (uint8_t)by;
    if (e->x) sl_lanes_state(l, l->block.x, lane, e->x + replica * l->dim);
    if (e->v) sl_lanes_state(l, l->block.v, lane, e->v + replica * l->dim);
    if (followed(w, lane)) {
        w->followed--;
        SL_TRY(follow(w, lane, err));
    }
    sl_lanes_retire(l, lane);
    w->finished++;
    return SL_OK;
}

/* Where a state is: in a set, lost, or (SL_EXIT_CENSORED) neither. */
static unsigned where(const run *r, size_t dim, const double *x)
{
    const unsigned set = sl_region_which(&r->how->region, dim, x);
    if (set != SL_EXIT_CENSORED) return set;
    for (size_t d = 0; d < dim; d++)
        if (!(fabs(x[d]) <= r->radius)) return SL_EXIT_LOST;
    return SL_EXIT_CENSORED;
}

/* ---- a block ---- */

/* A lane that is out, lost, or an idle one that has strayed so far. */
static sl_status sort_out(worker *w, size_t lane, sl_err *err)
{
    sl_lanes *l = &w->lanes;
    if (!l->living[lane]) {
        sl_lanes_park(l, lane);
        return SL_OK;
    }
    double x[SL_LOSS_MAX_DIM];
    sl_lanes_state(l, l->block.x, lane, x);
    return finish(w, lane, where(w->r, l->dim, x), err);
}

static sl_status look(worker *w, sl_err *err)
{
    sl_block *b = &w->lanes.block;
    uint64_t suspect[MOST_LANES / SL_REGION_GROUP];
    const double radius = w->r->far_often || w->lanes.k % 4 == 0 ? w->r->radius : INFINITY;
    if (!sl_region_suspects(suspect, &w->r->how->region, w->lanes.dim, radius, b->B, b->x, b->noise)) return SL_OK;
    for (size_t j = 0; j < b->B / SL_REGION_GROUP; j++)
        for (uint64_t left = suspect[j]; left > 0; left &= left - 1)
            SL_TRY(sort_out(w, j * SL_REGION_GROUP + (size_t)__builtin_ctzll(left), err));
    return SL_OK;
}

/* Ends those that are at the limit. */
static sl_status censor(worker *w, sl_err *err)
{
    sl_lanes *l = &w->lanes;
    w->deadline = UINT64_MAX;
    for (size_t i = 0; i < l->block.B; i++) {
        if (!l->living[i]) continue;
        const uint64_t end = l->scatter.since[i] + w->r->limit;
        if (end <= l->k)
            SL_TRY(finish(w, i, SL_EXIT_CENSORED, err));
        else if (end < w->deadline)
            w->deadline = end;
    }
    return SL_OK;
}

static sl_status follow_all(worker *w, sl_err *err)
{
    const sl_lanes *l = &w->lanes;
    const uint64_t every = w->r->how->path_every > 0 ? w->r->how->path_every : 1;
    for (size_t i = 0; i < l->block.B; i++)
        if (l->living[i] && followed(w, i) && sl_lanes_age(l, i) % every == 0) SL_TRY(follow(w, i, err));
    return SL_OK;
}

static sl_status take(worker *w, sl_err *err)
{
    run *r = w->r;
    sl_lanes *l = &w->lanes;
    const uint64_t room = l->block.B - l->alive, replicas = r->e->replicas, first = atomic_fetch_add(&r->next, room);
    if (first >= replicas) return SL_OK;
    const size_t n = replicas - first < room ? (size_t)(replicas - first) : (size_t)room;
    sl_lanes_fill(l, first, n, r->how->x, r->how->v, w->taken);
    const uint64_t end = l->k + r->limit;
    if (end < w->deadline) w->deadline = end;
    const bool drawn = !r->how->x && r->dynamics->ensemble->start_spread > 0;
    for (size_t i = 0; i < n; i++) {
        const size_t lane = w->taken[i];
        const bool kept = followed(w, lane);
        if (kept) {
            w->followed++;
            SL_TRY(follow(w, lane, err));
        }
        if (!drawn) continue;
        double x[SL_LOSS_MAX_DIM];
        sl_lanes_state(l, l->block.x, lane, x);
        const unsigned by = where(r, l->dim, x);
        if (by != SL_EXIT_CENSORED) SL_TRY(finish(w, lane, by, err));
    }
    return SL_OK;
}

static void tell(worker *w)
{
    run *r = w->r;
    const sl_ensemble *e = r->dynamics->ensemble;
    if (w->finished == 0) return;
    pthread_mutex_lock(&r->lock);
    r->done += w->finished;
    w->finished = 0;
    const double fraction = (double)r->done / (double)r->e->replicas;
    if (e->progress && (uint64_t)(1000 * fraction) > r->told) {
        r->told = (uint64_t)(1000 * fraction);
        e->progress(e->progress_ctx, fraction);
    }
    pthread_mutex_unlock(&r->lock);
}

/* Steps of one law need no common beginning: replicas that have ended are replaced. Others begin together, and the
 * block shrinks. A block that is a thirty-second idle is filled up; each filling costs some hundred nanoseconds. */
static sl_status replace(worker *w, sl_err *err)
{
    sl_lanes *l = &w->lanes;
    const bool queue = atomic_load(&w->r->next) < w->r->e->replicas;
    if (queue && l->alive == 0) sl_lanes_empty(l), w->deadline = UINT64_MAX;
    if (queue && (l->alive == 0 || (w->r->dynamics->stationary && l->block.B - l->alive >= l->capacity / 32)))
        SL_TRY(take(w, err));
    else if (!queue || !w->r->dynamics->stationary)
        sl_lanes_close_ranks(l);
    return SL_OK;
}

static sl_status poll(worker *w, sl_err *err)
{
    tell(w);
    if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "the escape was interrupted");
    if (w->lanes.scatter.failed)
        return sl_fail(err, SL_E_MEMORY, "no memory for the random streams of %zu lanes", w->lanes.capacity);
    return SL_OK;
}

static sl_status run_worker(worker *w, sl_err *err)
{
    sl_lanes *l = &w->lanes;
    run *r = w->r;
    for (uint64_t turn = 0; !atomic_load(&r->failed); turn++) {
        if (turn % POLL == 0) SL_TRY(poll(w, err));
        if (l->k % 4 == 0) {
            SL_TRY(replace(w, err));
            if (l->alive == 0 && atomic_load(&r->next) >= r->e->replicas) break;
        }
        sl_lanes_step(l);
        SL_TRY(look(w, err));
        if (w->followed > 0) SL_TRY(follow_all(w, err));
        if (l->k >= w->deadline) SL_TRY(censor(w, err));
    }
    return poll(w, err);
}

static sl_status work(void *ctx, size_t i, int number, sl_err *err)
{
    (void)i, (void)number;
    run *r = ctx;
    const double *start = r->dynamics->ensemble->start;
    worker w = {.r = r, .deadline = UINT64_MAX};
    SL_TRY(sl_lanes_init(&w.lanes, r->dynamics, r->lanes, r->how->x ? r->how->x : start ? start : r->dynamics->loss->start,
                         err));
    w.taken = calloc(r->lanes, sizeof *w.taken);
    sl_status st = w.taken ? run_worker(&w, err) : sl_fail(err, SL_E_MEMORY, "no memory for %zu lanes", r->lanes);
    if (st < 0) atomic_store(&r->failed, true);
    free(w.taken);
    sl_lanes_clear(&w.lanes);
    return st;
}

/* ---- before and after ---- */

static sl_status refuse_start(unsigned set, const char *who, sl_err *err)
{
    return sl_fail(err, SL_E_DOMAIN, "%s lies in set %u of the region already", who, set);
}

static sl_status check_starts(const run *r, size_t dim, sl_err *err)
{
    const sl_ensemble *e = r->dynamics->ensemble;
    const double *start = e->start ? e->start : r->dynamics->loss->start, *x = r->how->x, *v = r->how->v;
    if (!x) {
        const unsigned set = sl_region_which(&r->how->region, dim, start);
        return set == SL_EXIT_CENSORED ? SL_OK : refuse_start(set, "the start", err);
    }
    for (uint64_t i = 0; i < e->replicas; i++) {
        char who[64];
        snprintf(who, sizeof who, "the start of replica %llu", (unsigned long long)i);
        for (size_t d = 0; d < dim; d++)
            if (!(fabs(x[i * dim + d]) <= r->radius) || (v && !isfinite(v[i * dim + d])))
                return sl_fail(err, SL_E_DOMAIN, "%s is not finite, or beyond the kill radius %g, in coordinate %zu", who,
                               r->radius, d);
        const unsigned set = sl_region_which(&r->how->region, dim, x + i * dim);
        if (set != SL_EXIT_CENSORED) return refuse_start(set, who, err);
    }
    return SL_OK;
}

static sl_status check(const sl_dynamics *dynamics, const sl_escape *how, sl_err *err)
{
    const sl_ensemble *e = dynamics->ensemble;
    SL_TRY(sl_ensemble_check(e, dynamics->loss, err));
    if (e->burn_in != 0)
        return sl_fail(err, SL_E_DOMAIN, "burn-in = %llu, need 0: an escape starts where it starts",
                       (unsigned long long)e->burn_in);
    if (how->v && !how->x) return sl_fail(err, SL_E_DOMAIN, "velocities to start from are given without positions");
    if (how->v && !dynamics->velocity)
        return sl_fail(err, SL_E_DOMAIN, "velocities to start from, but the dynamics have none");
    if (how->paths > e->replicas)
        return sl_fail(err, SL_E_DOMAIN, "paths = %llu, need paths <= replicas = %llu", (unsigned long long)how->paths,
                       (unsigned long long)e->replicas);
    return sl_region_check(&how->region, dynamics->loss->dim, err);
}

static sl_status allocate(sl_exits *e, const sl_dynamics *dynamics, const sl_escape *how, sl_err *err)
{
    const uint64_t n = dynamics->ensemble->replicas;
    const size_t dim = dynamics->loss->dim;
    const bool states = how->keep_states, velocities = states && dynamics->velocity;
    const double bytes = (double)n * (9 + 8 * (double)dim * (states + velocities));
    if (bytes > LITTLE && bytes > 0.9 * sl_memory_available(""))
        return sl_fail(err, SL_E_MEMORY, "%llu replicas take %.3g bytes for what they end with; there are %.3g",
                       (unsigned long long)n, bytes, sl_memory_available(""));
    *e = (sl_exits){.replicas = n, .dim = dim};
    e->time = calloc(n, sizeof *e->time);
    e->by = calloc(n, sizeof *e->by);
    if (states) e->x = calloc(n * dim, sizeof *e->x);
    if (velocities) e->v = calloc(n * dim, sizeof *e->v);
    if (!e->time || !e->by || (states && !e->x) || (velocities && !e->v))
        return sl_fail(err, SL_E_MEMORY, "no memory for what %llu replicas end with (%.3g bytes)",
                       (unsigned long long)n, bytes);
    return SL_OK;
}

static void count(sl_exits *e)
{
    for (uint64_t r = 0; r < e->replicas; r++) {
        e->updates += (double)e->time[r];
        if (e->by[r] == SL_EXIT_LOST)
            e->lost++;
        else if (e->by[r] == SL_EXIT_CENSORED)
            e->censored++;
        else
            e->exited++;
    }
}

/* Lanes a worker: no more than there are replicas for it, and what the cache takes: x, v, g, kept, the streams. */
static size_t lanes_of(const sl_dynamics *dynamics, size_t workers)
{
    const uint64_t share = (dynamics->ensemble->replicas + workers - 1) / workers;
    size_t lanes = CACHE / (dynamics->loss->dim * 6 * sizeof(double));
    const size_t most = dynamics->stationary ? LANES : MOST_LANES;
    lanes = lanes > most ? most : lanes < FEWEST_LANES ? FEWEST_LANES : lanes;
    if (lanes > share) lanes = (size_t)share;
    return (lanes + SL_LANE_GROUP - 1) / SL_LANE_GROUP * SL_LANE_GROUP;
}

/* With no more workers than there are groups of 64 replicas. */
static sl_status run_all(run *r, sl_err *err)
{
    const sl_ensemble *e = r->dynamics->ensemble;
    const uint64_t groups = (e->replicas + SL_LANE_GROUP - 1) / SL_LANE_GROUP;
    size_t workers = e->jobs > 0 ? (size_t)e->jobs : (size_t)sl_cores();
    if (workers > groups) workers = (size_t)groups;
    r->lanes = lanes_of(r->dynamics, workers);
    pthread_mutex_init(&r->lock, NULL);
    const sl_status st = sl_parallel(workers, (int)workers, work, r, err);
    pthread_mutex_destroy(&r->lock);
    return st;
}

static sl_status escape(sl_exits *out, const sl_dynamics *dynamics, const sl_escape *how, sl_err *err)
{
    const double start = sl_clock();
    const sl_ensemble *e = dynamics->ensemble;
    SL_TRY(check(dynamics, how, err));
    run r = {.dynamics = dynamics, .how = how, .limit = e->steps, .far_often = e->kill_radius > 0};
    r.radius = r.far_often ? fmin(e->kill_radius, FARTHEST) : FARTHEST;
    SL_TRY(check_starts(&r, dynamics->loss->dim, err));
    sl_exits result = {0};
    r.e = &result;
    sl_status st = allocate(&result, dynamics, how, err);
    if (st == SL_OK && how->paths > 0) st = sl_paths_alloc(&r.paths, how->paths, dynamics->loss->dim, err);
    if (st == SL_OK) st = run_all(&r, err);
    if (st == SL_OK && r.paths) st = sl_paths_table(&result.paths, r.paths, err);
    sl_paths_free(r.paths);
    if (st != SL_OK) {
        sl_exits_clear(&result);
        if (st == SL_INTERRUPTED) *out = result;
        return st;
    }
    count(&result);
    result.seconds = sl_clock() - start;
    *out = result;
    if (2 * result.lost > result.replicas)
        return sl_fail(err, SL_DIVERGED, "%llu of %llu replicas were lost beyond |x| = %g",
                       (unsigned long long)result.lost, (unsigned long long)result.replicas, r.radius);
    return SL_OK;
}

/* ---- the interface ---- */

sl_status sl_sgd_escape(sl_exits *e, const sl_sgd *sgd, const sl_escape *how, sl_err *err)
{
    sl_sgd_state state;
    sl_dynamics dynamics;
    SL_TRY(sl_sgd_dynamics(&dynamics, &state, sgd, err));
    return escape(e, &dynamics, how, err);
}

sl_status sl_overdamped_escape(sl_exits *e, const sl_langevin *l, const sl_escape *how, sl_err *err)
{
    sl_langevin_state state;
    sl_dynamics dynamics;
    SL_TRY(sl_overdamped_dynamics(&dynamics, &state, l, err));
    return escape(e, &dynamics, how, err);
}

sl_status sl_underdamped_escape(sl_exits *e, const sl_langevin *l, const sl_escape *how, sl_err *err)
{
    sl_langevin_state state;
    sl_dynamics dynamics;
    SL_TRY(sl_underdamped_dynamics(&dynamics, &state, l, err));
    return escape(e, &dynamics, how, err);
}

void sl_exits_clear(sl_exits *e)
{
    free(e->time), free(e->by), free(e->x), free(e->v);
    sl_table_free(e->paths);
    *e = (sl_exits){0};
}
