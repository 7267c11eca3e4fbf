/* nets/noise.h - the noise of a network's gradient at fixed weights.
 *
 * D_hat = (1/n) sum_i g_i g_i' - g g' is the covariance of the per-sample gradients g_i of the cross-entropy (weight
 * decay is the same for all and drops out), g their mean. A mini-batch of C samples drawn with replacement has a mean
 * gradient of covariance D_hat / C; one of a partition of the n samples, D_hat / C (n - C) / (n - 1).
 *
 * Values are exact for the n samples at hand, up to float gradients. Standard errors say how far they are from those
 * of the law that the samples came from: influence functions, first order in 1/n (those of eigenvalues that lie closer
 * together than their errors come out too large: such eigenvalues repel each other). */
#ifndef SL_NETS_NOISE_H
#define SL_NETS_NOISE_H

#include "base/stats.h"
#include "nets/objective.h"

typedef struct {
    size_t top;        /* leading eigenpairs of D_hat                                                       */
    size_t steps;      /* of Lanczos, where there are too many samples for the Gram matrix                  */
    size_t directions; /* random directions that noise is projected on                                      */
    size_t probes;     /* for tr D_hat^2, where there are too many samples for the Gram matrix              */
    size_t batch;      /* C of the mini-batch estimators                                                    */
    size_t batches;    /* of the mini-batch estimators; 0: leave them out                                   */
    size_t gram_most;  /* use the Gram matrix up to so many samples, if they fit in memory; 0: 1024         */
    uint64_t seed;
} sl_noise_config;

/* The centred noise u'(g_i - g) along one direction u of length 1. */
typedef struct {
    sl_estimate variance;         /* u' D_hat u                       */
    sl_estimate kurtosis;         /* excess: 0 if Gaussian            */
    sl_estimate hill, stable;     /* tail indices of base/tails.h     */
} sl_projection;

typedef struct {
    size_t samples, parameters;
    double loss;                  /* mean cross-entropy                                                     */
    sl_estimate trace;            /* tr D_hat = E|g_i|^2 - |g|^2                                            */
    sl_estimate gradient2;        /* |g|^2; of the law's gradient it is an overestimate by tr / n           */
    sl_estimate scale;            /* tr D_hat / |g|^2, the simple gradient noise scale (McCandlish 2018)    */
    double *D;                    /* [parameters] per coordinate                                            */
    double *mean;                 /* [parameters] g                                                         */
    double *distance;             /* [samples] |g_i - g|^2                                                  */

    bool gram;                    /* eigenvalues from the Gram matrix; else by Lanczos                      */
    size_t n_top;                 /* as asked for, or the rank                                              */
    sl_estimate *eigenvalue;      /* [n_top] descending                                                     */
    double *residual;             /* [n_top] |D u - value u|: numerical error (0 by Gram: rounding only)    */
    double *vectors;              /* [n_top][parameters]                                                    */
    sl_estimate square;           /* tr D_hat^2; by Lanczos: the error is that of the probes                */
    sl_estimate participation;    /* (tr D)^2 / (P tr D^2): 1 if isotropic; at most (n - 1) / P              */
    sl_estimate top_share;        /* largest eigenvalue / tr                                                */

    size_t n_directions;
    sl_projection *random;        /* [n_directions]                                                         */
    sl_projection *along;         /* [n_top] on the eigenvectors                                            */
    double *values;               /* [n_directions + n_top][samples] the projected noise                    */

    size_t batch, batches, epochs;
    sl_estimate by_replacement;   /* C times the sample covariance's trace of `batches` batches; jackknife error */
    sl_estimate by_partition;     /* C (n-1)/(n-C) mean |g_b - g|^2 over `epochs` permutations; error over them  */
    sl_estimate uncorrected;      /* the same without the factor                                                 */
} sl_net_noise;

/* Errors: SL_E_DOMAIN (fewer than 4 samples, batch 0 or beyond the samples, probes < 2, top 0); SL_E_NUMERIC, also for
 * gradients that are all equal; SL_E_MEMORY; SL_INTERRUPTED. r is untouched then. */
SL_CHECKED sl_status sl_noise_measure(sl_net_noise *r, sl_objective *o, const sl_noise_config *config, sl_err *err);
void sl_noise_clear(sl_net_noise *r);

/* The trace alone, by two passes over the samples. */
SL_CHECKED sl_status sl_noise_trace(sl_estimate *trace, sl_objective *o, sl_err *err);

/* y_j = D_hat x_j, an sl_product (base/lanczos.h). */
typedef struct {
    sl_objective *objective;
    const double *mean; /* [parameters] g */
} sl_noise_matrix;
SL_CHECKED sl_status sl_noise_product(void *matrix, size_t count, const double *x, double *y, sl_err *err);

/* out[i] = x_j'(g_i - g) at [j][samples]; x: [count][parameters]. */
SL_CHECKED sl_status sl_noise_project(double *out, sl_objective *o, const double *mean, const double *x, size_t count,
                                      sl_err *err);

#endif
