/* temperature-collapse: measured against predicted temperature, over everything that enters the formula.
 * boltzmann: histograms of the double well against exp(-f/T)/Z, at a small rate and at a large one. */
#include "claims/figures_synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "claims/prose.h"
#include "claims/synthetic.h"
#include "theory/boltzmann.h"
#include "theory/discrete.h"

/* A figure is read by eye: more updates, the same settings, at larger scales. */
static double effort(const sl_lab *lab)
{
    const double r = sl_lab_refinement(lab);
    return r * r;
}

/* What it takes to make the table again. */
static sl_status describe(sl_table *t, const sl_lab *lab, sl_err *err)
{
    SL_TRY(sl_table_set(t, "version", err, "%s", sl_version));
    SL_TRY(sl_table_set(t, "scale", err, "%s", sl_scale_name(lab->scale)));
    return sl_table_set(t, "seed", err, "%llu", (unsigned long long)lab->seed);
}

/* ---- temperature-collapse -------------------------------------------------------------------------------------- */

/* Rates are given as y = l / (1 - mu), which sets the pace of relaxation and the size of what eq 20 leaves out. */
typedef struct {
    const char *loss;
    double mu, y, C, delta, T; /* T: what D0 is chosen for; 0: D0 = 1 */
} setting;

/* Blocks of the table: a loss each, then the sweep of Delta. */
static const setting collapse[] = {
    {"quadratic", 0, 0.02, 1, 0, 0},       {"quadratic", 0, 0.005, 4, 0.5, 0},
    {"quadratic", 0, 0.02, 64, 1, 0},      {"quadratic", 0, 0.01, 1024, 0, 0},
    {"quadratic", 0.5, 0.02, 1, 1, 0},     {"quadratic", 0.5, 0.01, 16, 0, 0},
    {"quadratic", 0.5, 0.02, 256, 0.5, 0}, {"quadratic", 0.9, 0.02, 1, 0, 0},
    {"quadratic", 0.9, 0.03, 4, 1, 0},     {"quadratic", 0.9, 0.01, 64, 0.5, 0},
    {"quadratic", 0.9, 0.02, 1024, 1, 0},  {"quadratic", 0.99, 0.02, 1, 0.5, 0},
    {"quadratic", 0.99, 0.03, 16, 1, 0},   {"quadratic", 0.99, 0.01, 256, 0, 0},
    {"double-well", 0, 0.01, 1, 0, 0.02},  {"double-well", 0.5, 0.01, 16, 1, 0.05},
    {"double-well", 0, 0.01, 4, 0.5, 0.1}, {"double-well", 0.9, 0.01, 64, 0, 0.2},
    {"double-well", 0.9, 0.01, 8, 1, 0.5}, {"quartic", 0, 0.01, 1, 1, 0.005},
    {"quartic", 0.5, 0.01, 4, 0, 0.03},    {"quartic", 0.9, 0.01, 16, 0.5, 0.15},
    {"quartic", 0, 0.01, 64, 0, 0.7},      {"quadratic", 0, 0.01, 1, 0, 0},
    {"quadratic", 0, 0.01, 1, 0.2, 0},     {"quadratic", 0, 0.01, 1, 0.35, 0},
    {"quadratic", 0, 0.01, 1, 0.5, 0},     {"quadratic", 0, 0.01, 1, 0.65, 0},
    {"quadratic", 0, 0.01, 1, 0.8, 0},     {"quadratic", 0, 0.01, 1, 1, 0},
};
enum { COLLAPSE = sizeof collapse / sizeof *collapse };
static const struct {
    const char *title;
    size_t first;
} blocks[] = {
    {"quadratic", 0}, {"double well", 14}, {"quartic", 19}, {"sweep of Delta, quadratic", 23}, {NULL, COLLAPSE}};
enum { SWEEP = 3, BLOCKS = 4 };

