/* Fokker-Planck on a line: what can be asked, and the stationary law. The chain is in line.c, the other tasks in
 * line_*.c. */
#include <math.h>
#include <stdlib.h>

#include "sim/operators/fokker_planck/line.h"
#include "sim/operators/fokker_planck/line_evolve_kernel.h"
#include "sim/operators/fokker_planck/line_ring.h"
#include "sim/operators/variant.h"

static sl_status check(const sl_operator *op, const sl_question *q, sl_err *err)
{
    (void)q;
    const double T = op->temperature;
    if (!(isfinite(T) && (T > 0 || (op->diffusion && T == 0))))
        return sl_fail(err, SL_E_DOMAIN, "temperature T = %g, need 0 < T < inf (or 0 with a diffusion of its own)", T);
    if (op->edge != SL_EDGE_REFLECTING && op->edge != SL_EDGE_ABSORBING)
        return sl_fail(err, SL_E_DOMAIN, "there is no edge %d", (int)op->edge);
    return SL_OK;
}

/* In numbers of doubles a node: fields have two arrays. */
static double bytes(const sl_operator *op, const sl_question *q, size_t n)
{
    double numbers = 16;
    if (q->task == SL_TASK_EVOLVE) numbers = 1 + SL_LINE_SCRATCH + 4.0 * (double)q->n_times + 8;
    if (q->task == SL_TASK_SPECTRUM || op->edge == SL_EDGE_ABSORBING) {
        const double k = (double)q->eigenvalues;
        numbers += 5 * k + 24 + (sl_line_is_ring(op, q) ? 2 * (k + SL_LINE_RING_EXTRA) : 0);
    }
    return sl_line_bytes(n) + numbers * sizeof(double) * ((double)n + 2);
}

/* Where mass leaks, the law that keeps its shape while it decays: the slowest mode times the masses, P[n]. */
static sl_status quasi_stationary(double *P, sl_answer *a, const sl_cells *l, const sl_operator *op, sl_err *err)
{
    double rate = 0;
    SL_TRY(sl_line_check_range(l, op, err));
    SL_TRY(sl_line_modes(&rate, P, 1, l, err));
    for (size_t i = 0; i < l->n; i++) P[i] *= l->m[i];
    return sl_answer_add(a, "decay_rate", 0, rate, 0, 0, err);
}

sl_status sl_line_stationary(sl_answer *a, const sl_cells *l, const sl_operator *op, sl_err *err)
{
    double *P = malloc(l->n * sizeof *P), total = 0;
    if (!P) return sl_fail(err, SL_E_MEMORY, "no memory for a law on %zu nodes", l->n);
    for (size_t i = 0; i < l->n; i++) P[i] = l->m[i];
    sl_status st = l->absorbing ? quasi_stationary(P, a, l, op, err) : SL_OK;
    for (size_t i = 0; i < l->n; i++) total += P[i];
    for (size_t i = 0; i < l->n; i++) P[i] /= total;
    if (st == SL_OK) st = sl_line_add_law(a, l, op, P, 0, err);
    free(P);
    return st;
}

static sl_status solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    sl_cells l;
    SL_TRY(sl_line_build(&l, op, q, n, err));
    a->unknowns = l.n;
    sl_status st = SL_OK;
    switch (q->task) {
    case SL_TASK_STATIONARY: st = sl_line_stationary(a, &l, op, err); break;
    case SL_TASK_EVOLVE: st = sl_line_evolve(a, &l, op, q, err); break;
    case SL_TASK_MFPT: st = sl_line_mfpt(a, &l, op, q, err); break;
    case SL_TASK_SPECTRUM: st = sl_line_spectrum(a, &l, op, q, err); break;
    case SL_TASK_COMMITTOR: st = sl_line_committor(a, &l, op, q, err); break;
    }
    sl_line_clear(&l);
    return st;
}

const sl_operator_variant sl_fokker_planck_line = {
    .check = check,
    .domain = sl_line_domain,
    .bytes = bytes,
    .solve = solve,
};
