/* escape-times: how long SGD stays near a strict saddle, against Lmax, under every rate and noise.
 * saddle-trajectories: paths from the saddle to the minima, over contour lines. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "claims/figures_plrs.h"
#include "claims/plrs_saddle.h"
#include "claims/prose.h"
#include "claims/synthetic.h"
#include "sim/escape/exit.h"

/* ---- escape-times ---------------------------------------------------------------------------------------------- */

enum { METHODS = 5, RATES = 8, PANELS = 2 };
static const double rates[RATES] = {0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.002}; /* Lmax */
static const double s2 = 0.01, radius = 0.5;

/* All have the mean rate of PLRS, 0.85 Lmax. q = E eta^2 / (E eta)^2 */
static const struct {
    const char *title, *schedule;
    double q;
} methods[METHODS] = {
    {"constant", "constant", 1},
    {"PLRS [0.7, 1] Lmax", NULL, 1 + 0.3 * 0.3 / (3 * 1.7 * 1.7)},
    {"random, Δ = 1", "random:delta=1", 4.0 / 3},
    {"cyclic, period 6", "cyclic:period=6", 1.5},
    {"noisy SGD (Ge et al.)", "constant", 1},
};
enum { CONSTANT = 0, PLRS = 1, NOISY = 4 };

typedef struct {
    const sl_lab *lab;
    sl_estimate exponent[PANELS][METHODS], steps; /* in Lmax, from Lmax = 0.05 down; of Theorem 2's T */
    double time_over_steps;                       /* of PLRS at the smallest rate                     */
    double time[PANELS][METHODS];                 /* at Lmax = 0.01                                   */
    double worst;                                 /* |time / theory - 1| at equal temperature, the largest */
} times_figure;

/* With equal noise (panel 0), noisy SGD has its noise of length 1 on top of that; with equal temperature (panel 1) the
 * noise is divided by q, and that of noisy SGD is of constant length. */
static sl_leaving leaving_of(size_t panel, size_t m, double hi, const sl_lab *lab)
{
    const double r = sl_lab_refinement(lab), mean = 0.85 * hi;
    sl_leaving s = {.trial = {.schedule = methods[m].schedule,
                              .noise = m == NOISY ? SL_PLRS_BOUNDED : NULL,
                              .rate = {mean, mean},
                              .s2 = panel == 0 ? s2 + (m == NOISY ? 0.5 : 0) : s2 / methods[m].q,
                              .replicas = (uint64_t)(2048 * r * r),
                              .steps = (uint64_t)(100 / hi)},
                    .radius = radius};
    if (m == PLRS) s.trial.rate = (sl_plrs){0.7 * hi, hi};
    return s;
}

static sl_status fill_method(sl_table *t, times_figure *f, size_t panel, size_t m, sl_err *err)
{
    sl_estimate time[RATES];
    for (uint32_t i = 0; i < RATES; i++) {
        const sl_leaving s = leaving_of(panel, m, rates[i], f->lab),
                         constant = leaving_of(panel, CONSTANT, rates[i], f->lab);
        sl_saddle_law law;
        const uint32_t experiment = SL_EXPERIMENT_PLRS + 352 + (uint32_t)((panel * METHODS + m) * RATES) + i;
        SL_TRY(sl_leaving_time(&time[i], &s, experiment, f->lab, err));
        SL_TRY(sl_leaving_law(&law, &constant, err));
        SL_TRY(sl_table_add(t, (double[]){rates[i], time[i].value, time[i].se, law.mean}, err));
        if (panel == 1) f->worst = fmax(f->worst, fabs(time[i].value / law.mean - 1));
        if (rates[i] == 0.01) f->time[panel][m] = time[i].value;
        sl_lab_report(f->lab, "escape-times", (panel * METHODS + m) * RATES + i + 1, PANELS * METHODS * RATES);
    }
    if (panel == 0 && m == PLRS) f->time_over_steps = time[RATES - 1].value;
    return sl_trial_exponent(&f->exponent[panel][m], rates + 1, time + 1, RATES - 1, err);
}

