/* The numbers that `escape` leaves: survival, distribution, prediction, paths, contour lines, levels of splitting. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/escape.h"
#include "cli/output.h"
#include "plots/contour.h"

#define CONVENTIONS                                                                                                    \
    "times are of the first state outside (or inside the target), counted in updates from the start; times of "        \
    "Langevin "                                                                                                        \
    "equations are steps x dt; survival by Kaplan and Meier, lo and hi hold it at one time, band_lo and band_hi as a " \
    "whole (Hall and Wellner), each with 95 % confidence; noise variance is that of the mini-batch mean (D0/C) "       \
    "before alpha"

enum { MOST_ROWS = 800, BINS = 40, GRID = 101, CONTOURS = 14 };

static const double CONFIDENCE = 0.95;

static sl_table *table_of(size_t n, const char *const *columns, const cJSON *config, sl_status *st, sl_err *err)
{
    sl_table *t = sl_table_alloc(n, columns);
    *st = t ? sl_cli_header(t, config, err) : sl_fail(err, SL_E_MEMORY, "no memory for a table");
    return t;
}

static sl_status leave(sl_run *run, const char *name, sl_table *t, sl_status st, sl_err *err)
{
    if (st == SL_OK) st = sl_run_table(run, name, t, err);
    sl_table_free(t);
    return st;
}

/* The predicted survival at a time, between the points of its curve; NAN outside. */
static double predicted_survival(const sl_escape_forecast *f, double t)
{
    for (size_t i = 1; i < f->n_curve; i++) {
        const double a = f->curve_t[i - 1], b = f->curve_t[i];
        if (t >= a && t <= b) return f->curve_s[i - 1] + (f->curve_s[i] - f->curve_s[i - 1]) * (t - a) / (b - a);
    }
    return NAN;
}

/* ---- exits.dat ---- */

static sl_status fill_survival(sl_table *t, const sl_escape_case *c, const sl_survival *s, const sl_escape_forecast *f,
                               const double *band, sl_err *err)
{
    const double *lo = band, *hi = band + s->rows, *all_lo = band + 2 * s->rows, *all_hi = band + 3 * s->rows;
    const double start[] = {0, 1, 0, 1, 1, 1, 1, s->n, f->n_curve ? 1 : NAN};
    const double last = s->time[s->rows - 1];
    double shown = 1, when = 0;
    SL_TRY(sl_table_add(t, start, err));
    for (size_t i = 0; i < s->rows; i++) {
        /* Rows that a picture could not tell from the one before are left out. */
        const bool near = shown - s->survival[i] < 2.0 / MOST_ROWS && s->time[i] - when < 2 * last / MOST_ROWS;
        if (s->rows > MOST_ROWS && near && i + 1 < s->rows) continue;
        const sl_estimate at = sl_survival_at(s, s->time[i]);
        const double time = s->time[i] * c->unit;
        const double row[] = {time,      s->survival[i], at.se,
                              lo[i],     hi[i],          all_lo[i],
                              all_hi[i], s->at_risk[i],  predicted_survival(f, time)};
        SL_TRY(sl_table_add(t, row, err));
        shown = s->survival[i];
        when = s->time[i];
    }
    return SL_OK;
}

