/* Splitting, with levels that are fixed beforehand and the same number of particles from each.
 *
 * Why the mean time is 1 / (rate p) (Hill 1977). Let the process begin anew at the start whenever it reaches B. Then
 * arrivals in B are renewals, and by the renewal theorem they happen at a rate of exactly 1/E tau a step, E tau the
 * mean first-passage time from the start. Every arrival ends one excursion from A: it follows the last crossing of the
 * first level after a visit to A (B lies beyond that level). So the rate is also that of crossings, J, times the
 * probability p to go from a crossing on to B before A, crossing points taken as the stationary process has them:
 * 1/E tau = J p, with nothing neglected. In discrete time too: a step that jumps over levels, or into B, is at all of
 * them at once. What is neglected is that the flux run measures J and the crossing points after a burn-in, not at the
 * stationary state: there the process has begun anew E tau steps ago on average, here so many steps that the start is
 * forgotten but B was not reached. The two laws differ by the part of time within the memory t of the start, so the
 * answer by a relative error of the order of t / E tau.
 *
 * Why p is unbiased: particles are copied in such a way that a state has the same number of descendants on average as
 * any other of its stage, whatever happened before; so by induction from the last stage back the product of the parts
 * that get on has mean p for crossing points of the right law, for any number of particles (Cerou et al. 2012). It can
 * be 0, and that counts. Levels from a run of its own are fixed numbers here. Adaptive splitting (Cerou and Guyader
 * 2007), which places its levels as it goes, is unbiased too with care for ties, which discrete time has (a jump over
 * several levels), but stops a particle at a time; here all particles of all repeats make one call of the first-exit
 * engine a stage, which keeps its blocks full.
 *
 * Errors: repeats share nothing but the levels (each has its part of the flux run, and particles of its own), so the
 * spread over them is that of independent copies, and includes what p owes to the crossing points. */
#include "sim/escape/splitting.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sim/escape/split.h"

enum { PARTICLES = 1024, REPEATS = 32, LEAST_PARTICLES = 8, LEAST_REPEATS = 2 };
static const double SHARE = 0.2;
static const uint64_t MOST_STEPS = 10000000, MOST_PARTICLES = (uint64_t)1 << 28;

/* ---- what is asked ---- */

static double dot(const double *u, const double *x, size_t dim)
{
    double sum = 0;
    for (size_t d = 0; d < dim; d++) sum += u[d] * x[d];
    return sum;
}

/* The least xi . x of a set: -INFINITY where there is none. */
static double nearest(const sl_set *set, const double *xi, size_t dim)
{
    const double length = sqrt(dot(xi, xi, dim));
    if (set->kind == SL_SET_WITHIN) return dot(xi, set->point, dim) - length * set->level;
    if (set->kind != SL_SET_HALF) return -INFINITY;
    const double norm = sqrt(dot(set->point, set->point, dim)), parallel = dot(xi, set->point, dim);
    return parallel >= (1 - 1e-12) * length * norm ? set->level * length / norm : -INFINITY;
}

static sl_status check_sets(const sl_splitting *how, size_t dim, sl_err *err)
{
    double length = 0;
    for (size_t d = 0; d < dim; d++) {
        if (!isfinite(how->xi[d]))
            return sl_fail(err, SL_E_DOMAIN, "splitting: xi[%zu] = %g must be finite", d, how->xi[d]);
        length += how->xi[d] * how->xi[d];
    }
    if (!(length > 0 && isfinite(length)))
        return sl_fail(err, SL_E_DOMAIN, "splitting: |xi|^2 = %g, need a direction", length);
    if (!(how->a < how->z && isfinite(how->z - how->a)))
        return sl_fail(err, SL_E_DOMAIN, "splitting: A up to %g and a first level at %g, need a < z, both finite",
                       how->a, how->z);
    if (!(how->b.n >= 1 && how->b.n <= SL_REGION_SETS - 2))
        return sl_fail(err, SL_E_DOMAIN, "splitting: B has %zu sets, need 1 to %d", how->b.n, SL_REGION_SETS - 2);
    for (size_t i = 0; i < how->b.n; i++) {
        const double begins = nearest(&how->b.set[i], how->xi, dim);
        if (!(begins > how->a))
            return sl_fail(err, SL_E_CONFIG,
                           "splitting: B (its set %zu) begins at xi . x = %g and overlaps with A, which ends at %g", i,
                           begins, how->a);
        if (!(begins >= how->z))
            return sl_fail(err, SL_E_CONFIG,
                           "splitting: B (its set %zu) begins at xi . x = %g, before the first level, %g", i, begins,
                           how->z);
    }
    return SL_OK;
}

