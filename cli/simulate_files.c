#include "cli/simulate_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/output.h"
#include "plots/plot.h"

#define CONVENTIONS                                                                                                  \
    "noise variance is that of the mini-batch mean (D0/C) before alpha; temperatures are those of f; averages after " \
    "an update, x and v of one instant; errors are standard errors over replicas; Langevin equations are Ito's"

static sl_status set_estimate(sl_table *t, const char *name, sl_estimate e, sl_err *err)
{
    char value[32], se[32];
    sl_print_double(value, e.value);
    sl_print_double(se, e.se);
    return sl_table_set(t, name, err, "%s +- %s", value, se);
}

static sl_status fill_moments(sl_table *t, const sl_observed *o, const sl_prediction *p, const cJSON *config, sl_err *err)
{
    SL_TRY(sl_cli_header(t, config, err));
    SL_TRY(sl_table_set(t, "conventions", err, "%s", CONVENTIONS));
    SL_TRY(set_estimate(t, "mean_loss", o->loss, err));
    SL_TRY(set_estimate(t, "T_equipartition", o->temperature.equipartition, err));
    SL_TRY(set_estimate(t, "T_configurational", o->temperature.configurational, err));
    SL_TRY(set_estimate(t, "T_boltzmann_slope", o->temperature.boltzmann_slope, err));
    SL_TRY(set_estimate(t, "T_kinetic", o->temperature.kinetic, err));
    SL_TRY(sl_table_set(t, "killed", err, "%llu", (unsigned long long)o->killed));
    for (size_t d = 0; d < o->dim; d++) {
        const sl_coordinate *c = &o->coordinate[d];
        const double row[] = {(double)d,     c->x2.value, c->x2.se, p->x2[d], c->xv.value,
                              c->xv.se, p->xv[d],    c->v2.value, c->v2.se, p->v2[d]};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status write_moments(sl_run *run, const sl_observed *o, const sl_prediction *p, const cJSON *config,
                               sl_err *err)
{
    static const char *const columns[] = {"coordinate[1]",   "x2[x^2]", "x2_se[x^2]", "x2_predicted[x^2]",
                                          "xv[x*v]",         "xv_se[x*v]", "xv_predicted[x*v]",
                                          "v2[v^2]",         "v2_se[v^2]", "v2_predicted[v^2]"};
    sl_table *t = sl_table_alloc(sizeof columns / sizeof *columns, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = fill_moments(t, o, p, config, err);
    if (st == SL_OK) st = sl_run_table(run, "simulate.dat", t, err);
    sl_table_free(t);
    return st;
}

/* Density with errors, and the predicted one beside it (nan without a prediction). */
static sl_status fill_histogram(sl_table *t, const sl_simulation *s, const sl_observed *o, const sl_prediction *p,
                                sl_err *err)
{
    const size_t bins = o->histogram.bins;
    const double width = (o->histogram.hi - o->histogram.lo) / (double)bins;
    double *x = calloc(2 * bins, sizeof *x);
    if (!x) return sl_fail(err, SL_E_MEMORY, "no memory for %zu bins", bins);
    double *theory = x + bins;
    for (size_t i = 0; i < bins; i++) {
        x[i] = o->histogram.lo + ((double)i + 0.5) * width;
        theory[i] = NAN;
    }
    (void)sl_predicted_density(theory, x, bins, p, s);
    sl_status st = sl_table_set(t, "outside", err, "%.17g", o->outside);
    for (size_t i = 0; i < bins && st == SL_OK; i++) {
        const double row[] = {x[i], o->density[i].value, o->density[i].se, theory[i]};
        st = sl_table_add(t, row, err);
    }
    free(x);
    return st;
}

static sl_status write_histogram(sl_run *run, const sl_simulation *s, const sl_observed *o, const sl_prediction *p,
                                 const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"x[x]", "density[1/x]", "density_se[1/x]", "density_predicted[1/x]"};
    sl_table *t = sl_table_alloc(sizeof columns / sizeof *columns, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = sl_cli_header(t, config, err);
    if (st == SL_OK) st = fill_histogram(t, s, o, p, err);
    if (st == SL_OK) st = sl_run_table(run, "histogram.dat", t, err);
    sl_table_free(t);
    return st;
}

static sl_status draw(sl_run *run, const sl_simulation *s, const sl_observed *o, const sl_prediction *p, sl_err *err)
{
    const sl_curve density[] = {
        {.kind = SL_CURVE_STEPS, .title = "ensemble", .dat = "histogram.dat", .x = "1", .y = "2", .error = "3", .colour = 0},
        {.kind = SL_CURVE_LINE, .title = "predicted", .dat = "histogram.dat", .x = "1", .y = "4", .colour = 1, .dash = 1},
    };
    char coordinates[4 * SL_LOSS_MAX_DIM] = "0"; /* as categories, while there is room for their numbers */
    for (size_t d = 1, used = 1; d < o->dim; d++)
        used += (size_t)snprintf(coordinates + used, sizeof coordinates - used, ",%zu", d);
    const sl_curve moments[] = {
        {.kind = SL_CURVE_POINTS, .title = "measured", .dat = "simulate.dat", .x = "1", .y = "2", .error = "3", .colour = 0,
         .labels = o->dim <= 16 ? coordinates : NULL},
        {.kind = SL_CURVE_LINE, .title = "predicted", .dat = "simulate.dat", .x = "1", .y = "4", .colour = 1, .dash = 1},
    };
    const sl_curve series[] = {
        {.kind = SL_CURVE_BAND, .dat = "series.dat", .x = "1", .y = "2", .error = "3", .colour = 0},
    };
    const sl_curve rate[] = {
        {.kind = SL_CURVE_BAND, .dat = "series.dat", .x = "1", .y = "8", .error = "9", .colour = 2},
    };
    const bool theory = p->law && p->temperature > 0;
    sl_panel panels[3];
    size_t n = 0;
    const sl_panel any = {.xmin = NAN, .xmax = NAN, .ymin = NAN, .ymax = NAN};
    if (o->density) {
        panels[n] = any;
        panels[n].title = "Density of x";
        panels[n].xlabel = "x";
        panels[n].ylabel = "density";
        panels[n].curves = density;
        panels[n++].n_curves = theory && s->sgd.loss.dim == 1 ? 2 : 1;
    } else if (o->dim > 1) {
        panels[n] = any;
        panels[n].title = "Second moments";
        panels[n].xlabel = "coordinate";
        panels[n].ylabel = "<x²>";
        panels[n].curves = moments;
        panels[n++].n_curves = isfinite(p->x2[0]) ? 2 : 1;
    }
    if (o->series) {
        panels[n] = any;
        panels[n].title = "Relaxation";
        panels[n].xlabel = "step";
        panels[n].ylabel = "<x²> over replicas";
        panels[n].curves = series;
        panels[n++].n_curves = 1;
    }
    if (o->series && s->sgd.regime) {
        panels[n] = any;
        panels[n].title = "Learning rate";
        panels[n].xlabel = "step";
        panels[n].ylabel = "rate";
        panels[n].logy = true;
        panels[n].curves = rate;
        panels[n++].n_curves = 1;
    }
    if (n == 0) return SL_OK;
    char title[160], loss[96], caption[512], value[64];
    sl_spec_print(loss, sizeof loss, &s->sgd.loss.spec);
    snprintf(title, sizeof title, "%s on %s", sl_simulation_title(s), loss);
    sl_cli_estimate(value, o->temperature.equipartition.value, o->temperature.equipartition.se);
    snprintf(caption, sizeof caption, "<x f'> = %s%s%s", value, p->law ? "; predicted: " : "", p->law ? p->law : "");
    const sl_figure figure = {.name = "simulate", .title = title, .caption = caption, .rows = 1, .columns = n,
                              .width = n == 1 ? 13 : 0, .panels = panels, .n_panels = n};
    return sl_plot(sl_run_dir(run), &figure, err);
}

sl_status sl_simulate_write(sl_run *run, const sl_simulation *s, const sl_observed *o, const sl_prediction *p,
                            const cJSON *config, sl_err *err)
{
    if (!sl_run_saves(run)) return SL_OK;
    SL_TRY(write_moments(run, o, p, config, err));
    if (o->density) SL_TRY(write_histogram(run, s, o, p, config, err));
    if (o->series) {
        SL_TRY(sl_cli_header(o->series, config, err));
        SL_TRY(sl_run_table(run, "series.dat", o->series, err));
    }
    return draw(run, s, o, p, err);
}
