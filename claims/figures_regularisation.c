/* musso-4: how well a network generalises under each protocol, beside constant rates of the same temperature. */
#include "claims/figures_network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "claims/musso_network.h"
#include "claims/prose.h"

enum { FINAL, BEST, GAP, QUANTITIES };
static const char *const names[QUANTITIES] = {"final_test_accuracy", "best_test_accuracy", "generalisation_gap"};

typedef struct {
    const sl_musso_protocols *p;
    const char *data;
    double value[QUANTITIES][SL_MUSSO_MOST_ARMS * SL_MUSSO_MOST_SEEDS]; /* [arm * seeds + k], points */
} outcome;

static double at_end(const sl_table *t, const char *column)
{
    return sl_table_row(t, sl_table_rows(t) - 1)[sl_table_find(t, column)];
}

static void measure(outcome *o, sl_table *const *curves)
{
    for (size_t i = 0; i < o->p->n_arms * o->p->seeds; i++) {
        o->value[FINAL][i] = at_end(curves[i], "test_accuracy");
        o->value[BEST][i] = sl_table_max(curves[i], "test_accuracy");
        o->value[GAP][i] = at_end(curves[i], "train_accuracy") - o->value[FINAL][i];
    }
}

static sl_estimate mean_of(const outcome *o, int quantity, size_t arm, double *sd)
{
    sl_welford w = {0};
    for (size_t k = 0; k < o->p->seeds; k++) sl_welford_add(&w, o->value[quantity][arm * o->p->seeds + k]);
    *sd = sqrt(sl_welford_variance(&w));
    return sl_welford_mean(&w);
}

