#include "sim/reshuffling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/random.h"

enum { BLOCK = 64, POLL = 256 }; /* replicas a task; epochs between looks at the wish to stop */
static const uint64_t MOST_REPLICAS = (uint64_t)1 << 32, MOST_STEPS = (uint64_t)1 << 48; /* of base/random.h */

/* The samples of period k, all of its batches one after the other. index: [n], or [batch] with replacement. */
static void draw(uint32_t *index, const sl_finite_sum *s, uint64_t seed, uint64_t replica, uint64_t k)
{
    sl_draw at = {.seed = seed, .step = k, .sub = (uint32_t)replica, .purpose = SL_PURPOSE_SHUFFLE};
    if (s->drawing == SL_FINITE_REPLACEMENT) {
        at.purpose = SL_PURPOSE_BATCH;
        sl_random_below(index, s->batch, (uint32_t)s->n, &at);
    } else {
        sl_random_permutation(index, (uint32_t)s->n, &at);
    }
}

static size_t index_length(const sl_finite_sum *s)
{
    return s->batch > s->n ? s->batch : s->n;
}

static sl_status check_drawing(const sl_finite_sum *s, sl_err *err)
{
    if (!(s->n >= 2 && s->n < MOST_REPLICAS))
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: %zu samples, need 2 <= n < 2^32", s->n);
    const size_t most = s->drawing == SL_FINITE_REPLACEMENT ? (size_t)1 << 32 : s->n;
    if (!(s->batch >= 1 && s->batch <= most))
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: batch = %zu, need 1 <= batch <= %zu", s->batch, most);
    return SL_OK;
}

static sl_status check(const sl_reshuffling *r, sl_err *err)
{
    const sl_finite_sum *const s = &r->sum;
    SL_TRY(check_drawing(s, err));
    if (!(s->d >= 1 && s->d <= 1024))
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: d = %zu, need 1 <= d <= 1024", s->d);
    if (!(s->rate > 0 && isfinite(s->rate)))
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: rate = %g, need 0 < rate < inf", s->rate);
    if (!(r->replicas >= 2 && r->replicas <= MOST_REPLICAS))
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: replicas = %llu, need 2 <= replicas <= 2^32",
                       (unsigned long long)r->replicas);
    if (!(r->epochs >= 1 && r->epochs < MOST_STEPS && r->burn_in < MOST_STEPS - r->epochs))
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: epochs = %llu after %llu, need 1 or more and fewer than 2^48",
                       (unsigned long long)r->epochs, (unsigned long long)r->burn_in);
    return SL_OK;
}

/* A run on its way. A block's result: for each position, mean[d] then second[d][d]. */
typedef struct {
    const sl_reshuffling *r;
    size_t positions, each; /* each = d + d^2                                         */
    uint32_t *index;        /* [workers][index_length]                                */
    double *scratch;        /* [workers][2 d + positions each]: eta, g, a replica's sums */
    sl_welford *found;      /* [blocks of a wave][positions each]                     */
    uint64_t first_block;
} course;

static void step(double *eta, double *g, const sl_reshuffling *r, const uint32_t *batch, size_t size)
{
    const sl_finite_sum *const s = &r->sum;
    memset(g, 0, s->d * sizeof *g);
    for (size_t i = 0; i < size; i++) {
        const double *const x = s->x + (size_t)batch[i] * s->d;
        double residual = -s->y[batch[i]];
        for (size_t k = 0; k < s->d; k++) residual += x[k] * (eta[k] + (r->centre ? r->centre[k] : 0));
        for (size_t k = 0; k < s->d; k++) g[k] += x[k] * residual;
    }
    for (size_t k = 0; k < s->d; k++) eta[k] -= s->rate / (double)size * g[k];
}

static void look(double *sum, const double *eta, size_t d)
{
    for (size_t k = 0; k < d; k++) {
        sum[k] += eta[k];
        for (size_t l = 0; l < d; l++) sum[d + k * d + l] += eta[k] * eta[l];
    }
}

static sl_status run_replica(const course *run, double *scratch, uint32_t *index, uint64_t replica, sl_err *err)
{
    const sl_reshuffling *const r = run->r;
    const sl_finite_sum *const s = &r->sum;
    double *const eta = scratch, *const g = scratch + s->d, *const sums = scratch + 2 * s->d;
    memset(scratch, 0, (2 * s->d + run->positions * run->each) * sizeof *scratch);
    for (uint64_t k = 0; k < r->burn_in + r->epochs; k++) {
        if (k % POLL == 0 && sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "reshuffling was interrupted");
        draw(index, s, r->seed, replica, k);
        for (size_t p = 0; p < run->positions; p++) {
            const size_t first = p * s->batch, left = s->drawing == SL_FINITE_EPOCHS ? s->n - first : s->batch;
            if (k >= r->burn_in) look(sums + p * run->each, eta, s->d);
            step(eta, g, r, index + first, left < s->batch ? left : s->batch);
        }
    }
    for (size_t j = 0; j < run->positions * run->each; j++) {
        sums[j] /= (double)r->epochs;
        if (!isfinite(sums[j]))
            return sl_fail(err, SL_DIVERGED, "reshuffling: rate = %g drove replica %llu beyond doubles", s->rate,
                           (unsigned long long)replica);
    }
    return SL_OK;
}

