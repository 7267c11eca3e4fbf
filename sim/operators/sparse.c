#include "sim/operators/sparse.h"

#include <cblas.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <suitesparse/cholmod.h>
#include <suitesparse/umfpack.h>

_Static_assert(sizeof(int64_t) == sizeof(SuiteSparse_long), "indices are handed over as they are");

/* Triplets are sorted by counting, by row and then (stably) by column, so that rows increase within a column. */
static void sort_by(size_t *to, const size_t *from, size_t entries, const int64_t *key, size_t n, int64_t *count)
{
    memset(count, 0, (n + 1) * sizeof *count);
    for (size_t e = 0; e < entries; e++) count[key[e] + 1]++;
    for (size_t j = 0; j < n; j++) count[j + 1] += count[j];
    for (size_t e = 0; e < entries; e++) {
        const size_t t = from ? from[e] : e;
        to[count[key[t]]++] = t;
    }
}

/* The sorted triplets, equal places added up in the order given, so that sums do not depend on anything else. */
static void fill(sl_sparse *A, size_t entries, const size_t *order, const int64_t *row, const int64_t *column,
                 const double *value)
{
    int64_t filled = -1;
    memset(A->start, 0, (A->n + 1) * sizeof *A->start);
    for (size_t e = 0; e < entries; e++) {
        const size_t t = order[e];
        if (e > 0 && row[t] == row[order[e - 1]] && column[t] == column[order[e - 1]]) {
            A->value[filled] += value[t];
        } else {
            A->row[++filled] = row[t];
            A->value[filled] = value[t];
            A->start[column[t] + 1]++;
        }
    }
    for (size_t j = 0; j < A->n; j++) A->start[j + 1] += A->start[j];
}

sl_status sl_sparse_from_triplets(sl_sparse *A, size_t n, size_t entries, const int64_t *row, const int64_t *column,
                                  const double *value, sl_err *err)
{
    *A = (sl_sparse){.n = n};
    for (size_t e = 0; e < entries; e++)
        if (row[e] < 0 || column[e] < 0 || (size_t)row[e] >= n || (size_t)column[e] >= n)
            return sl_fail(err, SL_E_DOMAIN, "sparse matrix: entry at (%" PRId64 ", %" PRId64 ") of %zu x %zu", row[e],
                           column[e], n, n);
    const size_t room = entries > 0 ? entries : 1;
    int64_t *count = malloc((n + 1) * sizeof *count);
    size_t *by_row = calloc(room, sizeof *by_row), *order = calloc(room, sizeof *order);
    A->start = malloc((n + 1) * sizeof *A->start);
    A->row = calloc(room, sizeof *A->row);
    A->value = calloc(room, sizeof *A->value);
    const bool ok = count && by_row && order && A->start && A->row && A->value;
    if (ok) {
        sort_by(by_row, NULL, entries, row, n, count);
        sort_by(order, by_row, entries, column, n, count);
        fill(A, entries, order, row, column, value);
    }
    free(count);
    free(by_row);
    free(order);
    if (ok) return SL_OK;
    sl_sparse_clear(A);
    return sl_fail(err, SL_E_MEMORY, "sparse matrix: no memory for %zu entries", entries);
}

void sl_sparse_clear(sl_sparse *A)
{
    free(A->start);
    free(A->row);
    free(A->value);
    *A = (sl_sparse){0};
}

void sl_sparse_times(double *y, const sl_sparse *A, const double *x)
{
    memset(y, 0, A->n * sizeof *y);
    for (size_t j = 0; j < A->n; j++)
        for (int64_t e = A->start[j]; e < A->start[j + 1]; e++) y[A->row[e]] += A->value[e] * x[j];
}

void sl_sparse_transpose_times(double *y, const sl_sparse *A, const double *x)
{
    for (size_t j = 0; j < A->n; j++) {
        double sum = 0;
        for (int64_t e = A->start[j]; e < A->start[j + 1]; e++) sum += A->value[e] * x[A->row[e]];
        y[j] = sum;
    }
}

/* Either of the two solvers, with the work space that its solves need, so that they allocate nothing. */
struct sl_factor {
    size_t n;
    cholmod_common common;
    cholmod_factor *L;
    cholmod_dense *X, *Y, *E; /* solution and work space of CHOLMOD                */
    void *lu;                 /* UMFPACK                                           */
    double *work;             /* [2n]: UMFPACK's, and the solution                 */
    int64_t *index;           /* [n]                                               */
    double control[UMFPACK_CONTROL];
};

static void one_thread(void)
{
    openblas_set_num_threads(1);
}

static sl_factor *blank(size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, one_thread);
    sl_factor *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->n = n;
    cholmod_l_start(&f->common);
    f->common.print = 0;
    return f;
}

static cholmod_sparse symmetric_view(const sl_sparse *A)
{
    return (cholmod_sparse){.nrow = A->n,
                            .ncol = A->n,
                            .nzmax = (size_t)A->start[A->n],
                            .p = A->start,
                            .i = A->row,
                            .x = A->value,
                            .stype = 1, /* the upper triangle is read */
                            .itype = CHOLMOD_LONG,
                            .xtype = CHOLMOD_REAL,
                            .dtype = CHOLMOD_DOUBLE,
                            .sorted = 1,
                            .packed = 1};
}

static sl_status no_memory(sl_err *err, const char *what, size_t n)
{
    return sl_fail(err, SL_E_MEMORY, "no memory for the %s of a matrix of %zu unknowns", what, n);
}

