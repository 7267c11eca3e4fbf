/* cli/sweep_run.h - the runs of a sweep, each a process of its own, side by side as cores and memory allow.
 *
 * In the sweep's folder, KEY being the hash of a run's whole configuration:
 *
 *   jobs/KEY.json       its configuration and arguments, frozen; status, exit code, seconds, memory
 *   jobs/KEY/           train's own run folder: checkpoint, result.json, table, script of its picture
 *   jobs/KEY.out, .err  what it said
 *
 * What is complete or diverged is not run again; what was stopped, or killed with the sweep, goes on from its
 * checkpoint; what failed is tried again. */
#ifndef SL_CLI_SWEEP_RUN_H
#define SL_CLI_SWEEP_RUN_H

#include "base/run.h"
#include "cli/progress.h"
#include "cli/sweep_file.h"

typedef enum {
    SL_JOB_WAITING,
    SL_JOB_RUNNING,
    SL_JOB_COMPLETE,
    SL_JOB_DIVERGED,
    SL_JOB_INTERRUPTED,
    SL_JOB_FAILED
} sl_job_status;

typedef struct {
    size_t cell, seed;         /* of the file                                                          */
    char key[17];
    char **argument;           /* NULL at the end                                                      */
    cJSON *config;
    sl_job_status status;
    bool before;               /* it was finished before this sweep                                    */
    int exit_code;             /* of its last process; minus the signal's number                       */
    double seconds;            /* of wall clock, over its processes; NAN: not known                    */
    double memory, parameters; /* bytes that it needs; NAN: not known                                  */
    char why[320];             /* a failure's reason, one line                                         */
    cJSON *result;             /* train's result.json, where it is complete or diverged                */
} sl_sweep_job;

const char *sl_job_status_name(sl_job_status s); /* "waiting", "complete", ... */

/* All runs of the file, cell by cell, seed by seed: f->n_cells * f->n_seeds. Errors: SL_E_CONFIG (two are the same, or
 * options that exclude each other); SL_E_MEMORY. */
SL_CHECKED sl_status sl_sweep_jobs(sl_sweep_job **jobs, const sl_sweep_file *f, sl_err *err);
void sl_sweep_jobs_free(sl_sweep_job *jobs, size_t n);

typedef struct {
    int cores;
    double memory;             /* bytes for all that run at a time                                     */
    const char *data_dir;      /* passed on to train; may be NULL                                      */
} sl_sweep_limits;

/* Asks train, by its --dry-run, what a run of each cell needs, where that is not known yet, and so whether it could
 * begin at all. Errors: SL_E_CONFIG with train's message for a cell that is refused; SL_INTERRUPTED. */
SL_CHECKED sl_status sl_sweep_ask(sl_sweep_job *jobs, size_t n, const sl_sweep_file *f, const sl_sweep_limits *limits,
                                  sl_progress *progress, sl_err *err);

/* What the folder knows of the jobs. Errors: SL_E_FORMAT, SL_E_CONFIG for files there that do not belong. */
SL_CHECKED sl_status sl_sweep_recall(sl_sweep_job *jobs, size_t n, const sl_run *run, sl_err *err);

/* Keys of jobs in the folder that are not among these, as an array of texts. */
cJSON *sl_sweep_unlisted(const sl_sweep_job *jobs, size_t n, const sl_run *run);

/* Runs what is not finished. A run that fails or diverges does not stop the others. Errors: SL_INTERRUPTED after a
 * wish to stop, with the running ones stopped gently; SL_E_WRITE, SL_E_MEMORY. */
SL_CHECKED sl_status sl_sweep_run(sl_sweep_job *jobs, size_t n, const sl_run *run, const sl_sweep_limits *limits,
                                  sl_progress *progress, sl_err *err);

#endif
