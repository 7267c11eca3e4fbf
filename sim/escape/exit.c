#include "sim/escape/exit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sim/escape/region.h"
#include "sim/escape/workers.h"

/* Bytes of results that are asked for without looking first whether there are so many: looking takes longer than many
 * a run. */
static const double LITTLE = 64 << 20;

/* ---- before and after ---- */

static sl_status refuse_start(unsigned set, const char *who, sl_err *err)
{
    return sl_fail(err, SL_E_DOMAIN, "%s lies in set %u of the region already", who, set);
}

static sl_status check_starts(const sl_escape_job *job, size_t dim, sl_err *err)
{
    const sl_ensemble *e = job->dynamics->ensemble;
    const double *start = e->start ? e->start : job->dynamics->loss->start, *x = job->how->x, *v = job->how->v;
    if (!x) {
        const unsigned set = sl_region_which(&job->how->region, dim, start);
        return set == SL_EXIT_CENSORED ? SL_OK : refuse_start(set, "the start", err);
    }
    for (uint64_t i = 0; i < e->replicas; i++) {
        char who[64];
        snprintf(who, sizeof who, "the start of replica %llu", (unsigned long long)i);
        for (size_t d = 0; d < dim; d++)
            if (!(fabs(x[i * dim + d]) <= job->radius) || (v && !isfinite(v[i * dim + d])))
                return sl_fail(err, SL_E_DOMAIN, "%s is not finite, or beyond the kill radius %g, in coordinate %zu",
                               who, job->radius, d);
        const unsigned set = sl_region_which(&job->how->region, dim, x + i * dim);
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

static sl_status escape(sl_exits *out, const sl_dynamics *dynamics, const sl_escape *how, sl_err *err)
{
    const double start = sl_clock();
    const sl_ensemble *e = dynamics->ensemble;
    SL_TRY(check(dynamics, how, err));
    sl_escape_job job = {.dynamics = dynamics, .how = how, .limit = e->steps, .far_often = e->kill_radius > 0};
    job.radius = job.far_often ? fmin(e->kill_radius, SL_FARTHEST) : SL_FARTHEST;
    SL_TRY(check_starts(&job, dynamics->loss->dim, err));
    sl_exits result = {0};
    job.e = &result;
    sl_status st = allocate(&result, dynamics, how, err);
    if (st == SL_OK && how->paths > 0)
        st = sl_paths_alloc(&job.paths, how->paths, dynamics->loss->dim, how->path_every, SL_PATH_STATES, err);
    if (st == SL_OK) st = sl_escape_work(&job, err);
    if (st == SL_OK && job.paths) st = sl_paths_table(&result.paths, job.paths, err);
    sl_paths_free(job.paths);
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
                       (unsigned long long)result.lost, (unsigned long long)result.replicas, job.radius);
    return SL_OK;
}

/* ---- the interface ---- */

sl_status sl_sgd_escape(sl_exits *e, const sl_sgd *sgd, const sl_escape *how, sl_err *err)
{
    sl_sgd_state state;
    sl_dynamics dynamics;
    if (sgd->regime) return sl_fail(err, SL_E_CONFIG, "exit times need a schedule: a regime's state is not split");
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