static sl_status fill(void *ctx, sl_table *t, sl_err *err)
{
    const outcome *const o = ctx;
    const sl_musso_protocols *const p = o->p;
    SL_TRY(sl_table_set(t, "data", err, "%s", o->data));
    SL_TRY(sl_table_set(t, "setting", err, "%s, l = %g, mu = %g, Nesterov, weight decay %g, C = %zu, %llu epochs, %zu seeds",
                        p->title, p->arms[0].lr, p->arms[0].mu, p->arms[0].weight_decay, p->arms[0].batch,
                        (unsigned long long)p->epochs, p->seeds));
    SL_TRY(sl_table_set(t, "gap", err, "training minus test accuracy at the end, the former a running mean over the "
                                       "last epoch"));
    SL_TRY(sl_table_block(t, "mean and standard deviation over seeds", err));
    for (size_t arm = 0; arm < p->n_arms; arm++) {
        double row[1 + 3 * QUANTITIES] = {(double)arm};
        for (int q = 0; q < QUANTITIES; q++) {
            const sl_estimate e = mean_of(o, q, arm, &row[2 + 3 * q]);
            row[1 + 3 * q] = e.value;
            row[3 + 3 * q] = e.se;
        }
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

/* What temperature explains: each protocol against the constant rate of its own mean, and of its own temperature. */
static sl_status say_pairs(sl_prose *text, cJSON *result, const outcome *o, sl_err *err)
{
    static const struct {
        const char *arm, *base, *what;
    } pairs[] = {{"random", "constant", "at equal mean rate, T 2 % higher: alpha on the step"},
                 {"random-gradient", "constant", "at equal mean rate, T 4/3: alpha on the gradient"},
                 {"random-gradient", "hotter-4-3", "at equal temperature"},
                 {"hotter-4-3", "constant", "what 4/3 of the rate does alone"},
                 {"hotter-3-2", "constant", "what 3/2 of the rate does alone"}};
    const sl_musso_protocols *const p = o->p;
    cJSON *const list = cJSON_AddArrayToObject(result, "pairs");
    enum { PAIRS = sizeof pairs / sizeof *pairs };
    const char *title[PAIRS], *base[PAIRS];
    sl_tost_result t[PAIRS];
    double p_value[PAIRS], adjusted[PAIRS];
    for (size_t i = 0; i < PAIRS; i++) {
        size_t a = 0, b = 0;
        for (size_t k = 0; k < p->n_arms; k++) {
            if (strcmp(p->arms[k].name, pairs[i].arm) == 0) a = k;
            if (strcmp(p->arms[k].name, pairs[i].base) == 0) b = k;
        }
        SL_TRY(sl_tost_paired(&t[i], o->value[BEST] + a * p->seeds, o->value[BEST] + b * p->seeds, p->seeds, p->margin,
                              0.05, err));
        title[i] = p->arms[a].title;
        base[i] = p->arms[b].title;
        p_value[i] = t[i].p;
    }
    sl_holm(adjusted, p_value, PAIRS);
    sl_say(text, "Bars: standard errors. Differences of best test accuracy, paired over %zu seeds; TOST, margin %g "
                 "points, Holm:\n", p->seeds, p->margin);
    for (size_t i = 0; i < PAIRS; i++) {
        const bool equivalent = adjusted[i] < 0.05;
        sl_say(text, "%s - %s (%s): %+.2f ± %.2f, %s (p = %.2g)\n", title[i], base[i], pairs[i].what,
               t[i].difference.value, t[i].difference.se, equivalent ? "equivalent" : "not shown equivalent",
               adjusted[i]);
        cJSON *const item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "protocol", title[i]);
        cJSON_AddStringToObject(item, "against", base[i]);
        sl_json_estimate(item, "difference", t[i].difference);
        sl_json_number(item, "tost_p_holm", adjusted[i]);
        cJSON_AddBoolToObject(item, "equivalent", equivalent);
        cJSON_AddItemToArray(list, item);
    }
    return SL_OK;
}

static sl_status musso_4(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"protocol[1]", "final[%]", "final_sd[%]", "final_se[%]", "best[%]", "best_sd[%]",
                                          "best_se[%]",  "gap[points]", "gap_sd[points]", "gap_se[points]"};
    static const char file[] = "musso-4.dat";
    const sl_musso_protocols p = sl_musso_regularisation_at(lab->scale);
    sl_table *curves[SL_MUSSO_MOST_ARMS * SL_MUSSO_MOST_SEEDS];
    outcome o = {.p = &p};
    SL_TRY(sl_musso_protocol_curves(curves, lab, &p, err));
    char data[128];
    snprintf(data, sizeof data, "%s", sl_table_get(curves[0], "data"));
    o.data = data;
    measure(&o, curves);
    sl_network_free_curves(curves, p.n_arms * p.seeds);
    SL_TRY(sl_tabulate(lab, file, sizeof columns / sizeof *columns, columns, fill, &o, err));

    cJSON *const list = cJSON_AddArrayToObject(result, "protocols");
    for (size_t arm = 0; arm < p.n_arms; arm++) {
        cJSON *const item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "protocol", p.arms[arm].title);
        for (int q = 0; q < QUANTITIES; q++) {
            double sd;
            sl_json_estimate(item, names[q], mean_of(&o, q, arm, &sd));
        }
        cJSON_AddItemToArray(list, item);
    }
    sl_prose text = {0};
    sl_say(&text, "%s on %s; %llu epochs, %s scale. Bars: standard deviation over seeds.\n", p.title, o.data,
           (unsigned long long)p.epochs, sl_scale_name(lab->scale));
    const sl_status said = say_pairs(&text, result, &o, err);
    if (said != SL_OK) {
        free(text.text);
        return said;
    }

    char labels[256];
    sl_arm_labels(labels, sizeof labels, p.arms, p.n_arms);
    const sl_curve accuracy[] = {
        {.kind = SL_CURVE_POINTS, .title = "best", .dat = file, .x = "($1-0.08)", .y = "5", .error = "6",
         .labels = labels, .colour = 0},
        {.kind = SL_CURVE_POINTS, .title = "final", .dat = file, .x = "($1+0.08)", .y = "2", .error = "3",
         .labels = labels, .colour = 1}};
    const sl_curve gap = {.kind = SL_CURVE_POINTS, .dat = file, .x = "1", .y = "8", .error = "9", .labels = labels,
                          .colour = 2};
    const double right = (double)p.n_arms - 0.5;
    const sl_panel panels[] = {
        {.title = "Test accuracy", .xlabel = "protocol", .ylabel = "accuracy [%]", .xmin = -0.5, .xmax = right,
         .ymin = NAN, .ymax = NAN, .curves = accuracy, .n_curves = 2},
        {.title = "Generalisation gap", .xlabel = "protocol", .ylabel = "training - test accuracy [points]", .xmin = -0.5,
         .xmax = right, .ymin = NAN, .ymax = NAN, .key = "off", .curves = &gap, .n_curves = 1}};
    char title[160];
    snprintf(title, sizeof title, "Regularisation or temperature: %s on %s (after Musso 2020, figure 4)", p.title, p.data);
    const sl_figure figure = {.name = "musso-4", .title = title, .caption = text.text, .rows = 1, .columns = 2,
                              .panels = panels, .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_musso_4 = {
    "musso-4", "Musso 2020, figure 4",
    "accuracy and generalisation gap under the protocols, beside constant rates of the same temperature", musso_4};
