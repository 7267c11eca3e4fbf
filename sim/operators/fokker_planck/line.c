#include "sim/operators/fokker_planck/line.h"

#include <math.h>
#include <stdlib.h>

#include "sim/operators/nodes.h"

/* SEGMENT: a segment has so many cells of the coarsest grid at least. STEEPEST: a step of Phi beyond which an edge is
 * not resolved where it matters. SHARE: a node that holds more than this part of all mass is a well that was missed.
 * RANGE: what exponentials of differences of Phi may span. */
enum { SEGMENT = 4 };
#define STEEPEST 20.0
#define SHARE    0.4
#define RANGE    600.0

bool sl_line_is_ring(const sl_operator *op, const sl_question *q)
{
    return op->loss.kind->period > 0 && op->edge != SL_EDGE_ABSORBING && q->task != SL_TASK_MFPT &&
           q->task != SL_TASK_COMMITTOR;
}

double sl_line_diffusion(const sl_operator *op, double x)
{
    if (!op->diffusion) return op->temperature;
    double D = NAN;
    op->diffusion(op->diffusion_ctx, &op->loss, &x, &D);
    return D;
}

/* int f'/D by Gauss-Legendre of four points: like the chain itself of even order. */
double sl_line_step(const sl_operator *op, double x, double h)
{
    static const double node[2] = {0.33998104358485626, 0.86113631159405258};
    static const double weight[2] = {0.65214515486254614, 0.34785484513745386};
    double sum = 0;
    for (int k = 0; k < 2; k++)
        for (int sign = -1; sign <= 1; sign += 2) {
            const double at = x + h / 2 * (1 + sign * node[k]);
            double g = 0;
            sl_loss_gradient(&op->loss, &at, &g);
            sum += weight[k] * g / sl_line_diffusion(op, at);
        }
    return sum * h / 2;
}

/* ---------------------------------------------------------------------------------------------------- the mesh */

/* Points of the question that have to be nodes, inside the domain and in order; count of them. */
static size_t inner_points(double point[2], const sl_operator *op, const sl_question *q)
{
    size_t n = 0;
    const bool start = q->task == SL_TASK_EVOLVE || q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR;
    const bool target = q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR;
    const double edge = 1e-12 * (op->hi[0] - op->lo[0]); /* as near to an end as that is the end */
    if (start && q->from[0] > op->lo[0] + edge && q->from[0] < op->hi[0] - edge) point[n++] = q->from[0];
    if (target && q->to[0] > op->lo[0] + edge && q->to[0] < op->hi[0] - edge) point[n++] = q->to[0];
    if (n == 2 && point[0] > point[1]) {
        const double swap = point[0];
        point[0] = point[1];
        point[1] = swap;
    }
    return n;
}

/* Cells of the segments between ends[0] < ... < ends[k]: on the coarsest grid shared out by length, then doubled with
 * the grid. */
static void share_cells(size_t *cells, const double *ends, size_t k, size_t coarsest, size_t n)
{
    const size_t least = coarsest < 8 * SEGMENT ? 1 : SEGMENT;
    size_t longest = 0, left = coarsest;
    for (size_t s = 0; s < k; s++) {
        const double part = (ends[s + 1] - ends[s]) / (ends[k] - ends[0]);
        cells[s] = (size_t)(part * (double)coarsest + 0.5);
        if (cells[s] < least) cells[s] = least;
        if (ends[s + 1] - ends[s] > ends[longest + 1] - ends[longest]) longest = s;
    }
    for (size_t s = 0; s < k; s++)
        if (s != longest) left -= cells[s];
    cells[longest] = left;
    for (size_t s = 0; s < k; s++) cells[s] *= n / coarsest;
}

static size_t nearest(const sl_cells *l, double x)
{
    size_t at = 0;
    for (size_t i = 1; i <= l->edges; i++)
        if (fabs(l->x[i] - x) < fabs(l->x[at] - x)) at = i;
    return at < l->n ? at : 0; /* on a ring the end is the beginning */
}

