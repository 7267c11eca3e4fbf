/* sgdlab sweep: a grid of trainings from a file, each a process of its own, side by side and resumable. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/sweep_result.h"

#define SHARE 0.9 /* of the memory that is available: estimates and other programs need some room */

static const sl_option options[] = {
    SL_OPTION("data-dir", SL_OPT_TEXT, "DIR", NULL, "where data sets are looked for (else $SGDLAB_DATA, else data/)",
              .local = true),
    SL_OPTION("memory", SL_OPT_REAL, "GB", NULL,
              "for all runs at a time, 10^9 bytes; without it 90 % of what is available", .min = 0, .max = 1e6,
              .open_min = true, .local = true),
    SL_OPTION("dry-run", SL_OPT_FLAG, NULL, NULL, "check the file and list the runs; run nothing", .local = true),
};

typedef struct {
    sl_cli *cli;
    sl_sweep_file file;
    sl_sweep_job *jobs;
    size_t n;
    sl_sweep_limits limits;
    sl_run *run;
} sweep;

/* ---- for people ---- */

static void add_metric(sl_grid *g, const sl_sweep_metric *m, double value, double se)
{
    char text[64];
    const double scale = m->percent ? 100 : 1;
    sl_cli_estimate(text, isfinite(value) ? scale * value : NAN, scale * se);
    sl_grid_add(g, "%s", text);
}

static void add_outcome(sl_grid *g, const sl_sweep_cell *c, size_t seeds)
{
    char text[96] = "";
    size_t n = 0;
    if (c->diverged)
        n += (size_t)snprintf(text, sizeof text, c->diverged == seeds ? "diverged" : "diverged %zu of %zu", c->diverged,
                              seeds);
    if (c->failed)
        n += (size_t)snprintf(text + n, sizeof text - n, "%sfailed %zu of %zu", n ? ", " : "", c->failed, seeds);
    if (c->complete + c->diverged + c->failed < seeds)
        snprintf(text + n, sizeof text - n, "%sto come %zu of %zu", n ? ", " : "",
                 seeds - c->complete - c->diverged - c->failed, seeds);
    sl_grid_add(g, "%s", text);
}

void sl_sweep_print(const sl_sweep_result *r, size_t most)
{
    const sl_sweep_file *f = r->file;
    const size_t shown = f->n_cells < most ? f->n_cells : most;
    char alignment[SL_SWEEP_AXES + 6] = "l", text[256];
    for (size_t i = 0; i < f->n_varied; i++) {
        double v;
        strcat(alignment, !f->axis[i].tied && sl_sweep_numeric(&f->axis[i], 0, 0, &v) ? "r" : "l");
    }
    strcat(alignment, "rrrl");
    sl_grid *g = sl_grid_alloc(alignment);
    sl_grid_add(g, " ");
    for (size_t i = 0; i < f->n_varied; i++) {
        sl_sweep_axis_name(text, sizeof text, &f->axis[i]);
        sl_grid_add(g, "%s", text);
    }
    sl_grid_add(g, "%s%s", f->metric->label, f->metric->percent ? " [%]" : "");
    sl_grid_add(g, "median"), sl_grid_add(g, "seconds"), sl_grid_add(g, " ");
    for (size_t i = 0; i < shown; i++) {
        const size_t cell = r->order[i];
        const sl_sweep_cell *c = &r->cell[cell];
        sl_grid_add(g, "%s", c->tie == SL_TIE_BEST ? "*" : c->tie == SL_TIE_YES ? "=" : " ");
        for (size_t a = 0; a < f->n_varied; a++) {
            sl_sweep_value_name(text, sizeof text, &f->axis[a], sl_sweep_value(f, cell, a));
            sl_grid_add(g, "%s", text);
        }
        add_metric(g, f->metric, c->mean.value, f->n_seeds > 1 ? c->mean.se : 0);
        add_metric(g, f->metric, c->median, 0);
        sl_grid_add(g, "%.1f", c->seconds);
        add_outcome(g, c, f->n_seeds);
    }
    sl_grid_print(g);
    if (shown < f->n_cells) printf("... and %zu more cells\n", f->n_cells - shown);
    const sl_tie first = r->cell[r->order[0]].tie;
    if (first == SL_TIE_BEST && f->n_seeds > 1)
        puts("* best; = not to be told from it (paired over seeds, t test, 5 % over all cells by Holm)");
    else if (first == SL_TIE_BEST)
        puts("* best; with one seed nothing can be said of ties");
}