static sl_status write_survival(sl_run *run, const sl_escape_case *c, const sl_escape_found *o,
                                const sl_escape_forecast *f, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"time[t]",    "survival[1]", "survival_se[1]",
                                          "lo[1]",      "hi[1]",       "band_lo[1]",
                                          "band_hi[1]", "at_risk[1]",  "survival_predicted[1]"};
    const sl_survival *s = &o->survival;
    double *band = malloc(4 * s->rows * sizeof *band);
    if (!band) return sl_fail(err, SL_E_MEMORY, "no memory for the bands of %zu times", s->rows);
    sl_status st = sl_survival_band(band, band + s->rows, s, SL_BAND_POINTWISE, CONFIDENCE, err);
    if (st == SL_OK)
        st = sl_survival_band(band + 2 * s->rows, band + 3 * s->rows, s, SL_BAND_HALL_WELLNER, CONFIDENCE, err);
    if (st == SL_OK) {
        sl_table *t = table_of(sizeof columns / sizeof *columns, columns, config, &st, err);
        if (st == SL_OK) st = sl_table_set(t, "conventions", err, "%s", CONVENTIONS);
        if (st == SL_OK) st = sl_table_set(t, "exited", err, "%llu", (unsigned long long)o->exits.exited);
        if (st == SL_OK) st = sl_table_set(t, "censored", err, "%llu", (unsigned long long)o->exits.censored);
        if (st == SL_OK) st = sl_table_set(t, "lost", err, "%llu", (unsigned long long)o->exits.lost);
        if (st == SL_OK) st = fill_survival(t, c, s, f, band, err);
        st = leave(run, "exits.dat", t, st, err);
    }
    free(band);
    return st;
}

/* ---- distribution.dat ---- */

/* Exits in bins of whole steps, up to the time that all but 1 in 500 have left by; a part that is censored counts in
 * what densities are relative to. */
static sl_status fill_distribution(sl_table *t, const sl_escape_case *c, const sl_survival *s,
                                   const sl_escape_forecast *f, sl_err *err)
{
    size_t first = 0;
    while (first < s->rows && s->events[first] == 0) first++;
    const sl_interval top = sl_survival_quantile(s, 0.998, CONFIDENCE);
    const double from = s->time[first], to = isfinite(top.value) ? top.value : s->time[s->rows - 1];
    const double width = ceil((to - from + 1) / BINS);
    size_t i = first;
    for (double lo = from; lo <= to; lo += width) {
        double events = 0;
        for (; i < s->rows && s->time[i] < lo + width; i++) events += s->events[i];
        const double p = events / s->n, size = width * c->unit, se = sqrt(p * (1 - p) / s->n) / size;
        /* Times are whole: those of the bin are lo .. lo + width - 1, so it holds S(lo - 1) - S(lo + width - 1). */
        const double theory =
            predicted_survival(f, (lo - 1) * c->unit) - predicted_survival(f, (lo + width - 1) * c->unit);
        const double row[] = {(lo + (width - 1) / 2) * c->unit, p / size, se, theory / size};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status write_distribution(sl_run *run, const sl_escape_case *c, const sl_escape_found *o,
                                    const sl_escape_forecast *f, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"time[t]", "density[1/t]", "density_se[1/t]", "density_predicted[1/t]"};
    sl_status st;
    sl_table *t = table_of(sizeof columns / sizeof *columns, columns, config, &st, err);
    if (st == SL_OK) st = fill_distribution(t, c, &o->survival, f, err);
    return leave(run, "distribution.dat", t, st, err);
}

/* ---- predicted.dat ---- */

static sl_status write_predicted(sl_run *run, const sl_escape_forecast *f, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"time[t]", "survival_predicted[1]"};
    sl_status st;
    sl_table *t = table_of(2, columns, config, &st, err);
    if (st == SL_OK) st = sl_table_set(t, "law", err, "%s", f->law);
    for (size_t i = 0; i < f->n_curve && st == SL_OK; i++) {
        const double row[] = {f->curve_t[i], f->curve_s[i]};
        st = sl_table_add(t, row, err);
    }
    return leave(run, "predicted.dat", t, st, err);
}

/* ---- contours.dat ---- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The box of the paths, no side of it less than half of the other, with a margin. */
static void box_of(double lo[2], double hi[2], const sl_table *paths)
{
    lo[0] = lo[1] = INFINITY, hi[0] = hi[1] = -INFINITY;
    for (size_t i = 0; i < sl_table_rows(paths); i++) {
        const double *x = sl_table_row(paths, i) + 1;
        for (size_t d = 0; d < 2; d++)
            if (isfinite(x[d])) lo[d] = fmin(lo[d], x[d]), hi[d] = fmax(hi[d], x[d]);
    }
    const double longest = fmax(fmax(hi[0] - lo[0], hi[1] - lo[1]), 1e-9);
    for (size_t d = 0; d < 2; d++) {
        const double middle = (lo[d] + hi[d]) / 2, half = 0.55 * fmax(hi[d] - lo[d], longest / 2);
        lo[d] = middle - half;
        hi[d] = middle + half;
    }
}

