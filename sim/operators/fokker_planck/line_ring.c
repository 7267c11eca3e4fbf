/* The slowest modes of a ring: on it free motion has pairs of equal rates, so a block of vectors is iterated with the
 * inverse of the generator (which is two running sums) and rotated by Rayleigh and Ritz, rather than one at a time. */
#include "sim/operators/fokker_planck/line_ring.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 80, BLOCK = SL_OPERATOR_EIGENVALUES + SL_LINE_RING_EXTRA };

typedef struct {
    const sl_cells *l;
    size_t k;       /* vectors                                             */
    double *v;      /* [k][n], orthonormal in the masses, without constant */
    double *turned; /* [k][n]                                              */
    double *r;      /* [n] resistances                                     */
    double mass;
    size_t top, middle; /* edge of largest r; as many nodes beyond it half of the mass is reached */
} block;

static double dot(const sl_cells *l, const double *u, const double *v)
{
    double sum = 0;
    for (size_t i = 0; i < l->n; i++) sum += l->m[i] * u[i] * v[i];
    return sum;
}

static void remove_mean(const block *s, double *v)
{
    double mean = 0;
    for (size_t i = 0; i < s->l->n; i++) mean += s->l->m[i] * v[i];
    mean /= s->mass;
    for (size_t i = 0; i < s->l->n; i++) v[i] -= mean;
}

static size_t turn(const block *s, size_t k) /* node k, counted from the one beyond the top */
{
    return (s->top + 1 + k) % s->l->n;
}

/* v := K^-1 M v, for v without mean. The flux through an edge is that through the top plus the masses in between,
 * summed up from the top on either side: it is as small as it has to be where resistances are large. What rounding
 * leaves over is lost in the middle of the mass, where it costs nothing. From there v is summed up again. */
static void invert(const block *s, double *v)
{
    const sl_cells *l = s->l;
    const size_t n = l->n, middle = s->middle;
    double flux = 0, drop = 0, whole = s->r[s->top], *F = s->turned; /* F[k]: from node k to node k + 1 */
    for (size_t k = 0; k < middle; k++) F[k] = flux += l->m[turn(s, k)] * v[turn(s, k)];
    flux = 0;
    for (size_t k = n - 1; k > middle; k--) F[k - 1] = -(flux += l->m[turn(s, k)] * v[turn(s, k)]);
    for (size_t k = 0; k + 1 < n; k++) {
        drop += s->r[turn(s, k)] * F[k];
        whole += s->r[turn(s, k)];
    }
    const double through = -drop / whole;
    double value = v[turn(s, middle)] = 0;
    for (size_t k = middle; k + 1 < n; k++) v[turn(s, k + 1)] = value -= s->r[turn(s, k)] * (F[k] + through);
    value = 0;
    for (size_t k = middle; k > 0; k--) v[turn(s, k - 1)] = value += s->r[turn(s, k - 1)] * (F[k - 1] + through);
    remove_mean(s, v);
}

/* sum over edges of (du)(dv)/r */
static double energy(const block *s, const double *u, const double *v)
{
    const size_t n = s->l->n;
    double sum = (u[0] - u[n - 1]) * (v[0] - v[n - 1]) / s->r[n - 1];
    for (size_t e = 0; e + 1 < n; e++) sum += (u[e + 1] - u[e]) * (v[e + 1] - v[e]) / s->r[e];
    return sum;
}

/* Gram and Schmidt, twice. */
static void orthonormalise(const block *s)
{
    const size_t n = s->l->n;
    for (size_t j = 0; j < s->k; j++) {
        double *v = s->v + j * n;
        for (int pass = 0; pass < 2; pass++) {
            remove_mean(s, v);
            for (size_t i = 0; i < j; i++) {
                const double *u = s->v + i * n, c = dot(s->l, u, v);
                for (size_t x = 0; x < n; x++) v[x] -= c * u[x];
            }
            const double size = sqrt(dot(s->l, v, v));
            for (size_t x = 0; x < n; x++) v[x] /= size;
        }
    }
}

