/* averaging: bias and variance of averaged SGD on least squares against steps, exact and simulated.
 * elr: relative updates of a normalised network's layers against steps, at a constant rate and with weight decay. */
#include <math.h>

#include "base/json.h"
#include "claims/effective_rate.h"
#include "claims/neighbours.h"
#include "claims/prose.h"
#include "claims/synthetic.h"
#include "sim/least_squares.h"
#include "theory/averaging.h"

/* ---- averaging ------------------------------------------------------------------------------------------------- */

enum { D = 4, LOOKS = 10 };
static const double spectrum[D] = {1, 0.6, 0.3, 0.15}, start[D] = {1, -1, 1.5, 2}, rate = 0.2, noise = 1;
static const uint64_t at[LOOKS] = {2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

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
    sl_status st =
        sl_table_set(t, "setting", err, "spectrum 1, 0.6, 0.3, 0.15, rate %g, noise %g, batches of 1", rate, noise);
    for (size_t i = 0; i < LOOKS && st == SL_OK; i++) {
        sl_averaging_risk last, average;
        st = sl_averaging_last(&last, m, at[i], err);
        if (st == SL_OK) st = sl_averaging_average(&average, m, 0, at[i], err);
        if (st != SL_OK) break;
        const sl_estimate x = point[i].last, y = point[i].average;
        f->worst = fmax(f->worst, fmax(fabs(x.value - last.bias - last.variance) / x.se,
                                       fabs(y.value - average.bias - average.variance) / y.se));
        const double row[] = {(double)at[i], x.value, x.se,         last.bias,       last.variance,
                              y.value,       y.se,    average.bias, average.variance};
        st = sl_table_add(t, row, err);
    }
    sl_averaging_free(m);
    return st;
}

static sl_status averaging(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"n[1]",          "last[f]",          "last_se[f]",
                                          "last_bias[f]",  "last_variance[f]", "average[f]",
                                          "average_se[f]", "average_bias[f]",  "average_variance[f]"};
    static const char file[] = "averaging.dat";
    averaging_figure f = {.lab = lab};
    SL_TRY(sl_tabulate(lab, file, 9, columns, fill_averaging, &f, err));
    sl_prose text = {0};
    sl_say(
        &text,
        "Excess loss of SGD at a constant rate on Gaussian least squares: simulated means differ from the exact sum of "
        "bias and variance by at most %.1f standard errors. The last iterate's variance stays; the average's falls "
        "like "
        "1/n, its bias like 1/n².\n",
        f.worst);
    sl_json_number(result, "largest_difference_in_se", f.worst);
    sl_curve c[2][4];
    static const char *const y[2][4] = {{"($4+$5)", "4", "5", "2"}, {"($8+$9)", "8", "9", "6"}};
    static const char *const titles[] = {"exact", "bias", "variance", "simulated"};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 4; i++)
            c[k][i] = (sl_curve){.kind = i < 3 ? SL_CURVE_LINE : SL_CURVE_POINTS,
                                 .title = titles[i],
                                 .dat = file,
                                 .x = "1",
                                 .y = y[k][i],
                                 .error = i < 3    ? NULL
                                          : k == 0 ? "3"
                                                   : "7",
                                 .colour = (const int[]){6, 1, 2, 0}[i],
                                 .dash = i == 1 || i == 2};
    sl_panel panels[2];
    for (int k = 0; k < 2; k++)
        panels[k] = (sl_panel){.title = k == 0 ? "Last iterate" : "Average of all",
                               .xlabel = "steps n",
                               .ylabel = "excess loss",
                               .logx = true,
                               .logy = true,
                               .xmin = NAN,
                               .xmax = NAN,
                               .ymin = 1e-4,
                               .ymax = 3,
                               .curves = c[k],
                               .n_curves = 4};
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

typedef struct {
    const sl_lab *lab;
    double first[2], last[2]; /* ratio of the updates; last: geometric mean over the last quarter */
} elr_figure;

