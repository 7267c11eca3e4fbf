/* How a law moves on a line: exp(t G) by a rational function that differs from exp on the whole negative axis by 1e-16
 * only, so that time is not discretised: steps are there to follow a law that begins as a point. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "sim/operators/fokker_planck/line.h"
#include "sim/operators/fokker_planck/line_evolve_kernel.h"

/* exp(x) = constant + 2 Re sum alpha / (x - theta) for x <= 0: the Chebyshev approximation of order 16 (Cody, Meinardus
 * and Varga 1969), poles and residues of Pusa, Nucl. Sci. Eng. 182 (2016) and 169 (2011). */
static const double constant = 2.1248537104952237488e-16;
static const double theta[SL_LINE_POLES][2] = {
    {-10.843917078696988026, 19.277446167181652284}, {-5.2649713434426468895, 16.220221473167927305},
    {5.9481522689511774808, 3.5874573620183222829},  {3.5091036084149180974, 8.4361989858843750826},
    {6.4161776990994341923, 1.1941223933701386874},  {1.4193758971856659786, 10.925363484496722585},
    {4.9931747377179963991, 5.9968817136039422260},  {-1.4139284624888862114, 13.497725698892745389},
};
static const double alpha[SL_LINE_POLES][2] = {
    {-5.0901521865224915650e-7, -2.4220017652852287970e-5}, {2.1151742182466030907e-4, 4.3892969647380673918e-3},
    {113.39775178483930527, 101.94721704215856450},         {15.059585270023467528, -5.7514052776421819979},
    {-64.500878025539646595, -224.59440762652096056},       {-1.4793007113557999718, 1.7686588323782937906},
    {-62.518392463207918892, -11.190391094283228480},       {4.1023136835410021273e-2, -0.15743466173455468191},
};

/* See pace. FINEST: no step is smaller than this part of the time asked for. */
#define GROWTH 1.15
#define DROP   8.0
#define DECAY  5.0
#define LEFT   600.0
#define FINEST 1e-9
enum { SUBSTEPS = 16, CAREFUL = 1000 }; /* CAREFUL: after so many steps the fall is no longer looked at */

/* The part of the chain that is alive (absorbing edges: without the end nodes), and the law on it: P[i] are masses. */
typedef struct {
    size_t n;
    double *all, *P, *a, *b, *scratch; /* all: the masses of all nodes, P of those alive */
    bool ring, leaks;
} walk;

static double sum(const double *P, size_t n)
{
    double total = 0;
    for (size_t i = 0; i < n; i++) total += P[i];
    return total;
}

/* exp(0) comes out as 1 but for 1e-14, a rounding of the residues which adds up over the steps (on a ring of thousands
 * of nodes 1e-12, from joining its ends): where nothing leaks it is taken back. More than that would be a mistake, and
 * is left to be seen. */
static void advance(walk *w, double dt)
{
    const double before = sum(w->P, w->n);
    sl_line_poles poles = {.constant = constant};
    for (int k = 0; k < SL_LINE_POLES; k++) {
        poles.shift_re[k] = theta[k][0] / dt;
        poles.shift_im[k] = theta[k][1] / dt;
        poles.weight_re[k] = -2 * alpha[k][0] / dt;
        poles.weight_im[k] = -2 * alpha[k][1] / dt;
    }
    (w->ring ? sl_line_ring_resolvents : sl_line_resolvents)(w->P, w->scratch, w->n, w->a, w->b, &poles);
    const double ratio = before / sum(w->P, w->n);
    if (w->leaks || !(fabs(ratio - 1) < 1e-10)) return;
    for (size_t i = 0; i < w->n; i++) w->P[i] *= ratio;
}

/* Refuses a law narrower than a cell, of which the nodes know nothing but its moments: a Gaussian start, or what a
 * point has become by the first time. */
static sl_status check_width(const sl_cells *l, const sl_operator *op, const sl_question *q, sl_err *err)
{
    const double h = l->n > l->from + 1 ? l->x[l->from + 1] - l->x[l->from] : l->x[l->from] - l->x[l->from - 1];
    const double width = q->spread > 0 ? q->spread : sqrt(2 * sl_line_diffusion(op, q->from[0]) * q->times[0]);
    if (width >= h) return SL_OK;
    if (q->spread > 0)
        return sl_fail(err, SL_E_NUMERIC, "the start's spread %g is smaller than a cell, %g (spread 0 is a point)",
                       width, h);
    return sl_fail(err, SL_E_NUMERIC,
                   "at time %g the law from a point is %g wide, less than a cell, %g: give a later time or a spread",
                   q->times[0], width, h);
}

/* The masses of the start: all on its node, or (what lies inside the domain of) a Gaussian sampled at the nodes; also
 * at absorbing edges, so that the sum over the nodes is a trapezoid rule. */
static sl_status set_start(walk *w, const sl_cells *l, const sl_operator *op, const sl_question *q, sl_err *err)
{
    const double s = q->spread, period = l->ring ? op->hi[0] - op->lo[0] : 0;
    double total = 0;
    for (size_t i = 0; i < l->n; i++) {
        const double d = (l->x[i] - q->from[0]) / (s > 0 ? s : 1);
        w->all[i] = s > 0 ? l->w[i] * exp(-d * d / 2) : i == l->from;
        for (int turn = 1; s > 0 && period > 0 && turn * period < 50 * s + period; turn++) {
            const double right = d + turn * period / s, left = d - turn * period / s;
            w->all[i] += l->w[i] * (exp(-right * right / 2) + exp(-left * left / 2));
        }
        total += w->all[i];
    }
    if (!(sum(w->P, w->n) > 0)) return sl_fail(err, SL_E_DOMAIN, "the start %g lies on an absorbing edge", q->from[0]);
    SL_TRY(check_width(l, op, q, err));
    for (size_t i = 0; i < l->n; i++) w->all[i] /= total;
    return SL_OK;
}

