/* sgdlab train --range-test: which learning rates learn, and which are too much. */
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "cli/output.h"
#include "cli/train.h"
#include "plots/plot.h"

static const char RULE[] =
    "smoothed is the bias-corrected exponential average over a twentieth of the steps; the test ends where it exceeds "
    "4 times its least value, or a loss is not finite. An average is of batches before it, so both rates are moved "
    "back by as much: steepest, where it falls fastest against log(lr); rise, the last step at which it is within 5 % "
    "of its least value";

static const char *end_name(sl_range_end end)
{
    static const char *const names[] = {[SL_RANGE_TO_THE_END] = "end of the range", [SL_RANGE_ROSE] = "loss rose",
                                        [SL_RANGE_DIVERGED] = "loss not finite"};
    return names[end];
}

static cJSON *describe(const sl_range_result *r, const sl_trainings *x, const cJSON *config)
{
    cJSON *const o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "status", "complete");
    sl_json_number(o, "steepest", r->steepest);
    sl_json_number(o, "rise", r->rise);
    cJSON_AddStringToObject(o, "ended_by", end_name(r->end));
    cJSON *const range = cJSON_AddArrayToObject(o, "range");
    for (size_t k = 0; k < r->n; k++) {
        cJSON *const point = cJSON_CreateObject();
        sl_json_number(point, "lr", r->points[k].lr);
        sl_json_number(point, "loss", r->points[k].loss);
        sl_json_number(point, "smoothed", r->points[k].smoothed);
        cJSON_AddItemToArray(range, point);
    }
    sl_json_number(o, "images_per_second", r->seconds > 0 ? r->images / r->seconds : NAN);
    sl_json_number(o, "data_fraction", r->seconds > 0 ? r->data_seconds / r->seconds : NAN);
    sl_train_describe_common(o, x, config);
    return o;
}

/* ---- files ---- */

/* The point at that rate, which is one of theirs. */
static const sl_range_point *point_at(const sl_range_result *r, double lr)
{
    size_t k = 0;
    while (k + 1 < r->n && r->points[k].lr < lr) k++;
    return &r->points[k];
}

static sl_status add_point(sl_table *t, const sl_range_point *p, sl_err *err)
{
    const double row[] = {p->lr, p->loss, p->smoothed};
    return sl_table_add(t, row, err);
}

/* Block 0: the test; then a block of one row for each rate that was found. */
static sl_status fill_table(sl_table *t, const sl_range_result *r, const cJSON *config, sl_err *err)
{
    const char *const names[] = {"steepest", "rise"};
    const double rates[] = {r->steepest, r->rise};
    SL_TRY(sl_cli_header(t, config, err));
    SL_TRY(sl_table_set(t, "conventions", err,
                        "losses are means over a batch of the cross-entropy, before its update; %s", RULE));
    SL_TRY(sl_table_set(t, "ended_by", err, "%s", end_name(r->end)));
    SL_TRY(sl_table_block(t, "range test", err));
    for (size_t k = 0; k < r->n; k++) SL_TRY(add_point(t, &r->points[k], err));
    for (size_t i = 0; i < 2; i++) {
        if (isnan(rates[i])) continue;
        SL_TRY(sl_table_block(t, names[i], err));
        SL_TRY(add_point(t, point_at(r, rates[i]), err));
    }
    return SL_OK;
}

