/* arrhenius: the time that SGD takes over a barrier, over ten decades: exactly, by splitting, by ensembles, and by
 * Eyring and Kramers's rate at its temperature. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "claims/crossing.h"
#include "claims/escape.h"
#include "claims/prose.h"
#include "claims/synthetic.h"
#include "theory/kramers.h"
#include "theory/passage.h"
#include "theory/sgd_rate.h"

/* 1/T from 8 in steps of 4, the barrier of the double well being 1/4. Ensembles as far as they get, splitting at every
 * other one from where it is worth it. */
enum { POINTS = 24, SAMPLED = 7, SPLIT_FROM = 3 };
static const double rate = 0.1, deltas[] = {0, 1};
enum { DELTAS = sizeof deltas / sizeof *deltas };

static double temperature(size_t i)
{
    return 1 / (8 + 4.0 * (double)i);
}

static sl_crossing crossing(size_t i, double delta)
{
    return (sl_crossing){.loss = "double-well",
                         .l = rate,
                         .delta = delta,
                         .s2 = sl_crossing_noise(temperature(i), rate, delta),
                         .from = -1,
                         .to = 1};
}

/* ---- what is run ----------------------------------------------------------------------------------------------- */

typedef enum { BY_OPERATOR, BY_SPLITTING, BY_ENSEMBLE, WAYS } way;
static const char *const ways[] = {"operator", "splitting", "ensemble"};

typedef struct {
    const sl_lab *lab;
    way by;
    size_t delta;
} piece;

static bool has_point(way by, size_t i)
{
    if (by == BY_SPLITTING) return i >= SPLIT_FROM && (i - SPLIT_FROM) % 2 == 0;
    return by == BY_OPERATOR || i < SAMPLED;
}

static sl_status time_of(sl_estimate *steps, const piece *p, size_t i, sl_err *err)
{
    const double r = sl_lab_refinement(p->lab);
    const uint32_t experiment = SL_EXPERIMENT_ARRHENIUS + (uint32_t)(p->delta * POINTS + i);
    const sl_crossing c = crossing(i, deltas[p->delta]);
    switch (p->by) {
    case BY_SPLITTING: return sl_crossing_split(steps, &c, (size_t)(2048 * r), 32, p->lab, experiment, err);
    case BY_ENSEMBLE: return sl_crossing_sampled(steps, &c, 1024 * r * r, 1e8, p->lab, experiment, err);
    default:
        /* A picture. The domain ends where the law is below 1e-20 of what it is at the saddle, and before a step can
         * throw an iterate to infinity. */
        return sl_crossing_exact(steps, &c, i < 10 ? 2.3 : 2.0, 1e-4, p->lab, err);
    }
}

/* Rows (point, steps, standard error). */
static sl_status measure(void *ctx, sl_table **t, sl_err *err)
{
    static const char *const columns[] = {"point[1]", "steps[1]", "steps_se[1]"};
    const piece *p = ctx;
    sl_table *out = sl_table_alloc(3, columns);
    if (!out) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = SL_OK;
    for (size_t i = 0; i < POINTS && st == SL_OK; i++) {
        sl_estimate steps;
        if (!has_point(p->by, i)) continue;
        st = time_of(&steps, p, i, err);
        const double row[] = {(double)i, steps.value, steps.se};
        if (st == SL_OK) st = sl_table_add(out, row, err);
    }
    if (st == SL_OK)
        *t = out;
    else
        sl_table_free(out);
    return st;
}

/* ---- what is drawn --------------------------------------------------------------------------------------------- */

typedef struct {
    const sl_lab *lab;
    cJSON *result;
    sl_prose *text;
    double exact[POINTS]; /* of the delta that is being written */
} arrhenius_figure;

/* Steps by Eyring and Kramers, and with the first order in l: Langevin's time (exact in T) times exp(c l), which is 1 +
 * c l where that is small and the lowering of the barrier where it is not. */