static void lay_mesh(sl_cells *l, const sl_operator *op, const sl_question *q, size_t n)
{
    double ends[4] = {op->lo[0]};
    const size_t k = 1 + inner_points(ends + 1, op, q), coarsest = op->grid ? op->grid / 2 : op->kind->first_grid;
    ends[k] = op->hi[0];
    size_t cells[3], node = 0;
    share_cells(cells, ends, k, coarsest, n);
    for (size_t s = 0; s < k; s++) {
        const double h = (ends[s + 1] - ends[s]) / (double)cells[s];
        for (size_t c = 0; c < cells[s]; c++, node++) {
            l->x[node] = c == 0 ? ends[s] : ends[s] + (double)c * h;
            l->w[node] += h / 2;
            l->w[node + 1 < l->n ? node + 1 : 0] += h / 2; /* on a ring the first node again */
        }
    }
    l->x[n] = ends[k];
    for (size_t i = 0; i < l->n; i++) l->quadrature[i] = l->w[i];
    if (l->ring) {
        l->quadrature[0] = (l->x[1] - l->x[0]) / 2;
        l->quadrature[n] = l->w[0] - l->quadrature[0];
    }
    l->from = nearest(l, q->from[0]);
    l->to = nearest(l, q->to[0]);
}

/* --------------------------------------------------------------------------------------------- Phi and the rates */

static double length(const sl_cells *l, size_t e)
{
    return l->x[e + 1] - l->x[e];
}

/* Phi at the nodes and, on a ring, the Phi after a full turn in phi[n]. */
static sl_status find_phi(double *phi, const sl_cells *l, const sl_operator *op, sl_err *err)
{
    if (!op->diffusion) {
        sl_loss_on_nodes(phi, NULL, &op->loss, l->n, l->x, 1, NULL);
        for (size_t i = 0; i < l->n; i++) phi[i] /= op->temperature;
        phi[l->n] = phi[0];
    } else {
        phi[0] = 0;
        for (size_t e = 0; e < l->edges; e++) phi[e + 1] = phi[e] + sl_line_step(op, l->x[e], length(l, e));
    }
    for (size_t i = 0; i < l->n; i++)
        if (!isfinite(phi[i])) return sl_fail(err, SL_E_NUMERIC, "int f'/D is %g at x = %g", phi[i], l->x[i]);
    if (l->ring && fabs(phi[l->n] - phi[0]) > 1e-8)
        return sl_fail(
            err, SL_E_DOMAIN,
            "int f'/D over a period is %g, not 0: this diffusion drives a current around the ring, which the "
            "operator does not solve",
            phi[l->n] - phi[0]);
    return SL_OK;
}

static double log_sinhc(double d)
{
    d = fabs(d) / 2;
    return d < 1e-2 ? log1p(d * d / 6 * (1 + d * d / 20)) : d - log(2 * d) + log1p(-exp(-2 * d));
}

/* Refuses a grid on which a well, or a slope that carries mass, falls between two nodes. */
static sl_status check_resolved(const sl_cells *l, const double *phi, double floor, sl_err *err)
{
    double total = 0, largest = 0, at = 0;
    for (size_t i = 0; i < l->n; i++) {
        total += l->m[i];
        if (l->m[i] <= largest) continue;
        largest = l->m[i];
        at = l->x[i];
    }
    if (largest > SHARE * total)
        return sl_fail(err, SL_E_NUMERIC,
                       "a grid of %zu cells is too coarse for so low a temperature: the well at x = %g is "
                       "narrower than a cell",
                       l->edges, at);
    for (size_t e = 0; e < l->edges; e++) {
        const double d = phi[e + 1] - phi[e];
        if (fabs(d) > STEEPEST && fmin(phi[e], phi[e + 1]) - floor < 2 * STEEPEST)
            return sl_fail(err, SL_E_NUMERIC,
                           "a grid of %zu cells is too coarse: f rises by %.3g T from x = %g to the next node",
                           l->edges, fabs(d), l->x[e]);
    }
    return SL_OK;
}

