/* The stretch of line on which the Fokker-Planck operator is solved, and the mass beyond it. */
#include <math.h>
#include <stdlib.h>

#include "sim/operators/fokker_planck/line.h"
#include "sim/operators/nodes.h"

/* OUTSIDE: the mass left out of a domain that is chosen; averages of x^4 lose some thousand times as much. BEYOND: a
 * stretch on which U is tabulated goes so far above the least U. STARTS: points at which a start's height is taken. */
#define OUTSIDE  1e-16
#define BEYOND   50.0
#define FARTHEST 1e9
enum { CELLS = 4096, STARTS = 33 };

/* U = Phi + log D, the stationary density being exp(-U), at the nodes of an even table over [lo, hi]. */
typedef struct {
    double lo, hi, least;
    double U[CELLS + 1];
} table;

static double node(const table *t, size_t i)
{
    return t->lo + (t->hi - t->lo) * (double)i / CELLS;
}

static sl_status fill(table *t, const sl_operator *op, sl_err *err)
{
    double phi = 0, x[CELLS + 1];
    const double none = 0;
    t->least = INFINITY;
    for (size_t i = 0; i <= CELLS; i++) x[i] = node(t, i);
    if (!op->diffusion) sl_loss_on_nodes(t->U, NULL, &op->loss, CELLS + 1, x, 1, &none);
    for (size_t i = 0; i <= CELLS; i++) {
        if (op->diffusion) {
            const double D = sl_line_diffusion(op, x[i]);
            if (!(D > 0 && isfinite(D)))
                return sl_fail(err, SL_E_DOMAIN, "diffusion D = %g at x = %g, need 0 < D < inf", D, x[i]);
            t->U[i] = phi + log(D);
            phi += sl_line_step(op, x[i], node(t, i + 1) - x[i]);
        } else {
            t->U[i] /= op->temperature;
        }
        if (!(t->U[i] < INFINITY)) t->U[i] = INFINITY;
        t->least = fmin(t->least, t->U[i]);
    }
    return SL_OK;
}

/* Upper sum of exp(-(U - least)) over the cells that lie within [a, b], those cut by a or b counted in full. */
static double mass_in(const table *t, double a, double b)
{
    double sum = 0;
    for (size_t i = 0; i < CELLS; i++)
        if (node(t, i + 1) > a && node(t, i) < b) sum += exp(-(fmin(t->U[i], t->U[i + 1]) - t->least));
    return sum * (t->hi - t->lo) / CELLS;
}

/* A table that reaches BEYOND + extra above the least U on both sides, or one period. */
static sl_status find_table(table *t, const sl_operator *op, double extra, sl_err *err)
{
    double lo[2] = {0}, hi[2] = {0}, outside = 0;
    const double start = op->loss.start[0], T = op->temperature > 0 ? op->temperature : sl_line_diffusion(op, start);
    SL_TRY(sl_operator_box(lo, hi, &outside, &op->loss, T, exp(-BEYOND - fmin(extra, RAND_MAX)), err));
    t->lo = lo[0];
    t->hi = hi[0];
    SL_TRY(fill(t, op, err));
    if (op->loss.kind->period > 0 || !op->diffusion) return SL_OK;
    /* With a field the box of f at one temperature is only where to begin. */
    for (;;) {
        const bool left = !(t->U[0] - t->least > BEYOND + extra), right = !(t->U[CELLS] - t->least > BEYOND + extra);
        if (!left && !right) return SL_OK;
        const double width = t->hi - t->lo;
        if (left) t->lo -= width / 2;
        if (right) t->hi += width / 2;
        if (!(t->hi - t->lo < FARTHEST))
            return sl_fail(
                err, SL_E_UNSTABLE,
                "no stationary law: exp(-int f'/D)/D does not fall off by exp(-%g) within |x| = %g with this diffusion",
                BEYOND + extra, FARTHEST);
        SL_TRY(fill(t, op, err));
    }
}

