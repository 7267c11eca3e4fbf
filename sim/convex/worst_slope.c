#include "sim/convex/worst_slope.h"

#include <math.h>
#include <stdlib.h>

#include "base/parallel.h"
#include "base/random.h"
#include "sim/convex/worst_slope_kernel.h"

/* Steps whose normals are drawn at once: 16 kB of them, which stay in the first cache while every pair uses them. */
enum { TILE = 32 };

typedef struct {
    double *excess;
    const sl_robustness *r;
    const double *rate;
    const sl_slope_pair *pair;
    size_t pairs, replicas;
    size_t first_summed; /* step; T: none */
    uint32_t sub;
    sl_slope_meter *meter;
} job;

/* Normals for steps [first, first + n) of 64 lanes. */
static void draw(double *noise, const job *j, size_t first, size_t n, size_t lane)
{
    for (size_t k = 0; k < n; k++) {
        const sl_draw d = {.seed = j->r->seed, .step = first + k, .sub = j->sub, .purpose = SL_PURPOSE_NOISE};
        sl_random_normals(noise + k * SL_SLOPE_LANES, SL_SLOPE_LANES, lane, 1, &d);
    }
}

/* One tile of steps for every pair. It lies wholly before or wholly within the steps that are summed. */
static void advance(const job *j, double *x, double *sum, const double *noise, size_t first, size_t n)
{
    const bool sums = first >= j->first_summed;
    for (size_t p = 0; p < j->pairs; p++) {
        double *const here = x + p * SL_SLOPE_LANES;
        const double rho = j->pair[p].rho, slope = j->pair[p].slope, least = j->r->suffix > 0 ? 0 : -j->r->D;
        if (sums)
            sl_slope_steps_sum(n, here, sum + p * SL_SLOPE_LANES, noise, j->rate + first, rho, slope, j->r->sigma,
                               least, j->r->D);
        else
            sl_slope_steps(n, here, noise, j->rate + first, rho, slope, j->r->sigma, least, j->r->D);
    }
}

/* A tile takes so long that every one of them may be told. */
static void tell(const job *j, size_t steps)
{
    const uint64_t work = (uint64_t)j->pairs * steps, done = atomic_fetch_add(&j->meter->done, work) + work;
    if (j->r->progress) j->r->progress(j->r->progress_ctx, (double)done / j->meter->all);
}

static void gather(const job *j, const double *x, const double *sum, size_t lane)
{
    const size_t T = j->r->schedule.total_steps;
    for (size_t p = 0; p < j->pairs; p++)
        for (size_t i = 0; i < SL_SLOPE_LANES; i++) {
            const size_t k = p * SL_SLOPE_LANES + i;
            const double at = j->first_summed < T ? sum[k] / (double)(T - j->first_summed) : x[k];
            j->excess[p * j->replicas + lane + i] = j->pair[p].slope * fabs(at);
        }
}

static sl_status run_block(void *ctx, size_t block, int worker, sl_err *err)
{
    (void)worker;
    const job *j = ctx;
    const size_t T = j->r->schedule.total_steps, lane = block * SL_SLOPE_LANES, n = j->pairs * SL_SLOPE_LANES;
    double *const x = aligned_alloc(64, (2 * n + TILE * SL_SLOPE_LANES) * sizeof *x);
    if (!x) return sl_fail(err, SL_E_MEMORY, "no memory for %zu slopes", j->pairs);
    double *const sum = x + n, *const noise = sum + n;
    for (size_t k = 0; k < n; k++) x[k] = j->r->D, sum[k] = 0;
    sl_status st = SL_OK;
    for (size_t first = 0; first < T && st == SL_OK;) {
        const size_t stop = first < j->first_summed && j->first_summed < first + TILE ? j->first_summed : first + TILE;
        const size_t count = (stop < T ? stop : T) - first;
        draw(noise, j, first, count, lane);
        advance(j, x, sum, noise, first, count);
        first += count;
        tell(j, count);
        if (sl_stop_requested()) st = sl_fail(err, SL_INTERRUPTED, "interrupted at step %zu of %zu", first, T);
    }
    if (st == SL_OK) gather(j, x, sum, lane);
    free(x);
    return st;
}

double sl_slope_work(const sl_robustness *r, size_t pairs, size_t replicas)
{
    return (double)pairs * (double)(replicas / SL_SLOPE_LANES) * (double)r->schedule.total_steps;
}

sl_status sl_slope_run(double *excess, const sl_robustness *r, const double *rate, const sl_slope_pair *pair,
                       size_t pairs, size_t replicas, uint32_t sub, sl_slope_meter *meter, sl_err *err)
{
    const double T = (double)r->schedule.total_steps;
    job j = {.excess = excess,
             .r = r,
             .rate = rate,
             .pair = pair,
             .pairs = pairs,
             .replicas = replicas,
             .sub = sub,
             .meter = meter,
             .first_summed = (size_t)(T - ceil(r->suffix * T))};
    return sl_parallel(replicas / SL_SLOPE_LANES, r->jobs, run_block, &j, err);
}