static sl_status check(sl_split *s, const sl_splitting *how, sl_err *err)
{
    if (!s->loss->kind) return sl_fail(err, SL_E_DOMAIN, "the ensemble has no loss");
    s->how = *how;
    sl_splitting *h = &s->how;
    if (h->particles == 0) h->particles = PARTICLES;
    if (h->repeats == 0) h->repeats = REPEATS;
    if (h->share == 0) h->share = SHARE;
    if (h->most_steps == 0) h->most_steps = MOST_STEPS;
    if (!(h->share >= 0.01 && h->share <= 0.9))
        return sl_fail(err, SL_E_DOMAIN, "splitting: share = %g, need 0.01 <= share <= 0.9", h->share);
    if (!(h->particles >= LEAST_PARTICLES && h->repeats >= LEAST_REPEATS && h->particles <= MOST_PARTICLES &&
          h->repeats <= MOST_PARTICLES / h->particles))
        return sl_fail(err, SL_E_DOMAIN,
                       "splitting: %zu particles and %zu repeats, need at least %d and %d, together <= 2^28",
                       h->particles, h->repeats, LEAST_PARTICLES, LEAST_REPEATS);
    SL_TRY(check_sets(h, s->loss->dim, err));
    /* Two generations, as many crossings again as two, and what moves of one of them, here and in its first exits. */
    const double bytes = 6 * (double)h->particles * (double)h->repeats *
                         (8 * (double)s->loss->dim * (1 + s->velocity) + sizeof(uint64_t) + 2);
    if (bytes > 0.9 * sl_memory_available(""))
        return sl_fail(err, SL_E_MEMORY,
                       "splitting: %zu particles and %zu repeats take %.3g bytes, more than there are", h->particles,
                       h->repeats, bytes);
    const double *start = s->ensemble->start ? s->ensemble->start : s->loss->start;
    const double at = dot(h->xi, start, s->loss->dim);
    if (!(at <= h->a))
        return sl_fail(err, SL_E_CONFIG, "splitting: the start is at xi . x = %g, not in A, which ends at %g", at,
                       h->a);
    return SL_OK;
}

/* ---- the stages ---- */

typedef struct {
    sl_split *s;
    sl_crowd now, next; /* [repeats][particles] */
    uint32_t *chosen;   /* [particles]          */
    double *p;          /* [repeats]            */
} stages;

/* Who of repeat j has got on: their number, and chosen[] their indices. */
static size_t count(stages *g, size_t j)
{
    const size_t n = g->s->how.particles;
    size_t m = 0;
    for (size_t i = j * n; i < (j + 1) * n; i++)
        if (!g->now.idle[i] && !sl_split_failed(g->s, g->now.at[i])) g->chosen[m++] = (uint32_t)i;
    return m;
}

/* From level i to the next, or to B. A repeat of which nobody gets on has the estimate 0 and is left idle. */
static sl_status stage(stages *g, sl_rare *r, size_t i, sl_err *err)
{
    const size_t n = g->s->how.particles, repeats = g->s->how.repeats;
    const double next = i + 1 < r->n_levels ? r->level[i + 1] : INFINITY;
    char where[96];
    snprintf(where, sizeof where, "from level %zu of %zu, xi . x = %g, to the next", i + 1, r->n_levels, r->level[i]);
    sl_region region;
    sl_split_region(&region, g->s, next);
    SL_TRY(sl_crowd_drive(&g->now, g->s, &region, where, err));
    double started = 0, reached = 0;
    for (size_t j = 0; j < repeats; j++) {
        const size_t m = count(g, j);
        started += g->now.idle[j * n] ? 0 : (double)n;
        reached += (double)m;
        g->p[j] *= (double)m / (double)n;
        memset(g->next.idle + j * n, m == 0, n * sizeof *g->next.idle);
        if (m > 0) SL_TRY(sl_crowd_resample(&g->next, j * n, n, &g->now, g->chosen, m, g->s, j, err));
    }
    const sl_crowd swap = g->now;
    g->now = g->next;
    g->next = swap;
    r->passage[i] = started > 0 ? reached / started : 0;
    return SL_OK;
}

