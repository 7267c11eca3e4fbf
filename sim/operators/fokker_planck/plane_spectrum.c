/* The slowest eigenvalues and eigenfunctions of a diffusion in the plane.
 *
 * Reversible: Lanczos on the inverse of the symmetrised generator, without its null vector, gives the subspace; within
 * it eigenvalues are Rayleigh quotients of the Dirichlet form
 *     E(u, u) = sum over edges of pi_i k_ij (u_i - u_j)^2,
 * a sum of squares of small differences, none of which cancel. So an eigenvalue of 1e-10 beside rates of 1e4 keeps
 * its digits, where the matrix, whose rows sum to zero only up to rounding errors of 1e-12, would have none left. */
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/operators/arnoldi.h"
#include "sim/operators/fokker_planck/plane.h"

typedef struct {
    const sl_plane *p;
    sl_factor *factor;
    double *root;    /* [unknowns] sqrt(pi), of norm 1                          */
    double *scratch; /* [unknowns]                                              */
    bool null;       /* root is a null vector, kept out                         */
    size_t k;        /* eigenvalues sought, without the null one                */
    double *vectors; /* [k][unknowns] phi = sqrt(pi) u, orthonormal             */
} symmetric;

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void subtract(double *a, double c, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) a[i] -= c * b[i];
}

static sl_status apply_symmetric(void *ctx, const double *x, double *y, sl_err *err)
{
    symmetric *const s = ctx;
    const size_t N = s->p->unknowns;
    memcpy(s->scratch, x, N * sizeof *x);
    if (s->null) subtract(s->scratch, dot(s->root, x, N), s->root, N);
    SL_TRY(sl_factor_solve(y, s->factor, s->scratch, err));
    if (s->null) subtract(y, dot(s->root, y, N), s->root, N);
    return SL_OK;
}

/* The factor of A + sigma I. sigma is just above rounding errors: A itself has a null vector. */
static sl_status factorise(symmetric *s, sl_err *err)
{
    const sl_plane *const p = s->p;
    double sigma = 1e-13 * 2 * p->T * (1 / (p->h[0] * p->h[0]) + 1 / (p->h[1] * p->h[1]));
    sl_status st = SL_E_NUMERIC;
    for (int attempt = 0; attempt < 4 && st == SL_E_NUMERIC; attempt++, sigma *= 100) {
        sl_sparse A = {0};
        SL_TRY(sl_plane_symmetric(&A, p, sigma, 1, err));
        st = sl_factor_spd(&s->factor, &A, err);
        sl_sparse_clear(&A);
    }
    return st;
}

static sl_status set_up(symmetric *s, const sl_plane *p, size_t eigenvalues, sl_err *err)
{
    const size_t N = p->unknowns;
    *s = (symmetric){.p = p, .null = !p->absorbing, .k = eigenvalues - !p->absorbing};
    s->root = calloc(N, sizeof *s->root);
    s->scratch = malloc(N * sizeof *s->scratch);
    s->vectors = calloc((s->k + 1) * N, sizeof *s->vectors);
    if (!s->root || !s->scratch || !s->vectors)
        return sl_fail(err, SL_E_MEMORY, "no memory for %zu eigenvectors of %zu", s->k, N);
    for (size_t i = 0; i < N; i++) s->root[i] = exp(-p->f[i] / (2 * p->T));
    const double norm = sqrt(dot(s->root, s->root, N));
    for (size_t i = 0; i < N; i++) s->root[i] /= norm;
    return factorise(s, err);
}

static void clear(symmetric *s)
{
    sl_factor_free(s->factor);
    free(s->root);
    free(s->scratch);
    free(s->vectors);
}

static void orthonormalise(symmetric *s)
{
    const size_t N = s->p->unknowns;
    for (int twice = 0; twice < 2; twice++)
        for (size_t a = 0; a < s->k; a++) {
            double *const v = s->vectors + a * N;
            if (s->null) subtract(v, dot(s->root, v, N), s->root, N);
            for (size_t b = 0; b < a; b++) subtract(v, dot(s->vectors + b * N, v, N), s->vectors + b * N, N);
            const double norm = sqrt(dot(v, v, N));
            for (size_t i = 0; i < N; i++) v[i] /= norm;
        }
}

/* Lanczos' vectors are good to 1e-16 of their norm, which says nothing about u = phi / sqrt(pi) where pi is small. Two
 * steps of inverse iteration say it: what u is there follows from the places below, by a solve that adds only
 * positive terms. */
