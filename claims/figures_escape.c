/* escape-distribution: the laws of two kinds of exit times, of a saddle, which is left when the noise has been
 * amplified to its size, and of a well, which is left by a rare event: samples with confidence bands against exact
 * laws. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/survival.h"
#include "claims/crossing.h"
#include "claims/escape.h"
#include "claims/prose.h"
#include "claims/synthetic.h"
#include "theory/exit.h"

static const double deltas[] = {0, 1}, confidence = 0.99;
enum { DELTAS = sizeof deltas / sizeof *deltas, ROWS = 60 };

typedef struct {
    const sl_lab *lab;
    size_t delta;
} piece;

/* ---- samples ---------------------------------------------------------------------------------------------- */

/* f = -x^2/2: from the saddle until |x| > 1. */
static sl_crossing off_the_saddle(double delta)
{
    return (sl_crossing){.loss = "quadratic-saddle:dim=1:index=1:gamma=1",
                         .l = 0.05,
                         .delta = delta,
                         .s2 = 0.01,
                         .from = 0,
                         .to = 1,
                         .either_side = true};
}

/* From one minimum of the double well to the other. */
static const double T = 0.04;
static sl_crossing over_the_barrier(double delta)
{
    return (sl_crossing){
        .loss = "double-well", .l = 0.1, .delta = delta, .s2 = sl_crossing_noise(T, 0.1, delta), .from = -1, .to = 1};
}

/* Rows (t, S(t), lower and upper end of Hall and Wellner's band) at ROWS times that are equally far apart, up to one
 * that 0.002 outlive. Header: sample, mean, mean_se, shape_z. */
static sl_status tabulate(sl_table *t, const sl_survival *s, sl_err *err)
{
    double *band = malloc(2 * s->rows * sizeof *band);
    if (!band) return sl_fail(err, SL_E_MEMORY, "no memory for a band of %zu times", s->rows);
    double *const lo = band, *const hi = band + s->rows, z = NAN;
    size_t last = 0, k = 0;
    sl_status st = sl_survival_band(lo, hi, s, SL_BAND_HALL_WELLNER, confidence, err);
    while (last + 1 < s->rows && s->survival[last] > 2e-3) last++;
    const double step = fmax(1, ceil(s->time[last] / ROWS));
    for (int i = 0; i < ROWS && st == SL_OK; i++) {
        const double at = i * step;
        while (k < s->rows && s->time[k] <= at) k++;
        const size_t now = k > 0 ? k - 1 : 0; /* the band begins with the first exit and is as wide before */
        const double row[] = {at, k > 0 ? s->survival[now] : 1, lo[now], k > 0 ? hi[now] : 1};
        st = sl_table_add(t, row, err);
    }
    free(band);
    const sl_survival_mean_time mean = sl_survival_mean(s, INFINITY);
    sl_survival_exponentiality(&z, s);
    if (st == SL_OK) st = sl_table_set(t, "sample", err, "%.0f", s->n);
    if (st == SL_OK) st = sl_table_set(t, "mean", err, "%.17g", mean.mean.value);
    if (st == SL_OK) st = sl_table_set(t, "mean_se", err, "%.17g", mean.mean.se);
    return st == SL_OK ? sl_table_set(t, "shape_z", err, "%.17g", z) : st;
}

static sl_status sample(sl_table **t, const sl_crossing *c, double replicas, const sl_lab *lab, uint32_t experiment,
                        sl_err *err)
{
    static const char *const columns[] = {"steps[1]", "survival[1]", "lower[1]", "upper[1]"};
    sl_exits e = {0};
    sl_survival s = {0};
    SL_TRY(sl_crossing_exits(&e, c, replicas, 1e8, lab, experiment, err));
    sl_status st = e.exited < e.replicas ? sl_fail(err, SL_DIVERGED, "%llu of %g trajectories did not exit",
                                                   (unsigned long long)(e.replicas - e.exited), replicas)
                                         : sl_survival_steps(&s, e.time, NULL, e.replicas, err);
    sl_exits_clear(&e);
    SL_TRY(st);
    sl_table *out = sl_table_alloc(4, columns);
    st = out ? tabulate(out, &s, err) : sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_survival_clear(&s);
    if (st == SL_OK)
        *t = out;
    else
        sl_table_free(out);
    return st;
}

