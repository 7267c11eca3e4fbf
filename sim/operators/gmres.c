#include "sim/operators/gmres.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

/* One restart's worth: Q[m + 1][n] orthonormal, H upper Hessenberg in columns of m + 1, turned into a triangle by
 * rotations (c, s) as it grows; g the rotated right-hand side, whose last entry is the residual's norm. */
typedef struct {
    size_t n, m;
    double *Q, *H, *c, *s, *g, *y;
} space;

static sl_status space_alloc(space *k, size_t n, size_t m, sl_err *err)
{
    *k = (space){.n = n, .m = m};
    k->Q = malloc(((m + 1) * n + (m + 1) * m + 4 * (m + 1)) * sizeof(double));
    if (!k->Q) return sl_fail(err, SL_E_MEMORY, "gmres: no memory for %zu vectors of %zu", m + 1, n);
    k->H = k->Q + (m + 1) * n;
    k->c = k->H + (m + 1) * m;
    k->s = k->c + m + 1;
    k->g = k->s + m + 1;
    k->y = k->g + m + 1;
    return SL_OK;
}

/* Makes q orthogonal to the j vectors before it, by classical Gram-Schmidt taken twice (as good as Householder's, and
 * matrix times vector); adds the coefficients to h[j]. Returns the norm of what is left. */
static double orthogonalise(const space *k, size_t j, double *h)
{
    const int n = (int)k->n, jj = (int)j;
    double *q = k->Q + j * k->n;
    memset(h, 0, j * sizeof *h);
    for (int pass = 0; pass < 2; pass++) {
        cblas_dgemv(CblasRowMajor, CblasNoTrans, jj, n, 1, k->Q, n, q, 1, 0, k->y, 1);
        cblas_dgemv(CblasRowMajor, CblasTrans, jj, n, -1, k->Q, n, k->y, 1, 1, q, 1);
        for (size_t i = 0; i < j; i++) h[i] += k->y[i];
    }
    return cblas_dnrm2(n, q, 1);
}

static void rotate(space *k, size_t j, double *h)
{
    for (size_t i = 0; i < j; i++) {
        const double up = k->c[i] * h[i] + k->s[i] * h[i + 1];
        h[i + 1] = k->c[i] * h[i + 1] - k->s[i] * h[i];
        h[i] = up;
    }
    const double r = hypot(h[j], h[j + 1]);
    k->c[j] = r > 0 ? h[j] / r : 1;
    k->s[j] = r > 0 ? h[j + 1] / r : 0;
    h[j] = r;
    h[j + 1] = 0;
    k->g[j + 1] = -k->s[j] * k->g[j];
    k->g[j] *= k->c[j];
}

/* x += Q y with H y = g, of j columns. */
static void add_solution(const space *k, size_t j, double *x)
{
    for (size_t i = j; i-- > 0;) {
        double sum = k->g[i];
        for (size_t l = i + 1; l < j; l++) sum -= k->H[l * (k->m + 1) + i] * k->y[l];
        k->y[i] = k->H[i * (k->m + 1) + i] != 0 ? sum / k->H[i * (k->m + 1) + i] : 0;
    }
    cblas_dgemv(CblasRowMajor, CblasTrans, (int)j, (int)k->n, 1, k->Q, (int)k->n, k->y, 1, 1, x, 1);
}

/* Q[0] = b - A x, unnormalised; its norm. */
static sl_status start(double *norm, const space *k, const double *x, sl_apply apply, void *ctx, const double *b,
                       sl_err *err)
{
    SL_TRY(apply(ctx, x, k->Q, err));
    for (size_t i = 0; i < k->n; i++) k->Q[i] = b[i] - k->Q[i];
    *norm = cblas_dnrm2((int)k->n, k->Q, 1);
    if (!isfinite(*norm)) return sl_fail(err, SL_E_NUMERIC, "gmres: a product is not finite");
    return SL_OK;
}

static sl_status solve(double *x, double *residual, space *k, sl_apply apply, void *ctx, const double *b,
                       double tolerance, size_t steps, sl_err *err)
{
    const double size = cblas_dnrm2((int)k->n, b, 1);
    double norm = 0, before = INFINITY;
    for (size_t taken = 0;;) {
        SL_TRY(start(&norm, k, x, apply, ctx, b, err));
        *residual = size > 0 ? norm / size : 0;
        if (*residual <= tolerance || taken >= steps || norm > 0.9 * before) return SL_OK;
        before = norm;
        cblas_dscal((int)k->n, 1 / norm, k->Q, 1);
        memset(k->g, 0, (k->m + 1) * sizeof *k->g);
        k->g[0] = norm;
        size_t j = 0;
        while (j < k->m && taken < steps) {
            if (sl_stop_requested()) return SL_INTERRUPTED;
            double *h = k->H + j * (k->m + 1);
            SL_TRY(apply(ctx, k->Q + j * k->n, k->Q + (j + 1) * k->n, err));
            taken++;
            h[j + 1] = orthogonalise(k, j + 1, h);
            if (!isfinite(h[j + 1])) return sl_fail(err, SL_E_NUMERIC, "gmres: a product is not finite");
            if (h[j + 1] > 0) cblas_dscal((int)k->n, 1 / h[j + 1], k->Q + (j + 1) * k->n, 1);
            rotate(k, j, h);
            j++;
            if (fabs(k->g[j]) <= 0.3 * tolerance * size) break;
        }
        add_solution(k, j, x);
    }
}

sl_status sl_gmres(double *x, double *residual, size_t n, sl_apply apply, void *ctx, const double *b, double tolerance,
                   size_t basis, size_t steps, sl_err *err)
{
    space k;
    SL_TRY(space_alloc(&k, n, basis, err));
    const sl_status st = solve(x, residual, &k, apply, ctx, b, tolerance, steps, err);
    free(k.Q);
    return st;
}