static sl_status fill_elr(void *ctx, sl_table *t, sl_err *err)
{
    elr_figure *f = ctx;
    const sl_elr arms[] = {{3, 0, 3, 400, 20}, {1, 0.01, 3, 400, 20}};
    sl_network n;
    SL_TRY(sl_elr_open(&n, f->lab, err));
    sl_status st =
        sl_table_set(t, "network", err, "two convolutions before batch norms, the second one 3 times as long");
    for (int k = 0; k < 2 && st == SL_OK; k++) {
        sl_table *run = NULL;
        st = sl_elr_run(&run, &n, f->lab, &arms[k], 0, err);
        if (st == SL_OK) st = sl_table_block(t, k == 0 ? "constant" : "decay", err);
        for (size_t i = 0; st == SL_OK && i < sl_table_rows(run); i++) {
            const double *const row = sl_table_row(run, i);
            const double ratio = sl_elr_log_ratio(run, i), share = 4 / (double)sl_table_rows(run);
            if (i == 0) f->first[k] = exp(ratio), f->last[k] = 1;
            if ((double)i >= 3 / share) f->last[k] *= exp(share * ratio);
            const double settled = sqrt(1 - 0.99 * 0.99);
            st = sl_table_add(t, (double[]){row[0], row[6], row[7], row[10], row[11], exp(ratio), settled}, err);
        }
        sl_table_free(run);
    }
    sl_network_close(&n);
    return st;
}

static sl_status elr(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"step[1]",        "update_0[1]", "update_0_se[1]", "update_1[1]",
                                          "update_1_se[1]", "ratio[1]",    "settled[1]"};
    static const char file[] = "elr.dat";
    elr_figure f = {.lab = lab};
    SL_TRY(sl_tabulate(lab, file, 7, columns, fill_elr, &f, err));
    sl_prose text = {0};
    sl_say(&text,
           "Relative updates of the two normalised layers become equal: their ratio goes from %.1f at first to %.2f in "
           "the last quarter without weight "
           "decay, and from %.1f to %.2f with it, where both settle at √(1 - (1 - l λ)²).\n",
           f.first[0], f.last[0], f.first[1], f.last[1]);
    sl_json_number(result, "ratio_at_the_end", f.last[0]);
    sl_json_number(result, "ratio_at_the_end_with_decay", f.last[1]);
    sl_curve c[2][3];
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 2; i++)
            c[k][i] = (sl_curve){.kind = SL_CURVE_BAND,
                                 .title = i == 0 ? "first layer" : "second layer, 3 times as long",
                                 .dat = file,
                                 .block = k,
                                 .x = "1",
                                 .y = i == 0 ? "2" : "4",
                                 .error = i == 0 ? "3" : "5",
                                 .colour = i};
        c[k][2] = (sl_curve){.kind = SL_CURVE_LINE,
                             .title = "theory: settled",
                             .dat = file,
                             .block = k,
                             .x = "1",
                             .y = "7",
                             .colour = 6,
                             .dash = 1};
    }
    sl_panel panels[2];
    for (int k = 0; k < 2; k++)
        panels[k] = (sl_panel){.title = k == 0 ? "l = 3, no weight decay" : "l = 1, weight decay λ = 0.01",
                               .xlabel = "step",
                               .ylabel = "relative update",
                               .logy = true,
                               .xmin = NAN,
                               .xmax = NAN,
                               .ymin = NAN,
                               .ymax = NAN,
                               .curves = c[k],
                               .n_curves = k == 0 ? 2 : 3};
    const sl_figure figure = {.name = "elr",
                              .title = "Effective learning rates of normalised layers",
                              .caption = text.text,
                              .rows = 1,
                              .columns = 2,
                              .panels = panels,
                              .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_elr = {
    "elr", "Ali Mehmeti-Goepel and Wand 2023",
    "relative updates of a normalised network's layers against steps, without weight decay and with it", elr};
