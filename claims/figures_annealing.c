/* robustness-exponents, robustness-horizon, logistic-grid: what a misspecified rate costs, schedule by schedule. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "claims/annealing.h"
#include "claims/prose.h"
#include "claims/synthetic.h"

static const char paper[] = "Attia 2025";

/* ---- robustness-exponents -------------------------------------------------------------------------------------- */

typedef struct {
    const sl_lab *lab;
    sl_power power[SL_ANNEALED];
} exponents_figure;

/* Times sqrt(T), so that horizons compare. The line of the predicted power goes through the middle of the points, in
 * logarithms. */
static sl_status fill_power(sl_table *t, const sl_power *p, const sl_annealed *s, sl_err *err)
{
    const double root = sqrt((double)p->horizon);
    double centre = 0;
    for (size_t i = 0; i < p->n; i++)
        centre += log(p->worst[i].excess.value / pow(p->worst[i].rho, s->exponent)) / (double)p->n;
    SL_TRY(sl_table_block(t, s->name, err));
    for (size_t i = 0; i < p->n; i++) {
        const sl_worst *const w = &p->worst[i];
        const double power = exp(centre) * pow(w->rho, s->exponent);
        const double row[] = {w->rho, root * w->excess.value, root * w->excess.se, root * power, w->slope};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status fill_exponents(void *ctx, sl_table *t, sl_err *err)
{
    exponents_figure *const f = ctx;
    SL_TRY(sl_table_set(t, "setting", err, "f = s|x - x*|, the worst s up to 1, D = sigma = 1, last iterate"));
    for (size_t i = 0; i < SL_ANNEALED; i++) {
        SL_TRY(sl_annealing_power(&f->power[i], &sl_annealed_schedules[i], f->lab, err));
        SL_TRY(fill_power(t, &f->power[i], &sl_annealed_schedules[i], err));
        sl_lab_report(f->lab, "robustness-exponents", i + 1, SL_ANNEALED);
    }
    return SL_OK;
}

static void say_exponents(sl_prose *text, cJSON *result, const exponents_figure *f)
{
    cJSON *const list = cJSON_AddArrayToObject(result, "exponents");
    sl_say(text, "Measured powers of ρ, with what is predicted:");
    for (size_t i = 0; i < SL_ANNEALED; i++) {
        const sl_annealed *const s = &sl_annealed_schedules[i];
        const sl_power *const p = &f->power[i];
        cJSON *const one = cJSON_CreateObject();
        cJSON_AddItemToArray(list, one);
        cJSON_AddStringToObject(one, "schedule", s->name);
        sl_json_number(one, "predicted", s->exponent);
        cJSON_AddNumberToObject(one, "horizon", (double)p->horizon);
        if (p->decided) {
            sl_json_estimate(one, "exponent", p->fit.exponent);
            sl_say(text, "%s %s %.3f ± %.3f (%.3f)", i ? "," : "", s->title, p->fit.exponent.value, p->fit.exponent.se,
                   s->exponent);
        } else {
            cJSON_AddStringToObject(one, "undecided", p->reason);
            sl_say(text, "%s %s undecided: %s (%.3f)", i ? "," : "", s->title, p->reason, s->exponent);
        }
    }
    const uint64_t annealed = f->power[SL_LINEAR].horizon, fixed = f->power[SL_CONSTANT].horizon;
    sl_say(text, ". Lines: the predicted powers, through the middle of the points. T = %llu",
           (unsigned long long)annealed);
    if (fixed != annealed) sl_say(text, ", of constant and inverse square root %llu", (unsigned long long)fixed);
    sl_say(text, ". f = s|x|, |x| ≤ 1, noise of deviation 1; each point at the slope s ≤ 1 that hurts most. Errors are "
                 "smaller than the points.\n");
}

static sl_status exponents(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"rho[1]", "excess_root_T[f]", "excess_root_T_se[f]", "power[f]",
                                          "slope[f/x]"};
    static const char file[] = "robustness-exponents.dat";
    exponents_figure f = {.lab = lab};
    SL_TRY(sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill_exponents, &f, err));
    sl_prose text = {0};
    say_exponents(&text, result, &f);
    sl_curve curves[2 * SL_ANNEALED];
    for (int i = 0; i < SL_ANNEALED; i++) {
        curves[i] = (sl_curve){.kind = SL_CURVE_LINE, .dat = file, .block = i, .x = "1", .y = "4", .colour = i};
        curves[SL_ANNEALED + i] = (sl_curve){.kind = SL_CURVE_POINTS,
                                             .title = sl_annealed_schedules[i].title,
                                             .dat = file,
                                             .block = i,
                                             .x = "1",
                                             .y = "2",
                                             .error = "3",
                                             .colour = i};
    }
    const sl_panel panel = {.xlabel = "ρ: rate / tuned rate",
                            .ylabel = "worst excess loss times √T",
                            .logx = true,
                            .logy = true,
                            .xmin = 1.5,
                            .xmax = 400,
                            .ymin = 0.3,
                            .ymax = 20,
                            .curves = curves,
                            .n_curves = 2 * SL_ANNEALED};
    const sl_figure figure = {.name = "robustness-exponents",
                              .title = "Worst loss at ρ times the tuned rate",
                              .caption = text.text,
                              .rows = 1,
                              .columns = 1,
                              .width = 15,
                              .height = 10,
                              .panels = &panel,
                              .n_panels = 1};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_robustness_exponents = {
    "robustness-exponents", paper, "worst excess loss against rho, schedule by schedule, with the predicted powers",
    exponents};

/* ---- robustness-horizon ---------------------------------------------------------------------------------------- */

enum { SHOWN = 3 };
static const int shown[SHOWN] = {SL_CONSTANT, SL_LINEAR, SL_COSINE};
static const int colours[SHOWN] = {0, 2, 5};

static sl_status fill_horizons(void *ctx, sl_table *t, sl_err *err)
{
    const sl_lab *const lab = ctx;
    uint64_t horizon[SL_HORIZONS];
    sl_annealing_horizons(horizon, lab->scale);
    SL_TRY(sl_table_set(t, "setting", err, "f = s|x - x*|, the worst s up to 1, D = sigma = 1, tuned at each T"));
    for (unsigned k = 0; k < SHOWN; k++) {
        const sl_annealed *const s = &sl_annealed_schedules[shown[k]];
        SL_TRY(sl_table_block(t, s->name, err));
        double first = NAN;
        for (unsigned i = 0; i < SL_HORIZONS; i++) {
            sl_worst w;
            SL_TRY(sl_annealing_tuned_excess(&w, s, horizon[i], k * SL_HORIZONS + i, lab, err));
            const double T = (double)horizon[i];
            if (i == 0) first = w.excess.value * sqrt(T);
            SL_TRY(sl_table_add(t, (double[]){T, w.excess.value, w.excess.se, first / sqrt(T), w.slope}, err));
            sl_lab_report(lab, "robustness-horizon", k * SL_HORIZONS + i + 1, SHOWN * SL_HORIZONS);
        }
    }
    return SL_OK;
}

static sl_status horizons(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"T[1]", "worst_excess[f]", "worst_excess_se[f]", "root[f]", "slope[f/x]"};
    static const char file[] = "robustness-horizon.dat";
    uint64_t horizon[SL_HORIZONS];
    sl_lab here = *lab;
    sl_annealing_horizons(horizon, lab->scale);
    SL_TRY(sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill_horizons, &here, err));
    sl_prose text = {0};
    sl_say(&text,
           "Worst excess loss at the tuned rate (ρ = 1) against the horizon T = %llu to %llu; lines fall like T to "
           "the power -1/2 from the first point. Errors are smaller than the points. f = s|x|, |x| ≤ 1, noise of "
           "deviation 1, s ≤ 1.\n",
           (unsigned long long)horizon[0], (unsigned long long)horizon[SL_HORIZONS - 1]);
    sl_json_number(result, "predicted_exponent", -0.5);
    sl_curve curves[2 * SHOWN];
    for (int k = 0; k < SHOWN; k++) {
        curves[k] = (sl_curve){
            .kind = SL_CURVE_LINE, .dat = file, .block = k, .x = "1", .y = "4", .colour = colours[k]};
        curves[SHOWN + k] = (sl_curve){.kind = SL_CURVE_POINTS,
                                       .title = sl_annealed_schedules[shown[k]].title,
                                       .dat = file,
                                       .block = k,
                                       .x = "1",
                                       .y = "2",
                                       .error = "3",
                                       .colour = colours[k]};
    }
    const sl_panel panel = {.xlabel = "horizon T, steps",
                            .ylabel = "worst excess loss",
                            .logx = true,
                            .logy = true,
                            .xmin = (double)horizon[0] / 1.5,
                            .xmax = (double)horizon[SL_HORIZONS - 1] * 1.5,
                            .ymin = 0.2 / sqrt((double)horizon[SL_HORIZONS - 1]), /* it is 0.3 to 0.5 / sqrt(T) */
                            .ymax = 0.7 / sqrt((double)horizon[0]),
                            .curves = curves,
                            .n_curves = 2 * SHOWN};
    const sl_figure figure = {.name = "robustness-horizon",
                              .title = "Worst loss at the tuned rate",
                              .caption = text.text,
                              .rows = 1,
                              .columns = 1,
                              .width = 12,
                              .height = 8,
                              .panels = &panel,
                              .n_panels = 1};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_robustness_horizon = {
    "robustness-horizon", paper, "worst excess loss of tuned schedules against the horizon, with lines T^(-1/2)",
    horizons};

