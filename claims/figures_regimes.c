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

static const char *const traced[] = {"secant-short", "balance", "auto"};
enum { TRACED = sizeof traced / sizeof *traced, QUANTITIES = 2 };

typedef struct {
    const sl_lab *lab;
    double correlation[TRACED][SL_SUITE_RULES];
} trace_figure;

static int trace_block(size_t regime, size_t rule)
{
    return (int)(regime * SL_SUITE_RULES + rule);
}

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

static void say_correlations(sl_prose *text, cJSON *result, const trace_figure *f)
{
    cJSON *const all = cJSON_AddObjectToObject(result, "rank_correlation");
    sl_say(text, "Model 1, nothing tuned. Rate: mean over a fortieth of the run; gradient: of 200 pictures, at its "
                 "end. Rank correlation of the two (plain, heavy-ball, sign):");
    for (size_t i = 0; i < TRACED; i++) {
        cJSON *const one = cJSON_AddObjectToObject(all, traced[i]);
        sl_say(text, "%s %s", i ? ";" : "", traced[i]);
        for (size_t j = 0; j < SL_SUITE_RULES; j++) {
            sl_json_number(one, sl_suite_rules[j], f->correlation[i][j]);
            sl_say(text, "%s %.2f", j ? "," : "", f->correlation[i][j]);
        }
    }
    sl_say(text, ".\n");
}

static sl_status draw_trace(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"epoch[1]", "lr[1]", "gradient_norm[nat]", "loss[nat]"};
    static const char *const column[QUANTITIES] = {"2", "3"}, *const name[QUANTITIES] = {"rate", "|∇f|"};
    static const char file[] = "regime-trace.dat";
    trace_figure f = {.lab = lab};
    sl_prose text = {0};
    sl_curve curve[QUANTITIES * SL_SUITE_RULES][TRACED];
    sl_panel panels[QUANTITIES * SL_SUITE_RULES];
    SL_TRY(sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill_traces, &f, err));
    say_correlations(&text, result, &f);
    for (size_t p = 0; p < QUANTITIES * SL_SUITE_RULES; p++) {
        const size_t q = p / SL_SUITE_RULES, rule = p % SL_SUITE_RULES;
        for (size_t i = 0; i < TRACED; i++)
            curve[p][i] = (sl_curve){.kind = SL_CURVE_LINE, .title = traced[i], .dat = file,
                                     .block = trace_block(i, rule), .x = "1", .y = column[q], .colour = (int)i};
        panels[p] = (sl_panel){.title = q == 0 ? sl_suite_rules[rule] : NULL, .xlabel = "epoch", .ylabel = name[q],
                               .logy = true, .xmin = 0, .xmax = NAN, .ymin = NAN, .ymax = NAN, .curves = curve[p],
                               .n_curves = TRACED};
    }
    const sl_figure figure = {.name = "regime-trace", .title = "Automatic rates and the norm of the gradient",
                              .caption = text.text, .rows = QUANTITIES, .columns = SL_SUITE_RULES, .panels = panels,
                              .n_panels = QUANTITIES * SL_SUITE_RULES};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_regime_trace = {"regime-trace", "Yang 2025",
                                          "rate and gradient norm of Model 1 against time under automatic regimes",
                                          draw_trace};

/* ---- regime-league ----------------------------------------------------------------------------------------------- */

/* The last one goes by layers, of which the convex losses have one. */
static const char *const league[] = {"secant-long", "secant-short", "diagonal", "random-bb", "sgd-bb",
                                     "polyak",      "auto",         "balance",  "layer-wise"};
static const char league_labels[] = "secant-long,secant-short,diagonal,random-bb,sgd-bb,polyak,auto,balance,layer-wise";
enum { LEAGUE = sizeof league / sizeof *league, PLACES = SL_SUITE + 1 };
/* Ratios beyond are drawn there. */
static const double CEILING = 1e3;

typedef struct {
    const sl_lab *lab;
    double mean[LEAGUE][SL_SUITE_RULES], worst[LEAGUE][SL_SUITE_RULES]; /* geometric mean over places, and the most */
    sl_estimate network[LEAGUE][SL_SUITE_RULES];                        /* Model 1: ln(loss / best)                 */
    size_t seeds;
} league_figure;

static sl_status add_ratio(league_figure *f, sl_table *t, size_t regime, size_t rule, sl_estimate ratio, double rate,
                           sl_err *err)
{
    const double shown = fmin(fmax(ratio.value, 1 / CEILING), CEILING);
    const double bar = shown < ratio.value || !isfinite(ratio.se) ? 0 : fmin(ratio.se, 0.9 * shown);
    f->mean[regime][rule] *= pow(shown, 1.0 / (regime == LEAGUE - 1 ? 1 : PLACES));
    f->worst[regime][rule] = fmax(f->worst[regime][rule], ratio.value);
    return sl_table_add(t, (double[]){(double)regime, ratio.value, ratio.se, shown, bar, rate}, err);
}

