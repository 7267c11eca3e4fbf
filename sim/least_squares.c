#include "sim/least_squares.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/random.h"
#include "sim/least_squares_kernel.h"

enum { BLOCK = 256, POLL = 256, MOST_CHANNELS = 1 << 16, MOST_EXPERIMENTS = 1 << 16 };
static const uint64_t MOST_REPLICAS = (uint64_t)1 << 34, MOST_STEPS = (uint64_t)1 << 48; /* of base/random.h */

static sl_status check_numbers(const sl_least_squares *p, sl_err *err)
{
    for (size_t i = 0; i < p->d; i++) {
        if (!(p->spectrum[i] > 0 && isfinite(p->spectrum[i])))
            return sl_fail(err, SL_E_DOMAIN, "least squares: spectrum[%zu] = %g, need 0 < variance < inf", i,
                           p->spectrum[i]);
        if (p->start && !isfinite(p->start[i]))
            return sl_fail(err, SL_E_DOMAIN, "least squares: start[%zu] = %g must be finite", i, p->start[i]);
    }
    if (!(p->rate > 0 && isfinite(p->rate)))
        return sl_fail(err, SL_E_DOMAIN, "least squares: rate = %g, need 0 < rate < inf", p->rate);
    if (!(p->noise >= 0 && isfinite(p->noise)))
        return sl_fail(err, SL_E_DOMAIN, "least squares: noise = %g, need 0 <= noise < inf", p->noise);
    return SL_OK;
}

static sl_status check(const sl_least_squares *p, size_t batch, sl_err *err)
{
    if (!(p->d >= 1 && p->d < MOST_CHANNELS && batch <= MOST_CHANNELS / (p->d + 1)))
        return sl_fail(err, SL_E_DOMAIN, "least squares: d = %zu, batch = %zu, need d >= 1, batch (d + 1) <= %d", p->d,
                       batch, MOST_CHANNELS);
    SL_TRY(check_numbers(p, err));
    if (!(p->replicas >= 2 && p->replicas <= MOST_REPLICAS))
        return sl_fail(err, SL_E_DOMAIN, "least squares: replicas = %llu, need 2 <= replicas <= 2^34",
                       (unsigned long long)p->replicas);
    if (!(p->experiment < MOST_EXPERIMENTS))
        return sl_fail(err, SL_E_DOMAIN, "least squares: experiment = %u, need experiment < %d", p->experiment,
                       MOST_EXPERIMENTS);
    if (p->n_at == 0) return sl_fail(err, SL_E_DOMAIN, "least squares: no step to look at, need n_at >= 1");
    uint64_t before = p->from;
    for (size_t j = 0; j < p->n_at; before = p->at[j++])
        if (!(p->at[j] > before && p->at[j] < MOST_STEPS))
            return sl_fail(err, SL_E_DOMAIN, "least squares: at[%zu] = %llu, need %llu < at < 2^48", j,
                           (unsigned long long)p->at[j], (unsigned long long)before);
    return SL_OK;
}

/* A run under way: `memory` has a worker's arrays, `found` what the blocks leave, merged in their order. */
typedef struct {
    const sl_least_squares *p;
    size_t batch;
    double *memory;    /* [workers][(4 d + 2) BLOCK] */
    sl_welford *found; /* [blocks of a wave][n_at][2] */
    uint64_t first_block;
} run;

typedef struct {
    double *eta, *total, *g, *x; /* [d][BLOCK]; total: the sum of iterates           */
    double *residual, *f;        /* [BLOCK]                                          */
    uint64_t first;
} block;

static block bind(const run *r, int worker)
{
    const size_t all = r->p->d * BLOCK;
    double *const m = r->memory + (size_t)worker * (4 * all + 2 * BLOCK);
    return (block){.eta = m, .total = m + all, .g = m + 2 * all, .x = m + 3 * all, .residual = m + 4 * all,
                   .f = m + 4 * all + BLOCK};
}

static void draw(const run *r, double *out, const block *b, size_t channel, uint64_t k, double sigma)
{
    const sl_draw at = {.seed = r->p->seed, .step = k, .sub = r->p->experiment << 16 | (uint32_t)channel,
                        .purpose = SL_PURPOSE_NOISE};
    sl_random_normals(out, BLOCK, b->first, sigma, &at);
}

/* g += x (x'eta - e) of sample c. */
static void add_sample(const run *r, const block *b, size_t c, uint64_t k)
{
    const sl_least_squares *const p = r->p;
    draw(r, b->residual, b, c * (p->d + 1) + p->d, k, sqrt(p->noise));
    for (size_t i = 0; i < p->d; i++) {
        draw(r, b->x + i * BLOCK, b, c * (p->d + 1) + i, k, sqrt(p->spectrum[i]));
        sl_least_squares_add_product(BLOCK, b->residual, b->x + i * BLOCK, b->eta + i * BLOCK);
    }
    for (size_t i = 0; i < p->d; i++)
        sl_least_squares_add_product(BLOCK, b->g + i * BLOCK, b->x + i * BLOCK, b->residual);
}

