/* The slowest rates of a chain, each to high relative precision however small it is.
 *
 * The symmetrised generator is B^T B, B of one row an edge and one column a node, with the square roots of the rates as
 * entries. [0 B; B^T 0] is, nodes and edges in turn, a tridiagonal matrix with a diagonal of zeros: bisection finds its
 * eigenvalues +-sigma, lambda = sigma^2, to a few units in the last place of each (Demmel and Kahan 1990), where the
 * generator itself, which is a difference of numbers of size 1/h^2, would lose all that is below 1e-16/h^2. */
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/operators/fokker_planck/line.h"
#include "sim/operators/fokker_planck/line_ring.h"

/* Values closer than this, relative, have eigenvectors that one cannot find without the other. */
#define CLUSTER 1e-6

/* The alternating path of the vertices node 0, edge 0, node 1, ... (absorbing: the end nodes are not there), size of
 * them, joined by link[size - 1]. */
typedef struct {
    size_t size, nodes, edges;
    bool edge_first;
    double *link;
} path;

static void lay_path(path *p, const sl_cells *l)
{
    const size_t dead = l->absorbing ? 1 : 0;
    *p = (path){.nodes = l->n - 2 * dead, .edges = l->edges, .edge_first = dead, .link = p->link};
    p->size = p->nodes + p->edges;
    size_t k = 0;
    for (size_t i = dead; i < l->n - dead; i++) {
        if (l->b[i] > 0) p->link[k++] = sqrt(l->b[i]); /* to the edge on its left */
        if (l->a[i] > 0) p->link[k++] = sqrt(l->a[i]);
    }
}

/* The k least positive eigenvalues of the path, increasing. */
static sl_status least_sigmas(double *sigma, const path *p, size_t k, sl_err *err)
{
    const lapack_int n = (lapack_int)p->size;
    const size_t rank = p->nodes < p->edges ? p->nodes : p->edges;
    if (k > rank) return sl_fail(err, SL_E_DOMAIN, "a chain of %zu nodes has no %zu eigenvalues", p->nodes, k);
    const lapack_int first = (lapack_int)(p->size - rank + 1);
    double *w = calloc(2 * p->size, sizeof *w);
    lapack_int *block = calloc(2 * p->size, sizeof *block), found = 0, splits = 0;
    sl_status st = SL_OK;
    if (!w || !block) {
        st = sl_fail(err, SL_E_MEMORY, "no memory for the spectrum of %zu nodes", p->nodes);
    } else {
        const lapack_int info = LAPACKE_dstebz('I', 'E', n, 0, 0, first, first + (lapack_int)k - 1, 2 * DBL_MIN, w + n,
                                               p->link, &found, &splits, w, block, block + n);
        if (info != 0 || found != (lapack_int)k)
            st = sl_fail(err, SL_E_NUMERIC, "bisection for %zu eigenvalues failed (dstebz: %d)", k, (int)info);
        for (size_t j = 0; st == SL_OK && j < k; j++) { /* dstebz leaves values that are nearly equal out of order */
            size_t at = j;
            for (; at > 0 && sigma[at - 1] > w[j]; at--) sigma[at] = sigma[at - 1];
            sigma[at] = w[j];
        }
    }
    free(w);
    free(block);
    return st;
}

static double away_from_zero(double pivot)
{
    return fabs(pivot) > DBL_MIN ? pivot : DBL_MIN;
}

/* The eigenvector of the path for sigma, by the factorisations of path - sigma from both ends, joined ("twisted") at
 * the node where they nearly agree (Parlett and Dhillon 1997): z satisfies all equations but that one, to rounding in
 * each entry. */
static void twisted(double *z, double *scratch, const path *p, double sigma)
{
    const size_t n = p->size;
    double *down = scratch, *up = scratch + n;
    down[0] = -sigma;
    for (size_t k = 1; k < n; k++) down[k] = -sigma - p->link[k - 1] * (p->link[k - 1] / away_from_zero(down[k - 1]));
    up[n - 1] = -sigma;
    for (size_t k = n - 1; k-- > 0;) up[k] = -sigma - p->link[k] * (p->link[k] / away_from_zero(up[k + 1]));
    size_t at = p->edge_first;
    for (size_t k = at; k < n; k += 2)
        if (fabs(down[k] + up[k] + sigma) < fabs(down[at] + up[at] + sigma)) at = k;
    z[at] = 1;
    for (size_t k = at; k-- > 0;) z[k] = -p->link[k] / away_from_zero(down[k]) * z[k + 1];
    for (size_t k = at + 1; k < n; k++) z[k] = -p->link[k - 1] / away_from_zero(up[k]) * z[k - 1];
}

/* Scales to <phi^2> = 1, positive at the right end. */
static void normalise(double *phi, const sl_cells *l)
{
    double mass = 0, square = 0;
    size_t last = l->n - 1;
    for (size_t i = 0; i < l->n; i++) {
        mass += l->m[i];
        square += l->m[i] * phi[i] * phi[i];
    }
    while (last > 0 && phi[last] == 0) last--;
    const double factor = sqrt(mass / square) * (phi[last] < 0 ? -1 : 1);
    for (size_t i = 0; i < l->n; i++) phi[i] *= factor;
}

