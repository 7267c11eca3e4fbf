/* averaging: bias and variance of averaged SGD on least squares against steps, exact and simulated.
 * elr: relative updates of a normalised network's layers against steps, at a constant rate and with weight decay. */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "claims/effective_rate.h"
#include "claims/neighbours.h"
#include "claims/prose.h"
#include "claims/synthetic.h"
#include "sim/least_squares.h"
#include "theory/averaging.h"
#include "theory/effective_rate.h"

/* ---- averaging ------------------------------------------------------------------------------------------------- */

enum { D = 4, LOOKS = 12 };
static const double spectrum[D] = {1, 0.6, 0.3, 0.15}, start[D] = {1, -1, 1.5, 2}, rate = 0.2, noise = 1;
static const uint64_t at[LOOKS] = {2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};

typedef struct {
    const sl_lab *lab;
    double worst; /* |simulated - exact| / standard error */
} averaging_figure;

static sl_status fill_averaging(void *ctx, sl_table *t, sl_err *err)
{
    averaging_figure *f = ctx;
    const double r = sl_lab_refinement(f->lab);
    const sl_averaging a = {.d = D, .spectrum = spectrum, .start = start, .rate = rate, .noise = noise, .batch = 1};
    const sl_least_squares p = {.d = D,
                                .spectrum = spectrum,
                                .start = start,
                                .rate = rate,
                                .noise = noise,
                                .batch = 1,
                                .seed = f->lab->seed,
                                .experiment = SL_EXPERIMENT_NEIGHBOURS + 64,
                                .replicas = (uint64_t)(4096 * r * r),
                                .at = at,
                                .n_at = LOOKS,
                                .jobs = f->lab->jobs};
    sl_least_squares_point point[LOOKS];
    sl_averaging_modes *m;
    SL_TRY(sl_least_squares_run(point, &p, err));
    SL_TRY(sl_averaging_alloc(&m, &a, err));
    sl_averaging_law law;
    sl_status st = sl_averaging_asymptotic(&law, m, err);
    if (st == SL_OK)
        st =
            sl_table_set(t, "setting", err, "spectrum 1, 0.6, 0.3, 0.15, rate %g, noise %g, batches of 1", rate, noise);
    for (size_t i = 0; i < LOOKS && st == SL_OK; i++) {
        sl_averaging_risk last, average;
        st = sl_averaging_last(&last, m, at[i], err);
        if (st == SL_OK) st = sl_averaging_average(&average, m, 0, at[i], err);
        if (st != SL_OK) break;
        const sl_estimate x = point[i].last, y = point[i].average;
        f->worst = fmax(f->worst, fmax(fabs(x.value - last.bias - last.variance) / x.se,
                                       fabs(y.value - average.bias - average.variance) / y.se));
        const double n = (double)at[i];
        const double row[] = {n,
                              x.value,
                              x.se,
                              last.bias,
                              last.variance,
                              y.value,
                              y.se,
                              average.bias,
                              average.variance,
                              law.bias_2 / (n * n),
                              law.variance_1 / n};
        st = sl_table_add(t, row, err);
    }
    sl_averaging_free(m);
    return st;
}

