/* regime-trace: rate and gradient norm of Model 1 against time under automatic regimes.
 * regime-league: how far each regime ends above the minimum, over the best constant rate. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "claims/prose.h"
#include "claims/regimes.h"
#include "claims/synthetic.h"

/* ---- regime-trace ------------------------------------------------------------------------------------------------ */

static const char *const traced[] = {"secant-short", "auto"};
enum { TRACED = sizeof traced / sizeof *traced };

typedef struct {
    const sl_lab *lab;
    double correlation[TRACED][SL_SUITE_RULES];
} trace_figure;

static sl_status fill_traces(void *ctx, sl_table *t, sl_err *err)
{
    trace_figure *const f = ctx;
    for (size_t i = 0; i < TRACED * SL_SUITE_RULES; i++) {
        const size_t regime = i / SL_SUITE_RULES, rule = i % SL_SUITE_RULES;
        char title[64];
        sl_regime_trace trace;
        sl_lab_report(f->lab, "regime-trace", i, TRACED * SL_SUITE_RULES);
        SL_TRY(sl_trace_network(&trace, traced[regime], rule, 0, f->lab, err));
        f->correlation[regime][rule] = sl_rank_correlation(trace.rate, trace.gradient, SL_TRACE_POINTS);
        snprintf(title, sizeof title, "%s, %s", traced[regime], sl_suite_rules[rule]);
        SL_TRY(sl_table_block(t, title, err));
        for (size_t k = 0; k < SL_TRACE_POINTS; k++) {
            const double row[] = {trace.time[k], trace.rate[k], trace.gradient[k], trace.loss[k]};
            SL_TRY(sl_table_add(t, row, err));
        }
    }
    return SL_OK;
}

static sl_status draw_trace(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"epoch[1]", "lr[1]", "gradient_norm[nat]", "loss[nat]"};
    static const char file[] = "regime-trace.dat";
    trace_figure f = {.lab = lab};
    SL_TRY(sl_tabulate(lab, file, 4, columns, fill_traces, &f, err));
    sl_prose text = {0};
    sl_say(&text, "Model 1, nothing tuned. Rate: mean over a fortieth of the run; gradient: of 200 samples at its end. "
                  "Rank correlation of the two:");
    sl_curve curve[SL_SUITE_RULES][2 * TRACED];
    sl_panel panels[SL_SUITE_RULES];
    for (size_t j = 0; j < SL_SUITE_RULES; j++) {
        for (size_t i = 0; i < TRACED; i++) {
            const int block = (int)(i * SL_SUITE_RULES + j), colour = (int)i;
            sl_say(&text, "%s %s, %s %.2f", i + j > 0 ? ";" : "", sl_suite_rules[j], traced[i], f.correlation[i][j]);
            sl_json_number(result, i == 0 ? sl_suite_rules[j] : "auto", f.correlation[i][j]);
            curve[j][2 * i] = (sl_curve){.kind = SL_CURVE_LINE, .title = i == 0 ? "rate, secant-short" : "rate, auto",
                                         .dat = file, .block = block, .x = "1", .y = "2", .colour = colour};
            curve[j][2 * i + 1] = (sl_curve){.kind = SL_CURVE_LINE, .title = i == 0 ? "|∇f|, secant-short" : "|∇f|, auto",
                                             .dat = file, .block = block, .x = "1", .y = "3", .colour = colour,
                                             .dash = 1};
        }
        panels[j] = (sl_panel){.title = sl_suite_rules[j], .xlabel = "epoch", .ylabel = "rate, |∇f|", .logy = true,
                               .xmin = 0, .xmax = NAN, .ymin = NAN, .ymax = NAN, .curves = curve[j],
                               .n_curves = 2 * TRACED};
    }
    sl_say(&text, ".\n");
    const sl_figure figure = {.name = "regime-trace", .title = "Automatic rates and the norm of the gradient",
                              .caption = text.text, .rows = 1, .columns = 3, .panels = panels, .n_panels = 3};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_regime_trace = {"regime-trace", "Yang 2025",
                                          "rate and gradient norm of Model 1 against time under automatic regimes",
                                          draw_trace};