/* Eigenvectors of values that are equal to rounding (the wells of a symmetric loss at low T) have to be told apart: by
 * inverse iteration that keeps them orthogonal. z[count][size]. */
static sl_status cluster(double *z, const path *p, const double *sigma, size_t count, sl_err *err)
{
    const lapack_int n = (lapack_int)p->size;
    double *zero = calloc(2 * p->size, sizeof *zero);
    if (!zero) return sl_fail(err, SL_E_MEMORY, "no memory for %zu eigenvectors", count);
    double *w = zero + p->size; /* LAPACKE looks at n of them */
    lapack_int block[SL_OPERATOR_EIGENVALUES], fails[SL_OPERATOR_EIGENVALUES];
    for (size_t j = 0; j < count; j++) {
        w[j] = sigma[j];
        block[j] = 1;
    }
    const lapack_int info =
        LAPACKE_dstein(LAPACK_COL_MAJOR, n, zero, p->link, (lapack_int)count, w, block, &n, z, n, fails);
    free(zero);
    if (info != 0)
        return sl_fail(err, SL_E_NUMERIC, "inverse iteration for %zu eigenvectors failed (dstein: %d)", count,
                       (int)info);
    return SL_OK;
}

/* The eigenfunction of an eigenvector of the path: its entries at nodes over sqrt(m), signs (B has them, the path not)
 * put back. */
static void to_function(double *f, const double *z, const path *p, const sl_cells *l)
{
    const size_t dead = l->absorbing ? 1 : 0;
    memset(f, 0, l->n * sizeof *f);
    for (size_t i = 0; i < p->nodes; i++)
        f[dead + i] = z[2 * i + p->edge_first] * exp(-l->log_m[dead + i] / 2) * (i % 2 ? -1 : 1);
    normalise(f, l);
}

/* Functions of the k values sigma, phi[k][n]. */
static sl_status functions(double *phi, const double *sigma, size_t k, const path *p, const sl_cells *l, sl_err *err)
{
    double *z = malloc((k > 3 ? k : 3) * p->size * sizeof *z);
    if (!z) return sl_fail(err, SL_E_MEMORY, "no memory for %zu eigenvectors of %zu nodes", k, l->n);
    sl_status st = SL_OK;
    for (size_t j = 0, count; j < k && st == SL_OK; j += count) {
        for (count = 1; j + count < k && sigma[j + count] - sigma[j + count - 1] < CLUSTER * sigma[j]; count++)
            continue;
        if (count == 1)
            twisted(z, z + p->size, p, sigma[j]);
        else
            st = cluster(z, p, sigma + j, count, err);
        for (size_t c = 0; c < count && st == SL_OK; c++) to_function(phi + (j + c) * l->n, z + c * p->size, p, l);
    }
    free(z);
    return st;
}

static sl_status chain_modes(double *lambda, double *phi, size_t k, const sl_cells *l, sl_err *err)
{
    const size_t nulls = l->absorbing ? 0 : 1;
    path p = {.link = malloc((2 * l->n + 2) * sizeof *p.link)};
    if (!p.link) return sl_fail(err, SL_E_MEMORY, "no memory for the spectrum of %zu nodes", l->n);
    lay_path(&p, l);
    double sigma[SL_OPERATOR_EIGENVALUES];
    sl_status st = k > nulls ? least_sigmas(sigma, &p, k - nulls, err) : SL_OK;
    for (size_t j = 0; st == SL_OK && j < k; j++) lambda[j] = j < nulls ? 0 : sigma[j - nulls] * sigma[j - nulls];
    for (size_t i = 0; nulls && i < l->n; i++) phi[i] = 1;
    if (st == SL_OK) st = functions(phi + nulls * l->n, sigma, k - nulls, &p, l, err);
    free(p.link);
    return st;
}

sl_status sl_line_modes(double *lambda, double *phi, size_t k, const sl_cells *l, sl_err *err)
{
    if (!l->ring) return chain_modes(lambda, phi, k, l, err);
    SL_TRY(sl_line_ring_modes(lambda, phi, k, l, err));
    for (size_t j = 1; j < k; j++) normalise(phi + j * l->n, l);
    return SL_OK;
}

sl_status sl_line_spectrum(sl_answer *a, const sl_cells *l, const sl_operator *op, const sl_question *q, sl_err *err)
{
    const size_t k = q->eigenvalues;
    SL_TRY(sl_line_check_range(l, op, err));
    double lambda[SL_OPERATOR_EIGENVALUES], *phi = malloc(k * l->n * sizeof *phi);
    if (!phi) return sl_fail(err, SL_E_MEMORY, "no memory for %zu eigenfunctions on %zu nodes", k, l->n);
    sl_status st = sl_line_modes(lambda, phi, k, l, err);
    for (size_t j = 0; st == SL_OK && j < k; j++) {
        sl_field *field = NULL;
        st = sl_answer_add(a, "eigenvalue", j, lambda[j] > 0 ? -lambda[j] : 0, 0, 0, err);
        if (st == SL_OK) st = sl_line_add_field(&field, a, "eigenfunction", j, l, phi + j * l->n, err);
    }
    free(phi);
    return st;
}
