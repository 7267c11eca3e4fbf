/* base/lanczos.h - the spectrum of a large symmetric matrix A that is known by what it does to vectors: eigenvalues at
 * its ends, traces by random probes, spectral density.
 *
 * ARPACK (sim/operators/arnoldi.h) gives eigenvalues alone. Densities need the tridiagonal matrix of a Lanczos
 * iteration from a given start, and its ends come with it, both of them, with their residuals: hence this one, with
 * full reorthogonalisation, which is what makes plain Lanczos safe. */
#ifndef SL_BASE_LANCZOS_H
#define SL_BASE_LANCZOS_H

#include <stddef.h>

#include "base/random.h"
#include "base/stats.h"

/* y_j = A x_j for j < count; x, y: [count][n]. */
typedef sl_status (*sl_product)(void *ctx, size_t count, const double *x, double *y, sl_err *err);

typedef struct {
    size_t n, steps;     /* steps: of the iteration, at most what was asked for and n             */
    double *value;       /* [steps] Ritz values, largest first                                    */
    double *weight;      /* [steps] of Gauss quadrature: start' f(A) start = sum weight f(value)  */
    double *residual;    /* [steps] |A u - value u| of the Ritz vector u: an eigenvalue of A lies so near */
    double *coefficient; /* [steps][steps] row i: Ritz vector i in the basis                      */
    double *basis;       /* [steps][n], orthonormal                                               */
} sl_lanczos;

/* start: [n], not 0; it is normalised here. Stops early where the start's Krylov space is exhausted; an eigenvalue that
 * is several times the same is found once. Errors: SL_E_DOMAIN (n or steps 0, more than 2^14 steps); SL_E_NUMERIC (a
 * product is not finite, start is 0); SL_E_MEMORY; those of apply; SL_INTERRUPTED if sl_stop_requested. */
SL_CHECKED sl_status sl_lanczos_alloc(sl_lanczos *l, size_t n, size_t steps, const double *start, sl_product apply,
                                      void *ctx, sl_err *err);
void sl_lanczos_free(sl_lanczos *l);

/* u = Ritz vector i, of length 1. */
void sl_lanczos_vector(double *u, const sl_lanczos *l, size_t i);

/* z[i] = +-1 with probability 1/2 each (Rademacher). */
void sl_random_signs(double *z, size_t n, const sl_draw *draw);

/* z -= Q Q' z; Q: k orthonormal rows of n. */
void sl_project_out(double *z, const double *q, size_t k, size_t n);

/* tr A and tr A^2 by Hutchinson's estimator on the complement of k orthonormal vectors Q, plus the exact part in their
 * span (the identity behind Hutch++, Meyer et al. 2021): with P = 1 - Q Q' and Rademacher z,
 *   tr A = sum q'A q + E (Pz)'A(Pz),   tr A^2 = sum |A q|^2 + E |A P z|^2.
 * value[k], residual[k]: q'A q and |A q - value q|. Errors are over the probes (0 where P = 0). probes >= 2; probe j is
 * drawn with draw->step = j. Errors: SL_E_DOMAIN, SL_E_MEMORY, those of apply. */
typedef struct {
    sl_estimate trace, square;
} sl_traces;
SL_CHECKED sl_status sl_trace_probe(sl_traces *t, size_t n, size_t probes, const double *q, const double *value,
                                    const double *residual, size_t k, sl_product apply, void *ctx, sl_draw draw,
                                    sl_err *err);

/* Density of eigenvalues by stochastic Lanczos quadrature (Ghorbani, Krishnan and Xiao 2019): each eigenvalue a
 * Gaussian of standard deviation width, the mean over probes of sum_i weight_i N(t; value_i, width^2). Integrates to 1.
 * probe[probes] are iterations from random starts; density, se: [points] at grid[points]; se over probes. */
void sl_spectral_density(double *density, double *se, const double *grid, size_t points, double width,
                         const sl_lanczos *probe, size_t probes);

#endif