static sl_status predictions(double row[2], size_t i, double delta, sl_err *err)
{
    static const double minimum = 2, saddle = -1;
    const sl_barrier well = {1, &minimum, &saddle, 0.25};
    const sl_alpha_law alpha = sl_alpha_uniform(delta);
    const double T = temperature(i);
    double k, log_time, c;
    SL_TRY(sl_rate_eyring_kramers(&k, &well, T, err));
    SL_TRY(sl_passage_log_time(&log_time, sl_well, NULL, T, -1, 1, -INFINITY, err));
    SL_TRY(sl_sgd_rate_correction(&c, sl_well, sl_well_slope, sl_well_curvature, NULL, T, -1, 1, &alpha, err));
    row[0] = 1 / (rate * k);
    row[1] = exp(log_time + c * rate) / rate;
    return SL_OK;
}

/* A block of rows (1/T, steps, se, exact, kramers, first order). */
static sl_status add_way(sl_table *t, arrhenius_figure *o, way by, size_t delta, sl_err *err)
{
    char key[48], title[64];
    piece p = {o->lab, by, delta};
    sl_table *measured = NULL;
    double worst = 0, last = 0;
    snprintf(key, sizeof key, "%s-delta%g", ways[by], deltas[delta]);
    SL_TRY(sl_run_job(o->lab->run, &measured, key, measure, &p, err));
    snprintf(title, sizeof title, "%s, Delta = %g", ways[by], deltas[delta]);
    sl_status st = sl_table_block(t, title, err);
    const size_t rows = sl_table_rows(measured);
    for (size_t k = 0; k < rows && st == SL_OK; k++) {
        const double *const m = sl_table_row(measured, k);
        const size_t i = (size_t)m[0];
        double theory[2] = {NAN, NAN};
        if (by == BY_OPERATOR) o->exact[i] = m[1];
        worst = fmax(worst, fabs(m[1] - o->exact[i]) / m[2]);
        last = m[1];
        st = predictions(theory, i, deltas[delta], err);
        const double row[] = {1 / temperature(i), m[1], m[2], o->exact[i], theory[0], theory[1]};
        if (st == SL_OK) st = sl_table_add(t, row, err);
    }
    sl_table_free(measured);
    SL_TRY(st);
    if (by == BY_OPERATOR) {
        sl_say(o->text, "%sΔ = %g: %.0f to %.2g steps; Eyring-Kramers over the exact time %.2f at 1/T = %g. ",
               delta > 0 ? "\n" : "", deltas[delta], o->exact[0], o->exact[POINTS - 1],
               sl_table_row(t, sl_table_rows(t) - 1)[4] / last, 1 / temperature(POINTS - 1));
        return SL_OK;
    }
    sl_say(o->text, "%s up to %.1e steps: largest deviation from the operator %.1f standard errors of %zu. ",
           by == BY_SPLITTING ? "Splitting" : "Ensembles", last, worst, rows);
    snprintf(key, sizeof key, "%s_delta%g_worst_z", ways[by], deltas[delta]);
    sl_json_number(o->result, key, worst);
    return SL_OK;
}

static sl_status fill(void *ctx, sl_table *t, sl_err *err)
{
    arrhenius_figure *o = ctx;
    SL_TRY(sl_table_set(t, "setting", err,
                        "double well, -1 to 1, SGD without momentum, l = %g, T = l q s2/2; kramers: 1/(l k); "
                        "first_order: Langevin's time / l times exp(c l)",
                        rate));
    for (size_t d = 0; d < DELTAS; d++)
        for (way by = BY_OPERATOR; by < WAYS; by++) {
            SL_TRY(add_way(t, o, by, d, err));
            sl_lab_report(o->lab, "arrhenius", d * WAYS + (size_t)by + 1, DELTAS * WAYS);
        }
    sl_say(o->text, "\n");
    return SL_OK;
}

static const char file[] = "arrhenius.dat";

static sl_curve line_of(const char *title, int block, const char *y, int colour, int dash)
{
    return (sl_curve){.kind = SL_CURVE_LINE,
                      .title = title,
                      .dat = file,
                      .block = block,
                      .x = "1",
                      .y = y,
                      .colour = colour,
                      .dash = dash};
}

static sl_curve points_of(const char *title, int block, const char *y, const char *error, int colour)
{
    return (sl_curve){.kind = SL_CURVE_POINTS,
                      .title = title,
                      .dat = file,
                      .block = block,
                      .x = "1",
                      .y = y,
                      .error = error,
                      .colour = colour};
}

