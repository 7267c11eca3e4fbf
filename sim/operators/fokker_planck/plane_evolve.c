/* The law at given times, exp(t Q') m, by a rational Krylov method with one pole.
 *
 * R = (I - gamma Q')^-1 is one step of backward Euler: it keeps mass and never makes a mass negative. Out of the space
 * of m, R m, R^2 m, ... the exponential is taken by projection (van den Eshof and Hochbruck 2006): the best combination
 * of implicit steps that there is, L-stable, its error falling by about 0.4 a step whatever the stiffness, so that one
 * factorisation serves all times within a few decades and 20 to 40 solves reach rounding errors. The step is controlled
 * by the change of the result with the dimension.
 *
 * Orthogonality is that of sum a_i b_i / w_i. With w the stationary masses Q' is symmetric. Of a start high above the
 * minima that norm is huge beside what it becomes, and digits would be lost: then w is Boltzmann's law at a temperature
 * at which the start is not so rare, Q' is not quite symmetric, and nothing else changes. (But the exponential of the
 * small matrix then errs along its slowest vector, by as much as its norm times 1e-16 at long times: the mass, which is
 * known, says by how much.) */
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "sim/operators/fokker_planck/plane.h"

/* STEPS: dimension of the space; CHECK: how often it is looked at. SPAN: ratio of the times that one space serves.
 * MANY: jumps a step beyond which solves are refined. RARE: the norm of a start beyond which w is changed. POLE: gamma
 * over the time. */
enum { STEPS = 72, CHECK = 6, HALVINGS = 40 };
static const double SPAN = 32, RARE = 30, POLE = 0.05, PRECISION = 1e-14, DUST = 1e-14, MANY = 500;

typedef struct {
    const sl_plane *p;
    size_t N;
    double gamma;
    sl_factor *factor;
    double *mass; /* [N] the law at time `now` */
    double now;
    double *root; /* [N] sqrt(w) */
    bool symmetric;
    double *before, *residual; /* [N] scratch */
    double *V;                 /* [STEPS + 1][N] */
    double H[STEPS * STEPS];   /* row-major, column j: R v_j in the basis */
    double norm;               /* of the law at `now` */
} evolution;

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* --------------------------------------------------------------------------------------------------- the start */

/* The quintic B-spline of unit spacing. Its moments up to the fifth about a point do not depend on where the point lies
 * among the nodes, so that a start errs like h^2 + h^4 and no worse. */
static double spline(double s)
{
    const double a = fabs(s);
    double sum = 0;
    static const double binomial[4] = {1, -6, 15, -20};
    for (int k = 0; k < 4 && a - 3 + k < 0; k++) sum += binomial[k] * pow(3 - k - a, 5);
    return sum / 120;
}

/* Masses along an axis of a Gaussian around x, smeared by the spline; beyond a reflecting edge they are folded back. */
static void spread_along(double *mass, const sl_plane *p, size_t d, double x, double spread)
{
    enum { POINTS = 200 };
    const int64_t n = (int64_t)p->n[d];
    const double width = spread > 0 ? 8.5 * spread : 0;
    memset(mass, 0, p->n[d] * sizeof *mass);
    for (int q = spread > 0 ? -POINTS : 0; q <= (spread > 0 ? POINTS : 0); q++) {
        const double z = width * q / POINTS, weight = spread > 0 ? exp(-z * z / (2 * spread * spread)) : 1;
        const double s = (x + z - p->node[d][0]) / p->h[d];
        for (int64_t i = (int64_t)floor(s) - 2; i <= (int64_t)floor(s) + 3; i++) {
            int64_t to = i;
            if (p->periodic) to = ((i % n) + n) % n;
            if (!p->periodic && !p->absorbing && to < 0) to = -1 - to;
            if (!p->periodic && !p->absorbing && to >= n) to = 2 * n - 1 - to;
            if (to >= 0 && to < n) mass[to] += weight * spline(s - (double)i);
        }
    }
    double sum = 0; /* what lies beyond an absorbing edge is not there any more, but a start is a law */
    for (int64_t i = 0; i < n; i++) sum += mass[i];
    for (int64_t i = 0; i < n; i++) mass[i] /= sum;
}

