/* The law of (x, v) at given times, from a Gaussian (or a point) in x with v = 0.
 *
 * exp(h L) y is taken in the Krylov space of (shift - L)^-1 (van den Eshof and Hochbruck 2006: shift-invert Lanczos):
 * one factorisation, then some 60 solves for any h with shift = 40 / h, to errors of 1e-11; fast modes do not limit h.
 * The stationary part is split off beforehand and does not move, so mass is kept to rounding. */
#include <gsl/gsl_cblas.h> /* declares what cblas.h does, with which it cannot be mixed */
#include <gsl/gsl_linalg.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/gsl.h"
#include "base/parallel.h"
#include "sim/operators/klein_kramers/klein_kramers.h"

/* DIMENSION: of the Krylov space at most. CHECK: the estimate of the error is the change by so many more vectors.
 * EASY: steps that take no more of them are doubled. */
enum { DIMENSION = 96, CHECK = 8, EASY = 64 };

/* shift * h: found by trial, 60 vectors for 1e-10 at friction 0.3 and 3; 20 and 80 need more, or stall. */
static const double SHIFT = 40, SHIFT_LEAST = 20, SHIFT_MOST = 60;
/* Error allowed in a step, in the norm of coefficients: absolute, and relative, where rounding errors set the limit. */
static const double ABSOLUTE = 1e-11, RELATIVE = 1e-12;
/* Norms above this have lost the digits: the start lies where the stationary law has next to no mass. */
static const double LARGEST = 1e9;

typedef struct {
    const sl_brinkman *b;
    sl_brinkman_factor factor; /* of the shift in use, if any       */
    double step;               /* tried next                        */
    double *y;                 /* [unknowns] the state, less the stationary law */
    double *basis;             /* [DIMENSION + 1][unknowns]         */
    double *H;                 /* [DIMENSION][DIMENSION + 1] column major, (shift - L)^-1 basis = basis H */
    double *small;             /* [4 DIMENSION^2] scratch           */
} walk;

size_t sl_klein_kramers_evolve_vectors(void)
{
    return DIMENSION + 3;
}

/* Adds weight times the functions of an even order at x. */
static void add_basis_at(double *out, const sl_brinkman *b, double weight, double x)
{
    const size_t nx = b->nx;
    const bool ring = b->width[1] == nx;
    const double norm = sqrt(2 / (double)nx), t = M_PI * (x - b->lo) / (b->hi - b->lo);
    for (size_t k = 0; k < nx; k++) {
        double value = k > 0 ? norm * cos((double)k * t) : norm / sqrt(2);
        if (ring) { /* the trigonometric polynomial that is 1 at node k */
            const double d = t - M_PI * (double)k / (double)nx;
            value = fabs(sin(d)) < 1e-15 ? 1 : sin((double)nx * d) / ((double)nx * sin(d));
        }
        out[k] += weight * value;
    }
}

/* a_0 of the start, the projection of rho / sqrt(p), by the midpoint rule on the Gaussian (exact for a point). */
static void project_start(double *out, const sl_brinkman *b, const sl_operator *op, const sl_question *q)
{
    const double reach = 8.3 * q->spread, ends = b->hi - b->lo, bottom = sl_loss_value(&op->loss, q->from);
    const bool ring = b->width[1] == b->nx;
    const size_t m = q->spread > 0 ? 200 + (size_t)(8 * reach / b->step) : 1;
    memset(out, 0, b->width[0] * sizeof *out);
    for (size_t j = 0; j < m; j++) {
        const double d = reach * (2 * ((double)j + 0.5) / (double)m - 1), x = q->from[0] + d;
        const double gauss = q->spread > 0 ? exp(-d * d / (2 * q->spread * q->spread)) : 1;
        if (!ring && fabs(x - (b->lo + b->hi) / 2) > ends / 2) continue;
        add_basis_at(out, b, gauss * exp((sl_loss_value(&op->loss, &x) - bottom) / (2 * b->temperature)), x);
    }
    cblas_dscal((int)b->width[0], 1 / cblas_ddot((int)b->width[0], b->root, 1, out, 1), out, 1);
}

