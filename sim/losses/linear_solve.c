/* Minimisers of least squares and logistic regression, and on balls. */
#include "sim/losses/linear.h"

#include <cblas.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/gsl.h"

double sl_samples_dot(const sl_samples *s, size_t j, const double *x)
{
    double sum = 0;
    for (size_t d = 0; d < s->n; d++) sum += s->A[j * s->n + d] * x[d];
    return sum;
}

void sl_samples_gram(double *H, const sl_samples *s, const double *w, double l2)
{
    const size_t n = s->n;
    memset(H, 0, n * n * sizeof *H);
    for (size_t j = 0; j < s->m; j++) {
        const double *a = s->A + j * n;
        for (size_t d = 0; d < n; d++) {
            const double wa = w[j] * a[d];
            for (size_t e = 0; e <= d; e++) H[d * n + e] += wa * a[e];
        }
    }
    for (size_t d = 0; d < n; d++) H[d * n + d] += l2;
}

sl_status sl_least_squares_solve(bool *found, double *x, const sl_samples *s, double l2, sl_err *err)
{
    const size_t m = s->m, n = s->n, more = l2 > 0 ? n : 0, rows = m + more, right = rows > n ? rows : n;
    double *A = calloc(rows * n + right, sizeof *A), *b = A + rows * n, singular[SL_LOSS_MAX_DIM];
    if (!A) return sl_fail(err, SL_E_MEMORY, "no memory for a matrix of %zu x %zu", rows, n);
    memcpy(A, s->A, m * n * sizeof *A);
    memcpy(b, s->y, m * sizeof *b);
    for (size_t d = 0; d < more; d++) A[(m + d) * n + d] = sqrt((double)m * l2);
    openblas_set_num_threads(1); /* or the last bits would depend on how many there are */
    lapack_int rank;
    const lapack_int info = LAPACKE_dgelsd(LAPACK_ROW_MAJOR, (lapack_int)rows, (lapack_int)n, 1, A, (lapack_int)n, b, 1,
                                           singular, -1, &rank);
    if (info == 0) memcpy(x, b, n * sizeof *x);
    free(A);
    *found = info == 0;
    return info == 0 ? SL_OK : sl_fail(err, SL_E_NUMERIC, "least squares of %zu samples: no singular values", m);
}

/* ---- Logistic regression ---- */

typedef struct {
    const sl_samples *s;
    double l2;
    double *w; /* [m] scratch */
} logistic;

static double logistic_value(const logistic *l, const double *x)
{
    double sum = 0, square = 0;
    for (size_t j = 0; j < l->s->m; j++) {
        const double t = l->s->y[j] * sl_samples_dot(l->s, j, x);
        sum += log1p(exp(-fabs(t))) + fmax(-t, 0);
    }
    for (size_t d = 0; d < l->s->n; d++) square += x[d] * x[d];
    return sum / (double)l->s->m + 0.5 * l->l2 * square;
}

/* g = gradient, H = Hessian at x; returns the least t_j = y_j a_j.x. */
static double logistic_derivatives(const logistic *l, const double *x, double *g, double *H)
{
    const sl_samples *s = l->s;
    const double share = 1 / (double)s->m;
    double least = INFINITY;
    for (size_t d = 0; d < s->n; d++) g[d] = l->l2 * x[d];
    for (size_t j = 0; j < s->m; j++) {
        const double t = s->y[j] * sl_samples_dot(s, j, x), e = exp(-fabs(t));
        const double low = t > 0 ? e / (1 + e) : 1 / (1 + e); /* 1/(1 + exp t) */
        for (size_t d = 0; d < s->n; d++) g[d] -= share * s->y[j] * low * s->A[j * s->n + d];
        l->w[j] = share * e / ((1 + e) * (1 + e));
        least = fmin(least, t);
    }
    sl_samples_gram(H, s, l->w, l->l2);
    return least;
}

/* x -= t step, with t = 1, 1/2, ... so that the value falls. Near the end its fall is lost in rounding: t = 1. */
static void descend(const logistic *l, double *x, const double *step, double decrement)
{
    double trial[SL_LOSS_MAX_DIM];
    const double value = logistic_value(l, x);
    for (double t = 1; t > 1e-12; t /= 2) {
        for (size_t d = 0; d < l->s->n; d++) trial[d] = x[d] - t * step[d];
        if (decrement < 1e-10 || logistic_value(l, trial) <= value - 1e-4 * t * decrement) break;
    }
    memcpy(x, trial, l->s->n * sizeof *x);
}