static sl_status sample_saddle(void *ctx, sl_table **t, sl_err *err)
{
    const piece *p = ctx;
    const double r = sl_lab_refinement(p->lab);
    const sl_crossing c = off_the_saddle(deltas[p->delta]);
    return sample(t, &c, 1e5 * r * r, p->lab, SL_EXPERIMENT_EXITS + (uint32_t)p->delta, err);
}

static sl_status sample_well(void *ctx, sl_table **t, sl_err *err)
{
    const piece *p = ctx;
    const double r = sl_lab_refinement(p->lab);
    const sl_crossing c = over_the_barrier(deltas[p->delta]);
    return sample(t, &c, 8192 * r * r, p->lab, SL_EXPERIMENT_EXITS + 8 + (uint32_t)p->delta, err);
}

/* ---- laws ------------------------------------------------------------------------------------------------- */

/* law[i] = P(tau > t_i) at the rows' times. */
static sl_status saddle_law(double law[ROWS], const sl_table *sampled, double delta, sl_err *err)
{
    const sl_crossing c = off_the_saddle(delta);
    const sl_saddle s = {.gamma = 1, .l = c.l, .delta = delta, .s2 = c.s2, .R = c.to};
    const size_t n = (size_t)sl_table_row(sampled, ROWS - 1)[0] + 1;
    double error, *survival = malloc(n * sizeof *survival);
    sl_exit_law *exact = NULL;
    sl_status st =
        survival ? sl_exit_law_new(&exact, &s, err) : sl_fail(err, SL_E_MEMORY, "no memory for %zu steps", n);
    if (st == SL_OK) st = sl_exit_survival(survival, NULL, &error, n, exact, 0, err);
    for (size_t i = 0; i < ROWS && st == SL_OK; i++) law[i] = survival[(size_t)sl_table_row(sampled, i)[0]];
    sl_exit_law_free(exact);
    free(survival);
    return st;
}

static sl_status well_law(double law[ROWS], const sl_table *sampled, double delta, const sl_lab *lab, sl_err *err)
{
    const sl_crossing c = over_the_barrier(delta);
    sl_estimate mean;
    SL_TRY(sl_crossing_exact(&mean, &c, 2.3, 1e-4, lab, err));
    for (size_t i = 0; i < ROWS; i++) law[i] = exp(-sl_table_row(sampled, i)[0] / mean.value);
    return SL_OK;
}

/* ---- the figure ------------------------------------------------------------------------------------------- */

typedef struct {
    const sl_lab *lab;
    cJSON *result;
    sl_prose *text;
} distribution_figure;

typedef enum { SADDLE, WELL, PLACES } place;

/* What the law and the samples have to do with each other, in words. */
static void compare(distribution_figure *o, place where, size_t d, const sl_table *sampled, const double law[ROWS])
{
    char key[48];
    double worst = 0;
    int outside = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const double *const row = sl_table_row(sampled, i);
        worst = fmax(worst, fabs(row[1] - law[i]));
        outside += law[i] < row[2] || law[i] > row[3];
    }
    const char *const n = sl_table_get(sampled, "sample");
    sl_say(o->text,
           "%s, Δ = %g: %s exits, mean %.6g ± %.2g steps; the %s is within the %g %% band %s (largest deviation %.2g)",
           where == SADDLE ? "Saddle" : "Well", deltas[d], n, atof(sl_table_get(sampled, "mean")),
           atof(sl_table_get(sampled, "mean_se")), where == SADDLE ? "exact law" : "exponential law of the exact mean",
           100 * confidence, outside ? "except at some times: FAILS" : "at all times: HOLDS", worst);
    const double z = atof(sl_table_get(sampled, "shape_z"));
    if (where == WELL)
        sl_say(o->text, "; score test of its shape: z = %.1f (positive: early exits are missing, the way takes time)",
               z);
    sl_say(o->text, ".\n");
    snprintf(key, sizeof key, "%s_delta%g_outside", where == SADDLE ? "saddle" : "well", deltas[d]);
    sl_json_number(o->result, key, outside);
}

