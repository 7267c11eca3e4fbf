/* Figures 1, 3 (left) and 5 of Musso 2020, on Model 1: recipes. */
#include "claims/figures_network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "claims/musso_network.h"
#include "claims/prose.h"

static double cell(const sl_table *t, size_t row, const char *column)
{
    return sl_table_row(t, row)[sl_table_find(t, column)];
}

/* Blocks of mean and standard deviation over seeds, a row an epoch, a block an arm. */
static sl_status mean_curves(sl_table **out, sl_table *const *curves, const sl_arm *arms, size_t n_arms, size_t seeds,
                             sl_err *err)
{
    static const char *const columns[] = {"epoch[1]",          "time[1]",           "train_loss[nat]",
                                          "train_loss_sd[nat]", "train_accuracy[%]", "train_accuracy_sd[%]",
                                          "test_loss[nat]",    "test_loss_sd[nat]", "test_accuracy[%]",
                                          "test_accuracy_sd[%]"};
    static const char *const averaged[] = {"train_loss", "train_accuracy", "test_loss", "test_accuracy"};
    sl_table *t = sl_table_alloc(10, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for the mean curves");
    sl_status st = sl_table_set(t, "seeds", err, "%zu, standard deviations are over seeds", seeds);
    if (st == SL_OK) st = sl_table_set(t, "data", err, "%s", sl_table_get(curves[0], "data"));
    if (st == SL_OK) st = sl_table_set(t, "rule", err, "%s, batch %zu", sl_table_get(curves[0], "rule"), arms[0].batch);
    for (size_t arm = 0; arm < n_arms && st == SL_OK; arm++) {
        sl_table *const *c = curves + arm * seeds;
        st = sl_table_block(t, arms[arm].title, err);
        for (size_t i = 0; i < sl_table_rows(c[0]) && st == SL_OK; i++) {
            double row[10] = {cell(c[0], i, "epoch"), cell(c[0], i, "time")};
            for (size_t q = 0; q < 4; q++) {
                sl_welford w = {0};
                for (size_t k = 0; k < seeds; k++) sl_welford_add(&w, cell(c[k], i, averaged[q]));
                row[2 + 2 * q] = w.mean;
                row[3 + 2 * q] = sqrt(sl_welford_variance(&w));
            }
            st = sl_table_add(t, row, err);
        }
    }
    if (st == SL_OK)
        *out = t;
    else
        sl_table_free(t);
    return st;
}

/* TOST of best test accuracies of every protocol against the constant one, Holm over the four. */
enum { RIVALS = SL_MUSSO_PROTOCOLS - 1 };
typedef struct {
    double best[SL_MUSSO_PROTOCOLS * SL_MUSSO_MOST_SEEDS];
    sl_welford mean[SL_MUSSO_PROTOCOLS];
    sl_tost_result tost[RIVALS];
    double adjusted[RIVALS];
} protocol_verdicts;

static sl_status judge_protocols(protocol_verdicts *v, sl_table *const *curves, const sl_musso_protocols *setting,
                                 sl_err *err)
{
    const size_t seeds = setting->seeds;
    double p[RIVALS];
    for (size_t arm = 0; arm < SL_MUSSO_PROTOCOLS; arm++) {
        v->mean[arm] = (sl_welford){0};
        for (size_t k = 0; k < seeds; k++) {
            v->best[arm * seeds + k] = sl_table_max(curves[arm * seeds + k], "test_accuracy");
            sl_welford_add(&v->mean[arm], v->best[arm * seeds + k]);
        }
    }
    for (size_t i = 0; i < RIVALS; i++) {
        SL_TRY(sl_tost_paired(&v->tost[i], v->best + (i + 1) * seeds, v->best, seeds, setting->margin, 0.05, err));
        p[i] = v->tost[i].p;
    }
    sl_holm(v->adjusted, p, RIVALS);
    return SL_OK;
}

static void say_protocols(sl_prose *text, cJSON *result, const protocol_verdicts *v, const sl_musso_protocols *p)
{
    const sl_arm *const arms = p->arms;
    cJSON *list = result ? cJSON_AddArrayToObject(result, "protocols") : NULL;
    sl_say(text, "Best test accuracy, mean (sd) over %zu seeds; paired TOST against constant, margin %.1f points, Holm:\n",
           p->seeds, p->margin);
    for (size_t arm = 0; arm < SL_MUSSO_PROTOCOLS; arm++) {
        const double sd = sqrt(sl_welford_variance(&v->mean[arm]));
        sl_say(text, "%s %.2f (%.2f) %%", arms[arm].title, v->mean[arm].mean, sd);
        if (arm > 0) {
            const sl_tost_result *t = &v->tost[arm - 1];
            sl_say(text, ": difference %+.2f ± %.2f, %s (p = %.1e)", t->difference.value, t->difference.se,
                v->adjusted[arm - 1] < 0.05 ? "equivalent" : "not shown equivalent", v->adjusted[arm - 1]);
        }
        sl_say(text, "\n");
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "protocol", arms[arm].title);
        sl_json_estimate(o, "best_test_accuracy", sl_welford_mean(&v->mean[arm]));
        sl_json_number(o, "sd", sd);
        if (arm > 0) {
            sl_json_estimate(o, "difference", v->tost[arm - 1].difference);
            sl_json_number(o, "tost_p_holm", v->adjusted[arm - 1]);
            cJSON_AddBoolToObject(o, "equivalent", v->adjusted[arm - 1] < 0.05);
        }
        if (list)
            cJSON_AddItemToArray(list, o);
        else
            cJSON_Delete(o);
    }
}