/* The start in w->y: x as asked for, times a velocity of zero, of which order n holds He_n(0) / sqrt(n!). */
static sl_status start(walk *w, const sl_operator *op, const sl_question *q, sl_err *err)
{
    const sl_brinkman *b = w->b;
    project_start(w->y, b, op, q);
    const double norm = cblas_dnrm2((int)b->width[0], w->y, 1);
    if (!(norm < LARGEST))
        return sl_fail(
            err, SL_E_CONFIG,
            "the start x = %g +- %g lies where the stationary law has no mass to speak of (its expansion has "
            "norm %.1e, need < %.0e)",
            q->from[0], q->spread, norm, LARGEST);
    double he = 1;
    for (size_t n = 2; n < b->nv; n += 2) {
        he *= -sqrt((double)(n - 1) / (double)n);
        cblas_daxpy((int)b->width[0], he, w->y, 1, w->y + sl_brinkman_offset(b, n), 1);
    }
    cblas_daxpy((int)b->width[0], -1, b->root, 1, w->y, 1); /* the stationary part, which has all the mass */
    return SL_OK;
}

/* One more vector of the Krylov space, column m of H. false: the space is complete. */
static bool extend(walk *w, size_t m)
{
    const int n = (int)w->b->unknowns, k = (int)m + 1;
    double *next = w->basis + (size_t)n * (m + 1), *h = w->H + m * (DIMENSION + 1), again[DIMENSION];
    sl_brinkman_solve(next, &w->factor, next - n);
    memset(h, 0, (DIMENSION + 1) * sizeof *h);
    for (int pass = 0; pass < 2; pass++) {
        cblas_dgemv(CblasColMajor, CblasTrans, n, k, 1, w->basis, n, next, 1, 0, again, 1);
        cblas_dgemv(CblasColMajor, CblasNoTrans, n, k, -1, w->basis, n, again, 1, 1, next, 1);
        for (int i = 0; i < k; i++) h[i] += again[i];
    }
    h[k] = cblas_dnrm2(n, next, 1);
    if (!(h[k] > 1e-14 * fabs(h[0]))) return false;
    cblas_dscal(n, 1 / h[k], next, 1);
    return true;
}

/* Which eigenvalues m of H belong to modes that are still there after h: those of L, shift - 1/m, decay, by e^-50 at
 * most. The others are gone, or are rounding errors of a space that is nearly complete. */
static size_t living(lapack_logical *select, const double *re, const double *im, size_t m, double shift, double h)
{
    size_t n = 0;
    for (size_t j = 0; j < m; j++) {
        const double size = re[j] * re[j] + im[j] * im[j], decay = h * (re[j] / size - shift);
        select[j] = decay > -1e-3 && decay < 50 && h < 1e6 * sqrt(size);
        n += select[j] != 0;
    }
    return n;
}

/* E = exp(h (shift - T^-1)), k x k, of the upper left part of T[m][m]. G: scratch. */
static sl_status exponential_of(double *E, double *G, const double *T, size_t k, size_t m, double shift, double h,
                                sl_err *err)
{
    int pivot[DIMENSION];
    memset(G, 0, k * k * sizeof *G);
    for (size_t j = 0; j < k; j++) {
        memcpy(E + j * k, T + j * m, k * sizeof *E);
        G[j * k + j] = -h;
    }
    if (LAPACKE_dgesv(LAPACK_COL_MAJOR, (int)k, (int)k, E, (int)k, pivot, G, (int)k) != 0)
        return sl_fail(err, SL_E_NUMERIC, "the Krylov space of %zu vectors is singular", m);
    for (size_t j = 0; j < k; j++) G[j * k + j] += h * shift;
    /* Rows for columns on both sides: the transpose of the exponential of the transpose. */
    gsl_matrix_view g = gsl_matrix_view_array(G, k, k), e = gsl_matrix_view_array(E, k, k);
    if (gsl_linalg_exponential_ss(&g.matrix, &e.matrix, GSL_PREC_DOUBLE) != 0)
        return sl_fail(err, SL_E_NUMERIC, "the exponential of a %zu x %zu matrix failed", k, k);
    return SL_OK;
}