static void print_failures(const sweep *x)
{
    enum { SHOWN = 5 };
    size_t failed = 0;
    for (size_t i = 0; i < x->n; i++) {
        const sl_sweep_job *j = &x->jobs[i];
        if (j->status != SL_JOB_FAILED || failed++ >= SHOWN) continue;
        char name[256];
        sl_sweep_cell_name(name, sizeof name, &x->file, j->cell);
        printf("failed: %s%sseed %llu: %s\n", name, *name ? ", " : "", (unsigned long long)x->file.seed[j->seed],
               j->why);
    }
    if (failed > SHOWN) printf("... and %zu more failed\n", failed - SHOWN);
}

/* ---- dry run ---- */

static cJSON *list_jobs(const sweep *x)
{
    cJSON *o = cJSON_CreateObject(), *runs = cJSON_AddArrayToObject(o, "runs");
    cJSON_AddStringToObject(o, "name", x->file.name);
    cJSON_AddNumberToObject(o, "cells", (double)x->file.n_cells);
    for (size_t i = 0; i < x->n; i++) {
        const sl_sweep_job *j = &x->jobs[i];
        cJSON *item = cJSON_CreateObject(), *words = cJSON_AddArrayToObject(item, "arguments");
        cJSON_AddStringToObject(item, "key", j->key);
        cJSON_AddNumberToObject(item, "cell", (double)j->cell);
        cJSON_AddNumberToObject(item, "seed", (double)x->file.seed[j->seed]);
        for (char **w = j->argument; *w; w++) cJSON_AddItemToArray(words, cJSON_CreateString(*w));
        sl_json_number(item, "memory_bytes", j->memory);
        sl_json_number(item, "parameters", j->parameters);
        if (*j->why) cJSON_AddStringToObject(item, "why", j->why);
        cJSON_AddItemReferenceToObject(item, "configuration", j->config);
        cJSON_AddItemToArray(runs, item);
    }
    return o;
}

static void print_jobs(const sl_cli *cli, const cJSON *o)
{
    enum { SHOWN = 50 };
    size_t n = 0;
    (void)cli;
    for (const cJSON *run = cJSON_GetObjectItemCaseSensitive(o, "runs")->child; run; run = run->next) {
        if (n++ >= SHOWN) continue;
        fputs("sgdlab train", stdout);
        for (const cJSON *w = cJSON_GetObjectItemCaseSensitive(run, "arguments")->child; w; w = w->next)
            printf(strpbrk(w->valuestring, " ;&|<>*?$()") ? " '%s'" : " %s", w->valuestring);
        const double memory = sl_cli_number(cJSON_GetObjectItemCaseSensitive(run, "memory_bytes"));
        if (!isnan(memory)) printf("  # %.3g GB", memory / 1e9);
        putchar('\n');
    }
    if (n > SHOWN) printf("... and %zu more\n", n - SHOWN);
    const double cells = sl_cli_number(cJSON_GetObjectItemCaseSensitive(o, "cells"));
    printf("%zu run%s, %.0f cell%s\n", n, n == 1 ? "" : "s", cells, cells == 1 ? "" : "s");
}

static sl_status check_all(sweep *x, sl_err *err)
{
    sl_progress progress;
    sl_progress_start(&progress, x->cli);
    const sl_status st = sl_sweep_ask(x->jobs, x->n, &x->file, &x->limits, &progress, err);
    sl_progress_end(&progress);
    return st;
}