/* Moves the table's ends in to where the mass beyond each is OUTSIDE/2 exp(-extra) at most. */
static double trim(double *lo, double *hi, const table *t, double extra)
{
    const double h = (t->hi - t->lo) / CELLS, allowed = OUTSIDE / 2 * exp(-extra) * mass_in(t, t->lo, t->hi);
    double left = 0, right = 0;
    size_t i = 0, j = CELLS;
    for (; i + 1 < j; i++) {
        const double more = h * exp(-(fmin(t->U[i], t->U[i + 1]) - t->least));
        if (left + more > allowed) break;
        left += more;
    }
    for (; j > i + 1; j--) {
        const double more = h * exp(-(fmin(t->U[j], t->U[j - 1]) - t->least));
        if (right + more > allowed) break;
        right += more;
    }
    *lo = node(t, i);
    *hi = node(t, j);
    return (left + right) / mass_in(t, t->lo, t->hi) + exp(-BEYOND);
}

/* How far above the least U the question reaches beyond the stationary law: where it starts (a Gaussian: out to 8
 * standard deviations), or for a spectrum by the growth of the eigenfunctions, which on a quadratic is that of x^k:
 * with 10 + 3 k the edges change 16 of its eigenvalues by 1e-10 at most. */
static double reach(const table *t, const sl_operator *op, const sl_question *q)
{
    if (q->task == SL_TASK_SPECTRUM) return 10 + 3 * (double)q->eigenvalues;
    if (q->task != SL_TASK_EVOLVE && q->task != SL_TASK_MFPT) return 0;
    const double spread = q->task == SL_TASK_EVOLVE ? 8 * q->spread : 0;
    double height = 0;
    for (int k = 0; k < STARTS; k++) {
        const double x = q->from[0] + spread * (2.0 * k / (STARTS - 1) - 1);
        double U = INFINITY;
        if (!op->diffusion) {
            U = sl_loss_value(&op->loss, &x) / op->temperature;
        } else { /* by steps from the table's nearer end, or the node below */
            const double place = (x - t->lo) / (t->hi - t->lo) * CELLS;
            const size_t i = place <= 0 ? 0 : place >= CELLS ? CELLS : (size_t)place;
            double phi = t->U[i] - log(sl_line_diffusion(op, node(t, i)));
            for (int s = 0; s < 64; s++)
                phi += sl_line_step(op, node(t, i) + (x - node(t, i)) * s / 64, (x - node(t, i)) / 64);
            U = phi + log(sl_line_diffusion(op, x));
        }
        height = fmax(height, U - t->least);
    }
    return height;
}

static sl_status check_inside(const sl_operator *op, const sl_question *q, sl_err *err)
{
    const bool passage = q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR;
    const struct {
        bool used;
        double x;
        const char *name;
    } point[2] = {{passage || q->task == SL_TASK_EVOLVE, q->from[0], "from"}, {passage, q->to[0], "to"}};
    for (int k = 0; k < 2; k++)
        if (point[k].used && !(point[k].x >= op->lo[0] && point[k].x <= op->hi[0]))
            return sl_fail(err, SL_E_DOMAIN, "%s = %g lies outside of the domain [%g, %g]", point[k].name, point[k].x,
                           op->lo[0], op->hi[0]);
    if (passage && fabs(q->to[0] - q->from[0]) < 1e-9 * (op->hi[0] - op->lo[0]))
        return sl_fail(err, SL_E_DOMAIN, "from = %.17g and to = %.17g are nearer than 1e-9 of the domain [%g, %g]",
                       q->from[0], q->to[0], op->lo[0], op->hi[0]);
    return SL_OK;
}

/* One period. A first passage is one to the target or any of its images, a committor one between neighbours. */
static sl_status period_domain(sl_operator *op, const sl_question *q, sl_err *err)
{
    const double P = op->loss.kind->period, apart = fabs(q->to[0] - q->from[0]);
    const bool passage = q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR;
    if (passage && !(apart < P * (1 - 1e-12)))
        return sl_fail(err, SL_E_DOMAIN,
                       "from = %g and to = %g are a period (%g) or more apart: on a ring they are the same point "
                       "or have a nearer image",
                       q->from[0], q->to[0], P);
    const double sign = q->to[0] > q->from[0] ? 1 : -1;
    double lo = -P / 2;
    if (q->task == SL_TASK_MFPT) lo = sign > 0 ? q->to[0] - P : q->to[0];
    if (q->task == SL_TASK_COMMITTOR) lo = sign > 0 ? q->from[0] : q->from[0] - P;
    if (q->task == SL_TASK_EVOLVE) lo = P * floor((q->from[0] + P / 2) / P) - P / 2;
    double hi = lo + P;
    if (q->task == SL_TASK_MFPT && sign > 0) hi = q->to[0]; /* without rounding */
    if (q->task == SL_TASK_COMMITTOR && sign < 0) hi = q->from[0];
    if (op->lo[0] < op->hi[0] && (op->lo[0] != lo || op->hi[0] != hi)) /* chosen here before, it is welcome again */
        return sl_fail(err, SL_E_DOMAIN,
                       "a first passage on a periodic loss takes one period as its domain, [%g, %g]: give no other", lo,
                       hi);
    op->lo[0] = lo;
    op->hi[0] = hi;
    return SL_OK;
}