static sl_synthetic synthetic_of(const setting *c, double updates)
{
    sl_synthetic s = {.loss = c->loss,
                      .rule = "heavy-ball",
                      .alpha_on = SL_ALPHA_ON_GRADIENT,
                      .mu = c->mu,
                      .C = c->C,
                      .l = c->y * (1 - c->mu),
                      .delta = c->delta,
                      .D0 = 1,
                      .updates = updates};
    if (c->T > 0) s.D0 = 2 * s.C * (1 - s.mu) * c->T / (s.l * sl_alpha_q(s.delta));
    /* The quartic has curvature 3 <x^2> = 1.4 sqrt(T), 0.1 at the coldest. */
    s.relaxation = sl_synthetic_relaxation((c->loss[0] == 'q' && c->T > 0 ? 0.1 : 1) * s.l, s.mu);
    return s;
}

typedef struct {
    const sl_lab *lab;
    uint32_t index;
} piece;

static sl_status measure_temperature(void *ctx, sl_table **t, sl_err *err)
{
    static const char *const columns[] = {"temperature[f]", "temperature_se[f]"};
    static const double origin[] = {0};
    const piece *p = ctx;
    const setting *c = &collapse[p->index];
    const double updates = (c->T > 0 ? 3e7 : 1.5e7) * effort(p->lab) * (p->index >= blocks[SWEEP].first ? 4 : 1);
    const sl_synthetic s = synthetic_of(c, updates);
    sl_sgd sgd;
    sl_observed o;
    SL_TRY(sl_synthetic_prepare(&sgd, &s, p->lab, SL_EXPERIMENT_COLLAPSE + p->index, err));
    sgd.ensemble.start = origin;
    sgd.ensemble.start_spread = 0.4;
    SL_TRY(sl_synthetic_measure(&o, &sgd, err));
    const double row[] = {o.temperature.equipartition.value, o.temperature.equipartition.se};
    sl_observed_clear(&o);
    sl_table *table = sl_table_alloc(2, columns);
    if (!table) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    const sl_status st = sl_table_add(table, row, err);
    if (st == SL_OK)
        *t = table;
    else
        sl_table_free(table);
    return st;
}