static sl_status arrhenius(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {
        "inverse_temperature[1/f]", "steps[1]", "steps_se[1]", "exact[1]", "kramers[1]", "first_order[1]"};
    sl_prose text = {0};
    sl_say(&text,
           "Mean steps of SGD from one minimum of the double well to the other, l = %g, T = l q s²/2, by the transfer "
           "operator (exact), splitting and ensembles; a random rate is α ~ U[0, 2].\n",
           rate);
    arrhenius_figure o = {.lab = lab, .result = result, .text = &text};
    const sl_status st = sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill, &o, err);
    if (st != SL_OK) {
        free(text.text);
        return st;
    }
    /* Blocks: 3 delta + way. Constant rate blue and sky blue, random rate vermilion and orange. */
    const sl_curve times[] = {
        line_of("Eyring-Kramers", BY_OPERATOR, "5", 6, 1),         line_of("Δ = 0: exact", BY_OPERATOR, "2", 0, 0),
        line_of("Δ = 1: exact", WAYS + BY_OPERATOR, "2", 1, 0),    points_of("splitting", BY_SPLITTING, "2", NULL, 0),
        points_of("splitting", WAYS + BY_SPLITTING, "2", NULL, 1), points_of("ensemble", BY_ENSEMBLE, "2", NULL, 5),
        points_of("ensemble", WAYS + BY_ENSEMBLE, "2", NULL, 4)};
    const sl_curve ratios[] = {line_of("Δ = 0: exact", BY_OPERATOR, "($2/$5)", 0, 0),
                               line_of("Δ = 1: exact", WAYS + BY_OPERATOR, "($2/$5)", 1, 0),
                               line_of("first order in l", BY_OPERATOR, "($6/$5)", 0, 2),
                               line_of("first order in l", WAYS + BY_OPERATOR, "($6/$5)", 1, 2),
                               points_of("splitting", BY_SPLITTING, "($2/$5)", "($3/$5)", 0),
                               points_of("splitting", WAYS + BY_SPLITTING, "($2/$5)", "($3/$5)", 1)};
    const sl_curve checks[] = {{.kind = SL_CURVE_FUNCTION, .function = "1", .title = "exact", .colour = 6},
                               points_of("splitting", BY_SPLITTING, "($2/$4)", "($3/$4)", 0),
                               points_of("splitting", WAYS + BY_SPLITTING, "($2/$4)", "($3/$4)", 1),
                               points_of("ensemble", BY_ENSEMBLE, "($2/$4)", "($3/$4)", 5),
                               points_of("ensemble", WAYS + BY_ENSEMBLE, "($2/$4)", "($3/$4)", 4)};
    sl_panel panels[] = {{.title = "Escape times",
                          .ylabel = "mean steps",
                          .logy = true,
                          .ymin = NAN,
                          .ymax = NAN,
                          .curves = times,
                          .n_curves = sizeof times / sizeof *times},
                         {.title = "Over Eyring and Kramers's time",
                          .ylabel = "steps × l k",
                          .logy = true,
                          .ymin = 0.1,
                          .ymax = 2,
                          .curves = ratios,
                          .n_curves = sizeof ratios / sizeof *ratios},
                         {.title = "Over the exact time",
                          .ylabel = "measured / exact",
                          .ymin = NAN,
                          .ymax = NAN,
                          .curves = checks,
                          .n_curves = sizeof checks / sizeof *checks}};
    for (int i = 0; i < 3; i++) {
        panels[i].xlabel = "1/T  (barrier 1/4)";
        panels[i].xmin = 0;
        panels[i].xmax = 105;
    }
    const sl_figure figure = {.name = "arrhenius",
                              .title = "SGD over a barrier: Arrhenius's law over ten decades",
                              .caption = text.text,
                              .rows = 1,
                              .columns = 3,
                              .panels = panels,
                              .n_panels = 3};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_arrhenius = {
    "arrhenius", "Kramers 1940; Musso 2020, eq 20",
    "escape times of SGD against 1/T over ten decades: exact, splitting, ensembles, Eyring-Kramers", arrhenius};
