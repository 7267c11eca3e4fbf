#include "sim/operators/transfer/sgd_plane.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double FAR = 8.5;

void sl_sgd_plane_locate(sl_sgd_plane_point *p, const sl_sgd_plane_step *s, const double x[2])
{
    const int n = (int)s->n;
    for (size_t d = 0; d < 2; d++) {
        double at = (x[d] - s->x[d][0]) / s->h[d];
        if (s->periodic) {
            at -= n * floor(at / n);
            const size_t first = sl_stencil(p->w[d], at + n, 3 * s->n);
            for (size_t k = 0; k < SL_STENCIL; k++) p->node[d][k] = ((int)(first + k)) % n;
            continue;
        }
        if (!(at >= 0 && at <= n - 1)) {
            p->node[0][0] = -1;
            return;
        }
        const size_t first = sl_stencil(p->w[d], at, s->n);
        for (size_t k = 0; k < SL_STENCIL; k++) p->node[d][k] = (int)(first + k);
    }
}

void sl_sgd_plane_map(double to[2], const sl_sgd_plane_step *s, size_t k, double rate)
{
    const double x[2] = {s->x[0][k / s->n], s->x[1][k % s->n]};
    double g[2];
    sl_loss_gradient(&s->op->loss, x, g);
    for (size_t d = 0; d < 2; d++) to[d] = x[d] - rate * (g[d] + s->op->rule.weight_decay * x[d]);
}

/* A Gaussian of deviation sigma between nodes, times the cell, without frequencies beyond the grid's; the sum over
 * frequencies is over a period so long that its images do not meet (a periodic loss: its own). */
static void fill_blur(double *blur, const sl_sgd_plane_step *s, size_t d, double sigma)
{
    const double h = s->h[d];
    const size_t n = s->n, cells = s->periodic ? n : 2 * n + (size_t)fmin(ceil(2 * FAR * sigma / h), 16.0 * (double)n);
    const size_t period = s->periodic ? n : cells | 1;
    for (size_t k = 0; k < n; k++) { /* k cells apart */
        double sum = 0;
        for (size_t m = 0; m <= period / 2; m++) {
            const double w = 2 * M_PI * (double)m / ((double)period * h), twice = m == 0 || 2 * m == period ? 1 : 2;
            const double damp = exp(-w * w * sigma * sigma / 2);
            if (damp < 1e-18) break;
            sum += twice * damp * cos(2 * M_PI * (double)(m * k % period) / (double)period);
        }
        sum /= (double)period;
        for (size_t i = 0; i + k < n; i++) blur[i * n + i + k] = blur[(i + k) * n + i] = sum;
    }
}

sl_status sl_sgd_plane_step_set(sl_sgd_plane_step *s, const sl_rate_law *law, sl_err *err)
{
    (void)err;
    double rate[SL_SGD_PLANE_RATES], weight[SL_SGD_PLANE_RATES];
    s->branches = sl_rate_nodes(rate, weight, s->branches, law);
    for (size_t b = 0; b < s->branches; b++) {
        sl_sgd_plane_branch *branch = &s->branch[b];
        branch->weight = weight[b];
        branch->rate = rate[b];
        for (size_t k = 0; k < s->n * s->n; k++) {
            double to[2];
            sl_sgd_plane_map(to, s, k, rate[b]);
            sl_sgd_plane_locate(&branch->to[k], s, to);
        }
        for (size_t d = 0; d < 2; d++) fill_blur(branch->blur[d], s, d, rate[b] * sqrt(s->op->noise_variance));
    }
    return SL_OK;
}

static size_t branches_of(const sl_operator *op)
{
    return sl_schedule_is_random(&op->schedule) ? SL_SGD_PLANE_RATES : 1;
}

double sl_sgd_plane_step_bytes(const sl_operator *op, size_t n)
{
    const double nodes = (double)n * (double)n;
    return nodes * ((double)branches_of(op) * (sizeof(sl_sgd_plane_point) + 16.0) + 24);
}

/* Stencils go at some 5e9 operations a second, matrix products at 3e10. */
double sl_sgd_plane_step_seconds(const sl_operator *op, size_t n)
{
    const double nodes = (double)n * (double)n, stencil = SL_STENCIL * SL_STENCIL;
    return (double)branches_of(op) * nodes * (2 * stencil / 5e9 + 4 * (double)n / 3e10);
}

