/* kramers-turnover: the rate of escape against friction, from the Klein-Kramers operator, with the formulas.
 * phase-space: a density in the (x, v) plane on its way over a barrier. */
#include <gsl/gsl_errno.h>
#include <gsl/gsl_interp2d.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/gsl.h"
#include "base/json.h"
#include "claims/exact.h"
#include "claims/figures_operators.h"
#include "claims/prose.h"
#include "claims/synthetic.h"
#include "theory/kramers.h"

/* ---- kramers-turnover ------------------------------------------------------------------------------------------ */

static const double temperatures[] = {0.1, 0.05};
enum { TEMPERATURES = 2, FRICTIONS = 13, CURVE = 61 };
static const double weakest = 0.05, strongest = 20;

typedef struct {
    const sl_lab *lab;
    cJSON *result;
    sl_barrier barrier;
    double minimum, action, worst[TEMPERATURES],
        worst_at[TEMPERATURES]; /* the formula's largest error, and the friction */
} turnover_figure;

static double friction_of(int i, int n)
{
    return weakest * pow(strongest / weakest, i / (n - 1.0));
}

/* Half the slowest eigenvalue: the rate from one well to the other. */
typedef struct {
    const sl_lab *lab;
    double T, g;
} setting;

static sl_status exact_rate(void *ctx, sl_table **t, sl_err *err)
{
    static const char *const columns[] = {"rate[1/t]", "rate_error[1/t]"};
    const setting *s = ctx;
    const sl_question q = {.task = SL_TASK_SPECTRUM, .eigenvalues = 2};
    sl_operator op;
    sl_answer a;
    SL_TRY(sl_exact_underdamped(&op, "double-well", s->T, s->g, s->lab, err));
    op.tolerance = 1e-4; /* a picture */
    SL_TRY(sl_exact_solve(&a, &op, &q, err));
    const sl_number gap = sl_answer_number(&a, "eigenvalue", 1);
    sl_answer_clear(&a);
    const double row[] = {-gap.value / 2, gap.error / 2};
    sl_table *table = sl_table_alloc(2, columns);
    if (!table) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    const sl_status st = sl_table_add(table, row, err);
    if (st == SL_OK)
        *t = table;
    else
        sl_table_free(table);
    return st;
}

/* Formulas at one friction: Melnikov and Meshkov, Kramers, weak friction, overdamped. */
static sl_status formulas(double row[4], const turnover_figure *o, double T, double g, sl_err *err)
{
    SL_TRY(sl_rate_turnover(&row[0], &o->barrier, T, g, o->action, o->action, err));
    SL_TRY(sl_rate_kramers(&row[1], &o->barrier, T, g, err));
    SL_TRY(sl_rate_low_friction(&row[2], o->action, o->minimum, o->barrier.height, T, g, err));
    SL_TRY(sl_rate_eyring_kramers(&row[3], &o->barrier, T, err));
    row[2] /= 2; /* who has crossed comes back as often as not */
    row[3] /= g;
    return SL_OK;
}