/* c[m]: first column of f(H) = exp(h (shift - H^-1)) on m vectors. H may be next to singular, so its Schur form
 * H = Q T Q' is taken, T11 of the living modes first: f(T11) is harmless, f(T22) = 0, and the block X of f(T) between
 * them has T11 X - X T22 = f(T11) T12. */
static sl_status exponential(double *c, walk *w, size_t m, double h, sl_err *err)
{
    double *T = w->small, *Q = T + m * m, *E = Q + m * m, *X = E + m * m;
    double re[DIMENSION], im[DIMENSION], z[DIMENSION], scale = 1;
    lapack_logical select[DIMENSION];
    const int n = (int)m;
    double unused[2], work[DIMENSION];
    int kept = 0, none = 0;
    for (size_t j = 0; j < m; j++) memcpy(T + j * m, w->H + j * (DIMENSION + 1), m * sizeof *T);
    if (LAPACKE_dgees(LAPACK_COL_MAJOR, 'V', 'N', NULL, n, T, n, &none, re, im, Q, n) != 0)
        return sl_fail(err, SL_E_NUMERIC, "the Schur form of %zu Krylov vectors failed", m);
    memset(c, 0, m * sizeof *c);
    if (living(select, re, im, m, w->factor.shift, h) == 0) return SL_OK;
    /* With its workspace: LAPACKE_dtrsen passes a null one that dtrsen writes to. */
    if (LAPACKE_dtrsen_work(LAPACK_COL_MAJOR, 'N', 'V', select, n, T, n, Q, n, re, im, &kept, unused, unused + 1, work,
                            DIMENSION, &none, 1) != 0)
        return sl_fail(err, SL_E_NUMERIC, "the Schur form of %zu Krylov vectors cannot be reordered", m);
    const int gone = n - kept;
    SL_TRY(exponential_of(E, X, T, (size_t)kept, m, w->factor.shift, h, err));
    cblas_dgemv(CblasColMajor, CblasNoTrans, kept, kept, 1, E, kept, Q, n, 0, z, 1);
    if (gone > 0) {
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, kept, gone, kept, 1, E, kept, T + kept * n, n, 0, X,
                    kept);
        if (LAPACKE_dtrsyl(LAPACK_COL_MAJOR, 'N', 'N', -1, kept, gone, T, n, T + kept * n + kept, n, X, kept, &scale) <
            0)
            return sl_fail(err, SL_E_NUMERIC, "the Sylvester equation of %zu Krylov vectors failed", m);
        cblas_dgemv(CblasColMajor, CblasNoTrans, kept, gone, 1 / scale, X, kept, Q + kept * n, n, 1, z, 1);
    }
    cblas_dgemv(CblasColMajor, CblasNoTrans, n, kept, 1, Q, n, z, 1, 0, c, 1);
    return SL_OK;
}

/* y = exp(h L) y if that is possible within DIMENSION vectors; *used: how many it took, 0 if it is not. */
static sl_status step(size_t *used, walk *w, double h, sl_err *err)
{
    const int n = (int)w->b->unknowns;
    const double norm = cblas_dnrm2(n, w->y, 1), allowed = ABSOLUTE + RELATIVE * norm;
    double c[DIMENSION], before[DIMENSION] = {0};
    *used = 1;
    if (norm <= ABSOLUTE / 10) return SL_OK;
    memcpy(w->basis, w->y, (size_t)n * sizeof *w->y);
    cblas_dscal(n, 1 / norm, w->basis, 1);
    for (size_t m = 1; m <= DIMENSION; m++) {
        if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "the evolution was interrupted");
        const bool more = extend(w, m - 1);
        if (more && m % CHECK != 0) continue;
        SL_TRY(exponential(c, w, m, h, err));
        double change = 0;
        for (size_t j = 0; j < m; j++) change = hypot(change, c[j] - before[j]);
        if (!more || norm * change <= allowed) {
            cblas_dgemv(CblasColMajor, CblasNoTrans, n, (int)m, norm, w->basis, n, c, 1, 0, w->y, 1);
            *used = m;
            return SL_OK;
        }
        memcpy(before, c, m * sizeof *c);
    }
    *used = 0;
    return SL_OK;
}