static sl_status clean(symmetric *s, sl_err *err)
{
    const size_t N = s->p->unknowns;
    double largest = 0;
    for (size_t i = 0; i < N; i++) largest = fmax(largest, s->root[i]);
    for (size_t a = 0; a < s->k; a++)
        for (size_t i = 0; i < N; i++)
            if (s->root[i] < 1e-6 * largest) s->vectors[a * N + i] = 0;
    for (int round = 0; round < 2; round++) {
        for (size_t a = 0; a < s->k; a++)
            SL_TRY(sl_factor_solve(s->vectors + a * N, s->factor, s->vectors + a * N, err));
        orthonormalise(s);
    }
    return SL_OK;
}

/* G[a][b] = E(u_a, u_b). */
static void dirichlet(double *G, const symmetric *s)
{
    const sl_plane *const p = s->p;
    const size_t N = p->unknowns, k = s->k;
    memset(G, 0, k * k * sizeof *G);
    for (size_t i = 0; i < N; i++) {
        double d[SL_OPERATOR_EIGENVALUES];
        for (size_t w = 0; w < p->ways; w += 2) {
            const int32_t j = p->to[w][i];
            if (j < 0) continue;
            const double fall = exp((p->f[i] - p->f[j]) / (4 * p->T)), c = sqrt(p->rate[w][i] * p->rate[w ^ 1][j]);
            for (size_t a = 0; a < k; a++) d[a] = s->vectors[a * N + i] * fall - s->vectors[a * N + (size_t)j] / fall;
            for (size_t a = 0; a < k; a++)
                for (size_t b = 0; b <= a; b++) G[a * k + b] += c * d[a] * d[b];
        }
        for (size_t a = 0; a < k; a++)
            for (size_t b = 0; b <= a; b++) G[a * k + b] += p->lost[i] * s->vectors[a * N + i] * s->vectors[b * N + i];
    }
}

/* Eigenvalues of G and the vectors that belong to them. G is graded over many orders of magnitude: its Cholesky factor
 * and that one's singular values by Jacobi's method keep small eigenvalues to relative precision. */
static sl_status ritz(double *lambda, symmetric *s, sl_err *err)
{
    const size_t N = s->p->unknowns, k = s->k;
    double G[SL_OPERATOR_EIGENVALUES * SL_OPERATOR_EIGENVALUES], sigma[SL_OPERATOR_EIGENVALUES], stat[6];
    dirichlet(G, s);
    const lapack_int n = (lapack_int)k;
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, G, n) != 0)
        return sl_fail(err, SL_E_NUMERIC, "eigenvalues below the precision of numbers: the temperature is too low");
    for (size_t a = 0; a < k; a++)
        for (size_t b = a + 1; b < k; b++) G[a * k + b] = 0;
    if (LAPACKE_dgesvj(LAPACK_ROW_MAJOR, 'G', 'U', 'N', n, n, G, n, sigma, 0, NULL, n, stat) != 0)
        return sl_fail(err, SL_E_NUMERIC, "the eigenvalues of a Dirichlet form of %zu vectors have not converged", k);
    for (size_t i = 0; i < N; i++) { /* largest singular value first: turned round */
        double phi[SL_OPERATOR_EIGENVALUES];
        for (size_t a = 0; a < k; a++) phi[a] = s->vectors[a * N + i];
        for (size_t c = 0; c < k; c++) {
            double sum = 0;
            for (size_t a = 0; a < k; a++) sum += G[a * k + (k - 1 - c)] * phi[a];
            s->vectors[c * N + i] = sum;
        }
    }
    for (size_t c = 0; c < k; c++) lambda[c] = stat[0] * stat[0] * sigma[k - 1 - c] * sigma[k - 1 - c];
    return SL_OK;
}

/* A sign that does not depend on chance: positive where the vector first reaches half its largest modulus. */
static double sign_of(const double *v, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs(v[i]));
    for (size_t i = 0; i < n; i++)
        if (fabs(v[i]) >= 0.5 * most) return v[i] < 0 ? -1 : 1;
    return 1;
}

static sl_status add_constant(sl_answer *a, const sl_plane *p, double scale, sl_err *err)
{
    sl_field *u = NULL;
    SL_TRY(sl_answer_add(a, "eigenvalue", 0, 0, 0, scale, err));
    SL_TRY(sl_plane_field(&u, a, p, "eigenfunction", 0, err));
    for (size_t i = 0; i < p->unknowns; i++) u->value[i] = 1;
    return SL_OK;
}

