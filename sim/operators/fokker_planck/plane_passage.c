/* Where a diffusion in the plane gets to: mean first-passage times and committors, from the backward equation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "sim/operators/fokker_planck/plane.h"

/* -Q u = b outside the discs, u = 0 inside, with u in long double: times are large where small differences of large
 * numbers decide, and differences are taken before anything is summed. */
typedef struct {
    const sl_plane *p;
    const double *b;
    long double *u;
    double *r;
    sl_factor *factor;
} backward;

static void clear(backward *s)
{
    sl_factor_free(s->factor);
    free(s->u);
    free(s->r);
}

static sl_status set_up(backward *s, const sl_plane *p, const double *b, sl_err *err)
{
    *s = (backward){.p = p, .b = b};
    sl_sparse A;
    SL_TRY(sl_plane_matrix(&A, p, 0, 1, SIZE_MAX, err));
    sl_status st = sl_factor_general(&s->factor, &A, err);
    sl_sparse_clear(&A);
    s->u = calloc(p->unknowns, sizeof *s->u);
    s->r = malloc(p->unknowns * sizeof *s->r);
    if (st == SL_OK && (!s->u || !s->r)) st = sl_fail(err, SL_E_MEMORY, "no memory for %zu unknowns", p->unknowns);
    return st;
}

static void residual(backward *s)
{
    const sl_plane *const p = s->p;
    for (size_t k = 0; k < p->unknowns; k++) {
        long double sum = p->inside[k] ? 0 : s->b[k];
        for (size_t w = 0; w < p->ways && !p->inside[k]; w++) {
            const int32_t next = p->to[w][k];
            if (next >= 0) sum += p->rate[w][k] * (s->u[next] - s->u[k]);
        }
        for (size_t b = 0; b < p->n_discs; b++) sum -= p->absorbed[b][k] * s->u[k];
        s->r[k] = (double)(sum - p->lost[k] * s->u[k]);
    }
}

/* Refined until corrections no longer fall. */
static sl_status solve(double *u, backward *s, const char *what, sl_err *err)
{
    const size_t N = s->p->unknowns;
    double last = INFINITY;
    for (int round = 0; round < 12; round++) {
        if (sl_stop_requested()) return SL_INTERRUPTED;
        residual(s);
        SL_TRY(sl_factor_transpose_solve(s->r, s->factor, s->r, err));
        double change = 0, size = 0;
        for (size_t k = 0; k < N; k++) {
            s->u[k] += s->r[k];
            change = fmax(change, fabs(s->r[k]));
            size = fmax(size, (double)fabsl(s->u[k]));
        }
        if (!isfinite(change)) return sl_fail(err, SL_E_NUMERIC, "%s: values that are not finite", what);
        change = size > 0 ? change / size : 0;
        const bool settled = round > 0 && (change < 1e-16 || change > 0.5 * last);
        last = fmin(change, last);
        if (settled) break;
    }
    if (!(last < 1e-6))
        return sl_fail(err, SL_E_NUMERIC,
                       "%s is known to %.1e only: the temperature is too low for the precision of numbers", what, last);
    for (size_t k = 0; k < N; k++) u[k] = (double)s->u[k];
    return SL_OK;
}

static sl_status solve_backward(double *u, const sl_plane *p, const double *b, const char *what, sl_err *err)
{
    backward s;
    sl_status st = set_up(&s, p, b, err);
    if (st == SL_OK) st = solve(u, &s, what, err);
    clear(&s);
    return st;
}

/* What the task knows at a point may lie where exp(-f/T) cannot be told from nothing. */
static sl_status reachable(const sl_plane *p, const double x[2], const char *what, sl_err *err)
{
    if (sl_plane_at(p, p->f, x) < 0.5 * SL_PLANE_CEILING * p->T) return SL_OK;
    return sl_fail(err, SL_E_CONFIG, "'%s' = (%g, %g) lies more than %g T above the floor: densities underflow there",
                   what, x[0], x[1], 0.5 * SL_PLANE_CEILING);
}