/* y = exp(t L) y, in equal steps as long as the last one tried, or shorter where that fails. */
static sl_status advance(walk *w, double t, sl_err *err)
{
    double left = t;
    const double first = fmin(t, w->step);
    while (left > 0) {
        const double steps = fmax(1, ceil(left / w->step * (1 - 1e-12))), h = left / steps;
        if (!(h > 1e-9 * first)) return sl_fail(err, SL_E_NUMERIC, "no step of the evolution succeeds, down to %g", h);
        const double product = w->factor.shift * h;
        if (!(product >= SHIFT_LEAST && product <= SHIFT_MOST)) {
            sl_brinkman_factor_clear(&w->factor);
            SL_TRY(sl_brinkman_factorise(&w->factor, w->b, SHIFT / h, err));
        }
        size_t used = 0;
        SL_TRY(step(&used, w, h, err));
        if (used > 0) left = steps > 1 ? left - h : 0;
        w->step = used == 0 ? h / 2 : used <= EASY ? fmax(w->step, 2 * h) : fmax(w->step, h);
    }
    return SL_OK;
}

static sl_status walk_times(sl_answer *a, walk *w, const sl_operator *op, const sl_question *q, double *state,
                            sl_err *err)
{
    const sl_brinkman *b = w->b;
    for (size_t i = 0; i < q->n_times; i++) {
        SL_TRY(advance(w, q->times[i] - (i > 0 ? q->times[i - 1] : 0), err));
        memcpy(state, w->y, b->unknowns * sizeof *state);
        cblas_daxpy((int)b->width[0], 1, b->root, 1, state, 1);
        SL_TRY(sl_klein_kramers_add_law(a, b, op, i, state, err));
    }
    return SL_OK;
}

sl_status sl_klein_kramers_evolve(sl_answer *a, const sl_brinkman *b, const sl_operator *op, const sl_question *q,
                                  sl_err *err)
{
    sl_gsl_quiet();
    const size_t n = b->unknowns, square = (DIMENSION + 1) * DIMENSION;
    const double frequency = sl_brinkman_frequency(b, op);
    walk w = {.b = b, .step = 4 / frequency * fmax(1, b->friction / frequency)};
    double *memory = calloc(n * (DIMENSION + 3) + 5 * square, sizeof *memory);
    if (!memory) return sl_fail(err, SL_E_MEMORY, "no memory for %d vectors of %zu", DIMENSION + 3, n);
    w.H = memory;
    w.small = w.H + square;
    w.y = w.small + 4 * square;
    w.basis = w.y + n;
    sl_status st = start(&w, op, q, err);
    if (st == SL_OK) st = walk_times(a, &w, op, q, w.basis + (DIMENSION + 1) * n, err);
    sl_brinkman_factor_clear(&w.factor);
    free(memory);
    return st;
}

/* Steps as seen on the double well: the fewer the friction, the longer what a start excites stays, most of it from a
 * point. They lengthen as it goes, after some ten periods. 4e9 operations a second. */
double sl_klein_kramers_evolve_seconds(const sl_operator *op, const sl_question *q, size_t n)
{
    const double frequency = sl_brinkman_rough_frequency(op), nx = (double)n;
    const double unknowns = nx * (double)sl_brinkman_orders(op, n), most = DIMENSION;
    const double time = q->n_times > 0 ? q->times[q->n_times - 1] : 0, turns = fmin(time * frequency, 60) / 4;
    const double damping = op->friction / frequency;
    const double steps = (1 + turns) * (2 + 0.1 / damping) * (q->spread > 0 ? 0.5 : 1);
    return steps * (8 * most * nx * unknowns + 4 * most * most * unknowns + 2e8) / 4e9;
}
