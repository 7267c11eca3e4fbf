/* theory/averaging.h - SGD of constant step on least squares: the last iterate and averages of iterates, exactly.
 *
 * Online Gaussian least squares: x ~ N(0, S), y = x'theta* + e, e ~ N(0, noise) apart from x, and a fresh mini-batch of
 * C such samples at every step. With eta = theta - theta*,
 *   eta' = eta - rate (X eta - xi),  X = mean x x',  xi = mean x e,
 * and the excess loss is f = eta' S eta / 2. By Wick's theorem E[x x' M x x'] = 2 S M S + tr(S M) S, so the second
 * moments V = E[eta eta'] close on themselves:
 *   V' = V - rate (S V + V S) + rate^2 (S V S + (S V S + tr(S V) S) / C + noise S / C).
 * Gaussian features and the loss look alike in every orthonormal basis; in that of S (spectrum lambda) the diagonal of
 * V has a recursion of its own,
 *   V_ii' = (1 - 2 rate lambda_i + rate^2 (1 + 1/C) lambda_i^2) V_ii + rate^2 lambda_i (sum_k lambda_k V_kk + noise)/C,
 * a diagonal matrix plus one of rank one, symmetric. Its eigenvectors give any number of steps at once. As
 * E[eta_j | eta_k] = (1 - rate S)^(j-k) eta_k, it also gives the second moments of averages.
 *
 * bias: the excess loss if there were no label noise; variance: that from theta* on. The recursion is linear in
 * (V_0, noise), so they add up to the excess loss: exactly, not as a bound.
 * Defossez and Bach 2015 have the expansion of averages in 1/n, a variance of order 1/n whatever the rate and a bias of
 * order 1/(rate n)^2; Meterez, Morwani, Oncescu, Wu, Pehlevan and Kakade 2025 (arXiv 2506.15535) bounds from this
 * diagonal's recursion for C = 1. The recursion for several samples, its modes and the exact averages are our
 * derivation. */
#ifndef SL_THEORY_AVERAGING_H
#define SL_THEORY_AVERAGING_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { SL_AVERAGING_MAX_DIM = 2048 };

typedef struct {
    size_t d;               /* 1..SL_AVERAGING_MAX_DIM                                         */
    const double *spectrum; /* [d] eigenvalues of S, > 0                                       */
    const double *start;    /* [d] eta_0 in the eigenvectors' basis; NULL: 0                   */
    double rate;            /* > 0                                                             */
    double noise;           /* variance of the labels' noise, >= 0                             */
    double batch;           /* C >= 1; 0: 1                                                    */
} sl_averaging;

typedef struct {
    double bias, variance; /* excess loss [f] */
} sl_averaging_risk;

/* A problem with its eigenvectors: d^2 numbers, in d^3 time. a is copied. Errors: SL_E_DOMAIN; SL_E_MEMORY;
 * SL_E_NUMERIC. free takes NULL. */
typedef struct sl_averaging_modes sl_averaging_modes;
SL_CHECKED sl_status sl_averaging_alloc(sl_averaging_modes **m, const sl_averaging *a, sl_err *err);
void sl_averaging_free(sl_averaging_modes *m);

/* Of theta_n, after n steps, also beyond the edge of stability. d^2 time.
 * Errors: SL_E_DOMAIN for n >= 2^52; SL_E_NUMERIC for what is beyond doubles. */
SL_CHECKED sl_status sl_averaging_last(sl_averaging_risk *r, const sl_averaging_modes *m, uint64_t n, sl_err *err);

/* Of the mean of `count` iterates, theta_from ... theta_(from+count-1): from = 0 is Polyak's and Ruppert's average, a
 * larger one that of a tail. d^2 log(count) time. Errors: those above; SL_E_DOMAIN for count = 0. */
SL_CHECKED sl_status sl_averaging_average(sl_averaging_risk *r, const sl_averaging_modes *m, uint64_t from,
                                          uint64_t count, sl_err *err);

/* The rate below which second moments stay bounded (whatever the start): the root of
 *   (rate/C) sum_i lambda_i / (2 - rate (1 + 1/C) lambda_i) = 1   below 2 / ((1 + 1/C) max lambda).
 * One dimension: 2 / ((1 + 2/C) lambda). batch 0: 1. Errors: SL_E_DOMAIN. */
SL_CHECKED sl_status sl_averaging_stability(double *rate, const double *spectrum, size_t d, double batch, sl_err *err);

/* What is left after many steps. Of the average from theta_0 over n iterates:
 *   variance = variance_1 / n + variance_2 / n^2 + terms that decay exponentially,  bias = bias_2 / n^2 + the like.
 * Their limits rate -> 0: variance_1 -> noise d / (2 C), bias_2 -> eta_0' S^-1 eta_0 / (2 rate^2). */
typedef struct {
    double last;                    /* excess loss of the stationary law                  */
    double variance_1, variance_2;  /* [f]                                                */
    double bias_2;                  /* [f]                                                */
    double variance_small, bias_small; /* those limits                                    */
    double relaxation;              /* steps in which second moments forget by a factor e */
} sl_averaging_law;
/* Errors: SL_E_DOMAIN; SL_E_UNSTABLE at or beyond the edge (message: the rate and the edge). */
SL_CHECKED sl_status sl_averaging_asymptotic(sl_averaging_law *law, const sl_averaging_modes *m, sl_err *err);

#endif
