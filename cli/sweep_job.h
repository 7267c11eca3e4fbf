/* cli/sweep_job.h - a job and its files in the sweep's folder. Private to the sweep. */
#ifndef SL_CLI_SWEEP_JOB_H
#define SL_CLI_SWEEP_JOB_H

#include <limits.h>

#include "cli/sweep_run.h"

/* DIR/jobs/KEY and the ending; makes no folder. SL_E_USAGE for a path that is too long. */
SL_CHECKED sl_status sl_job_path(char path[PATH_MAX], const sl_sweep_job *j, const sl_run *run, const char *ending,
                                 sl_err *err);

/* Status and result from train's own folder. SL_E_FORMAT where they are damaged. */
SL_CHECKED sl_status sl_job_recall(sl_sweep_job *j, const sl_run *run, sl_err *err);

/* jobs/KEY.json anew. */
SL_CHECKED sl_status sl_job_write(const sl_sweep_job *j, const sl_run *run, sl_err *err);

#endif
