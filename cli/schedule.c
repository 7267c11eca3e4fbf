/* sgdlab schedule: tabulates and plots the rate that every step of a schedule applies. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "optim/schedule.h"
#include "plots/plot.h"

enum { MOST_STEPS = 1000000, EDGE = 3, MOST_JOINTS = 24 };

static const sl_option options[] = {
    SL_OPTION("steps", SL_OPT_INTEGER, "N", "100", "steps, also the horizon", .min = 1, .max = MOST_STEPS),
    SL_OPTION("steps-per-epoch", SL_OPT_INTEGER, "N", "1", "for schedules that change by epochs", .min = 1, .max = MOST_STEPS),
    SL_OPTION("lr", SL_OPT_REAL, "l", "1", "base rate", .min = 0, .max = 1e12, .open_min = true),
    SL_OPTION("replica", SL_OPT_INTEGER, "R", "0", "which replica's random numbers", .min = 0, .max = 1e10),
};

/* Does the curve change its course at step k: does its second difference stand out from those around it? */
static bool is_joint(const double *lr, size_t n, size_t k, double scale)
{
    if (k < 2 || k + 2 >= n) return false;
    const double here = fabs(lr[k + 1] - 2 * lr[k] + lr[k - 1]), floor_ = 1e-9 * scale;
    if (here <= floor_) return false;
    const double before = fabs(lr[k] - 2 * lr[k - 1] + lr[k - 2]), after = fabs(lr[k + 2] - 2 * lr[k + 1] + lr[k]);
    return here > 4 * fmin(before, after) + floor_ && here >= fmax(before, after);
}

static void add_shown(cJSON *shown, const double *lr, size_t k, const char *what)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddNumberToObject(item, "step", (double)k);
    sl_json_number(item, "lr", lr[k]);
    cJSON_AddStringToObject(item, "what", what);
    cJSON_AddItemToArray(shown, item);
}

/* The first and last steps, and those at which a deterministic schedule changes its course, with their neighbours. */
static void choose_shown(cJSON *shown, const double *lr, size_t n, bool random)
{
    double scale = 0;
    size_t joints = 0;
    for (size_t k = 0; k < n; k++) scale = fmax(scale, lr[k]);
    for (size_t k = 0; k < n; k++) {
        bool joint = false;
        for (size_t j = k > 0 ? k - 1 : 0; !random && j <= k + 1 && j < n; j++) joint |= is_joint(lr, n, j, scale);
        if (k < EDGE) add_shown(shown, lr, k, "first");
        else if (k + EDGE >= n) add_shown(shown, lr, k, "last");
        else if (joint && joints++ < MOST_JOINTS) add_shown(shown, lr, k, "joint");
    }
}

