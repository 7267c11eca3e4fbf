/* The worst slope for each rho: a grid, golden section, and a measurement with fresh noise. */
#include "sim/convex/robustness.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/convex/worst_slope.h"
#include "sim/convex/worst_slope_kernel.h"

#define RATIO 1.5 /* of the grid of slopes, at most */
#define LEAST_SCALE 1e-50
#define MOST_SCALE 1e50

enum { SUB_SEARCH, SUB_FRESH }; /* streams of noise */

static sl_status check(const sl_robustness *r, const double *rho, size_t n, sl_err *err)
{
    const struct {
        const char *name;
        double value;
    } scale[] = {{"D", r->D}, {"sigma", r->sigma}, {"slope_max", r->slope_max}};
    for (size_t i = 0; i < sizeof scale / sizeof *scale; i++)
        if (!(scale[i].value >= LEAST_SCALE && scale[i].value <= MOST_SCALE))
            return sl_fail(err, SL_E_DOMAIN, "%s = %g, need %g to %g", scale[i].name, scale[i].value, LEAST_SCALE,
                           MOST_SCALE);
    if (!(r->suffix >= 0 && r->suffix <= 1))
        return sl_fail(err, SL_E_DOMAIN, "a suffix of %g of the run, need 0 to 1", r->suffix);
    const size_t counts[] = {r->search_replicas, r->replicas};
    for (size_t i = 0; i < 2; i++)
        if (counts[i] == 0 || counts[i] % SL_SLOPE_LANES)
            return sl_fail(err, SL_E_DOMAIN, "%zu replicas, need a multiple of %d", counts[i], SL_SLOPE_LANES);
    for (size_t i = 0; i < n; i++)
        if (!(rho[i] > 0 && isfinite(rho[i]))) return sl_fail(err, SL_E_DOMAIN, "rho = %g, need 0 < rho < inf", rho[i]);
    if (n == 0) return sl_fail(err, SL_E_DOMAIN, "no rho is given, need at least one");
    if (sl_schedule_is_random(&r->schedule))
        return sl_fail(err, SL_E_CONFIG, "schedule '%s' is random: robustness is that of a function of the step alone",
                       r->schedule.spec.entry->name);
    return SL_OK;
}

/* The rates at rho = 1, one a step, to be freed. */
static sl_status tabulate(double **rate, const sl_robustness *r, sl_err *err)
{
    const size_t T = r->schedule.total_steps;
    double *const table = T <= SIZE_MAX / sizeof *table ? malloc(T * sizeof *table) : NULL;
    if (!table) return sl_fail(err, SL_E_MEMORY, "no memory for %zu rates", T);
    for (size_t k = 0; k < T; k++) table[k] = sl_schedule_lr(&r->schedule, r->seed, 0, k);
    *rate = table;
    return SL_OK;
}

/* ---- the search ---- */

typedef struct {
    const sl_robustness *r;
    const double *rate, *rho;
    size_t n;       /* rhos                           */
    double *excess; /* of the pairs of one run        */
    sl_slope_pair *pair;
    double *mean; /* [pairs]                        */
    sl_slope_meter *meter;
} search;

static sl_status run_pairs(search *s, size_t pairs, sl_err *err)
{
    const size_t R = s->r->search_replicas;
    SL_TRY(sl_slope_run(s->excess, s->r, s->rate, s->pair, pairs, R, SUB_SEARCH, s->meter, err));
    for (size_t p = 0; p < pairs; p++) s->mean[p] = sl_mean(s->excess + p * R, R).value;
    return SL_OK;
}

/* A bracket of log s, golden section's two points in it, and the grid's best one, which may be the end of the range,
 * where golden section never looks. */
typedef struct {
    double lo, hi, a, b, at_a, at_b, grid, at_grid;
} bracket;

#define GOLDEN 0.6180339887498949
#define ENOUGH 0.04 /* width of a bracket that is not shrunk further */

static sl_status measure_side(search *s, bracket *k, bool first, sl_err *err)
{
    for (size_t i = 0; i < s->n; i++) {
        const bool at_a = first || k[i].at_a < 0;
        s->pair[i] = (sl_slope_pair){s->rho[i], exp(at_a ? k[i].a : k[i].b)};
    }
    SL_TRY(run_pairs(s, s->n, err));
    for (size_t i = 0; i < s->n; i++) {
        if (first || k[i].at_a < 0)
            k[i].at_a = s->mean[i];
        else
            k[i].at_b = s->mean[i];
    }
    return SL_OK;
}

/* Drops the worse end; the value still to be measured becomes -1. */
static void shrink(bracket *k)
{
    if (k->at_a >= k->at_b) {
        k->hi = k->b, k->b = k->a, k->at_b = k->at_a;
        k->a = k->hi - GOLDEN * (k->hi - k->lo), k->at_a = -1;
    } else {
        k->lo = k->a, k->a = k->b, k->at_a = k->at_b;
        k->b = k->lo + GOLDEN * (k->hi - k->lo), k->at_b = -1;
    }
}