sl_status sl_sgd_plane_step_init(sl_sgd_plane_step *s, const sl_operator *op, size_t n, sl_err *err)
{
    *s = (sl_sgd_plane_step){.op = op, .n = n, .periodic = op->loss.kind->period > 0, .branches = branches_of(op)};
    const size_t nodes = n * n, B = s->branches;
    s->work = malloc((2 * n + (3 + 2 * B) * nodes) * sizeof(double));
    sl_sgd_plane_point *points = malloc(B * nodes * sizeof *points);
    s->branch[0].to = points;
    if (!s->work || !points) return sl_fail(err, SL_E_MEMORY, "no memory for a step on %zu x %zu nodes", n, n);
    for (size_t b = 0; b < B; b++) {
        s->branch[b].to = points + b * nodes;
        for (size_t d = 0; d < 2; d++) s->branch[b].blur[d] = s->work + (3 + 2 * b + d) * nodes;
    }
    const double half = s->periodic ? 0.5 : 0; /* of a cell from where x jumps: <x> is not biased */
    for (size_t d = 0; d < 2; d++) {
        s->x[d] = s->work + (3 + 2 * B) * nodes + d * n;
        s->h[d] = (op->hi[d] - op->lo[d]) / (double)(s->periodic ? n : n - 1);
        for (size_t i = 0; i < n; i++) s->x[d][i] = op->lo[d] + s->h[d] * ((double)i + half);
    }
    const sl_rate_law law = sl_rate_at(op, 0);
    return sl_sgd_plane_step_set(s, &law, err);
}

void sl_sgd_plane_step_clear(sl_sgd_plane_step *s)
{
    free(s->branch[0].to);
    free(s->work);
    *s = (sl_sgd_plane_step){0};
}

/* out = blur along both axes of in; through work[2]. */
static void blur(double *out, sl_sgd_plane_step *s, const sl_sgd_plane_branch *b, const double *in)
{
    const int n = (int)s->n;
    double *half = s->work + 2 * s->n * s->n;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, b->blur[0], n, in, n, 0, half, n);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, half, n, b->blur[1], n, 0, out, n);
}

void sl_sgd_plane_step_apply(double *to, sl_sgd_plane_step *s, const double *from)
{
    const size_t n = s->n, nodes = n * n;
    double *moved = s->work, *blurred = s->work + nodes;
    for (size_t b = 0; b < s->branches; b++) {
        const sl_sgd_plane_branch *branch = &s->branch[b];
        memset(moved, 0, nodes * sizeof *moved);
        for (size_t k = 0; k < nodes; k++) {
            const sl_sgd_plane_point *p = &branch->to[k];
            if (p->node[0][0] < 0 || from[k] == 0) continue;
            for (size_t i = 0; i < SL_STENCIL; i++) {
                double *row = moved + (size_t)p->node[0][i] * n;
                const double part = from[k] * p->w[0][i];
                for (size_t j = 0; j < SL_STENCIL; j++) row[p->node[1][j]] += part * p->w[1][j];
            }
        }
        blur(b == 0 ? to : blurred, s, branch, moved);
        if (b == 0)
            cblas_dscal((int)nodes, branch->weight, to, 1);
        else
            cblas_daxpy((int)nodes, branch->weight, blurred, 1, to, 1);
    }
}

void sl_sgd_plane_expect(double *out, sl_sgd_plane_step *s, const sl_sgd_plane_branch *b, const double *u)
{
    const size_t n = s->n, nodes = n * n;
    double *blurred = s->work;
    blur(blurred, s, b, u);
    for (size_t k = 0; k < nodes; k++) {
        const sl_sgd_plane_point *p = &b->to[k];
        double sum = 0;
        for (size_t i = 0; p->node[0][0] >= 0 && i < SL_STENCIL; i++) {
            const double *row = blurred + (size_t)p->node[0][i] * n;
            double inner = 0;
            for (size_t j = 0; j < SL_STENCIL; j++) inner += p->w[1][j] * row[p->node[1][j]];
            sum += p->w[0][i] * inner;
        }
        out[k] = sum;
    }
}
