/* cli/measure.h - what `sgdlab measure` measures, shared by the files of the command. */
#ifndef SL_CLI_MEASURE_H
#define SL_CLI_MEASURE_H

#include <cjson/cJSON.h>

#include "base/run.h"
#include "cli/options.h"
#include "nets/curvature.h"
#include "nets/noise.h"
#include "nets/temperature.h"

enum { SL_MEASURE_DIRECTIONS = 32 };

/* What theory says of a direction (of curvature a and noise variance D, along which the loss is taken as quadratic),
 * and what a measured <v^2> is multiplied with to be a temperature. NAN where there is no stationary state. */
typedef struct {
    sl_estimate predicted;
    double per_velocity2;
} sl_predicted_temperature;

typedef struct {
    const sl_cli *cli;
    bool noise, curvature, temperature; /* what was asked for */
    sl_dataset train, test;
    sl_model *model;
    float *state, *velocity;
    bool from_checkpoint;      /* a training's: it has a velocity */
    double loss, accuracy;     /* on the samples measured         */
    sl_objective *objective;
    sl_net_noise n;
    sl_curvature c;
    sl_alignment a;            /* if noise and curvature were asked for */
    sl_temperature_config run; /* of the temperature */
    sl_temperature t;
    sl_curvature late;         /* where its averages begin: leading eigenvectors, and the noise variance along them */
    sl_estimate along[SL_MEASURE_DIRECTIONS];
    sl_predicted_temperature direction[SL_MEASURE_DIRECTIONS];
    sl_predicted_temperature *window;         /* [t.windows] and, last, after the burn-in */
} sl_measurement;

/* cli/measure_theory.c: fills along's predictions and the windows'. */
SL_CHECKED sl_status sl_measure_predict(sl_measurement *x, sl_err *err);

/* cli/measure_result.c */
cJSON *sl_measure_describe(const sl_measurement *x, const sl_run *run, const cJSON *config);
/* cli/measure_people.c */
void sl_measure_print(const sl_cli *cli, const cJSON *result);
/* cli/measure_files.c: tables, D of every coordinate, the figure. Errors as those of sl_plot. */
SL_CHECKED sl_status sl_measure_write(sl_run *run, const sl_measurement *x, const cJSON *config, sl_err *err);

/* Samples of the projected noise in units of its standard deviation, [count] in all, pooled over the random directions
 * (along false) or of the leading eigenvector: value(i). */
double sl_measure_projected(const sl_measurement *x, bool along, size_t i);
size_t sl_measure_n_projected(const sl_measurement *x, bool along);

#endif