static sl_status draw(const sl_range_result *r, const sl_trainings *x, sl_err *err)
{
    static const char dat[] = "range-test.dat";
    const double rates[] = {r->steepest, r->rise};
    char title[256], names[2][64];
    sl_curve curves[4] = {
        {.kind = SL_CURVE_POINTS, .title = "batches", .dat = dat, .x = "1", .y = "2", .colour = 5},
        {.kind = SL_CURVE_LINE, .title = "average", .dat = dat, .x = "1", .y = "3", .colour = 0},
    };
    size_t n = 2;
    double highest = r->points[0].smoothed;
    snprintf(names[0], sizeof names[0], "steepest descent, l = %.3g", r->steepest);
    snprintf(names[1], sizeof names[1], "before the rise, l = %.3g", r->rise);
    for (int i = 0; i < 2; i++) {
        if (isnan(rates[i])) continue;
        highest = fmax(highest, point_at(r, rates[i])->smoothed);
        curves[n] = (sl_curve){.kind = SL_CURVE_POINTS, .title = names[i], .dat = dat, .block = (int)n - 1, .x = "1",
                               .y = "3", .colour = i ? 1 : 2};
        n++;
    }
    const sl_panel panel = {.xlabel = "learning rate l", .ylabel = "cross-entropy", .logx = true,
                            .xmin = r->points[0].lr, .xmax = r->points[r->n - 1].lr, .ymin = 0, .ymax = 1.4 * highest,
                            .curves = curves, .n_curves = n};
    snprintf(title, sizeof title, "Range test: %s on %s", sl_cli_text(x->cli, "model"), sl_cli_text(x->cli, "data"));
    const sl_figure figure = {.name = "range-test", .title = title, .rows = 1, .columns = 1, .width = 14, .height = 9,
                              .panels = &panel, .n_panels = 1};
    return sl_train_draw(x, &figure, err);
}

static sl_status write_files(const sl_range_result *r, const sl_trainings *x, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"lr[1]", "loss[nat]", "smoothed[nat]"};
    if (!sl_run_saves(x->run)) return SL_OK;
    sl_table *const t = sl_table_alloc(sizeof columns / sizeof *columns, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = fill_table(t, r, config, err);
    if (st == SL_OK) st = sl_run_table(x->run, "range-test.dat", t, err);
    sl_table_free(t);
    return st == SL_OK && r->n > 1 ? draw(r, x, err) : st;
}

/* ---- the test ---- */

sl_status sl_train_range_test(sl_trainings *x, const cJSON *config, cJSON **result, sl_err *err)
{
    sl_range_result r = {0};
    sl_progress_start(&x->progress, x->cli);
    sl_status st = sl_range_test(&r, &x->config, &x->range, sl_progress_fraction, &x->progress, err);
    sl_progress_end(&x->progress);
    x->seconds = r.seconds;
    if (st == SL_OK && r.n == 0)
        st = sl_fail(err, SL_DIVERGED, "range test: the loss is not finite before the first update");
    if (st != SL_OK) {
        sl_range_result_clear(&r);
        return st;
    }
    sl_err drawing = {0};
    st = sl_cli_drawn(x->cli, write_files(&r, x, config, &drawing), &drawing);
    if (st == SL_OK)
        *result = describe(&r, x, config);
    else if (err)
        *err = drawing;
    sl_range_result_clear(&r);
    return st;
}

/* ---- for people ---- */

static void print_rate(const char *what, const cJSON *item, const char *none)
{
    const double lr = sl_cli_number(item);
    if (isnan(lr)) printf("%s: %s\n", what, none);
    else printf("%s: lr = %.3g\n", what, lr);
}

void sl_train_print_range_test(const sl_cli *cli, const cJSON *r)
{
    (void)cli;
    const cJSON *const range = cJSON_GetObjectItemCaseSensitive(r, "range");
    const cJSON *const dir = cJSON_GetObjectItemCaseSensitive(r, "dir");
    const int n = cJSON_GetArraySize(range);
    const cJSON *const first = cJSON_GetArrayItem(range, 0), *const last = cJSON_GetArrayItem(range, n - 1);
    printf("%d steps, lr = %.3g to %.3g, ended by: %s\n", n,
           sl_cli_number(cJSON_GetObjectItemCaseSensitive(first, "lr")),
           sl_cli_number(cJSON_GetObjectItemCaseSensitive(last, "lr")),
           cJSON_GetObjectItemCaseSensitive(r, "ended_by")->valuestring);
    print_rate("steepest descent", cJSON_GetObjectItemCaseSensitive(r, "steepest"), "the loss never fell");
    print_rate("just below where the loss starts to rise", cJSON_GetObjectItemCaseSensitive(r, "rise"),
               "it did not rise, take a larger --range-max");
    if (cJSON_IsString(dir)) printf("complete: %s\n", dir->valuestring);
}