/* All rhos go through golden section together, one new slope each a turn. */
static sl_status refine(search *s, bracket *k, sl_err *err)
{
    double widest = 0;
    for (size_t i = 0; i < s->n; i++) {
        k[i].a = k[i].hi - GOLDEN * (k[i].hi - k[i].lo), k[i].at_a = -1;
        k[i].b = k[i].lo + GOLDEN * (k[i].hi - k[i].lo), k[i].at_b = -1;
        widest = fmax(widest, k[i].hi - k[i].lo);
    }
    SL_TRY(measure_side(s, k, true, err));
    SL_TRY(measure_side(s, k, false, err));
    for (; widest > ENOUGH; widest *= GOLDEN) {
        for (size_t i = 0; i < s->n; i++) shrink(&k[i]);
        SL_TRY(measure_side(s, k, false, err));
    }
    return SL_OK;
}

/* Where slope_max is as bad as the slope found, to within the noise of the search: if that is next to slope_max, the
 * worst is slope_max, since the excess falls off in proportion below it, not to second order, and a slope that only
 * seems worse would cost; if not, other paths decide there, and both are for the measurement to compare (tie). */
static sl_status compare_largest(double *slope, bool *tie, search *s, sl_err *err)
{
    static const double sigmas = 3;
    const size_t R = s->r->search_replicas;
    for (size_t i = 0; i < s->n; i++) {
        s->pair[2 * i] = (sl_slope_pair){s->rho[i], slope[i]};
        s->pair[2 * i + 1] = (sl_slope_pair){s->rho[i], s->r->slope_max};
    }
    SL_TRY(run_pairs(s, 2 * s->n, err));
    for (size_t i = 0; i < s->n; i++) {
        const double *const found = s->excess + 2 * i * R, *const largest = found + R;
        sl_welford gain = {0};
        for (size_t k = 0; k < R; k++) sl_welford_add(&gain, found[k] - largest[k]);
        const sl_estimate e = sl_welford_mean(&gain);
        const bool near = slope[i] * RATIO >= s->r->slope_max, even = !(e.value > sigmas * e.se);
        if (near && even) slope[i] = s->r->slope_max;
        tie[i] = !near && even;
    }
    return SL_OK;
}

/* slope[i]: the worst for rho[i] as the search's replicas have it. */
static sl_status search_slopes(double *slope, bool *tie, search *s, bracket *k, size_t grid, double low, double high,
                               sl_err *err)
{
    const double step = grid > 1 ? (high - low) / (double)(grid - 1) : 0;
    for (size_t i = 0; i < s->n; i++)
        for (size_t g = 0; g < grid; g++)
            s->pair[i * grid + g] = (sl_slope_pair){s->rho[i], exp(low + step * (double)g)};
    SL_TRY(run_pairs(s, s->n * grid, err));
    for (size_t i = 0; i < s->n; i++) {
        size_t best = 0;
        for (size_t g = 1; g < grid; g++)
            if (s->mean[i * grid + g] > s->mean[i * grid + best]) best = g;
        const double at = low + step * (double)best;
        k[i] = (bracket){
            .lo = fmax(at - step, low), .hi = fmin(at + step, high), .grid = at, .at_grid = s->mean[i * grid + best]};
    }
    SL_TRY(refine(s, k, err));
    for (size_t i = 0; i < s->n; i++) {
        const bool first = k[i].at_a >= k[i].at_b;
        const double best = first ? k[i].a : k[i].b, found = first ? k[i].at_a : k[i].at_b;
        slope[i] = exp(found > k[i].at_grid ? best : k[i].grid);
    }
    return compare_largest(slope, tie, s, err);
}

/* The grid of log slopes. */
static size_t lay_grid(double *low, double *high, const sl_robustness *r)
{
    *high = log(r->slope_max);
    *low = fmin(log(0.1 * r->sigma / sqrt((double)r->schedule.total_steps)), *high - log(4));
    return 1 + (size_t)ceil((*high - *low) / log(RATIO));
}

/* What the search for n rhos and their measurement take, but for ties. */
static double plan(const sl_robustness *r, size_t n)
{
    double low, high;
    const size_t grid = lay_grid(&low, &high, r);
    size_t turns = 4; /* golden section's first two points, and the comparison with slope_max */
    for (double widest = 2 * (high - low) / (double)(grid - 1); widest > ENOUGH; widest *= GOLDEN) turns++;
    return sl_slope_work(r, n * (grid + turns), r->search_replicas) + sl_slope_work(r, n, r->replicas);
}