/* Rounding, 1e-16 of the mass where it is, grows as mass falls to where pi is larger: by the square root of the ratio
 * of pi, if one step takes it there. So steps begin with the time in which diffusion and drift matter alike, D/f'^2,
 * grow by GROWTH, and are halved until three points that fall with -f' from the start (its middle and 3 standard
 * deviations to its sides) change Phi by DROP at most. */
typedef struct {
    double x[3], step, longest;
    int taken; /* steps */
} pace;

static double slope(const sl_operator *op, double x)
{
    double g = 0;
    sl_loss_gradient(&op->loss, &x, &g);
    return g;
}

static pace first_pace(const sl_cells *l, const sl_operator *op, const sl_question *q, double t)
{
    const double x = q->from[0], D = sl_line_diffusion(op, x), g = slope(op, x);
    const double h = (l->x[l->edges] - l->x[0]) / (double)l->edges;
    const double natural = g != 0 ? D / (g * g) : t, wide = fmax(h * h, q->spread * q->spread) / (2 * D);
    const double step = fmax(fmin(fmin(t, natural), wide), FINEST * t);
    const double aside = 3 * sqrt(q->spread * q->spread + 2 * D * step);
    return (pace){.x = {x, fmax(x - aside, op->lo[0]), fmin(x + aside, op->hi[0])}, .step = step, .longest = INFINITY};
}

/* Where x falls to in dt, well enough to choose a step by: a substep that would go beyond a minimum is halved, whatever
 * the curvature there. */
static double fallen(const sl_operator *op, double x, double dt)
{
    for (int s = 0; s < SUBSTEPS; s++) {
        const double g = slope(op, x);
        double dx = -dt / SUBSTEPS * g;
        for (int k = 0; k < 60 && !(slope(op, x + dx) * g >= 0); k++) dx /= 2;
        x = fmin(fmax(x + dx, op->lo[0]), op->hi[0]);
    }
    return x;
}

static double next_step(pace *p, const sl_operator *op, double left, double least)
{
    const double step = fmin(p->step, p->longest);
    double dt = left < step * (1 + 1e-12) ? left : fmin(step, left / 2), to[3];
    for (;; dt /= 2) {
        double drop = 0;
        for (int k = 0; k < 3; k++) {
            to[k] = fallen(op, p->x[k], dt);
            drop = fmax(drop, -sl_line_step(op, p->x[k], to[k] - p->x[k]));
        }
        if (drop <= DROP || dt / 2 < least || p->taken > CAREFUL) break;
    }
    memcpy(p->x, to, sizeof to);
    p->step = fmax(p->step, GROWTH * dt);
    p->taken++;
    return dt;
}

/* Errors are 1e-16 of the mass at the beginning of a step: where it decays, no step loses more than a factor e^DECAY.
 */
static sl_status limit_decay(pace *p, const walk *w, const sl_cells *l, double end, sl_err *err)
{
    double rate = 0;
    SL_TRY(sl_line_modes(&rate, w->scratch, 1, l, err));
    if (rate * end > LEFT)
        return sl_fail(err, SL_E_CONFIG,
                       "by the time %g only exp(-%.4g) of the mass is left, which is less than doubles hold", end,
                       rate * end);
    p->longest = DECAY / rate;
    return SL_OK;
}

static sl_status follow(sl_answer *a, walk *w, const sl_cells *l, const sl_operator *op, const sl_question *q,
                        sl_err *err)
{
    SL_TRY(set_start(w, l, op, q, err));
    const double end = q->times[q->n_times - 1];
    double t = 0;
    pace p = first_pace(l, op, q, end);
    if (w->leaks) SL_TRY(limit_decay(&p, w, l, end, err));
    for (size_t k = 0; k < q->n_times; k++) {
        while (t < q->times[k]) {
            if (sl_stop_requested()) return SL_INTERRUPTED;
            const double left = q->times[k] - t, dt = next_step(&p, op, left, FINEST * end);
            if (w->leaks) w->all[0] = w->all[l->n - 1] = 0;
            advance(w, dt);
            t = dt == left ? q->times[k] : t + dt;
        }
        SL_TRY(sl_line_add_law(a, l, op, w->all, k, err));
    }
    return SL_OK;
}

sl_status sl_line_evolve(sl_answer *a, const sl_cells *l, const sl_operator *op, const sl_question *q, sl_err *err)
{
    if (!(q->spread > 0) && q->times[0] == 0)
        return sl_fail(err, SL_E_DOMAIN, "at time 0 a point start has no density: give it a spread, or a time > 0");
    SL_TRY(sl_line_check_range(l, op, err));
    const size_t ends = l->absorbing ? 1 : 0;
    walk w = {.n = l->n - 2 * ends, .ring = l->ring, .leaks = l->absorbing, .a = l->a + ends, .b = l->b + ends};
    w.all = calloc((1 + SL_LINE_SCRATCH) * l->n, sizeof *w.all);
    if (!w.all) return sl_fail(err, SL_E_MEMORY, "no memory to evolve a law on %zu nodes", l->n);
    w.P = w.all + ends;
    w.scratch = w.all + l->n;
    const sl_status st = follow(a, &w, l, op, q, err);
    free(w.all);
    return st;
}