static sl_status fill_times(void *ctx, sl_table *t, sl_err *err)
{
    enum { CURVE = 31 };
    times_figure *f = ctx;
    double x[CURVE];
    sl_estimate T[CURVE];
    SL_TRY(sl_table_set(t, "setting", err,
                        "(x^2 - y^2)/2 + y^4/4 from the saddle, out at |y| > %g, mean rate 0.85 Lmax, "
                        "noise of variance %g in each coordinate",
                        radius, s2));
    for (size_t panel = 0; panel < PANELS; panel++)
        for (size_t m = 0; m < METHODS; m++) {
            SL_TRY(sl_table_block(t, methods[m].title, err));
            SL_TRY(fill_method(t, f, panel, m, err));
        }
    SL_TRY(sl_table_block(t, "the constant rate in theory, and in the third column Theorem 2's T", err));
    for (int i = 0; i < CURVE; i++) {
        const double hi = rates[RATES - 1] * pow(rates[0] / rates[RATES - 1], i / (CURVE - 1.0));
        const sl_leaving s = leaving_of(0, CONSTANT, hi, f->lab);
        const sl_plrs plrs = {0.7 * hi, hi};
        sl_saddle_law law;
        double steps;
        SL_TRY(sl_leaving_law(&law, &s, err));
        SL_TRY(sl_plrs_steps(&steps, NULL, &plrs, 1, 2, err));
        x[i] = hi;
        T[i] = sl_exact(steps);
        SL_TRY(sl_table_add(t, (double[]){hi, law.mean, steps, law.mean}, err));
    }
    f->time_over_steps /= T[0].value;
    return sl_trial_exponent(&f->steps, x, T, CURVE, err);
}

static void say_times(sl_prose *text, cJSON *result, const times_figure *f)
{
    static const char *const names[PANELS] = {"equal_mean_rate", "equal_temperature"};
    sl_say(text,
           "The reading of Theorem 2 by which SGD has left the saddle after T ~ Lmax^(-1/4) %s, Lmax⁻¹ ln(1/Lmax) %s. "
           "Exponents in Lmax for Lmax ≤ 0.05:",
           sl_verdict_name(fabs(f->exponent[0][PLRS].value + 0.25) < 0.15 ? SL_HOLDS : SL_FAILS),
           sl_verdict_name(f->worst < 0.03 ? SL_HOLDS : SL_FAILS));
    for (size_t p = 0; p < PANELS; p++) {
        cJSON *panel = cJSON_AddArrayToObject(result, names[p]);
        for (size_t m = 0; m < METHODS; m++) {
            if (p == 0)
                sl_say(text, "%s %s %.3f ± %.3f", m > 0 ? "," : "", methods[m].title, f->exponent[p][m].value,
                       f->exponent[p][m].se);
            cJSON *one = cJSON_CreateObject();
            cJSON_AddStringToObject(one, "method", methods[m].title);
            sl_json_estimate(one, "exponent", f->exponent[p][m]);
            sl_json_number(one, "mean_exit_time_at_0.01", f->time[p][m]);
            cJSON_AddItemToArray(panel, one);
        }
    }
    sl_json_estimate(result, "exponent_of_theorem_2", f->steps);
    sl_json_number(result, "largest_difference_from_theory", f->worst);
    sl_say(text,
           "; T %.2f ± %.2f. At Lmax = %g PLRS takes %.0f T. Dotted: slope −1; dashed: −1/4. At equal temperature all "
           "take the time that theory has for the constant rate, to %.1f %%. (x² − y²)/2 + y⁴/4 from the saddle to "
           "|y| > %g, mean rate 0.85 Lmax, gradient noise of variance %g; noisy SGD: left with noise of length 1 on "
           "top, right with noise of constant length.\n",
           f->steps.value, f->steps.se, rates[RATES - 1], f->time_over_steps, 100 * f->worst, radius, s2);
}

