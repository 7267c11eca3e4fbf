/* cli/train.h - what `train` runs: one network or several seeds of it side by side, or a learning-rate range test. */
#ifndef SL_CLI_TRAIN_H
#define SL_CLI_TRAIN_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/run.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "nets/range_test.h"
#include "nets/train.h"
#include "plots/plot.h"

typedef struct {
    const sl_cli *cli;
    sl_dataset train, test;
    sl_model *model;
    sl_train_config config;   /* of the first seed; threads as shared out        */
    bool range_test;
    sl_range range;
    size_t seeds;

    /* How cores and memory are shared out (cli/train_share.c). */
    sl_train_plan plan;       /* of one training                                 */
    size_t side_by_side;      /* trainings at a time; 0: not even one fits       */
    double data_bytes;
    double memory_bytes;      /* data and all that runs at a time, or one training if not even that fits */
    double available_bytes;   /* beside the data                                 */

    sl_train_result *result;  /* [seeds] */
    sl_status *status;        /* [seeds]: OK, DIVERGED or INTERRUPTED */
    sl_err *why;              /* [seeds]: the message for the latter two */
    atomic_ullong *steps;     /* [seeds]: done so far */
    double seconds;           /* that all of it took  */
    sl_run *run;
    sl_progress progress;
} sl_trainings;

/* Fills the second group from --jobs, --threads and what there is of memory. SL_E_MEMORY if not even one training fits;
 * all is filled then too. Errors of sl_train_plan_for. */
SL_CHECKED sl_status sl_train_share(sl_trainings *x, sl_err *err);
/* What --dry-run answers, and how it is printed for people. To be freed by the caller. */
cJSON *sl_train_foresee(const sl_trainings *x, const cJSON *config);
void sl_train_print_foreseen(const sl_cli *cli, const cJSON *r);

/* The result of a training, or of several; how people get it; and its files: train.dat and the figure "train" (nothing
 * for a run without a folder). SL_E_UNAVAILABLE without gnuplot: all but the pictures is there. */
cJSON *sl_train_describe(const sl_trainings *x, const cJSON *config);
void sl_train_print(const sl_cli *cli, const cJSON *r);
SL_CHECKED sl_status sl_train_write(const sl_trainings *x, const cJSON *config, sl_err *err);

/* The figure into the run's folder; with --no-figure its script alone. Errors: those of sl_plot. */
SL_CHECKED sl_status sl_train_draw(const sl_trainings *x, const sl_figure *figure, sl_err *err);

/* Keys that trainings and range tests share: parameters, memory_bytes, seconds, dir, configuration. */
void sl_train_describe_common(cJSON *o, const sl_trainings *x, const cJSON *config);

/* The whole of a range test, in a run that is open: *result, range-test.dat and the figure "range-test". */
SL_CHECKED sl_status sl_train_range_test(sl_trainings *x, const cJSON *config, cJSON **result, sl_err *err);
void sl_train_print_range_test(const sl_cli *cli, const cJSON *r);

#endif