static sl_status begin(evolution *e, const sl_question *q, sl_err *err)
{
    const sl_plane *const p = e->p;
    double *const along = malloc((p->n[0] + p->n[1]) * sizeof *along);
    if (!along) return sl_fail(err, SL_E_MEMORY, "no memory for a start");
    spread_along(along, p, 0, q->from[0], q->spread);
    spread_along(along + p->n[0], p, 1, q->from[1], q->spread);
    for (size_t k = 0; k < e->N; k++) e->mass[k] = along[k / p->n[1]] * along[p->n[0] + k % p->n[1]];
    free(along);
    double highest = 0;
    for (size_t k = 0; k < e->N; k++)
        if (e->mass[k] > 1e-12) highest = fmax(highest, p->f[k]);
    if (highest < 0.9 * SL_PLANE_CEILING * p->T) return SL_OK;
    return sl_fail(err, SL_E_CONFIG, "the start at (%g, %g) lies %g T above the floor: densities underflow there",
                   q->from[0], q->from[1], highest / p->T);
}

/* The norm of the law for w = exp(-f/T), over that of a point at the least f. */
static double norm_at(const evolution *e, double T)
{
    const sl_plane *const p = e->p;
    double sum = 0;
    for (size_t k = 0; k < e->N; k++)
        if (e->mass[k] != 0) sum += e->mass[k] * e->mass[k] * exp(p->f[k] / T);
    return sqrt(sum);
}

/* Sets to nothing what rounding errors left high above the minima, where norms would magnify it; the rest keeps the
 * mass. */
static void dust(evolution *e)
{
    double most = 0, before = 0, after = 0;
    for (size_t k = 0; k < e->N; k++) {
        most = fmax(most, e->mass[k]);
        before += e->mass[k];
    }
    for (size_t k = 0; k < e->N; k++) {
        if (fabs(e->mass[k]) < DUST * most) e->mass[k] = 0;
        after += e->mass[k];
    }
    for (size_t k = 0; k < e->N; k++) e->mass[k] *= before / after;
}

static void weigh(evolution *e)
{
    const sl_plane *const p = e->p;
    double T = p->T;
    if (!(norm_at(e, T) <= RARE)) dust(e);
    for (int k = 0; k < 60 && !(norm_at(e, T) <= RARE); k++) T *= 1.2;
    e->symmetric = p->reversible && T == p->T;
    for (size_t k = 0; k < e->N; k++) e->root[k] = exp(-p->f[k] / (2 * T));
}

/* --------------------------------------------------------------------------------------------------- the space */

static sl_status use_pole(evolution *e, double gamma, sl_err *err)
{
    if (e->factor && e->gamma == gamma) return SL_OK;
    sl_factor_free(e->factor);
    e->factor = NULL;
    e->gamma = gamma;
    sl_sparse A;
    SL_TRY(sl_plane_matrix(&A, e->p, 1, gamma, SIZE_MAX, err));
    const sl_status st = sl_factor_general(&e->factor, &A, err);
    sl_sparse_clear(&A);
    return st;
}

/* x = R b. Where gamma is long beside the time between jumps, rounding errors of the matrix' diagonal act like
 * killing: one step of refinement, its residual taken as differences of flows, restores the mass. (Of laws that are
 * rescaled in the end it is not needed.) */
static sl_status implicit_step(evolution *e, double *x, const double *b, sl_err *err)
{
    const sl_plane *const p = e->p;
    SL_TRY(sl_factor_solve(x, e->factor, b, err));
    const double jumps = e->gamma * 2 * p->T * (1 / (p->h[0] * p->h[0]) + 1 / (p->h[1] * p->h[1]));
    if (jumps < MANY || (!e->symmetric && !p->absorbing)) return SL_OK;
    for (size_t k = 0; k < e->N; k++) {
        long double flow = -x[k] * (long double)p->lost[k];
        for (size_t w = 0; w < p->ways; w++) {
            const int32_t next = p->to[w][k];
            if (next >= 0) flow += (long double)x[next] * p->rate[w ^ 1][next] - (long double)x[k] * p->rate[w][k];
        }
        e->residual[k] = (double)(b[k] - (long double)x[k] + e->gamma * flow);
    }
    SL_TRY(sl_factor_solve(e->residual, e->factor, e->residual, err));
    for (size_t k = 0; k < e->N; k++) x[k] += e->residual[k];
    return SL_OK;
}