static sl_status factor_spd(sl_factor *f, const sl_sparse *A, sl_err *err)
{
    cholmod_common *const c = &f->common;
    c->nmethods = 2;
    c->method[0].ordering = CHOLMOD_AMD;
    c->method[1].ordering = CHOLMOD_METIS;
    c->postorder = 1;
    c->supernodal = CHOLMOD_SUPERNODAL; /* L L', which finds out what is not positive; simplicial L D L' does not */
    cholmod_sparse view = symmetric_view(A);
    f->L = cholmod_l_analyze(&view, c);
    if (!f->L) return no_memory(err, "Cholesky factor", A->n);
    cholmod_l_factorize(&view, f->L, c);
    if (c->status == CHOLMOD_NOT_POSDEF)
        return sl_fail(err, SL_E_NUMERIC, "a matrix of %zu unknowns is not positive definite (at pivot %zu)", A->n,
                       f->L->minor);
    if (c->status != CHOLMOD_OK) return no_memory(err, "Cholesky factor", A->n);
    return SL_OK;
}

sl_status sl_factor_spd(sl_factor **f, const sl_sparse *A, sl_err *err)
{
    *f = blank(A->n);
    if (!*f) return no_memory(err, "Cholesky factor", A->n);
    const sl_status st = factor_spd(*f, A, err);
    if (st != SL_OK) {
        sl_factor_free(*f);
        *f = NULL;
    }
    return st;
}

/* The matrices here have a symmetric pattern and heavy diagonals: nested dissection of A + A' and pivots from the
 * diagonal, where they are not tiny. No refinement inside: callers that need it have their own residuals. */
static sl_status factor_general(sl_factor *f, const sl_sparse *A, sl_err *err)
{
    umfpack_dl_defaults(f->control);
    f->control[UMFPACK_PRL] = 0;
    f->control[UMFPACK_ORDERING] = UMFPACK_ORDERING_METIS;
    f->control[UMFPACK_IRSTEP] = 0;
    f->work = malloc(2 * A->n * sizeof *f->work);
    f->index = malloc(A->n * sizeof *f->index);
    if (!f->work || !f->index) return no_memory(err, "LU factors", A->n);
    void *symbolic = NULL;
    int64_t got =
        umfpack_dl_symbolic((int64_t)A->n, (int64_t)A->n, A->start, A->row, A->value, &symbolic, f->control, NULL);
    if (got == UMFPACK_OK) got = umfpack_dl_numeric(A->start, A->row, A->value, symbolic, &f->lu, f->control, NULL);
    umfpack_dl_free_symbolic(&symbolic);
    if (got == UMFPACK_WARNING_singular_matrix)
        return sl_fail(err, SL_E_NUMERIC, "a matrix of %zu unknowns is singular", A->n);
    if (got == UMFPACK_ERROR_out_of_memory) return no_memory(err, "LU factors", A->n);
    if (got != UMFPACK_OK)
        return sl_fail(err, SL_E_NUMERIC, "a matrix of %zu unknowns: UMFPACK fails with code %" PRId64, A->n, got);
    return SL_OK;
}

sl_status sl_factor_general(sl_factor **f, const sl_sparse *A, sl_err *err)
{
    *f = blank(A->n);
    if (!*f) return no_memory(err, "LU factors", A->n);
    const sl_status st = factor_general(*f, A, err);
    if (st != SL_OK) {
        sl_factor_free(*f);
        *f = NULL;
    }
    return st;
}

static sl_status solve_spd(double *x, sl_factor *f, const double *b, sl_err *err)
{
    cholmod_dense B = {.nrow = f->n,
                       .ncol = 1,
                       .nzmax = f->n,
                       .d = f->n,
                       .x = (void *)(uintptr_t)b,
                       .xtype = CHOLMOD_REAL,
                       .dtype = CHOLMOD_DOUBLE};
    if (!cholmod_l_solve2(CHOLMOD_A, f->L, &B, NULL, &f->X, NULL, &f->Y, &f->E, &f->common))
        return no_memory(err, "solution", f->n);
    memcpy(x, f->X->x, f->n * sizeof *x);
    return SL_OK;
}

static sl_status solve_general(double *x, sl_factor *f, int64_t system, const double *b, sl_err *err)
{
    double *const solution = f->work + f->n;
    const int64_t got =
        umfpack_dl_wsolve(system, NULL, NULL, NULL, solution, b, f->lu, f->control, NULL, f->index, f->work);
    if (got != UMFPACK_OK)
        return sl_fail(err, SL_E_NUMERIC, "a system of %zu unknowns: UMFPACK fails with code %" PRId64, f->n, got);
    memcpy(x, solution, f->n * sizeof *x);
    return SL_OK;
}

sl_status sl_factor_solve(double *x, sl_factor *f, const double *b, sl_err *err)
{
    return f->L ? solve_spd(x, f, b, err) : solve_general(x, f, UMFPACK_A, b, err);
}

sl_status sl_factor_transpose_solve(double *x, sl_factor *f, const double *b, sl_err *err)
{
    return f->L ? solve_spd(x, f, b, err) : solve_general(x, f, UMFPACK_At, b, err);
}

void sl_factor_free(sl_factor *f)
{
    if (!f) return;
    cholmod_l_free_factor(&f->L, &f->common);
    cholmod_l_free_dense(&f->X, &f->common);
    cholmod_l_free_dense(&f->Y, &f->common);
    cholmod_l_free_dense(&f->E, &f->common);
    cholmod_l_finish(&f->common);
    umfpack_dl_free_numeric(&f->lu);
    free(f->work);
    free(f->index);
    free(f);
}