/* ---- regime-league ----------------------------------------------------------------------------------------------- */

static const char *const league[] = {"secant-short", "secant-long", "sgd-bb", "random-bb", "diagonal", "auto"};
enum { LEAGUE = sizeof league / sizeof *league };
/* Ratios beyond are drawn there. */
static const double CEILING = 1e3;

static sl_status add_ratio(sl_table *t, size_t place, sl_estimate ratio, double rate, sl_err *err)
{
    const double shown = fmin(fmax(ratio.value, 1 / CEILING), CEILING);
    return sl_table_add(t, (double[]){(double)place, ratio.value, ratio.se, shown, rate}, err);
}

static sl_status fill_league(void *ctx, sl_table *t, sl_err *err)
{
    const sl_lab *const lab = ctx;
    for (size_t j = 0; j < SL_SUITE_RULES; j++) {
        sl_suite_best best[SL_SUITE];
        sl_untuned_network u;
        for (size_t l = 0; l < SL_SUITE; l++) SL_TRY(sl_suite_tune(&best[l], l, j, lab, err));
        SL_TRY(sl_untuned_on_network(&u, league, LEAGUE, j, lab, err));
        for (size_t i = 0; i < LEAGUE; i++) {
            char title[64];
            sl_lab_report(lab, "regime-league", j * LEAGUE + i, SL_SUITE_RULES * LEAGUE);
            snprintf(title, sizeof title, "%s, %s", sl_suite_rules[j], league[i]);
            SL_TRY(sl_table_block(t, title, err));
            for (size_t l = 0; l < SL_SUITE; l++) {
                sl_estimate e;
                SL_TRY(sl_suite_regime(&e, l, j, league[i], lab, err));
                SL_TRY(add_ratio(t, l, sl_ratio(e, best[l].excess), best[l].rate, err));
            }
            const double ratio = exp(u.log_ratio[i].value);
            SL_TRY(add_ratio(t, SL_SUITE, (sl_estimate){ratio, ratio * u.log_ratio[i].se, INFINITY}, u.rate, err));
        }
    }
    return SL_OK;
}

static sl_status draw_league(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"place[1]", "ratio[1]", "ratio_se[1]", "shown[1]", "best_rate[1]"};
    static const char file[] = "regime-league.dat", labels[] = "absolute,huber,hinge,least sq.,logistic,Model 1";
    SL_TRY(sl_tabulate(lab, file, 5, columns, fill_league, (void *)lab, err));
    sl_prose text = {0};
    sl_say(&text, "Loss at the end over that of the best constant rate of a grid of ratio 2 (1: as good): f - f* on the "
                  "convex losses, training loss on Model 1 (5 seeds). Ratios beyond 10³ and 10⁻³ are drawn there. The "
                  "regime auto sees the convex losses themselves, without the noise of mini-batches.\n");
    sl_json_number(result, "regimes", LEAGUE);
    sl_curve curve[SL_SUITE_RULES][LEAGUE];
    sl_panel panels[SL_SUITE_RULES];
    for (size_t j = 0; j < SL_SUITE_RULES; j++) {
        for (size_t i = 0; i < LEAGUE; i++)
            curve[j][i] = (sl_curve){.kind = SL_CURVE_POINTS, .title = league[i], .dat = file,
                                     .block = (int)(j * LEAGUE + i), .x = "1", .y = "4", .labels = labels,
                                     .colour = (int)i};
        panels[j] = (sl_panel){.title = sl_suite_rules[j], .ylabel = "loss / best constant", .logy = true,
                               .xmin = -0.5, .xmax = SL_SUITE + 0.5, .ymin = 5e-4, .ymax = 2e3, .curves = curve[j],
                               .n_curves = LEAGUE};
    }
    const sl_figure figure = {.name = "regime-league", .title = "Automatic rates against the best constant one",
                              .caption = text.text, .rows = 3, .columns = 1, .width = 18, .panels = panels,
                              .n_panels = 3};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_regime_league = {
    "regime-league", "Yang 2025; Surjanovic 2025",
    "final loss under automatic regimes over that of the best constant rate, on convex losses and Model 1", draw_league};
