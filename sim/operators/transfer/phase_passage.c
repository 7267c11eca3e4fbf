/* First passages, backwards in time. Of u(x, v), the mean number of steps until x leaves (L, R), or the probability to
 * leave it on the side of `to`, one step says
 *
 *   u(x, v) = source + E u(x', v') [L < x' < R],   v' ~ N(mu v - a_g G(x), a_g^2 s2),   x' = x + a_s v',
 *
 * and that makes u smooth, right through L and R: the indicator acts under an integral over v'. So u lives on a smooth
 * grid that reaches a little beyond both ends (Chebyshev's in x, dense where layers as thin as one step lie; uniform in
 * v), and the cut is put into the integrals: those over L < x + a_s v' < R of Gaussian times interpolating polynomial.
 */
#include "sim/operators/transfer/phase_passage.h"

#include <cblas.h>
#include <gsl/gsl_integration.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/gsl.h"
#include "sim/operators/transfer/chain.h"
#include "sim/operators/transfer/rates.h"
#include "sim/operators/transfer/stencil.h"

enum { BASIS = 300, POINTS = 64, ALPHAS = 24, BRANCHES = 12 };

static const double FAR = 8.5;

typedef struct {
    const sl_operator *op;
    size_t n, nv;
    double L, R;         /* inside                                                     */
    bool up;             /* `to` is R                                                  */
    double centre, half; /* of the grid along x: x_i = centre - half cos(pi (i + 1/2)/n) */
    double *x, *v, hv;
    size_t branches; /* of a random alpha on the step; else 1                      */
    double a_s[BRANCHES], weight[BRANCHES];
    double *B;     /* [branch][n][nv][nv']: integrals of Gaussian times polynomial over the inside */
    double *shift; /* [branch][n][nv'][SL_STENCIL]: weights of u(x_i + a_s v', v')               */
    int *node;     /* the same: nodes along x                                    */
    double *source, *moved, *memory;
} passage;

static size_t velocities(size_t n)
{
    return 2 * (size_t)(4 * sqrt((double)n)) + 1;
}

static size_t branches_of(const sl_operator *op)
{
    return op->rule.alpha_on == SL_ALPHA_ON_STEP && sl_schedule_is_random(&op->schedule) ? BRANCHES : 1;
}

double sl_phase_passage_bytes(const sl_operator *op, size_t n)
{
    const double nv = (double)velocities(n), nodes = (double)n * nv;
    return nodes * ((double)branches_of(op) * (8 * nv + 12.0 * SL_STENCIL) + 8 * (BASIS + 6));
}

/* Stencil of 16 nodes around x in the angle, in which nodes are equidistant and u is even at both ends. */
static void stencil_of(double *w, int *node, const passage *p, double x)
{
    const double c = (p->centre - x) / p->half, n = (double)p->n;
    const double at = acos(fmax(fmin(c, 1), -1)) * n / M_PI - 0.5 + n; /* among nodes -n .. 2 n - 1, mirrored */
    const size_t first = sl_stencil(w, at, 3 * p->n);
    for (size_t k = 0; k < SL_STENCIL; k++) {
        const int i = (int)(first + k) - (int)p->n;
        node[k] = i < 0 ? -1 - i : i >= (int)p->n ? 2 * (int)p->n - 1 - i : i;
    }
}

static sl_status passage_alloc(passage *p, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    *p = (passage){.op = op, .n = n, .nv = velocities(n), .up = q->to[0] > q->from[0], .branches = branches_of(op)};
    const bool mfpt = q->task == SL_TASK_MFPT;
    p->L = p->up ? (mfpt ? op->lo[0] : q->from[0]) : q->to[0];
    p->R = p->up ? q->to[0] : (mfpt ? op->hi[0] : q->from[0]);
    if (!(p->L <= q->from[0] && q->from[0] <= p->R && p->L < p->R))
        return sl_fail(err, SL_E_DOMAIN, "from = %g is not inside the domain, which ends at [%g, %g]", q->from[0], p->L,
                       p->R);
    p->hv = (op->hi[1] - op->lo[1]) / (double)(p->nv - 1);
    const size_t nodes = n * p->nv, B = p->branches;
    p->memory = malloc((n + p->nv + B * nodes * (p->nv + SL_STENCIL) + 2 * nodes) * sizeof(double));
    p->node = malloc(B * nodes * SL_STENCIL * sizeof *p->node);
    if (!p->memory || !p->node)
        return sl_fail(err, SL_E_MEMORY, "no memory for a passage on %zu x %zu nodes", n, p->nv);
    p->x = p->memory;
    p->v = p->x + n;
    p->B = p->v + p->nv;
    p->shift = p->B + B * nodes * p->nv;
    p->source = p->shift + B * nodes * SL_STENCIL;
    p->moved = p->source + nodes;
    return SL_OK;
}

