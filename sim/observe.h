/* sim/observe.h - from trajectories to estimates: moments, temperatures, histograms, time series.
 *
 * A replica's time averages are one independent sample, so standard errors come from the spread over replicas
 * (dof = replicas - 1). With one replica they come from 32 batch means in time (fewer samples than that: one a batch;
 * the remainder in front is dropped). Block results are merged in block order: nothing depends on the number of
 * threads.
 *
 * Where replicas are killed the law is quasi-stationary: that of a trajectory at a time, given that it has survived
 * until then (where there is a kill radius: without one, those that run off to infinity are left out altogether, as
 * their last samples are as large as doubles go). Its estimate gives every sample of a living replica the same weight, so a killed one counts for the
 * samples it gave before it was found out of bounds; the error is that of a ratio of sums over replicas, in which the
 * length of a life is random too (sim/tally.h). Dropping the killed altogether would condition on the future. */
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
    sl_estimate equipartition;   /* <x . grad f> / dim; NAN for periodic losses                         */
    sl_estimate configurational; /* <|grad f|^2> / <laplacian f>  (Rugh 1997); NAN without a laplacian    */
    sl_estimate boltzmann_slope; /* -1 / slope of log density against f over histogram bins that hold 100
                                    samples or more, known to 10 %; NAN without a histogram, in more than one
                                    dimension, with one group of replicas, or with fewer than 3 such bins  */
    sl_estimate kinetic;         /* m <v^2>; NAN where there is no v                                     */
} sl_temperatures;

typedef struct {
    double lo, hi; /* range of coordinate 0 (of a periodic loss: moved into [lo, lo + period))   */
    size_t bins;   /* 0: no histogram                                    */
} sl_histogram_spec;

typedef struct {
    size_t dim;
    sl_coordinate coordinate[SL_LOSS_MAX_DIM];
    sl_estimate loss, gradient2, laplacian; /* <f>, <|grad f|^2>, <laplacian f>     */
    sl_estimate last, average; /* f of the final state and of the mean of mean_of states before it, over the replicas
                                  that are there to the end; NAN without such means  */
    sl_temperatures temperature;
    uint64_t killed;  /* replicas that left the kill radius (their later samples are dropped)  */
    uint64_t samples; /* replica-steps averaged                                                */
    double updates;   /* replica-steps simulated                                               */
    double seconds;   /* wall clock of the run: not for files                                  */
    /* density[bins] of coordinate 0, of all samples, those beyond the range included; errors from the spread over 64
     * groups of replicas (replica r is in group r mod 64; the batches of a lone replica). outside = fraction of
     * samples beyond the range. NULL without histogram. */
    sl_histogram_spec histogram;
    sl_estimate *density;
    double outside;
    sl_table *series; /* rows step, x2, x2_se, v2, v2_se, loss, loss_se over the living replicas, x2 and v2
                         being means over coordinates; NULL if not asked. Under a regime also rate, rate_se (of the
                         last update; NAN at step 0), g2, g2_se (|grad f|^2, without noise)    */
} sl_observed;

void sl_observed_clear(sl_observed *o);

/* The histogram as a table: x, density, density_se. */
SL_CHECKED sl_status sl_observed_histogram(sl_table **t, const sl_observed *o, sl_err *err);

#endif