static sl_status dry_run(sweep *x, sl_err *err)
{
    SL_TRY(check_all(x, err));
    cJSON *o = list_jobs(x);
    sl_cli_answer(x->cli, o, print_jobs);
    cJSON_Delete(o);
    return SL_OK;
}

/* ---- the folder ---- */

/* The folder is the name's, not the grid's: another grid of that name adds runs to it. */
static sl_status open_folder(sweep *x, sl_err *err)
{
    char name[128];
    bool complete = false;
    snprintf(name, sizeof name, "sweep-%s", x->file.name);
    cJSON *config = cJSON_CreateObject();
    cJSON_AddStringToObject(config, "command", "sweep");
    cJSON_AddStringToObject(config, "name", x->file.name);
    sl_status st =
        sl_run_open(&x->run, &complete, sl_cli_text(x->cli, "out"), name, config, 0, x->cli->argc, x->cli->argv, err);
    cJSON_Delete(config);
    return st == SL_OK && complete ? sl_run_reopen(x->run, err) : st;
}

/* The file as it was when this ran. */
static sl_status keep_file(const sweep *x, sl_err *err)
{
    char path[PATH_MAX];
    SL_TRY(sl_run_path(x->run, path, sizeof path, "sweep.txt", err));
    return sl_write_file(path, x->file.text, strlen(x->file.text), err);
}

static void say_beginning(const sweep *x, const cJSON *unlisted)
{
    size_t done = 0;
    const int others = cJSON_GetArraySize(unlisted);
    for (size_t i = 0; i < x->n; i++) done += x->jobs[i].before;
    if (done == x->n) sl_cli_note(x->cli, "all %zu runs are finished already: nothing was run", x->n);
    else if (done > 0) sl_cli_note(x->cli, "%zu of %zu runs are finished already", done, x->n);
    if (others > 0)
        sl_cli_note(x->cli, "%d runs in %s/jobs are not in %s any more: they are kept, and left out here", others,
                    sl_run_dir(x->run), x->file.path);
}

static sl_status run_all(sweep *x, sl_err *err)
{
    sl_progress progress;
    sl_progress_start(&progress, x->cli);
    const sl_status st = sl_sweep_run(x->jobs, x->n, x->run, &x->limits, &progress, err);
    sl_progress_end(&progress);
    return st;
}

/* Failed runs are told of one by one; together they are this command's failure. So is a grid that diverged whole. */
static sl_status verdict(const sweep *x, sl_err *err)
{
    const sl_sweep_job *first = NULL;
    size_t failed = 0, diverged = 0;
    for (size_t i = 0; i < x->n; i++) {
        diverged += x->jobs[i].status == SL_JOB_DIVERGED;
        if (x->jobs[i].status != SL_JOB_FAILED) continue;
        failed++;
        if (!first) first = &x->jobs[i];
    }
    if (first)
        return sl_fail(err, SL_E_NUMERIC,
                       "%zu of %zu runs failed, the first with: %s; the same command tries them again", failed, x->n,
                       first->why);
    if (diverged == x->n) return sl_fail(err, SL_DIVERGED, "all %zu runs diverged", x->n);
    return SL_OK;
}

static void answer(sweep *x, const sl_sweep_result *r, const cJSON *result, bool whole)
{
    enum { SHOWN = 40 };
    if (x->cli->json) {
        sl_cli_answer(x->cli, result, NULL);
        return;
    }
    sl_sweep_print(r, SHOWN);
    print_failures(x);
    if (whole) printf("sweep.dat, sweep-times.dat, sweep.*: %s\n", sl_run_dir(x->run));
}