/* Every repeat's particles start from the crossings of its part of the flux run. */
static sl_status begin(stages *g, const sl_flux *flux, sl_err *err)
{
    const size_t n = g->s->how.particles, m = flux->each * flux->cycles;
    uint32_t *all = malloc(m * sizeof *all);
    if (!all) return sl_fail(err, SL_E_MEMORY, "no memory for %zu particles", m);
    sl_status st = SL_OK;
    for (size_t j = 0; j < flux->groups && st == SL_OK; j++) {
        g->p[j] = 1;
        for (size_t i = 0; i < m; i++) all[i] = (uint32_t)(j * m + i);
        st = sl_crowd_resample(&g->now, j * n, n, &flux->stock, all, m, g->s, j, err);
    }
    free(all);
    return st;
}

static void tell(const sl_split *s, size_t done, size_t all)
{
    if (s->ensemble->progress) s->ensemble->progress(s->ensemble->progress_ctx, (double)done / (double)all);
}

/* ---- the answer ---- */

/* C / <t>, t[repeats] the steps that a repeat's C crossings took. */
static sl_estimate rate_of(const sl_flux *flux)
{
    const double crossings = (double)(flux->each * flux->cycles);
    return sl_ratio(sl_exact(crossings), sl_mean(flux->time, flux->groups));
}

/* <t> / (C <p>), a ratio of means over repeats: its error to first order in their deviations, what t and p of a repeat
 * have to do with each other included. */
static sl_estimate time_of(const sl_rare *r, const sl_flux *flux, const double *p)
{
    const double crossings = (double)(flux->each * flux->cycles), mean = crossings / r->rate.value;
    sl_welford residual = {0};
    for (size_t j = 0; j < flux->groups; j++)
        sl_welford_add(&residual, flux->time[j] / mean - p[j] / r->probability.value);
    const double value = 1 / (r->rate.value * r->probability.value);
    return (sl_estimate){.value = value, .se = value * sl_welford_mean(&residual).se, .dof = residual.n - 1};
}

static sl_status run(sl_rare *r, sl_split *s, sl_flux *flux, stages *g, sl_err *err)
{
    const size_t n = s->how.particles, repeats = s->how.repeats;
    g->s = s;
    SL_TRY(sl_flux_run(flux, s, repeats, err));
    r->rate = rate_of(flux);
    SL_TRY(sl_pilot_run(r, s, flux, err));
    tell(s, 2, r->n_levels + 2);
    g->chosen = malloc(n * sizeof *g->chosen);
    g->p = malloc(repeats * sizeof *g->p);
    if (!g->chosen || !g->p) return sl_fail(err, SL_E_MEMORY, "no memory for %zu repeats of %zu particles", repeats, n);
    SL_TRY(sl_crowd_init(&g->now, s, repeats * n, err));
    SL_TRY(sl_crowd_init(&g->next, s, repeats * n, err));
    SL_TRY(begin(g, flux, err));
    for (size_t i = 0; i < r->n_levels; i++) {
        SL_TRY(stage(g, r, i, err));
        tell(s, i + 3, r->n_levels + 2);
    }
    r->probability = sl_mean(g->p, repeats);
    if (!(r->probability.value > 0)) return sl_fail(err, SL_UNDECIDED, "no particle of %zu repeats reached B", repeats);
    r->time = time_of(r, flux, g->p);
    if (flux->drift[0]) return sl_fail(err, SL_UNDECIDED, "%s", flux->drift);
    return SL_OK;
}