/* Measures every setting (each a piece of its own, so that a run resumes). worst: the largest |measured/T - 1|. */
static sl_status fill_collapse(sl_table *t, double *worst, const sl_lab *lab, sl_err *err)
{
    size_t block = 0;
    *worst = 0;
    for (uint32_t i = 0; i < COLLAPSE; i++) {
        if (i == blocks[block].first) SL_TRY(sl_table_block(t, blocks[block++].title, err));
        piece p = {lab, i};
        char key[32];
        snprintf(key, sizeof key, "temperature-%02u", i);
        sl_table *piece_table = NULL;
        SL_TRY(sl_run_job(lab->run, &piece_table, key, measure_temperature, &p, err));
        const double measured = sl_table_row(piece_table, 0)[0], se = sl_table_row(piece_table, 0)[1];
        sl_table_free(piece_table);
        const sl_synthetic s = synthetic_of(&collapse[i], 1);
        const double q = sl_alpha_q(s.delta), printed = sl_alpha_q_printed(s.delta);
        const double T = sl_synthetic_temperature(&s, q), T1 = sl_synthetic_temperature(&s, 1);
        const double row[] = {T,
                              sl_synthetic_temperature(&s, printed),
                              measured,
                              se,
                              measured / T1,
                              se / T1,
                              q,
                              printed,
                              s.l,
                              s.mu,
                              s.C,
                              s.D0,
                              s.delta};
        SL_TRY(sl_table_add(t, row, err));
        *worst = fmax(*worst, fabs(measured / T - 1));
        sl_lab_report(lab, "temperature-collapse", i + 1, COLLAPSE);
    }
    /* The two formulas for E alpha^2 as curves, columns delta, q and printed q. */
    SL_TRY(sl_table_block(t, "E alpha^2, derived and printed", err));
    for (int i = 0; i <= 50; i++) {
        const double delta = i / 50.0;
        double row[13];
        for (int j = 0; j < 13; j++) row[j] = NAN;
        row[6] = sl_alpha_q(delta);
        row[7] = sl_alpha_q_printed(delta);
        row[12] = delta;
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status temperature_collapse(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"predicted[f]",
                                          "predicted_printed_q[f]",
                                          "measured[f]",
                                          "measured_se[f]",
                                          "measured_over_T_of_q_1[1]",
                                          "measured_over_T_of_q_1_se[1]",
                                          "q[1]",
                                          "printed_q[1]",
                                          "lr[1]",
                                          "momentum[1]",
                                          "batch[1]",
                                          "noise_D0[f2/x2]",
                                          "delta[1]"};
    static const char file[] = "temperature-collapse.dat";
    sl_table *t = sl_table_alloc(sizeof columns / sizeof *columns, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    double worst = NAN;
    sl_status st = sl_table_set(t, "measured", err,
                                "<x f'>, SGD with momentum, alpha on the gradient, Gaussian noise of "
                                "variance D0/C before alpha");
    if (st == SL_OK) st = sl_table_set(t, "predicted", err, "q l D0 / (2 C (1 - mu)), q = 1 + Delta^2/3");
    if (st == SL_OK) st = describe(t, lab, err);
    if (st == SL_OK) st = fill_collapse(t, &worst, lab, err);
    if (st == SL_OK) st = sl_run_table(lab->run, file, t, err);
    sl_table_free(t);
    SL_TRY(st);

    sl_prose text = {0};
    sl_say(&text,
           "%d settings of l, C, μ, Δ and the loss: measured and predicted temperature differ by at most "
           "%.1f %%, of which eq 20 leaves out up to 3 %% at these rates. α on the gradient, Gaussian noise of "
           "variance D₀/C. Right: a random rate heats by 1 + Δ²/3; the printed 1 + Δ/3 is right at the ends "
           "only.\n",
           (int)COLLAPSE, 100 * worst);
    sl_json_number(result, "largest_relative_difference", worst);
    const sl_curve left[] = {{.kind = SL_CURVE_FUNCTION, .title = "slope 1", .function = "x", .colour = 6, .dash = 1},
                             {.kind = SL_CURVE_POINTS,
                              .title = "quadratic",
                              .dat = file,
                              .block = 0,
                              .x = "1",
                              .y = "3",
                              .error = "4",
                              .colour = 0},
                             {.kind = SL_CURVE_POINTS,
                              .title = "double well",
                              .dat = file,
                              .block = 1,
                              .x = "1",
                              .y = "3",
                              .error = "4",
                              .colour = 1},
                             {.kind = SL_CURVE_POINTS,
                              .title = "quartic",
                              .dat = file,
                              .block = 2,
                              .x = "1",
                              .y = "3",
                              .error = "4",
                              .colour = 2}};
    const sl_curve right[] = {
        {.kind = SL_CURVE_LINE, .title = "1 + Δ²/3", .dat = file, .block = 4, .x = "13", .y = "7", .colour = 0},
        {.kind = SL_CURVE_LINE,
         .title = "1 + Δ/3 (printed)",
         .dat = file,
         .block = 4,
         .x = "13",
         .y = "8",
         .colour = 1,
         .dash = 1},
        {.kind = SL_CURVE_POINTS,
         .title = "measured",
         .dat = file,
         .block = 3,
         .x = "13",
         .y = "5",
         .error = "6",
         .colour = 6}};
    const sl_panel panels[] = {{.title = "Everything that enters T",
                                .xlabel = "predicted T = q l D₀ / 2C(1 − μ)",
                                .ylabel = "measured T = <x f'>",
                                .logx = true,
                                .logy = true,
                                .xmin = NAN,
                                .xmax = NAN,
                                .ymin = NAN,
                                .ymax = NAN,
                                .key = "top left",
                                .curves = left,
                                .n_curves = 4},
                               {.title = "Heating by a random rate",
                                .xlabel = "Δ",
                                .ylabel = "T / T(constant rate)",
                                .xmin = 0,
                                .xmax = 1,
                                .ymin = 0.95,
                                .ymax = 1.4,
                                .key = "top left",
                                .curves = right,
                                .n_curves = 3}};
    const sl_figure figure = {.name = "temperature-collapse",
                              .title = "The temperature of SGD with a random rate",
                              .caption = text.text,
                              .rows = 1,
                              .columns = 2,
                              .panels = panels,
                              .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_temperature_collapse = {
    "temperature-collapse", "Musso 2020, eqs 20, 27",
    "measured against predicted temperature over l, C, mu, Delta and losses: one line of slope 1",
    temperature_collapse};

/* ---- boltzmann ------------------------------------------------------------------------------------------------- */

static const double T = 0.1;
static const double rates[] = {0.02, 0.2};
enum { RATES = 2, BINS = 90 };
static const sl_histogram_spec range = {-1.8, 1.8, BINS};

static sl_status sample_histogram(void *ctx, sl_table **t, sl_err *err)
{
    static const double origin[] = {0};
    const piece *p = ctx;
    const double l = rates[p->index];
    const sl_synthetic s = {.loss = "double-well",
                            .rule = "heavy-ball",
                            .alpha_on = SL_ALPHA_ON_GRADIENT,
                            .l = l,
                            .mu = 0,
                            .C = 1,
                            .D0 = 2 * T / l,
                            .relaxation = 4 * sl_synthetic_relaxation(2 * l, 0),
                            .updates = 5e7 * effort(p->lab)};
    sl_sgd sgd;
    sl_observed o;
    SL_TRY(sl_synthetic_prepare(&sgd, &s, p->lab, SL_EXPERIMENT_HISTOGRAM + p->index, err));
    sgd.ensemble.start = origin;
    sgd.ensemble.start_spread = 0.4;
    sgd.ensemble.kill_radius = 3;
    sgd.ensemble.histogram = range;
    SL_TRY(sl_synthetic_measure(&o, &sgd, err));
    sl_status st = sl_observed_histogram(t, &o, err);
    if (st == SL_OK) st = sl_table_set(*t, "killed", err, "%llu", (unsigned long long)o.killed);
    sl_observed_clear(&o);
    return st;
}

/* f, f' and f'' of the loss itself: what is drawn is theory for the loss that was sampled. */
static double second(double x, void *slice)
{
    const double h = 1e-4;
    return (sl_loss_slice_derivative(x + h, slice) - sl_loss_slice_derivative(x - h, slice)) / (2 * h);
}

static sl_status fill_boltzmann(sl_table *t, sl_prose *text, cJSON *result, const sl_lab *lab, sl_err *err)
{
    sl_loss loss;
    SL_TRY(sl_loss_init(&loss, "double-well", err));
    sl_loss_slice slice = {&loss, 0};
    sl_boltzmann b;
    sl_first_order o;
    SL_TRY(sl_boltzmann_solve(&b, sl_loss_slice_value, sl_loss_slice_derivative, &slice, T, 0, err));
    SL_TRY(sl_discrete_first_order(&o, &b, sl_loss_slice_value, sl_loss_slice_derivative, second, &slice, T, NULL, err));
    cJSON *laws = cJSON_AddArrayToObject(result, "laws");
    for (uint32_t i = 0; i < RATES; i++) {
        piece p = {lab, i};
        char key[32], title[32];
        snprintf(key, sizeof key, "histogram-%u", i);
        snprintf(title, sizeof title, "l = %g", rates[i]);
        sl_table *h = NULL;
        SL_TRY(sl_run_job(lab->run, &h, key, sample_histogram, &p, err));
        const char *const killed = sl_table_get(h, "killed");
        sl_say(text, "l = %g: KL(law | Boltzmann) = %.2g to first order in l; killed beyond |x| = 3: %s. ", rates[i],
               o.kl_per_l2 * rates[i] * rates[i], killed ? killed : "?");
        cJSON *law = cJSON_CreateObject();
        sl_json_number(law, "lr", rates[i]);
        sl_json_number(law, "kl_first_order", o.kl_per_l2 * rates[i] * rates[i]);
        cJSON_AddItemToArray(laws, law);
        sl_status st = sl_table_block(t, title, err);
        const double width = (range.hi - range.lo) / BINS;
        double variation = 0; /* total variation distance, 1/2 sum |p - pi| */
        for (size_t k = 0; k < BINS && st == SL_OK; k++) {
            const double *const bin = sl_table_row(h, k);
            double share;
            st = sl_boltzmann_probability(&share, &b, sl_loss_slice_value, &slice, T, bin[0] - width / 2,
                                          bin[0] + width / 2, err);
            if (st != SL_OK) break;
            const double density = share / width;
            double c;
            st = sl_discrete_correction(&c, &o, sl_loss_slice_derivative, second, &slice, T, bin[0], err);
            if (st != SL_OK) break;
            const double row[] = {bin[0],           bin[1],           bin[2],          density,
                                  bin[1] / density, bin[2] / density, 1 + rates[i] * c};
            variation += fabs(bin[1] - density) * width / 2;
            st = sl_table_add(t, row, err);
        }
        sl_table_free(h);
        SL_TRY(st);
        sl_say(text, "Total variation distance, measured: %.2g.\n", variation);
        sl_json_number(law, "total_variation", variation);
        sl_lab_report(lab, "boltzmann", i + 1, RATES);
    }
    return SL_OK;
}

static sl_status boltzmann(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"x[x]",     "density[1/x]", "density_se[1/x]",     "boltzmann[1/x]",
                                          "ratio[1]", "ratio_se[1]",  "first_order_ratio[1]"};
    static const char file[] = "boltzmann.dat";
    sl_table *t = sl_table_alloc(sizeof columns / sizeof *columns, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_prose text = {0};
    sl_say(&text, "Double well at T = l D/2C = 0.1, constant rate, no momentum.\n");
    sl_status st = sl_table_set(t, "setting", err,
                                "double well (x^2-1)^2/4, T = l D/(2C) = %g, mu = 0, Delta = 0, "
                                "Gaussian noise",
                                T);
    if (st == SL_OK) st = describe(t, lab, err);
    if (st == SL_OK) st = fill_boltzmann(t, &text, result, lab, err);
    if (st == SL_OK) st = sl_run_table(lab->run, file, t, err);
    sl_table_free(t);
    if (st != SL_OK) {
        free(text.text);
        return st;
    }

    sl_curve density[RATES][2], ratio[RATES][3];
    sl_panel panels[2 * RATES];
    static const char *const titles[] = {"l = 0.02", "l = 0.2"};
    for (int i = 0; i < RATES; i++) {
        density[i][0] = (sl_curve){
            .kind = SL_CURVE_LINE, .title = "exp(-f/T)/Z", .dat = file, .block = i, .x = "1", .y = "4", .colour = 6};
        density[i][1] = (sl_curve){.kind = SL_CURVE_POINTS,
                                   .title = "SGD",
                                   .dat = file,
                                   .block = i,
                                   .x = "1",
                                   .y = "2",
                                   .error = "3",
                                   .colour = 0};
        ratio[i][0] = (sl_curve){.kind = SL_CURVE_FUNCTION, .function = "1", .colour = 6};
        ratio[i][1] = (sl_curve){.kind = SL_CURVE_LINE,
                                 .title = "first order in l",
                                 .dat = file,
                                 .block = i,
                                 .x = "1",
                                 .y = "7",
                                 .colour = 1,
                                 .dash = 1};
        ratio[i][2] = (sl_curve){.kind = SL_CURVE_POINTS,
                                 .title = "SGD",
                                 .dat = file,
                                 .block = i,
                                 .x = "1",
                                 .y = "5",
                                 .error = "6",
                                 .colour = 0};
        panels[i] = (sl_panel){.title = titles[i],
                               .xlabel = "x",
                               .ylabel = "density",
                               .xmin = -1.8,
                               .xmax = 1.8,
                               .ymin = 0,
                               .ymax = 1.1,
                               .key = "top center",
                               .curves = density[i],
                               .n_curves = 2};
        panels[RATES + i] = (sl_panel){.xlabel = "x",
                                       .ylabel = "density / Boltzmann",
                                       .xmin = -1.6,
                                       .xmax = 1.6,
                                       .ymin = 0.8,
                                       .ymax = 1.5,
                                       .key = "top center",
                                       .curves = ratio[i],
                                       .n_curves = 3};
    }
    const sl_figure figure = {.name = "boltzmann",
                              .title = "The stationary law of SGD and Boltzmann's, at one temperature",
                              .caption = text.text,
                              .rows = 2,
                              .columns = RATES,
                              .panels = panels,
                              .n_panels = 2 * RATES};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_boltzmann = {
    "boltzmann", "Musso 2020, eq 18",
    "histogram of the double well against exp(-f/T)/Z, at a small rate and at a large one", boltzmann};