/* ---- musso-1 --------------------------------------------------------------------------------------------------- */

static sl_status musso_1(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_protocols p = sl_musso_protocols_at(lab->scale);
    const size_t n = SL_MUSSO_PROTOCOLS * p.seeds;
    sl_table *curves[SL_MUSSO_PROTOCOLS * SL_MUSSO_MOST_SEEDS], *mean = NULL;
    SL_TRY(sl_musso_protocol_curves(curves, lab, &p, err));

    protocol_verdicts v;
    sl_prose text = {0};
    sl_status st = mean_curves(&mean, curves, p.arms, SL_MUSSO_PROTOCOLS, p.seeds, err);
    if (st == SL_OK) st = judge_protocols(&v, curves, &p, err);
    sl_network_free_curves(curves, n);
    if (st == SL_OK) st = sl_run_table(lab->run, "musso-1.dat", mean, err);
    sl_table_free(mean);
    if (st != SL_OK) return st;

    say_protocols(&text, result, &v, &p);
    sl_curve loss[SL_MUSSO_PROTOCOLS], accuracy[2 * SL_MUSSO_PROTOCOLS];
    for (int a = 0; a < SL_MUSSO_PROTOCOLS; a++) {
        loss[a] = (sl_curve){.kind = SL_CURVE_BAND, .title = p.arms[a].title, .dat = "musso-1.dat", .block = a,
                             .x = "1", .y = "3", .error = "4", .colour = a, .dash = a == 1};
        accuracy[2 * a] = (sl_curve){.kind = SL_CURVE_BAND, .title = p.arms[a].title, .dat = "musso-1.dat", .block = a,
                                     .x = "1", .y = "9", .error = "10", .colour = a};
        accuracy[2 * a + 1] = (sl_curve){.kind = SL_CURVE_LINE, .dat = "musso-1.dat", .block = a, .x = "1", .y = "5",
                                         .colour = a, .dash = 1};
    }
    const sl_panel panels[] = {
        {.title = "Training loss", .xlabel = "epoch", .ylabel = "mean cross-entropy [nat]", .logy = true, .xmin = NAN,
         .xmax = NAN, .ymin = NAN, .ymax = NAN, .key = "top right", .curves = loss, .n_curves = SL_MUSSO_PROTOCOLS},
        {.title = "Accuracy: test (solid), training (dashed)", .xlabel = "epoch", .ylabel = "accuracy [%]", .xmin = NAN,
         .xmax = NAN, .ymin = lab->scale == SL_QUICK ? 60 : 90, .ymax = 100, .key = "bottom right", .curves = accuracy,
         .n_curves = 2 * SL_MUSSO_PROTOCOLS}};
    const sl_figure figure = {.name = "musso-1",
                              .title = "Model 1 under protocols of one mean rate (after Musso 2020, figure 1)",
                              .caption = text.text, .rows = 1, .columns = 2, .panels = panels, .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_musso_1 = {
    "musso-1", "Musso 2020, figure 1",
    "loss and accuracy curves of Model 1 under constant, random and cyclic protocols", musso_1};

/* ---- musso-3 --------------------------------------------------------------------------------------------------- */

static sl_status musso_3(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_protocols p = sl_musso_protocols_at(lab->scale);
    const size_t n = SL_MUSSO_PROTOCOLS * p.seeds;
    static const char *const columns[] = {"protocol[1]", "best_test_accuracy[%]", "sd[%]", "se[%]", "tost_p_holm[1]"};
    sl_table *curves[SL_MUSSO_PROTOCOLS * SL_MUSSO_MOST_SEEDS], *t = NULL;
    SL_TRY(sl_musso_protocol_curves(curves, lab, &p, err));
    protocol_verdicts v;
    sl_status st = judge_protocols(&v, curves, &p, err);
    if (st == SL_OK && !(t = sl_table_alloc(5, columns))) st = sl_fail(err, SL_E_MEMORY, "no memory for a table");
    if (st == SL_OK) st = sl_table_set(t, "data", err, "%s", sl_table_get(curves[0], "data"));
    sl_network_free_curves(curves, n);
    if (st == SL_OK)
        st = sl_table_set(t, "setting", err, "Model 1, l = %g, mu = %g, Nesterov, C = %zu, %llu epochs, %zu seeds",
                          p.arms[0].lr, p.arms[0].mu, p.arms[0].batch, (unsigned long long)p.epochs, p.seeds);
    if (st == SL_OK) st = sl_table_set(t, "tost", err, "against protocol 0, margin %g points, paired by seed, Holm", p.margin);
    if (st == SL_OK) st = sl_table_block(t, "mean over seeds", err);
    for (size_t a = 0; a < SL_MUSSO_PROTOCOLS && st == SL_OK; a++) {
        const sl_estimate e = sl_welford_mean(&v.mean[a]);
        const double row[] = {(double)a, e.value, sqrt(sl_welford_variance(&v.mean[a])), e.se,
                              a > 0 ? v.adjusted[a - 1] : NAN};
        st = sl_table_add(t, row, err);
    }
    if (st == SL_OK) st = sl_table_block(t, "every seed", err);
    for (size_t i = 0; i < n && st == SL_OK; i++) {
        const double row[] = {(double)(i / p.seeds), v.best[i], NAN, NAN, NAN};
        st = sl_table_add(t, row, err);
    }
    if (st == SL_OK) st = sl_run_table(lab->run, "musso-3.dat", t, err);
    sl_table_free(t);
    if (st != SL_OK) return st;

    sl_prose text = {0};
    say_protocols(&text, result, &v, &p);
    char labels[256] = "";
    for (size_t a = 0; a < SL_MUSSO_PROTOCOLS; a++) {
        char name[64];
        snprintf(name, sizeof name, "%s", p.arms[a].title);
        for (char *c = strchr(name, ','); c; c = strchr(name, ',')) memmove(c, c + 1, strlen(c));
        snprintf(labels + strlen(labels), sizeof labels - strlen(labels), "%s%s", a ? "," : "", name);
    }
    const sl_curve curve[] = {
        {.kind = SL_CURVE_POINTS, .title = "every seed", .dat = "musso-3.dat", .block = 1, .x = "1", .y = "2",
         .labels = labels, .colour = 1},
        {.kind = SL_CURVE_POINTS, .title = "mean and standard deviation", .dat = "musso-3.dat", .block = 0, .x = "1",
         .y = "2", .error = "3", .labels = labels, .colour = 0}};
    const sl_panel panel = {.xlabel = "protocol", .ylabel = "best test accuracy [%]", .xmin = -0.5,
                            .xmax = SL_MUSSO_PROTOCOLS - 0.5, .ymin = NAN, .ymax = NAN,
                            .curves = curve, .n_curves = 2};
    const sl_figure figure = {.name = "musso-3",
                              .title = "Best test accuracy of Model 1 (after Musso 2020, figure 3 left)",
                              .caption = text.text, .rows = 1, .columns = 1, .width = 18, .height = 9,
                              .panels = &panel, .n_panels = 1};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_musso_3 = {"musso-3", "Musso 2020, figure 3 left",
                                     "best test accuracy of Model 1 under five protocols, over seeds, with TOST",
                                     musso_3};

/* ---- musso-5 --------------------------------------------------------------------------------------------------- */

/* Accuracy of a seed averaged over the epochs of a curve: one number for the whole curve. */
static double curve_mean(const sl_table *t, size_t stride, size_t epochs)
{
    double sum = 0;
    for (size_t e = 1; e <= epochs; e++) sum += cell(t, stride * e - 1, "test_accuracy");
    return sum / (double)epochs;
}

static sl_status musso_5(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_figure_5 p = sl_musso_figure_5_at(lab->scale);
    const size_t n = p.seeds, epochs = (size_t)p.epochs;
    static const char *const columns[] = {"experiment[1]", "final_test_accuracy[%]", "sd[%]"};
    static const double curve_margin = 1; /* points, on the mean over the epochs: paces differ by 10 and more */
    sl_table *curves[3 * SL_MUSSO_MOST_SEEDS], *mean = NULL, *final = NULL;
    SL_TRY(sl_musso_figure_5_curves(curves, lab, &p, err));

    double whole[4][SL_MUSSO_MOST_SEEDS], last[3][SL_MUSSO_MOST_SEEDS];
    for (size_t k = 0; k < n; k++) {
        for (size_t a = 0; a < 3; a++) {
            whole[a][k] = curve_mean(curves[a * n + k], 1, epochs);
            last[a][k] = cell(curves[a * n + k], epochs - 1, "test_accuracy");
        }
        whole[3][k] = curve_mean(curves[2 * n + k], 2, epochs); /* III at I's times */
    }
    sl_tost_result equal, other, same_time;
    sl_status st = sl_tost_paired(&equal, whole[1], whole[0], n, curve_margin, 0.05, err);
    if (st == SL_OK) st = sl_tost_paired(&other, whole[2], whole[0], n, curve_margin, 0.05, err);
    if (st == SL_OK) st = sl_tost_paired(&same_time, whole[3], whole[0], n, curve_margin, 0.05, err);
    if (st == SL_OK) st = mean_curves(&mean, curves, p.arms, 3, n, err);
    sl_network_free_curves(curves, 3 * n);
    if (st == SL_OK) st = sl_run_table(lab->run, "musso-5.dat", mean, err);
    sl_table_free(mean);
    if (st == SL_OK && !(final = sl_table_alloc(3, columns))) st = sl_fail(err, SL_E_MEMORY, "no memory for a table");
    if (st == SL_OK) st = sl_table_set(final, "epochs", err, "%zu, sd over %zu seeds", epochs, n);
    for (size_t a = 0; a < 3 && st == SL_OK; a++) {
        sl_welford w = {0};
        for (size_t k = 0; k < n; k++) sl_welford_add(&w, last[a][k]);
        const double row[] = {(double)a, w.mean, sqrt(sl_welford_variance(&w))};
        st = sl_table_add(final, row, err);
    }
    if (st == SL_OK) st = sl_run_table(lab->run, "musso-5-final.dat", final, err);
    sl_table_free(final);
    if (st != SL_OK) return st;

    sl_prose text = {0};
    sl_say(&text, "%s; %s; %s. Bands: standard deviation over seeds.\n", p.arms[0].title, p.arms[1].title,
           p.arms[2].title);
    sl_say(&text, "Test accuracy averaged over %zu epochs, %zu seeds; paired TOST, margin %g point:\n", epochs, n, curve_margin);
    const struct {
        const char *what, *key;
        const sl_tost_result *t;
    } verdicts[] = {{"II - I (equal T), equal epochs", "equal_temperature", &equal},
                    {"III - I (half T), equal epochs", "counter_check", &other},
                    {"III - I (half T), equal time", "equal_time", &same_time}};
    for (size_t i = 0; i < 3; i++) {
        const sl_tost_result *t = verdicts[i].t;
        const bool beyond = sl_compare(t->difference, curve_margin, 0.1) == SL_OUTSIDE; /* the 90 % interval of TOST */
        sl_say(&text, "%s: %+.2f ± %.2f points, %s (p = %.1e)\n", verdicts[i].what, t->difference.value, t->difference.se,
               t->equivalent ? "equivalent" : beyond ? "different" : "not shown equivalent", t->p);
        cJSON *o = cJSON_AddObjectToObject(result, verdicts[i].key);
        sl_json_estimate(o, "difference", t->difference);
        sl_json_number(o, "tost_p", t->p);
        cJSON_AddBoolToObject(o, "equivalent", t->equivalent);
        cJSON_AddBoolToObject(o, "different", beyond);
    }
    static const char *const short_titles[3] = {"I", "II (same T)", "III (half T)"};
    static const int colours[3] = {1, 2, 4}; /* vermilion, green, and one paler, as in the paper */
    sl_curve by_epoch[3], by_time[3];
    for (int a = 0; a < 3; a++) {
        by_epoch[a] = (sl_curve){.kind = SL_CURVE_BAND, .title = short_titles[a], .dat = "musso-5.dat", .block = a,
                                 .x = "1", .y = "9", .error = "10", .colour = colours[a], .dash = a == 1};
        by_time[a] = by_epoch[a];
        by_time[a].x = "2";
    }
    const sl_curve finals = {.kind = SL_CURVE_POINTS, .dat = "musso-5-final.dat", .x = "1", .y = "2", .error = "3",
                             .labels = "I,II,III", .colour = 0};
    const sl_panel panels[] = {
        {.title = "Against epochs (the paper's)", .xlabel = "epoch", .ylabel = "test accuracy [%]", .xmin = 0,
         .xmax = (double)epochs, .ymin = NAN, .ymax = NAN, .key = "bottom right", .curves = by_epoch, .n_curves = 3},
        {.title = "Against time: the confound", .xlabel = "t = Σ l / (1 - μ)",
         .ylabel = "test accuracy [%]", .xmin = 0, .xmax = NAN, .ymin = NAN, .ymax = NAN, .key = "bottom right",
         .curves = by_time, .n_curves = 3},
        {.title = "At equal epochs, the last", .xlabel = "experiment", .ylabel = "test accuracy [%]", .xmin = -0.5,
         .xmax = 2.5, .ymin = NAN, .ymax = NAN, .key = "off", .curves = &finals, .n_curves = 1}};
    const sl_figure figure = {.name = "musso-5",
                              .title = "Equal-temperature trainings of Model 1 (after Musso 2020, figure 5)",
                              .caption = text.text, .rows = 1, .columns = 3, .panels = panels, .n_panels = 3};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_musso_5 = {"musso-5", "Musso 2020, figure 5",
                                     "equal-temperature trainings of Model 1 against epochs and against time, with TOST",
                                     musso_5};
