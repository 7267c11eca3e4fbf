/* plrs-theorem-1: the fall of the loss in one step against Lmax and against the gradient.
 * plrs-theorem-3: the tube around a minimum, with paths in it, and how many leave it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "claims/figures_plrs.h"
#include "claims/plrs_descent.h"
#include "claims/plrs_stays.h"
#include "claims/plrs_trial.h"
#include "claims/prose.h"
#include "claims/synthetic.h"

/* ---- plrs-theorem-1 -------------------------------------------------------------------------------------------- */

/* beta: of the double well for |x| < 1.5, of the strict saddle for |y| < 1.3 (see plrs.descent). */
static const struct {
    const char *title, *name, *noise;
    double beta, s2, other;
} bowls[] = {{"quadratic", "quadratic", NULL, 1, 1, 0},
             {"double well", "double-well", NULL, 5.75, 0.02, 0},
             {"strict saddle, bounded noise", "strict-saddle", SL_PLRS_BOUNDED, 4.07, 0.25, 0.9}};
static const double rates[] = {0.9, 0.6, 0.4, 0.2, 0.1, 0.05, 0.03, 0.02};
static const double shares[] = {0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.2, 1.5};
enum { BOWLS = 3, RATES = sizeof rates / sizeof *rates, SHARES = sizeof shares / sizeof *shares };
static const double share_rate = 0.2; /* Lmax beta on the right */

typedef struct {
    const sl_lab *lab;
    sl_estimate exponent[BOWLS];
    double least, most; /* guarantee / seen, which is to be in [0, 1] */
} descent_figure;

static sl_status add_step(sl_table *t, sl_descent *d, size_t bowl, double hi, double share, uint32_t experiment,
                          const sl_lab *lab, sl_err *err)
{
    const double r = sl_lab_refinement(lab);
    const sl_descent_step s = {
        bowls[bowl].name, bowls[bowl].noise, bowls[bowl].beta, bowls[bowl].s2, bowls[bowl].other, hi, share};
    SL_TRY(sl_descent_measure(d, &s, 4e5 * r * r, SL_EXPERIMENT_PLRS + experiment, lab, err));
    const double square = 0.85 * 0.85 * hi * hi; /* (eta_c beta)^2 */
    const double row[] = {
        hi,       share,       -square * d->change.value, square * d->change.se, d->change.value, d->change.se,
        d->exact, hi * hi / 12};
    return sl_table_add(t, row, err);
}

static sl_status fill_descent(void *ctx, sl_table *t, sl_err *err)
{
    descent_figure *f = ctx;
    SL_TRY(sl_table_set(t, "setting", err,
                        "one step, Lmin = 0.7 Lmax; fall = -(E f(x') - f(x)) beta / sigma^2, change "
                        "in units of eta_c^2 beta sigma^2, threshold: |grad f|^2 = 3 eta_c beta sigma^2"));
    for (uint32_t b = 0; b < BOWLS; b++) {
        double x[RATES];
        sl_estimate y[RATES];
        SL_TRY(sl_table_block(t, bowls[b].title, err));
        for (uint32_t i = 0; i < RATES; i++) {
            sl_descent d;
            SL_TRY(add_step(t, &d, b, rates[i], 1, 256 + b * RATES + i, f->lab, err));
            x[i] = rates[i];
            y[i] = sl_scaled(-0.85 * 0.85 * rates[i] * rates[i], d.change);
            f->least = fmin(f->least, d.guarantee / d.change.value);
            f->most = fmax(f->most, d.guarantee / d.change.value);
            sl_lab_report(f->lab, "plrs-theorem-1", b * RATES + i, BOWLS * RATES + SHARES);
        }
        /* the rates at which the next order is small */
        SL_TRY(sl_trial_exponent(&f->exponent[b], x + 3, y + 3, RATES - 3, err));
    }
    SL_TRY(sl_table_block(t, "against the gradient, quadratic", err));
    for (uint32_t i = 0; i < SHARES; i++) {
        sl_descent d;
        SL_TRY(add_step(t, &d, 0, share_rate, shares[i], 288 + i, f->lab, err));
    }
    return SL_OK;
}