static sl_status choose(double *slope, bool *tie, const sl_robustness *r, const double *rate, const double *rho,
                        size_t n, sl_slope_meter *meter, sl_err *err)
{
    double low, high;
    const size_t grid = lay_grid(&low, &high, r), pairs = n * grid;
    search s = {.r = r, .rate = rate, .rho = rho, .n = n, .meter = meter};
    s.excess = malloc(pairs * r->search_replicas * sizeof *s.excess);
    s.pair = malloc(pairs * sizeof *s.pair);
    s.mean = malloc(pairs * sizeof *s.mean);
    bracket *const k = malloc(n * sizeof *k);
    const sl_status st =
        s.excess && s.pair && s.mean && k
            ? search_slopes(slope, tie, &s, k, grid, low, high, err)
            : sl_fail(err, SL_E_MEMORY, "no memory for %zu slopes of %zu replicas", pairs, r->search_replicas);
    free(s.excess);
    free(s.pair);
    free(s.mean);
    free(k);
    return st;
}

/* ---- the interface ---- */

static sl_status measure(double *samples, const sl_robustness *r, const double *rate, const double *rho,
                         const double *slope, size_t n, sl_slope_meter *meter, sl_err *err)
{
    sl_slope_pair *const pair = malloc(n * sizeof *pair);
    if (!pair) return sl_fail(err, SL_E_MEMORY, "no memory for %zu slopes", n);
    for (size_t i = 0; i < n; i++) pair[i] = (sl_slope_pair){rho[i], slope[i]};
    const sl_status st = sl_slope_run(samples, r, rate, pair, n, r->replicas, SUB_FRESH, meter, err);
    free(pair);
    return st;
}

/* Of two slopes that are equally bad as far as the search can tell, the one with the larger excess: too large by 0.6
 * standard errors at most. */
static sl_status break_ties(double *samples, double *slope, const bool *tie, const double *rho, size_t n,
                            const double *rate, const sl_robustness *r, sl_slope_meter *meter, sl_err *err)
{
    const size_t R = r->replicas;
    double *const other = malloc(R * sizeof *other);
    sl_status st = other ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for %zu replicas", R);
    for (size_t i = 0; i < n && st == SL_OK; i++) {
        if (!tie[i]) continue;
        st = measure(other, r, rate, &rho[i], &r->slope_max, 1, meter, err);
        if (st != SL_OK || !(sl_mean(other, R).value > sl_mean(samples + i * R, R).value)) continue;
        memcpy(samples + i * R, other, R * sizeof *other);
        slope[i] = r->slope_max;
    }
    free(other);
    return st;
}

static sl_status find_worst(sl_worst *worst, double *samples, double *slope, bool *tie, const double *rho, size_t n,
                            const double *rate, const sl_robustness *r, sl_err *err)
{
    sl_slope_meter meter = {.all = plan(r, n)};
    SL_TRY(choose(slope, tie, r, rate, rho, n, &meter, err));
    SL_TRY(measure(samples, r, rate, rho, slope, n, &meter, err));
    SL_TRY(break_ties(samples, slope, tie, rho, n, rate, r, &meter, err));
    for (size_t i = 0; i < n; i++)
        worst[i] = (sl_worst){.rho = rho[i],
                              .slope = slope[i],
                              .largest = slope[i] >= 0.999999 * r->slope_max,
                              .excess = sl_mean(samples + i * r->replicas, r->replicas)};
    return SL_OK;
}

sl_status sl_robustness_worst(sl_worst *worst, double *samples, const double *rho, size_t n, const sl_robustness *r,
                              sl_err *err)
{
    SL_TRY(check(r, rho, n, err));
    if (n > SIZE_MAX / sizeof *samples / r->replicas)
        return sl_fail(err, SL_E_MEMORY, "no memory for %zu replicas at %zu rates", r->replicas, n);
    double *rate = NULL;
    SL_TRY(tabulate(&rate, r, err));
    double *const own = samples ? NULL : malloc(n * r->replicas * sizeof *own);
    double *const slope = malloc(n * sizeof *slope);
    bool *const tie = malloc(n * sizeof *tie);
    const sl_status st = slope && tie && (samples || own)
                             ? find_worst(worst, samples ? samples : own, slope, tie, rho, n, rate, r, err)
                             : sl_fail(err, SL_E_MEMORY, "no memory for %zu replicas", n * r->replicas);
    free(own);
    free(slope);
    free(tie);
    free(rate);
    return st;
}

sl_status sl_robustness_excess(double *samples, const double *rho, const double *slope, size_t n,
                               const sl_robustness *r, sl_err *err)
{
    SL_TRY(check(r, rho, n, err));
    for (size_t i = 0; i < n; i++)
        if (!(slope[i] > 0 && isfinite(slope[i])))
            return sl_fail(err, SL_E_DOMAIN, "slope = %g, need 0 < slope < inf", slope[i]);
    double *rate = NULL;
    SL_TRY(tabulate(&rate, r, err));
    sl_slope_meter meter = {.all = sl_slope_work(r, n, r->replicas)};
    const sl_status st = measure(samples, r, rate, rho, slope, n, &meter, err);
    free(rate);
    return st;
}
