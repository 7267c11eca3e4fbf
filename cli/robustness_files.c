/* What `robustness` leaves in its folder: robustness.dat, and the picture of excess against rho. */
#include <math.h>
#include <stdio.h>

#include "cli/output.h"
#include "cli/robustness.h"
#include "plots/plot.h"

#define CONVENTIONS                                                                                                \
    "lr is the peak rate; excess is f - f* after the last step, its worst over slopes for worst-slope; se is the " \
    "standard error of replicas; bound is the last-iterate bound at the largest second moment; power is the "      \
    "predicted "                                                                                                   \
    "power of rho, through the middle of the window"

/* The predicted power through the middle point of the fit's window, or of all points. */
static double power_at(const sl_robust_case *c, const sl_robust_found *f, double rho)
{
    size_t first = 0, last = c->n - 1;
    while (isfinite(f->fit.lo) && f->fit.points > 0 && f->worst[first].rho < f->fit.lo) first++;
    while (isfinite(f->fit.hi) && f->fit.points > 0 && f->worst[last].rho > f->fit.hi) last--;
    const sl_worst *middle = &f->worst[(first + last) / 2];
    return f->has_theory && c->slopes ? middle->excess.value * pow(rho / middle->rho, f->theory.exponent) : NAN;
}

static sl_status add_sweep(sl_table *t, const sl_robust_case *c, const sl_robust_found *f, sl_err *err)
{
    SL_TRY(sl_table_block(t, "rho", err));
    for (size_t i = 0; i < c->n; i++) {
        const sl_worst *w = &f->worst[i];
        const double row[] = {w->rho,   c->tuned * w->rho, w->excess.value,       w->excess.se,
                              w->slope, f->bound[i],       power_at(c, f, w->rho)};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status add_tuning(sl_table *t, const sl_robust_case *c, const sl_robust_found *f, sl_err *err)
{
    if (!f->has_tuning) return SL_OK;
    SL_TRY(sl_table_block(t, "tuning", err));
    for (size_t i = 0; i < SL_TUNING_POINTS; i++) {
        const sl_worst *w = &f->tuning[i];
        const double row[] = {
            f->tuning_lr[i] / c->tuned, f->tuning_lr[i], w->excess.value, w->excess.se, w->slope, NAN, NAN};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status fill(sl_table *t, const sl_robust_case *c, const sl_robust_found *f, const cJSON *config, sl_err *err)
{
    SL_TRY(sl_cli_header(t, config, err));
    SL_TRY(sl_table_set(t, "conventions", err, "%s", CONVENTIONS));
    SL_TRY(sl_table_set(t, "tuned_lr", err, "%.17g", c->tuned));
    if (f->decided) {
        SL_TRY(sl_table_set(t, "exponent", err, "%.6g", f->fit.exponent.value));
        SL_TRY(sl_table_set(t, "exponent_se", err, "%.3g", f->fit.exponent.se));
        SL_TRY(sl_table_set(t, "window", err, "rho = %g to %g", f->fit.lo, f->fit.hi));
    } else {
        SL_TRY(sl_table_set(t, "undecided", err, "%s", f->reason));
    }
    if (f->has_theory) SL_TRY(sl_table_set(t, "predicted_exponent", err, "%.6g", f->theory.exponent));
    SL_TRY(add_sweep(t, c, f, err));
    return add_tuning(t, c, f, err);
}

static sl_status draw(sl_run *run, const sl_robust_case *c, const sl_robust_found *f, sl_err *err)
{
    char power[64], title[160], caption[900];
    sl_curve curve[4];
    size_t n = 0;
    snprintf(power, sizeof power, "predicted power, %.3g", f->theory.exponent);
    if (f->has_theory && c->slopes)
        curve[n++] = (sl_curve){
            .kind = SL_CURVE_LINE, .title = power, .dat = "robustness.dat", .x = "1", .y = "7", .colour = 6, .dash = 1};
    if (c->slopes && c->r.suffix == 0)
        curve[n++] = (sl_curve){.kind = SL_CURVE_LINE,
                                .title = "bound",
                                .dat = "robustness.dat",
                                .x = "1",
                                .y = "6",
                                .colour = 1,
                                .dash = 2};
    if (f->has_tuning)
        curve[n++] = (sl_curve){.kind = SL_CURVE_LINE,
                                .title = "while tuning",
                                .dat = "robustness.dat",
                                .block = 1,
                                .x = "1",
                                .y = "3",
                                .colour = 5};
    curve[n++] = (sl_curve){.kind = SL_CURVE_POINTS,
                            .title = "measured",
                            .dat = "robustness.dat",
                            .x = "1",
                            .y = "3",
                            .error = "4",
                            .colour = 0};
    snprintf(title, sizeof title, "Robustness of %s, %.0f steps", c->r.schedule.spec.entry->name,
             (double)c->r.schedule.total_steps);
    if (f->decided)
        snprintf(caption, sizeof caption, "exponent %.4f +- %.4f from rho = %g to %g", f->fit.exponent.value,
                 f->fit.exponent.se, f->fit.lo, f->fit.hi);
    else
        snprintf(caption, sizeof caption, "exponent undecided: %s", f->reason);
    const sl_panel panel = {.xlabel = "rho, rate over the tuned rate",
                            .ylabel = c->slopes ? "worst excess loss" : "excess loss",
                            .logx = true,
                            .logy = true,
                            .xmin = NAN,
                            .xmax = NAN,
                            .ymin = NAN,
                            .ymax = NAN,
                            .curves = curve,
                            .n_curves = n};
    const sl_figure figure = {.name = "robustness",
                              .title = title,
                              .caption = caption,
                              .rows = 1,
                              .columns = 1,
                              .width = 13,
                              .panels = &panel,
                              .n_panels = 1};
    return sl_plot(sl_run_dir(run), &figure, err);
}

sl_status sl_robust_write(sl_run *run, const sl_robust_case *c, const sl_robust_found *f, const cJSON *config,
                          sl_err *err)
{
    static const char *const columns[] = {"rho[1]",     "lr[x^2/f]", "excess[f]", "excess_se[f]",
                                          "slope[f/x]", "bound[f]",  "power[f]"};
    if (!sl_run_saves(run)) return SL_OK;
    sl_table *t = sl_table_alloc(7, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = fill(t, c, f, config, err);
    if (st == SL_OK) st = sl_run_table(run, "robustness.dat", t, err);
    sl_table_free(t);
    return st == SL_OK ? draw(run, c, f, err) : st;
}