static sl_status find_rates(sl_cells *l, const sl_operator *op, double *phi, sl_err *err)
{
    SL_TRY(find_phi(phi, l, op, err));
    double highest = -INFINITY, lowest = INFINITY, floor = INFINITY;
    for (size_t i = 0; i < l->n; i++) {
        const double D = sl_line_diffusion(op, l->x[i]);
        if (!(D > 0 && isfinite(D)))
            return sl_fail(err, SL_E_DOMAIN, "diffusion D = %g at x = %g, need 0 < D < inf", D, l->x[i]);
        l->log_m[i] = -phi[i] - log(D);
        highest = fmax(highest, l->log_m[i]);
        lowest = fmin(lowest, l->log_m[i]);
        floor = fmin(floor, phi[i]);
    }
    l->range = highest - lowest;
    for (size_t i = 0; i < l->n; i++) {
        l->log_m[i] += log(l->w[i]) - highest;
        l->m[i] = exp(l->log_m[i]);
    }
    SL_TRY(check_resolved(l, phi, floor, err));
    for (size_t e = 0; e < l->edges; e++) {
        const size_t next = e + 1 < l->n ? e + 1 : 0;
        l->log_r[e] = log(length(l, e)) + (phi[e] + phi[e + 1]) / 2 + highest + log_sinhc(phi[e + 1] - phi[e]);
        l->a[e] = exp(-l->log_r[e] - l->log_m[e]);
        l->b[next] = exp(-l->log_r[e] - l->log_m[next]);
    }
    return SL_OK;
}

enum { ARRAYS = 9 };

double sl_line_bytes(size_t n)
{
    return ARRAYS * sizeof(double) * ((double)n + 2);
}

sl_status sl_line_build(sl_cells *l, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    const bool ring = sl_line_is_ring(op, q);
    const size_t room = n + 2;
    *l = (sl_cells){.n = ring ? n : n + 1, .edges = n, .ring = ring, .absorbing = op->edge == SL_EDGE_ABSORBING};
    double *block = calloc(ARRAYS * room, sizeof *block);
    if (!block) return sl_fail(err, SL_E_MEMORY, "no memory for a chain of %zu nodes", n);
    l->block = block;
    l->x = block;
    l->w = l->x + room;
    l->log_m = l->w + room;
    l->m = l->log_m + room;
    l->log_r = l->m + room;
    l->quadrature = l->log_r + room;
    l->a = l->quadrature + room;
    l->b = l->a + room;
    lay_mesh(l, op, q, n);
    const sl_status st = find_rates(l, op, l->b + room, err);
    if (st != SL_OK) sl_line_clear(l);
    return st;
}

void sl_line_clear(sl_cells *l)
{
    free(l->block);
    *l = (sl_cells){0};
}

sl_status sl_line_check_range(const sl_cells *l, const sl_operator *op, sl_err *err)
{
    if (l->range > RANGE)
        return sl_fail(
            err, SL_E_CONFIG,
            "the stationary density spans a factor of exp(%.4g) over [%g, %g], more than doubles hold (exp(%g)): "
            "raise the temperature or narrow the domain",
            l->range, op->lo[0], op->hi[0], RANGE);
    for (size_t i = 0; i < l->n; i++)
        if (!(isfinite(l->a[i]) && isfinite(l->b[i])))
            return sl_fail(err, SL_E_NUMERIC, "a grid of %zu cells is too coarse: rates of %g and %g at x = %g",
                           l->edges, l->a[i], l->b[i], l->x[i]);
    return SL_OK;
}

sl_status sl_line_add_field(sl_field **field, sl_answer *a, const char *name, size_t index, const sl_cells *l,
                            const double *value, sl_err *err)
{
    const size_t n = l->edges + 1;
    SL_TRY(sl_answer_add_field(field, a, name, index, n, 1, err));
    for (size_t i = 0; i < n; i++) {
        (*field)->node[0][i] = l->x[i];
        (*field)->value[i] = value[i < l->n ? i : 0];
    }
    return SL_OK;
}

sl_status sl_line_add_law(sl_answer *a, const sl_cells *l, const sl_operator *op, const double *P, size_t index,
                          sl_err *err)
{
    sl_field *field = NULL;
    SL_TRY(sl_line_add_field(&field, a, "density", index, l, P, err));
    double mass = 0, least = INFINITY, most = 0;
    for (size_t i = 0; i <= l->edges; i++) {
        const double p = field->value[i] /= l->w[i < l->n ? i : 0];
        mass += p * l->quadrature[i];
        least = fmin(least, p);
        most = fmax(most, p);
    }
    if (index == 0) a->density_min = INFINITY;
    if (!l->absorbing) a->mass_error = fmax(a->mass_error, fabs(mass - 1));
    a->density_min = fmin(a->density_min, least / most);
    const sl_field density = *field;                     /* the list of fields may move */
    const double T = l->absorbing ? 0 : op->temperature; /* a law that vanishes at the edges is not to be compared */
    return sl_answer_add_law(a, &op->loss, &density, l->quadrature, T, index, err);
}
