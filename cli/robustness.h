/* cli/robustness.h - what sgdlab robustness runs, finds and writes. */
#ifndef SL_CLI_ROBUSTNESS_H
#define SL_CLI_ROBUSTNESS_H

#include <cjson/cJSON.h>

#include "base/run.h"
#include "cli/options.h"
#include "cli/samples.h"
#include "sim/convex/rate_curve.h"
#include "sim/convex/robustness.h"
#include "theory/annealing.h"

typedef struct {
    const double *rho; /* [n] */
    size_t n;
    bool slopes;         /* the worst-slope problem; else a loss          */
    sl_robustness r;     /* worst-slope; its schedule is that at rho = 1 */
    sl_rate_curve curve; /* of a loss                                     */
    sl_cli_samples samples; /* which it has where --data was given        */
    double tuned;        /* the peak rate l at rho = 1                    */
    double bound_tuned;  /* the one of the bound; NAN without             */
    char schedule[1024]; /* canonical                                     */
} sl_robust_case;

typedef struct {
    sl_worst *worst;         /* [n] */
    double *samples, *bound; /* [n * replicas]; [n], of the last iterate; NAN without */
    sl_worst tuning[SL_TUNING_POINTS];
    double tuning_lr[SL_TUNING_POINTS];
    bool has_tuning;
    double *tuning_samples; /* [SL_TUNING_POINTS * tuning_replicas]; NULL of a loss */
    size_t tuning_replicas;
    sl_rho_window window;
    sl_robust_fit fit;
    bool decided;
    char reason[768]; /* why not */
    bool has_theory;
    sl_anneal_kind kind;
    sl_anneal_window theory;
    double seconds;
} sl_robust_found;

cJSON *sl_robust_json(const sl_robust_case *c, const sl_robust_found *f, const cJSON *config);
void sl_robust_people(const sl_cli *cli, const cJSON *result);
SL_CHECKED sl_status sl_robust_write(sl_run *run, const sl_robust_case *c, const sl_robust_found *f,
                                     const cJSON *config, sl_err *err);

#endif