/* ---- logistic-grid --------------------------------------------------------------------------------------------- */

typedef struct {
    const sl_lab *lab;
    sl_grid_search grid;
} grid_figure;

static sl_status fill_grid(void *ctx, sl_table *t, sl_err *err)
{
    grid_figure *const f = ctx;
    const sl_grid_search *const g = &f->grid;
    SL_TRY(sl_annealing_grid(&f->grid, f->lab, err));
    SL_TRY(sl_table_set(t, "setting", err, "logistic regression, mini-batches of 1, %llu steps, %zu replicas",
                        (unsigned long long)g->horizon, g->batches * g->replicas));
    for (int s = 0; s < SHOWN; s++) {
        SL_TRY(sl_table_block(t, sl_annealed_schedules[shown[s]].name, err));
        for (size_t i = 0; i < SL_GRID_RATES; i++)
            SL_TRY(sl_table_add(t, (double[]){g->rate[i], g->excess[s][i].value, g->excess[s][i].se}, err));
    }
    for (int s = 0; s < SHOWN; s++) {
        char title[64];
        snprintf(title, sizeof title, "cost of a grid, %s", sl_annealed_schedules[shown[s]].name);
        SL_TRY(sl_table_block(t, title, err));
        for (size_t k = 0; k < SL_GRID_RATIOS; k++) {
            const sl_estimate cost = sl_mean(g->cost[s][k], g->batches);
            SL_TRY(sl_table_add(t, (double[]){sl_grid_ratios[k], cost.value, cost.se}, err));
        }
    }
    return SL_OK;
}

