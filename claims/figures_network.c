/* Figures 1 to 6 of Musso 2020 but the fourth: recipes. What is run is in claims/musso_settings.c. */
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

/* TOST of best test accuracies of every protocol against the constant one, Holm over the others. */
typedef struct {
    double best[SL_MUSSO_MOST_ARMS * SL_MUSSO_MOST_SEEDS];
    sl_welford mean[SL_MUSSO_MOST_ARMS];
    sl_tost_result tost[SL_MUSSO_MOST_ARMS];
    double adjusted[SL_MUSSO_MOST_ARMS]; /* both: of arm i + 1 */
} protocol_verdicts;

static sl_status judge_protocols(protocol_verdicts *v, sl_table *const *curves, const sl_musso_protocols *setting,
                                 sl_err *err)
{
    const size_t seeds = setting->seeds, arms = setting->n_arms;
    double p[SL_MUSSO_MOST_ARMS];
    for (size_t arm = 0; arm < arms; arm++) {
        v->mean[arm] = (sl_welford){0};
        for (size_t k = 0; k < seeds; k++) {
            v->best[arm * seeds + k] = sl_table_max(curves[arm * seeds + k], "test_accuracy");
            sl_welford_add(&v->mean[arm], v->best[arm * seeds + k]);
        }
    }
    for (size_t i = 0; i + 1 < arms; i++) {
        SL_TRY(sl_tost_paired(&v->tost[i], v->best + (i + 1) * seeds, v->best, seeds, setting->margin, 0.05, err));
        p[i] = v->tost[i].p;
    }
    sl_holm(v->adjusted, p, arms - 1);
    return SL_OK;
}

