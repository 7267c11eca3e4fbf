/* kramers-turnover: the rate of escape against friction, from the Klein-Kramers operator, with the formulas.
 * phase-space: a density in the (x, v) plane on its way over a barrier. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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
    double minimum, action, worst[TEMPERATURES];
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
    op.tolerance = 1e-6;
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
    SL_TRY(sl_table_set(t, "setting", err, "double well, dx = v dt, dv = -f' dt - g v dt + sqrt(2 g T) dW; rate = half "
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
            o->worst[i] = fmax(o->worst[i], fabs(row[1] / row[3] - 1));
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
    static const char *const columns[] = {"friction[1/t]",   "rate[1/t]",        "rate_error[1/t]",
                                          "turnover[1/t]",   "kramers[1/t]",     "weak_friction[1/t]",
                                          "overdamped[1/t]"};
    static const double minimum = 2, saddle = -1; /* curvatures of (x^2 - 1)^2 / 4 at 1 and 0 */
    turnover_figure o = {.lab = lab, .result = result, .barrier = {1, &minimum, &saddle, 0.25}, .minimum = minimum};
    sl_loss loss;
    SL_TRY(sl_loss_init(&loss, "double-well", err));
    sl_loss_slice slice = {&loss, 0};
    SL_TRY(sl_action_barrier(&o.action, sl_loss_slice_value, &slice, 1, 0, err));
    SL_TRY(sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill_turnover, &o, err));
    sl_prose text = {0};
    sl_say(&text,
           "Double well, barrier 1/4. Points: half the slowest eigenvalue of the Klein-Kramers operator. Melnikov and "
           "Meshkov's formula is off by at most %.0f %% at T = %g and %.0f %% at T = %g: it, too, is for barriers that "
           "are high against T.\n",
           100 * o.worst[0], temperatures[0], 100 * o.worst[1], temperatures[1]);
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

const sl_recipe sl_recipe_kramers_turnover = {
    "kramers-turnover", "Kramers 1940; Melnikov and Meshkov 1986",
    "rate of escape against friction, Klein-Kramers operator and formulas", kramers_turnover};