/* Eigenfunctions u of the backward equation, sum of pi u^2 = 1. */
static sl_status add_symmetric(sl_answer *a, const symmetric *s, const double *lambda, sl_err *err)
{
    const size_t N = s->p->unknowns, first = s->null;
    if (s->null) SL_TRY(add_constant(a, s->p, s->k > 0 ? lambda[0] : 1, err));
    for (size_t c = 0; c < s->k; c++) {
        const double *const v = s->vectors + c * N, sign = sign_of(v, N);
        sl_field *u = NULL;
        SL_TRY(sl_answer_add(a, "eigenvalue", first + c, -lambda[c], 0, 0, err));
        SL_TRY(sl_plane_field(&u, a, s->p, "eigenfunction", first + c, err));
        for (size_t i = 0; i < N; i++) u->value[i] = sign * v[i] / s->root[i];
    }
    return SL_OK;
}

static sl_status solve_symmetric(sl_answer *a, symmetric *s, sl_err *err)
{
    double complex values[SL_OPERATOR_EIGENVALUES + 1];
    double lambda[SL_OPERATOR_EIGENVALUES + 1] = {0};
    if (s->k > 0) {
        SL_TRY(sl_arnoldi(values, s->vectors, s->p->unknowns, s->k, true, apply_symmetric, s, NULL, 0, 0, err));
        SL_TRY(clean(s, err));
        SL_TRY(ritz(lambda, s, err));
    }
    return add_symmetric(a, s, lambda, err);
}

/* ------------------------------------------------------------------------------------- without detailed balance */

static sl_status apply_general(void *ctx, const double *x, double *y, sl_err *err)
{
    return sl_factor_transpose_solve(y, ctx, x, err);
}

/* Eigenfunctions are scaled to 1 at their largest, among the nodes that are visited at all. */
static sl_status add_general(sl_answer *a, const sl_plane *p, const double complex *lambda, const double *vectors,
                             size_t k, sl_err *err)
{
    const size_t N = p->unknowns;
    for (size_t c = 0; c < k; c++) {
        const double *const v = vectors + c * N;
        const double size = c == 0 && k > 1 ? cabs(lambda[1]) : 0;
        if (c == 0 && !p->absorbing) {
            SL_TRY(add_constant(a, p, k > 1 ? size : 1, err));
            continue;
        }
        double most = 0;
        for (size_t i = 0; i < N; i++)
            if (p->f[i] < 20 * p->T) most = fmax(most, fabs(v[i]));
        const double scale = most > 0 ? sign_of(v, N) / most : 1;
        sl_field *u = NULL;
        SL_TRY(sl_answer_add(a, "eigenvalue", c, creal(lambda[c]), cimag(lambda[c]) + 0.0, 0, err));
        SL_TRY(sl_plane_field(&u, a, p, "eigenfunction", c, err));
        for (size_t i = 0; i < N; i++) u->value[i] = scale * v[i];
    }
    return SL_OK;
}

static sl_status solve_general(sl_answer *a, const sl_plane *p, size_t k, sl_err *err)
{
    const size_t N = p->unknowns;
    const double width = fmax(p->op->hi[0] - p->op->lo[0], p->op->hi[1] - p->op->lo[1]),
                 sigma = 1e-6 * p->T / (width * width); /* well below what diffusion across the domain takes */
    double complex values[SL_OPERATOR_EIGENVALUES + 1];
    double *const vectors = calloc((k + 1) * N, sizeof *vectors);
    if (!vectors) return sl_fail(err, SL_E_MEMORY, "no memory for %zu eigenvectors of %zu", k, N);
    sl_sparse A = {0};
    sl_factor *factor = NULL;
    sl_status st = sl_plane_matrix(&A, p, sigma, 1, SIZE_MAX, err);
    if (st == SL_OK) st = sl_factor_general(&factor, &A, err);
    sl_sparse_clear(&A);
    if (st == SL_OK) st = sl_arnoldi(values, vectors, N, k, false, apply_general, factor, NULL, 0, 0, err);
    for (size_t c = 0; c < k && st == SL_OK; c++) values[c] = sigma - 1 / values[c];
    if (st == SL_OK) st = add_general(a, p, values, vectors, k, err);
    sl_factor_free(factor);
    free(vectors);
    return st;
}

sl_status sl_plane_spectrum(sl_answer *a, const sl_plane *p, size_t eigenvalues, sl_err *err)
{
    if (!p->reversible) return solve_general(a, p, eigenvalues, err);
    symmetric s;
    sl_status st = set_up(&s, p, eigenvalues, err);
    if (st == SL_OK) st = solve_symmetric(a, &s, err);
    clear(&s);
    return st;
}