static sl_status fill_turnover(void *ctx, sl_table *t, sl_err *err)
{
    turnover_figure *o = ctx;
    char title[48], key[48];
    SL_TRY(sl_table_set(t, "setting", err,
                        "double well, dx = v dt, dv = -f' dt - g v dt + sqrt(2 g T) dW; rate = half "
                        "the slowest eigenvalue of the Klein-Kramers operator"));
    for (size_t i = 0; i < TEMPERATURES; i++) {
        const double T = temperatures[i];
        snprintf(title, sizeof title, "operator, T = %g", T);
        SL_TRY(sl_table_block(t, title, err));
        o->worst[i] = 0;
        for (int k = 0; k < FRICTIONS; k++) {
            setting s = {o->lab, T, friction_of(k, FRICTIONS)};
            double row[7] = {s.g};
            sl_table *rate = NULL;
            snprintf(key, sizeof key, "rate-T=%g-g=%.4g", T, s.g);
            SL_TRY(sl_run_job(o->lab->run, &rate, key, exact_rate, &s, err));
            row[1] = sl_table_row(rate, 0)[0], row[2] = sl_table_row(rate, 0)[1];
            sl_table_free(rate);
            SL_TRY(formulas(row + 3, o, T, s.g, err));
            const double off = fabs(row[1] / row[3] - 1);
            if (off > o->worst[i]) o->worst[i] = off, o->worst_at[i] = s.g;
            SL_TRY(sl_table_add(t, row, err));
            sl_lab_report(o->lab, "kramers-turnover", i * FRICTIONS + (size_t)k + 1, TEMPERATURES * FRICTIONS);
        }
    }
    for (size_t i = 0; i < TEMPERATURES; i++) {
        snprintf(title, sizeof title, "formulas, T = %g", temperatures[i]);
        SL_TRY(sl_table_block(t, title, err));
        for (int k = 0; k < CURVE; k++) {
            double row[7] = {friction_of(k, CURVE), NAN, NAN};
            SL_TRY(formulas(row + 3, o, temperatures[i], row[0], err));
            SL_TRY(sl_table_add(t, row, err));
        }
    }
    return SL_OK;
}

static sl_status kramers_turnover(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char file[] = "kramers-turnover.dat";
    static const char *const columns[] = {"friction[1/t]", "rate[1/t]",          "rate_error[1/t]", "turnover[1/t]",
                                          "kramers[1/t]",  "weak_friction[1/t]", "overdamped[1/t]"};
    static const double minimum = 2, saddle = -1; /* curvatures of (x^2 - 1)^2 / 4 at 1 and 0 */
    turnover_figure o = {.lab = lab, .result = result, .barrier = {1, &minimum, &saddle, 0.25}, .minimum = minimum};
    sl_loss loss;
    SL_TRY(sl_loss_init(&loss, "double-well", err));
    sl_loss_slice slice = {&loss, 0};
    SL_TRY(sl_action_barrier(&o.action, sl_loss_slice_value, &slice, 1, 0, err));
    SL_TRY(sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill_turnover, &o, err));
    sl_prose text = {0};
    sl_say(
        &text,
        "Double well, barrier 1/4. Points: half the slowest eigenvalue of the Klein-Kramers operator. The rate differs "
        "from Melnikov and Meshkov's formula by at most %.0f %% at T = %g (at g = %.2g) and %.0f %% at T = %g (at g = "
        "%.2g): the formula, too, is a limit, T << 1/4.\n",
        100 * o.worst[0], temperatures[0], o.worst_at[0], 100 * o.worst[1], temperatures[1], o.worst_at[1]);
    sl_json_number(result, "largest_difference_warm", o.worst[0]);
    sl_json_number(result, "largest_difference_cold", o.worst[1]);
    sl_curve curves[TEMPERATURES][5];
    sl_panel panels[TEMPERATURES];
    char titles[TEMPERATURES][48];
    for (int i = 0; i < TEMPERATURES; i++) {
        static const struct {
            const char *title, *y;
            int colour, dash;
        } lines[] = {{"Melnikov, Meshkov", "4", 1, 0},
                     {"Kramers", "5", 2, 1},
                     {"weak friction", "6", 4, 1},
                     {"overdamped", "7", 3, 2}};
        for (int k = 0; k < 4; k++)
            curves[i][k] = (sl_curve){.kind = SL_CURVE_LINE,
                                      .title = lines[k].title,
                                      .dat = file,
                                      .block = TEMPERATURES + i,
                                      .x = "1",
                                      .y = lines[k].y,
                                      .colour = lines[k].colour,
                                      .dash = lines[k].dash};
        curves[i][4] = (sl_curve){
            .kind = SL_CURVE_POINTS, .title = "operator", .dat = file, .block = i, .x = "1", .y = "2", .colour = 0};
        snprintf(titles[i], sizeof titles[i], "T = %g, barrier %g T", temperatures[i], 0.25 / temperatures[i]);
        const double peak = i == 0 ? 0.03 : 0.002;
        panels[i] = (sl_panel){.title = titles[i],
                               .xlabel = "friction g",
                               .ylabel = "rate of escape",
                               .logx = true,
                               .logy = true,
                               .xmin = weakest,
                               .xmax = strongest,
                               .ymin = peak / 40,
                               .ymax = peak,
                               .curves = curves[i],
                               .n_curves = 5};
    }
    const sl_figure figure = {.name = "kramers-turnover",
                              .title = "Escape over a barrier, from weak to strong friction",
                              .caption = text.text,
                              .rows = 1,
                              .columns = TEMPERATURES,
                              .panels = panels,
                              .n_panels = TEMPERATURES};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_kramers_turnover = {"kramers-turnover", "Kramers 1940; Melnikov and Meshkov 1986",
                                              "rate of escape against friction, Klein-Kramers operator and formulas",
                                              kramers_turnover};

