#include "sim/operators/arnoldi.h"

#include <arpack/arpack.h>
#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

/* ARPACK keeps the state of an iteration between calls in variables of its own, one set a process. */
static pthread_mutex_t arpack = PTHREAD_MUTEX_INITIALIZER;

/* Vectors kept beyond two an eigenvalue: restarts get rarer, at the price of memory and of orthogonalisation. */
enum { SPARE = 16 };

/* Moduli closer than this, relatively, count as equal: what rounding does to a pair +-a. */
static const double SAME = 1e-11;

typedef struct {
    int n, k, ncv, lworkl;
    bool symmetric;
    double tolerance;
    int iparam[11], ipntr[14];
    double *memory; /* all of the below in one block */
    double *resid;  /* [n]                           */
    double *basis;  /* [ncv][n], then eigenvectors   */
    double *workd;  /* [3 n]                         */
    double *workl, *workev, *re, *im;
    int *select; /* [ncv] */
} krylov;

static void clear(krylov *a)
{
    free(a->memory);
    free(a->select);
}

static sl_status alloc(krylov *a, size_t n, size_t k, bool symmetric, sl_err *err)
{
    const size_t most = 2 * k + SPARE, ncv = most < n ? most : n;
    const size_t lworkl = symmetric ? ncv * (ncv + 8) : 3 * ncv * (ncv + 2);
    *a = (krylov){.n = (int)n, .k = (int)k, .ncv = (int)ncv, .lworkl = (int)lworkl, .symmetric = symmetric};
    a->memory = calloc(n * (ncv + 4) + lworkl + 3 * ncv + 2 * (k + 1), sizeof(double));
    a->select = calloc(ncv, sizeof *a->select);
    if (!a->memory || !a->select) {
        clear(a);
        return sl_fail(err, SL_E_MEMORY, "arnoldi: no memory for %zu vectors of %zu", ncv + 4, n);
    }
    a->resid = a->memory;
    a->basis = a->resid + n;
    a->workd = a->basis + n * ncv;
    a->workl = a->workd + 3 * n;
    a->workev = a->workl + lworkl;
    a->re = a->workev + 3 * ncv;
    a->im = a->re + k + 1;
    return SL_OK;
}

/* Positive, so that it meets a Perron vector, and without any symmetry that a matrix may have. */
static void begin(krylov *a, const double *start)
{
    static const double golden = 0.61803398874989485;
    for (int i = 0; i < a->n; i++) a->resid[i] = start ? start[i] : 0.5 + fmod((i + 1) * golden, 1);
}

static sl_status applied(krylov *a, sl_apply apply, void *ctx, sl_err *err)
{
    double *y = a->workd + a->ipntr[1] - 1;
    SL_TRY(apply(ctx, a->workd + a->ipntr[0] - 1, y, err));
    for (int i = 0; i < a->n; i++)
        if (!isfinite(y[i]))
            return sl_fail(err, SL_E_NUMERIC, "arnoldi: the matrix times a vector gave %g at row %d", y[i], i);
    return SL_OK;
}

/* Mode 1 of ARPACK (A x = lambda x), exact shifts, its vector asked for by ido = +-1. */
static sl_status iterate(krylov *a, size_t max_iterations, sl_apply apply, void *ctx, sl_err *err)
{
    a->iparam[0] = 1;
    a->iparam[2] = max_iterations > INT_MAX ? INT_MAX : (int)max_iterations;
    a->iparam[6] = 1;
    int ido = 0, info = 1; /* 1: the start is in resid */
    for (;;) {
        if (a->symmetric)
            dsaupd_c(&ido, "I", a->n, "LM", a->k, a->tolerance, a->resid, a->ncv, a->basis, a->n, a->iparam, a->ipntr,
                     a->workd, a->workl, a->lworkl, &info);
        else
            dnaupd_c(&ido, "I", a->n, "LM", a->k, a->tolerance, a->resid, a->ncv, a->basis, a->n, a->iparam, a->ipntr,
                     a->workd, a->workl, a->lworkl, &info);
        if (ido != 1 && ido != -1) break;
        if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "the eigenvalues were interrupted");
        SL_TRY(applied(a, apply, ctx, err));
    }
    if (info == 1)
        return sl_fail(err, SL_E_NUMERIC, "arnoldi: %d of %d eigenvalues of n = %d converged to %g in %zu restarts",
                       a->iparam[4], a->k, a->n, a->tolerance, max_iterations);
    if (info != 0)
        return sl_fail(err, SL_E_NUMERIC, "arnoldi: d%caupd stopped with info = %d on n = %d, k = %d",
                       a->symmetric ? 's' : 'n', info, a->n, a->k);
    return SL_OK;
}