/* A block of rows (t, S, law, band, law - S, and over the step to the next row the middle, the density of the samples
 * with its error and that of the law). band: the half-width, one for all times since nothing is censored. */
static sl_status write_rows(sl_table *t, const sl_table *sampled, const double law[ROWS], sl_err *err)
{
    const double n = atof(sl_table_get(sampled, "sample")), step = sl_table_row(sampled, 1)[0];
    double band = 0;
    for (size_t i = 0; i < ROWS; i++)
        band = fmax(band, (sl_table_row(sampled, i)[3] - sl_table_row(sampled, i)[2]) / 2);
    for (size_t i = 0; i < ROWS; i++) {
        const double *const s = sl_table_row(sampled, i);
        const bool end = i + 1 == ROWS;
        const double p = end ? NAN : s[1] - sl_table_row(sampled, i + 1)[1];
        const double row[] = {s[0],
                              s[1],
                              law[i],
                              band,
                              law[i] - s[1],
                              s[0] + step / 2,
                              p / step,
                              sqrt(p * (1 - p) / n) / step,
                              end ? NAN : (law[i] - law[i + 1]) / step};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status add_block(sl_table *t, distribution_figure *o, place where, size_t d, sl_err *err)
{
    char key[48];
    double law[ROWS];
    piece p = {o->lab, d};
    sl_table *sampled = NULL;
    snprintf(key, sizeof key, "%s-delta%g", where == SADDLE ? "saddle" : "well", deltas[d]);
    SL_TRY(sl_run_job(o->lab->run, &sampled, key, where == SADDLE ? sample_saddle : sample_well, &p, err));
    sl_status st =
        where == SADDLE ? saddle_law(law, sampled, deltas[d], err) : well_law(law, sampled, deltas[d], o->lab, err);
    if (st == SL_OK) st = sl_table_block(t, key, err);
    if (st == SL_OK) st = write_rows(t, sampled, law, err);
    if (st == SL_OK) compare(o, where, d, sampled, law);
    sl_table_free(sampled);
    return st;
}

static sl_status fill(void *ctx, sl_table *t, sl_err *err)
{
    distribution_figure *o = ctx;
    SL_TRY(sl_table_set(t, "setting", err,
                        "saddle: f = -x^2/2, l = 0.05, s2 = 0.01, |x| > 1 from 0; well: double well, l = 0.1, T = %g, "
                        "x >= 1 from -1; no momentum; band of Hall and Wellner, %g",
                        T, confidence));
    for (place where = SADDLE; where < PLACES; where++)
        for (size_t d = 0; d < DELTAS; d++) {
            SL_TRY(add_block(t, o, where, d, err));
            sl_lab_report(o->lab, "escape-distribution", where * DELTAS + d + 1, PLACES * DELTAS);
        }
    return SL_OK;
}

static const char file[] = "escape-distribution.dat";

static sl_curve curve_of(sl_curve_kind kind, const char *title, int block, const char *x, const char *y,
                         const char *error, int colour, int dash)
{
    return (sl_curve){kind, title, file, block, x, y, error, .colour = colour, .dash = dash};
}

static sl_status escape_distribution(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"steps[1]",  "survival[1]", "law[1]",        "band[1]",       "difference[1]",
                                          "middle[1]", "density[1]",  "density_se[1]", "law_density[1]"};
    sl_prose text = {0};
    sl_say(
        &text,
        "Exit times from the quadratic saddle (l = 0.05, noise variance 0.01, |x| > 1) and out of the double well (l = "
        "0.1, T = %g, from minimum to minimum); a random rate is α ~ U[0, 2]. Right: law minus samples, and the band "
        "that holds it with %g %% confidence.\n",
        T, 100 * confidence);
    distribution_figure o = {lab, result, &text};
    const sl_status st = sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill, &o, err);
    if (st != SL_OK) {
        free(text.text);
        return st;
    }
    enum { S0 = SADDLE * DELTAS, S1 = S0 + 1, W0 = WELL * DELTAS, W1 = W0 + 1 }; /* blocks */
    const sl_curve densities[] = {curve_of(SL_CURVE_POINTS, "Δ = 0, samples", S0, "6", "7", "8", 0, 0),
                                  curve_of(SL_CURVE_POINTS, "Δ = 1, samples", S1, "6", "7", "8", 1, 0),
                                  curve_of(SL_CURVE_LINE, "exact law", S0, "6", "9", NULL, 0, 0),
                                  curve_of(SL_CURVE_LINE, "exact law", S1, "6", "9", NULL, 1, 1)};
    const sl_curve survivals[] = {curve_of(SL_CURVE_POINTS, "Δ = 0, samples", W0, "($1/1000)", "2", NULL, 0, 0),
                                  curve_of(SL_CURVE_POINTS, "Δ = 1, samples", W1, "($1/1000)", "2", NULL, 1, 0),
                                  curve_of(SL_CURVE_LINE, "exp(−t/exact mean)", W0, "($1/1000)", "3", NULL, 0, 0),
                                  curve_of(SL_CURVE_LINE, "exp(−t/exact mean)", W1, "($1/1000)", "3", NULL, 1, 1)};
    sl_curve differences[PLACES][3];
    for (int w = 0; w < PLACES; w++) {
        const int block = w * DELTAS;
        const char *const x = w == SADDLE ? "1" : "($1/1000)";
        differences[w][0] = curve_of(SL_CURVE_BAND, "band", block, x, "(0)", "4", 6, 2);
        differences[w][1] = curve_of(SL_CURVE_LINE, "Δ = 0", block, x, "5", NULL, 0, 0);
        differences[w][2] = curve_of(SL_CURVE_LINE, "Δ = 1", block + 1, x, "5", NULL, 1, 1);
    }
    sl_panel panels[] = {
        {.title = "Leaving a saddle", .ylabel = "probability a step", .curves = densities, .n_curves = 4, .ymax = NAN},
        {.title = "Saddle: law − samples", .ylabel = "P(τ > t), difference", .curves = differences[SADDLE]},
        {.title = "Leaving a well",
         .ylabel = "P(τ > t)",
         .logy = true,
         .ymin = 1e-3,
         .ymax = 1,
         .curves = survivals,
         .n_curves = 4},
        {.title = "Well: law − samples", .ylabel = "P(τ > t), difference", .curves = differences[WELL]}};
    for (int i = 0; i < 4; i++) {
        panels[i].xlabel = i < 2 ? "t (steps)" : "t (1000 steps)";
        panels[i].xmax = NAN;
        if (i % 2 == 0) continue;
        panels[i].ymin = panels[i].ymax = NAN;
        panels[i].n_curves = 3;
    }
    const sl_figure figure = {.name = "escape-distribution",
                              .title = "Exit times of SGD from a saddle and from a well",
                              .caption = text.text,
                              .rows = 2,
                              .columns = 2,
                              .width = 13,
                              .panels = panels,
                              .n_panels = 4};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_escape_distribution = {
    "escape-distribution", "Musso 2020; Devapriya et al. 2024",
    "laws of the exit times from a saddle and from a well: samples with confidence bands, exact laws",
    escape_distribution};