static sl_status escape_times(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"lmax[1]", "mean_exit_time[step]", "mean_exit_time_se[step]",
                                          "theory_constant[step]"};
    static const char file[] = "escape-times.dat";
    static const int colours[METHODS] = {0, 1, 2, 3, 4};
    times_figure f = {.lab = lab};
    SL_TRY(sl_tabulate(lab, file, 4, columns, fill_times, &f, err));
    sl_prose text = {0};
    say_times(&text, result, &f);
    enum { CURVES = METHODS + 4 };
    sl_curve left[CURVES], right[METHODS + 1];
    for (int m = 0; m < METHODS; m++) {
        left[m] = (sl_curve){.kind = SL_CURVE_POINTS,
                             .title = methods[m].title,
                             .dat = file,
                             .block = m,
                             .x = "1",
                             .y = "2",
                             .error = "3",
                             .colour = colours[m]};
        right[m] = left[m];
        right[m].block = METHODS + m;
        right[m].x = (const char *const[]){"($1*0.94)", "($1*0.97)", "1", "($1*1.03)", "($1*1.06)"}[m];
        right[m].y = "($2/$4)";
        right[m].error = "($3/$4)";
    }
    left[METHODS] = (sl_curve){.kind = SL_CURVE_LINE,
                               .title = "theory, constant",
                               .dat = file,
                               .block = PANELS * METHODS,
                               .x = "1",
                               .y = "2",
                               .colour = 6};
    left[METHODS + 1] = (sl_curve){.kind = SL_CURVE_LINE,
                                   .title = "T of Theorem 2",
                                   .dat = file,
                                   .block = PANELS * METHODS,
                                   .x = "1",
                                   .y = "3",
                                   .colour = 5};
    left[METHODS + 2] = (sl_curve){.kind = SL_CURVE_FUNCTION, .function = "0.9*x**(-1)", .colour = 6, .dash = 2};
    left[METHODS + 3] = (sl_curve){.kind = SL_CURVE_FUNCTION, .function = "3.5*x**(-0.25)", .colour = 6, .dash = 1};
    right[METHODS] = (sl_curve){.kind = SL_CURVE_FUNCTION, .function = "1", .colour = 6};
    const sl_panel panels[PANELS] = {{.title = "Equal mean rate",
                                      .xlabel = "Lmax",
                                      .ylabel = "mean exit time (steps)",
                                      .logx = true,
                                      .logy = true,
                                      .xmin = 0.0015,
                                      .xmax = 0.15,
                                      .ymin = 1,
                                      .ymax = 10000,
                                      .curves = left,
                                      .n_curves = CURVES},
                                     {.title = "Equal temperature",
                                      .xlabel = "Lmax",
                                      .ylabel = "mean exit time / theory",
                                      .logx = true,
                                      .xmin = 0.0015,
                                      .xmax = 0.15,
                                      .ymin = 0.95,
                                      .ymax = 1.05,
                                      .curves = right,
                                      .n_curves = METHODS + 1}};
    const sl_figure figure = {.name = "escape-times",
                              .title = "How long SGD stays near a strict saddle",
                              .caption = text.text,
                              .rows = 1,
                              .columns = PANELS,
                              .height = 9,
                              .panels = panels,
                              .n_panels = PANELS};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_escape_times = {
    "escape-times", "Devapriya 2024, Theorem 2",
    "mean exit time from a strict saddle against Lmax for five kinds of SGD, with theory, Theorem 2's T and slopes",
    escape_times};

/* ---- saddle-trajectories --------------------------------------------------------------------------------------- */

enum { PATHS = 24, LEVELS = 7, CONTOUR = 241 };
static const double levels[LEVELS] = {-0.2, -0.1, -0.02, 0.1, 0.3, 0.6, 1};
static const double steps_shown = 150, path_rate = 0.1;

typedef struct {
    const sl_lab *lab;
    size_t up[2]; /* of PATHS, on the side of y > 0 at the end */
} paths_figure;

/* f = c where x^2 = 2c + y^2 - y^4/2: about each minimum for c < 0, about both for c > 0. An undefined point breaks the
 * line. */
static sl_status fill_contours(sl_table *t, sl_err *err)
{
    for (int i = 0; i < LEVELS; i++) {
        const double c = levels[i], root = sqrt(1 + 4 * c), outer = sqrt(1 + root);
        const double inner = c < 0 ? sqrt(1 - root) : -outer;
        for (int lobe = -1; lobe <= (c < 0 ? 1 : -1); lobe += 2) {
            for (int j = 0; j < CONTOUR; j++) { /* once around, dense where it turns */
                const double angle = 2 * M_PI * j / (CONTOUR - 1);
                const double y = (inner + outer) / 2 + (outer - inner) / 2 * cos(angle);
                const double x = sqrt(fmax(0, 2 * c + y * y - y * y * y * y / 2));
                SL_TRY(sl_table_add(t, (double[]){angle < M_PI ? x : -x, lobe * y, c}, err));
            }
            SL_TRY(sl_table_add(t, (double[]){NAN, NAN, c}, err));
        }
    }
    return SL_OK;
}

static sl_status fill_side(sl_table *t, const sl_exits *e, bool up, size_t *n, sl_err *err)
{
    for (size_t r = 0; r < PATHS; r++) {
        const size_t first = sl_table_block_start(e->paths, r), end = sl_table_block_start(e->paths, r + 1);
        if ((sl_table_row(e->paths, end - 1)[2] > 0) != up) continue;
        *n += up;
        for (size_t i = first; i < end; i++) {
            const double *const row = sl_table_row(e->paths, i);
            SL_TRY(sl_table_add(t, (double[]){row[1], row[2], row[0]}, err));
        }
        SL_TRY(sl_table_add(t, (double[]){NAN, NAN, NAN}, err));
    }
    return SL_OK;
}