static sl_status split(sl_rare *r, sl_split *s, const sl_splitting *how, sl_err *err)
{
    const double start = sl_clock();
    const sl_estimate unknown = {.value = NAN, .se = NAN};
    SL_TRY(check(s, how, err));
    sl_rare result = {.time = unknown, .rate = unknown, .probability = unknown};
    sl_flux flux = {0};
    stages g = {0};
    const sl_status st = run(&result, s, &flux, &g, err);
    sl_flux_clear(&flux);
    sl_crowd_clear(&g.now);
    sl_crowd_clear(&g.next);
    free(g.chosen), free(g.p);
    result.updates = s->updates;
    result.seconds = sl_clock() - start;
    if (st == SL_INTERRUPTED)
        *r = (sl_rare){0};
    else if (st >= 0)
        *r = result;
    return st;
}

/* ---- the dynamics ---- */

static sl_status escape_sgd(sl_exits *e, const void *dynamics, const sl_ensemble *ensemble, const sl_escape *how,
                            sl_err *err)
{
    sl_sgd sgd = *(const sl_sgd *)dynamics;
    sgd.ensemble = *ensemble;
    return sl_sgd_escape(e, &sgd, how, err);
}

static sl_status escape_overdamped(sl_exits *e, const void *dynamics, const sl_ensemble *ensemble, const sl_escape *how,
                                   sl_err *err)
{
    sl_langevin l = *(const sl_langevin *)dynamics;
    l.ensemble = *ensemble;
    return sl_overdamped_escape(e, &l, how, err);
}

static sl_status escape_underdamped(sl_exits *e, const void *dynamics, const sl_ensemble *ensemble,
                                    const sl_escape *how, sl_err *err)
{
    sl_langevin l = *(const sl_langevin *)dynamics;
    l.ensemble = *ensemble;
    return sl_underdamped_escape(e, &l, how, err);
}

sl_status sl_sgd_splitting(sl_rare *r, const sl_sgd *sgd, const sl_splitting *how, sl_err *err)
{
    if (!sgd->schedule.spec.entry) return sl_fail(err, SL_E_DOMAIN, "the ensemble has no schedule");
    if (sgd->noise.remembers)
        return sl_fail(err, SL_E_CONFIG,
                       "splitting needs steps that are independent, which those without replacement are not");
    if (!sl_schedule_is_stationary(&sgd->schedule))
        return sl_fail(err, SL_E_CONFIG,
                       "splitting: schedule '%s' is not stationary: its rates follow the clock, which "
                       "particles that start from one another do not share",
                       sgd->schedule.spec.entry->name);
    const bool velocity = sgd->rule.kind != SL_RULE_PLAIN;
    sl_split s = {.dynamics = sgd,
                  .ensemble = &sgd->ensemble,
                  .loss = &sgd->loss,
                  .escape = escape_sgd,
                  .velocity = velocity,
                  .memory = velocity ? 1 / (1 - sgd->rule.mu) : 0};
    return split(r, &s, how, err);
}

sl_status sl_overdamped_splitting(sl_rare *r, const sl_langevin *l, const sl_splitting *how, sl_err *err)
{
    if (l->scheme == SL_OVERDAMPED_LM)
        return sl_fail(err, SL_E_CONFIG,
                       "splitting: the scheme 'lm' keeps noise from step to step, so that x alone is not "
                       "a state to start from: use 'euler'");
    sl_split s = {.dynamics = l, .ensemble = &l->ensemble, .loss = &l->loss, .escape = escape_overdamped};
    return split(r, &s, how, err);
}

sl_status sl_underdamped_splitting(sl_rare *r, const sl_langevin *l, const sl_splitting *how, sl_err *err)
{
    const double decay = l->friction * l->h;
    if (!(decay > 0 && isfinite(decay)))
        return sl_fail(err, SL_E_DOMAIN, "friction = %g, time step h = %g: need both positive and finite", l->friction,
                       l->h);
    sl_split s = {.dynamics = l,
                  .ensemble = &l->ensemble,
                  .loss = &l->loss,
                  .escape = escape_underdamped,
                  .velocity = true,
                  .memory = 1 / decay};
    return split(r, &s, how, err);
}
