/* sim/operators/gmres.h - a large linear system known by what its matrix does to a vector (GMRES, Saad and Schultz
 * 1986). GSL has GMRES for stored matrices only, ARPACK none. Private to sim/operators/. */
#ifndef SL_SIM_OPERATORS_GMRES_H
#define SL_SIM_OPERATORS_GMRES_H

#include "sim/operators/arnoldi.h"

/* Solves A x = b, from the x given, until |b - A x| <= tolerance |b| or it falls no further. `basis` vectors are kept
 * between restarts; at most `steps` products are taken. *residual: |b - A x| / |b| reached, of the true residual.
 * Memory: (basis + 2) n doubles. Deterministic. Errors: SL_E_MEMORY; SL_E_NUMERIC if a product is not finite; what
 * apply returns; SL_INTERRUPTED if sl_stop_requested. */
SL_CHECKED sl_status sl_gmres(double *x, double *residual, size_t n, sl_apply apply, void *ctx, const double *b,
                              double tolerance, size_t basis, size_t steps, sl_err *err);

#endif
