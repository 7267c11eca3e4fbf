/* sim/least_squares.h - SGD of constant step on online Gaussian least squares, with averages of its iterates.
 *
 * Features x_i ~ N(0, spectrum_i), independent (for Gaussian ones that is no restriction: a rotation of the problem);
 * labels y = x'theta* + e, e ~ N(0, noise); a fresh mini-batch of `batch` samples at every step and for every replica:
 *   eta' = eta - (rate/batch) sum x (x'eta - e),  eta = theta - theta*.
 * Exact laws: theory/averaging.h. Replica r draws lane r; number i of sample c of step k has purpose SL_PURPOSE_NOISE,
 * sub = experiment 2^16 + c (d + 1) + i (i = d: the label's noise). */
#ifndef SL_SIM_LEAST_SQUARES_H
#define SL_SIM_LEAST_SQUARES_H

#include <stddef.h>
#include <stdint.h>

#include "base/stats.h"

typedef struct {
    size_t d;               /* >= 1; batch (d + 1) <= 2^16                                             */
    const double *spectrum; /* [d] variances of the features, > 0                                      */
    const double *start;    /* [d] eta_0; NULL: 0                                                      */
    double rate;            /* > 0                                                                     */
    double noise;           /* variance of the labels' noise, >= 0                                     */
    size_t batch;           /* >= 1; 0: 1                                                              */
    uint64_t seed;
    uint32_t experiment;    /* < 2^16                                                                  */
    uint64_t replicas;      /* 2 .. 2^34                                                               */
    uint64_t from;          /* averages begin with theta_from                                          */
    const uint64_t *at;     /* [n_at] steps at which to look, rising, from < at < 2^48                 */
    size_t n_at;            /* >= 1                                                                    */
    int jobs;               /* <= 0: all cores; nothing depends on it                                  */
} sl_least_squares;

/* Excess loss eta' S eta / 2 [f], means over replicas. */
typedef struct {
    sl_estimate last;    /* of theta_at                                         */
    sl_estimate average; /* of the mean of theta_from ... theta_(at-1)          */
} sl_least_squares_point;

/* Out: point[n_at], untouched unless SL_OK is returned. Near and beyond the edge of stability the excess loss has no
 * fourth moment and the errors mean nothing. Errors: SL_E_DOMAIN; SL_E_MEMORY; SL_DIVERGED for a replica that left
 * doubles; SL_INTERRUPTED. */
SL_CHECKED sl_status sl_least_squares_run(sl_least_squares_point *point, const sl_least_squares *p, sl_err *err);

#endif
