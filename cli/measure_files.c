/* What `sgdlab measure` leaves in its folder: tables, the noise of every coordinate, the figure. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/measure.h"
#include "cli/output.h"
#include "nets/weights.h"
#include "plots/plot.h"

#define CONVENTIONS                                                                                                  \
    "noise is per sample: D_hat = covariance of the gradients of single samples (a mini-batch of C has D_hat/C); "   \
    "losses are means over samples; H is the Hessian of that mean plus the weight decay; passes are evaluation "     \
    "passes (batch norm's running statistics, no dropout); temperatures are those of the loss; errors are standard " \
    "errors"

static const double RANGE = 8; /* of the histogram, in standard deviations */
enum { BINS = 64 };

static sl_status open_table(sl_table **t, const cJSON *config, size_t n, const char *const *columns, sl_err *err)
{
    *t = sl_table_alloc(n, columns);
    if (!*t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    const sl_status st = sl_cli_header(*t, config, err);
    return st == SL_OK ? sl_table_set(*t, "conventions", err, "%s", CONVENTIONS) : st;
}

static sl_status close_table(sl_run *run, sl_table *t, const char *name, sl_status st, sl_err *err)
{
    if (st == SL_OK) st = sl_run_table(run, name, t, err);
    sl_table_free(t);
    return st;
}

static sl_status add_values(sl_table *t, const char *title, const sl_estimate *e, const double *residual, size_t n,
                            sl_err *err)
{
    SL_TRY(sl_table_block(t, title, err));
    for (size_t j = 0; j < n; j++) {
        const double row[] = {(double)(j + 1), e[j].value, e[j].se, residual[j]};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status write_eigenvalues(sl_run *run, const sl_measurement *x, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"rank[1]", "value[1]", "value_se[1]", "residual[1]"};
    sl_table *t = NULL;
    sl_status st = open_table(&t, config, 4, columns, err);
    if (st == SL_OK && x->noise)
        st = add_values(t, "noise covariance", x->n.eigenvalue, x->n.residual, x->n.n_top, err);
    if (st == SL_OK && x->curvature)
        st = add_values(t, "Hessian, largest", x->c.top, x->c.residual_top, x->c.n_top, err);
    if (st == SL_OK && x->curvature)
        st = add_values(t, "Hessian, smallest", x->c.bottom, x->c.residual_bottom, x->c.n_bottom, err);
    return close_table(run, t, "eigenvalues.dat", st, err);
}

static sl_status write_density(sl_run *run, const sl_measurement *x, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"curvature[1]", "density[1]", "density_se[1]"};
    sl_table *t = NULL;
    sl_status st = open_table(&t, config, 3, columns, err);
    if (st == SL_OK) st = sl_table_set(t, "width", err, "%.17g", x->c.width);
    for (size_t g = 0; st == SL_OK && g < x->c.points; g++) {
        const double row[] = {x->c.grid[g], x->c.density[g], x->c.density_se[g]};
        st = sl_table_add(t, row, err);
    }
    return close_table(run, t, "density.dat", st, err);
}

/* ---- projected noise ---- */

size_t sl_measure_n_projected(const sl_measurement *x, bool along)
{
    return x->n.samples * (along ? 1 : x->n.n_directions);
}

double sl_measure_projected(const sl_measurement *x, bool along, size_t i)
{
    const size_t j = along ? 0 : i / x->n.samples;
    const sl_projection *const p = along ? &x->n.along[0] : &x->n.random[j];
    return x->n.values[(along ? x->n.n_directions * x->n.samples : 0) + i] / sqrt(p->variance.value);
}

static sl_status add_histogram(sl_table *t, const sl_measurement *x, bool along, sl_err *err)
{
    size_t count[BINS] = {0}, outside = 0;
    const size_t n = sl_measure_n_projected(x, along);
    const double width = 2 * RANGE / BINS;
    for (size_t i = 0; i < n; i++) {
        const double at = (sl_measure_projected(x, along, i) + RANGE) / width;
        if (at >= 0 && at < BINS) count[(size_t)at]++;
        else outside++;
    }
    char title[96];
    snprintf(title, sizeof title, "%s, %zu of %zu outside", along ? "leading eigenvector" : "random directions",
             outside, n);
    SL_TRY(sl_table_block(t, title, err));
    for (size_t b = 0; b < BINS; b++) {
        const double z = -RANGE + ((double)b + 0.5) * width, p = (double)count[b] / (double)n;
        const double row[] = {z, p / width, sqrt(p * (1 - p) / (double)x->n.samples) / width,
                              exp(-z * z / 2) / sqrt(2 * M_PI)};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status write_projections(sl_run *run, const sl_measurement *x, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"noise[1]", "density[1]", "density_se[1]", "gaussian[1]"};
    sl_table *t = NULL;
    sl_status st = open_table(&t, config, 4, columns, err);
    if (st == SL_OK) st = sl_table_set(t, "noise", err, "projected on a direction, in units of its standard deviation");
    if (st == SL_OK) st = add_histogram(t, x, false, err);
    if (st == SL_OK) st = add_histogram(t, x, true, err);
    return close_table(run, t, "projections.dat", st, err);
}

/* D of each coordinate, named and shaped as the parameters are. */
static sl_status write_coordinates(sl_run *run, const sl_measurement *x, sl_err *err)
{
    char path[PATH_MAX];
    SL_TRY(sl_run_path(run, path, sizeof path, "noise.h5", err));
    float *const D = calloc(sl_model_state(x->model), sizeof *D);
    if (!D) return sl_fail(err, SL_E_MEMORY, "no memory for %zu coordinates", x->n.parameters);
    for (size_t i = 0; i < x->n.parameters; i++) D[i] = (float)x->n.D[i];
    const sl_status st = sl_weights_write(path, x->model, D, err);
    free(D);
    return st;
}

/* ---- temperature ---- */

static sl_status write_history(sl_run *run, const sl_measurement *x, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"step[1]", "lr[1]", "loss[nat]", "loss_se[nat]", "trace[1]", "trace_se[1]",
                                          "predicted[nat]", "predicted_se[nat]", "kinetic[nat]", "kinetic_se[nat]"};
    sl_table *t = NULL;
    sl_status st = open_table(&t, config, 10, columns, err);
    for (size_t w = 0; st == SL_OK && w < x->t.windows; w++) {
        const sl_temperature_window *const h = &x->t.history[w];
        const sl_predicted_temperature *const p = &x->window[w];
        const double row[] = {((double)h->first + (double)h->last) / 2,
                              h->lr,
                              h->loss.value,
                              h->loss.se,
                              h->noise.value,
                              h->noise.se,
                              p->predicted.value,
                              p->predicted.se,
                              p->per_velocity2 * (h->velocity2.value - h->drift2),
                              p->per_velocity2 * h->velocity2.se};
        st = sl_table_add(t, row, err);
    }
    return close_table(run, t, "temperature.dat", st, err);
}

static sl_status write_directions(sl_run *run, const sl_measurement *x, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"rank[1]",
                                          "curvature[1]",
                                          "D[1]",
                                          "predicted[nat]",
                                          "predicted_se[nat]",
                                          "configurational[nat]",
                                          "configurational_se[nat]",
                                          "virial[nat]",
                                          "virial_se[nat]",
                                          "kinetic[nat]",
                                          "kinetic_se[nat]",
                                          "correlation[step]"};
    sl_table *t = NULL;
    sl_status st = open_table(&t, config, 12, columns, err);
    for (size_t j = 0; st == SL_OK && j < x->t.n_directions; j++) {
        const sl_fluctuation *const f = &x->t.along[j];
        const sl_predicted_temperature *const p = &x->direction[j];
        const double a = x->late.top[j].value;
        const double row[] = {(double)(j + 1), a, x->along[j].value, p->predicted.value, p->predicted.se,
                              a * f->variance.value, a * f->variance.se, f->virial.value, f->virial.se,
                              p->per_velocity2 * f->velocity2.value, p->per_velocity2 * f->velocity2.se, f->tau};
        st = sl_table_add(t, row, err);
    }
    return close_table(run, t, "directions.dat", st, err);
}

