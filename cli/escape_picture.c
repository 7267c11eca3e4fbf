/* The picture of an escape, drawn from the .dat files beside it: survival, distribution, paths; or levels reached. */
#include <math.h>
#include <stdio.h>

#include "cli/escape.h"
#include "cli/output.h"
#include "plots/plot.h"

enum { MOST_PATHS = 24, MOST_PANELS = 3 };

typedef struct {
    sl_curve path[MOST_PATHS + 1];
    sl_panel panel[MOST_PANELS];
    size_t n_panels;
} drawing;

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

/* Paths in the plane over contour lines, or the first coordinate in time. A path that has no row is no block. */
static void add_paths(drawing *d, const sl_escape_case *c, const sl_table *paths)
{
    const bool plane = c->s.sgd.loss.dim == 2;
    size_t n = 0;
    if (plane)
        d->path[n++] = (sl_curve){.kind = SL_CURVE_LINE,
                                  .title = "contour lines of the loss",
                                  .dat = "contours.dat",
                                  .x = "1",
                                  .y = "2",
                                  .faint = true};
    for (size_t i = 0, k = 0; i < sl_table_blocks(paths) && k < MOST_PATHS; i++, k++)
        d->path[n++] = (sl_curve){.kind = SL_CURVE_LINE,
                                  .dat = "paths.dat",
                                  .block = (int)i,
                                  .x = plane ? "2" : "1",
                                  .y = plane ? "3" : "2",
                                  .colour = (int)(k % 6)};
    add_panel(d, "Paths", plane ? "x0" : "step", plane ? "x1" : "x0", d->path, n);
    if (plane) return;
    double last = 1;
    for (size_t i = 0; i < sl_table_rows(paths); i++) last = fmax(last, sl_table_row(paths, i)[0]);
    sl_panel *panel = &d->panel[d->n_panels - 1];
    panel->key = "off";
    panel->xmin = 0, panel->xmax = last;
}

static sl_status draw_exits(sl_run *run, const sl_escape_case *c, const sl_escape_found *o, const sl_escape_forecast *f,
                            const char *title, const char *caption, sl_err *err)
{
    const sl_curve survival[] = {
        {.kind = SL_CURVE_BAND,
         .title = "95 % band of the whole curve",
         .dat = "exits.dat",
         .x = "1",
         .y = "(($6+$7)/2)",
         .error = "(($7-$6)/2)",
         .colour = 5,
         .faint = true},
        {.kind = SL_CURVE_LINE, .title = "Kaplan-Meier", .dat = "exits.dat", .x = "1", .y = "2", .colour = 0},
        {.kind = SL_CURVE_LINE,
         .title = "predicted",
         .dat = "predicted.dat",
         .x = "1",
         .y = "2",
         .colour = 1,
         .dash = 1},
    };
    const sl_curve distribution[] = {
        {.kind = SL_CURVE_STEPS,
         .title = "exits",
         .dat = "distribution.dat",
         .x = "1",
         .y = "2",
         .error = "3",
         .colour = 0},
        {.kind = SL_CURVE_LINE,
         .title = "predicted",
         .dat = "distribution.dat",
         .x = "1",
         .y = "4",
         .colour = 1,
         .dash = 1},
    };
    const char *const time = c->s.dynamics == SL_DYNAMICS_SGD ? "time of exit [steps]" : "time of exit";
    const size_t theory = f->n_curve > 0;
    drawing d = {.n_panels = 0};
    add_panel(&d, "Survival", time, "part that is still inside", survival, 2 + theory);
    d.panel[0].ymin = 0, d.panel[0].ymax = 1;
    d.panel[0].xmin = 0, d.panel[0].xmax = o->survival.time[o->survival.rows - 1] * c->unit;
    if (o->exits.exited > 0) {
        add_panel(&d, "Distribution", time, "density", distribution, 1 + theory);
        d.panel[1].xmin = 0, d.panel[1].xmax = d.panel[0].xmax;
    }
    if (o->exits.paths && sl_table_rows(o->exits.paths) > 0) add_paths(&d, c, o->exits.paths);
    const sl_figure figure = {.name = "escape",
                              .title = title,
                              .caption = caption,
                              .rows = 1,
                              .columns = d.n_panels,
                              .panels = d.panel,
                              .n_panels = d.n_panels};
    return sl_plot(sl_run_dir(run), &figure, err);
}

static sl_status draw_levels(sl_run *run, const char *title, const char *caption, sl_err *err)
{
    const sl_curve reached = {.kind = SL_CURVE_LINE, .dat = "levels.dat", .x = "1", .y = "3", .colour = 0};
    drawing d = {.n_panels = 0};
    add_panel(&d, "Splitting", "level of the reaction coordinate", "part of crossings that come so far", &reached, 1);
    d.panel[0].logy = true;
    const sl_figure figure = {.name = "escape",
                              .title = title,
                              .caption = caption,
                              .rows = 1,
                              .columns = 1,
                              .width = 13,
                              .panels = d.panel,
                              .n_panels = 1};
    return sl_plot(sl_run_dir(run), &figure, err);
}

sl_status sl_escape_draw(sl_run *run, const sl_escape_case *c, const sl_escape_found *o, const sl_escape_forecast *f,
                         sl_err *err)
{
    char title[160], loss[96], caption[512], mean[64];
    sl_spec_print(loss, sizeof loss, &c->s.sgd.loss.spec);
    snprintf(title, sizeof title, "%s on %s: %s", sl_simulation_title(&c->s), loss,
             c->to_basin ? "arrival at another minimum" : "first exit from a ball");
    const sl_estimate m = c->splitting ? o->rare.time : sl_survival_mean(&o->survival, INFINITY).mean;
    sl_cli_estimate(mean, m.value * c->unit, m.se * c->unit);
    const bool censored = !c->splitting && o->survival.n_censored > 0;
    const bool none = !c->splitting && o->exits.exited == 0;
    if (none) snprintf(mean, sizeof mean, "nothing left within %llu steps", (unsigned long long)c->max_steps);
    snprintf(caption, sizeof caption, "%s%s%s%s",
             none       ? ""
             : censored ? "mean up to the censoring limit "
                        : "mean time ",
             mean, f->law ? "; predicted by " : "", f->law ? f->law : "");
    if (!c->splitting) return draw_exits(run, c, o, f, title, caption, err);
    return o->rare.n_levels > 1 ? draw_levels(run, title, caption, err) : SL_OK;
}
