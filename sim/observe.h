/* sim/observe.h - from trajectories to estimates: moments, temperatures, histograms, time series.
 *
 * A replica's time averages are one independent sample, so standard errors come from the spread over replicas
 * (dof = replicas - 1). With one replica they come from 32 batch means in time. Block results are merged in block
 * order: nothing depends on the number of threads. */
#ifndef SL_SIM_OBSERVE_H
#define SL_SIM_OBSERVE_H

#include <stdint.h>

#include "base/stats.h"
#include "base/table.h"
#include "sim/loss.h"

/* Averages over replicas and sampled steps; x and v of the same instant (after an update). Per coordinate. */
typedef struct {
    sl_estimate x, x2, x4, xv, v2, xg; /* xg: x df/dx */
} sl_coordinate;

/* Four temperatures of the loss. Musso's SGD has v in units of x/l: kinetic is m <v^2> with the mass that makes
 * the continuous theory's kinetic temperature that of f (m = l for SGD, 1 for underdamped Langevin). */
typedef struct {
    sl_estimate equipartition;    /* <x . grad f> / dim; NAN for periodic losses                         */
    sl_estimate configurational;  /* <|grad f|^2> / <laplacian f>  (Rugh 1997); NAN without a laplacian    */
    sl_estimate boltzmann_slope;  /* -1 / slope of log density against f over histogram bins; 1-D only    */
    sl_estimate kinetic;          /* m <v^2>; NAN for overdamped dynamics                                 */
} sl_temperatures;

typedef struct {
    double lo, hi;        /* range of coordinate 0                              */
    size_t bins;          /* 0: no histogram                                    */
} sl_histogram_spec;

typedef struct {
    size_t dim;
    sl_coordinate coordinate[SL_LOSS_MAX_DIM];
    sl_estimate loss, gradient2, laplacian; /* <f>, <|grad f|^2>, <laplacian f>     */
    sl_temperatures temperature;
    uint64_t killed;            /* replicas that left the kill radius (their later samples are dropped)  */
    uint64_t samples;           /* replica-steps averaged                                                */
    double updates;             /* replica-steps simulated                                               */
    double seconds;             /* wall clock of the run: not for files                                  */
    /* density[bins] of coordinate 0 with standard errors over replicas' blocks, total probability of the range
     * included in outside = fraction of samples beyond it; NULL without histogram. */
    sl_histogram_spec histogram;
    sl_estimate *density;
    double outside;
    sl_table *series;           /* time series: step, mean and se of x2, v2, loss over replicas; NULL if not asked */
} sl_observed;

void sl_observed_clear(sl_observed *o);

/* The histogram as a table: x, density, density_se. */
SL_CHECKED sl_status sl_observed_histogram(sl_table **t, const sl_observed *o, sl_err *err);

#endif
