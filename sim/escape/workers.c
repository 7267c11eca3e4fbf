#include "sim/escape/workers.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/parallel.h"
#include "sim/escape/lanes.h"
#include "sim/escape/region.h"

/* Lanes of a worker's block, and the bytes that it should take. Where the rates change with time, blocks start together
 * and only shrink, so they start larger. */
enum { LANES = 1024, BYTES = 1 << 17, MOST_LANES = 4096, MOST_BYTES = 1 << 19, FEWEST_LANES = 128 };

/* Steps between looks at the wish to stop: about a millisecond. */
enum { POLL = 1024 };

/* A run under way. */
typedef struct {
    const sl_escape_job *job;
    size_t lanes;
    _Atomic uint64_t next; /* replica of the queue  */
    atomic_bool failed;    /* a worker gave up      */
    pthread_mutex_t lock;  /* guards progress       */
    uint64_t done, told;   /* replicas; thousandths */
} run;

typedef struct {
    run *r;
    sl_lanes lanes;
    size_t *taken;     /* [lanes]: scratch                                       */
    uint64_t deadline; /* the clock when the oldest replica may reach the limit  */
    uint64_t finished; /* since progress was told                                */
    size_t followed;   /* lanes alive whose path is kept                         */
} worker;

/* ---- one replica ---- */

/* A state of a replica that is followed. */
static sl_status follow(worker *w, size_t lane, sl_err *err)
{
    const sl_lanes *l = &w->lanes;
    double x[SL_LOSS_MAX_DIM];
    sl_lanes_state(l, l->block.x, lane, x);
    return sl_paths_add(w->r->job->paths, l->scatter.lane[lane], sl_lanes_age(l, lane), x, err);
}

static bool followed(const worker *w, size_t lane)
{
    return w->lanes.scatter.lane[lane] < w->r->job->how->paths;
}

/* The replica of a lane has ended. */
static sl_status finish(worker *w, size_t lane, unsigned by, sl_err *err)
{
    sl_lanes *l = &w->lanes;
    sl_exits *e = w->r->job->e;
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
static unsigned where(const sl_escape_job *job, size_t dim, const double *x)
{
    const unsigned set = sl_region_which(&job->how->region, dim, x);
    if (set != SL_EXIT_CENSORED) return set;
    for (size_t d = 0; d < dim; d++)
        if (!(fabs(x[d]) <= job->radius)) return SL_EXIT_LOST;
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
    const unsigned by = where(w->r->job, l->dim, x);
    return by == SL_EXIT_CENSORED ? SL_OK : finish(w, lane, by, err); /* censored: a sum that overflows tells nothing */
}

static sl_status look(worker *w, sl_err *err)
{
    sl_block *b = &w->lanes.block;
    uint64_t suspect[MOST_LANES / SL_REGION_GROUP];
    const sl_escape_job *job = w->r->job;
    const double radius = job->far_often || w->lanes.k % 4 == 0 ? job->radius : INFINITY;
    if (!sl_region_suspects(suspect, &job->how->region, w->lanes.dim, radius, b->B, b->x, b->noise)) return SL_OK;
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
        const uint64_t end = l->scatter.since[i] + w->r->job->limit;
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
    for (size_t i = 0; i < l->block.B; i++)
        if (l->living[i] && followed(w, i) &&
            sl_paths_wants(w->r->job->paths, l->scatter.lane[i], sl_lanes_age(l, i)))
            SL_TRY(follow(w, i, err));
    return SL_OK;
}

static sl_status take(worker *w, sl_err *err)
{
    run *r = w->r;
    sl_lanes *l = &w->lanes;
    const uint64_t room = l->block.B - l->alive, replicas = r->job->e->replicas,
                   first = atomic_fetch_add(&r->next, room);
    if (first >= replicas) return SL_OK;
    const size_t n = replicas - first < room ? (size_t)(replicas - first) : (size_t)room;
    sl_lanes_fill(l, first, n, r->job->how->x, r->job->how->v, w->taken);
    const uint64_t end = l->k + r->job->limit;
    if (end < w->deadline) w->deadline = end;
    const bool drawn = !r->job->how->x && r->job->dynamics->ensemble->start_spread > 0;
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
        const unsigned by = where(r->job, l->dim, x);
        if (by != SL_EXIT_CENSORED) SL_TRY(finish(w, lane, by, err));
    }
    return SL_OK;
}

static void tell(worker *w)
{
    run *r = w->r;
    const sl_ensemble *e = r->job->dynamics->ensemble;
    if (w->finished == 0) return;
    pthread_mutex_lock(&r->lock);
    r->done += w->finished;
    w->finished = 0;
    const double fraction = (double)r->done / (double)r->job->e->replicas;
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
    const bool queue = atomic_load(&w->r->next) < w->r->job->e->replicas;
    if (queue && l->alive == 0) sl_lanes_empty(l), w->deadline = UINT64_MAX;
    if (queue && (l->alive == 0 || (w->r->job->dynamics->stationary && l->block.B - l->alive >= l->capacity / 32)))
        SL_TRY(take(w, err));
    else if (!queue || !w->r->job->dynamics->stationary)
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
            if (l->alive == 0 && atomic_load(&r->next) >= r->job->e->replicas) break;
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
    const double *start = r->job->dynamics->ensemble->start;
    worker w = {.r = r, .deadline = UINT64_MAX};
    SL_TRY(sl_lanes_init(&w.lanes, r->job->dynamics, r->lanes,
                         r->job->how->x ? r->job->how->x
                         : start        ? start
                                        : r->job->dynamics->loss->start,
                         err));
    w.taken = calloc(r->lanes, sizeof *w.taken);
    sl_status st = w.taken ? run_worker(&w, err) : sl_fail(err, SL_E_MEMORY, "no memory for %zu lanes", r->lanes);
    if (st < 0) atomic_store(&r->failed, true);
    free(w.taken);
    sl_lanes_clear(&w.lanes);
    return st;
}

/* ---- all workers ---- */

/* No more than a worker has replicas; x, v, g, kept, and 16 bytes of random numbers a coordinate. */
static size_t lanes_of(const sl_dynamics *dynamics, size_t workers)
{
    const uint64_t share = (dynamics->ensemble->replicas + workers - 1) / workers;
    const size_t each = dynamics->loss->dim * 6 * sizeof(double);
    const size_t fit = (size_t)(dynamics->stationary ? BYTES : MOST_BYTES) / each;
    const size_t most = dynamics->stationary ? LANES : MOST_LANES;
    size_t lanes = fit > most ? most : fit < FEWEST_LANES ? FEWEST_LANES : fit;
    if (lanes > share) lanes = (size_t)share;
    return (lanes + SL_LANE_GROUP - 1) / SL_LANE_GROUP * SL_LANE_GROUP;
}

/* With no more workers than there are groups of 64 replicas. */
sl_status sl_escape_work(const sl_escape_job *job, sl_err *err)
{
    const sl_ensemble *e = job->dynamics->ensemble;
    const uint64_t groups = (e->replicas + SL_LANE_GROUP - 1) / SL_LANE_GROUP;
    size_t workers = e->jobs > 0 ? (size_t)e->jobs : (size_t)sl_cores();
    if (workers > groups) workers = (size_t)groups;
    run r = {.job = job, .lanes = lanes_of(job->dynamics, workers)};
    pthread_mutex_init(&r.lock, NULL);
    const sl_status st = sl_parallel(workers, (int)workers, work, &r, err);
    pthread_mutex_destroy(&r.lock);
    return st;
}