/* ---- phase-space ----------------------------------------------------------------------------------------------- */

static const double moments[] = {0.8, 2, 5, 12, 40};
enum { MOMENTS = sizeof moments / sizeof *moments, SHOWN = 101, SEPARATRIX = 201 };
static const double phase_T = 0.1, phase_friction = 0.3, phase_start = 0.25, phase_spread = 0.15;
static const double x_most = 1.9, v_most = 1.4;

/* A block: the density on an even grid, line by line. The operator's few nodes hold it to its tolerance; between them
 * it is bicubic, so that the map shows the density and not the nodes. */
static sl_status add_map(sl_table *t, const char *title, const sl_field *p, sl_err *err)
{
    sl_gsl_quiet();
    gsl_interp2d *const smooth = gsl_interp2d_alloc(gsl_interp2d_bicubic, p->n[1], p->n[0]);
    if (!smooth) return sl_fail(err, SL_E_MEMORY, "no memory for a map");
    sl_status st = sl_table_block(t, title, err);
    if (st == SL_OK && gsl_interp2d_init(smooth, p->node[1], p->node[0], p->value, p->n[1], p->n[0]) != GSL_SUCCESS)
        st = sl_fail(err, SL_E_NUMERIC, "map '%s': no interpolation on %zu x %zu nodes", title, p->n[0], p->n[1]);
    for (int i = 0; i < SHOWN; i++)
        for (int j = 0; j < SHOWN && st == SL_OK; j++) {
            const double x = x_most * (2 * i / (SHOWN - 1.0) - 1), v = v_most * (2 * j / (SHOWN - 1.0) - 1);
            const double density = gsl_interp2d_eval(smooth, p->node[1], p->node[0], p->value, v, x, NULL, NULL);
            const double row[] = {x, v, fmax(density, 0)};
            st = sl_table_add(t, row, err);
        }
    gsl_interp2d_free(smooth);
    return st;
}

