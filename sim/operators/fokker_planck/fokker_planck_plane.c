/* The Fokker-Planck operator in the plane: what is checked and chosen before a grid is set up. */
#include <math.h>
#include <stdlib.h>

#include "sim/operators/nodes.h"
#include "sim/operators/fokker_planck/plane.h"
#include "sim/operators/variant.h"

/* Mass that the automatic domain leaves outside; standard deviations kept around a start. */
static const double OUTSIDE = 1e-13, WIDTHS = 8;

static sl_status check(const sl_operator *op, const sl_question *q, sl_err *err)
{
    const char *const name = op->loss.kind->entry.name;
    if (!op->diffusion && !(op->temperature > 0 && isfinite(op->temperature)))
        return sl_fail(err, SL_E_DOMAIN, "temperature T = %g, need 0 < T < inf", op->temperature);
    const bool periodic = op->loss.kind->period > 0, absorbing = op->edge == SL_EDGE_ABSORBING;
    if (periodic && absorbing)
        return sl_fail(err, SL_E_DOMAIN, "loss '%s' is periodic: it has no edges to absorb", name);
    if (q->task == SL_TASK_COMMITTOR && absorbing)
        return sl_fail(err, SL_E_DOMAIN, "committor: edges that absorb would be a third set; use reflecting ones");
    if (q->task == SL_TASK_EVOLVE && !(q->spread > 0) && q->times[0] == 0)
        return sl_fail(err, SL_E_DOMAIN, "at time 0 a point start has no density: give it a spread, or a time > 0");
    if (q->task != SL_TASK_MFPT && q->task != SL_TASK_COMMITTOR) return SL_OK;
    double distance = 0;
    for (size_t d = 0; d < 2; d++) {
        double v = q->to[d] - q->from[d];
        if (periodic) v -= op->loss.kind->period * round(v / op->loss.kind->period);
        distance = hypot(distance, v);
    }
    const double need = q->task == SL_TASK_MFPT ? q->radius : 2 * q->radius;
    if (distance > need) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "radius = %g: from (%g, %g) and to (%g, %g) are %g apart, need more than %g",
                   q->radius, q->from[0], q->from[1], q->to[0], q->to[1], distance, need);
}

/* --------------------------------------------------------------------------------------------------- the domain */

enum { SAMPLES = 33, RAYS = 64 };

static sl_status field_at(double D[4], const sl_operator *op, const double x[2], sl_err *err)
{
    op->diffusion(op->diffusion_ctx, &op->loss, x, D);
    if (isfinite(D[0] + D[1] + D[2] + D[3]) && D[0] > 0 && D[0] * D[3] > D[1] * D[2]) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "diffusion at (%g, %g) is ((%g, %g), (%g, %g)), need symmetric and positive", x[0],
                   x[1], D[0], D[1], D[2], D[3]);
}

/* Follows a ray to where the law of motion along it alone, exp(-int f'/D)/D, has fallen to `least` of what it was, for
 * good. */
static sl_status follow(double end[2], const sl_operator *op, const double from[2], const double way[2], double step,
                        double least, sl_err *err)
{
    enum { MOST = 20000 };
    double exponent = 0, first = 0, distance = 0;
    for (int k = 0; k < MOST; k++, distance += step) {
        for (size_t d = 0; d < 2; d++) end[d] = from[d] + way[d] * distance;
        double g[2], D[4];
        sl_loss_gradient(&op->loss, end, g);
        SL_TRY(field_at(D, op, end, err));
        const double along = way[0] * way[0] * D[0] + 2 * way[0] * way[1] * D[1] + way[1] * way[1] * D[3];
        if (k == 0) first = along;
        exponent += step * (way[0] * g[0] + way[1] * g[1]) / along;
        if (!isfinite(exponent) || exponent + log(along / first) > -log(least)) return SL_OK;
        if (k > 200) step *= 1.01;
    }
    return sl_fail(err, SL_E_UNSTABLE,
                   "loss '%s' does not confine against this diffusion: no end of the law towards (%g, %g)",
                   op->loss.kind->entry.name, way[0], way[1]);
}

/* The ratios Lx/Ly of a box for which rates stay positive, if D is as found in it. */
static sl_status find_ratios(double *least, double *most, const sl_operator *op, const double lo[2], const double hi[2],
                             sl_err *err)
{
    *least = 0;
    *most = INFINITY;
    for (int i = 0; i < SAMPLES; i++)
        for (int j = 0; j < SAMPLES; j++) {
            const double x[2] = {lo[0] + (hi[0] - lo[0]) * i / (SAMPLES - 1),
                                 lo[1] + (hi[1] - lo[1]) * j / (SAMPLES - 1)};
            double D[4];
            SL_TRY(field_at(D, op, x, err));
            *least = fmax(*least, fabs(D[1]) / D[3]);
            if (D[1] != 0) *most = fmin(*most, D[0] / fabs(D[1]));
        }
    return SL_OK;
}

