/* sim/ensemble.h - very many trajectories at once, in blocks of SL_BLOCK replicas.
 *
 * Replica r of a run is a function of (seed, experiment, r) alone. A block lives in L1/L2 cache for all its steps;
 * memory is a few blocks a thread, whatever the number of replicas (10^7 of them: 5 MB).
 *
 * Coordinate d of replica r draws lane r of the streams of base/random.h with sub = experiment 2^16 + d, purposes
 * SL_PURPOSE_START, _NOISE (step k of SGD; what else a model of noise draws: sub + 128 j), _SHUFFLE (orders of
 * samples, by epochs) and _THERMAL (step k of Langevin). Schedules know no experiments: they are given the seed with
 * the experiment's number xored into its upper 16 bits. */
#ifndef SL_SIM_ENSEMBLE_H
#define SL_SIM_ENSEMBLE_H

#include <stdint.h>

#include "optim/regime.h"
#include "optim/rule.h"
#include "optim/schedule.h"
#include "sim/loss.h"
#include "sim/noise.h"
#include "sim/observe.h"

enum { SL_BLOCK = 1024 };

/* Steps between samples unless said otherwise. A sample costs about as much as an update, so this is a fifth more
 * time; where a trajectory remembers a few steps or more it loses next to nothing. An odd number, since steps that
 * overshoot jump to and fro (the sign rule, rates beyond the edge of stability): an even one would see every second,
 * or fourth, side of the well only; and the next
 * odd number that shares no factor with the steps of an epoch, where noise has epochs. Rates that follow the clock (schedules that are not stationary) are sampled at
 * every step. */
enum { SL_SAMPLE_EVERY = 5 };

/* What all dynamics have in common. Zeroed fields mean the defaults given. */
typedef struct {
    uint64_t seed;
    uint32_t experiment; /* tells runs of one seed apart (the sub of their draws holds it); < 2^16       */
    uint64_t replicas;   /* >= 1                                                                        */
    uint64_t steps;      /* measured steps, after burn_in, >= 1                                         */
    uint64_t burn_in;
    uint64_t sample_every; /* steps between samples; 0: chosen, see SL_SAMPLE_EVERY                       */
    const double *start;   /* [dim]; NULL: the loss's own. Copied for every replica                       */
    double start_spread;   /* standard deviation of a Gaussian around start; 0: none                      */
    double kill_radius;    /* replicas with |x_d| beyond are dropped; 0: 1e75, and NaN always kills       */
    sl_histogram_spec histogram;
    uint64_t mean_of;      /* of the last so many of the burn_in + steps states x_0 .. before the final one, each replica
                              has the mean, whose loss is measured: see sl_observed; 0: none                    */
    uint64_t series_every; /* steps between rows of the time series, from step 0, burn-in included; 0: none */
    int jobs;              /* <= 0: all cores                                                             */
    void (*progress)(void *ctx, double fraction); /* may be NULL; called from one thread at a time          */
    void *progress_ctx;
} sl_ensemble;

/* Discrete SGD: g = grad f(x) + n, with n of variance noise_variance per coordinate, drawn before alpha (so that
 * noise_variance = D0 / C, variance of the mini-batch mean before the learning rate is applied). What else there is to
 * the law of n, and what the variance means where there is none, says sim/noise.h. */
typedef struct {
    sl_ensemble ensemble;
    sl_loss loss;
    sl_rule rule;
    sl_schedule schedule;
    const sl_regime *regime; /* in place of the schedule (which must still be a good one), of the same rule, each
                                replica with a rate of its own; borrowed; NULL: the schedule */
    double noise_variance; /* D0 / C >= 0 */
    sl_noise noise;        /* zeroed: Gaussian, independent in every coordinate */
} sl_sgd;

/* Out: *o, to be cleared by the caller; untouched unless >= 0 is returned. SL_DIVERGED (estimates of what survived
 * stand) if more than half of the replicas were killed or went to infinity. SL_INTERRUPTED, with *o empty (all zero),
 * if sl_stop_requested. Errors: SL_E_DOMAIN, SL_E_MEMORY.
 * The mass of the kinetic temperature is the base rate: that of the rule with alpha on the gradient, else the mean
 * rate of a stationary schedule or the schedule's lr; with a regime, NAN. The plain rule has no v: v2, xv and kinetic
 * are NAN.
 * A regime's second gradients are on the mini-batch of the first ones (the random numbers of the step), and the losses
 * it sees are that mini-batch's, f_B, whose gradient is the noisy one:
 *   models of mini-batches (minibatch, online): f_B = (1 - sqrt(s2)) f + sqrt(s2) (mean loss of the samples drawn);
 *   noise n that does not depend on x:          f_B(x) = f(x) + n.(x - start), the start without its spread;
 *   other noise (hessian where H varies), which is no gradient: f. */
SL_CHECKED sl_status sl_sgd_run(sl_observed *o, const sl_sgd *sgd, sl_err *err);

/* Overdamped Langevin dx = -grad f dt + sqrt(2T) dW (Ito).
 * euler: Euler-Maruyama, weak order 1. lm: Leimkuhler-Matthews 2013 ("BAOAB limit"), x' = x - h f' +
 * sqrt(2Th) (xi_n + xi_{n+1})/2: order 2 for stationary averages, at the same cost. */
typedef enum { SL_OVERDAMPED_EULER, SL_OVERDAMPED_LM } sl_overdamped_scheme;

/* Underdamped Langevin dx = v dt, dv = -gamma v dt - grad f dt + sqrt(2 gamma T) dW by BAOAB (unit mass). */
typedef struct {
    sl_ensemble ensemble;
    sl_loss loss;
    double temperature; /* T >= 0                        */
    double h;           /* time step, > 0                */
    double friction;    /* gamma > 0; underdamped only   */
    sl_overdamped_scheme scheme;
} sl_langevin;

SL_CHECKED sl_status sl_overdamped_run(sl_observed *o, const sl_langevin *l, sl_err *err);
SL_CHECKED sl_status sl_underdamped_run(sl_observed *o, const sl_langevin *l, sl_err *err);

#endif
