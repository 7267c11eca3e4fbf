/* What a training leaves: its JSON result, train.dat, and the figure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/output.h"
#include "cli/train.h"
#include "plots/plot.h"

static const char *status_name(sl_train_status s)
{
    return s == SL_TRAIN_COMPLETE ? "complete" : s == SL_TRAIN_DIVERGED ? "diverged" : "interrupted";
}

/* NAN if nothing was trained in this process. */
static double images_per_second(const sl_train_result *r)
{
    return r->images > 0 && r->seconds > 0 ? r->images / r->seconds : NAN;
}

static double data_fraction(const sl_train_result *r)
{
    return r->images > 0 && r->seconds > 0 ? r->data_seconds / r->seconds : NAN;
}

static void describe_run(cJSON *o, const sl_trainings *x, size_t k)
{
    const sl_train_result *r = &x->result[k];
    cJSON_AddNumberToObject(o, "seed", (double)(x->config.seed + k));
    cJSON_AddStringToObject(o, "status", status_name(r->status));
    if (r->status == SL_TRAIN_DIVERGED) {
        cJSON_AddNumberToObject(o, "diverged_epoch", (double)r->diverged_epoch);
        cJSON_AddNumberToObject(o, "diverged_step", (double)r->diverged_step);
    }
    cJSON *epochs = cJSON_AddArrayToObject(o, "epochs");
    for (size_t i = 0; i < r->n_epochs; i++) {
        const sl_epoch *e = &r->epochs[i];
        cJSON *row = cJSON_CreateObject();
        cJSON_AddNumberToObject(row, "epoch", (double)e->epoch);
        sl_json_number(row, "train_loss", e->train_loss);
        sl_json_number(row, "train_accuracy", e->train_accuracy);
        sl_json_number(row, "test_loss", e->test_loss);
        sl_json_number(row, "test_accuracy", e->test_accuracy);
        sl_json_number(row, "lr", e->lr);
        cJSON_AddItemToArray(epochs, row);
    }
    sl_json_number(o, "best_test_accuracy", r->best_test_accuracy);
    sl_json_number(o, "best_epoch", r->best_epoch ? (double)r->best_epoch : NAN);
    sl_json_number(o, "final_test_accuracy", r->final_test_accuracy);
    sl_json_number(o, "images_per_second", images_per_second(r));
    sl_json_number(o, "data_fraction", data_fraction(r));
}

/* The gravest of the seeds' ends. */
static sl_train_status worst(const sl_trainings *x)
{
    sl_train_status s = SL_TRAIN_COMPLETE;
    for (size_t k = 0; k < x->seeds; k++) {
        if (x->result[k].status == SL_TRAIN_INTERRUPTED) return SL_TRAIN_INTERRUPTED;
        if (x->result[k].status == SL_TRAIN_DIVERGED) s = SL_TRAIN_DIVERGED;
    }
    return s;
}

void sl_train_describe_common(cJSON *o, const sl_trainings *x, const cJSON *config)
{
    cJSON_AddNumberToObject(o, "parameters", (double)sl_model_parameters(x->model));
    sl_json_number(o, "memory_bytes", x->memory_bytes);
    sl_json_number(o, "seconds", x->seconds);
    if (sl_run_saves(x->run)) cJSON_AddStringToObject(o, "dir", sl_run_dir(x->run));
    cJSON_AddItemToObject(o, "configuration", cJSON_Duplicate(config, true));
}

cJSON *sl_train_describe(const sl_trainings *x, const cJSON *config)
{
    cJSON *o = cJSON_CreateObject();
    if (x->seeds == 1) {
        describe_run(o, x, 0);
    } else {
        sl_welford best = {0}, final = {0}, speed = {0}, data = {0};
        cJSON_AddStringToObject(o, "status", status_name(worst(x)));
        cJSON *runs = cJSON_AddArrayToObject(o, "runs");
        for (size_t k = 0; k < x->seeds; k++) {
            const sl_train_result *r = &x->result[k];
            cJSON *item = cJSON_CreateObject();
            describe_run(item, x, k);
            sl_json_number(item, "seconds", r->total_seconds);
            cJSON_AddItemToArray(runs, item);
            sl_welford_add(&best, r->best_test_accuracy);
            sl_welford_add(&final, r->final_test_accuracy);
            if (isnan(images_per_second(r))) continue;
            sl_welford_add(&speed, images_per_second(r));
            sl_welford_add(&data, data_fraction(r));
        }
        sl_json_estimate(o, "best_test_accuracy", sl_welford_mean(&best));
        sl_json_estimate(o, "final_test_accuracy", sl_welford_mean(&final));
        sl_json_number(o, "images_per_second", speed.n > 0 ? speed.mean : NAN);
        sl_json_number(o, "data_fraction", data.n > 0 ? data.mean : NAN);
    }
    sl_train_describe_common(o, x, config);
    return o;
}

