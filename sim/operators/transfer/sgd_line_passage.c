#include "sim/operators/transfer/sgd_line_passage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void sl_sgd_line_interval(double *a, double *b, const sl_operator *op, const sl_question *q)
{
    const double from = q->from[0], to = q->to[0];
    *a = op->lo[0];
    *b = op->hi[0];
    if (q->task == SL_TASK_MFPT) *(to > from ? b : a) = to;
    if (q->task != SL_TASK_COMMITTOR) return;
    *a = fmin(from, to);
    *b = fmax(from, to);
}

sl_status sl_sgd_line_passage_init(sl_sgd_line_passage *p, sl_sgd_line_chain *chain, double *M, sl_err *err)
{
    const size_t n = chain->line.n;
    *p = (sl_sgd_line_passage){.chain = chain,
                               .M = M,
                               .vector = malloc(3 * n * sizeof(double)),
                               .pivot = malloc(n * sizeof(lapack_int))};
    if (!p->vector || !p->pivot) return sl_fail(err, SL_E_MEMORY, "no memory for first passages on %zu nodes", n);
    SL_TRY(sl_sgd_line_chain_product(M, chain, err));
    for (size_t i = 0; i < n * n; i++) M[i] = -M[i];
    for (size_t j = 0; j < n; j++) M[j * n + j] += 1;
    /* Row by row I - C is its transpose column by column. */
    if (LAPACKE_dgetrf(LAPACK_COL_MAJOR, (int)n, (int)n, M, (int)n, p->pivot) == 0) return SL_OK;
    return sl_fail(err, SL_E_NUMERIC, "the equation of first passages on %zu nodes is singular", n);
}

void sl_sgd_line_passage_clear(sl_sgd_line_passage *p)
{
    free(p->vector);
    free(p->pivot);
    *p = (sl_sgd_line_passage){0};
}

/* u_0 of u_k = g_k + B_k u_(k+1), k < cycle, u_cycle = end. g: 1 (gain < 0), or what is lost on side `gain`.
 * stop: the last k done. u and v: [n], the result is in u. */
static sl_status back_through_cycle(double *u, double *v, sl_sgd_line_chain *chain, int gain, uint64_t stop, sl_err *err)
{
    const size_t n = chain->line.n;
    const sl_sgd_line_slot *step = NULL;
    for (uint64_t k = chain->cycle; k-- > stop;) {
        SL_TRY(sl_sgd_line_chain_step(&step, chain, k, err));
        sl_sgd_line_backward(v, &chain->line, step->M, u);
        for (size_t j = 0; j < n; j++) u[j] = v[j] + (gain < 0 ? 1 : step->lost[2 * j + (size_t)gain]);
    }
    return SL_OK;
}

sl_status sl_sgd_line_expect(double *u, double *at, const sl_sgd_line_passage *p, int gain, double x, sl_err *err)
{
    sl_sgd_line_chain *chain = p->chain;
    const size_t n = chain->line.n;
    double *v = p->vector, *later = v + n, *m = later + n, lost[2];
    memset(u, 0, n * sizeof *u);
    SL_TRY(back_through_cycle(u, v, chain, gain, 0, err));
    LAPACKE_dgetrs(LAPACK_COL_MAJOR, 'T', (int)n, 1, p->M, (int)n, p->pivot, u, (int)n);
    memcpy(later, u, n * sizeof *later);
    SL_TRY(back_through_cycle(later, v, chain, gain, 1, err));
    sl_sgd_line_row(m, lost, &chain->line, x, sl_sgd_line_rates(chain->op, 0));
    *at = (gain < 0 ? 1 : lost[gain]) + sl_sgd_line_mean(&chain->line, m, later);
    return SL_OK;
}
