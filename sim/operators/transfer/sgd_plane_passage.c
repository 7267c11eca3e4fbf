/* First passages into discs, backwards in time: u(x) = source + E u(x') [x' outside the discs] is smooth right through
 * the discs, since the indicator acts under the integral over the noise. So u lives on the uniform grid as if there
 * were no discs, and what E u(x') has too much, the integral of Gaussian times u over a disc, is taken off: by
 * quadrature in polar coordinates, with u interpolated to the quadrature's nodes. */
#include "sim/operators/transfer/sgd_plane_passage.h"

#include <cblas.h>
#include <gsl/gsl_integration.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/gsl.h"
#include "sim/operators/transfer/chain.h"
#include "sim/operators/transfer/sgd_plane.h"

enum { BASIS = 200, RADII = 96, ANGLES = 384 };

static const double FAR = 8.5;

/* Nodes apart, at most, in deviations of a step's noise; to what a step errs in who comes to the disc; what leaves the
 * box before, worth saying, and beyond which there is no passage to speak of. */
static const double APART = 1.5, COME = 1e-12, WORTH_SAYING = 1e-9, MOSTLY = 0.5;

/* Quadrature nodes of one disc. */
typedef struct {
    size_t n;
    double *y, *w;             /* [n][2], [n]           */
    sl_sgd_plane_point *point; /* [n]: u there          */
    double *u;                 /* [n]: its values       */
} disc;

/* The nodes near a disc, of one branch, and the weights of the disc's values in their expectations. */
typedef struct {
    size_t n;
    size_t *node;   /* [n]                */
    double *weight; /* [n][disc.n]       */
} near;

typedef struct {
    sl_sgd_plane_step step;
    size_t discs;
    disc disc[2];
    near near[SL_SGD_PLANE_RATES][2];
    double *source, *work; /* [n n] each */
} passage;

static void passage_clear(passage *p)
{
    for (size_t d = 0; d < 2; d++) {
        free(p->disc[d].y);
        free(p->disc[d].point);
        for (size_t b = 0; b < SL_SGD_PLANE_RATES; b++) {
            free(p->near[b][d].node);
            free(p->near[b][d].weight);
        }
    }
    free(p->source);
    sl_sgd_plane_step_clear(&p->step);
}

/* How many radii and angles follow Gaussians as narrow as sigma. */
static void resolution(size_t *radii, size_t *angles, double radius, double sigma)
{
    *radii = (size_t)fmin(8 + ceil(5 * radius / sigma), RADII);
    *angles = (size_t)fmin(20 + ceil(18 * radius / sigma), ANGLES);
}

static sl_status disc_init(disc *d, const sl_sgd_plane_step *s, const double centre[2], double radius, double sigma,
                           sl_err *err)
{
    size_t radii, angles;
    resolution(&radii, &angles, radius, sigma);
    d->n = radii * angles;
    d->y = malloc(4 * d->n * sizeof *d->y);
    d->point = malloc(d->n * sizeof *d->point);
    sl_gsl_quiet();
    gsl_integration_glfixed_table *t = gsl_integration_glfixed_table_alloc(radii);
    if (!d->y || !d->point || !t) {
        if (t) gsl_integration_glfixed_table_free(t);
        return sl_fail(err, SL_E_MEMORY, "no memory for %zu nodes of a disc", d->n);
    }
    d->w = d->y + 2 * d->n;
    d->u = d->w + d->n;
    for (size_t r = 0; r < radii; r++) {
        double rho, weight;
        gsl_integration_glfixed_point(0, radius, r, &rho, &weight, t);
        for (size_t a = 0; a < angles; a++) {
            const size_t k = r * angles + a;
            const double angle = 2 * M_PI * ((double)a + 0.5) / (double)angles;
            d->y[2 * k] = centre[0] + rho * cos(angle);
            d->y[2 * k + 1] = centre[1] + rho * sin(angle);
            d->w[k] = weight * rho * 2 * M_PI / (double)angles;
            sl_sgd_plane_locate(&d->point[k], s, d->y + 2 * k);
        }
    }
    gsl_integration_glfixed_table_free(t);
    return SL_OK;
}