static sl_status fill_table(sl_table *t, const sl_trainings *x, const cJSON *config, sl_err *err)
{
    SL_TRY(sl_cli_header(t, config, err));
    SL_TRY(sl_table_set(t, "conventions", err, "%s",
                        "losses are means over samples of the cross-entropy, without weight decay; train_* are running "
                        "means over the epoch, before each update, of varied pictures and smoothed labels if so asked; "
                        "accuracies are fractions; lr is the rate that the epoch's last update applied"));
    for (size_t k = 0; k < x->seeds; k++) {
        char title[48];
        snprintf(title, sizeof title, "seed %llu", (unsigned long long)(x->config.seed + k));
        SL_TRY(sl_table_block(t, title, err));
        for (size_t i = 0; i < x->result[k].n_epochs; i++) {
            const sl_epoch *e = &x->result[k].epochs[i];
            const double row[] = {(double)e->epoch, e->train_loss,    e->train_accuracy,
                                  e->test_loss,     e->test_accuracy, e->lr};
            SL_TRY(sl_table_add(t, row, err));
        }
    }
    return SL_OK;
}

sl_status sl_train_draw(const sl_trainings *x, const sl_figure *figure, sl_err *err)
{
    const char *const dir = sl_run_dir(x->run);
    return sl_cli_flag(x->cli, "no-figure") ? sl_plot_script(dir, figure, err) : sl_plot(dir, figure, err);
}

/* Loss and accuracy against epochs; of several seeds, the first few. */
static sl_status draw(const sl_trainings *x, sl_err *err)
{
    enum { SHOWN = 8 };
    const bool tested = x->config.test != NULL;
    sl_curve curve[2][2 * SHOWN];
    size_t n = 0;
    for (size_t k = 0; k < x->seeds && k < SHOWN; k++)
        for (int test = 0; test < 1 + tested; test++, n++)
            for (int panel = 0; panel < 2; panel++)
                curve[panel][n] = (sl_curve){
                    .kind = SL_CURVE_LINE, .title = k > 0 ? NULL : test ? "test" : "training", .dat = "train.dat",
                    .block = (int)k, .x = "1",
                    .y = panel ? (test ? "(100*$5)" : "(100*$3)") : (test ? "4" : "2"), .colour = test};
    double least = INFINITY, most = 0, last = 1; /* a known range has better tics */
    for (size_t k = 0; k < x->seeds; k++)
        for (size_t i = 0; i < x->result[k].n_epochs; i++) {
            const sl_epoch *e = &x->result[k].epochs[i];
            last = fmax(last, (double)e->epoch);
            least = fmin(least, fmin(e->train_loss, e->test_loss)); /* a NaN, not evaluated, is passed over */
            most = fmax(most, fmax(e->train_loss, e->test_loss));
        }
    const sl_panel panels[] = {
        {.title = "Loss", .xlabel = "epoch", .ylabel = "cross-entropy", .logy = most > 3 * least, .xmin = 1,
         .xmax = last, .ymin = 0.9 * least, .ymax = 1.1 * most, .curves = curve[0], .n_curves = n},
        {.title = "Accuracy", .xlabel = "epoch", .ylabel = "accuracy [%]", .xmin = 1, .xmax = last, .ymin = NAN,
         .ymax = NAN, .curves = curve[1], .n_curves = n},
    };
    char title[256];
    const char *const model = sl_cli_text(x->cli, "model"), *const data = sl_cli_text(x->cli, "data");
    if (x->config.regime)
        snprintf(title, sizeof title, "%s on %s, regime %s", model, data, x->config.regime);
    else
        snprintf(title, sizeof title, "%s on %s, %s, l = %g", model, data, x->config.schedule, x->config.lr);
    const sl_figure figure = {.name = "train", .title = title,
                              .caption = "Training curves are running means over an epoch; test curves are taken at "
                                         "its end.",
                              .rows = 1, .columns = 2, .panels = panels, .n_panels = 2};
    return sl_train_draw(x, &figure, err);
}

sl_status sl_train_write(const sl_trainings *x, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"epoch[1]",     "train_loss[nat]",  "train_accuracy[1]",
                                          "test_loss[nat]", "test_accuracy[1]", "lr[1]"};
    if (!sl_run_saves(x->run)) return SL_OK;
    sl_table *t = sl_table_alloc(sizeof columns / sizeof *columns, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = fill_table(t, x, config, err);
    if (st == SL_OK) st = sl_run_table(x->run, "train.dat", t, err);
    bool drawable = true; /* a block without two rows has no line */
    for (size_t k = 0; k < x->seeds; k++) drawable &= x->result[k].n_epochs > 1;
    sl_table_free(t);
    return st == SL_OK && drawable ? draw(x, err) : st;
}
