/* sgdlab figure: runs what a figure needs, writes its data, script and pictures, and prints what it shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claims/claim.h"
#include "cli/commands.h"
#include "cli/lab.h"
#include "cli/output.h"
#include "cli/progress.h"

static const sl_option options[] = {
    SL_OPTION("scale", SL_OPT_CHOICE, "quick|desk|paper", "desk", "how much is computed"),
    SL_OPTION("data-dir", SL_OPT_TEXT, "DIR", NULL, "where data sets are looked for (else $SGDLAB_DATA, else data/)",
              .local = true),
};

static sl_status choose(const sl_recipe **recipe, const char *name, sl_err *err)
{
    const char *names[64];
    const size_t n = sl_n_recipes < 64 ? sl_n_recipes : 64;
    for (size_t i = 0; i < n; i++) {
        names[i] = sl_recipes[i]->name;
        if (strcmp(name, names[i]) == 0) {
            *recipe = sl_recipes[i];
            return SL_OK;
        }
    }
    return sl_cli_unknown("figure", name, names, n, err);
}

static void print_people(const sl_cli *cli, const cJSON *result)
{
    const cJSON *summary = cJSON_GetObjectItemCaseSensitive(result, "summary");
    const cJSON *dir = cJSON_GetObjectItemCaseSensitive(result, "dir");
    if (cJSON_IsString(summary)) {
        const char *text = summary->valuestring;
        const size_t n = strlen(text);
        fputs(text, stdout);
        if (n == 0 || text[n - 1] != '\n') putchar('\n');
    }
    if (cJSON_IsString(dir)) printf("Data, script and pictures: %s/%s.*\n", dir->valuestring, cli->operand[0]);
}

static sl_status make(sl_cli *cli, const sl_recipe *recipe, sl_run *run, cJSON *result, sl_err *err)
{
    sl_progress progress;
    sl_lab lab;
    SL_TRY(sl_cli_lab(&lab, cli, run, &progress, err));
    char *summary = NULL;
    sl_progress_start(&progress, cli);
    sl_status st = recipe->make(&lab, &summary, result, err);
    sl_progress_end(&progress);
    st = sl_cli_drawn(cli, st, err);
    if (st >= 0) cJSON_AddStringToObject(result, "summary", summary ? summary : "");
    free(summary);
    return st;
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    const sl_recipe *recipe = NULL;
    SL_TRY(choose(&recipe, cli->operand[0], err));
    sl_run *folder = NULL;
    cJSON *old = NULL, *config = sl_cli_config(cli), *result = cJSON_CreateObject();
    sl_status st = sl_cli_open(&folder, &old, cli, recipe->name, config, err);
    if (st == SL_OK && old) {
        sl_run_free(folder);
        cJSON_Delete(result);
        result = old;
    } else if (st == SL_OK) {
        cJSON_AddStringToObject(result, "figure", recipe->name);
        cJSON_AddStringToObject(result, "scale", sl_cli_text(cli, "scale"));
        if (sl_run_saves(folder)) cJSON_AddStringToObject(result, "dir", sl_run_dir(folder));
        st = make(cli, recipe, folder, result, err);
        st = sl_cli_close(folder, st, NULL, result, err);
    }
    if (st == SL_OK) sl_cli_answer(cli, result, print_people);
    cJSON_Delete(result);
    cJSON_Delete(config);
    return st;
}

const sl_command sl_command_figure = {
    .name = "figure",
    .help = "make a figure: data, gnuplot script, pictures, verdicts",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .example = "  sgdlab figure schedules\n  sgdlab figure musso-1 --scale desk --data-dir data",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
