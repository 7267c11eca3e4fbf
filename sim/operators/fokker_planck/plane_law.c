/* The stationary law of a diffusion in the plane; quasi-stationary where edges absorb. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "sim/operators/fokker_planck/plane.h"

sl_status sl_plane_add_law(sl_answer *a, const sl_plane *p, const double *masses, size_t index, sl_err *err)
{
    const double cell = p->h[0] * p->h[1];
    double *w = malloc(p->unknowns * sizeof *w);
    if (!w) return sl_fail(err, SL_E_MEMORY, "no memory for the weights of %zu nodes", p->unknowns);
    sl_field *density = NULL;
    sl_status st = sl_plane_field(&density, a, p, "density", index, err);
    if (st == SL_OK) {
        double mass = 0, least = INFINITY, most = 0;
        for (size_t k = 0; k < p->unknowns; k++) {
            density->value[k] = masses[k] / cell;
            w[k] = cell;
            mass += masses[k];
            least = fmin(least, masses[k]);
            most = fmax(most, masses[k]);
        }
        if (!p->absorbing) a->mass_error = fmax(a->mass_error, fabs(mass - 1));
        a->density_min = fmin(a->density_min, least / most);
        st = sl_answer_add_law(a, &p->op->loss, density, w, p->op->temperature, index, err);
    }
    free(w);
    return st;
}

static void normalise(double *masses, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++) sum += masses[k];
    for (size_t k = 0; k < n; k++) masses[k] /= sum;
}

/* exp(-f/T), which is the law where D = T, and a start where it is not. */
static void boltzmann(double *masses, const sl_plane *p)
{
    for (size_t k = 0; k < p->unknowns; k++) masses[k] = exp(-p->f[k] / p->T);
    normalise(masses, p->unknowns);
}

/* -------------------------------------------------------------------------------------------- without detailed balance
 */

/* What flows into each node, less what flows out: Q' m, in long double, since at low temperatures what is left of
 * large flows decides about the weights of wells. */
static void balance(double *r, const sl_plane *p, const long double *m, size_t pinned)
{
    for (size_t k = 0; k < p->unknowns; k++) {
        long double sum = 0;
        for (size_t w = 0; w < p->ways && k != pinned; w++) {
            const int32_t next = p->to[w][k];
            if (next >= 0) sum += m[next] * p->rate[w ^ 1][next] - m[k] * p->rate[w][k];
        }
        r[k] = (double)sum;
    }
}

/* The node of least f keeps the mass 1: what is left is a nonsingular system with a positive solution. Refined until
 * corrections no longer fall. */
static sl_status pin_and_solve(double *masses, const sl_plane *p, size_t pinned, sl_factor *factor, double *r,
                               long double *m, sl_err *err)
{
    double last = INFINITY;
    for (size_t k = 0; k < p->unknowns; k++) m[k] = k == pinned;
    for (int round = 0; round < 12; round++) {
        if (sl_stop_requested()) return SL_INTERRUPTED;
        balance(r, p, m, pinned);
        SL_TRY(sl_factor_solve(r, factor, r, err));
        double change = 0;
        long double total = 0;
        for (size_t k = 0; k < p->unknowns; k++) {
            m[k] += r[k];
            total += m[k];
            change += fabs(r[k]);
        }
        change /= (double)total;
        const bool settled = round > 0 && (change < 1e-15 || change > 0.5 * last);
        last = fmin(change, last);
        if (settled) break;
    }
    if (!(last < 1e-6))
        return sl_fail(err, SL_E_NUMERIC,
                       "the stationary law is known to %.1e only: wells exchange mass too slowly for this precision",
                       last);
    for (size_t k = 0; k < p->unknowns; k++) masses[k] = (double)m[k];
    normalise(masses, p->unknowns);
    return SL_OK;
}

