/* What `operator` leaves in its folder: operator.dat with the numbers, and a .dat a field. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/operator.h"
#include "cli/output.h"

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
    for (char *c = value; *c; c++)
        if (*c == '-') *c = '_'; /* columns are identifiers */
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

sl_status sl_operation_write(sl_run *run, const sl_operation *o, const sl_answer *a, const sl_forecasts *p,
                             const cJSON *config, sl_err *err)
{
    if (!sl_run_saves(run)) return SL_OK;
    SL_TRY(write_numbers(run, o, a, p, config, err));
    for (size_t i = 0; i < a->n_fields; i++)
        if (first_of_name(a, i) == i) SL_TRY(write_fields(run, o, a, i, config, err));
    return sl_operation_draw(run, o, a, err);
}