static void passage_clear(passage *p)
{
    free(p->memory);
    free(p->node);
}

/* Nodes, and where a move along x takes them. The grid reaches as far beyond L and R as stencils do across the cut. */
static void fill_nodes(passage *p, double longest)
{
    const double beyond = (SL_STENCIL / 2 + 1) * p->hv * longest;
    p->centre = (p->L + p->R) / 2;
    p->half = (p->R - p->L) / 2 + beyond;
    for (size_t i = 0; i < p->n; i++) p->x[i] = p->centre - p->half * cos(M_PI * ((double)i + 0.5) / (double)p->n);
    for (size_t j = 0; j < p->nv; j++) p->v[j] = p->op->lo[1] + p->hv * (double)j;
    for (size_t b = 0; b < p->branches; b++)
        for (size_t i = 0; i < p->n; i++)
            for (size_t j = 0; j < p->nv; j++) {
                const size_t at = ((b * p->n + i) * p->nv + j) * SL_STENCIL;
                stencil_of(p->shift + at, p->node + at, p, p->x[i] + p->a_s[b] * p->v[j]);
            }
}

typedef struct {
    double z[POINTS], w[POINTS];
} legendre;

/* row[nv'] += weight times the integral over v' in (low, high) of N(v'; m, s^2) times the polynomials of the grid. */
static void add_integrals(double *row, const passage *p, const legendre *g, double m, double s, double low, double high,
                          double weight)
{
    const double V = p->op->hi[1], first = fmax(fmax(low, m - FAR * s), -V), last = fmin(fmin(high, m + FAR * s), V);
    if (!(last > first)) return;
    for (size_t k = 0; k < POINTS; k++) {
        const double v = first + (last - first) * (1 + g->z[k]) / 2, z = (v - m) / s;
        const double part = weight * g->w[k] * (last - first) / 2 * exp(-z * z / 2) / (sqrt(2 * M_PI) * s);
        double w[SL_STENCIL];
        const size_t at = sl_stencil(w, (v + V) / p->hv, p->nv);
        for (size_t i = 0; i < SL_STENCIL; i++) row[at + i] += part * w[i];
    }
}

/* Fills B and the source: 1 a step for the time; for the committor the probability to land beyond `to`. */
static void fill_integrals(passage *p, const sl_rate_law *law, bool mfpt, const legendre *g)
{
    double rate[ALPHAS], part[ALPHAS];
    const size_t alphas = law->on_step ? 1 : sl_rate_nodes(rate, part, ALPHAS, law);
    if (law->on_step) part[0] = 1;
    const double mu = p->op->rule.mu, w = p->op->rule.weight_decay, sigma = sqrt(p->op->noise_variance);
    for (size_t i = 0; i < p->n; i++) {
        double G;
        sl_loss_gradient(&p->op->loss, &p->x[i], &G);
        G += w * p->x[i];
        for (size_t j = 0; j < p->nv; j++) {
            p->source[i * p->nv + j] = mfpt ? 1 : 0;
            for (size_t b = 0; b < p->branches; b++) {
                double *row = p->B + ((b * p->n + i) * p->nv + j) * p->nv;
                const double low = (p->L - p->x[i]) / p->a_s[b], high = (p->R - p->x[i]) / p->a_s[b];
                for (size_t a = 0; a < alphas; a++) {
                    const double a_g = law->on_step ? 1 : sl_rate_on_gradient(law, rate[a]), s = a_g * sigma;
                    const double m = mu * p->v[j] - a_g * G, weight = p->weight[b] * part[a];
                    add_integrals(row, p, g, m, s, low, high, weight);
                    const double past = p->up ? (high - m) / s : (m - low) / s;
                    if (!mfpt) p->source[i * p->nv + j] += weight * erfc(past / M_SQRT2) / 2;
                }
            }
        }
    }
}

