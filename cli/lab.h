/* cli/lab.h - what claims and figures run with, from the options of the commands that run them. */
#ifndef SL_CLI_LAB_H
#define SL_CLI_LAB_H

#include "claims/claim.h"
#include "cli/options.h"
#include "cli/progress.h"

/* From --scale, --seed, --jobs and --data-dir; run and progress are kept. Errors: those of sl_scale_parse. */
SL_CHECKED sl_status sl_cli_lab(sl_lab *lab, const sl_cli *cli, sl_run *run, sl_progress *progress, sl_err *err);

#endif