/* Row j of V is multiplied by R, and what is new becomes row j + 1. Orthogonalised twice. *done: nothing is new. */
static sl_status extend(evolution *e, size_t j, bool *done, sl_err *err)
{
    const size_t N = e->N;
    double *const v = e->V + (j + 1) * N;
    const double *const last = e->V + j * N;
    for (size_t k = 0; k < N; k++) e->before[k] = e->root[k] * last[k];
    SL_TRY(implicit_step(e, v, e->before, err));
    for (size_t k = 0; k < N; k++) v[k] /= e->root[k];
    const double before = sqrt(dot(v, v, N));
    for (int twice = 0; twice < 2; twice++)
        for (size_t i = 0; i <= j; i++) {
            const double *const u = e->V + i * N, c = dot(u, v, N);
            e->H[i * STEPS + j] += c;
            for (size_t k = 0; k < N; k++) v[k] -= c * u[k];
        }
    const double norm = sqrt(dot(v, v, N));
    if (!isfinite(norm)) return sl_fail(err, SL_E_NUMERIC, "evolution: values that are not finite");
    *done = norm <= 1e-15 * before;
    if (j + 1 < STEPS) e->H[(j + 1) * STEPS + j] = norm;
    for (size_t k = 0; k < N && !*done; k++) v[k] /= norm;
    return SL_OK;
}

/* y = exp(t X) e_1 with X = (I - H^-1)/gamma, the generator in the basis. Symmetric: by eigenvectors. An eigenvalue
 * of R within rounding errors of zero belongs to the stiffest modes, which are gone. */
static sl_status exponential_symmetric(double *y, const evolution *e, size_t m, const double *times, size_t n,
                                       sl_err *err)
{
    double A[STEPS * STEPS], theta[STEPS];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++) A[i * m + j] = (e->H[i * STEPS + j] + e->H[j * STEPS + i]) / 2;
    if (LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'V', 'U', (lapack_int)m, A, (lapack_int)m, theta) != 0)
        return sl_fail(err, SL_E_NUMERIC, "evolution: eigenvalues of a %zu x %zu matrix have not converged", m, m);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < m; i++) {
            double sum = 0;
            for (size_t j = 0; j < m; j++)
                if (theta[j] > 1e-15)
                    sum += A[i * m + j] * A[j] * exp((times[t] - e->now) * (1 - 1 / theta[j]) / e->gamma);
            y[t * STEPS + i] = sum;
        }
    return SL_OK;
}

/* C = A B, row-major m x m. */
static void multiply(double *C, const double *A, const double *B, size_t m)
{
    const int n = (int)m;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, A, n, B, n, 0, C, n);
}

/* E = exp(A), A of m x m <= STEPS x STEPS, destroyed. */
static sl_status exponential(double *E, double *A, size_t m, sl_err *err)
{
    static const double b[14] = {64764752532480000.,
                                 32382376266240000.,
                                 7771770303897600.,
                                 1187353796428800.,
                                 129060195264000.,
                                 10559470521600.,
                                 670442572800.,
                                 33522128640.,
                                 1323241920.,
                                 40840800.,
                                 960960.,
                                 16380.,
                                 182.,
                                 1.};
    const size_t mm = m * m;
    double A2[STEPS * STEPS], A4[STEPS * STEPS], A6[STEPS * STEPS], U[STEPS * STEPS], V[STEPS * STEPS],
        W[STEPS * STEPS];
    const double norm = LAPACKE_dlange(LAPACK_ROW_MAJOR, '1', (lapack_int)m, (lapack_int)m, A, (lapack_int)m);
    if (!isfinite(norm)) return sl_fail(err, SL_E_NUMERIC, "evolution: a matrix that is not finite");
    const int squarings = norm > 5.37 ? (int)ceil(log2(norm / 5.37)) : 0;
    for (size_t i = 0; i < mm; i++) A[i] = ldexp(A[i], -squarings);
    multiply(A2, A, A, m);
    multiply(A4, A2, A2, m);
    multiply(A6, A4, A2, m);
    for (size_t i = 0; i < mm; i++) W[i] = b[13] * A6[i] + b[11] * A4[i] + b[9] * A2[i];
    multiply(V, A6, W, m);
    for (size_t i = 0; i < mm; i++) V[i] += b[7] * A6[i] + b[5] * A4[i] + b[3] * A2[i];
    for (size_t i = 0; i < m; i++) V[i * m + i] += b[1];
    multiply(U, A, V, m);
    for (size_t i = 0; i < mm; i++) W[i] = b[12] * A6[i] + b[10] * A4[i] + b[8] * A2[i];
    multiply(V, A6, W, m);
    for (size_t i = 0; i < mm; i++) V[i] += b[6] * A6[i] + b[4] * A4[i] + b[2] * A2[i];
    for (size_t i = 0; i < m; i++) V[i * m + i] += b[0];
    for (size_t i = 0; i < mm; i++) {
        E[i] = V[i] + U[i];
        W[i] = V[i] - U[i];
    }
    lapack_int pivot[STEPS];
    if (LAPACKE_dgesv(LAPACK_ROW_MAJOR, (lapack_int)m, (lapack_int)m, W, (lapack_int)m, pivot, E, (lapack_int)m) != 0)
        return sl_fail(err, SL_E_NUMERIC, "evolution: a singular Pade denominator");
    for (int k = 0; k < squarings; k++) {
        multiply(W, E, E, m);
        memcpy(E, W, mm * sizeof *E);
    }
    return SL_OK;
}

