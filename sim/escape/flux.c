/* The flux out of A: replicas go to and fro between A and the first level; a crossing counts after a visit to A. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/escape/split.h"

/* Cycles before and while crossings are counted. The chain of crossing points forgets its start in a cycle or two where
 * x and v relax in one; for what takes longer there is the burn-in in steps. */
enum { FIRST_CYCLES = 8, CYCLES = 8 };

/* A replica for so many particles of a group: with the cycles, twice as many states as there will be particles. */
enum { PARTICLES_A_REPLICA = 4 };

/* A v that is forgotten like exp(-k/memory) is within 1 part in 10^5 after this many memories. */
static const double MEMORIES = 12;

/* Probability to see a drift that is none. */
static const double FALSE_ALARM = 1e-5;

/* A replica that is lost so often without getting to the first level will not get there. */
enum { MOST_LOSSES = 1000 };

/* Everyone to the first level. Who is lost on the way begins anew: its time so far counts, as that of one who went to B
 * does. */
static sl_status climb(sl_crowd *c, sl_split *s, const sl_region *level, double *time, sl_err *err)
{
    sl_status st = SL_OK;
    bool again = true;
    for (size_t tries = 0; again && st == SL_OK && tries < MOST_LOSSES; tries++) {
        st = sl_crowd_drive(c, s, level, "from A to the first level", err);
        again = false;
        for (size_t i = 0; i < c->n && st == SL_OK; i++) {
            if (c->idle[i]) continue;
            time[i] += (double)c->time[i];
            c->idle[i] = c->at[i] != SL_EXIT_LOST;
            if (c->idle[i]) continue;
            sl_crowd_restart(c, s, i);
            again = true;
        }
    }
    for (size_t i = 0; i < c->n; i++) c->idle[i] = false;
    if (st != SL_OK || !again) return st;
    return sl_fail(err, SL_DIVERGED, "from A to the first level: a replica was lost %d times on end", MOST_LOSSES);
}

/* Everyone back into A, or put there from B: the process of which 1/time is the rate of arrivals in B begins anew at
 * the start each time. */
static sl_status fall(sl_crowd *c, sl_split *s, const sl_region *back, double *time, sl_err *err)
{
    SL_TRY(sl_crowd_drive(c, s, back, "from the first level back to A or to B", err));
    for (size_t i = 0; i < c->n; i++) {
        time[i] += (double)c->time[i];
        if (c->at[i] != s->how.b.n) sl_crowd_restart(c, s, i);
    }
    return SL_OK;
}

static double least(const double *x, size_t n)
{
    double m = INFINITY;
    for (size_t i = 0; i < n; i++) m = fmin(m, x[i]);
    return m;
}

/* Is the mean of these, one a group, none but by chance? Else the reservation is put down. */
static void look_for_drift(sl_flux *f, const double *difference, const char *what, size_t tests)
{
    const sl_estimate d = sl_mean(difference, f->groups);
    if (f->drift[0] || !(fabs(d.value) > sl_half_width(d, FALSE_ALARM / (double)tests))) return;
    snprintf(f->drift, sizeof f->drift,
             "%s still drifts, by %.3g standard errors between the two halves of the flux run, after a burn-in of %.4g "
             "steps: more is needed if it matters",
             what, fabs(d.value) / d.se, f->burn_in);
}

/* Cycle times and crossing points of the second half of the cycles against the first. Points tell more: a slow
 * coordinate shows in its mean long before it does in times, which scatter. difference: [groups], of times; then
 * scratch. */
static void check_drift(sl_flux *f, double *difference)
{
    const size_t dim = f->stock.dim, cycles = f->cycles, states = f->stock.n;
    look_for_drift(f, difference, "the rate of crossings", dim + 1);
    for (size_t d = 0; d < dim; d++) {
        for (size_t g = 0; g < f->groups; g++) difference[g] = 0;
        for (size_t i = 0; i < states; i++) {
            const double x = f->stock.x[i * dim + d];
            difference[i / (states / f->groups)] += 2 * (i % cycles) < cycles ? -x : x;
        }
        char what[64];
        snprintf(what, sizeof what, "coordinate %zu of the crossing points", d);
        look_for_drift(f, difference, what, dim + 1);
    }
}

/* xi . x >= z alone: B lies beyond it. */
static void first_level(sl_region *level, const sl_split *s)
{
    sl_split_region(level, s, s->how.z);
    level->set[0] = level->set[level->n - 1];
    level->n = 1;
}

/* A few go first: a level that is never reached costs most_steps of each. */
static sl_status probe(sl_split *s, sl_err *err)
{
    enum { PROBES = 64 };
    double time[PROBES] = {0};
    sl_region level;
    sl_crowd c;
    first_level(&level, s);
    SL_TRY(sl_crowd_init(&c, s, PROBES, err));
    const sl_status st = climb(&c, s, &level, time, err);
    sl_crowd_clear(&c);
    return st;
}

/* time: [n] scratch; difference: [groups], of the second half and the first. */
static sl_status cycle_all(sl_flux *f, sl_crowd *c, sl_split *s, double *time, double *difference, sl_err *err)
{
    sl_region level, back;
    sl_split_region(&back, s, INFINITY);
    first_level(&level, s);
    const double needed = fmax((double)s->ensemble->burn_in, ceil(MEMORIES * s->memory));
    if (needed > (double)s->how.most_steps)
        return sl_fail(err, SL_UNDECIDED, "the flux out of A takes a burn-in of %.4g steps, more than most_steps = %llu",
                       needed, (unsigned long long)s->how.most_steps);
    size_t cycle = 0;
    for (; cycle < FIRST_CYCLES || least(time, c->n) < needed; cycle++) {
        SL_TRY(climb(c, s, &level, time, err));
        SL_TRY(fall(c, s, &back, time, err));
    }
    f->burn_in = least(time, c->n);
    for (cycle = 0; cycle < f->cycles; cycle++) {
        for (size_t i = 0; i < c->n; i++) time[i] = 0;
        SL_TRY(climb(c, s, &level, time, err));
        for (size_t i = 0; i < c->n; i++) sl_crowd_copy(&f->stock, i * f->cycles + cycle, c, i);
        SL_TRY(fall(c, s, &back, time, err));
        for (size_t i = 0; i < c->n; i++) {
            f->time[i / f->each] += time[i];
            difference[i / f->each] += 2 * cycle < f->cycles ? -time[i] : time[i];
        }
    }
    check_drift(f, difference);
    return SL_OK;
}

sl_status sl_flux_run(sl_flux *f, sl_split *s, size_t groups, sl_err *err)
{
    const size_t each = (s->how.particles + PARTICLES_A_REPLICA - 1) / PARTICLES_A_REPLICA, n = groups * each;
    *f = (sl_flux){.groups = groups, .each = each, .cycles = CYCLES};
    f->time = calloc(groups, sizeof *f->time);
    double *time = calloc(n + groups, sizeof *time);
    sl_crowd c = {0};
    sl_status st = f->time && time ? probe(s, err) : sl_fail(err, SL_E_MEMORY, "no memory for %zu replicas", n);
    if (st == SL_OK) st = sl_crowd_init(&c, s, n, err);
    if (st == SL_OK) st = sl_crowd_init(&f->stock, s, n * CYCLES, err);
    if (st == SL_OK) st = cycle_all(f, &c, s, time, time + n, err);
    sl_crowd_clear(&c);
    free(time);
    if (st != SL_OK) sl_flux_clear(f);
    return st;
}

void sl_flux_clear(sl_flux *f)
{
    free(f->time);
    sl_crowd_clear(&f->stock);
    *f = (sl_flux){0};
}