/* ---- the figure ---- */

static const sl_panel any = {.xmin = NAN, .xmax = NAN, .ymin = NAN, .ymax = NAN};

static sl_panel panel(const char *title, const char *xlabel, const char *ylabel, const sl_curve *curves, size_t n)
{
    sl_panel p = any;
    p.title = title;
    p.xlabel = xlabel;
    p.ylabel = ylabel;
    p.curves = curves;
    p.n_curves = n;
    return p;
}

static sl_status draw(sl_run *run, const sl_measurement *x, sl_err *err)
{
    const sl_curve spectrum[] = {
        {.kind = SL_CURVE_POINTS, .title = "noise covariance", .dat = "eigenvalues.dat", .block = 0, .x = "1", .y = "2",
         .error = "3", .colour = 1},
        {.kind = SL_CURVE_POINTS, .title = "Hessian", .dat = "eigenvalues.dat", .block = x->noise, .x = "1", .y = "2",
         .error = "3", .colour = 0},
    };
    const sl_curve projected[] = {
        {.kind = SL_CURVE_POINTS,
         .title = "random directions",
         .dat = "projections.dat",
         .x = "1",
         .y = "($2 > 0 ? $2 : NaN)",
         .colour = 0},
        {.kind = SL_CURVE_POINTS,
         .title = "leading eigenvector",
         .dat = "projections.dat",
         .block = 1,
         .x = "1",
         .y = "($2 > 0 ? $2 : NaN)",
         .colour = 1},
        {.kind = SL_CURVE_LINE,
         .title = "Gaussian",
         .dat = "projections.dat",
         .x = "1",
         .y = "4",
         .colour = 6,
         .dash = 1},
    };
    const sl_curve density[] = {
        {.kind = SL_CURVE_LINE, .dat = "density.dat", .x = "1", .y = "2", .colour = 0},
    };
    const sl_curve temperature[] = {
        {.kind = SL_CURVE_POINTS,
         .title = "kinetic",
         .dat = "temperature.dat",
         .x = "1",
         .y = "9",
         .error = "10",
         .colour = 1},
        {.kind = SL_CURVE_BAND,
         .title = "predicted from the noise",
         .dat = "temperature.dat",
         .x = "1",
         .y = "7",
         .error = "8",
         .colour = 0},
    };
    sl_panel panels[4];
    size_t n = 0;
    if (x->noise || x->curvature) {
        panels[n] =
            panel("Leading eigenvalues", "rank", "eigenvalue", spectrum + !x->noise, (size_t)x->noise + x->curvature);
        panels[n].xmin = 0.5;
        panels[n].xmax = (double)sl_cli_integer(x->cli, "top") + 0.5;
        panels[n++].logy = true;
    }
    if (x->noise) {
        panels[n] = panel("Projected noise", "standard deviations", "density", projected, 3);
        panels[n].logy = true;
        panels[n].xmin = -RANGE;
        panels[n].xmax = RANGE;
        panels[n].ymin = 1e-6;
        panels[n++].ymax = 10;
    }
    if (x->curvature) {
        panels[n] = panel("Spectral density of the Hessian", "curvature", "density", density, 1);
        panels[n].logy = true;
        panels[n].ymin = 0.1 / x->c.width / (double)x->c.parameters; /* a single eigenvalue's peak is at 4 times that */
        panels[n++].ymax = 1 / x->c.width;
    }
    if (x->temperature && x->t.windows > 1) {
        panels[n] = panel("Temperature, all coordinates", "step", "temperature", temperature, 2);
        panels[n].xmin = panels[n].ymin = 0;
        panels[n++].xmax = (double)x->run.train.steps;
    }
    if (n == 0) return SL_OK;
    char title[256];
    snprintf(title, sizeof title, "%s on %s, %zu samples", sl_cli_text(x->cli, "model"), sl_cli_text(x->cli, "data"),
             sl_objective_samples(x->objective));
    const sl_figure figure = {.name = "measure", .title = title, .rows = (n + 1) / 2, .columns = n > 1 ? 2 : 1,
                              .width = n == 1 ? 13 : 0, .panels = panels, .n_panels = n,
                              .caption = "Noise per sample, in evaluation mode. Errors: standard errors over samples."};
    return sl_plot(sl_run_dir(run), &figure, err);
}

sl_status sl_measure_write(sl_run *run, const sl_measurement *x, const cJSON *config, sl_err *err)
{
    if (!sl_run_saves(run)) return SL_OK;
    if (x->noise || x->curvature) SL_TRY(write_eigenvalues(run, x, config, err));
    if (x->noise) SL_TRY(write_projections(run, x, config, err));
    if (x->noise) SL_TRY(write_coordinates(run, x, err));
    if (x->curvature) SL_TRY(write_density(run, x, config, err));
    if (x->temperature) SL_TRY(write_history(run, x, config, err));
    if (x->temperature) SL_TRY(write_directions(run, x, config, err));
    return draw(run, x, err);
}