/* Shortest way from a to b along an axis. */
static double apart(const passage *p, size_t axis, double a, double b)
{
    const double d = b - a, period = p->step.periodic ? p->step.h[axis] * (double)p->step.n : 0;
    return period > 0 ? d - period * nearbyint(d / period) : d;
}

static sl_status near_init(near *m, const passage *p, const sl_sgd_plane_branch *b, const disc *d,
                           const double centre[2], double radius, sl_err *err)
{
    const sl_sgd_plane_step *s = &p->step;
    const double sigma = b->rate * sqrt(s->op->noise_variance), reach = radius + FAR * sigma;
    const size_t nodes = s->n * s->n;
    m->node = malloc(nodes * sizeof *m->node);
    if (!m->node) return sl_fail(err, SL_E_MEMORY, "no memory for %zu nodes", nodes);
    for (size_t k = 0; k < nodes; k++) {
        double z[2];
        sl_sgd_plane_map(z, s, k, b->rate);
        if (hypot(apart(p, 0, centre[0], z[0]), apart(p, 1, centre[1], z[1])) < reach) m->node[m->n++] = k;
    }
    m->weight = malloc((m->n * d->n + 1) * sizeof *m->weight);
    if (!m->weight) return sl_fail(err, SL_E_MEMORY, "no memory for %zu x %zu weights of a disc", m->n, d->n);
    const double height = 1 / (2 * M_PI * sigma * sigma);
    for (size_t i = 0; i < m->n; i++) {
        double z[2];
        sl_sgd_plane_map(z, s, m->node[i], b->rate);
        for (size_t k = 0; k < d->n; k++) {
            const double dx = apart(p, 0, z[0], d->y[2 * k]) / sigma, dy = apart(p, 1, z[1], d->y[2 * k + 1]) / sigma;
            m->weight[i * d->n + k] = d->w[k] * height * exp(-(dx * dx + dy * dy) / 2);
        }
    }
    return SL_OK;
}

double sl_sgd_plane_passage_bytes(const sl_operator *op, const sl_question *q, size_t n)
{
    const sl_rate_law law = sl_rate_at(op, 0);
    const double sigma = law.mean * sqrt(op->noise_variance), radius = q->radius > 0 ? q->radius : 0.1;
    const double narrow = fmax(law.mean - law.half, 0.02 * law.mean) * sqrt(op->noise_variance);
    size_t radii, angles;
    resolution(&radii, &angles, radius, narrow);
    const double cell = (op->hi[0] - op->lo[0]) * (op->hi[1] - op->lo[1]) / ((double)n * (double)n);
    const double reach = radius + FAR * sigma, close = fmin(4 * reach * reach / cell, (double)n * (double)n);
    const double discs = q->task == SL_TASK_MFPT ? 1 : 2, rates = law.half > 0 ? SL_SGD_PLANE_RATES : 1;
    return sl_sgd_plane_step_bytes(op, n) + 8 * (double)n * (double)n * (BASIS + 6) +
           discs * rates * close * (double)(radii * angles) * 8;
}