/* What the runs gave together: into the folder when all have ended, and said in any case. */
static sl_status conclude(sweep *x, sl_status ran, cJSON *unlisted, sl_err *err)
{
    sl_sweep_result r;
    sl_status st = sl_sweep_judge(&r, &x->file, x->jobs, err);
    if (st != SL_OK) {
        cJSON_Delete(unlisted);
        return st;
    }
    cJSON *result = sl_sweep_json(&r, x->run);
    cJSON_AddItemToObject(result, "unlisted", unlisted);
    sl_err why = {0};
    if (ran == SL_OK) st = sl_cli_drawn(x->cli, sl_sweep_write(&r, x->run, &why), &why);
    if (st == SL_OK && ran == SL_OK) st = verdict(x, &why);
    if (st != SL_OK && err) *err = why;
    const char *status = ran == SL_INTERRUPTED ? "interrupted" : st < 0 ? "failed" : "complete";
    why = (sl_err){0};
    const sl_status closed = sl_run_close(x->run, status, result, &why);
    if (closed != SL_OK && st == SL_OK) {
        st = closed;
        if (err) *err = why;
    }
    answer(x, &r, result, ran == SL_OK);
    cJSON_Delete(result);
    sl_sweep_result_free(&r);
    return st == SL_OK ? ran : st;
}

/* What is refused before anything runs leaves no folder. */
static sl_status begin(sweep *x, sl_err *err)
{
    SL_TRY(open_folder(x, err));
    sl_status st = sl_sweep_recall(x->jobs, x->n, x->run, err);
    if (st == SL_OK) st = check_all(x, err);
    if (st == SL_OK) return keep_file(x, err);
    sl_run_discard(x->run);
    sl_run_free(x->run);
    x->run = NULL;
    return st;
}

static sl_status run_in_folder(sweep *x, sl_err *err)
{
    SL_TRY(begin(x, err));
    cJSON *unlisted = sl_sweep_unlisted(x->jobs, x->n, x->run);
    say_beginning(x, unlisted);
    const sl_status ran = run_all(x, err);
    if (ran < 0) {
        cJSON_Delete(unlisted);
        return ran;
    }
    return conclude(x, ran, unlisted, err);
}

static sl_status set_limits(sweep *x, sl_err *err)
{
    const sl_cli *cli = x->cli;
    const int jobs = (int)sl_cli_integer(cli, "jobs");
    if (sl_cli_flag(cli, "no-save"))
        return sl_fail(err, SL_E_USAGE,
                       "a sweep keeps its runs in a folder: --no-save cannot be; --out DIR says which");
    x->limits = (sl_sweep_limits){
        .cores = jobs > 0 ? jobs : sl_cores(),
        .memory = sl_cli_given(cli, "memory") ? 1e9 * sl_cli_real(cli, "memory") : SHARE * sl_memory_available(""),
        .data_dir = sl_cli_text(cli, "data-dir"),
    };
    return SL_OK;
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    sweep x = {.cli = cli};
    SL_TRY(set_limits(&x, err));
    SL_TRY(sl_sweep_read(&x.file, cli->operand[0], sl_cli_integer(cli, "seed"), err));
    if (sl_cli_given(cli, "seed") && x.file.names_seed) {
        sl_sweep_file_free(&x.file);
        return sl_fail(err, SL_E_USAGE, "--seed is given, and a line 'seed' in %s", cli->operand[0]);
    }
    sl_status st = sl_sweep_jobs(&x.jobs, &x.file, err);
    if (st == SL_OK) {
        x.n = x.file.n_cells * x.file.n_seeds;
        st = sl_cli_flag(cli, "dry-run") ? dry_run(&x, err) : run_in_folder(&x, err);
    }
    if (st < 0 && x.run) (void)!sl_run_close(x.run, "failed", NULL, NULL);
    sl_run_free(x.run);
    sl_sweep_jobs_free(x.jobs, x.n);
    sl_sweep_file_free(&x.file);
    return st;
}

const sl_command sl_command_sweep = {
    .name = "sweep",
    .help = "a grid of trainings from a file, in parallel, resumable: one table, one figure",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .example = "  sgdlab sweep examples/rates.sweep\n"
               "  sgdlab sweep examples/rates.sweep --dry-run",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
