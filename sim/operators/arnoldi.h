/* sim/operators/arnoldi.h - a few eigenvalues of a large matrix that is known by what it does to a vector (ARPACK). */
#ifndef SL_SIM_OPERATORS_ARNOLDI_H
#define SL_SIM_OPERATORS_ARNOLDI_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* y = A x, real, [n]. */
typedef sl_status (*sl_apply)(void *ctx, const double *x, double *y, sl_err *err);

/* The k eigenvalues of A of largest modulus, largest first (equal moduli: larger real part first; of a conjugate pair
 * the one with positive imaginary part first), k + 2 < n. symmetric: A = A^T (Lanczos; real, orthonormal vectors).
 * vectors: k columns of n, eigenvectors, vector j at j * n; of a complex pair the real part in the first, the
 * imaginary part in the second; NULL: not wanted. start[n]: where to start, NULL: a fixed vector without symmetry.
 * tolerance: relative; 0: machine precision. Deterministic. A pair that the k-th cuts is given as its first member.
 * Errors: SL_E_NUMERIC if it has not converged after max_iterations restarts (0: 1000) or a product is not finite;
 * what apply returns; SL_E_MEMORY; SL_E_DOMAIN; SL_INTERRUPTED if sl_stop_requested; outputs are untouched by all.
 * Thread-safe (ARPACK keeps state: calls are taken one at a time, so apply may not call it). */
SL_CHECKED sl_status sl_arnoldi(double complex *values, double *vectors, size_t n, size_t k, bool symmetric,
                                sl_apply apply, void *ctx, const double *start, double tolerance, size_t max_iterations,
                                sl_err *err);

#endif