/* *found: eigenvalues in re, im (k, or k + 1 where the k-th has a conjugate), vectors in the basis's first columns. */
static sl_status extract(krylov *a, size_t *found, bool vectors, sl_err *err)
{
    int info = 0;
    if (a->symmetric)
        dseupd_c(vectors, "A", a->select, a->re, a->basis, a->n, 0, "I", a->n, "LM", a->k, a->tolerance, a->resid,
                 a->ncv, a->basis, a->n, a->iparam, a->ipntr, a->workd, a->workl, a->lworkl, &info);
    else
        dneupd_c(vectors, "A", a->select, a->re, a->im, a->basis, a->n, 0, 0, a->workev, "I", a->n, "LM", a->k,
                 a->tolerance, a->resid, a->ncv, a->basis, a->n, a->iparam, a->ipntr, a->workd, a->workl, a->lworkl,
                 &info);
    if (info != 0)
        return sl_fail(err, SL_E_NUMERIC, "arnoldi: d%ceupd stopped with info = %d on n = %d, k = %d",
                       a->symmetric ? 's' : 'n', info, a->n, a->k);
    *found = (size_t)a->iparam[4];
    if (*found < (size_t)a->k)
        return sl_fail(err, SL_E_NUMERIC, "arnoldi: %zu of %d eigenvalues of n = %d converged", *found, a->k, a->n);
    return SL_OK;
}

/* Whether eigenvalue i comes before j. */
static bool before(const krylov *a, size_t i, size_t j)
{
    const double mi = hypot(a->re[i], a->im[i]), mj = hypot(a->re[j], a->im[j]);
    if (fabs(mi - mj) > SAME * fmax(mi, mj)) return mi > mj;
    return a->re[i] > a->re[j];
}

/* Copies out in order. A pair is one item: its members stand side by side, positive imaginary part first (the sign
 * is that of the vectors too). */
static void deliver(const krylov *a, size_t found, double complex *values, double *vectors)
{
    const size_t k = (size_t)a->k, n = (size_t)a->n;
    size_t *item = (size_t *)(void *)a->workl, items = 0; /* done with, and longer than k + 1 */
    for (size_t i = 0; i < found; i += a->im[i] != 0 ? 2 : 1) {
        size_t at = items++;
        for (; at > 0 && before(a, i, item[at - 1]); at--) item[at] = item[at - 1];
        item[at] = i;
    }
    for (size_t j = 0, out = 0; out < k; j++) {
        const size_t i = item[j];
        const double sign = a->im[i] < 0 ? -1 : 1;
        for (size_t member = 0; member < (a->im[i] != 0 ? 2 : 1) && out < k; member++, out++) {
            values[out] = CMPLX(a->re[i], member == 0 ? fabs(a->im[i]) : -fabs(a->im[i]));
            if (!vectors) continue;
            memcpy(vectors + out * n, a->basis + (i + member) * n, n * sizeof *vectors);
            if (member == 1 && sign < 0) cblas_dscal((int)n, -1, vectors + out * n, 1);
        }
    }
}

static sl_status solve(krylov *a, double complex *values, double *vectors, sl_apply apply, void *ctx,
                       size_t max_iterations, sl_err *err)
{
    size_t found = 0;
    SL_TRY(iterate(a, max_iterations, apply, ctx, err));
    SL_TRY(extract(a, &found, vectors != NULL, err));
    deliver(a, found, values, vectors);
    return SL_OK;
}

static void single_threaded_blas(void)
{
    openblas_set_num_threads(1);
}

sl_status sl_arnoldi(double complex *values, double *vectors, size_t n, size_t k, bool symmetric, sl_apply apply,
                     void *ctx, const double *start, double tolerance, size_t max_iterations, sl_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, single_threaded_blas);

    if (!(k >= 1 && k < n && k + 2 < n))
        return sl_fail(err, SL_E_DOMAIN, "arnoldi: %zu eigenvalues of n = %zu, need 1 <= k and k + 2 < n", k, n);
    if (!(n <= INT_MAX / 4 && k <= 4096))
        return sl_fail(err, SL_E_DOMAIN, "arnoldi: n = %zu, k = %zu, need n <= %d and k <= 4096", n, k, INT_MAX / 4);
    if (!(tolerance >= 0 && tolerance < 1))
        return sl_fail(err, SL_E_DOMAIN, "arnoldi: tolerance = %g, need 0 <= tolerance < 1", tolerance);
    krylov a;
    SL_TRY(alloc(&a, n, k, symmetric, err));
    a.tolerance = tolerance;
    begin(&a, start);
    pthread_mutex_lock(&arpack);
    const sl_status st = solve(&a, values, vectors, apply, ctx, max_iterations > 0 ? max_iterations : 1000, err);
    pthread_mutex_unlock(&arpack);
    clear(&a);
    return st;
}
