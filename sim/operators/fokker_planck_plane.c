/* The Fokker-Planck operator in the plane: what is checked and chosen before a grid is set up. */
#include <math.h>
#include <stdlib.h>

#include "sim/operators/nodes.h"
#include "sim/operators/plane.h"
#include "sim/operators/variant.h"

/* Mass that the automatic domain leaves outside; standard deviations kept around a start. */
static const double OUTSIDE = 1e-13, WIDTHS = 8;

static sl_status check(const sl_operator *op, const sl_question *q, sl_err *err)
{
    const char *const name = op->loss.kind->entry.name;
    if (!op->diffusion && !(op->temperature > 0 && isfinite(op->temperature)))
        return sl_fail(err, SL_E_DOMAIN, "temperature T = %g, need 0 < T < inf", op->temperature);
    const bool periodic = op->loss.kind->period > 0, absorbing = op->edge == SL_EDGE_ABSORBING;
    if (periodic && absorbing) return sl_fail(err, SL_E_DOMAIN, "loss '%s' is periodic: it has no edges to absorb", name);
    if (q->task == SL_TASK_COMMITTOR && absorbing)
        return sl_fail(err, SL_E_DOMAIN, "committor: edges that absorb would be a third set; use reflecting ones");
    if (q->task != SL_TASK_MFPT && q->task != SL_TASK_COMMITTOR) return SL_OK;
    double distance = 0;
    for (size_t d = 0; d < 2; d++) {
        double v = q->to[d] - q->from[d];
        if (periodic) v -= op->loss.kind->period * round(v / op->loss.kind->period);
        distance = hypot(distance, v);
    }
    const double need = q->task == SL_TASK_MFPT ? q->radius : 2 * q->radius;
    if (distance > need) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "radius = %g: from (%g, %g) and to (%g, %g) are %g apart, need more than %g", q->radius,
                   q->from[0], q->from[1], q->to[0], q->to[1], distance, need);
}

/* --------------------------------------------------------------------------------------------------- the domain */

enum { SAMPLES = 33 };

/* What D is like on a box: its largest eigenvalue, and the ratios Lx/Ly for which rates stay positive. */
typedef struct {
    double largest, least_ratio, most_ratio;
} survey;

static sl_status look_around(survey *s, const sl_operator *op, const double lo[2], const double hi[2], sl_err *err)
{
    *s = (survey){.most_ratio = INFINITY};
    for (int i = 0; i < SAMPLES; i++)
        for (int j = 0; j < SAMPLES; j++) {
            const double x[2] = {lo[0] + (hi[0] - lo[0]) * i / (SAMPLES - 1), lo[1] + (hi[1] - lo[1]) * j / (SAMPLES - 1)};
            double D[4] = {0};
            op->diffusion(op->diffusion_ctx, &op->loss, x, D);
            if (!isfinite(D[0] + D[1] + D[2] + D[3]) || !(D[0] > 0 && D[3] > 0))
                return sl_fail(err, SL_E_DOMAIN, "diffusion at (%g, %g) is ((%g, %g), (%g, %g)), need symmetric and positive",
                               x[0], x[1], D[0], D[1], D[2], D[3]);
            s->largest = fmax(s->largest, (D[0] + D[3]) / 2 + hypot((D[0] - D[3]) / 2, D[1]));
            s->least_ratio = fmax(s->least_ratio, fabs(D[1]) / D[3]);
            if (D[1] != 0) s->most_ratio = fmin(s->most_ratio, D[0] / fabs(D[1]));
        }
    return SL_OK;
}

/* The box of exp(-f/T) with T the largest eigenvalue of D met in it, found by repetition. */
static sl_status box_of_field(double lo[2], double hi[2], const sl_operator *op, sl_err *err)
{
    double T = op->temperature, outside = 0;
    survey s = {.largest = T};
    if (!(T > 0)) {
        const double *const x = op->loss.start;
        SL_TRY(look_around(&s, op, x, x, err));
    }
    for (int round = 0; round < 30; round++) {
        T = s.largest;
        SL_TRY(sl_operator_box(lo, hi, &outside, &op->loss, T, OUTSIDE, err));
        SL_TRY(look_around(&s, op, lo, hi, err));
        if (s.largest <= T * 1.01) break;
        if (round == 29 || !(s.largest < 1e6 * (1 + T)))
            return sl_fail(err, SL_E_UNSTABLE, "no domain found: diffusion grows (to %g) as fast as the box that it needs",
                           s.largest);
    }
    /* Sides in a ratio for which rates are positive, if there is one: the shorter side gives way. */
    const double ratio = (hi[0] - lo[0]) / (hi[1] - lo[1]);
    const double wanted = s.least_ratio > s.most_ratio ? ratio : fmin(fmax(ratio, s.least_ratio * 1.001), s.most_ratio / 1.001);
    const size_t d = wanted > ratio ? 0 : 1;
    const double factor = wanted > ratio ? wanted / ratio : ratio / wanted, middle = (lo[d] + hi[d]) / 2;
    const double half = (hi[d] - lo[d]) / 2 * factor;
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
            return sl_fail(err, SL_E_CONFIG, "'%s' = (%g, %g) lies outside the domain [%g, %g] x [%g, %g]", what, x[0], x[1],
                           op->lo[0], op->hi[0], op->lo[1], op->hi[1]);
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
            return sl_fail(err, SL_E_CONFIG, "domain [%g, %g] of axis %zu: loss '%s' has the period %g", op->lo[d], op->hi[d],
                           d, op->loss.kind->entry.name, period);
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

/* Measured: the factors of nested dissection take about so many bytes a node and doubling of the grid. */
static double bytes(const sl_operator *op, const sl_question *q, size_t n)
{
    const double N = (double)n * (double)n;
    (void)op, (void)q;
    return N * 2000;
}

static sl_status ask(sl_answer *a, const sl_plane *p, const sl_question *q, sl_err *err)
{
    a->unknowns = p->unknowns;
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
