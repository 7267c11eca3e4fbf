/* cli/sweep_result.h - what a sweep found: each cell's metric over its seeds, which is best, and what cannot be told
 * from it. A run that diverged misses: its metric is infinitely bad, so it takes the mean with it, and the median once
 * half of the seeds have missed. */
#ifndef SL_CLI_SWEEP_RESULT_H
#define SL_CLI_SWEEP_RESULT_H

#include "base/stats.h"
#include "cli/sweep_run.h"

typedef enum { SL_TIE_UNKNOWN, SL_TIE_BEST, SL_TIE_YES, SL_TIE_NO } sl_tie;

typedef struct {
    sl_estimate mean;          /* over the finished seeds; NAN if one of them diverged                 */
    double median;             /* over the same, misses infinite; NAN if none is finished              */
    double best;               /* of the seeds that did not diverge; NAN: none                         */
    size_t complete, diverged, failed;
    double epochs;             /* trained, mean over finished seeds                                    */
    double images_per_second;  /* mean over finished seeds                                             */
    double seconds;            /* sum over seeds                                                       */
    sl_tie tie;
    size_t rank;               /* 0: first                                                             */
} sl_sweep_cell;

typedef struct {
    const sl_sweep_file *file;
    const sl_sweep_job *jobs;  /* [cell][seed]                                                         */
    double *value;             /* [cell][seed]: the metric; infinite: diverged; NAN: no answer         */
    sl_sweep_cell *cell;       /* [n_cells]                                                            */
    size_t *order;             /* [n_cells]: cells from the best to the worst                          */
} sl_sweep_result;

/* By mean; cells in which a run diverged come after all others, by median; then those without an answer. Ties with
 * the best: paired over the seeds that both have, t test, family of all cells at 5 % by Holm.
 * Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_sweep_judge(sl_sweep_result *r, const sl_sweep_file *f, const sl_sweep_job *jobs, sl_err *err);
void sl_sweep_result_free(sl_sweep_result *r);

/* {name, metric, axes, cells, best, ...}. */
cJSON *sl_sweep_json(const sl_sweep_result *r, const sl_run *run);

/* sweep.dat, sweep-times.dat, figure.dat and the figure. Errors: those of sl_run_table and sl_plot. */
SL_CHECKED sl_status sl_sweep_write(const sl_sweep_result *r, sl_run *run, sl_err *err);

/* For people: the cells, best first; `most` of them. */
void sl_sweep_print(const sl_sweep_result *r, size_t most);

#endif