/* y = u - E u(x') [outside the discs]. */
static sl_status apply(void *ctx, const double *u, double *y, sl_err *err)
{
    (void)err;
    passage *p = ctx;
    sl_sgd_plane_step *s = &p->step;
    const size_t n = s->n, nodes = n * n;
    memcpy(y, u, nodes * sizeof *y);
    for (size_t e = 0; e < p->discs; e++)
        for (size_t k = 0; k < p->disc[e].n; k++) {
            const sl_sgd_plane_point *at = &p->disc[e].point[k];
            double sum = 0;
            for (size_t i = 0; at->node[0][0] >= 0 && i < SL_STENCIL; i++)
                for (size_t j = 0; j < SL_STENCIL; j++)
                    sum += at->w[0][i] * at->w[1][j] * u[(size_t)at->node[0][i] * n + (size_t)at->node[1][j]];
            p->disc[e].u[k] = sum;
        }
    for (size_t b = 0; b < s->branches; b++) {
        sl_sgd_plane_expect(p->work, s, &s->branch[b], u);
        cblas_daxpy((int)nodes, -s->branch[b].weight, p->work, 1, y, 1);
        for (size_t e = 0; e < p->discs; e++) {
            const near *m = &p->near[b][e];
            const size_t q = p->disc[e].n;
            for (size_t i = 0; i < m->n; i++)
                y[m->node[i]] += s->branch[b].weight * cblas_ddot((int)q, m->weight + i * q, 1, p->disc[e].u, 1);
        }
    }
    return SL_OK;
}

/* disc 0 is `to`; the committor's disc 1 is `from`. */
static sl_status fill(passage *p, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    const bool mfpt = q->task == SL_TASK_MFPT;
    SL_TRY(sl_sgd_plane_step_init(&p->step, op, n, err));
    const size_t nodes = n * n;
    p->discs = mfpt ? 1 : 2;
    p->source = malloc(2 * nodes * sizeof *p->source);
    if (!p->source) return sl_fail(err, SL_E_MEMORY, "no memory for %zu nodes", nodes);
    p->work = p->source + nodes;
    const double sigma = p->step.branch[0].rate * sqrt(op->noise_variance); /* the narrowest */
    for (size_t e = 0; e < p->discs; e++) {
        const double *centre = e == 0 ? q->to : q->from;
        SL_TRY(disc_init(&p->disc[e], &p->step, centre, q->radius, sigma, err));
        for (size_t b = 0; b < p->step.branches; b++)
            SL_TRY(near_init(&p->near[b][e], p, &p->step.branch[b], &p->disc[e], centre, q->radius, err));
    }
    return SL_OK;
}

/* The source of a time: 1 a step. Of who is reached: the probability to be in disc 0 after a step. */
static void set_source(passage *p, bool time)
{
    const size_t nodes = p->step.n * p->step.n;
    for (size_t k = 0; k < nodes; k++) p->source[k] = time ? 1 : 0;
    for (size_t b = 0; !time && b < p->step.branches; b++) {
        const near *m = &p->near[b][0];
        for (size_t i = 0; i < m->n; i++)
            for (size_t k = 0; k < p->disc[0].n; k++)
                p->source[m->node[i]] += p->step.branch[b].weight * m->weight[i * p->disc[0].n + k];
    }
}

static sl_status interpolate(double *value, const passage *p, const double *u, const double at[2], sl_err *err)
{
    sl_sgd_plane_point point = {0};
    sl_sgd_plane_locate(&point, &p->step, at);
    if (point.node[0][0] < 0)
        return sl_fail(err, SL_E_DOMAIN, "the point (%g, %g) is outside the domain", at[0], at[1]);
    *value = 0;
    for (size_t i = 0; i < SL_STENCIL; i++)
        for (size_t j = 0; j < SL_STENCIL; j++)
            *value +=
                point.w[0][i] * point.w[1][j] * u[(size_t)point.node[0][i] * p->step.n + (size_t)point.node[1][j]];
    return SL_OK;
}

/* What leaves the box before it comes to the disc makes the time `value` wrong: those that would come back begin anew.
 * v[n n]: workspace. */
