#define _GNU_SOURCE
#include "cli/sweep_run.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/parallel.h"
#include "cli/output.h"
#include "cli/process.h"
#include "cli/sweep_check.h"
#include "cli/sweep_job.h"

#define PROGRAM 3.2e7 /* bytes: twice the resident memory of a training of almost nothing, 16 MB */
enum { WATCH_MS = 250, MOST_WORDS = 250, OUT_OF_MEANS = 4 };

/* A process that is running, and what it takes. */
typedef struct {
    sl_sweep_job *job;
    int threads;
    double start;
    int out, err_out; /* files in memory, for those that are only asked; else -1 */
} seat;

/* Processes side by side: process[n], seat[n]. */
typedef struct {
    sl_process *process;
    seat *seat;
    size_t n;
    int cores_free;
    double memory, memory_free;
    bool asked_to_stop;
} pool;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The program itself and what train says it needs, where that is known. */
static double bytes_of(const sl_sweep_job *j)
{
    return PROGRAM + (j->memory > 0 ? j->memory : 0);
}

static sl_status pool_alloc(pool *p, const sl_sweep_limits *limits, sl_err *err)
{
    *p = (pool){.cores_free = limits->cores, .memory = limits->memory, .memory_free = limits->memory};
    p->process = calloc((size_t)limits->cores, sizeof *p->process);
    p->seat = calloc((size_t)limits->cores, sizeof *p->seat);
    return p->process && p->seat ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for %d processes", limits->cores);
}

/* Nothing may be running. */
static void pool_clear(pool *p)
{
    free(p->process);
    free(p->seat);
}

static sl_status pool_start(pool *p, const char *const *argv, seat s, int out, int err_out, sl_err *err)
{
    SL_TRY(sl_process_start(&p->process[p->n], argv, out, err_out, err));
    s.start = now();
    p->cores_free -= s.threads;
    p->memory_free -= bytes_of(s.job);
    p->seat[p->n++] = s;
    return SL_OK;
}

/* One that has ended leaves the pool. false: none within the time that we watch. */
static bool pool_ended(pool *p, seat *s, int *code)
{
    if (p->n > 0 && sl_stop_requested() && !p->asked_to_stop) {
        for (size_t i = 0; i < p->n; i++) sl_process_ask_to_stop(&p->process[i]);
        p->asked_to_stop = true;
    }
    for (int look = 0; look < 2; look++) {
        for (size_t i = 0; i < p->n; i++) {
            if (!sl_process_ended(&p->process[i], code)) continue;
            *s = p->seat[i];
            p->cores_free += s->threads;
            p->n--;
            p->memory_free = p->n == 0 ? p->memory : p->memory_free + bytes_of(s->job);
            p->process[i] = p->process[p->n];
            p->seat[i] = p->seat[p->n];
            return true;
        }
        if (look == 0) sl_process_wait(p->process, p->n, WATCH_MS);
    }
    return false;
}

/* ---- words for train ---- */

/* Its command line; own: those words that name files and cores, each to be freed. */
typedef struct {
    const char *word[MOST_WORDS];
    size_t n;
    char *own[4];
    size_t n_own;
} command;

static void add_word(command *c, const char *word)
{
    if (c->n + 1 < MOST_WORDS) c->word[c->n++] = word;
}

static void add_own(command *c, char *word)
{
    if (!word) return;
    c->own[c->n_own++] = word;
    add_word(c, word);
}

static void clear_command(command *c)
{
    for (size_t i = 0; i < c->n_own; i++) free(c->own[i]);
}

static void begin_command(command *c, const sl_sweep_job *j, const sl_sweep_limits *limits, int threads)
{
    char *word;
    *c = (command){0};
    add_word(c, "train");
    for (char **w = j->argument; *w; w++) add_word(c, *w);
    add_word(c, "--json");
    add_word(c, "--quiet");
    add_word(c, "--no-figure"); /* drawing takes longer than many a small training */
    add_own(c, asprintf(&word, "--jobs=%d", threads) < 0 ? NULL : word);
    if (limits->data_dir) add_own(c, asprintf(&word, "--data-dir=%s", limits->data_dir) < 0 ? NULL : word);
}