static void say_protocols(sl_prose *text, cJSON *result, const protocol_verdicts *v, const sl_musso_protocols *p)
{
    const sl_arm *const arms = p->arms;
    cJSON *list = result ? cJSON_AddArrayToObject(result, "protocols") : NULL;
    sl_say(text, "Best test accuracy, mean (sd) over %zu seeds; paired TOST against constant, margin %.1f points, Holm:\n",
           p->seeds, p->margin);
    for (size_t arm = 0; arm < p->n_arms; arm++) {
        const double sd = sqrt(sl_welford_variance(&v->mean[arm]));
        sl_say(text, "%s %.2f (%.2f) %%", arms[arm].title, v->mean[arm].mean, sd);
        if (arm > 0) {
            const sl_tost_result *t = &v->tost[arm - 1];
            sl_say(text, ": difference %+.2f ± %.2f, %s (p = %.2g)", t->difference.value, t->difference.se,
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

/* What was trained, so that a picture at a smaller scale does not pass for the paper's. */
static void say_setting(sl_prose *text, const sl_lab *lab, const char *model, const char *data, uint64_t epochs)
{
    sl_say(text, "%s on %s; %llu epochs, %s scale.\n", model, data, (unsigned long long)epochs,
           sl_scale_name(lab->scale));
}

/* ---- musso-1 and musso-2: curves of the protocols --------------------------------------------------------------- */

static sl_status draw_protocols(const sl_lab *lab, const sl_musso_protocols *setting, const char *name,
                                const char *after, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_protocols p = *setting;
    const int arms = (int)p.n_arms;
    sl_table *curves[SL_MUSSO_MOST_ARMS * SL_MUSSO_MOST_SEEDS], *mean = NULL;
    SL_TRY(sl_musso_protocol_curves(curves, lab, &p, err));

    protocol_verdicts v;
    sl_prose text = {0};
    char dat[64], title[160];
    snprintf(dat, sizeof dat, "%s.dat", name);
    snprintf(title, sizeof title, "%s under protocols of one mean rate (after Musso 2020, %s)", p.title, after);
    sl_status st = mean_curves(&mean, curves, p.arms, p.n_arms, p.seeds, err);
    if (st == SL_OK) st = judge_protocols(&v, curves, &p, err);
    if (st == SL_OK) say_setting(&text, lab, p.title, sl_table_get(curves[0], "data"), p.epochs);
    double least = 100; /* accuracy at the end */
    for (size_t i = 0; i < p.n_arms * p.seeds; i++) least = fmin(least, sl_table_max(curves[i], "test_accuracy"));
    sl_network_free_curves(curves, p.n_arms * p.seeds);
    if (st == SL_OK) st = sl_run_table(lab->run, dat, mean, err);
    sl_table_free(mean);
    if (st != SL_OK) {
        free(text.text);
        return st;
    }

    say_protocols(&text, result, &v, &p);
    sl_curve loss[SL_MUSSO_MOST_ARMS], accuracy[2 * SL_MUSSO_MOST_ARMS];
    for (int a = 0; a < arms; a++) {
        loss[a] = (sl_curve){.kind = SL_CURVE_BAND, .title = p.arms[a].title, .dat = dat, .block = a,
                             .x = "1", .y = "3", .error = "4", .colour = a, .dash = a == 1};
        accuracy[2 * a] = (sl_curve){.kind = SL_CURVE_BAND, .title = p.arms[a].title, .dat = dat, .block = a,
                                     .x = "1", .y = "9", .error = "10", .colour = a};
        accuracy[2 * a + 1] = (sl_curve){.kind = SL_CURVE_LINE, .dat = dat, .block = a, .x = "1", .y = "5",
                                         .colour = a, .dash = 1};
    }
    const sl_panel panels[] = {
        {.title = "Training loss", .xlabel = "epoch", .ylabel = "mean cross-entropy [nat]", .logy = true, .xmin = NAN,
         .xmax = NAN, .ymin = NAN, .ymax = NAN, .curves = loss, .n_curves = p.n_arms},
        {.title = "Accuracy: test (solid), training (dashed)", .xlabel = "epoch", .ylabel = "accuracy [%]", .xmin = NAN,
         .xmax = NAN, .ymin = least > 95 ? 90 : least > 85 ? 60 : 0, .ymax = 100,
         .curves = accuracy, .n_curves = 2 * p.n_arms}};
    const sl_figure figure = {.name = name, .title = title, .caption = text.text, .rows = 1, .columns = 2,
                              .panels = panels, .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

static sl_status musso_1(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_protocols p = sl_musso_protocols_at(lab->scale);
    return draw_protocols(lab, &p, "musso-1", "figure 1", summary, result, err);
}

static sl_status musso_2(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_protocols p = sl_musso_protocols_model_2_at(lab->scale);
    return draw_protocols(lab, &p, "musso-2", "figure 2", summary, result, err);
}

const sl_recipe sl_recipe_musso_1 = {
    "musso-1", "Musso 2020, figure 1",
    "loss and accuracy curves of Model 1 under constant, random and cyclic protocols", musso_1};
const sl_recipe sl_recipe_musso_2 = {
    "musso-2", "Musso 2020, figure 2",
    "loss and accuracy curves of Model 2 under constant, random and cyclic protocols", musso_2};

/* ---- musso-3: best accuracies of the protocols ------------------------------------------------------------------- */

static sl_status table_of_bests(sl_table *t, const sl_musso_protocols *p, const protocol_verdicts *v, const char *data,
                                sl_err *err)
{
    SL_TRY(sl_table_set(t, "data", err, "%s", data));
    SL_TRY(sl_table_set(t, "setting", err, "%s, l = %g, mu = %g, Nesterov, weight decay %g, C = %zu, %llu epochs, %zu seeds",
                        p->title, p->arms[0].lr, p->arms[0].mu, p->arms[0].weight_decay, p->arms[0].batch,
                        (unsigned long long)p->epochs, p->seeds));
    SL_TRY(sl_table_set(t, "tost", err, "against protocol 0, margin %g points, paired by seed, Holm", p->margin));
    SL_TRY(sl_table_block(t, "mean over seeds", err));
    for (size_t a = 0; a < p->n_arms; a++) {
        const sl_estimate e = sl_welford_mean(&v->mean[a]);
        const double row[] = {(double)a, e.value, sqrt(sl_welford_variance(&v->mean[a])), e.se,
                              a > 0 ? v->adjusted[a - 1] : NAN};
        SL_TRY(sl_table_add(t, row, err));
    }
    SL_TRY(sl_table_block(t, "every seed", err));
    for (size_t i = 0; i < p->n_arms * p->seeds; i++) {
        const double row[] = {(double)(i / p->seeds), v->best[i], NAN, NAN, NAN};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status draw_bests(const sl_lab *lab, const sl_musso_protocols *setting, const char *name, const char *after,
                            char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"protocol[1]", "best_test_accuracy[%]", "sd[%]", "se[%]", "tost_p_holm[1]"};
    const sl_musso_protocols p = *setting;
    sl_table *curves[SL_MUSSO_MOST_ARMS * SL_MUSSO_MOST_SEEDS], *t = NULL;
    SL_TRY(sl_musso_protocol_curves(curves, lab, &p, err));
    protocol_verdicts v;
    char dat[64], title[160], labels[256];
    snprintf(dat, sizeof dat, "%s.dat", name);
    snprintf(title, sizeof title, "Best test accuracy of %s (after Musso 2020, %s)", p.title, after);
    sl_arm_labels(labels, sizeof labels, p.arms, p.n_arms);
    sl_status st = judge_protocols(&v, curves, &p, err);
    if (st == SL_OK && !(t = sl_table_alloc(5, columns))) st = sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_prose text = {0};
    if (st == SL_OK) st = table_of_bests(t, &p, &v, sl_table_get(curves[0], "data"), err);
    if (st == SL_OK) say_setting(&text, lab, p.title, sl_table_get(curves[0], "data"), p.epochs);
    sl_network_free_curves(curves, p.n_arms * p.seeds);
    if (st == SL_OK) st = sl_run_table(lab->run, dat, t, err);
    sl_table_free(t);
    if (st != SL_OK) {
        free(text.text);
        return st;
    }

    say_protocols(&text, result, &v, &p);
    const sl_curve curve[] = {
        {.kind = SL_CURVE_POINTS, .title = "every seed", .dat = dat, .block = 1, .x = "1", .y = "2",
         .labels = labels, .colour = 1},
        {.kind = SL_CURVE_POINTS, .title = "mean and standard deviation", .dat = dat, .block = 0, .x = "1",
         .y = "2", .error = "3", .labels = labels, .colour = 0}};
    const sl_panel panel = {.xlabel = "protocol", .ylabel = "best test accuracy [%]", .xmin = -0.5,
                            .xmax = (double)p.n_arms - 0.5, .ymin = NAN, .ymax = NAN,
                            .curves = curve, .n_curves = 2};
    const sl_figure figure = {.name = name, .title = title, .caption = text.text, .rows = 1, .columns = 1, .width = 18,
                              .height = 9, .panels = &panel, .n_panels = 1};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

static sl_status musso_3(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_protocols p = sl_musso_protocols_at(lab->scale);
    return draw_bests(lab, &p, "musso-3", "figure 3 left", summary, result, err);
}

static sl_status musso_3_right(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_protocols p = sl_musso_accuracy_model_2_at(lab->scale);
    return draw_bests(lab, &p, "musso-3-right", "figure 3 right", summary, result, err);
}

const sl_recipe sl_recipe_musso_3 = {"musso-3", "Musso 2020, figure 3 left",
                                     "best test accuracy of Model 1 under five protocols, over seeds, with TOST",
                                     musso_3};
const sl_recipe sl_recipe_musso_3_right = {"musso-3-right", "Musso 2020, figure 3 right",
                                           "best test accuracy of Model 2 under five protocols, over seeds, with TOST",
                                           musso_3_right};

/* ---- musso-5 and musso-6: trainings of one temperature ---- */

/* Accuracy of a seed averaged over the epochs of a curve: one number for the whole curve. */
static double curve_mean(const sl_table *t, size_t stride, size_t epochs)
{
    double sum = 0;
    for (size_t e = 1; e <= epochs; e++) sum += cell(t, stride * e - 1, "test_accuracy");
    return sum / (double)epochs;
}

static sl_status draw_pair(const sl_lab *lab, const sl_musso_pair *setting, const char *name, const char *after,
                           char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_pair p = *setting;
    const size_t n = p.seeds, epochs = (size_t)p.epochs;
    static const char *const columns[] = {"experiment[1]", "final_test_accuracy[%]", "sd[%]"};
    const double curve_margin = p.margin;
    char dat[64], final_dat[64], title[160];
    snprintf(dat, sizeof dat, "%s.dat", name);
    snprintf(final_dat, sizeof final_dat, "%s-final.dat", name);
    snprintf(title, sizeof title, "Equal-temperature trainings of %s (after Musso 2020, %s)", p.title, after);
    sl_table *curves[3 * SL_MUSSO_MOST_SEEDS], *mean = NULL, *final = NULL;
    SL_TRY(sl_musso_pair_curves(curves, lab, &p, err));

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
    sl_prose text = {0};
    if (st == SL_OK) say_setting(&text, lab, p.title, sl_table_get(curves[0], "data"), p.epochs);
    sl_network_free_curves(curves, 3 * n);
    if (st == SL_OK) st = sl_run_table(lab->run, dat, mean, err);
    sl_table_free(mean);
    if (st == SL_OK && !(final = sl_table_alloc(3, columns))) st = sl_fail(err, SL_E_MEMORY, "no memory for a table");
    if (st == SL_OK) st = sl_table_set(final, "epochs", err, "%zu, sd over %zu seeds", epochs, n);
    for (size_t a = 0; a < 3 && st == SL_OK; a++) {
        sl_welford w = {0};
        for (size_t k = 0; k < n; k++) sl_welford_add(&w, last[a][k]);
        const double row[] = {(double)a, w.mean, sqrt(sl_welford_variance(&w))};
        st = sl_table_add(final, row, err);
    }
    if (st == SL_OK) st = sl_run_table(lab->run, final_dat, final, err);
    sl_table_free(final);
    if (st != SL_OK) {
        free(text.text);
        return st;
    }

    sl_say(&text, "%s; %s; %s. Bands: standard deviation over seeds.\n", p.arms[0].title, p.arms[1].title,
           p.arms[2].title);
    sl_say(&text, "Test accuracy averaged over %zu epochs, %zu seeds; paired TOST, margin %g points:\n", epochs, n, curve_margin);
    const struct {
        const char *what, *key;
        const sl_tost_result *t;
    } verdicts[] = {{"II - I (equal T), equal epochs", "equal_temperature", &equal},
                    {"III - I (half T), equal epochs", "counter_check", &other},
                    {"III - I (half T), equal time", "equal_time", &same_time}};
    for (size_t i = 0; i < 3; i++) {
        const sl_tost_result *t = verdicts[i].t;
        const bool beyond = sl_compare(t->difference, curve_margin, 0.1) == SL_OUTSIDE; /* the 90 % interval of TOST */
        sl_say(&text, "%s: %+.2f ± %.2f points, %s (p = %.2g)\n", verdicts[i].what, t->difference.value, t->difference.se,
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
        by_epoch[a] = (sl_curve){.kind = SL_CURVE_BAND, .title = short_titles[a], .dat = dat, .block = a,
                                 .x = "1", .y = "9", .error = "10", .colour = colours[a], .dash = a == 1};
        by_time[a] = by_epoch[a];
        by_time[a].x = "2";
    }
    const sl_curve finals = {.kind = SL_CURVE_POINTS, .dat = final_dat, .x = "1", .y = "2", .error = "3",
                             .labels = "I,II,III", .colour = 0};
    const sl_panel panels[] = {
        {.title = "Against epochs (the paper's)", .xlabel = "epoch", .ylabel = "test accuracy [%]", .xmin = 0,
         .xmax = (double)epochs, .ymin = NAN, .ymax = NAN, .curves = by_epoch, .n_curves = 3},
        {.title = "Against time: the confound", .xlabel = "t = Σ l / (1 - μ)",
         .ylabel = "test accuracy [%]", .xmin = 0, .xmax = NAN, .ymin = NAN, .ymax = NAN,
         .curves = by_time, .n_curves = 3},
        {.title = "At equal epochs, the last", .xlabel = "experiment", .ylabel = "test accuracy [%]", .xmin = -0.5,
         .xmax = 2.5, .ymin = NAN, .ymax = NAN, .key = "off", .curves = &finals, .n_curves = 1}};
    const sl_figure figure = {.name = name, .title = title, .caption = text.text, .rows = 1, .columns = 3, .panels = panels, .n_panels = 3};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

static sl_status musso_5(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_pair p = sl_musso_figure_5_at(lab->scale);
    return draw_pair(lab, &p, "musso-5", "figure 5", summary, result, err);
}

static sl_status musso_6(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_pair p = sl_musso_figure_6_at(lab->scale);
    return draw_pair(lab, &p, "musso-6", "figure 6 left", summary, result, err);
}

static sl_status musso_6_right(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_pair p = sl_musso_figure_6_right_at(lab->scale);
    return draw_pair(lab, &p, "musso-6-right", "figure 6 right", summary, result, err);
}

const sl_recipe sl_recipe_musso_5 = {"musso-5", "Musso 2020, figure 5",
                                     "equal-temperature trainings of Model 1 against epochs and against time, with TOST",
                                     musso_5};
const sl_recipe sl_recipe_musso_6 = {"musso-6", "Musso 2020, figure 6 left",
                                     "equal-temperature trainings of Model 2 against epochs and against time, with TOST",
                                     musso_6};
const sl_recipe sl_recipe_musso_6_right = {
    "musso-6-right", "Musso 2020, figure 6 right",
    "equal-temperature trainings of Model 3 on CIFAR-10 against epochs and against time, with TOST", musso_6_right};