/* In general: by scaling and squaring, exp(A) = (exp(A / 2^k))^(2^k), with the diagonal Pade approximant of degree 13
 * (Higham 2005). A = s (I - H^-1), s = t/gamma. */
static sl_status exponential_general(double *y, const evolution *e, size_t m, const double *times, size_t n,
                                     sl_err *err)
{
    double inverse[STEPS * STEPS], A[STEPS * STEPS], E[STEPS * STEPS];
    lapack_int pivot[STEPS];
    for (size_t i = 0; i < m; i++) memcpy(inverse + i * m, e->H + i * STEPS, m * sizeof *inverse);
    if (LAPACKE_dgetrf(LAPACK_ROW_MAJOR, (lapack_int)m, (lapack_int)m, inverse, (lapack_int)m, pivot) != 0 ||
        LAPACKE_dgetri(LAPACK_ROW_MAJOR, (lapack_int)m, inverse, (lapack_int)m, pivot) != 0)
        return sl_fail(err, SL_E_NUMERIC, "evolution: a singular matrix of %zu x %zu", m, m);
    for (size_t t = 0; t < n; t++) {
        const double s = (times[t] - e->now) / e->gamma;
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < m; j++) A[i * m + j] = s * ((i == j) - inverse[i * m + j]);
        SL_TRY(exponential(E, A, m, err));
        for (size_t i = 0; i < m; i++) y[t * STEPS + i] = E[i * m];
    }
    return SL_OK;
}

/* The laws of n times after `now`, y[n][STEPS] in the basis, over the norm at `now`. *change: the largest change since
 * the last look. */
static sl_status look(double *y, double *change, const evolution *e, size_t m, const double *times, size_t n,
                      sl_err *err)
{
    double before[SL_OPERATOR_TIMES * STEPS];
    memcpy(before, y, n * STEPS * sizeof *y);
    SL_TRY((e->symmetric ? exponential_symmetric : exponential_general)(y, e, m, times, n, err));
    *change = 0;
    for (size_t t = 0; t < n; t++) {
        double sum = 0;
        for (size_t i = t * STEPS; i < t * STEPS + m; i++) sum += (y[i] - before[i]) * (y[i] - before[i]);
        *change = fmax(*change, sqrt(sum));
    }
    return SL_OK;
}

/* Builds the space until the laws of the n times have settled; *settled: whether they have. */
static sl_status build(double *y, bool *settled, size_t *m, evolution *e, const double *times, size_t n, sl_err *err)
{
    const size_t N = e->N;
    memset(e->H, 0, sizeof e->H);
    memset(y, 0, n * STEPS * sizeof *y);
    weigh(e);
    for (size_t k = 0; k < N; k++) e->V[k] = e->mass[k] / e->root[k];
    e->norm = sqrt(dot(e->V, e->V, N));
    for (size_t k = 0; k < N; k++) e->V[k] /= e->norm;
    double change = INFINITY, last = INFINITY;
    bool done = false;
    *settled = false;
    for (*m = 1; *m <= STEPS && !done && !*settled; (*m)++) {
        SL_TRY(extend(e, *m - 1, &done, err));
        if (*m % CHECK != 0 && !done) continue;
        last = change;
        SL_TRY(look(y, &change, e, *m, times, n, err));
        /* rounding errors, where changes stop to fall, are as good as it gets */
        *settled = done || change < PRECISION || (change < 100 * PRECISION && change > 0.3 * last);
        if (sl_stop_requested()) return SL_INTERRUPTED;
    }
    (*m)--;
    return SL_OK;
}