/* y = u - E u(x', v') [inside]. */
static sl_status apply(void *ctx, const double *u, double *y, sl_err *err)
{
    (void)err;
    passage *p = ctx;
    const size_t nv = p->nv, nodes = p->n * nv;
    memcpy(y, u, nodes * sizeof *y);
    for (size_t b = 0; b < p->branches; b++) {
        for (size_t k = 0; k < nodes; k++) {
            const double *w = p->shift + (b * nodes + k) * SL_STENCIL;
            const int *node = p->node + (b * nodes + k) * SL_STENCIL;
            double sum = 0;
            for (size_t i = 0; i < SL_STENCIL; i++) sum += w[i] * u[(size_t)node[i] * nv + k % nv];
            p->moved[k] = sum;
        }
        for (size_t i = 0; i < p->n; i++)
            cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)nv, (int)nv, -1, p->B + (b * p->n + i) * nv * nv, (int)nv,
                        p->moved + i * nv, 1, 1, y + i * nv, 1);
    }
    return SL_OK;
}

static sl_status fill(passage *p, bool mfpt, sl_err *err)
{
    const sl_rate_law law = sl_rate_at(p->op, 0);
    double rate[BRANCHES];
    if (p->branches > 1) sl_rate_nodes(rate, p->weight, BRANCHES, &law);
    for (size_t b = 0; b < p->branches; b++) {
        if (p->branches == 1) p->weight[0] = 1;
        p->a_s[b] = sl_rate_on_step(&law, p->branches > 1 ? rate[b] : law.mean);
    }
    sl_gsl_quiet();
    gsl_integration_glfixed_table *t = gsl_integration_glfixed_table_alloc(POINTS);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for %d quadrature nodes", POINTS);
    legendre g;
    for (size_t k = 0; k < POINTS; k++) gsl_integration_glfixed_point(-1, 1, k, &g.z[k], &g.w[k], t);
    gsl_integration_glfixed_table_free(t);
    memset(p->B, 0, p->branches * p->n * p->nv * p->nv * sizeof *p->B);
    fill_nodes(p, sl_rate_on_step(&law, law.mean + law.half));
    fill_integrals(p, &law, mfpt, &g);
    return SL_OK;
}

static sl_status add_answer(sl_answer *a, const passage *p, const sl_question *q, const double *u, sl_err *err)
{
    const bool mfpt = q->task == SL_TASK_MFPT;
    const char *name = mfpt ? "mfpt" : "committor";
    double w[SL_STENCIL], value = 0;
    int node[SL_STENCIL];
    stencil_of(w, node, p, mfpt ? q->from[0] : (q->from[0] + q->to[0]) / 2);
    for (size_t k = 0; k < SL_STENCIL; k++) value += w[k] * u[(size_t)node[k] * p->nv + (p->nv - 1) / 2];
    SL_TRY(sl_answer_add(a, mfpt ? name : "committor_midway", 0, value, 0, mfpt ? 0 : 1, err));
    sl_field *field = NULL;
    SL_TRY(sl_answer_add_field(&field, a, name, 0, p->n, p->nv, err));
    memcpy(field->node[0], p->x, p->n * sizeof *p->x);
    memcpy(field->node[1], p->v, p->nv * sizeof *p->v);
    memcpy(field->value, u, p->n * p->nv * sizeof *u);
    a->unknowns = p->n * p->nv;
    return SL_OK;
}

static sl_status solve(sl_answer *a, passage *p, const sl_question *q, sl_err *err)
{
    SL_TRY(fill(p, q->task == SL_TASK_MFPT, err));
    const size_t nodes = p->n * p->nv;
    double *u = calloc(nodes, sizeof *u);
    if (!u) return sl_fail(err, SL_E_MEMORY, "no memory for %zu unknowns", nodes);
    sl_status st = sl_chain_passage(u, nodes, apply, p, p->source, 1e-14, BASIS, err);
    if (st == SL_OK) st = add_answer(a, p, q, u, err);
    free(u);
    return st;
}

sl_status sl_phase_passage_solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    passage p;
    sl_status st = passage_alloc(&p, op, q, n, err);
    if (st == SL_OK) st = solve(a, &p, q, err);
    passage_clear(&p);
    return st;
}
