/* What a sweep leaves: sweep.dat with a row a cell, sweep-times.dat with what differs from run to run, figure.dat with
 * what is drawn, and the figure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spec.h"
#include "cli/output.h"
#include "cli/sweep_result.h"
#include "plots/plot.h"

enum {
    COLUMN = 80,
    FIXED = 9,
    MOST_COLUMNS = SL_SWEEP_AXES * SL_SWEEP_TIED + FIXED,
    SHOWN_CURVES = 7,
    CURVE_NAME = 96
};

static double or_nan(double v)
{
    return isfinite(v) ? v : NAN;
}

/* ---- sweep.dat ---- */

static bool is_number(const sl_option *o)
{
    return o->kind == SL_OPT_REAL || o->kind == SL_OPT_INTEGER;
}

/* Texts are coded by the row of the axis in which they first stand. */
static double code_of(const sl_sweep_axis *a, size_t k, size_t value)
{
    const char *text = a->value[value * a->n_options + k];
    if (is_number(a->option[k])) return sl_read_double(text, NULL);
    double code = 0;
    for (size_t v = 0; v < a->n_values; v++) {
        const char *other = a->value[v * a->n_options + k];
        bool first = true;
        for (size_t u = 0; u < v; u++) first &= strcmp(a->value[u * a->n_options + k], other) != 0;
        if (strcmp(other, text) == 0) break;
        code += first;
    }
    return code;
}

/* Header lines "schedule 0 = constant", "schedule 1 = ...": what the codes of a column mean. */
static sl_status set_codes(sl_table *t, const sl_sweep_axis *a, size_t k, sl_err *err)
{
    for (size_t v = 0; v < a->n_values && !is_number(a->option[k]); v++) {
        char name[COLUMN];
        snprintf(name, sizeof name, "%s %.0f", a->option[k]->name, code_of(a, k, v));
        SL_TRY(sl_table_set(t, name, err, "%s", a->value[v * a->n_options + k]));
    }
    return SL_OK;
}