static sl_status count_leaving(sl_answer *a, passage *p, const sl_question *q, double value, double *v, sl_err *err)
{
    const size_t nodes = p->step.n * p->step.n;
    double come = 0;
    set_source(p, false);
    for (size_t k = 0; k < nodes; k++) v[k] = 1; /* but for the edges that is nearly all there is to know */
    SL_TRY(sl_chain_passage(v, nodes, apply, p, p->source, COME, BASIS, err));
    SL_TRY(interpolate(&come, p, v, q->from, err));
    const double leave = fmax(0, 1 - come), known = COME * value;
    if (leave <= known) return SL_OK;
    if (!(leave < MOSTLY))
        return sl_fail(err, SL_E_NUMERIC,
                       "iterates from (%g, %g) leave the domain before they reach the disc with probability %.2g, need below "
                       "%g: make the domain wider; where that is no help they run away to infinity",
                       q->from[0], q->from[1], leave, MOSTLY);
    a->numbers[a->n_numbers - 1].error = value * leave / come;
    if (leave > WORTH_SAYING)
        snprintf(a->note, sizeof a->note,
                 "iterates leave the domain before they reach the disc with probability %.2g; the time counts until "
                 "either, and its error counts them as if they began anew",
                 leave);
    return SL_OK;
}

/* u is used up. */
static sl_status add_answer(sl_answer *a, passage *p, const sl_question *q, double *u, sl_err *err)
{
    const bool mfpt = q->task == SL_TASK_MFPT;
    const char *name = mfpt ? "mfpt" : "committor";
    const size_t n = p->step.n;
    double at[2], value;
    for (size_t d = 0; d < 2; d++) at[d] = mfpt ? q->from[d] : (q->from[d] + q->to[d]) / 2;
    SL_TRY(interpolate(&value, p, u, at, err));
    if (mfpt && !(value >= 0.5))
        return sl_fail(err, SL_E_NUMERIC, "the mean first-passage time comes out as %.3g steps: the grid is too coarse",
                       value);
    SL_TRY(sl_answer_add(a, mfpt ? name : "committor_midway", 0, value, 0, mfpt ? 0 : 1, err));
    sl_field *field = NULL;
    SL_TRY(sl_answer_add_field(&field, a, name, 0, n, n, err));
    for (size_t d = 0; d < 2; d++) memcpy(field->node[d], p->step.x[d], n * sizeof(double));
    memcpy(field->value, u, n * n * sizeof *u);
    a->unknowns = n * n;
    return mfpt && !p->step.periodic ? count_leaving(a, p, q, value, u, err) : SL_OK;
}

/* Nodes too far apart for the step's noise: what the grid cannot show it makes up, and two such grids may well agree.
 * Times err by 0.4 % where nodes are 2 deviations apart, by 0.03 % at 1.4 (bent-double-well, l = 0.02). */
static sl_status check_grid(const sl_operator *op, size_t n, sl_err *err)
{
    const double sigma = sl_rate_at(op, 0).mean * sqrt(op->noise_variance);
    for (size_t d = 0; d < 2; d++) {
        const double cells = (op->hi[d] - op->lo[d]) / (APART * sigma);
        if (!((double)(n - 1) >= cells))
            return sl_fail(err, SL_E_NUMERIC,
                           "a step's noise has the deviation %.3g along axis %zu, %zu nodes on [%g, %g] are %.3g apart: a "
                           "passage needs %.0f nodes (and twice as many to compare with), or a smaller domain",
                           sigma, d, n, op->lo[d], op->hi[d], (op->hi[d] - op->lo[d]) / (double)(n - 1),
                           ceil(cells) + 1);
    }
    return SL_OK;
}

static sl_status solve(sl_answer *a, passage *p, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    SL_TRY(check_grid(op, n, err));
    SL_TRY(fill(p, op, q, n, err));
    set_source(p, q->task == SL_TASK_MFPT);
    double *u = calloc(n * n, sizeof *u);
    if (!u) return sl_fail(err, SL_E_MEMORY, "no memory for %zu unknowns", n * n);
    sl_status st = sl_chain_passage(u, n * n, apply, p, p->source, 1e-13, BASIS, err);
    if (st == SL_OK) st = add_answer(a, p, q, u, err);
    free(u);
    return st;
}

sl_status sl_sgd_plane_passage_solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    passage p = {0};
    const sl_status st = solve(a, &p, op, q, n, err);
    passage_clear(&p);
    return st;
}