/* To the disc; edges that absorb end a passage too. */
sl_status sl_plane_passage(sl_answer *a, const sl_plane *p, const sl_question *q, sl_err *err)
{
    SL_TRY(reachable(p, q->from, "from", err));
    double *one = malloc(p->unknowns * sizeof *one);
    sl_field *time = NULL;
    sl_status st = one ? sl_plane_field(&time, a, p, "mfpt", 0, err)
                       : sl_fail(err, SL_E_MEMORY, "no memory for %zu times", p->unknowns);
    if (st == SL_OK) {
        for (size_t k = 0; k < p->unknowns; k++) one[k] = 1;
        st = solve_backward(time->value, p, one, "mean first-passage time", err);
    }
    if (st == SL_OK) st = sl_answer_add(a, "mfpt", 0, sl_plane_at(p, time->value, q->from), 0, 0, err);
    free(one);
    return st;
}

/* The stationary flow of trajectories from A to B, reversible: probability flux of pi grad q out of the nodes around A.
 * The flux through all closed lines around A is the same; this one keeps away from the circle, where rates are
 * those of unequal spacings. NAN: there is no such line on this grid. */
static double reactive_flux(const sl_plane *p, const double *q, double Z)
{
    const double clear_of = 3 * fmax(p->h[0], p->h[1]);
    const sl_disc around = {{p->disc[0].centre[0], p->disc[0].centre[1]}, p->disc[0].radius + clear_of};
    unsigned char *in = calloc(p->unknowns, 1);
    if (!in) return NAN;
    for (size_t k = 0; k < p->unknowns; k++) {
        double v[2];
        for (size_t d = 0; d < 2; d++) {
            v[d] = p->node[d][d ? k % p->n[1] : k / p->n[1]] - around.centre[d];
            if (p->periodic) v[d] -= p->op->loss.kind->period * round(v[d] / p->op->loss.kind->period);
        }
        in[k] = hypot(v[0], v[1]) < around.radius;
    }
    double sum = 0;
    for (size_t k = 0; k < p->unknowns; k++) {
        if (!in[k]) continue;
        if (p->absorbed[1][k] > 0 || p->inside[k] == 2) sum = NAN; /* B is too near */
        for (size_t w = 0; w < p->ways; w++) {
            const int32_t next = p->to[w][k];
            if (next >= 0 && !in[next]) sum += exp(-p->f[k] / p->T) * p->rate[w][k] * (q[next] - q[k]);
        }
    }
    free(in);
    return sum / Z;
}

/* As on a line: "committor", the stationary mean, and "flux"; beside them the value midway between the sets, which is
 * all there is where the stationary law is not known. */
static sl_status committor_numbers(sl_answer *a, const sl_plane *p, const double *q, const double middle[2],
                                   sl_err *err)
{
    SL_TRY(sl_answer_add(a, "committor_midway", 0, sl_plane_at(p, q, middle), 0, 1, err));
    if (!p->reversible) return SL_OK;
    double Z = 0, mean = 0;
    for (size_t k = 0; k < p->unknowns; k++) {
        const double weight = exp(-p->f[k] / p->T);
        Z += weight;
        mean += weight * q[k];
    }
    const double flux = reactive_flux(p, q, Z);
    if (isnan(flux))
        return sl_fail(err, SL_E_NUMERIC, "the discs at (%g, %g) and (%g, %g) are not apart on this grid",
                       p->disc[0].centre[0], p->disc[0].centre[1], p->disc[1].centre[0], p->disc[1].centre[1]);
    SL_TRY(sl_answer_add(a, "committor", 0, mean / Z, 0, 1, err));
    return sl_answer_add(a, "flux", 0, flux, 0, 0, err);
}

sl_status sl_plane_committor(sl_answer *a, const sl_plane *p, const sl_question *q, sl_err *err)
{
    double middle[2];
    for (size_t d = 0; d < 2; d++) middle[d] = (q->from[d] + q->to[d]) / 2;
    SL_TRY(reachable(p, middle, "the middle of from and to", err));
    sl_field *field = NULL;
    SL_TRY(sl_plane_field(&field, a, p, "committor", 0, err));
    SL_TRY(solve_backward(field->value, p, p->absorbed[1], "committor", err));
    for (size_t k = 0; k < p->unknowns; k++)
        if (p->inside[k] == 2) field->value[k] = 1;
    return committor_numbers(a, p, field->value, middle, err);
}