/* ---- asking what a run needs ---- */

/* All of a small file in memory. */
static void read_descriptor(int fd, char *text, size_t size)
{
    size_t n = 0;
    while (n + 1 < size) {
        const ssize_t got = pread(fd, text + n, size - 1 - n, (off_t)n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
    }
    text[n] = '\0';
}

/* The last line of what a process said on standard error, without the program's name. */
static void last_words(char *why, size_t size, char *text)
{
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' ')) text[--n] = '\0';
    const char *line = strrchr(text, '\n'), *name = "sgdlab: ";
    line = line ? line + 1 : text;
    if (strncmp(line, name, strlen(name)) == 0) line += strlen(name);
    snprintf(why, size, "%s", line);
    for (char *p = why; *p; p++)
        if ((unsigned char)*p < ' ') *p = ' ';
}

/* What a dry run said goes to all runs of its cell, which stand side by side. */
static sl_status hear(const seat *s, int code, sl_sweep_job *jobs, const sl_sweep_file *f, sl_err *err)
{
    char text[1 << 14], name[200], why[sizeof s->job->why];
    read_descriptor(s->err_out, text, sizeof text);
    last_words(why, sizeof why, text);
    read_descriptor(s->out, text, sizeof text);
    sl_sweep_cell_name(name, sizeof name, f, s->job->cell);
    if (code != 0 && code != OUT_OF_MEANS)
        return sl_fail(err, SL_E_CONFIG, "%s: %s%s%s", f->path, name, *name ? ": " : "",
                       *why ? why : "train could not be asked");
    cJSON *said = cJSON_Parse(text);
    for (size_t i = 0; i < f->n_seeds; i++) {
        sl_sweep_job *j = &jobs[s->job->cell * f->n_seeds + i];
        j->memory = sl_cli_number(cJSON_GetObjectItemCaseSensitive(said, "memory_bytes"));
        j->parameters = sl_cli_number(cJSON_GetObjectItemCaseSensitive(said, "parameters"));
        if (code != OUT_OF_MEANS || j->before) continue;
        j->status = SL_JOB_FAILED;
        j->exit_code = code;
        snprintf(j->why, sizeof j->why, "%s", why);
    }
    cJSON_Delete(said);
    return SL_OK;
}

static sl_status ask(pool *p, sl_sweep_job *j, const sl_sweep_limits *limits, int threads, sl_err *err)
{
    seat s = {
        .job = j, .threads = 1, .out = memfd_create("out", MFD_CLOEXEC), .err_out = memfd_create("err", MFD_CLOEXEC)};
    sl_status st = SL_OK;
    if (s.out < 0 || s.err_out < 0) st = sl_fail(err, SL_E_MEMORY, "no file in memory: %s", strerror(errno));
    if (st == SL_OK) {
        command c;
        begin_command(&c, j, limits, threads);
        add_word(&c, "--dry-run");
        st = pool_start(p, c.word, s, s.out, s.err_out, err);
        clear_command(&c);
    }
    if (st == SL_OK) return SL_OK;
    if (s.out >= 0) close(s.out);
    if (s.err_out >= 0) close(s.err_out);
    return st;
}

/* Does the cell have a run to come about which nothing is known? */
static bool worth_asking(const sl_sweep_job *first, size_t seeds)
{
    bool open = false, told = false;
    for (size_t i = 0; i < seeds; i++) {
        open |= !first[i].before;
        told |= !isnan(first[i].memory);
    }
    return open && !told;
}