static sl_status rotate(double *lambda, const block *s, sl_err *err)
{
    const size_t n = s->l->n, k = s->k;
    double H[BLOCK * BLOCK];
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j <= i; j++) H[i * k + j] = H[j * k + i] = energy(s, s->v + i * n, s->v + j * n);
    const lapack_int info = LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'V', 'U', (lapack_int)k, H, (lapack_int)k, lambda);
    if (info != 0) return sl_fail(err, SL_E_NUMERIC, "the %zu x %zu eigenproblem failed (dsyev: %d)", k, k, (int)info);
    memset(s->turned, 0, k * n * sizeof *s->turned);
    for (size_t j = 0; j < k; j++)
        for (size_t i = 0; i < k; i++)
            for (size_t x = 0; x < n; x++) s->turned[j * n + x] += H[i * k + j] * s->v[i * n + x];
    memcpy(s->v, s->turned, k * n * sizeof *s->v);
    /* The least value of a matrix that holds larger ones comes with their rounding: the quotient itself does not. */
    for (size_t j = 0; j < k; j++)
        lambda[j] = energy(s, s->v + j * n, s->v + j * n) / dot(s->l, s->v + j * n, s->v + j * n);
    return SL_OK;
}

static sl_status iterate(double *lambda, const block *s, size_t wanted, sl_err *err)
{
    const size_t n = s->l->n;
    double before[BLOCK] = {0}, now[BLOCK];
    /* Harmonics over sqrt(m): orthogonal, and with a part in wells and on barriers alike, which have modes of their
     * own. */
    for (size_t j = 0; j < s->k; j++)
        for (size_t x = 0; x < n; x++)
            s->v[j * n + x] =
                (j % 2 ? sin : cos)(2 * M_PI * (double)(j / 2 + 1) * (double)x / (double)n) * exp(-s->l->log_m[x] / 2);
    orthonormalise(s);
    int enough = ROUNDS;
    for (int round = 0; round < enough; round++) {
        for (size_t j = 0; j < s->k; j++) invert(s, s->v + j * n);
        orthonormalise(s);
        SL_TRY(rotate(now, s, err));
        double change = 0;
        for (size_t j = 0; j < wanted; j++) change = fmax(change, fabs(now[j] - before[j]) / now[j]);
        memcpy(before, now, sizeof now);
        /* Vectors err by the square root of what values do: as many rounds again. */
        if (change < 1e-13 && enough == ROUNDS) enough = 2 * round + 1;
        if (round == ROUNDS - 1)
            return sl_fail(err, SL_E_NUMERIC, "eigenvalues of the ring still change by %.1e after %d rounds", change,
                           ROUNDS);
    }
    memcpy(lambda, now, wanted * sizeof *lambda);
    return SL_OK;
}

sl_status sl_line_ring_modes(double *lambda, double *phi, size_t k, const sl_cells *l, sl_err *err)
{
    block s = {.l = l, .k = k - 1 + SL_LINE_RING_EXTRA};
    s.v = malloc((2 * s.k + 1) * l->n * sizeof *s.v);
    if (!s.v) return sl_fail(err, SL_E_MEMORY, "no memory for %zu modes of %zu nodes", k, l->n);
    s.turned = s.v + s.k * l->n;
    s.r = s.turned + s.k * l->n;
    for (size_t e = 0; e < l->n; e++) {
        s.r[e] = exp(l->log_r[e]);
        s.mass += l->m[e];
        if (l->log_r[e] > l->log_r[s.top]) s.top = e;
    }
    for (double passed = l->m[turn(&s, 0)]; passed < s.mass / 2 && s.middle + 1 < l->n;)
        passed += l->m[turn(&s, ++s.middle)];
    lambda[0] = 0;
    for (size_t i = 0; i < l->n; i++) phi[i] = 1;
    const sl_status st = k > 1 ? iterate(lambda + 1, &s, k - 1, err) : SL_OK;
    if (st == SL_OK) memcpy(phi + l->n, s.v, (k - 1) * l->n * sizeof *phi);
    free(s.v);
    return st;
}
