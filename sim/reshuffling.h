/* sim/reshuffling.h - SGD on a finite sum of squares with mini-batches drawn in three ways, and the drawings.
 *
 * Predictions: theory/reshuffling.h. Random numbers: epoch or step k of replica r has step = k, sub = r; permutations
 * with SL_PURPOSE_SHUFFLE, samples drawn with replacement with SL_PURPOSE_BATCH. A fresh subset is the head of a
 * permutation. */
#ifndef SL_SIM_RESHUFFLING_H
#define SL_SIM_RESHUFFLING_H

#include <stdint.h>

#include "base/stats.h"
#include "optim/finite_sum.h"

typedef struct {
    sl_finite_sum sum;   /* n < 2^32                                            */
    const double *centre; /* [d] theta*, from which moments are taken; NULL: 0, and replicas start there */
    uint64_t seed;
    uint64_t replicas;   /* 2 .. 2^32                                           */
    uint64_t epochs;     /* measured, >= 1; without epochs: steps               */
    uint64_t burn_in;    /* epochs (steps) before, epochs + burn_in < 2^48      */
    int jobs;            /* <= 0: all cores; nothing depends on it              */
} sl_reshuffling;

/* mean[p][d] of eta = theta - centre and second[p][d][d] of eta eta' after p batches of an epoch,
 * p < sl_finite_positions: over replicas (which the errors come from) and measured epochs. Untouched unless SL_OK.
 * Errors: SL_E_DOMAIN; SL_E_MEMORY; SL_DIVERGED for a replica that left doubles; SL_INTERRUPTED. */
SL_CHECKED sl_status sl_reshuffling_run(sl_estimate *mean, sl_estimate *second, const sl_reshuffling *r, sl_err *err);

/* The noise of batch means of the numbers value[n] themselves, from `epochs` independent epochs (two steps in a row
 * without them): variance of a batch's mean about the mean of all, over full batches, and covariance of a batch with
 * the next one. At least two full batches. Errors: SL_E_DOMAIN (also n < 2, epochs < 2); SL_E_MEMORY. */
SL_CHECKED sl_status sl_batch_means_mc(sl_estimate *variance, sl_estimate *covariance, const double *value, size_t n,
                                       size_t batch, sl_finite_drawing drawing, uint64_t epochs, uint64_t seed,
                                       sl_err *err);

#endif