static sl_status run_block(void *ctx, size_t index, int worker, sl_err *err)
{
    const course *const run = ctx;
    const size_t all = run->positions * run->each, d = run->r->sum.d;
    double *const scratch = run->scratch + (size_t)worker * (2 * d + all);
    sl_welford *const found = run->found + index * all;
    memset(found, 0, all * sizeof *found);
    const uint64_t first = (run->first_block + index) * BLOCK;
    for (uint64_t i = first; i < first + BLOCK && i < run->r->replicas; i++) {
        SL_TRY(run_replica(run, scratch, run->index + (size_t)worker * index_length(&run->r->sum), i, err));
        for (size_t j = 0; j < all; j++) sl_welford_add(&found[j], scratch[2 * d + j]);
    }
    return SL_OK;
}

sl_status sl_reshuffling_run(sl_estimate *mean, sl_estimate *second, const sl_reshuffling *r, sl_err *err)
{
    enum { WAVE = 256 };
    SL_TRY(check(r, err));
    const size_t d = r->sum.d;
    course run = {.r = r, .positions = sl_finite_positions(&r->sum), .each = d + d * d};
    const uint64_t blocks = (r->replicas + BLOCK - 1) / BLOCK;
    const size_t wave = blocks < WAVE ? (size_t)blocks : WAVE;
    size_t workers = r->jobs > 0 ? (size_t)r->jobs : (size_t)sl_cores();
    if (workers > wave) workers = wave;
    sl_welford *total = NULL;
    sl_status st = SL_OK;
    const size_t most = SIZE_MAX / 64 / WAVE / run.each, all = run.positions <= most ? run.positions * run.each : 0;
    if (all > 0) {
        run.index = malloc(workers * index_length(&r->sum) * sizeof *run.index);
        run.scratch = malloc(workers * (2 * d + all) * sizeof *run.scratch);
        run.found = malloc(wave * all * sizeof *run.found);
        total = calloc(all, sizeof *total);
    }
    if (!run.index || !run.scratch || !run.found || !total)
        st = sl_fail(err, SL_E_MEMORY, "no memory for moments of %zu coordinates at %zu positions", d, run.positions);
    for (; run.first_block < blocks && st == SL_OK; run.first_block += wave) {
        const size_t n = blocks - run.first_block < wave ? (size_t)(blocks - run.first_block) : wave;
        st = sl_parallel(n, (int)workers, run_block, &run, err);
        for (size_t i = 0; i < n * all && st == SL_OK; i++) sl_welford_merge(&total[i % all], &run.found[i]);
    }
    for (size_t j = 0; j < all && st == SL_OK; j++) {
        const size_t p = j / run.each, k = j % run.each;
        *(k < d ? &mean[p * d + k] : &second[p * d * d + k - d]) = sl_welford_mean(&total[j]);
    }
    free(run.index);
    free(run.scratch);
    free(run.found);
    free(total);
    return st;
}

sl_status sl_batch_means_mc(sl_estimate *variance, sl_estimate *covariance, const double *value, size_t n, size_t batch,
                            sl_finite_drawing drawing, uint64_t epochs, uint64_t seed, sl_err *err)
{
    const sl_finite_sum s = {.n = n, .batch = batch, .drawing = drawing};
    SL_TRY(check_drawing(&s, err));
    const size_t full = drawing == SL_FINITE_EPOCHS ? n / batch : 2; /* batches in a row */
    if (full < 2)
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: batch = %zu of %zu, need two full batches an epoch", batch, n);
    if (!(epochs >= 2 && epochs < MOST_STEPS / 2))
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: epochs = %llu, need 2 <= epochs < 2^47",
                       (unsigned long long)epochs);
    uint32_t *const index = malloc(index_length(&s) * sizeof *index);
    if (!index) return sl_fail(err, SL_E_MEMORY, "no memory for the order of %zu samples", n);
    sl_welford square = {0}, product = {0};
    double centre = 0;
    for (size_t i = 0; i < n; i++) centre += value[i] / (double)n;
    for (uint64_t k = 0; k < epochs; k++) {
        double squares = 0, products = 0, before = 0;
        for (size_t p = 0; p < full; p++) {
            const size_t first = drawing == SL_FINITE_EPOCHS ? p * batch : 0;
            if (drawing != SL_FINITE_EPOCHS)
                draw(index, &s, seed, 0, 2 * k + p);
            else if (p == 0)
                draw(index, &s, seed, 0, k);
            double mean = 0;
            for (size_t i = 0; i < batch; i++) mean += (value[index[first + i]] - centre) / (double)batch;
            squares += mean * mean / (double)full;
            if (p > 0) products += mean * before / (double)(full - 1);
            before = mean;
        }
        sl_welford_add(&square, squares);
        sl_welford_add(&product, products);
    }
    free(index);
    *variance = sl_welford_mean(&square);
    *covariance = sl_welford_mean(&product);
    return SL_OK;
}
