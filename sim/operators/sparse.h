/* sim/operators/sparse.h - sparse matrices and their direct solvers (SuiteSparse), as operators need them.
 *
 * Factorisations run on one thread, so that results do not depend on the number of cores. */
#ifndef SL_SIM_OPERATORS_SPARSE_H
#define SL_SIM_OPERATORS_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Compressed columns: entries of column j at start[j] .. start[j+1]-1, rows increasing. n x n. */
typedef struct {
    size_t n;
    int64_t *start; /* [n+1] */
    int64_t *row;
    double *value;
} sl_sparse;

/* From triplets (row, column, value), equal places added up. Errors: SL_E_MEMORY. *A is to be cleared. */
SL_CHECKED sl_status sl_sparse_from_triplets(sl_sparse *A, size_t n, size_t entries, const int64_t *row,
                                             const int64_t *column, const double *value, sl_err *err);
void sl_sparse_clear(sl_sparse *A);
/* y = A x, or A^T x. */
void sl_sparse_times(double *y, const sl_sparse *A, const double *x);
void sl_sparse_transpose_times(double *y, const sl_sparse *A, const double *x);

typedef struct sl_factor sl_factor;
/* Of a symmetric positive definite A (both triangles stored) by CHOLMOD, nested dissection or AMD, whichever is
 * sparser. Errors: SL_E_NUMERIC if A is not positive definite; SL_E_MEMORY. */
SL_CHECKED sl_status sl_factor_spd(sl_factor **f, const sl_sparse *A, sl_err *err);
/* Of a general A by UMFPACK. Errors: SL_E_NUMERIC if singular; SL_E_MEMORY. */
SL_CHECKED sl_status sl_factor_general(sl_factor **f, const sl_sparse *A, sl_err *err);
/* x = A^-1 b, or A^-T b. x and b may be the same. Errors: SL_E_NUMERIC; SL_E_MEMORY. */
SL_CHECKED sl_status sl_factor_solve(double *x, sl_factor *f, const double *b, sl_err *err);
SL_CHECKED sl_status sl_factor_transpose_solve(double *x, sl_factor *f, const double *b, sl_err *err);
void sl_factor_free(sl_factor *f);

#endif