static sl_status fill(sl_table *t, const double *lr, size_t n, uint64_t per_epoch, const cJSON *config, sl_err *err)
{
    SL_TRY(sl_cli_header(t, config, err));
    SL_TRY(sl_table_set(t, "conventions", err, "the rate of step k is the one that update k applies; k = 0 is the first"));
    for (size_t k = 0; k < n; k++) {
        const double row[] = {(double)k, (double)(k / per_epoch), lr[k]};
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status write_files(sl_run *run, const double *lr, size_t n, uint64_t per_epoch, const cJSON *config,
                             const char *title, bool random, sl_err *err)
{
    static const char *const columns[] = {"step[1]", "epoch[1]", "lr[1]"};
    if (!sl_run_saves(run)) return SL_OK;
    sl_table *t = sl_table_alloc(3, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = fill(t, lr, n, per_epoch, config, err);
    if (st == SL_OK) st = sl_run_table(run, "schedule.dat", t, err);
    sl_table_free(t);
    if (st != SL_OK) return st;
    const sl_curve curve = {.kind = random ? SL_CURVE_POINTS : SL_CURVE_LINE, .dat = "schedule.dat", .x = "1", .y = "3",
                            .colour = 0};
    const sl_panel panel = {.title = title, .xlabel = "step", .ylabel = "learning rate", .xmin = NAN, .xmax = NAN,
                            .ymin = 0, .ymax = NAN, .curves = &curve, .n_curves = 1};
    const sl_figure figure = {.name = "schedule", .rows = 1, .columns = 1, .width = 13, .panels = &panel, .n_panels = 1};
    return sl_plot(sl_run_dir(run), &figure, err);
}

static void print_people(const sl_cli *cli, const cJSON *r)
{
    (void)cli;
    printf("%s, mean rate %.8g\n", cJSON_GetObjectItemCaseSensitive(r, "schedule")->valuestring,
           sl_cli_number(cJSON_GetObjectItemCaseSensitive(r, "mean")));
    sl_grid *g = sl_grid_alloc("rrl");
    sl_grid_add(g, "step"), sl_grid_add(g, "lr"), sl_grid_add(g, "which");
    for (const cJSON *c = cJSON_GetObjectItemCaseSensitive(r, "shown")->child; c; c = c->next) {
        char number[32];
        sl_print_double(number, sl_cli_number(cJSON_GetObjectItemCaseSensitive(c, "lr")));
        sl_grid_add(g, "%.0f", sl_cli_number(cJSON_GetObjectItemCaseSensitive(c, "step")));
        sl_grid_add(g, "%s", number);
        sl_grid_add(g, "%s", cJSON_GetObjectItemCaseSensitive(c, "what")->valuestring);
    }
    sl_grid_print(g);
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    const size_t n = (size_t)sl_cli_integer(cli, "steps");
    const uint64_t per_epoch = sl_cli_integer(cli, "steps-per-epoch");
    sl_schedule s;
    SL_TRY(sl_schedule_init(&s, cli->operand[0], sl_cli_real(cli, "lr"), per_epoch, n, err));
    double *lr = calloc(n, sizeof *lr);
    if (!lr) return sl_fail(err, SL_E_MEMORY, "no memory for %zu steps", n);
    for (size_t k = 0; k < n; k++)
        lr[k] = sl_schedule_lr(&s, sl_cli_integer(cli, "seed"), sl_cli_integer(cli, "replica"), k);

    char text[512];
    sl_spec_print(text, sizeof text, &s.spec);
    cJSON *config = sl_cli_config(cli), *result = cJSON_CreateObject(), *old = NULL;
    sl_cli_config_table(config, cli->operand[0]);
    cJSON_AddStringToObject(result, "schedule", text);
    sl_json_number(result, "mean", sl_schedule_mean(&s, 0, n));
    cJSON_AddBoolToObject(result, "random", sl_schedule_is_random(&s));
    choose_shown(cJSON_AddArrayToObject(result, "shown"), lr, n, sl_schedule_is_random(&s));
    sl_json_numbers(result, "lr", lr, n);

    sl_run *folder = NULL;
    sl_status st = sl_cli_open(&folder, &old, cli, s.spec.entry->name, config, err);
    if (st == SL_OK && old) {
        sl_run_free(folder);
    } else if (st == SL_OK) {
        st = sl_cli_drawn(cli, write_files(folder, lr, n, per_epoch, config, text, sl_schedule_is_random(&s), err), err);
        st = sl_cli_close(folder, st, NULL, result, err);
    }
    if (st == SL_OK) sl_cli_answer(cli, result, print_people);
    cJSON_Delete(old);
    cJSON_Delete(config);
    cJSON_Delete(result);
    free(lr);
    return st;
}

const sl_command sl_command_schedule = {
    .name = "schedule",
    .help = "tabulate and plot the rate that every step of a schedule applies",
    .operands = "S",
    .min_operands = 1,
    .max_operands = 1,
    .example = "  sgdlab schedule cosine:warmup=10 --steps 100 --lr 0.1\n"
               "  sgdlab schedule multi-step:milestones=30,60:gamma=0.1 --steps 90 --json",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