/* v^2/2 + f = 1/4, the energy of the barrier: x = sqrt(2) sin s, v = sin(2 s) / sqrt(2). */
static sl_status add_separatrix(sl_table *t, sl_err *err)
{
    SL_TRY(sl_table_block(t, "separatrix", err));
    for (int i = 0; i < SEPARATRIX; i++) {
        const double s = 2 * M_PI * i / (SEPARATRIX - 1), row[] = {M_SQRT2 * sin(s), sin(2 * s) / M_SQRT2, NAN};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

typedef struct {
    const sl_lab *lab;
    double left[MOMENTS + 1]; /* <x> at the moments and in equilibrium */
} phase_figure;

static sl_status fill_phase(void *ctx, sl_table *t, sl_err *err)
{
    phase_figure *o = ctx;
    sl_question evolve = {.task = SL_TASK_EVOLVE, .from = {phase_start}, .spread = phase_spread, .n_times = MOMENTS};
    const sl_question stationary = {.task = SL_TASK_STATIONARY};
    sl_operator op;
    sl_answer a;
    char title[32];
    for (size_t i = 0; i < MOMENTS; i++) evolve.times[i] = moments[i];
    SL_TRY(sl_table_set(t, "setting", err,
                        "double well, dx = v dt, dv = -f' dt - g v dt + sqrt(2 g T) dW, g = %g, T = %g; start: x ~ "
                        "N(%g, %g^2); bicubic between the operator's nodes",
                        phase_friction, phase_T, phase_start, phase_spread));
    SL_TRY(sl_exact_underdamped(&op, "double-well", phase_T, phase_friction, o->lab, err));
    op.tolerance = 1e-4; /* a picture */
    SL_TRY(sl_exact_solve(&a, &op, &evolve, err));
    sl_status st = SL_OK;
    for (size_t i = 0; i < MOMENTS && st == SL_OK; i++) {
        snprintf(title, sizeof title, "t = %g", moments[i]);
        o->left[i] = sl_answer_number(&a, "x", i).value;
        st = add_map(t, title, sl_answer_field(&a, "density", i), err);
        sl_lab_report(o->lab, "phase-space", i + 1, MOMENTS + 1);
    }
    op.grid = a.grid; /* equilibrium would need less: the same nodes */
    sl_answer_clear(&a);
    SL_TRY(st);
    SL_TRY(sl_exact_solve(&a, &op, &stationary, err));
    o->left[MOMENTS] = sl_answer_number(&a, "x", 0).value;
    st = add_map(t, "equilibrium", sl_answer_field(&a, "density", 0), err);
    sl_answer_clear(&a);
    SL_TRY(st);
    return add_separatrix(t, err);
}

static sl_status phase_space(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char file[] = "phase-space.dat";
    static const char *const columns[] = {"x[x]", "v[x/t]", "density[t/x2]"};
    phase_figure o = {.lab = lab};
    SL_TRY(sl_tabulate(lab, file, 3, columns, fill_phase, &o, err));
    sl_json_numbers(result, "mean_x", o.left, MOMENTS + 1);
    sl_prose text = {0};
    sl_say(
        &text,
        "Klein-Kramers operator, double well, friction %g, T = %g, barrier 1/4: started beside the saddle, the law "
        "rolls into the right-hand well, winds up, and leaks through the gates of the separatrix (line: the energy of "
        "the barrier) until both wells hold exp(-(v²/2 + f)/T). <x> = ",
        phase_friction, phase_T);
    for (int i = 0; i < MOMENTS; i++)
        sl_say(&text, "%.3f at t = %g%s", o.left[i], moments[i], i + 1 < MOMENTS ? ", " : ".\n");
    sl_curve curves[MOMENTS + 1][2];
    sl_panel panels[MOMENTS + 1];
    char titles[MOMENTS + 1][32];
    for (int i = 0; i <= MOMENTS; i++) {
        if (i < MOMENTS)
            snprintf(titles[i], sizeof titles[i], "t = %g", moments[i]);
        else
            snprintf(titles[i], sizeof titles[i], "equilibrium");
        curves[i][0] = (sl_curve){
            .kind = SL_CURVE_MAP, .title = "density", .dat = file, .block = i, .x = "1", .y = "2", .value = "3"};
        curves[i][1] =
            (sl_curve){.kind = SL_CURVE_LINE, .dat = file, .block = MOMENTS + 1, .x = "1", .y = "2", .colour = 4};
        panels[i] = (sl_panel){.title = titles[i],
                               .xlabel = "x",
                               .ylabel = "v",
                               .xmin = -x_most,
                               .xmax = x_most,
                               .ymin = -v_most,
                               .ymax = v_most,
                               .key = "off",
                               .curves = curves[i],
                               .n_curves = 2};
    }
    const sl_figure figure = {.name = "phase-space",
                              .title = "A density in phase space on its way over a barrier",
                              .caption = text.text,
                              .rows = 2,
                              .columns = 3,
                              .panels = panels,
                              .n_panels = MOMENTS + 1};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_phase_space = {
    "phase-space", "Risken 1989, ch. 10",
    "the Klein-Kramers density in the (x, v) plane as a map, from start to equilibrium", phase_space};
