/* The picture of an answer's fields: lines over x, or maps of the plane, drawn from the .dat files beside it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/operator.h"
#include "plots/plot.h"

enum { MOST_CURVES = 16, MOST_MAPS = 4, NAME = 64 };

typedef struct {
    sl_curve curve[MOST_CURVES];
    char title[MOST_CURVES][NAME], file[MOST_CURVES][NAME];
    sl_panel panel[MOST_MAPS];
    size_t n_curves, n_panels;
} drawing;

static bool is_field(const sl_field *f, const char *name)
{
    return strcmp(f->name, name) == 0;
}

/* The block of field i in its file. */
static int block_of(const sl_answer *a, size_t i)
{
    int block = 0;
    for (size_t k = 0; k < i; k++) block += is_field(&a->fields[k], a->fields[i].name);
    return block;
}

/* The law that is compared with is the same at all times, and on the plane hardly to be told from the other by eye. */
static bool is_drawn(const sl_answer *a, size_t i)
{
    const sl_field *f = &a->fields[i];
    return !is_field(f, "boltzmann") || (f->dim == 1 && block_of(a, i) == 0);
}

static void print_title(char title[NAME], const sl_operation *o, const sl_field *f)
{
    if (is_field(f, "boltzmann"))
        snprintf(title, NAME, "Boltzmann, T = %.4g", o->op.temperature > 0 ? o->op.temperature : o->temperature);
    else if (o->question.task == SL_TASK_EVOLVE)
        snprintf(title, NAME, "t = %.6g", o->question.times[f->index]);
    else if (o->question.task == SL_TASK_SPECTRUM)
        snprintf(title, NAME, "%s %zu", f->name, f->index);
    else
        snprintf(title, NAME, "%s", f->name);
}

/* A curve of field i; NULL where there is no room. */
static sl_curve *add_curve(drawing *d, const sl_operation *o, const sl_answer *a, size_t i)
{
    const sl_field *f = &a->fields[i];
    if (d->n_curves == MOST_CURVES) return NULL;
    const size_t k = d->n_curves++;
    print_title(d->title[k], o, f);
    snprintf(d->file[k], NAME, "%s.dat", f->name);
    d->curve[k] =
        (sl_curve){.title = d->title[k], .dat = d->file[k], .block = block_of(a, i), .x = "1", .y = "2", .colour = -1};
    return &d->curve[k];
}

static void add_panel(drawing *d, const char *title, const char *xlabel, const char *ylabel, const sl_curve *curves,
                      size_t n)
{
    d->panel[d->n_panels++] = (sl_panel){.title = title,
                                         .xlabel = xlabel,
                                         .ylabel = ylabel,
                                         .xmin = NAN,
                                         .xmax = NAN,
                                         .ymin = NAN,
                                         .ymax = NAN,
                                         .curves = curves,
                                         .n_curves = n};
}

static const char *quantity(const sl_field *f)
{
    if (is_field(f, "mfpt")) return "mean first-passage time";
    if (is_field(f, "committor")) return "probability to reach 'to' first";
    return is_field(f, "eigenfunction") ? "eigenfunction" : "density";
}

static void draw_lines(drawing *d, const sl_operation *o, const sl_answer *a)
{
    for (size_t i = 0; i < a->n_fields; i++) {
        sl_curve *c = is_drawn(a, i) ? add_curve(d, o, a, i) : NULL;
        if (!c) continue;
        const bool reference = is_field(&a->fields[i], "boltzmann");
        c->kind = SL_CURVE_LINE;
        c->colour = reference ? 6 : -1;
        c->dash = reference ? 1 : 0;
    }
    if (d->n_curves > 0) add_panel(d, NULL, "x", quantity(&a->fields[0]), d->curve, d->n_curves);
}

/* Maps want nodes at equal distances. */
static bool is_regular(const sl_field *f)
{
    for (size_t d = 0; d < 2; d++) {
        const size_t n = f->n[d];
        const double step = (f->node[d][n - 1] - f->node[d][0]) / (double)(n - 1);
        for (size_t i = 1; i < n; i++)
            if (!(fabs(f->node[d][i] - f->node[d][i - 1] - step) < 1e-6 * fabs(step))) return false;
    }
    return true;
}

static void draw_maps(drawing *d, const sl_operation *o, const sl_answer *a)
{
    const bool phase = o->op.loss.dim == 1;
    for (size_t i = 0; i < a->n_fields && d->n_panels < MOST_MAPS; i++) {
        if (!is_drawn(a, i) || !is_regular(&a->fields[i])) continue;
        sl_curve *c = add_curve(d, o, a, i);
        if (!c) return;
        c->kind = SL_CURVE_MAP;
        c->value = "3";
        const char *title = c->title;
        c->title = quantity(&a->fields[i]);
        add_panel(d, o->question.task == SL_TASK_EVOLVE || o->question.task == SL_TASK_SPECTRUM ? title : NULL, "x",
                  phase ? "v" : "y", c, 1);
    }
}

sl_status sl_operation_draw(sl_run *run, const sl_operation *o, const sl_answer *a, sl_err *err)
{
    static const char *const titles[] = {"Stationary law", "Law in time", "Mean first-passage time", "Spectrum",
                                         "Committor"};
    drawing d = {0};
    if (a->n_fields == 0) return SL_OK;
    if (a->fields[0].dim == 1)
        draw_lines(&d, o, a);
    else
        draw_maps(&d, o, a);
    if (d.n_panels == 0) return SL_OK;
    char equation[512], title[160], caption[700];
    sl_operation_print(equation, sizeof equation, o);
    snprintf(title, sizeof title, "%s (%s)", titles[o->question.task], o->op.kind->entry.name);
    snprintf(caption, sizeof caption, "%s\n%zu unknowns; largest relative grid error %.1e", equation, a->unknowns,
             a->grid_error);
    const size_t columns = d.n_panels < 2 ? 1 : 2;
    const sl_figure figure = {.name = "operator",
                              .title = title,
                              .caption = caption,
                              .rows = (d.n_panels + columns - 1) / columns,
                              .columns = columns,
                              .width = columns == 1 ? 14 : 0,
                              .panels = d.panel,
                              .n_panels = d.n_panels};
    return sl_plot(sl_run_dir(run), &figure, err);
}