static sl_status newton(bool *found, double *x, const logistic *l, double *H, sl_err *err)
{
    enum { MOST = 200 };
    const size_t n = l->s->n;
    double g[SL_LOSS_MAX_DIM], step[SL_LOSS_MAX_DIM], before = INFINITY;
    memset(x, 0, n * sizeof *x);
    for (int k = 0; k < MOST; k++) {
        if (logistic_derivatives(l, x, g, H) > 0 && l->l2 <= 0) return SL_OK; /* c x with c -> inf: f -> 0 */
        memcpy(step, g, n * sizeof *step);
        if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, 1, H, (lapack_int)n, step, 1) != 0) return SL_OK;
        const double decrement = cblas_ddot((int)n, g, 1, step, 1);
        descend(l, x, step, decrement);
        *found = decrement <= 1e-28 || (decrement < 1e-16 && decrement > 0.1 * before);
        if (*found) return SL_OK;
        before = decrement;
    }
    return sl_fail(err, SL_E_NUMERIC, "logistic regression: %d Newton steps were not enough", MOST);
}

sl_status sl_logistic_solve(bool *found, double *x, const sl_samples *s, double l2, sl_err *err)
{
    *found = false;
    double *memory = malloc((s->n * s->n + s->m) * sizeof *memory);
    if (!memory) return sl_fail(err, SL_E_MEMORY, "no memory for the weights of %zu samples", s->m);
    openblas_set_num_threads(1);
    const logistic l = {.s = s, .l2 = l2, .w = memory + s->n * s->n};
    const sl_status st = newton(found, x, &l, memory, err);
    free(memory);
    return st;
}

/* ---- On balls ---- */

typedef struct {
    sl_linear_solve solve;
    const sl_samples *s;
    double l2, radius;
    double *x;
    bool found;
    sl_status st;
    sl_err *err;
} ball;

/* log(|x(nu)|/radius): falls with nu. */
static double beyond(double nu, void *ctx)
{
    ball *b = ctx;
    if (b->st == SL_OK) b->st = b->solve(&b->found, b->x, b->s, b->l2 + nu, b->err);
    if (b->st != SL_OK) return 0;
    return b->found ? log(cblas_dnrm2((int)b->s->n, b->x, 1) / b->radius) : 1; /* none: at infinity */
}

static sl_status on_sphere(ball *b, double low, double high)
{
    enum { MOST = 200 };
    sl_gsl_quiet();
    gsl_root_fsolver *root = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    if (!root) return sl_fail(b->err, SL_E_MEMORY, "no memory for a root");
    gsl_function f = {.function = beyond, .params = b};
    int gsl = gsl_root_fsolver_set(root, &f, low, high);
    for (int k = 0; k < MOST && gsl == GSL_SUCCESS && b->st == SL_OK; k++) {
        gsl = gsl_root_fsolver_iterate(root);
        if (gsl_root_test_interval(gsl_root_fsolver_x_lower(root), gsl_root_fsolver_x_upper(root), 0, 1e-15) ==
            GSL_SUCCESS)
            break;
        if (fabs(beyond(gsl_root_fsolver_root(root), b)) < 1e-15) break;
    }
    const double nu = gsl_root_fsolver_root(root);
    gsl_root_fsolver_free(root);
    if (b->st == SL_OK && gsl != GSL_SUCCESS)
        b->st = sl_fail(b->err, SL_E_NUMERIC, "no minimum on the sphere |x| = %g: %s", b->radius, gsl_strerror(gsl));
    beyond(nu, b);
    return b->st;
}

sl_status sl_ball_solve(bool *found, double *x, sl_linear_solve solve, const sl_samples *s, double l2, double radius,
                        double slope, sl_err *err)
{
    SL_TRY(solve(found, x, s, l2, err));
    if (!(radius > 0) || (*found && cblas_dnrm2((int)s->n, x, 1) <= radius)) return SL_OK;
    /* nu |x|^2 <= -x.grad F(0), F being convex, so |x| <= slope / nu. */
    ball b = {.solve = solve, .s = s, .l2 = l2, .radius = radius, .x = x, .err = err};
    const double high = slope / radius * (1 + 1e-12);
    double low = high / 2;
    while (low > 1e-300 && beyond(low, &b) < 0 && b.st == SL_OK) low /= 16;
    if (b.st == SL_OK && beyond(high, &b) < 0) SL_TRY(on_sphere(&b, low, high));
    SL_TRY(b.st);
    cblas_dscal((int)s->n, radius / cblas_dnrm2((int)s->n, x, 1), x, 1);
    *found = true;
    return SL_OK;
}
