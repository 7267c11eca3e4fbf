/* A sweep's result as one JSON object. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/spec.h"
#include "cli/output.h"
#include "cli/sweep_result.h"

/* A value as what it is: a number, a text, a flag. */
static void add_setting(cJSON *o, const sl_option *option, const char *value)
{
    char *end;
    const double v = sl_read_double(value, &end);
    if (option->kind == SL_OPT_FLAG) cJSON_AddBoolToObject(o, option->name, strcmp(value, "on") == 0);
    else if ((option->kind == SL_OPT_REAL || option->kind == SL_OPT_INTEGER) && *end == '\0')
        sl_json_number(o, option->name, v);
    else cJSON_AddStringToObject(o, option->name, value);
}

static void add_row(cJSON *o, const sl_sweep_axis *a, size_t value)
{
    for (size_t k = 0; k < a->n_options; k++) add_setting(o, a->option[k], a->value[value * a->n_options + k]);
}

static void add_axes(cJSON *o, const sl_sweep_file *f)
{
    cJSON *axes = cJSON_AddArrayToObject(o, "axes"), *fixed = cJSON_AddObjectToObject(o, "fixed");
    for (size_t i = 0; i < f->n_axes; i++) {
        const sl_sweep_axis *a = &f->axis[i];
        if (i >= f->n_varied) {
            add_row(fixed, a, 0);
            continue;
        }
        char name[256];
        sl_sweep_axis_name(name, sizeof name, a);
        cJSON *axis = cJSON_CreateObject(), *values = cJSON_CreateArray();
        cJSON_AddStringToObject(axis, "name", name);
        for (size_t v = 0; v < a->n_values; v++) {
            cJSON *row = cJSON_CreateObject();
            add_row(row, a, v);
            cJSON_AddItemToArray(values, a->tied ? row : cJSON_DetachItemFromArray(row, 0));
            if (!a->tied) cJSON_Delete(row);
        }
        cJSON_AddItemToObject(axis, "values", values);
        cJSON_AddItemToArray(axes, axis);
    }
}

static void add_run(cJSON *runs, const sl_sweep_result *r, size_t i, const sl_run *run)
{
    const sl_sweep_job *j = &r->jobs[i];
    cJSON *o = cJSON_CreateObject();
    char dir[PATH_MAX];
    cJSON_AddNumberToObject(o, "seed", (double)r->file->seed[j->seed]);
    cJSON_AddStringToObject(o, "status", sl_job_status_name(j->status));
    if (*j->why) cJSON_AddStringToObject(o, "why", j->why);
    sl_json_number(o, "value", r->value[i]);
    if (j->status == SL_JOB_DIVERGED)
        sl_json_number(o, "diverged_epoch",
                       sl_cli_number(cJSON_GetObjectItemCaseSensitive(j->result, "diverged_epoch")));
    sl_json_number(o, "images_per_second",
                   sl_cli_number(cJSON_GetObjectItemCaseSensitive(j->result, "images_per_second")));
    sl_json_number(o, "seconds", j->seconds);
    if (!isnan(j->memory)) sl_json_number(o, "memory_bytes", j->memory);
    if (sl_run_saves(run) && snprintf(dir, sizeof dir, "%s/jobs/%s", sl_run_dir(run), j->key) < (int)sizeof dir)
        cJSON_AddStringToObject(o, "dir", dir);
    cJSON_AddItemToArray(runs, o);
}

static cJSON *settings_of(const sl_sweep_file *f, size_t cell)
{
    cJSON *o = cJSON_CreateObject();
    for (size_t i = 0; i < f->n_varied; i++) add_row(o, &f->axis[i], sl_sweep_value(f, cell, i));
    return o;
}

static void add_cell(cJSON *cells, const sl_sweep_result *r, size_t i, const sl_run *run)
{
    const sl_sweep_cell *c = &r->cell[i];
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToObject(o, "settings", settings_of(r->file, i));
    sl_json_estimate(o, "metric", c->mean);
    sl_json_number(o, "median", c->median);
    sl_json_number(o, "best_seed", c->best);
    cJSON_AddNumberToObject(o, "rank", (double)c->rank + 1);
    if (c->tie == SL_TIE_UNKNOWN) cJSON_AddNullToObject(o, "tied_with_best");
    else cJSON_AddBoolToObject(o, "tied_with_best", c->tie != SL_TIE_NO);
    cJSON_AddNumberToObject(o, "complete", (double)c->complete);
    cJSON_AddNumberToObject(o, "diverged", (double)c->diverged);
    cJSON_AddNumberToObject(o, "failed", (double)c->failed);
    sl_json_number(o, "epochs", c->epochs);
    sl_json_number(o, "images_per_second", c->images_per_second);
    sl_json_number(o, "seconds", c->seconds);
    cJSON *runs = cJSON_AddArrayToObject(o, "runs");
    for (size_t s = 0; s < r->file->n_seeds; s++) add_run(runs, r, i * r->file->n_seeds + s, run);
    cJSON_AddItemToArray(cells, o);
}

cJSON *sl_sweep_json(const sl_sweep_result *r, const sl_run *run)
{
    const sl_sweep_file *f = r->file;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", f->name);
    cJSON_AddStringToObject(o, "file", f->path);
    cJSON_AddStringToObject(o, "metric", f->metric->name);
    add_axes(o, f);
    cJSON *cells = cJSON_AddArrayToObject(o, "cells");
    for (size_t i = 0; i < f->n_cells; i++) add_cell(cells, r, i, run);
    if (!isnan(r->cell[r->order[0]].mean.value)) {
        cJSON *best = cJSON_AddObjectToObject(o, "best");
        cJSON_AddNumberToObject(best, "cell", (double)r->order[0]);
        cJSON_AddItemToObject(best, "settings", settings_of(f, r->order[0]));
        sl_json_estimate(best, "metric", r->cell[r->order[0]].mean);
    } else {
        cJSON_AddNullToObject(o, "best");
    }
    if (sl_run_saves(run)) cJSON_AddStringToObject(o, "dir", sl_run_dir(run));
    return o;
}