static sl_status fill_paths(void *ctx, sl_table *t, sl_err *err)
{
    static const double start[] = {1.2, 0}, origin[2];
    paths_figure *f = ctx;
    SL_TRY(sl_table_block(t, "contour lines of (x^2 - y^2)/2 + y^4/4", err));
    SL_TRY(fill_contours(t, err));
    for (uint32_t p = 0; p < 2; p++) {
        const sl_trial trial = {.loss = "strict-saddle",
                                .noise = p == 0 ? NULL : SL_PLRS_BOUNDED,
                                .rate = p == 0 ? (sl_plrs){0.7 * path_rate, path_rate}
                                               : (sl_plrs){0.85 * path_rate, 0.85 * path_rate},
                                .s2 = p == 0 ? 0.01 : 0.51,
                                .start = start,
                                .replicas = PATHS,
                                .steps = (uint64_t)steps_shown};
        sl_sgd sgd;
        sl_exits e;
        sl_escape how = {.paths = PATHS};
        SL_TRY(sl_trial_prepare(&sgd, &trial, f->lab, SL_EXPERIMENT_PLRS + 448 + p, err));
        sgd.ensemble.steps = trial.steps;
        sgd.ensemble.burn_in = 0;
        sl_region_ball(&how.region, origin, 2, 1e3); /* nobody leaves */
        SL_TRY(sl_synthetic_escape(&e, &sgd, &how, err));
        sl_status st = SL_OK;
        for (int up = 0; up < 2 && st == SL_OK; up++) {
            st = sl_table_block(t, up ? "paths that end up" : "paths that end down", err);
            if (st == SL_OK) st = fill_side(t, &e, up, &f->up[p], err);
        }
        sl_exits_clear(&e);
        SL_TRY(st);
    }
    return SL_OK;
}

static sl_status saddle_trajectories(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"x[x]", "y[x]", "step_or_level[1]"};
    static const char file[] = "saddle-trajectories.dat";
    paths_figure f = {.lab = lab};
    SL_TRY(sl_tabulate(lab, file, 3, columns, fill_paths, &f, err));
    sl_prose text = {0};
    sl_say(&text,
           "%d paths of %g steps each, from (1.2, 0) past the strict saddle of (x² − y²)/2 + y⁴/4 (contour lines) into "
           "one "
           "of its minima at y = ±1. Left: PLRS with rates in [%g, %g] and gradient noise of variance 0.01, %zu end up "
           "above. Right: noisy SGD at the same mean rate, which adds noise of length 1: %zu above.\n",
           (int)PATHS, steps_shown, 0.7 * path_rate, path_rate, f.up[0], f.up[1]);
    sl_json_number(result, "up_plrs", (double)f.up[0]);
    sl_json_number(result, "up_noisy_sgd", (double)f.up[1]);
    sl_curve curves[2][3];
    sl_panel panels[2];
    static const char *const titles[] = {"PLRS", "Noisy SGD (Ge et al.)"};
    for (int p = 0; p < 2; p++) {
        for (int up = 0; up < 2; up++)
            curves[p][up] = (sl_curve){.kind = SL_CURVE_LINE,
                                       .title = up ? "to y = 1" : "to y = −1",
                                       .dat = file,
                                       .block = 1 + 2 * p + up,
                                       .x = "1",
                                       .y = "2",
                                       .colour = up ? 5 : 4};
        curves[p][2] = (sl_curve){.kind = SL_CURVE_LINE,
                                  .title = "contours",
                                  .dat = file,
                                  .block = 0,
                                  .x = "1",
                                  .y = "2",
                                  .colour = 6,
                                  .dash = 2};
        panels[p] = (sl_panel){.title = titles[p],
                               .xlabel = "x",
                               .ylabel = "y",
                               .xmin = -1.4,
                               .xmax = 1.4,
                               .ymin = -1.6,
                               .ymax = 1.6,
                               .curves = curves[p],
                               .n_curves = 3};
    }
    const sl_figure figure = {.name = "saddle-trajectories",
                              .title = "Past a strict saddle",
                              .caption = text.text,
                              .rows = 1,
                              .columns = 2,
                              .width = 9,
                              .height = 9,
                              .panels = panels,
                              .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_saddle_trajectories = {
    "saddle-trajectories", "Devapriya 2024, Theorem 2",
    "paths of PLRS and of noisy SGD past a strict saddle, over contour lines", saddle_trajectories};