/* Where D varies the stationary law is not known beforehand. The box is that of exp(-f/T) at the mean of D where the
 * loss starts, which has all wells, and what laws along rays from there need beyond. Whether it was enough is looked at
 * when the law is there. Its shorter side gives way where rates would not be positive. */
static sl_status box_of_field(double lo[2], double hi[2], const sl_operator *op, sl_err *err)
{
    double D[4], outside = 0;
    SL_TRY(field_at(D, op, op->loss.start, err));
    SL_TRY(sl_operator_box(lo, hi, &outside, &op->loss, (D[0] + D[3]) / 2, OUTSIDE, err));
    const double size = fmin(hi[0] - lo[0], hi[1] - lo[1]);
    double from[2] = {op->loss.start[0], op->loss.start[1]};
    for (int r = 0; r < RAYS; r++) {
        const double way[2] = {cos(2 * M_PI * r / RAYS), sin(2 * M_PI * r / RAYS)};
        double end[2];
        SL_TRY(follow(end, op, from, way, size / 400, OUTSIDE, err));
        for (size_t d = 0; d < 2; d++) {
            lo[d] = fmin(lo[d], end[d]);
            hi[d] = fmax(hi[d], end[d]);
        }
    }
    double least = 0, most = 0;
    SL_TRY(find_ratios(&least, &most, op, lo, hi, err));
    const double ratio = (hi[0] - lo[0]) / (hi[1] - lo[1]);
    if (least > most) return SL_OK; /* no ratio will do: the grid will say so */
    const double wanted = fmin(fmax(ratio, least * 1.001), most / 1.001);
    const size_t d = wanted > ratio ? 0 : 1;
    const double middle = (lo[d] + hi[d]) / 2, half = (hi[d] - lo[d]) / 2 * fmax(wanted / ratio, ratio / wanted);
    lo[d] = middle - half;
    hi[d] = middle + half;
    return SL_OK;
}

/* Widens the box so that a point is inside with a margin around it. */
static void include(double lo[2], double hi[2], const double x[2], double margin)
{
    for (size_t d = 0; d < 2; d++) {
        lo[d] = fmin(lo[d], x[d] - margin);
        hi[d] = fmax(hi[d], x[d] + margin);
    }
}

static void include_question(double lo[2], double hi[2], const sl_question *q)
{
    const double size = fmin(hi[0] - lo[0], hi[1] - lo[1]);
    if (q->task == SL_TASK_EVOLVE) include(lo, hi, q->from, WIDTHS * q->spread + 0.1 * size);
    if (q->task == SL_TASK_MFPT) include(lo, hi, q->from, 0.1 * size);
    if (q->task == SL_TASK_COMMITTOR) include(lo, hi, q->from, q->radius + 0.1 * size);
    if (q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR) include(lo, hi, q->to, q->radius + 0.1 * size);
}

/* The part of exp(-f/T) within the box [lo, hi] that a domain inside it cuts off. */
static sl_status cut_off(double *outside, const sl_operator *op, const double lo[2], const double hi[2], sl_err *err)
{
    enum { CELLS = 400 };
    double x[CELLS], y[CELLS], total = 0, beyond = 0, floor = INFINITY;
    double *f = malloc(sizeof *f * CELLS * CELLS);
    if (!f) return sl_fail(err, SL_E_MEMORY, "no memory for the loss in %d x %d cells", CELLS, CELLS);
    for (int i = 0; i < CELLS; i++) {
        x[i] = lo[0] + (hi[0] - lo[0]) * (i + 0.5) / CELLS;
        y[i] = lo[1] + (hi[1] - lo[1]) * (i + 0.5) / CELLS;
    }
    sl_loss_on_nodes(f, NULL, &op->loss, CELLS, x, CELLS, y);
    for (int k = 0; k < CELLS * CELLS; k++) floor = fmin(floor, f[k]);
    for (int i = 0; i < CELLS; i++)
        for (int j = 0; j < CELLS; j++) {
            const double height = (f[i * CELLS + j] - floor) / op->temperature;
            if (!(height < 700)) continue; /* nothing there */
            const double weight = exp(-height);
            total += weight;
            if (x[i] < op->lo[0] || x[i] > op->hi[0] || y[j] < op->lo[1] || y[j] > op->hi[1]) beyond += weight;
        }
    free(f);
    *outside = beyond / total;
    return SL_OK;
}

static sl_status check_inside(const sl_operator *op, const double x[2], double margin, const char *what, sl_err *err)
{
    for (size_t d = 0; d < 2; d++)
        if (!(x[d] - margin >= op->lo[d] && x[d] + margin <= op->hi[d]))
            return sl_fail(err, SL_E_CONFIG, "'%s' = (%g, %g) lies outside the domain [%g, %g] x [%g, %g]", what, x[0],
                           x[1], op->lo[0], op->hi[0], op->lo[1], op->hi[1]);
    return SL_OK;
}