sl_status sl_sweep_ask(sl_sweep_job *jobs, size_t n, const sl_sweep_file *f, const sl_sweep_limits *limits,
                       sl_progress *progress, sl_err *err)
{
    if (!sl_sweep_train_has("dry-run")) return SL_OK;
    const int threads = n < (size_t)limits->cores ? limits->cores / (int)n : 1;
    pool p;
    size_t refused = SIZE_MAX; /* the first cell, in order, that was: which answers first is chance */
    sl_status st = pool_alloc(&p, limits, err);
    for (size_t cell = 0; st != SL_E_MEMORY && (cell < f->n_cells || p.n > 0);) {
        if (sl_stop_requested() && st == SL_OK) st = sl_fail(err, SL_INTERRUPTED, "interrupted before anything ran");
        if (st != SL_OK) cell = f->n_cells;
        while (cell < f->n_cells && p.cores_free > 0 && st == SL_OK) {
            sl_sweep_job *first = &jobs[cell++ * f->n_seeds];
            if (worth_asking(first, f->n_seeds)) st = ask(&p, first, limits, threads, err);
        }
        seat s;
        int code;
        sl_progress_show(progress, "sweep, checking", (double)cell / (double)f->n_cells);
        if (p.n == 0 || !pool_ended(&p, &s, &code)) continue;
        if (st == SL_OK || s.job->cell < refused) {
            sl_err why = {0};
            const sl_status heard = hear(&s, code, jobs, f, &why);
            if (heard != SL_OK) {
                if (err) *err = why;
                st = heard;
                refused = s.job->cell;
            }
        }
        close(s.out);
        close(s.err_out);
    }
    pool_clear(&p);
    return st;
}

/* ---- running ---- */

static bool is_open(const sl_sweep_job *j)
{
    return j->status == SL_JOB_WAITING || (j->status == SL_JOB_INTERRUPTED && j->exit_code == 0);
}

static int open_log(const sl_sweep_job *j, const sl_run *run, const char *ending, sl_err *err)
{
    char path[PATH_MAX];
    if (sl_job_path(path, j, run, ending, err) != SL_OK) return -1;
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) (void)!sl_fail(err, SL_E_WRITE, "'%s' cannot be written: %s", path, strerror(errno));
    return fd;
}

static sl_status start(pool *p, sl_sweep_job *j, const sl_run *run, const sl_sweep_limits *limits, int threads,
                       sl_err *err)
{
    char path[PATH_MAX], *word;
    sl_err why = {0};
    j->status = SL_JOB_RUNNING;
    j->why[0] = '\0';
    SL_TRY(sl_job_write(j, run, err)); /* first, so that a folder is never without what it stands for */
    SL_TRY(sl_job_path(path, j, run, "", err));
    const int out = open_log(j, run, ".out", &why), err_out = open_log(j, run, ".err", &why);
    sl_status st = SL_OK;
    if (out < 0 || err_out < 0) {
        if (err) *err = why;
        st = SL_E_WRITE;
    } else {
        command c;
        begin_command(&c, j, limits, threads);
        add_own(&c, asprintf(&word, "--out=%s", path) < 0 ? NULL : word);
        const seat s = {.job = j, .threads = threads, .out = -1, .err_out = -1};
        st = pool_start(p, c.word, s, out, err_out, err);
        clear_command(&c);
    }
    if (out >= 0) close(out);
    if (err_out >= 0) close(err_out);
    return st;
}

/* A run has ended: how, and what it left. A folder that cannot be read is that run's failure. */
static sl_status finish(const seat *s, int code, const sl_run *run, sl_err *err)
{
    sl_sweep_job *j = s->job;
    sl_err why = {0};
    j->seconds = (isnan(j->seconds) ? 0 : j->seconds) + now() - s->start;
    j->exit_code = code;
    const sl_status st = sl_job_recall(j, run, &why);
    const bool ended_well = st == SL_OK && (j->status == SL_JOB_COMPLETE || j->status == SL_JOB_DIVERGED);
    const bool stopped = st == SL_OK && j->status == SL_JOB_INTERRUPTED && code == OUT_OF_MEANS;
    if (!ended_well && !stopped) {
        char path[PATH_MAX], *text = NULL;
        j->status = SL_JOB_FAILED;
        if (code < 0) {
            snprintf(j->why, sizeof j->why, "killed by signal %d (%s)", -code, strsignal(-code));
        } else if (st != SL_OK) {
            snprintf(j->why, sizeof j->why, "%.300s", why.message);
        } else if (sl_job_path(path, j, run, ".err", NULL) == SL_OK &&
                   sl_read_file(&text, NULL, path, 1 << 20, NULL) == SL_OK) {
            last_words(j->why, sizeof j->why, text);
        }
        if (!*j->why) snprintf(j->why, sizeof j->why, "ended with exit code %d", code);
        free(text);
    }
    return sl_job_write(j, run, err);
}