static sl_curve grid_curve(const char *file, int s, int block)
{
    return (sl_curve){.kind = SL_CURVE_POINTS,
                      .title = sl_annealed_schedules[shown[s]].title,
                      .dat = file,
                      .block = block,
                      .x = "1",
                      .y = "2",
                      .error = "3",
                      .colour = colours[s]};
}

static sl_status draw_grid(const sl_lab *lab, sl_prose *text, const char *file, char **summary, sl_err *err)
{
    sl_curve left[2 * SHOWN], right[2 * SHOWN];
    for (int s = 0; s < SHOWN; s++) {
        left[SHOWN + s] = grid_curve(file, s, s);
        right[SHOWN + s] = grid_curve(file, s, SHOWN + s);
        left[s] = left[SHOWN + s];
        right[s] = right[SHOWN + s];
        left[s].kind = right[s].kind = SL_CURVE_LINE;
        left[s].title = right[s].title = left[s].error = right[s].error = NULL;
    }
    const sl_panel panels[] = {{.title = "Every rate",
                                .xlabel = "learning rate",
                                .ylabel = "excess loss after the last step",
                                .logx = true,
                                .logy = true,
                                .xmin = NAN,
                                .xmax = NAN,
                                .ymin = NAN,
                                .ymax = NAN,
                                .curves = left,
                                .n_curves = 2 * SHOWN},
                               {.title = "The best rate of a grid",
                                .xlabel = "ratio of the grid's rates",
                                .ylabel = "excess loss / that of the best rate, less 1",
                                .logx = true,
                                .xmin = 3.5,
                                .xmax = 18,
                                .ymin = 0,
                                .ymax = NAN,
                                .curves = right,
                                .n_curves = 2 * SHOWN}};
    const sl_figure figure = {.name = "logistic-grid",
                              .title = "Logistic regression: what a coarse grid of rates costs",
                              .caption = text->text,
                              .rows = 1,
                              .columns = 2,
                              .panels = panels,
                              .n_panels = 2};
    return sl_finish_figure(lab, &figure, text, summary, err);
}

static sl_status logistic_grid(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"rate_or_ratio[1]", "excess_or_cost[1]", "se[1]"};
    static const char file[] = "logistic-grid.dat";
    enum { WIDEST = SL_GRID_RATIOS - 1 };
    grid_figure *const f = calloc(1, sizeof *f);
    if (!f) return sl_fail(err, SL_E_MEMORY, "no memory for a grid of rates");
    f->lab = lab;
    sl_status st = sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill_grid, f, err);
    sl_prose text = {0};
    for (int s = 0; s < SHOWN && st == SL_OK; s++) {
        const sl_grid_search *const g = &f->grid;
        const sl_estimate cost = sl_mean(g->cost[s][WIDEST], g->batches);
        sl_say(&text, "%s%s %.2f ± %.2f",
               s ? ", " : "Excess loss at the best rate of a grid of ratio 16, over the least, less 1: ",
               sl_annealed_schedules[shown[s]].title, cost.value, cost.se);
        sl_json_estimate(result, sl_annealed_schedules[shown[s]].name, cost);
    }
    if (st == SL_OK)
        sl_say(&text, "; averaged over where the grid begins. %llu steps, mini-batches of one sample, %zu replicas.\n",
               (unsigned long long)f->grid.horizon, f->grid.batches * f->grid.replicas);
    free(f);
    return st == SL_OK ? draw_grid(lab, &text, file, summary, err) : st;
}

const sl_recipe sl_recipe_logistic_grid = {
    "logistic-grid", paper, "logistic regression: excess loss against the rate, and at the best rate of coarse grids",
    logistic_grid};