static sl_status averaging(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {
        "n[1]",          "last[f]",         "last_se[f]",          "last_bias[f]", "last_variance[f]", "average[f]",
        "average_se[f]", "average_bias[f]", "average_variance[f]", "bias_2[f]",    "variance_1[f]"};
    static const char file[] = "averaging.dat";
    averaging_figure f = {.lab = lab};
    SL_TRY(sl_tabulate(lab, file, 11, columns, fill_averaging, &f, err));
    sl_prose text = {0};
    sl_say(
        &text,
        "Excess loss of SGD at a constant rate on Gaussian least squares, from a start off the minimum and with noisy "
        "labels: simulated means (error bars: standard errors) differ from the exact sum of bias and variance by at "
        "most %.1f standard errors at %d points. The last iterate's variance stays; the average's falls like 1/n, its "
        "bias like 1/n² (dotted: these leading terms).\n",
        f.worst, 2 * LOOKS);
    sl_json_number(result, "largest_difference_in_se", f.worst);
    enum { EXACT, BIAS, VARIANCE, SEEN, BIAS_2, VARIANCE_1, CURVES };
    sl_curve c[2][CURVES];
    static const char *const y[2][CURVES] = {{"($4+$5)", "4", "5", "2", NULL, NULL},
                                             {"($8+$9)", "8", "9", "6", "10", "11"}};
    static const char *const titles[CURVES] = {"exact", "bias", "variance", "simulated", NULL, NULL};
    static const int colours[CURVES] = {6, 1, 2, 0, 1, 2}, dashes[CURVES] = {0, 1, 1, 0, 2, 2};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < CURVES; i++)
            c[k][i] = (sl_curve){.kind = i == SEEN ? SL_CURVE_POINTS : SL_CURVE_LINE,
                                 .title = titles[i],
                                 .dat = file,
                                 .x = "1",
                                 .y = y[k][i],
                                 .error = i != SEEN ? NULL
                                          : k == 0  ? "3"
                                                    : "7",
                                 .colour = colours[i],
                                 .dash = dashes[i]};
    sl_panel panels[2];
    for (int k = 0; k < 2; k++)
        panels[k] = (sl_panel){.title = k == 0 ? "Last iterate" : "Average of all",
                               .xlabel = "steps n",
                               .ylabel = "excess loss",
                               .logx = true,
                               .logy = true,
                               .xmin = NAN,
                               .xmax = NAN,
                               .ymin = 1e-5,
                               .ymax = 3,
                               .curves = c[k],
                               .n_curves = k == 0 ? BIAS_2 : CURVES};
    const sl_figure figure = {.name = "averaging",
                              .title = "Averaged SGD on least squares: bias and variance",
                              .caption = text.text,
                              .rows = 1,
                              .columns = 2,
                              .panels = panels,
                              .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_averaging = {
    "averaging", "Defossez and Bach 2015",
    "excess loss of SGD's last iterate and average on least squares against steps: bias, variance, simulation",
    averaging};

/* ---- elr ------------------------------------------------------------------------------------------------------- */

enum { ARMS = 2, SEEDS = 4, MOST_SEEDS = 128, STEPS = 400, WINDOW = 20, ROWS = STEPS / WINDOW };
static const sl_elr arms[ARMS] = {{3, 0, 3, STEPS, WINDOW}, {1, 0.01, 3, STEPS, WINDOW}};

/* Of every seed: the updates of the two layers, and the log of their ratio. */
typedef struct {
    double update[ROWS][2][MOST_SEEDS], ratio[ROWS][MOST_SEEDS];
} elr_runs;

typedef struct {
    const sl_lab *lab;
    double first[ARMS], last[ARMS]; /* ratio of the updates, geometric mean over seeds; last: over the last quarter */
} elr_figure;

static sl_status run_seeds(elr_runs *r, const sl_network *n, const sl_lab *lab, const sl_elr *arm, size_t seeds,
                           sl_err *err)
{
    for (size_t k = 0; k < seeds; k++) {
        sl_table *t = NULL;
        SL_TRY(sl_elr_run(&t, n, lab, arm, k, err));
        for (size_t i = 0; i < ROWS; i++) {
            for (size_t layer = 0; layer < 2; layer++) r->update[i][layer][k] = sl_elr_cell(t, i, SL_ELR_UPDATE, layer);
            r->ratio[i][k] = sl_elr_log_ratio(t, i);
        }
        sl_table_free(t);
    }
    return SL_OK;
}

/* What the recursion of theory/effective_rate.h makes of an update in n steps: it knows rate and decay only. */
static sl_status recursion(double *update, double first, const sl_elr *arm, uint64_t n, sl_err *err)
{
    const sl_scale_invariant p = {.rate = arm->lr, .G2 = pow(first / arm->lr, 2), .decay = arm->decay, .r = 1};
    sl_effective e;
    SL_TRY(sl_effective_rate(&e, &p, n, err));
    *update = e.update;
    return SL_OK;
}

/* Rows are windows, which stand at their middle. Errors: over seeds. */
static sl_status add_rows(sl_table *t, elr_figure *f, const elr_runs *r, int arm, size_t seeds, sl_err *err)
{
    f->last[arm] = 1;
    for (size_t i = 0; i < ROWS; i++) {
        const sl_estimate ratio = sl_mean(r->ratio[i], seeds);
        double row[] = {(double)(i * WINDOW) + WINDOW / 2.0, 0, 0, 0, 0, exp(ratio.value),
                        exp(ratio.value) * ratio.se,         0, 0};
        for (size_t layer = 0; layer < 2; layer++) {
            const sl_estimate e = sl_mean(r->update[i][layer], seeds);
            row[1 + 2 * layer] = e.value;
            row[2 + 2 * layer] = e.se;
            SL_TRY(recursion(&row[7 + layer], sl_mean(r->update[0][layer], seeds).value, &arms[arm], i * WINDOW, err));
        }
        if (i == 0) f->first[arm] = exp(ratio.value);
        if (i >= ROWS - ROWS / 4) f->last[arm] *= exp(ratio.value / (ROWS / 4));
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status fill_elr(void *ctx, sl_table *t, sl_err *err)
{
    elr_figure *f = ctx;
    const size_t seeds = (size_t)fmin(MOST_SEEDS, SEEDS * sl_lab_refinement(f->lab));
    elr_runs *const r = malloc(sizeof *r);
    if (!r) return sl_fail(err, SL_E_MEMORY, "no memory for the updates of %zu seeds", seeds);
    sl_network n;
    sl_status st = sl_elr_open(&n, f->lab, err);
    if (st != SL_OK) {
        free(r);
        return st;
    }
    st = sl_table_set(t, "network", err, "two convolutions before batch norms, the second one 3 times as long");
    if (st == SL_OK) st = sl_table_set(t, "seeds", err, "%zu; standard errors are over them", seeds);
    for (int k = 0; k < ARMS && st == SL_OK; k++) {
        st = run_seeds(r, &n, f->lab, &arms[k], seeds, err);
        if (st == SL_OK) st = sl_table_block(t, k == 0 ? "constant" : "decay", err);
        if (st == SL_OK) st = add_rows(t, f, r, k, seeds, err);
    }
    sl_network_close(&n);
    free(r);
    return st;
}

static const char elr_file[] = "elr.dat";

static void updates_panel(sl_panel *panel, sl_curve c[4], int arm)
{
    static const char *const y[] = {"2", "4", "8", "9"}, *const error[] = {"3", "5", NULL, NULL};
    static const char *const titles[] = {"first layer", "second layer, 3 times as long",
                                         "recursion from the first window", NULL};
    for (int i = 0; i < 4; i++)
        c[i] = (sl_curve){.kind = i < 2 ? SL_CURVE_BAND : SL_CURVE_LINE,
                          .title = titles[i],
                          .dat = elr_file,
                          .block = arm,
                          .x = "1",
                          .y = y[i],
                          .error = error[i],
                          .colour = i % 2,
                          .dash = i < 2 ? 0 : 1};
    *panel = (sl_panel){.title = arm == 0 ? "l = 3, no weight decay" : "l = 1, weight decay λ = 0.01",
                        .xlabel = "step",
                        .ylabel = "relative update |Δw|/|w|",
                        .logy = true,
                        .xmin = 0,
                        .xmax = STEPS,
                        .ymin = 0.01,
                        .ymax = 1,
                        .curves = c,
                        .n_curves = 4};
}

static void ratio_panel(sl_panel *panel, sl_curve c[3])
{
    for (int i = 0; i < ARMS; i++)
        c[i] = (sl_curve){.kind = SL_CURVE_BAND,
                          .title = i == 0 ? "l = 3, no weight decay" : "l = 1, λ = 0.01",
                          .dat = elr_file,
                          .block = i,
                          .x = "1",
                          .y = "6",
                          .error = "7",
                          .colour = 2 + i};
    c[2] =
        (sl_curve){.kind = SL_CURVE_FUNCTION, .title = "theory: tends to 1", .function = "1", .colour = 6, .dash = 1};
    *panel = (sl_panel){.title = "Ratio of the two",
                        .xlabel = "step",
                        .ylabel = "first layer's / second layer's",
                        .logy = true,
                        .xmin = 0,
                        .xmax = STEPS,
                        .ymin = 0.5,
                        .ymax = 10,
                        .curves = c,
                        .n_curves = 3};
}

static sl_status elr(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"step[1]",     "update_0[1]",    "update_0_se[1]",
                                          "update_1[1]", "update_1_se[1]", "ratio[1]",
                                          "ratio_se[1]", "recursion_0[1]", "recursion_1[1]"};
    elr_figure f = {.lab = lab};
    SL_TRY(sl_tabulate(lab, elr_file, 9, columns, fill_elr, &f, err));
    sl_prose text = {0};
    sl_say(
        &text,
        "Relative updates of two normalised layers, roots of mean squares over windows of %d steps, become equal under "
        "a "
        "constant rate: their ratio goes from %.1f at first to %.2f in the last quarter without weight decay, and from "
        "%.1f to %.2f with it, where both settle near √(1 − (1 − lλ)²) = %.3f. Bands: standard errors over seeds. The "
        "recursion takes gradients to stay as they are in the first window; they grow at first as the network "
        "learns.\n",
        WINDOW, f.first[0], f.last[0], f.first[1], f.last[1], sqrt(1 - pow(1 - arms[1].lr * arms[1].decay, 2)));
    sl_json_number(result, "ratio_at_the_end", f.last[0]);
    sl_json_number(result, "ratio_at_the_end_with_decay", f.last[1]);
    sl_curve updates[ARMS][4], ratio[3];
    sl_panel panels[ARMS + 1];
    for (int k = 0; k < ARMS; k++) updates_panel(&panels[k], updates[k], k);
    ratio_panel(&panels[ARMS], ratio);
    const sl_figure figure = {.name = "elr",
                              .title = "Effective learning rates of normalised layers",
                              .caption = text.text,
                              .rows = 1,
                              .columns = ARMS + 1,
                              .panels = panels,
                              .n_panels = ARMS + 1};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_elr = {
    "elr", "Ali Mehmeti-Goepel and Wand 2023",
    "relative updates of a normalised network's layers against steps, without weight decay and with it", elr};