/* All of them, or the first and the last of a long list. */
static sl_status set_seeds(sl_table *t, const sl_sweep_file *f, sl_err *err)
{
    enum { LISTED = 20 };
    char text[LISTED * 24] = "";
    if (f->n_seeds > LISTED)
        return sl_table_set(t, "seeds", err, "%zu, from %llu to %llu", f->n_seeds, (unsigned long long)f->seed[0],
                            (unsigned long long)f->seed[f->n_seeds - 1]);
    for (size_t i = 0, n = 0; i < f->n_seeds; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%llu", i ? " " : "", (unsigned long long)f->seed[i]);
    return sl_table_set(t, "seeds", err, "%s", text);
}

static sl_status set_header(sl_table *t, const sl_sweep_result *r, sl_err *err)
{
    const sl_sweep_file *f = r->file;
    SL_TRY(sl_table_set(t, "program", err, "sgdlab %s", sl_version));
    SL_TRY(sl_table_set(t, "sweep", err, "%s", f->name));
    SL_TRY(sl_table_set(t, "metric", err, "%s", f->metric->name));
    for (size_t i = f->n_varied; i < f->n_axes; i++)
        for (size_t k = 0; k < f->axis[i].n_options; k++)
            SL_TRY(sl_table_set(t, f->axis[i].option[k]->name, err, "%s", f->axis[i].value[k]));
    SL_TRY(set_seeds(t, f, err));
    for (size_t i = 0; i < f->n_varied; i++)
        for (size_t k = 0; k < f->axis[i].n_options; k++) SL_TRY(set_codes(t, &f->axis[i], k, err));
    return SL_OK;
}

static sl_status fill_cells(sl_table *t, const sl_sweep_result *r, sl_err *err)
{
    const sl_sweep_file *f = r->file;
    SL_TRY(set_header(t, r, err));
    SL_TRY(
        sl_table_set(t, "conventions", err,
                     "mean and standard error over seeds, nan where a run diverged; the median "
                     "counts such a run as infinitely bad, and is nan where it is infinite; best_seed: of those that "
                     "did not diverge; epochs_trained: mean over seeds; accuracies are fractions"));
    for (size_t c = 0; c < f->n_cells; c++) {
        const sl_sweep_cell *x = &r->cell[c];
        double row[MOST_COLUMNS];
        size_t n = 0;
        row[n++] = (double)c;
        for (size_t i = 0; i < f->n_varied; i++)
            for (size_t k = 0; k < f->axis[i].n_options; k++)
                row[n++] = code_of(&f->axis[i], k, sl_sweep_value(f, c, i));
        const double rest[] = {x->mean.value, x->mean.se, or_nan(x->median), x->best, (double)x->complete,
                               (double)x->diverged, (double)x->failed, x->epochs};
        memcpy(row + n, rest, sizeof rest);
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status write_cells(const sl_sweep_result *r, sl_run *run, sl_err *err)
{
    static const char *const rest[] = {"",         "_se",      "median", "best_seed",
                                       "complete", "diverged", "failed", "epochs_trained"};
    const sl_sweep_file *f = r->file;
    char text[MOST_COLUMNS][COLUMN];
    const char *columns[MOST_COLUMNS];
    size_t n = 0;
    snprintf(text[n++], COLUMN, "cell[1]");
    for (size_t i = 0; i < f->n_varied; i++)
        for (size_t k = 0; k < f->axis[i].n_options; k++)
            snprintf(text[n++], COLUMN, "%.64s[1]", f->axis[i].option[k]->name);
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        snprintf(text[n++], COLUMN, "%s%s[1]", i < 2 ? f->metric->name : "", rest[i]);
    for (size_t i = 0; i < n; i++) {
        for (char *p = text[i]; (p = strchr(p, '-'));) *p = '_';
        columns[i] = text[i];
    }
    sl_table *t = sl_table_alloc(n, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = fill_cells(t, r, err);
    if (st == SL_OK) st = sl_run_table(run, "sweep.dat", t, err);
    sl_table_free(t);
    return st;
}

static sl_status write_times(const sl_sweep_result *r, sl_run *run, sl_err *err)
{
    static const char *const columns[] = {"cell[1]", "images_per_second[1/s]", "seconds[s]"};
    sl_table *t = sl_table_alloc(3, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = sl_table_set(t, "conventions", err,
                                "cells as in sweep.dat; images a second: mean over seeds, as several "
                                "runs shared the machine; seconds: wall clock of the cell's processes, added up");
    for (size_t c = 0; c < r->file->n_cells && st == SL_OK; c++) {
        const double row[] = {(double)c, r->cell[c].images_per_second, r->cell[c].seconds};
        st = sl_table_add(t, row, err);
    }
    if (st == SL_OK) st = sl_run_table(run, "sweep-times.dat", t, err);
    sl_table_free(t);
    return st;
}

/* ---- what is drawn ---- */

/* The figure's points: the best-ranked cell at each x and curve, and where the x axis has its values. */
typedef struct {
    const sl_sweep_file *f;
    size_t n_x, n_curves, n_shown;
    size_t *cell;     /* [curve][x]; n_cells: none */
    size_t *at;       /* [x]: values of the axis, ascending where they are numbers */
    double *x;        /* [x] */
    bool numeric, logx, any, diverged;
    double low, high; /* of what is drawn, in the metric's own unit */
    double floor;     /* where runs that diverged are marked */
} drawing;

/* Are the steps more even in ratio than in difference? */
static bool geometric(const double *x, size_t n)
{
    if (n < 2 || !(x[0] > 0)) return false;
    if (n == 2) return x[1] >= 8 * x[0];
    sl_welford step = {0}, ratio = {0};
    for (size_t i = 1; i < n; i++) {
        sl_welford_add(&step, x[i] - x[i - 1]);
        sl_welford_add(&ratio, log(x[i] / x[i - 1]));
    }
    return sqrt(sl_welford_variance(&ratio)) / ratio.mean < sqrt(sl_welford_variance(&step)) / step.mean;
}

static void place_x(drawing *d)
{
    const sl_sweep_axis *a = &d->f->axis[d->f->x];
    d->numeric = !a->tied || d->f->x_named;
    for (size_t i = 0; i < d->n_x; i++) {
        d->numeric &= sl_sweep_numeric(a, d->f->x_option, i, &d->x[i]);
        for (size_t k = 0; k < i; k++) d->numeric &= d->x[k] != d->x[i]; /* tied values may repeat one of them */
    }
    for (size_t i = 0; i < d->n_x; i++) {
        size_t k = i;
        double v = (double)i;
        if (d->numeric) (void)sl_sweep_numeric(a, d->f->x_option, i, &v);
        for (; k > 0 && d->x[k - 1] > v; k--) d->x[k] = d->x[k - 1], d->at[k] = d->at[k - 1];
        d->x[k] = v;
        d->at[k] = i;
    }
    d->logx = d->numeric && geometric(d->x, d->n_x);
}

static void choose_cells(drawing *d, const sl_sweep_result *r)
{
    const sl_sweep_file *f = d->f;
    for (size_t i = 0; i < d->n_x * d->n_curves; i++) d->cell[i] = f->n_cells;
    for (size_t i = 0; i < f->n_cells; i++) {
        const size_t c = r->order[i], v = sl_sweep_value(f, c, f->x);
        const size_t k = f->curve < f->n_varied ? sl_sweep_value(f, c, f->curve) : 0;
        size_t x = 0;
        while (d->at[x] != v) x++;
        if (d->cell[k * d->n_x + x] == f->n_cells) d->cell[k * d->n_x + x] = c;
    }
    d->low = INFINITY, d->high = -INFINITY;
    for (size_t i = 0; i < d->n_x * d->n_shown; i++) {
        const sl_sweep_cell *c = &r->cell[d->cell[i]];
        d->diverged |= c->diverged > 0;
        if (isnan(c->mean.value)) continue;
        const double bar = isfinite(c->mean.se) ? c->mean.se : 0;
        d->any = true;
        d->low = fmin(d->low, c->mean.value - bar);
        d->high = fmax(d->high, c->mean.value + bar);
    }
    if (!d->any) d->low = d->high = 0;
    const double span = d->high > d->low ? d->high - d->low : fmax(0.1 * fabs(d->high), 0.01);
    const bool higher = f->metric->higher; /* the bad end of the axis */
    d->floor = higher ? d->low - 0.08 * span : d->high + 0.08 * span;
}

static sl_status plan(drawing *d, const sl_sweep_result *r, sl_err *err)
{
    const sl_sweep_file *f = r->file;
    *d = (drawing){
        .f = f, .n_x = f->axis[f->x].n_values, .n_curves = f->curve < f->n_varied ? f->axis[f->curve].n_values : 1};
    d->n_shown = d->n_curves < SHOWN_CURVES ? d->n_curves : SHOWN_CURVES;
    d->cell = calloc(d->n_x * d->n_curves, sizeof *d->cell);
    d->at = calloc(d->n_x, sizeof *d->at);
    d->x = calloc(d->n_x, sizeof *d->x);
    if (!d->cell || !d->at || !d->x) return sl_fail(err, SL_E_MEMORY, "no memory for a figure");
    place_x(d);
    choose_cells(d, r);
    return SL_OK;
}

static void forget(drawing *d)
{
    free(d->cell);
    free(d->at);
    free(d->x);
}

/* A block a curve, then one of the runs that diverged; a curve without a point to draw has its rows too. */
static sl_status fill_drawing(sl_table *t, const drawing *d, const sl_sweep_result *r, sl_err *err)
{
    const sl_sweep_file *f = d->f;
    char title[256] = "all";
    SL_TRY(
        sl_table_set(t, "conventions", err,
                     "x as in sweep.dat, or its place for texts; at each x the best cell of the "
                     "other axes; bar: standard error, 0 where there is one seed; in the last block value only marks "
                     "where a run diverged"));
    for (size_t k = 0; k < d->n_shown; k++) {
        if (f->curve < f->n_varied) sl_sweep_value_name(title, sizeof title, &f->axis[f->curve], k);
        SL_TRY(sl_table_block(t, title, err));
        for (size_t x = 0; x < d->n_x; x++) {
            const size_t c = d->cell[k * d->n_x + x];
            const sl_estimate m = r->cell[c].mean;
            const double row[] = {d->x[x], m.value, isnan(m.value) ? NAN : isfinite(m.se) ? m.se : 0, (double)c};
            SL_TRY(sl_table_add(t, row, err));
        }
    }
    if (!d->diverged) return SL_OK;
    SL_TRY(sl_table_block(t, "diverged", err));
    for (size_t i = 0; i < d->n_x * d->n_shown; i++) {
        if (r->cell[d->cell[i]].diverged == 0) continue;
        const double row[] = {d->x[i % d->n_x], d->floor, 0, (double)d->cell[i]};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

/* Names of the x axis's values as the plot wants them, by commas, of which they hold none. */
static char *categories(const drawing *d)
{
    const sl_sweep_axis *a = &d->f->axis[d->f->x];
    enum { LONGEST = 96 };
    char *text = calloc(d->n_x, LONGEST), *end = text;
    for (size_t i = 0; text && i < d->n_x; i++) {
        char name[LONGEST - 1];
        sl_sweep_value_name(name, sizeof name, a, i);
        for (char *p = name; *p; p++)
            if (*p == ',') *p = ';';
        end += snprintf(end, LONGEST, "%s%s", i ? "," : "", name);
    }
    return text;
}

static void set_limits(sl_panel *p, const drawing *d)
{
    const double first = d->x[0], last = d->x[d->n_x - 1], scale = d->f->metric->percent ? 100 : 1;
    p->xmin = p->xmax = p->ymin = p->ymax = NAN;
    p->logx = d->logx;
    if (d->logx) {
        const double margin = pow(last / first, 0.06);
        p->xmin = first / margin;
        p->xmax = last * margin;
    } else if (d->numeric && last > first) {
        p->xmin = first - 0.06 * (last - first);
        p->xmax = last + 0.06 * (last - first);
    }
    if (!d->any) return;
    const double span = d->high > d->low ? d->high - d->low : fmax(0.1 * fabs(d->high), 0.01);
    const double below = d->diverged && d->f->metric->higher ? d->floor : d->low;
    const double above = d->diverged && !d->f->metric->higher ? d->floor : d->high;
    p->ymin = scale * (below - 0.06 * span);
    p->ymax = scale * (above + 0.06 * span);
}

static void say_caption(char *text, size_t size, const drawing *d)
{
    const sl_sweep_file *f = d->f;
    size_t n = (size_t)(f->n_seeds > 1 ? snprintf(text, size, "Means over %zu seeds with standard errors.", f->n_seeds)
                                       : snprintf(text, size, "One seed."));
    bool others = false;
    if (d->numeric && f->axis[f->x].tied && n < size) {
        char name[128];
        sl_sweep_axis_name(name, sizeof name, &f->axis[f->x]);
        n += (size_t)snprintf(text + n, size - n, " Changed together: %s.", name);
    }
    for (size_t i = 0; i < f->n_varied; i++) {
        char name[128];
        if (i == f->x || i == f->curve || n >= size) continue;
        sl_sweep_axis_name(name, sizeof name, &f->axis[i]);
        n += (size_t)snprintf(text + n, size - n, "%s%s", others ? ", " : " At each point the best over ", name);
        others = true;
    }
    if (others && n < size) n += (size_t)snprintf(text + n, size - n, ".");
    if (d->n_shown < d->n_curves && n < size)
        snprintf(text + n, size - n, " The first %zu of %zu curves.", d->n_shown, d->n_curves);
}

/* A text speaks for itself, "cosine"; numbers and flags say whose they are, "momentum=0.9". */
static void name_curve(char title[CURVE_NAME], const sl_sweep_axis *a, size_t value)
{
    const sl_opt_kind kind = a->option[0]->kind;
    size_t n = 0;
    title[0] = '\0';
    if (!a->tied && (is_number(a->option[0]) || kind == SL_OPT_FLAG))
        n = (size_t)snprintf(title, CURVE_NAME, "%.60s=", a->option[0]->name);
    sl_sweep_value_name(title + n, CURVE_NAME - n, a, value);
}

static sl_status draw(const drawing *d, const sl_sweep_result *r, sl_run *run, char *labels, sl_err *err)
{
    const sl_sweep_file *f = d->f;
    const char *y = f->metric->percent ? "(100*$2)" : "2", *bar = f->metric->percent ? "(100*$3)" : "3";
    char xlabel[256], ylabel[128], titles[SHOWN_CURVES][CURVE_NAME], caption[512];
    sl_curve curves[2 * SHOWN_CURVES + 1];
    size_t n = 0;
    for (size_t k = 0; k < d->n_shown; k++) {
        bool any = false;
        for (size_t x = 0; x < d->n_x; x++) any |= !isnan(r->cell[d->cell[k * d->n_x + x]].mean.value);
        if (!any) continue;
        const bool named = f->curve < f->n_varied;
        if (named) name_curve(titles[k], &f->axis[f->curve], k);
        const sl_curve c = {.kind = SL_CURVE_POINTS,
                            .title = named ? titles[k] : NULL,
                            .dat = "figure.dat",
                            .block = (int)k,
                            .x = "1",
                            .y = y,
                            .error = f->n_seeds > 1 ? bar : NULL,
                            .labels = labels,
                            .colour = (int)k};
        if (d->numeric) {
            curves[n] = c;
            curves[n].kind = SL_CURVE_LINE;
            curves[n++].title = NULL;
        }
        curves[n++] = c;
    }
    if (d->diverged)
        curves[n++] = (sl_curve){.kind = SL_CURVE_POINTS, .title = "a run diverged", .dat = "figure.dat",
                                 .block = (int)d->n_shown, .x = "1", .y = y, .labels = labels, .colour = 6};
    if (n == 0) return SL_OK;
    if (d->numeric) snprintf(xlabel, sizeof xlabel, "%s", f->axis[f->x].option[f->x_option]->name);
    else sl_sweep_axis_name(xlabel, sizeof xlabel, &f->axis[f->x]);
    snprintf(ylabel, sizeof ylabel, "%s%s", f->metric->label, f->metric->percent ? " [%]" : "");
    say_caption(caption, sizeof caption, d);
    sl_panel panel = {.xlabel = xlabel, .ylabel = ylabel, .curves = curves, .n_curves = n};
    set_limits(&panel, d);
    const sl_figure figure = {.name = "sweep",
                              .title = f->name,
                              .caption = caption,
                              .rows = 1,
                              .columns = 1,
                              .width = 13,
                              .height = 9,
                              .panels = &panel,
                              .n_panels = 1};
    return sl_plot(sl_run_dir(run), &figure, err);
}

static sl_status write_drawing(const drawing *d, const sl_sweep_result *r, sl_run *run, sl_err *err)
{
    static const char *const columns[] = {"x[1]", "value[1]", "bar[1]", "cell[1]"};
    sl_table *t = sl_table_alloc(4, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = fill_drawing(t, d, r, err);
    if (st == SL_OK) st = sl_run_table(run, "figure.dat", t, err);
    sl_table_free(t);
    if (st != SL_OK) return st;
    char *labels = d->numeric ? NULL : categories(d);
    if (!d->numeric && !labels) return sl_fail(err, SL_E_MEMORY, "no memory for a figure");
    st = draw(d, r, run, labels, err);
    free(labels);
    return st;
}

sl_status sl_sweep_write(const sl_sweep_result *r, sl_run *run, sl_err *err)
{
    SL_TRY(write_cells(r, run, err));
    SL_TRY(write_times(r, run, err));
    if (r->file->n_varied == 0) return SL_OK;
    drawing d;
    sl_status st = plan(&d, r, err);
    if (st == SL_OK) st = write_drawing(&d, r, run, err);
    forget(&d);
    return st;
}