static void refuse_giants(sl_sweep_job *jobs, size_t n, const sl_sweep_limits *limits)
{
    for (size_t i = 0; i < n; i++)
        if (is_open(&jobs[i]) && bytes_of(&jobs[i]) > limits->memory) {
            jobs[i].status = SL_JOB_FAILED;
            snprintf(jobs[i].why, sizeof jobs[i].why, "needs %.3g GB of memory, %.3g GB are available",
                     bytes_of(&jobs[i]) / 1e9, limits->memory / 1e9);
        }
}

/* How many of the open jobs could begin now, together: they share the free cores. */
static int fitting(const pool *p, const sl_sweep_job *jobs, size_t n)
{
    int count = 0;
    double memory = p->memory_free;
    for (size_t i = 0; i < n && count < p->cores_free; i++) {
        if (!is_open(&jobs[i]) || bytes_of(&jobs[i]) > memory) continue;
        memory -= bytes_of(&jobs[i]);
        count++;
    }
    return count;
}

static void show(sl_progress *progress, const sl_sweep_job *jobs, size_t n, size_t running)
{
    size_t done = 0;
    for (size_t i = 0; i < n; i++) done += !is_open(&jobs[i]) && jobs[i].status != SL_JOB_RUNNING;
    sl_progress_note(progress, "%zu of %zu runs done, %zu running", done, n, running);
    sl_progress_show(progress, "sweep, trainings", (double)done / (double)n);
}

static sl_status start_those_that_fit(pool *p, sl_sweep_job *jobs, size_t n, size_t *first, const sl_run *run,
                                      const sl_sweep_limits *limits, sl_err *err)
{
    while (*first < n && !is_open(&jobs[*first])) ++*first;
    for (size_t i = *first; i < n && p->cores_free > 0; i++) {
        if (!is_open(&jobs[i]) || bytes_of(&jobs[i]) > p->memory_free) continue;
        const int threads = p->cores_free / fitting(p, jobs + i, n - i);
        SL_TRY(start(p, &jobs[i], run, limits, threads, err));
    }
    return SL_OK;
}

static size_t count(const sl_sweep_job *jobs, size_t n, sl_job_status s)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) found += jobs[i].status == s;
    return found;
}

sl_status sl_sweep_run(sl_sweep_job *jobs, size_t n, const sl_run *run, const sl_sweep_limits *limits,
                       sl_progress *progress, sl_err *err)
{
    pool p;
    size_t first = 0;
    char folder[PATH_MAX];
    SL_TRY(sl_run_path(run, folder, sizeof folder, "jobs/", err)); /* makes it */
    sl_status st = pool_alloc(&p, limits, err);
    if (st == SL_OK) refuse_giants(jobs, n, limits);
    for (bool more = st == SL_OK; more;) {
        if (st == SL_OK && !sl_stop_requested()) st = start_those_that_fit(&p, jobs, n, &first, run, limits, err);
        if (st != SL_OK) sl_stop_request(); /* what runs is stopped gently then, and goes on another time */
        show(progress, jobs, n, p.n);
        seat s;
        int code;
        if (p.n > 0 && pool_ended(&p, &s, &code)) {
            const sl_status written = finish(&s, code, run, st == SL_OK ? err : NULL);
            if (st == SL_OK) st = written;
        }
        more = p.n > 0 || (st == SL_OK && !sl_stop_requested() && fitting(&p, jobs, n) > 0);
    }
    pool_clear(&p);
    if (st != SL_OK) return st;
    const size_t open = count(jobs, n, SL_JOB_WAITING) + count(jobs, n, SL_JOB_INTERRUPTED);
    if (open == 0) return SL_OK;
    return sl_fail(err, SL_INTERRUPTED, "interrupted with %zu of %zu runs to go; the same command goes on in %s", open,
                   n, sl_run_dir(run));
}