/* The domain of a periodic loss is its period. */
static sl_status one_period(sl_operator *op, double *outside, sl_err *err)
{
    const double period = op->loss.kind->period;
    *outside = 0;
    for (size_t d = 0; d < 2; d++) {
        if (op->lo[d] == op->hi[d]) {
            op->lo[d] = -period / 2;
            op->hi[d] = period / 2;
        }
        if (fabs(op->hi[d] - op->lo[d] - period) > 1e-12 * period)
            return sl_fail(err, SL_E_CONFIG, "domain [%g, %g] of axis %zu: loss '%s' has the period %g", op->lo[d],
                           op->hi[d], d, op->loss.kind->entry.name, period);
    }
    return SL_OK;
}

static sl_status domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err)
{
    if (op->loss.kind->period > 0) return one_period(op, outside, err);
    const bool given[2] = {op->lo[0] < op->hi[0], op->lo[1] < op->hi[1]};
    const bool absorbing = op->edge == SL_EDGE_ABSORBING;
    double lo[2] = {0}, hi[2] = {0};
    *outside = NAN;
    if (!(absorbing && given[0] && given[1])) { /* absorbing edges are part of what is asked: f need not confine */
        if (op->diffusion)
            SL_TRY(box_of_field(lo, hi, op, err));
        else
            SL_TRY(sl_operator_box(lo, hi, outside, &op->loss, op->temperature, OUTSIDE, err));
        include_question(lo, hi, q);
        for (size_t d = 0; d < 2; d++) {
            if (given[d]) continue;
            op->lo[d] = lo[d];
            op->hi[d] = hi[d];
        }
        if (absorbing)
            *outside = NAN;
        else if (!op->diffusion && (given[0] || given[1])) {
            double cut = 0;
            SL_TRY(cut_off(&cut, op, lo, hi, err));
            *outside += cut;
        }
    }
    if (q->task == SL_TASK_EVOLVE || q->task == SL_TASK_MFPT) SL_TRY(check_inside(op, q->from, 0, "from", err));
    if (q->task == SL_TASK_COMMITTOR) SL_TRY(check_inside(op, q->from, q->radius, "from", err));
    if (q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR) SL_TRY(check_inside(op, q->to, q->radius, "to", err));
    return SL_OK;
}

/* ----------------------------------------------------------------------------------------------------- the grid */

/* Measured from 200 x 200 to 800 x 800 nodes (bent double well): the factors of a nested dissection grow by so many
 * bytes a node with each doubling of the grid, half as much again where nodes have eight neighbours. */
static double bytes(const sl_operator *op, const sl_question *q, size_t n)
{
    const double N = (double)n * (double)n, factors = 140 * log2((double)n) * (op->diffusion ? 1.6 : 1);
    double vectors = 300; /* rates, fields, work space */
    const bool closed = q->task == SL_TASK_STATIONARY && !op->diffusion && op->edge == SL_EDGE_REFLECTING;
    if (q->task == SL_TASK_EVOLVE) vectors += 8 * 80 + 16 * (double)q->n_times;
    if (q->task == SL_TASK_SPECTRUM) vectors += 8 * (20 + 4 * (double)q->eigenvalues);
    return N * (vectors + (closed ? 0 : factors));
}

static sl_status ask(sl_answer *a, const sl_plane *p, const sl_question *q, sl_err *err)
{
    a->unknowns = p->unknowns;
    a->rough = p->n_discs > 0;
    switch (q->task) {
    case SL_TASK_STATIONARY: return sl_plane_stationary(a, p, err);
    case SL_TASK_EVOLVE: return sl_plane_evolve(a, p, q, err);
    case SL_TASK_MFPT: return sl_plane_passage(a, p, q, err);
    case SL_TASK_COMMITTOR: return sl_plane_committor(a, p, q, err);
    case SL_TASK_SPECTRUM: return sl_plane_spectrum(a, p, q->eigenvalues, err);
    }
    return sl_fail(err, SL_E_DOMAIN, "there is no operator task %d", (int)q->task);
}

static sl_status solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    const sl_disc from = {{q->from[0], q->from[1]}, q->radius}, to = {{q->to[0], q->to[1]}, q->radius},
                  both[2] = {from, to};
    sl_plane p;
    if (q->task == SL_TASK_COMMITTOR)
        SL_TRY(sl_plane_alloc(&p, op, n, 2, both, err));
    else
        SL_TRY(sl_plane_alloc(&p, op, n, q->task == SL_TASK_MFPT, &to, err));
    const sl_status st = ask(a, &p, q, err);
    sl_plane_clear(&p);
    return st;
}

const sl_operator_variant sl_fokker_planck_plane = {.check = check, .domain = domain, .bytes = bytes, .solve = solve};