/* The mass beyond a domain that was given. First passages ask only for the side they start on. */
static sl_status cut_off(double *outside, const sl_operator *op, const sl_question *q, sl_err *err)
{
    const double period = op->loss.kind->period, turns = period > 0 ? (op->hi[0] - op->lo[0]) / period : 0;
    *outside = 0;
    if (op->edge == SL_EDGE_ABSORBING) return SL_OK;
    if (period > 0) {
        if (fabs(turns - round(turns)) > 1e-9 || turns < 0.5)
            return sl_fail(err, SL_E_DOMAIN,
                           "the domain [%g, %g] of a periodic loss is %g periods, need a whole number (or "
                           "absorbing edges)",
                           op->lo[0], op->hi[0], turns);
        return SL_OK;
    }
    table *t = malloc(sizeof *t);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table of %d cells", CELLS);
    const sl_status st = find_table(t, op, 0, err);
    if (st == SL_OK) {
        double a = t->lo, b = t->hi; /* the law that counts */
        if (q->task == SL_TASK_MFPT && q->to[0] > q->from[0]) b = fmax(op->lo[0], q->to[0]);
        if (q->task == SL_TASK_MFPT && q->to[0] < q->from[0]) a = fmin(op->hi[0], q->to[0]);
        const double inside = mass_in(t, fmax(a, op->lo[0]), fmin(b, op->hi[0]));
        const double beyond =
            (op->lo[0] > a ? mass_in(t, a, op->lo[0]) : 0) + (op->hi[0] < b ? mass_in(t, op->hi[0], b) : 0);
        *outside = beyond / (inside + beyond) + exp(-BEYOND);
    }
    free(t);
    return st;
}

static sl_status choose(sl_operator *op, const sl_question *q, double *outside, sl_err *err)
{
    table *t = malloc(sizeof *t);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table of %d cells", CELLS);
    sl_status st = find_table(t, op, 0, err);
    const double height = st == SL_OK ? reach(t, op, q) : 0;
    if (st == SL_OK && !(height < 500))
        st = sl_fail(err, SL_E_CONFIG,
                     "the start %g lies %.3g T above the bottom of f: the stationary density there underflows",
                     q->from[0], height);
    /* What starts high up climbs higher: the domain has to be as wide as for a law that has its mass there. */
    if (st == SL_OK && height > 0) st = find_table(t, op, height, err);
    if (st == SL_OK) {
        *outside = trim(&op->lo[0], &op->hi[0], t, height);
        const bool passage = q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR;
        for (int k = 0; passage && k < 2; k++) {
            const double x = k ? q->to[0] : q->from[0];
            op->lo[0] = fmin(op->lo[0], x);
            op->hi[0] = fmax(op->hi[0], x);
        }
    }
    free(t);
    return st;
}

sl_status sl_line_domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err)
{
    const bool given = op->lo[0] < op->hi[0], ring = op->loss.kind->period > 0;
    const bool passage = q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR;
    *outside = 0;
    if (!given && op->edge == SL_EDGE_ABSORBING && !ring)
        return sl_fail(err, SL_E_DOMAIN, "absorbing edges need a domain: lo and hi");
    if (ring && (!given || (passage && op->edge != SL_EDGE_ABSORBING)))
        SL_TRY(period_domain(op, q, err));
    else if (given)
        SL_TRY(cut_off(outside, op, q, err));
    else
        SL_TRY(choose(op, q, outside, err));
    SL_TRY(check_inside(op, q, err));
    /* What lies beyond the target has no part in a first passage. */
    if (q->task == SL_TASK_MFPT && q->to[0] > q->from[0]) op->hi[0] = q->to[0];
    if (q->task == SL_TASK_MFPT && q->to[0] < q->from[0]) op->lo[0] = q->to[0];
    return SL_OK;
}
