/* The pilot run of splitting: where the levels are to be. Nothing of it enters the estimate, so it may look at its
 * particles and try again as it likes. (It starts from the same crossings of the first level as the stages do: given
 * these, the stages are unbiased for any levels.) */
#include <math.h>
#include <stdlib.h>

#include "sim/escape/split.h"

/* A next level is good where the part that reaches it is between these multiples of the share asked for. */
static const double FEWEST = 0.5, MOST = 1.75;

/* Tries to find one, and the most that a gap may grow or shrink from one to the next. */
enum { TRIES = 60 };
static const double STRETCH = 4;

typedef struct {
    sl_split *s;
    sl_crowd here;  /* at the last level                  */
    sl_crowd trial; /* sent from there to a next one      */
    uint32_t *chosen;
    double low, high; /* the part of particles that should reach the next level */
} pilot;

/* Outcome of sending everyone from here to xi . x >= level. */
typedef struct {
    size_t reached, in_b; /* B included */
} outcome;

static sl_status send(outcome *o, pilot *p, double level, sl_err *err)
{
    sl_region region;
    sl_split_region(&region, p->s, level);
    for (size_t i = 0; i < p->here.n; i++) sl_crowd_copy(&p->trial, i, &p->here, i);
    SL_TRY(sl_crowd_drive(&p->trial, p->s, &region, "pilot run, from a level to the next", err));
    *o = (outcome){0};
    for (size_t i = 0; i < p->trial.n; i++) {
        if (sl_split_failed(p->s, p->trial.at[i])) continue;
        p->chosen[o->reached++] = (uint32_t)i;
        o->in_b += p->trial.at[i] < p->s->how.b.n;
    }
    return SL_OK;
}

/* log of the part that gets there falls about linearly with the gap; a bracket keeps guesses from repeating. */
static double next_gap(double gap, double part, size_t n, double share, double *too_near, double *too_far, bool near)
{
    if (near)
        *too_near = gap;
    else
        *too_far = gap;
    const double least = 0.5 / (double)n, p = fmin(fmax(part, least), 1 - least);
    const double guess = gap * fmin(fmax(log(share) / log(p), 1 / STRETCH), STRETCH);
    if (guess > *too_near && guess < *too_far) return guess;
    return *too_far < INFINITY ? (*too_near + *too_far) / 2 : STRETCH * gap;
}

/* The level after `from`: *gap, a first guess, becomes its distance. *last: B is as near as any level. */
static sl_status find_next(pilot *p, double from, double *gap, bool *last, sl_err *err)
{
    const size_t n = p->here.n;
    double too_near = 0, too_far = INFINITY;
    for (size_t i = 0; i < TRIES; i++) {
        outcome o;
        SL_TRY(send(&o, p, from + *gap, err));
        const double part = (double)o.reached / (double)n;
        *last = part >= p->low && 2 * o.in_b >= o.reached;
        const bool good = part >= p->low && part <= p->high, stuck = too_far - too_near < 1e-9 * too_far;
        if (*last) return SL_OK;
        if (good || (stuck && o.reached > 0))
            return sl_crowd_resample(&p->here, 0, n, &p->trial, p->chosen, o.reached, p->s, 0, err);
        *gap = next_gap(*gap, part, n, p->s->how.share, &too_near, &too_far, part > p->high);
    }
    return sl_fail(err, SL_UNDECIDED,
                   "pilot run: no level was found beyond xi . x = %g that a part of about %g reaches "
                   "from there before A, nor is B",
                   from, p->s->how.share);
}

static sl_status place(sl_rare *r, pilot *p, const sl_flux *flux, sl_err *err)
{
    const size_t m = flux->stock.n;
    uint32_t *all = malloc(m * sizeof *all);
    if (!all) return sl_fail(err, SL_E_MEMORY, "no memory for %zu particles", m);
    for (size_t i = 0; i < m; i++) all[i] = (uint32_t)i;
    sl_status st = sl_crowd_resample(&p->here, 0, p->here.n, &flux->stock, all, m, p->s, 0, err);
    free(all);
    r->n_levels = 1;
    r->level[0] = p->s->how.z;
    double gap = p->s->how.z - p->s->how.a;
    while (st == SL_OK) {
        bool last;
        const double from = r->level[r->n_levels - 1];
        st = find_next(p, from, &gap, &last, err);
        if (st != SL_OK || last) break;
        if (r->n_levels == SL_SPLITTING_LEVELS)
            return sl_fail(err, SL_UNDECIDED, "pilot run: B is beyond %d levels, of which the last is xi . x = %g",
                           SL_SPLITTING_LEVELS, from);
        r->level[r->n_levels++] = from + gap;
    }
    return st;
}

sl_status sl_pilot_run(sl_rare *r, sl_split *s, const sl_flux *flux, sl_err *err)
{
    const size_t n = s->how.particles;
    pilot p = {.s = s, .low = FEWEST * s->how.share};
    p.high = fmin(MOST * s->how.share, (1 + s->how.share) / 2);
    sl_status st = sl_crowd_init(&p.here, s, n, err);
    if (st == SL_OK) st = sl_crowd_init(&p.trial, s, n, err);
    p.chosen = malloc(n * sizeof *p.chosen);
    if (st == SL_OK && !p.chosen) st = sl_fail(err, SL_E_MEMORY, "no memory for %zu particles", n);
    if (st == SL_OK) st = place(r, &p, flux, err);
    sl_crowd_clear(&p.here);
    sl_crowd_clear(&p.trial);
    free(p.chosen);
    return st;
}
