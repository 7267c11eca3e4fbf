/* nets/curvature.h - the Hessian H of a network's loss at fixed weights, by products with vectors.
 *
 * H is that of the mean cross-entropy over the samples plus weight decay w on the diagonal: what SGD on that loss
 * sees. */
#ifndef SL_NETS_CURVATURE_H
#define SL_NETS_CURVATURE_H

#include "nets/noise.h"
#include "nets/objective.h"

typedef struct {
    size_t top, bottom; /* eigenvalues wanted at either end                                              */
    size_t steps;       /* of Lanczos, more than top + bottom                                            */
    size_t probes;      /* random vectors for trace and density, at least 2                              */
    size_t points;      /* of the density's grid, at least 2                                             */
    double width;       /* standard deviation that an eigenvalue is drawn with; 0: range / 100           */
    uint64_t seed;
} sl_curvature_config;

typedef struct {
    size_t parameters, steps;
    size_t n_top, n_bottom;
    /* [n_top] largest first, [n_bottom] smallest first; se: over blocks of samples, first order (u'H_b u) */
    sl_estimate *top, *bottom;
    double *residual_top, *residual_bottom; /* |H u - value u|: an eigenvalue lies so near; numerical error */
    double *vectors;                        /* [n_top][parameters]                                          */
    sl_estimate trace, square;              /* tr H, tr H^2 = |H|_F^2; errors over probes                   */
    size_t points;
    double *grid, *density, *density_se;    /* [points], density integrates to 1; errors over probes        */
    double width;
} sl_curvature;

/* Errors: SL_E_DOMAIN (config); those of sl_objective_hessian; SL_E_MEMORY; SL_INTERRUPTED. r is untouched then. */
SL_CHECKED sl_status sl_curvature_measure(sl_curvature *r, sl_objective *o, const sl_curvature_config *config,
                                          sl_err *err);
void sl_curvature_clear(sl_curvature *r);

/* Is the noise where the curvature is? Of H without weight decay. */
typedef struct {
    sl_estimate product;  /* tr(D_hat H), error over probes                                          */
    sl_estimate cosine;   /* tr(D_hat H) / (|D_hat|_F |H|_F), 1 if proportional; jackknife over probes */
    sl_estimate fraction; /* of tr D_hat in the span of H's top eigenvectors; error over samples       */
    double isotropic;     /* what that would be for isotropic noise: n_top / parameters                */
} sl_alignment;

/* Errors: SL_E_DOMAIN (probes < 3); those of the products. */
SL_CHECKED sl_status sl_alignment_measure(sl_alignment *a, sl_objective *o, const sl_net_noise *noise,
                                          const sl_curvature *curvature, size_t probes, uint64_t seed, sl_err *err);

/* tr(D_hat (H + w)) / tr D_hat: the mean curvature of the directions that noise kicks in, from the deviations e of
 * `batches` mini-batches of C samples with replacement, as sum e'(H + w)e / sum |e|^2; error over the batches, first
 * order. Errors: SL_E_DOMAIN (C = 0, batches < 2); SL_E_NUMERIC (no deviations); those of the objective. */
SL_CHECKED sl_status sl_noise_curvature(sl_estimate *a, sl_objective *o, size_t C, size_t batches, uint64_t seed,
                                        sl_err *err);

/* The largest curvature at which a rule with that rate is stable on a quadratic, without noise:
 * 2 (1 + mu) / lr; Nesterov 2 (1 + mu) / ((1 + 2 mu) lr). */
double sl_stability_edge(double lr, double mu, bool nesterov);

#endif