static sl_status theorem_1(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"lmax_beta[1]", "share_of_threshold[1]", "fall[1]",  "fall_se[1]",
                                          "change[1]",    "change_se[1]",          "exact[1]", "guarantee[1]"};
    static const char file[] = "plrs-theorem-1.dat";
    descent_figure f = {.lab = lab, .least = INFINITY};
    SL_TRY(sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill_descent, &f, err));
    sl_prose text = {0};
    sl_say(&text,
           "Theorem 1 %s: at the threshold |∇f|² = 3 η β σ² (η the mean rate) the mean loss falls like Lmax to the power",
           sl_verdict_name(f.least > 0 && f.most <= 1 ? SL_HOLDS : SL_FAILS));
    cJSON *exponents = cJSON_AddArrayToObject(result, "exponents");
    for (int b = 0; b < BOWLS; b++) {
        sl_say(&text, "%s %.3f ± %.3f (%s)", b > 0 ? "," : "", f.exponent[b].value, f.exponent[b].se, bowls[b].title);
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "loss", bowls[b].name);
        sl_json_estimate(one, "exponent", f.exponent[b]);
        cJSON_AddItemToArray(exponents, one);
    }
    sl_say(&text,
           " for Lmax up to 0.2/β, 2 as Lmax → 0; the proof guarantees at most %.0f %% of it. Right: with a gradient "
           "well below "
           "the threshold the loss rises. Lmin = 0.7 Lmax.\n",
           100 * f.most);
    sl_curve left[BOWLS + 1], right[4];
    for (int b = 0; b < BOWLS; b++)
        left[b] = (sl_curve){.kind = SL_CURVE_POINTS,
                             .title = bowls[b].title,
                             .dat = file,
                             .block = b,
                             .x = "1",
                             .y = "3",
                             .error = "4",
                             .colour = b};
    left[BOWLS] = (sl_curve){.kind = SL_CURVE_LINE,
                             .title = "guaranteed: (β Lmax)²/12",
                             .dat = file,
                             .block = 0,
                             .x = "1",
                             .y = "8",
                             .colour = 6,
                             .dash = 1};
    right[0] = (sl_curve){.kind = SL_CURVE_FUNCTION, .function = "0", .colour = 6, .dash = 2};
    right[1] = (sl_curve){
        .kind = SL_CURVE_LINE, .title = "exact", .dat = file, .block = BOWLS, .x = "2", .y = "7", .colour = 6};
    right[2] = (sl_curve){.kind = SL_CURVE_POINTS,
                          .title = "measured",
                          .dat = file,
                          .block = BOWLS,
                          .x = "2",
                          .y = "5",
                          .error = "6",
                          .colour = 0};
    right[3] = (sl_curve){.kind = SL_CURVE_FUNCTION,
                          .title = "guaranteed from 1 on",
                          .function = "(x>=1?-1.0/3:1/0)",
                          .colour = 1,
                          .dash = 1};
    const sl_panel panels[] = {{.title = "At the threshold",
                                .xlabel = "β Lmax",
                                .ylabel = "mean fall × β / σ²",
                                .logx = true,
                                .logy = true,
                                .xmin = NAN,
                                .xmax = NAN,
                                .ymin = NAN,
                                .ymax = NAN,
                                .curves = left,
                                .n_curves = BOWLS + 1},
                               {.title = "Quadratic, Lmax = 0.2/β",
                                .xlabel = "|∇f|² / (3 η β σ²)",
                                .ylabel = "mean change / η² β σ²",
                                .xmin = 0,
                                .xmax = 1.5,
                                .ymin = NAN,
                                .ymax = NAN,
                                .curves = right,
                                .n_curves = 4}};
    const sl_figure figure = {.name = "plrs-theorem-1",
                              .title = "PLRS, Theorem 1: one step lowers the loss by Ω(Lmax²)",
                              .caption = text.text,
                              .rows = 1,
                              .columns = 2,
                              .panels = panels,
                              .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_plrs_theorem_1 = {
    "plrs-theorem-1", "Devapriya 2024, Theorem 1",
    "the fall of the mean loss in a step against Lmax at the threshold, and against the gradient", theorem_1};

/* ---- plrs-theorem-3 -------------------------------------------------------------------------------------------- */

/* The k of plrs.stays. */
static const double k = 1.2;
static const double hi[] = {0.2, 0.1, 0.05}, xis[] = {0.3, 0.2, 0.1, 0.05, 0.02};
enum { HI = 3, XIS = 5, PATHS = 10, PATH_EVERY = 2 };
static const sl_tube shown = {.hi = 0.05, .xi = 0.1, .k = 1.2, .dim = 1};

typedef struct {
    const sl_lab *lab;
    sl_plrs_tube tube;
    double worst; /* share / xi */
} tube_figure;

static sl_status fill_paths(void *ctx, sl_table *t, sl_err *err)
{
    tube_figure *f = ctx;
    sl_tube s = shown;
    sl_exits e;
    s.replicas = s.paths = PATHS;
    s.path_every = PATH_EVERY;
    s.keep_going = true;
    SL_TRY(sl_tube_run(&e, &f->tube, &s, SL_EXPERIMENT_PLRS + 320, f->lab, err));
    sl_status st = sl_table_set(t, "setting", err, "f = x^2/2, rates [%g, %g], noise of variance 1", 0.7 * s.hi, s.hi);
    for (size_t r = 0; r < PATHS && st == SL_OK; r++) {
        char title[32];
        snprintf(title, sizeof title, "path %zu", r);
        st = sl_table_block(t, title, err);
        for (size_t i = sl_table_block_start(e.paths, r); i < sl_table_block_start(e.paths, r + 1) && st == SL_OK;
             i++) {
            const double *const row = sl_table_row(e.paths, i);
            st = sl_table_add(t, (double[]){row[0], row[1], f->tube.radius, f->tube.start}, err);
        }
    }
    sl_exits_clear(&e);
    return st;
}

static sl_status fill_shares(void *ctx, sl_table *t, sl_err *err)
{
    tube_figure *f = ctx;
    const double r = sl_lab_refinement(f->lab);
    for (uint32_t h = 0; h < HI; h++) {
        char title[32];
        snprintf(title, sizeof title, "Lmax = %g", hi[h]);
        SL_TRY(sl_table_block(t, title, err));
        for (uint32_t i = 0; i < XIS; i++) {
            const sl_tube s = {.hi = hi[h], .xi = xis[i], .k = k, .dim = 1, .replicas = (uint64_t)(16384 * r * r)};
            sl_plrs_tube tube;
            sl_exits e;
            double exact;
            SL_TRY(sl_tube_run(&e, &tube, &s, SL_EXPERIMENT_PLRS + 321 + h * XIS + i, f->lab, err));
            const sl_estimate left = sl_tube_left(&e);
            sl_exits_clear(&e);
            SL_TRY(sl_tube_share(&exact, &s, &tube, 0.85 * s.hi, err));
            SL_TRY(sl_table_add(t, (double[]){xis[i], left.value, left.se, exact, tube.radius, tube.horizon}, err));
            f->worst = fmax(f->worst, left.value / xis[i]);
            sl_lab_report(f->lab, "plrs-theorem-3", h * XIS + i + 1, HI * XIS);
        }
    }
    return SL_OK;
}

static sl_status theorem_3(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const path_columns[] = {"step[1]", "x[x]", "radius[x]", "start[x]"};
    static const char *const share_columns[] = {"xi[1]",    "left[1]",   "left_se[1]",
                                                "exact[1]", "radius[x]", "horizon[1]"};
    static const char paths[] = "plrs-theorem-3-paths.dat", file[] = "plrs-theorem-3.dat";
    static const char *const titles[] = {"Lmax = 0.2", "Lmax = 0.1", "Lmax = 0.05"};
    tube_figure f = {.lab = lab};
    SL_TRY(sl_tabulate(lab, paths, 4, path_columns, fill_paths, &f, err));
    SL_TRY(sl_tabulate(lab, file, 6, share_columns, fill_shares, &f, err));
    sl_prose text = {0};
    sl_say(
        &text,
        "Theorem 3 %s with k = %g: of paths started within k √Lmax (dotted) the share that is ever outside "
        "k √(Lmax ln(1/(Lmax ξ))) within Lmax⁻² ln(1/ξ) steps is at most %.2f ξ. f = x²/2, Lmin = 0.7 Lmax, Gaussian "
        "noise of variance 1. Lines on the right: the exact law.\n",
        sl_verdict_name(f.worst <= 1 ? SL_HOLDS : SL_FAILS), k, f.worst);
    sl_json_number(result, "largest_share_over_xi", f.worst);
    sl_curve left[PATHS + 4], right[2 * HI + 1];
    for (int r = 0; r < PATHS; r++)
        left[r] = (sl_curve){.kind = SL_CURVE_LINE,
                             .dat = paths,
                             .block = r,
                             .x = "1",
                             .y = "2",
                             .colour = (const int[]){0, 5, 2, 4, 3}[r % 5]};
    static const char *const edges[] = {"3", "(-$3)", "4", "(-$4)"};
    for (int i = 0; i < 4; i++)
        left[PATHS + i] = (sl_curve){.kind = SL_CURVE_LINE,
                                     .title = i == 0   ? "tube"
                                              : i == 2 ? "start within"
                                                       : NULL,
                                     .dat = paths,
                                     .block = 0,
                                     .x = "1",
                                     .y = edges[i],
                                     .colour = i < 2 ? 1 : 6,
                                     .dash = i < 2 ? 0 : 2};
    right[0] = (sl_curve){.kind = SL_CURVE_FUNCTION, .title = "ξ: allowed", .function = "x", .colour = 1, .dash = 1};
    for (int h = 0; h < HI; h++) {
        right[1 + h] = (sl_curve){
            .kind = SL_CURVE_LINE, .dat = file, .block = h, .x = "1", .y = "4", .colour = (const int[]){0, 2, 3}[h]};
        right[1 + HI + h] = (sl_curve){.kind = SL_CURVE_POINTS,
                                       .title = titles[h],
                                       .dat = file,
                                       .block = h,
                                       .x = "1",
                                       .y = "2",
                                       .error = "3",
                                       .colour = (const int[]){0, 2, 3}[h]};
    }
    const sl_panel panels[] = {{.title = "Paths, Lmax = 0.05, ξ = 0.1",
                                .xlabel = "step",
                                .ylabel = "x",
                                .xmin = 0,
                                .xmax = floor(f.tube.horizon),
                                .ymin = -1.35 * f.tube.radius,
                                .ymax = 1.35 * f.tube.radius,
                                .curves = left,
                                .n_curves = PATHS + 4},
                               {.title = "Share that left the tube",
                                .xlabel = "ξ",
                                .ylabel = "share that left",
                                .logx = true,
                                .logy = true,
                                .xmin = 0.015,
                                .xmax = 0.4,
                                .ymin = NAN,
                                .ymax = NAN,
                                .curves = right,
                                .n_curves = 2 * HI + 1}};
    const sl_figure figure = {.name = "plrs-theorem-3",
                              .title = "PLRS, Theorem 3: the tube around a minimum",
                              .caption = text.text,
                              .rows = 1,
                              .columns = 2,
                              .panels = panels,
                              .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_plrs_theorem_3 = {
    "plrs-theorem-3", "Devapriya 2024, Theorem 3",
    "paths in the tube around a minimum, and the share that leaves it against xi, with the exact law", theorem_3};