/* The domain is a guess where D varies: what lies on its edges says whether it was wide enough. */
static sl_status check_edges(const double *masses, const sl_plane *p, sl_err *err)
{
    const size_t nx = p->n[0], ny = p->n[1];
    double edge = 0;
    if (p->periodic) return SL_OK;
    for (size_t i = 0; i < nx; i++) edge += masses[i * ny] + masses[i * ny + ny - 1];
    for (size_t j = 0; j < ny; j++) edge += masses[j] + masses[(nx - 1) * ny + j];
    if (edge <= 1e-6) return SL_OK;
    return sl_fail(err, SL_E_CONFIG,
                   "the domain [%g, %g] x [%g, %g] cuts off mass (%.1e of it on its edges): make it wider",
                   p->op->lo[0], p->op->hi[0], p->op->lo[1], p->op->hi[1], edge);
}

static sl_status irreversible(double *masses, const sl_plane *p, sl_err *err)
{
    size_t pinned = 0;
    for (size_t k = 1; k < p->unknowns; k++)
        if (p->f[k] < p->f[pinned]) pinned = k;
    sl_sparse A;
    sl_factor *factor = NULL;
    SL_TRY(sl_plane_matrix(&A, p, 0, 1, pinned, err));
    sl_status st = sl_factor_general(&factor, &A, err);
    sl_sparse_clear(&A);
    double *r = malloc(p->unknowns * sizeof *r);
    long double *m = malloc(p->unknowns * sizeof *m);
    if (st == SL_OK && (!r || !m)) st = sl_fail(err, SL_E_MEMORY, "no memory for %zu masses", p->unknowns);
    if (st == SL_OK) st = pin_and_solve(masses, p, pinned, factor, r, m, err);
    free(r);
    free(m);
    sl_factor_free(factor);
    return st == SL_OK ? check_edges(masses, p, err) : st;
}

/* ------------------------------------------------------------------------------------------------ with absorbing edges
 */

/* Inverse iteration: the mean time that mass stays converges to 1/decay, its shape to the quasi-stationary law. */
static sl_status iterate(double *masses, double *decay, const sl_plane *p, sl_factor *factor, double *next, sl_err *err)
{
    enum { MOST = 2000 };
    double change = INFINITY;
    for (int round = 0; round < MOST && change > 1e-14; round++) {
        if (sl_stop_requested()) return SL_INTERRUPTED;
        SL_TRY(sl_factor_solve(next, factor, masses, err));
        double time = 0;
        for (size_t k = 0; k < p->unknowns; k++) time += next[k];
        const double last = change;
        change = 0;
        for (size_t k = 0; k < p->unknowns; k++) {
            change += fabs(next[k] / time - masses[k]);
            masses[k] = next[k] / time;
        }
        *decay = 1 / time;
        if (change < 1e-12 && change >= last) return SL_OK; /* rounding errors */
    }
    if (change <= 1e-12) return SL_OK;
    return sl_fail(err, SL_E_NUMERIC, "the quasi-stationary law has not converged in %d iterations (change %.1e)", MOST,
                   change);
}

static sl_status quasi_stationary(double *masses, double *decay, const sl_plane *p, sl_err *err)
{
    sl_sparse A;
    sl_factor *factor = NULL;
    SL_TRY(sl_plane_matrix(&A, p, 0, 1, SIZE_MAX, err));
    sl_status st = sl_factor_general(&factor, &A, err);
    sl_sparse_clear(&A);
    double *next = malloc(p->unknowns * sizeof *next);
    if (st == SL_OK && !next) st = sl_fail(err, SL_E_MEMORY, "no memory for %zu masses", p->unknowns);
    boltzmann(masses, p);
    if (st == SL_OK) st = iterate(masses, decay, p, factor, next, err);
    free(next);
    sl_factor_free(factor);
    return st;
}

sl_status sl_plane_stationary(sl_answer *a, const sl_plane *p, sl_err *err)
{
    double *masses = malloc(p->unknowns * sizeof *masses), decay = 0;
    if (!masses) return sl_fail(err, SL_E_MEMORY, "no memory for %zu masses", p->unknowns);
    sl_status st = SL_OK;
    if (p->absorbing)
        st = quasi_stationary(masses, &decay, p, err);
    else if (p->reversible)
        boltzmann(masses, p);
    else
        st = irreversible(masses, p, err);
    if (st == SL_OK) st = sl_plane_add_law(a, p, masses, 0, err);
    if (st == SL_OK && p->absorbing) st = sl_answer_add(a, "decay_rate", 0, decay, 0, 0, err);
    free(masses);
    return st;
}