static void step(const run *r, const block *b, uint64_t k)
{
    const sl_least_squares *const p = r->p;
    for (size_t c = 0; c < r->batch; c++) add_sample(r, b, c, k);
    for (size_t i = 0; i < p->d; i++)
        sl_least_squares_step(BLOCK, b->eta + i * BLOCK, b->total + i * BLOCK, b->g + i * BLOCK, k >= p->from,
                              p->rate / (double)r->batch);
}

/* Excess losses of y times scale, over the block's n replicas. */
static void look(const run *r, sl_welford *w, const block *b, const double *y, double scale, size_t n)
{
    memset(b->f, 0, BLOCK * sizeof *b->f);
    for (size_t i = 0; i < r->p->d; i++)
        sl_least_squares_add_square(BLOCK, b->f, y + i * BLOCK, scale * scale * r->p->spectrum[i] / 2);
    *w = (sl_welford){0};
    for (size_t i = 0; i < n; i++) sl_welford_add(w, b->f[i]);
}

static sl_status run_block(void *ctx, size_t index, int worker, sl_err *err)
{
    const run *const r = ctx;
    const sl_least_squares *const p = r->p;
    block b = bind(r, worker);
    b.first = (r->first_block + index) * BLOCK;
    const size_t n = p->replicas - b.first < BLOCK ? (size_t)(p->replicas - b.first) : BLOCK;
    memset(b.total, 0, 2 * p->d * BLOCK * sizeof *b.total); /* and g */
    for (size_t i = 0; i < p->d; i++)
        for (size_t j = 0; j < BLOCK; j++) b.eta[i * BLOCK + j] = p->start ? p->start[i] : 0;
    uint64_t k = 0;
    for (size_t j = 0; j < p->n_at; j++) {
        for (; k < p->at[j]; k++) {
            if (k % POLL == 0 && sl_stop_requested())
                return sl_fail(err, SL_INTERRUPTED, "least squares was interrupted");
            step(r, &b, k);
        }
        sl_welford *const w = r->found + (index * p->n_at + j) * 2;
        look(r, w, &b, b.eta, 1, n);
        look(r, w + 1, &b, b.total, 1 / (double)(k - p->from), n);
        if (!isfinite(w[0].mean) || !isfinite(w[1].mean) || !isfinite(w[0].m2) || !isfinite(w[1].m2))
            return sl_fail(err, SL_DIVERGED, "least squares: rate = %g drove a replica beyond doubles in %llu steps",
                           p->rate, (unsigned long long)k);
    }
    return SL_OK;
}

sl_status sl_least_squares_run(sl_least_squares_point *point, const sl_least_squares *p, sl_err *err)
{
    enum { WAVE = 1024 };
    const size_t batch = p->batch == 0 ? 1 : p->batch;
    SL_TRY(check(p, batch, err));
    const uint64_t blocks = (p->replicas + BLOCK - 1) / BLOCK;
    const size_t wave = blocks < WAVE ? (size_t)blocks : WAVE;
    size_t workers = p->jobs > 0 ? (size_t)p->jobs : (size_t)sl_cores();
    if (workers > wave) workers = wave;
    run r = {.p = p, .batch = batch};
    r.memory = aligned_alloc(64, workers * (4 * p->d + 2) * BLOCK * sizeof *r.memory);
    r.found = p->n_at <= SIZE_MAX / (2 * WAVE) / sizeof *r.found ? malloc(wave * p->n_at * 2 * sizeof *r.found) : NULL;
    sl_welford *const all = calloc(p->n_at, 2 * sizeof *all);
    sl_status st = SL_OK;
    if (!r.memory || !r.found || !all)
        st = sl_fail(err, SL_E_MEMORY, "no memory for least squares in %zu coordinates, looked at %zu times", p->d,
                     p->n_at);
    for (; r.first_block < blocks && st == SL_OK; r.first_block += wave) {
        const size_t n = blocks - r.first_block < wave ? (size_t)(blocks - r.first_block) : wave;
        st = sl_parallel(n, (int)workers, run_block, &r, err);
        for (size_t i = 0; i < n && st == SL_OK; i++)
            for (size_t j = 0; j < 2 * p->n_at; j++) sl_welford_merge(&all[j], &r.found[i * 2 * p->n_at + j]);
    }
    for (size_t j = 0; j < p->n_at && st == SL_OK; j++)
        point[j] = (sl_least_squares_point){sl_welford_mean(&all[2 * j]), sl_welford_mean(&all[2 * j + 1])};
    free(r.memory);
    free(r.found);
    free(all);
    return st;
}