static sl_status fill_suite(league_figure *f, sl_table *t, size_t loss, size_t rule, sl_err *err)
{
    sl_suite_best best;
    SL_TRY(sl_suite_tune(&best, loss, rule, f->lab, err));
    for (size_t i = 0; i + 1 < LEAGUE; i++) {
        sl_estimate e;
        sl_lab_report(f->lab, "regime-league", (rule * SL_SUITE + loss) * LEAGUE + i,
                      SL_SUITE_RULES * SL_SUITE * LEAGUE);
        SL_TRY(sl_suite_regime(&e, loss, rule, league[i], f->lab, err));
        SL_TRY(add_ratio(f, t, i, rule, sl_ratio(e, best.excess), best.rate, err));
    }
    return SL_OK;
}

static sl_status fill_network(league_figure *f, sl_table *t, size_t rule, sl_err *err)
{
    sl_untuned_network u;
    SL_TRY(sl_untuned_on_network(&u, league, LEAGUE, rule, f->lab, err));
    f->seeds = u.seeds;
    for (size_t i = 0; i < LEAGUE; i++) {
        const double ratio = exp(u.log_ratio[i].value);
        f->network[i][rule] = u.log_ratio[i];
        SL_TRY(add_ratio(f, t, i, rule, (sl_estimate){ratio, ratio * u.log_ratio[i].se, u.log_ratio[i].dof}, u.rate,
                         err));
    }
    return SL_OK;
}

static sl_status fill_league(void *ctx, sl_table *t, sl_err *err)
{
    league_figure *const f = ctx;
    for (size_t i = 0; i < LEAGUE * SL_SUITE_RULES; i++) f->mean[i / SL_SUITE_RULES][i % SL_SUITE_RULES] = 1;
    for (size_t rule = 0; rule < SL_SUITE_RULES; rule++)
        for (size_t place = 0; place < PLACES; place++) {
            char title[64];
            snprintf(title, sizeof title, "%s, %s", sl_suite_rules[rule],
                     place < SL_SUITE ? sl_suite_titles[place] : "Model 1");
            SL_TRY(sl_table_block(t, title, err));
            SL_TRY(place < SL_SUITE ? fill_suite(f, t, place, rule, err) : fill_network(f, t, rule, err));
        }
    return SL_OK;
}

static void say_league(sl_prose *text, cJSON *result, const league_figure *f)
{
    sl_say(text, "Loss at the end over that of the best constant rate of a grid of ratio 2 (1: as good): f - f* on the "
                 "convex losses, training loss on Model 1 (%zu seeds). Ratios beyond 10³ and 10⁻³ are drawn there. polyak "
                 "knows f*. Model 1 (plain, heavy-ball, sign):", f->seeds);
    for (size_t i = 0; i < LEAGUE; i++) {
        cJSON *const one = cJSON_AddObjectToObject(result, league[i]);
        sl_say(text, "%s %s", i ? ";" : "", league[i]);
        for (size_t j = 0; j < SL_SUITE_RULES; j++) {
            cJSON *const rule = cJSON_AddObjectToObject(one, sl_suite_rules[j]);
            sl_json_number(rule, "geometric_mean", f->mean[i][j]);
            sl_json_number(rule, "worst", f->worst[i][j]);
            sl_json_estimate(rule, "model_1_log_ratio", f->network[i][j]);
            sl_say(text, "%s %.2g", j ? "," : "", exp(f->network[i][j].value));
        }
    }
    sl_say(text, ".\n");
}

static sl_status draw_league(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"regime[1]", "ratio[1]", "ratio_se[1]", "shown[1]", "bar[1]", "best_rate[1]"};
    static const char file[] = "regime-league.dat";
    league_figure f = {.lab = lab};
    sl_prose text = {0};
    sl_curve curve[SL_SUITE_RULES][PLACES + 1];
    sl_panel panels[SL_SUITE_RULES];
    SL_TRY(sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill_league, &f, err));
    say_league(&text, result, &f);
    for (size_t j = 0; j < SL_SUITE_RULES; j++) {
        for (size_t p = 0; p < PLACES; p++)
            curve[j][p] = (sl_curve){.kind = SL_CURVE_POINTS, .title = p < SL_SUITE ? sl_suite_titles[p] : "Model 1",
                                     .dat = file, .block = (int)(j * PLACES + p), .x = "1", .y = "4", .error = "5",
                                     .labels = league_labels, .colour = p < SL_SUITE ? (int)p : 6};
        curve[j][PLACES] = (sl_curve){.kind = SL_CURVE_FUNCTION, .function = "1", .colour = 6, .dash = 2};
        panels[j] = (sl_panel){.title = sl_suite_rules[j], .ylabel = "loss / best constant", .logy = true,
                               .xmin = -0.5, .xmax = LEAGUE - 0.5, .ymin = 5e-4, .ymax = 2e3, .curves = curve[j],
                               .n_curves = PLACES + 1};
    }
    const sl_figure figure = {.name = "regime-league", .title = "Automatic rates against the best constant one",
                              .caption = text.text, .rows = SL_SUITE_RULES, .columns = 1, .width = 20, .panels = panels,
                              .n_panels = SL_SUITE_RULES};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_regime_league = {
    "regime-league", "Yang 2025; Surjanovic 2025",
    "final loss under automatic regimes over that of the best constant rate, on convex losses and Model 1",
    draw_league};
