/* cli/simulate.h - what `simulate` runs, and what theory says of it beforehand. */
#ifndef SL_CLI_SIMULATE_H
#define SL_CLI_SIMULATE_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "cli/dynamics.h"
#include "cli/output.h"
#include "theory/averaging.h"

/* NAN where theory has no number. Arrays: [dim]. */
typedef struct {
    bool exact;              /* exact for the discrete chain; else leading order in l or h                        */
    const char *law;         /* one phrase: where the numbers come from; NULL: no prediction                      */
    double x2[SL_LOSS_MAX_DIM], xv[SL_LOSS_MAX_DIM], v2[SL_LOSS_MAX_DIM];
    double loss, excess;     /* excess: where it is not that of a quadratic, whose least value is 0                */
    double equipartition, configurational, boltzmann_slope, kinetic;
    double eq20;             /* T = l q D0 / (2 C (1 - mu)); NAN but for SGD                                       */
    double temperature;      /* of the Boltzmann law that density() draws                                         */
    double relaxation;       /* steps in which second moments forget by a factor e; NAN: not known                */
    double mixing;           /* steps in which a 1-D ensemble forgets in which well it began; NAN: not known       */
    bool unstable;           /* outside mean-square stability; `reason` says how far                              */
    double radius, al, al_bound; /* of the worst coordinate of a quadratic loss                                   */
    bool infinite_fourth;    /* <x^4> grows without bound: error bars of second moments lie                       */
    char reason[512];
    char noise_note[256];    /* what the model of noise leaves without a prediction, or without a meaning; else empty */
} sl_prediction;

/* Errors: those of theory/ other than instability. */
SL_CHECKED sl_status sl_predict(sl_prediction *p, const sl_simulation *s, sl_err *err);

/* Is an update x' = x - l g with one rate l? */
bool sl_simulation_is_plain(const sl_simulation *s);

/* Least squares with real mini-batches (theory/reshuffling.h): true where there are stationary moments, which *p then
 * has, or a note why there are none; false for what that theory does not cover. */
SL_CHECKED sl_status sl_predict_batches(bool *covered, sl_prediction *p, const sl_simulation *s, sl_err *err);

/* ---- --iterate: the final state and a mean of states ---- */

/* Refuses what has no means. Errors: SL_E_USAGE; SL_E_CONFIG for a loss without a known least value. */
SL_CHECKED sl_status sl_iterates_check(const sl_simulation *s, const sl_cli *cli, sl_err *err);
/* Of a simulation whose lengths are known: how many states the mean is of (0: none), and the options that say so,
 * which are left in the configuration if there is one. */
void sl_iterates_set(sl_simulation *s, const sl_cli *cli, cJSON *config);
/* Excess losses and, where theory/averaging.h has them, biases and variances, into result and predicted; nothing
 * without a mean. o NULL: nothing was measured. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_iterates_describe(cJSON *result, const sl_simulation *s, const sl_observed *o, sl_err *err);
void sl_iterates_rows(sl_grid *g, const cJSON *result, bool exact);
void sl_iterates_print(const cJSON *result);

/* A range of coordinate 0 that holds all but about 1e-6 of the predicted law; false if there is none. */
bool sl_predicted_range(double *lo, double *hi, const sl_prediction *p, const sl_simulation *s);

/* The predicted density of coordinate 0 at x[n]; false if there is none. */
bool sl_predicted_density(double *density, const double *x, size_t n, const sl_prediction *p, const sl_simulation *s);

#endif
