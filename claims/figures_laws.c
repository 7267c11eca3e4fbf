/* fokker-planck-evolution: a density that spreads over a barrier, with the histograms of an ensemble over it.
 * boltzmann-order: how SGD's law departs from Boltzmann's as the rate grows, at one temperature.
 * discrete-vs-continuous: the stationary laws of SGD and of its continuous theories at large rates. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "claims/exact.h"
#include "claims/figures_operators.h"
#include "claims/prose.h"
#include "claims/synthetic.h"
#include "theory/boltzmann.h"
#include "theory/discrete.h"

static const double T = 0.1;

/* More replicas, at larger scales. */
static double effort(const sl_lab *lab)
{
    const double r = sl_lab_refinement(lab);
    return r * r;
}

static double second(double x, void *slice)
{
    const double h = 1e-4;
    return (sl_loss_slice_derivative(x + h, slice) - sl_loss_slice_derivative(x - h, slice)) / (2 * h);
}

/* One block: a function on a line, as rows (x, value, NAN ...) of a table with `columns` columns. */
static sl_status add_line(sl_table *t, const char *title, const sl_field *field, size_t columns, double lo, double hi,
                          sl_err *err)
{
    double row[8];
    const size_t stride = field->n[0] > 1200 ? field->n[0] / 600 : 1;
    SL_TRY(sl_table_block(t, title, err));
    for (size_t i = 0; i < field->n[0]; i += stride) {
        if (field->node[0][i] < lo || field->node[0][i] > hi) continue;
        for (size_t c = 2; c < columns; c++) row[c] = NAN;
        row[0] = field->node[0][i];
        row[1] = field->value[i];
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

/* ---- fokker-planck-evolution ----------------------------------------------------------------------------------- */

static const double times[] = {0.2, 1, 5, 20, 100};
enum { TIMES = sizeof times / sizeof *times, BINS = 60, DECAY = 40 };
static const char loss_name[] = "tilted-double-well";
static const double origin = 0.6, spread = 0.1;
static const sl_histogram_spec range = {-1.8, 1.8, BINS};

typedef struct {
    const sl_lab *lab;
    size_t index;
} piece;

static sl_status sample_at(void *ctx, sl_table **t, sl_err *err)
{
    const piece *p = ctx;
    const double h = 0.005, steps = round(times[p->index] / h);
    sl_langevin run = {.temperature = T, .h = h, .scheme = SL_OVERDAMPED_EULER};
    SL_TRY(sl_loss_init(&run.loss, loss_name, err));
    run.ensemble = (sl_ensemble){.seed = p->lab->seed,
                                 .experiment = SL_EXPERIMENT_EVOLUTION + (uint32_t)p->index,
                                 .replicas = (uint64_t)(4e3 * effort(p->lab)),
                                 .steps = 1,
                                 .burn_in = (uint64_t)steps - 1,
                                 .sample_every = 1,
                                 .start = &origin,
                                 .start_spread = spread,
                                 .histogram = range,
                                 .jobs = p->lab->jobs};
    sl_observed o;
    SL_TRY(sl_overdamped_run(&o, &run, err));
    const sl_status st = sl_observed_histogram(t, &o, err);
    sl_observed_clear(&o);
    return st;
}

typedef struct {
    const sl_lab *lab;
    cJSON *result;
    double gap, worst; /* slowest rate; largest (histogram - density)/se */
} evolution;

/* The mean density over each bin, by Simpson's rule on the operator's nodes interpolated linearly (they are many to a
 * bin). */
static double density_at(const sl_field *p, double x)
{
    const size_t n = p->n[0];
    size_t lo = 0, hi = n - 1;
    while (hi - lo > 1) {
        const size_t mid = (lo + hi) / 2;
        if (p->node[0][mid] <= x)
            lo = mid;
        else
            hi = mid;
    }
    const double u = (x - p->node[0][lo]) / (p->node[0][hi] - p->node[0][lo]);
    return u < 0 || u > 1 ? 0 : p->value[lo] * (1 - u) + p->value[hi] * u;
}

static sl_status ask_evolution(sl_answer *a, const double *at, size_t n, const sl_lab *lab, sl_err *err)
{
    sl_question q = {.task = SL_TASK_EVOLVE, .from = {origin}, .spread = spread, .n_times = n};
    sl_operator op;
    for (size_t i = 0; i < n; i++) q.times[i] = at[i];
    SL_TRY(sl_exact_overdamped(&op, loss_name, T, lab, err));
    op.tolerance = 1e-6;
    return sl_exact_solve(a, &op, &q, err);
}

static sl_status add_densities(sl_table *t, const sl_answer *a, sl_err *err)
{
    char title[48];
    for (size_t i = 0; i < TIMES; i++) {
        snprintf(title, sizeof title, "operator, t = %g", times[i]);
        SL_TRY(add_line(t, title, sl_answer_field(a, "density", i), 3, range.lo, range.hi, err));
    }
    return SL_OK;
}

static sl_status add_histograms(sl_table *t, evolution *e, const sl_answer *a, sl_err *err)
{
    char title[48], key[32];
    e->worst = 0;
    for (size_t i = 0; i < TIMES; i++) {
        piece p = {e->lab, i};
        sl_table *h = NULL;
        snprintf(key, sizeof key, "evolution-%zu", i);
        SL_TRY(sl_run_job(e->lab->run, &h, key, sample_at, &p, err));
        const sl_field *const density = sl_answer_field(a, "density", i);
        snprintf(title, sizeof title, "ensemble, t = %g", times[i]);
        sl_status st = sl_table_block(t, title, err);
        const double w = (range.hi - range.lo) / BINS;
        for (size_t b = 0; b < BINS && st == SL_OK; b++) {
            const double *const bin = sl_table_row(h, b);
            const double mean = (density_at(density, bin[0] - w / 2) + 4 * density_at(density, bin[0]) +
                                 density_at(density, bin[0] + w / 2)) /
                                6;
            if (bin[2] > 0) e->worst = fmax(e->worst, fabs(bin[1] - mean) / bin[2]);
            st = sl_table_add(t, bin, err);
        }
        sl_table_free(h);
        SL_TRY(st);
        sl_lab_report(e->lab, "fokker-planck-evolution", i + 1, TIMES + 1);
    }
    return SL_OK;
}

/* How far <x> still is from its equilibrium, in time, and the slope that the spectral gap gives to its end. */
static sl_status add_decay(sl_table *t, evolution *e, sl_err *err)
{
    const sl_question spectrum = {.task = SL_TASK_SPECTRUM, .eigenvalues = 2},
                      stationary = {.task = SL_TASK_STATIONARY};
    double at[DECAY], excess[DECAY];
    sl_operator op;
    sl_answer a;
    SL_TRY(sl_exact_overdamped(&op, loss_name, T, e->lab, err));
    SL_TRY(sl_exact_solve(&a, &op, &spectrum, err));
    e->gap = -sl_answer_number(&a, "eigenvalue", 1).value;
    sl_answer_clear(&a);
    SL_TRY(sl_exact_solve(&a, &op, &stationary, err));
    const double limit = sl_answer_number(&a, "x", 0).value;
    sl_answer_clear(&a);
    for (int i = 0; i < DECAY; i++) at[i] = 0.1 * (i + 1) * (i + 1); /* up to 160 */
    SL_TRY(ask_evolution(&a, at, DECAY, e->lab, err));
    for (size_t i = 0; i < DECAY; i++) excess[i] = fabs(sl_answer_number(&a, "x", i).value - limit);
    sl_answer_clear(&a);
    SL_TRY(sl_table_block(t, "|<x> - <x> of equilibrium|, and its last value followed back at the gap's pace", err));
    for (size_t i = 0; i < DECAY; i++) {
        const double row[] = {at[i], excess[i], excess[DECAY - 1] * exp(e->gap * (at[DECAY - 1] - at[i]))};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status fill_evolution(void *ctx, sl_table *t, sl_err *err)
{
    evolution *e = ctx;
    sl_answer a;
    SL_TRY(sl_table_set(t, "setting", err, "%s (tilt 0.1), dx = -f' dt + sqrt(2T) dW (Ito), T = %g, start N(%g, %g^2)",
                        loss_name, T, origin, spread));
    SL_TRY(ask_evolution(&a, times, TIMES, e->lab, err));
    sl_status st = add_densities(t, &a, err);
    if (st == SL_OK) st = add_histograms(t, e, &a, err);
    sl_answer_clear(&a);
    SL_TRY(st);
    return add_decay(t, e, err);
}

static sl_status fokker_planck_evolution(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char file[] = "fokker-planck-evolution.dat";
    static const char *const columns[] = {"x_or_t[1]", "value[1]", "se_or_gap[1]"};
    evolution e = {.lab = lab, .result = result};
    SL_TRY(sl_tabulate(lab, file, 3, columns, fill_evolution, &e, err));
    sl_json_number(result, "spectral_gap", e.gap);
    sl_json_number(result, "largest_z", e.worst);
    sl_prose text = {0};
    sl_say(
        &text,
        "Tilted double well, T = %g: lines are the Fokker-Planck operator's density, points histograms of %g "
        "independent trajectories (largest deviation in %d bins: %.1f standard errors). Started in the upper well, the "
        "law first fills it, then leaks over the barrier at the pace of the spectral gap, %.5f.\n",
        T, 4e3 * effort(lab), TIMES * BINS, e.worst, e.gap);

    sl_curve curves[TIMES + 1][2];
    sl_panel panels[TIMES + 1];
    char titles[TIMES][32];
    for (int i = 0; i < TIMES; i++) {
        snprintf(titles[i], sizeof titles[i], "t = %g", times[i]);
        curves[i][0] = (sl_curve){.kind = SL_CURVE_LINE,
                                  .title = "Fokker-Planck operator",
                                  .dat = file,
                                  .block = i,
                                  .x = "1",
                                  .y = "2",
                                  .colour = 6};
        curves[i][1] = (sl_curve){.kind = SL_CURVE_POINTS,
                                  .title = "ensemble",
                                  .dat = file,
                                  .block = TIMES + i,
                                  .x = "1",
                                  .y = "2",
                                  .error = "3",
                                  .colour = 0};
        panels[i] = (sl_panel){.title = titles[i],
                               .xlabel = "x",
                               .ylabel = "density",
                               .xmin = range.lo,
                               .xmax = range.hi,
                               .ymin = 0,
                               .ymax = NAN,
                               .curves = curves[i],
                               .n_curves = 2};
    }
    curves[TIMES][0] = (sl_curve){
        .kind = SL_CURVE_LINE, .title = "operator", .dat = file, .block = 2 * TIMES, .x = "1", .y = "2", .colour = 6};
    curves[TIMES][1] = (sl_curve){.kind = SL_CURVE_LINE,
                                  .title = "exp(-gap t)",
                                  .dat = file,
                                  .block = 2 * TIMES,
                                  .x = "1",
                                  .y = "3",
                                  .colour = 1,
                                  .dash = 1};
    panels[TIMES] = (sl_panel){.title = "Relaxation",
                               .xlabel = "t",
                               .ylabel = "distance of <x> from equilibrium",
                               .logy = true,
                               .xmin = 0,
                               .xmax = NAN,
                               .ymin = 1e-3,
                               .ymax = 2,
                               .curves = curves[TIMES],
                               .n_curves = 2};
    const sl_figure figure = {.name = "fokker-planck-evolution",
                              .title = "A density on its way to equilibrium",
                              .caption = text.text,
                              .rows = 2,
                              .columns = 3,
                              .panels = panels,
                              .n_panels = TIMES + 1};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_fokker_planck_evolution = {
    "fokker-planck-evolution", "Risken 1989, ch. 5",
    "density against time from the Fokker-Planck operator, histograms of an ensemble over it", fokker_planck_evolution};

/* ---- boltzmann-order ------------------------------------------------------------------------------------------- */

static const double deltas[] = {0, 0.5, 1};
enum { DELTAS = 3, RATES = 7 };

typedef struct {
    double l, kl, kl_error, loss, loss_error, x2, x2_error;
} departure;

static sl_status departure_of(departure *d, double l, double delta, const sl_boltzmann *b, const sl_lab *lab,
                              sl_err *err)
{
    sl_answer a;
    SL_TRY(sl_exact_law_at(&a, "double-well", T, l, delta, lab, err));
    const sl_estimate kl = sl_exact_number(&a, "kl_to_boltzmann", 0), loss = sl_exact_number(&a, "loss", 0),
                      x2 = sl_exact_number(&a, "x2", 0);
    sl_answer_clear(&a);
    *d = (departure){l, kl.value, kl.se, loss.value - b->f, loss.se, b->x2 - x2.value, x2.se};
    return SL_OK;
}

typedef struct {
    const sl_lab *lab;
    cJSON *result;
    sl_prose *text;
} order_figure;

static sl_status fill_order(void *ctx, sl_table *t, sl_err *err)
{
    const order_figure *o = ctx;
    sl_loss loss;
    sl_boltzmann b;
    SL_TRY(sl_table_set(t, "setting", err,
                        "double well, mu = 0, T = q l s2 / 2 = %g; law of the transfer operator, not "
                        "sampled; moments against Boltzmann's",
                        T));
    SL_TRY(sl_loss_init(&loss, "double-well", err));
    sl_loss_slice slice = {&loss, 0};
    SL_TRY(sl_boltzmann_solve(&b, sl_loss_slice_value, sl_loss_slice_derivative, &slice, T, 0, err));
    cJSON *orders = cJSON_AddArrayToObject(o->result, "orders");
    for (size_t i = 0; i < DELTAS; i++) {
        const sl_alpha_law alpha = sl_alpha_uniform(deltas[i]);
        sl_first_order limit;
        departure d[RATES];
        char title[32];
        SL_TRY(sl_discrete_first_order(&limit, &b, sl_loss_slice_value, sl_loss_slice_derivative, second, &slice, T,
                                       &alpha, err));
        snprintf(title, sizeof title, "Delta = %g", deltas[i]);
        SL_TRY(sl_table_block(t, title, err));
        for (int k = 0; k < RATES; k++) {
            SL_TRY(departure_of(&d[k], 0.2 / (1 << k), deltas[i], &b, o->lab, err));
            const double l = d[k].l;
            const double row[] = {l,
                                  d[k].kl,
                                  d[k].kl_error,
                                  limit.kl_per_l2 * l * l,
                                  d[k].loss,
                                  d[k].loss_error,
                                  limit.f_per_l * l,
                                  d[k].x2,
                                  d[k].x2_error,
                                  -limit.x2_per_l * l};
            SL_TRY(sl_table_add(t, row, err));
            sl_lab_report(o->lab, "boltzmann-order", i * RATES + (size_t)k + 1, DELTAS * RATES);
        }
        const departure *const fine = &d[RATES - 1], *const next = &d[RATES - 2];
        const double kl = log2(next->kl / fine->kl), f = log2(next->loss / fine->loss);
        sl_say(o->text, "Δ = %g: KL ~ l^%.3f, <f> − <f>(Boltzmann) ~ l^%.3f at l = %.4g; KL/l² → %.4f, theory %.4f.\n",
               deltas[i], kl, f, fine->l, 2 * fine->kl / (fine->l * fine->l) - next->kl / (next->l * next->l),
               limit.kl_per_l2);
        cJSON *order = cJSON_CreateObject();
        sl_json_number(order, "delta", deltas[i]);
        sl_json_number(order, "kl", kl);
        sl_json_number(order, "loss", f);
        sl_json_number(order, "kl_per_l2", limit.kl_per_l2);
        cJSON_AddItemToArray(orders, order);
    }
    return SL_OK;
}

static sl_status boltzmann_order(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char file[] = "boltzmann-order.dat";
    static const char *const columns[] = {"lr[1]",
                                          "kl[1]",
                                          "kl_error[1]",
                                          "kl_first_order[1]",
                                          "loss_shift[f]",
                                          "loss_error[f]",
                                          "loss_first_order[f]",
                                          "x2_shift[x2]",
                                          "x2_error[x2]",
                                          "x2_first_order[x2]"};
    sl_prose text = {0};
    sl_say(&text, "Double well at T = %g, no momentum: SGD's stationary law from its transfer operator.\n", T);
    order_figure o = {lab, result, &text};
    const sl_status st = sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill_order, &o, err);
    if (st != SL_OK) {
        free(text.text);
        return st;
    }
    static const char *const measured[] = {"2", "5", "8"}, *const predicted[] = {"4", "7", "10"};
    static const char *const names[] = {"Δ = 0", "Δ = 0.5", "Δ = 1"};
    static const char *const titles[] = {"Divergence: slope 2", "Loss: slope 1", "Second moment: slope 1"};
    static const char *const ylabels[] = {"KL(SGD | Boltzmann)", "<f> − <f>(Boltzmann)", "<x²>(Boltzmann) − <x²>"};
    sl_curve curves[3][2 * DELTAS];
    sl_panel panels[3];
    for (int p = 0; p < 3; p++) {
        for (int i = 0; i < DELTAS; i++) {
            curves[p][i] = (sl_curve){.kind = SL_CURVE_POINTS,
                                      .title = names[i],
                                      .dat = file,
                                      .block = i,
                                      .x = "1",
                                      .y = measured[p],
                                      .colour = i};
            curves[p][DELTAS + i] = (sl_curve){.kind = SL_CURVE_LINE,
                                               .title = i == 0 ? "first order in l" : NULL,
                                               .dat = file,
                                               .block = i,
                                               .x = "1",
                                               .y = predicted[p],
                                               .colour = i,
                                               .dash = 1};
        }
        panels[p] = (sl_panel){.title = titles[p],
                               .xlabel = "learning rate l",
                               .ylabel = ylabels[p],
                               .logx = true,
                               .logy = true,
                               .xmin = 2e-3,
                               .xmax = 0.3,
                               .ymin = NAN,
                               .ymax = NAN,
                               .curves = curves[p],
                               .n_curves = 2 * DELTAS};
    }
    const sl_figure figure = {.name = "boltzmann-order",
                              .title = "How SGD's law departs from Boltzmann's at one temperature",
                              .caption = text.text,
                              .rows = 1,
                              .columns = 3,
                              .panels = panels,
                              .n_panels = 3};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_boltzmann_order = {"boltzmann-order", "Musso 2020, eq 18",
                                             "divergence and moment errors of SGD's law against the rate, with slopes",
                                             boltzmann_order};

/* ---- discrete-vs-continuous ------------------------------------------------------------------------------------ */

static const double large[] = {0.1, 0.3, 0.5};
enum { LARGE = sizeof large / sizeof *large };

typedef struct {
    const sl_lab *lab;
    cJSON *result;
    sl_prose *text;
} large_figure;

static sl_status sample_large(void *ctx, sl_table **t, sl_err *err)
{
    static const double middle = 0;
    const piece *p = ctx;
    const double l = large[p->index];
    const sl_synthetic s = {.loss = "double-well",
                            .rule = "heavy-ball",
                            .alpha_on = SL_ALPHA_ON_GRADIENT,
                            .l = l,
                            .C = 1,
                            .D0 = 2 * T / l,
                            .relaxation = 4 * sl_synthetic_relaxation(2 * l, 0),
                            .updates = 2e6 * effort(p->lab)};
    sl_sgd sgd;
    sl_observed o;
    SL_TRY(sl_synthetic_prepare(&sgd, &s, p->lab, SL_EXPERIMENT_LARGE + (uint32_t)p->index, err));
    sgd.ensemble.start = &middle;
    sgd.ensemble.start_spread = 0.4;
    sgd.ensemble.kill_radius = 3;
    sgd.ensemble.histogram = range;
    SL_TRY(sl_synthetic_measure(&o, &sgd, err));
    const sl_status st = sl_observed_histogram(t, &o, err);
    sl_observed_clear(&o);
    return st;
}

static sl_status add_sampled(sl_table *t, const sl_lab *lab, size_t i, sl_err *err)
{
    char key[32];
    piece p = {lab, i};
    sl_table *h = NULL;
    snprintf(key, sizeof key, "large-rate-%zu", i);
    SL_TRY(sl_run_job(lab->run, &h, key, sample_large, &p, err));
    sl_status st = sl_table_block(t, "SGD sampled", err);
    for (size_t b = 0; b < BINS && st == SL_OK; b++) {
        const double row[] = {sl_table_row(h, b)[0], sl_table_row(h, b)[1], sl_table_row(h, b)[2], NAN};
        st = sl_table_add(t, row, err);
    }
    sl_table_free(h);
    return st;
}

/* Blocks: for each rate the chain's law beside the first order in l, then the sampled histogram. */
static sl_status fill_large(void *ctx, sl_table *t, sl_err *err)
{
    const large_figure *o = ctx;
    sl_loss loss;
    sl_boltzmann b;
    sl_first_order first;
    SL_TRY(sl_table_set(t, "setting", err, "double well, mu = 0, constant rate, T = l s2 / 2 = %g at every rate", T));
    SL_TRY(sl_loss_init(&loss, "double-well", err));
    sl_loss_slice slice = {&loss, 0};
    SL_TRY(sl_boltzmann_solve(&b, sl_loss_slice_value, sl_loss_slice_derivative, &slice, T, 0, err));
    SL_TRY(sl_discrete_first_order(&first, &b, sl_loss_slice_value, sl_loss_slice_derivative, second, &slice, T, NULL,
                                   err));
    cJSON *laws = cJSON_AddArrayToObject(o->result, "laws");
    for (size_t i = 0; i < LARGE; i++) {
        char title[80];
        sl_answer a;
        SL_TRY(sl_exact_law_at(&a, "double-well", T, large[i], 0, o->lab, err));
        const sl_field *const p = sl_answer_field(&a, "density", 0);
        const double kl = sl_answer_number(&a, "kl_to_boltzmann", 0).value, killed = a.killed;
        snprintf(title, sizeof title, "l = %g: x, chain, Boltzmann, first order", large[i]);
        sl_status st = sl_table_block(t, title, err);
        for (size_t k = 0; k < p->n[0] && st == SL_OK; k++) {
            const double x = p->node[0][k];
            if (x < range.lo || x > range.hi) continue;
            double c;
            st = sl_discrete_correction(&c, &first, sl_loss_slice_derivative, second, &slice, T, x, err);
            if (st != SL_OK) break;
            const double boltzmann = sl_boltzmann_density(&b, sl_loss_slice_value, &slice, T, x);
            const double row[] = {x, p->value[k], boltzmann, boltzmann * (1 + large[i] * c)};
            st = sl_table_add(t, row, err);
        }
        sl_answer_clear(&a);
        SL_TRY(st);
        SL_TRY(add_sampled(t, o->lab, i, err));
        sl_say(o->text, "l = %g: KL(SGD | Boltzmann) = %.3g, to first order %.3g", large[i], kl,
               first.kl_per_l2 * large[i] * large[i]);
        if (killed > 1e-15) sl_say(o->text, "; %.1g of the mass leaves for good in a step", killed);
        sl_say(o->text, ".\n");
        cJSON *law = cJSON_CreateObject();
        sl_json_number(law, "lr", large[i]);
        sl_json_number(law, "kl", kl);
        sl_json_number(law, "killed", killed);
        cJSON_AddItemToArray(laws, law);
        sl_lab_report(o->lab, "discrete-vs-continuous", i + 1, LARGE);
    }
    return SL_OK;
}

static sl_status discrete_vs_continuous(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char file[] = "discrete-vs-continuous.dat";
    static const char *const columns[] = {"x[x]", "density[1/x]", "se_or_boltzmann[1/x]", "first_order[1/x]"};
    sl_prose text = {0};
    sl_say(&text, "Double well at one temperature, T = l s²/2 = %g: the continuous theory sees no difference.\n", T);
    large_figure o = {lab, result, &text};
    const sl_status st = sl_tabulate(lab, file, 4, columns, fill_large, &o, err);
    if (st != SL_OK) {
        free(text.text);
        return st;
    }
    static const char *const titles[] = {"l = 0.1", "l = 0.3", "l = 0.5"};
    sl_curve curves[LARGE][4];
    sl_panel panels[LARGE];
    for (int i = 0; i < LARGE; i++) {
        static const struct {
            const char *title, *y;
            int colour, dash;
        } lines[] = {{"transfer operator", "2", 6, 0}, {"Boltzmann", "3", 1, 1}, {"first order in l", "4", 2, 2}};
        for (int k = 0; k < 3; k++)
            curves[i][k] = (sl_curve){.kind = SL_CURVE_LINE,
                                      .title = lines[k].title,
                                      .dat = file,
                                      .block = 2 * i,
                                      .x = "1",
                                      .y = lines[k].y,
                                      .colour = lines[k].colour,
                                      .dash = lines[k].dash};
        curves[i][3] = (sl_curve){.kind = SL_CURVE_POINTS,
                                  .title = "SGD, sampled",
                                  .dat = file,
                                  .block = 2 * i + 1,
                                  .x = "1",
                                  .y = "2",
                                  .error = "3",
                                  .colour = 0};
        panels[i] = (sl_panel){.title = titles[i],
                               .xlabel = "x",
                               .ylabel = "density",
                               .xmin = range.lo,
                               .xmax = range.hi,
                               .ymin = 0,
                               .ymax = NAN,
                               .curves = curves[i],
                               .n_curves = 4};
    }
    const sl_figure figure = {.name = "discrete-vs-continuous",
                              .title = "Stationary laws of SGD at large learning rates",
                              .caption = text.text,
                              .rows = 1,
                              .columns = LARGE,
                              .panels = panels,
                              .n_panels = LARGE};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_discrete_vs_continuous = {
    "discrete-vs-continuous", "Musso 2020, eq 18",
    "stationary laws of SGD at large rates: transfer operator, ensemble, Boltzmann, first order",
    discrete_vs_continuous};