static void move_to(evolution *e, double *mass, const double *y, size_t m)
{
    const size_t N = e->N;
    memset(mass, 0, N * sizeof *mass);
    for (size_t i = 0; i < m; i++)
        for (size_t k = 0; k < N; k++) mass[k] += y[i] * e->V[i * N + k];
    double sum = 0;
    for (size_t k = 0; k < N; k++) {
        mass[k] *= e->norm * e->root[k];
        sum += mass[k];
    }
    if (e->symmetric || e->p->absorbing || !(fabs(sum - 1) < 1e-8)) return;
    for (size_t k = 0; k < N; k++) mass[k] /= sum;
}

/* ------------------------------------------------------------------------------------------------------- times */

/* The law at a time as an answer. One narrower than a cell still has its moments, but not its height: KL is off by the
 * log of how much the spline, of variance h^2/2, has widened it, and no finer grid of the same sort would tell. */
static sl_status add_law(sl_answer *a, const evolution *e, const double *mass, const sl_question *q, size_t index,
                         sl_err *err)
{
    const sl_operator *const op = e->p->op;
    double D[4] = {op->temperature, 0, 0, op->temperature}, off = 0;
    SL_TRY(sl_plane_add_law(a, e->p, mass, index, err));
    if (op->diffusion) op->diffusion(op->diffusion_ctx, &op->loss, q->from, D);
    for (size_t d = 0; d < 2; d++) {
        const double h2 = e->p->h[d] * e->p->h[d], width2 = q->spread * q->spread + 2 * D[3 * d] * q->times[index];
        if (width2 < h2) off += log1p(h2 / (2 * width2)) / 2;
    }
    for (size_t i = 0; i < a->n_numbers && off > 0; i++)
        if (a->numbers[i].index == index && strcmp(a->numbers[i].name, "kl_to_boltzmann") == 0)
            a->numbers[i].error = off;
    return SL_OK;
}

/* Advances to the times one after the other, adding the law of each: as many at once as a space serves. */
static sl_status advance(sl_answer *a, evolution *e, const sl_question *q, double *y, double *law, sl_err *err)
{
    size_t next = 0, halvings = 0;
    double reach = INFINITY; /* how far a space goes, once one has failed to */
    while (next < q->n_times) {
        if (q->times[next] == e->now) {
            SL_TRY(add_law(a, e, e->mass, q, next++, err));
            continue;
        }
        const double first = q->times[next] - e->now;
        double sub = e->now + reach; /* a stop between the times asked for */
        const double *times = &q->times[next];
        size_t n = 1, m = 0;
        bool settled = false;
        const bool between = first > reach;
        if (between) times = &sub;
        while (!between && next + n < q->n_times && q->times[next + n] - e->now <= fmin(SPAN * first, reach)) n++;
        const double middle = sqrt((times[0] - e->now) * (times[n - 1] - e->now));
        SL_TRY(use_pole(e, exp2(round(log2(POLE * middle))), err));
        SL_TRY(build(y, &settled, &m, e, times, n, err));
        if (!settled) {
            reach = (times[n - 1] - e->now) / 4;
            if (++halvings > HALVINGS)
                return sl_fail(err, SL_E_NUMERIC, "evolution to t = %g does not converge from t = %g on", times[0],
                               e->now);
            continue;
        }
        for (size_t t = 0; t < n; t++) {
            move_to(e, law, y + t * STEPS, m);
            if (!between) SL_TRY(add_law(a, e, law, q, next++, err));
        }
        memcpy(e->mass, law, e->N * sizeof *law);
        e->now = times[n - 1];
        reach *= 4;
    }
    return SL_OK;
}

sl_status sl_plane_evolve(sl_answer *a, const sl_plane *p, const sl_question *q, sl_err *err)
{
    const size_t N = p->unknowns;
    evolution *e = calloc(1, sizeof *e);
    double *memory = malloc((STEPS + 6) * N * sizeof *memory), *y = malloc(SL_OPERATOR_TIMES * STEPS * sizeof *y);
    sl_status st = SL_OK;
    if (e && memory && y) {
        *e = (evolution){.p = p,
                         .N = N,
                         .mass = memory,
                         .root = memory + N,
                         .before = memory + 2 * N,
                         .residual = memory + 3 * N,
                         .V = memory + 5 * N};
        st = begin(e, q, err);
        if (st == SL_OK) st = advance(a, e, q, y, memory + 4 * N, err);
        sl_factor_free(e->factor);
    } else {
        st = sl_fail(err, SL_E_MEMORY, "no memory for an evolution of %zu unknowns", N);
    }
    free(e);
    free(memory);
    free(y);
    return st;
}
