/* A sweep's jobs: what they are, and what the folder knows of them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/output.h"
#include "cli/sweep_job.h"

static const char *const names[] = {"waiting", "running", "complete", "diverged", "interrupted", "failed"};

const char *sl_job_status_name(sl_job_status s)
{
    return names[s];
}

/* ---- making them ---- */

static sl_status make_job(sl_sweep_job *j, const sl_sweep_file *f, size_t cell, size_t seed, sl_err *err)
{
    *j = (sl_sweep_job){.cell = cell, .seed = seed, .seconds = NAN, .memory = NAN, .parameters = NAN};
    j->argument = sl_sweep_arguments(f, cell, f->seed[seed]);
    if (!j->argument) return sl_fail(err, SL_E_MEMORY, "no memory for the runs of '%s'", f->path);
    SL_TRY(sl_sweep_configuration(&j->config, f, j->argument, err));
    char *text = sl_json_print(j->config, false);
    if (!text) return sl_fail(err, SL_E_MEMORY, "no memory for the runs of '%s'", f->path);
    snprintf(j->key, sizeof j->key, "%016llx", (unsigned long long)sl_hash(text));
    free(text);
    return SL_OK;
}

static int by_key(const void *a, const void *b)
{
    const sl_sweep_job *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

/* The jobs sorted by key; NULL on no memory. */
static const sl_sweep_job **sorted(const sl_sweep_job *jobs, size_t n)
{
    const sl_sweep_job **s = malloc((n ? n : 1) * sizeof *s);
    for (size_t i = 0; s && i < n; i++) s[i] = &jobs[i];
    if (s) qsort(s, n, sizeof *s, by_key);
    return s;
}

/* Values that are written differently can still mean one run. */
static sl_status check_distinct(const sl_sweep_job *jobs, size_t n, const sl_sweep_file *f, sl_err *err)
{
    const sl_sweep_job **s = sorted(jobs, n);
    if (!s) return sl_fail(err, SL_E_MEMORY, "no memory for the runs of '%s'", f->path);
    sl_status st = SL_OK;
    for (size_t i = 1; i < n && st == SL_OK; i++) {
        if (strcmp(s[i - 1]->key, s[i]->key) != 0) continue;
        char a[200], b[200];
        sl_sweep_cell_name(a, sizeof a, f, s[i - 1]->cell);
        sl_sweep_cell_name(b, sizeof b, f, s[i]->cell);
        st = sl_fail(err, SL_E_CONFIG, "%s: '%s' and '%s' are the same run", f->path, a, b);
    }
    free(s);
    return st;
}

sl_status sl_sweep_jobs(sl_sweep_job **jobs, const sl_sweep_file *f, sl_err *err)
{
    const size_t n = f->n_cells * f->n_seeds;
    sl_sweep_job *all = calloc(n, sizeof *all);
    if (!all) return sl_fail(err, SL_E_MEMORY, "no memory for %zu runs", n);
    sl_status st = SL_OK;
    for (size_t i = 0; i < n && st == SL_OK; i++) st = make_job(&all[i], f, i / f->n_seeds, i % f->n_seeds, err);
    if (st == SL_OK) st = check_distinct(all, n, f, err);
    if (st == SL_OK) *jobs = all;
    else sl_sweep_jobs_free(all, n);
    return st;
}

void sl_sweep_jobs_free(sl_sweep_job *jobs, size_t n)
{
    for (size_t i = 0; jobs && i < n; i++) {
        for (size_t k = 0; jobs[i].argument && jobs[i].argument[k]; k++) free(jobs[i].argument[k]);
        free(jobs[i].argument);
        cJSON_Delete(jobs[i].config);
        cJSON_Delete(jobs[i].result);
    }
    free(jobs);
}

/* ---- what the folder knows ---- */

sl_status sl_job_path(char path[PATH_MAX], const sl_sweep_job *j, const sl_run *run, const char *ending, sl_err *err)
{
    if (snprintf(path, PATH_MAX, "%s/jobs/%s%s", sl_run_dir(run), j->key, ending) < PATH_MAX) return SL_OK;
    return sl_fail(err, SL_E_USAGE, "the path '%.200s' is too long", sl_run_dir(run));
}

/* The file as JSON; *value = NULL if it is not there. */
static sl_status read_json(cJSON **value, const char *path, sl_err *err)
{
    char *text = NULL;
    *value = NULL;
    if (access(path, F_OK) != 0 && errno == ENOENT) return SL_OK;
    SL_TRY(sl_read_file(&text, NULL, path, (size_t)1 << 28, err));
    *value = cJSON_Parse(text);
    free(text);
    return *value ? SL_OK
                  : sl_fail(err, SL_E_FORMAT, "'%s' is damaged: not JSON; remove it to have the run again", path);
}

static const cJSON *at(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* The job's record: its configuration must be the one that the key stands for. */
static sl_status recall_record(sl_sweep_job *j, const sl_run *run, sl_err *err)
{
    char path[PATH_MAX];
    cJSON *record = NULL;
    SL_TRY(sl_job_path(path, j, run, ".json", err));
    SL_TRY(read_json(&record, path, err));
    if (!record) return SL_OK;
    char *there = at(record, "configuration") ? sl_json_print(at(record, "configuration"), false) : NULL;
    char *here = sl_json_print(j->config, false);
    sl_status st = SL_OK;
    if (!there || !here || strcmp(there, here) != 0)
        st = sl_fail(err, SL_E_CONFIG, "'%s' holds another configuration than its name stands for; remove it", path);
    free(there);
    free(here);
    j->seconds = sl_cli_number(at(record, "seconds"));
    j->memory = sl_cli_number(at(record, "memory_bytes"));
    j->parameters = sl_cli_number(at(record, "parameters"));
    cJSON_Delete(record);
    return st;
}

sl_status sl_job_recall(sl_sweep_job *j, const sl_run *run, sl_err *err)
{
    char path[PATH_MAX];
    cJSON *manifest = NULL;
    SL_TRY(sl_job_path(path, j, run, "/manifest.json", err));
    SL_TRY(read_json(&manifest, path, err));
    const cJSON *status = at(manifest, "status");
    j->status = SL_JOB_WAITING;
    if (cJSON_IsString(status))
        for (size_t i = SL_JOB_COMPLETE; i <= SL_JOB_INTERRUPTED; i++)
            if (strcmp(status->valuestring, names[i]) == 0) j->status = (sl_job_status)i;
    cJSON_Delete(manifest);
    if (j->status != SL_JOB_COMPLETE && j->status != SL_JOB_DIVERGED) return SL_OK;
    SL_TRY(sl_job_path(path, j, run, "/result.json", err));
    cJSON_Delete(j->result);
    SL_TRY(read_json(&j->result, path, err));
    if (!j->result) return sl_fail(err, SL_E_FORMAT, "'%s' is missing, though its run is finished", path);
    return SL_OK;
}

sl_status sl_sweep_recall(sl_sweep_job *jobs, size_t n, const sl_run *run, sl_err *err)
{
    for (size_t i = 0; i < n; i++) {
        SL_TRY(recall_record(&jobs[i], run, err));
        SL_TRY(sl_job_recall(&jobs[i], run, err));
        jobs[i].before = jobs[i].status == SL_JOB_COMPLETE || jobs[i].status == SL_JOB_DIVERGED;
    }
    return SL_OK;
}

cJSON *sl_sweep_unlisted(const sl_sweep_job *jobs, size_t n, const sl_run *run)
{
    cJSON *list = cJSON_CreateArray();
    char path[PATH_MAX];
    const sl_sweep_job **s = sorted(jobs, n);
    struct dirent **entry = NULL;
    snprintf(path, sizeof path, "%s/jobs", sl_run_dir(run));
    const int entries = s ? scandir(path, &entry, NULL, alphasort) : -1;
    for (int i = 0; i < entries; i++) {
        sl_sweep_job wanted = {0};
        const sl_sweep_job *key = &wanted;
        const char *name = entry[i]->d_name;
        if (strlen(name) == 21 && strcmp(name + 16, ".json") == 0) {
            snprintf(wanted.key, sizeof wanted.key, "%.16s", name);
            if (!bsearch(&key, s, n, sizeof *s, by_key)) cJSON_AddItemToArray(list, cJSON_CreateString(wanted.key));
        }
        free(entry[i]);
    }
    free(entry);
    free(s);
    return list;
}

sl_status sl_job_write(const sl_sweep_job *j, const sl_run *run, sl_err *err)
{
    char path[PATH_MAX];
    SL_TRY(sl_job_path(path, j, run, ".json", err));
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "status", names[j->status]);
    cJSON_AddNumberToObject(o, "exit_code", j->exit_code);
    if (*j->why) cJSON_AddStringToObject(o, "why", j->why);
    sl_json_number(o, "seconds", j->seconds);
    sl_json_number(o, "memory_bytes", j->memory);
    sl_json_number(o, "parameters", j->parameters);
    cJSON *words = cJSON_AddArrayToObject(o, "arguments");
    for (char **w = j->argument; *w; w++) cJSON_AddItemToArray(words, cJSON_CreateString(*w));
    cJSON_AddItemReferenceToObject(o, "configuration", j->config);
    char *text = sl_json_print(o, true);
    cJSON_Delete(o);
    if (!text) return sl_fail(err, SL_E_MEMORY, "no memory to write '%s'", path);
    const sl_status st = sl_write_file(path, text, strlen(text), err);
    free(text);
    return st;
}