/* Levels that divide the box into parts of equal area. sorted: room for another copy of f. */
static sl_status fill_contours(sl_table *t, const sl_escape_case *c, const sl_table *paths, double *f, double *sorted,
                               sl_err *err)
{
    double lo[2], hi[2], node[2][GRID];
    box_of(lo, hi, paths);
    for (size_t d = 0; d < 2; d++)
        for (size_t i = 0; i < GRID; i++) node[d][i] = lo[d] + (hi[d] - lo[d]) * (double)i / (GRID - 1);
    for (size_t i = 0; i < GRID; i++)
        for (size_t j = 0; j < GRID; j++) {
            const double x[] = {node[0][i], node[1][j]};
            f[i * GRID + j] = sorted[i * GRID + j] = sl_loss_value(&c->s.sgd.loss, x);
        }
    qsort(sorted, GRID * GRID, sizeof *sorted, by_value);
    for (size_t k = 0; k < CONTOURS; k++) {
        const double level = sorted[(2 * k + 1) * GRID * GRID / (2 * CONTOURS)];
        SL_TRY(sl_contour(t, node[0], GRID, node[1], GRID, f, level, err));
    }
    return SL_OK;
}

static sl_status write_contours(sl_run *run, const sl_escape_case *c, const sl_table *paths, const cJSON *config,
                                sl_err *err)
{
    static const char *const columns[] = {"x0[x]", "x1[x]", "loss[f]"};
    double *f = malloc(2 * GRID * GRID * sizeof *f);
    if (!f) return sl_fail(err, SL_E_MEMORY, "no memory for a grid of %d x %d", GRID, GRID);
    sl_status st;
    sl_table *t = table_of(3, columns, config, &st, err);
    if (st == SL_OK) st = fill_contours(t, c, paths, f, f + GRID * GRID, err);
    free(f);
    return leave(run, "contours.dat", t, st, err);
}

/* ---- levels.dat ---- */

static sl_status write_levels(sl_run *run, const sl_escape_case *c, const sl_rare *r, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"level[x]", "passage[1]", "arrivals[1]"};
    sl_status st;
    sl_table *t = table_of(3, columns, config, &st, err);
    if (st == SL_OK) st = sl_table_set(t, "a", err, "%.17g", c->how.a);
    double reached = 1;
    for (size_t i = 0; i < r->n_levels && st == SL_OK; i++) {
        const double row[] = {r->level[i], r->passage[i], reached};
        st = sl_table_add(t, row, err);
        reached *= r->passage[i];
    }
    return leave(run, "levels.dat", t, st, err);
}

sl_status sl_escape_write(sl_run *run, const sl_escape_case *c, sl_escape_found *o, const sl_escape_forecast *f,
                          const cJSON *config, sl_err *err)
{
    if (!sl_run_saves(run)) return SL_OK;
    sl_table *paths = o->exits.paths;
    if (c->splitting) {
        SL_TRY(write_levels(run, c, &o->rare, config, err));
        return sl_escape_draw(run, c, o, f, err);
    }
    SL_TRY(write_survival(run, c, o, f, config, err));
    if (o->exits.exited > 0) SL_TRY(write_distribution(run, c, o, f, config, err));
    if (f->n_curve > 0) SL_TRY(write_predicted(run, f, config, err));
    if (paths) {
        SL_TRY(sl_cli_header(paths, config, err));
        SL_TRY(sl_run_table(run, "paths.dat", paths, err));
        if (c->s.sgd.loss.dim == 2) SL_TRY(write_contours(run, c, paths, config, err));
    }
    return sl_escape_draw(run, c, o, f, err);
}
