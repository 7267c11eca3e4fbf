/* What `operator` leaves in its folder: operator.dat with the numbers, a .dat a field, a picture of the fields. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/operator.h"
#include "cli/output.h"
#include "plots/plot.h"

#define CONVENTIONS                                                                                                   \
    "densities integrate to 1; temperatures are those of f; noise variance is that of the mini-batch mean (D0/C) "    \
    "before alpha; equations are Ito's; times are those of dx = -grad f dt (fokker-planck), of dx = v dt (kramers), " \
    "in steps (transfer); eigenvalues are those of the generator, or of log of the chain, per unit of that time; "    \
    "error is an absolute estimate of the grid's, from two grids"

/* ---- numbers ---- */

static sl_status add_number_rows(sl_table *t, const sl_answer *a, const sl_forecasts *p, const char *name, sl_err *err)
{
    SL_TRY(sl_table_block(t, name, err));
    for (size_t i = 0; i < a->n_numbers; i++) {
        const sl_number *v = &a->numbers[i];
        if (strcmp(v->name, name) != 0) continue;
        const sl_forecast *f = sl_forecast_of(p, name, v->index, 0);
        const double row[] = {(double)v->index, v->value, v->imag, v->error, f ? f->value : NAN};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static bool seen_before(const sl_answer *a, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(a->numbers[k].name, a->numbers[i].name) == 0) return true;
    return false;
}

static sl_status set_header(sl_table *t, const sl_operation *o, const sl_answer *a, const cJSON *config, sl_err *err)
{
    char equation[512];
    sl_operation_print(equation, sizeof equation, o);
    SL_TRY(sl_cli_header(t, config, err));
    SL_TRY(sl_table_set(t, "equation", err, "%s", equation));
    SL_TRY(sl_table_set(t, "conventions", err, "%s", CONVENTIONS));
    SL_TRY(sl_table_set(t, "unknowns", err, "%zu", a->unknowns));
    SL_TRY(sl_table_set(t, "nodes", err, "%zu", a->grid));
    return sl_table_set(t, "mass_outside", err, "%.3g", a->outside);
}

static sl_status write_numbers(sl_run *run, const sl_operation *o, const sl_answer *a, const sl_forecasts *p,
                               const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"index[1]", "value[1]", "imag[1]", "error[1]", "predicted[1]"};
    sl_table *t = sl_table_alloc(5, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = set_header(t, o, a, config, err);
    for (size_t i = 0; i < a->n_numbers && st == SL_OK; i++)
        if (!seen_before(a, i)) st = add_number_rows(t, a, p, a->numbers[i].name, err);
    if (st == SL_OK) st = sl_run_table(run, "operator.dat", t, err);
    sl_table_free(t);
    return st;
}

/* ---- fields ---- */

static const char *unit_of(const char *name)
{
    if (strcmp(name, "density") == 0 || strcmp(name, "boltzmann") == 0) return "1/volume";
    return strcmp(name, "mfpt") == 0 ? "time" : "1";
}

/* Of large grids every k-th node is written: files are for drawing, the numbers come from all nodes. */
static size_t stride(const sl_field *f, size_t d)
{
    enum { MOST_LINE = 4096, MOST_PLANE = 256 };
    const size_t most = f->dim > 1 ? MOST_PLANE : MOST_LINE;
    return (f->n[d] + most - 1) / most;
}

static sl_status add_field(sl_table *t, const sl_operation *o, const sl_field *f, sl_err *err)
{
    char title[96];
    if (o->question.task == SL_TASK_EVOLVE && f->index < o->question.n_times)
        snprintf(title, sizeof title, "t = %.10g", o->question.times[f->index]);
    else
        snprintf(title, sizeof title, "%s %zu", f->name, f->index);
    SL_TRY(sl_table_block(t, title, err));
    for (size_t i = 0; i < f->n[0]; i += stride(f, 0))
        for (size_t j = 0; j < f->n[1]; j += stride(f, 1)) {
            double row[3] = {f->node[0][i], f->dim > 1 ? f->node[1][j] : 0, f->value[i * f->n[1] + j]};
            if (f->dim == 1) row[1] = row[2];
            SL_TRY(sl_table_add(t, row, err));
        }
    return SL_OK;
}

/* All fields of the name of fields[first], a block each. */
static sl_status write_fields(sl_run *run, const sl_operation *o, const sl_answer *a, size_t first, const cJSON *config,
                              sl_err *err)
{
    const sl_field *f = &a->fields[first];
    char value[64], file[64];
    snprintf(value, sizeof value, "%s[%s]", f->name, unit_of(f->name));
    snprintf(file, sizeof file, "%s.dat", f->name);
    const bool phase = f->dim > 1 && o->op.loss.dim == 1;
    const char *const columns[] = {"x[x]", f->dim == 1 ? value : phase ? "v[v]" : "y[x]", value};
    sl_table *t = sl_table_alloc(f->dim + 1, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = set_header(t, o, a, config, err);
    if (st == SL_OK) st = sl_table_set(t, "every_node", err, "%zu", stride(f, 0));
    for (size_t i = first; i < a->n_fields && st == SL_OK; i++)
        if (strcmp(a->fields[i].name, f->name) == 0) st = add_field(t, o, &a->fields[i], err);
    if (st == SL_OK) st = sl_run_table(run, file, t, err);
    sl_table_free(t);
    return st;
}

static size_t first_of_name(const sl_answer *a, size_t i)
{
    size_t k = 0;
    while (strcmp(a->fields[k].name, a->fields[i].name) != 0) k++;
    return k;
}

/* ---- the picture ---- */

enum { MOST_CURVES = 16, MOST_PANELS = 4 };

typedef struct {
    sl_curve curve[MOST_CURVES];
    char title[MOST_CURVES][64];
    sl_panel panel[MOST_PANELS];
    size_t n_curves, n_panels;
} drawing;

static bool is_field(const sl_field *f, const char *name)
{
    return strcmp(f->name, name) == 0;
}

/* The block of a field in its file, and how many of them there are. */
static int block_of(const sl_answer *a, size_t i, size_t *count)
{
    int block = 0;
    *count = 0;
    for (size_t k = 0; k < a->n_fields; k++)
        if (is_field(&a->fields[k], a->fields[i].name)) {
            block += k < i;
            ++*count;
        }
    return block;
}

static void add_line(drawing *d, const sl_operation *o, const sl_answer *a, size_t i)
{
    static const char *const files[][2] = {{"density", "density.dat"},
                                           {"boltzmann", "boltzmann.dat"},
                                           {"committor", "committor.dat"},
                                           {"mfpt", "mfpt.dat"},
                                           {"eigenfunction", "eigenfunction.dat"}};
    const sl_field *f = &a->fields[i];
    const char *dat = NULL;
    for (size_t k = 0; k < sizeof files / sizeof *files; k++)
        if (is_field(f, files[k][0])) dat = files[k][1];
    if (!dat || d->n_curves == MOST_CURVES) return;
    size_t count;
    const int block = block_of(a, i, &count);
    const bool reference = is_field(f, "boltzmann");
    if (reference && block > 0) return; /* the same at all times */
    char *title = d->title[d->n_curves];
    if (reference)
        snprintf(title, 64, "Boltzmann, T = %.4g", o->op.temperature > 0 ? o->op.temperature : o->temperature);
    else if (o->question.task == SL_TASK_EVOLVE)
        snprintf(title, 64, "t = %.6g", o->question.times[f->index]);
    else if (count > 1)
        snprintf(title, 64, "%s %zu", f->name, f->index);
    else
        snprintf(title, 64, "%s", f->name);
    d->curve[d->n_curves++] = (sl_curve){.kind = SL_CURVE_LINE,
                                         .title = title,
                                         .dat = dat,
                                         .block = block,
                                         .x = "1",
                                         .y = "2",
                                         .colour = reference ? 6 : -1,
                                         .dash = reference ? 1 : 0};
}

static const char *ylabel_of(const sl_answer *a)
{
    const char *name = a->fields[0].name;
    if (strcmp(name, "mfpt") == 0) return "mean first-passage time";
    if (strcmp(name, "committor") == 0) return "probability to reach 'to' first";
    return strcmp(name, "eigenfunction") == 0 ? "eigenfunction" : "density";
}

static void add_panel(drawing *d, const char *title, const char *ylabel, const sl_curve *curves, size_t n)
{
    d->panel[d->n_panels++] = (sl_panel){.title = title,
                                         .xlabel = "x",
                                         .ylabel = ylabel,
                                         .xmin = NAN,
                                         .xmax = NAN,
                                         .ymin = NAN,
                                         .ymax = NAN,
                                         .curves = curves,
                                         .n_curves = n};
}

static sl_status draw(sl_run *run, const sl_operation *o, const sl_answer *a, sl_err *err)
{
    static const char *const titles[] = {"Stationary law", "Law in time", "Mean first-passage time", "Spectrum",
                                         "Committor"};
    if (a->n_fields == 0 || a->fields[0].dim > 1) return SL_OK;
    drawing d = {0};
    for (size_t i = 0; i < a->n_fields; i++) add_line(&d, o, a, i);
    if (d.n_curves == 0) return SL_OK;
    add_panel(&d, NULL, ylabel_of(a), d.curve, d.n_curves);
    char equation[512], title[160], caption[700];
    sl_operation_print(equation, sizeof equation, o);
    snprintf(title, sizeof title, "%s (%s)", titles[o->question.task], o->op.kind->entry.name);
    snprintf(caption, sizeof caption, "%s\n%zu unknowns; largest relative grid error %.1e", equation, a->unknowns,
             a->grid_error);
    const sl_figure figure = {.name = "operator",
                              .title = title,
                              .caption = caption,
                              .rows = 1,
                              .columns = 1,
                              .width = 14,
                              .panels = d.panel,
                              .n_panels = d.n_panels};
    return sl_plot(sl_run_dir(run), &figure, err);
}

sl_status sl_operation_write(sl_run *run, const sl_operation *o, const sl_answer *a, const sl_forecasts *p,
                             const cJSON *config, sl_err *err)
{
    if (!sl_run_saves(run)) return SL_OK;
    SL_TRY(write_numbers(run, o, a, p, config, err));
    for (size_t i = 0; i < a->n_fields; i++)
        if (first_of_name(a, i) == i) SL_TRY(write_fields(run, o, a, i, config, err));
    return draw(run, o, a, err);
}
