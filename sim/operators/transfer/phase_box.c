/* The (x, v) box of SGD with momentum: wide enough that what it loses is nothing, or cannot be helped. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/operators/transfer/phase.h"

/* V = this many standard deviations; a Gaussian has 2e-17 beyond. LEAK: mass outside the box that is aimed at. */
static const double FAR = 8.5, LEAK = 1e-14;

/* A step of a law on a coarse grid may lose so much (with a random rate, and without): frequencies cut off do it too.
 */
static const double LOSS_RANDOM = 1e-11, LOSS = 1e-10;

/* The factor of a widening, and that by which it has to lower the loss. */
static const double WIDER = 1.2, HELP = 0.5;

enum { SCAN = 512, MOST_MINIMA = 64, PROBE = 72, PROBE_STEPS = 80, WIDENINGS = 16 };

/* The guess to start from: exp(-f/T) times a Gaussian in v. */
void sl_phase_guess(double *p, const sl_phase_grid *g, double T)
{
    const sl_operator *op = g->op;
    double least = INFINITY;
    const double s2 = op->noise_variance / (1 - op->rule.mu * op->rule.mu), w = op->rule.weight_decay;
    for (size_t i = 0; i < g->nx; i++)
        least = fmin(least, sl_loss_value(&op->loss, &g->x[i]) + w * g->x[i] * g->x[i] / 2);
    for (size_t i = 0; i < g->nx; i++) {
        const double f = sl_loss_value(&op->loss, &g->x[i]) + w * g->x[i] * g->x[i] / 2;
        for (size_t j = 0; j < g->nv; j++) p[i * g->nv + j] = exp(-(f - least) / T - g->v[j] * g->v[j] / (2 * s2));
    }
}

/* The largest rates that the answer will meet, as a law. */
sl_status sl_phase_widest_rate(sl_rate_law *law, const sl_operator *op, const sl_question *q, sl_err *err)
{
    uint64_t steps = 1;
    if (q->task == SL_TASK_STATIONARY) SL_TRY(sl_rate_period(&steps, op, q, err));
    if (q->task == SL_TASK_EVOLVE && !sl_schedule_is_stationary(&op->schedule))
        steps = (uint64_t)fmax(q->times[q->n_times - 1], 1);
    *law = sl_rate_at(op, 0);
    for (uint64_t k = 1; k < steps; k++) {
        const sl_rate_law now = sl_rate_at(op, k);
        if (now.mean > law->mean) *law = now;
    }
    if (!(law->mean > 0))
        return sl_fail(err, SL_E_DOMAIN, "all rates of schedule '%s' are 0", op->schedule.spec.entry->name);
    return SL_OK;
}

static double total_force(const sl_operator *op, double x)
{
    double g;
    sl_loss_gradient(&op->loss, &x, &g);
    return g + op->rule.weight_decay * x;
}

/* Curvatures of f + w x^2/2 at its minima in [lo, hi], at most MOST_MINIMA. */
static size_t curvatures(double *a, const sl_operator *op, double lo, double hi)
{
    size_t n = 0;
    const double h = (hi - lo) / SCAN;
    for (size_t i = 0; i < SCAN && n < MOST_MINIMA; i++) {
        double left = lo + h * (double)i, right = left + h;
        if (!(total_force(op, left) <= 0 && total_force(op, right) > 0)) continue;
        for (int k = 0; k < 60; k++) {
            const double middle = (left + right) / 2;
            if (total_force(op, middle) <= 0)
                left = middle;
            else
                right = middle;
        }
        const double d = 1e-5 * (hi - lo);
        a[n++] = (total_force(op, right + d) - total_force(op, left - d)) / (2 * d + right - left);
    }
    return n;
}

/* The largest curvature at which the rule is stable, by bisection. */
static double stable_curvature(const sl_operator *op, const sl_rate_law *law, double unstable)
{
    double good = -op->rule.weight_decay, bad = unstable;
    for (int k = 0; k < 60; k++) {
        const double middle = (good + bad) / 2;
        if (sl_linear_moments_of(op, law, middle).radius < 1)
            good = middle;
        else
            bad = middle;
    }
    return good;
}

static sl_status unstable(const sl_operator *op, const sl_rate_law *law, double a, sl_err *err)
{
    const double l = law->mean, mu = op->rule.mu, q = 1 + law->half * law->half / (3 * l * l),
                 w = op->rule.weight_decay;
    const double bound = l * (stable_curvature(op, law, a - w) + w);
    if (op->rule.kind == SL_RULE_HEAVY_BALL)
        return sl_fail(
            err, SL_E_UNSTABLE,
            "no stationary law: a l = %g at the loss's minimum (curvature a = %g, l = %g), mean-square stability "
            "needs a l < 2 (1 - mu^2) / (q (1 + mu) - 2 mu) = %g (mu = %g, q = %g)",
            a * l, a, l, 2 * (1 - mu * mu) / (q * (1 + mu) - 2 * mu), mu, q);
    return sl_fail(
        err, SL_E_UNSTABLE,
        "no stationary law: a l = %g at the loss's minimum (curvature a = %g, l = %g), mean-square stability of "
        "rule '%s' needs a l < %g (mu = %g, q = %g)",
        a * l, a, l, sl_rule_name(&op->rule), bound, mu, q);
}

/* What the linear theory says at the minima: the temperature of f there (at least T), the variance of v. */
static sl_status local_laws(double *T, double *v2, const sl_operator *op, const sl_rate_law *law, double lo, double hi,
                            sl_err *err)
{
    double a[MOST_MINIMA];
    const size_t n = curvatures(a, op, lo, hi);
    const double w = op->rule.weight_decay;
    double least = INFINITY, top = *T;
    *v2 = sl_rate_on_gradient(law, law->mean) * sl_rate_on_gradient(law, law->mean + law->half) * op->noise_variance /
          (1 - op->rule.mu * op->rule.mu);
    bool stable = n == 0;
    for (size_t i = 0; i < n; i++) {
        const sl_linear_moments m = sl_linear_moments_of(op, law, a[i] - w);
        least = fmin(least, a[i]);
        const bool flat = fabs(a[i]) * law->mean < 1e-6; /* neither stable nor not, as far as the linear theory goes */
        if (!flat && !(m.radius < 1 - 1e-6)) continue;
        stable = true;
        if (flat) continue;
        top = fmax(top, a[i] * m.x2);
        *v2 = fmax(*v2, m.v2);
    }
    *T = top;
    return stable ? SL_OK : unstable(op, law, least, err);
}

/* Follows the rule without noise from the start, and from five deviations beside it, for the steps asked, and widens
 * [lo, hi] and V by where it gets. */
static void follow(double *lo, double *hi, double *V, const sl_operator *op, const sl_question *q)
{
    const bool nesterov = op->rule.kind == SL_RULE_NESTEROV;
    const uint64_t steps = (uint64_t)fmin(q->times[q->n_times - 1], 100000);
    const double thermal = *V, side = FAR * q->spread, was_lo = *lo, was_hi = *hi;
    *lo = fmin(*lo, q->from[0] - side);
    *hi = fmax(*hi, q->from[0] + side);
    for (int s = -1; s <= 1; s++) {
        double x = q->from[0] + 0.6 * s * side, v = 0;
        for (uint64_t k = 0; k <= steps; k++) {
            const sl_rate_law law = sl_rate_at(op, k);
            *lo = fmin(*lo, x);
            *hi = fmax(*hi, x);
            *V = fmax(*V, fmin(thermal + fabs(v), 10 * thermal));
            const double push = sl_rate_on_gradient(&law, law.mean) * total_force(op, x);
            v = op->rule.mu * v - push;
            x += sl_rate_on_step(&law, law.mean) * (nesterov ? op->rule.mu * v - push : v);
            if (!(fabs(x) < 10 * (fabs(was_lo) + fabs(was_hi) + fabs(q->from[0])))) break;
        }
    }
}

/* A random alpha on the gradient makes v a mixture of wide and narrow Gaussians, the more so the fewer of them count.
 */
static double tails(const sl_operator *op, const sl_rate_law *law)
{
    if (law->on_step) return 1;
    const double most = 1 + law->half / law->mean, q = 1 + pow(law->half / law->mean, 2) / 3;
    return sqrt(1 + (most * most / q - 1) * sqrt(1 - op->rule.mu * op->rule.mu));
}

/* How much of a law, on a coarse grid and after some cycles, stands at the edges of the box (against its maximum) along
 * each axis, and what a cycle loses. */
static sl_status probe(double edge[2], double *killed, const sl_operator *op, const sl_question *q, size_t n, double T,
                       sl_err *err)
{
    sl_phase_cycle c;
    sl_status st = sl_phase_cycle_init(&c, op, q, n, err);
    const size_t nx = c.grid.nx, nv = c.grid.nv, nodes = nx * nv;
    double *p = st == SL_OK ? malloc(2 * nodes * sizeof *p) : NULL, mass = 0, left = 0;
    if (st == SL_OK && !p) st = sl_fail(err, SL_E_MEMORY, "no memory for a law of %zu nodes", nodes);
    if (st == SL_OK) sl_phase_guess(p, &c.grid, T);
    for (size_t k = 0; st == SL_OK && k < PROBE_STEPS / c.period + 2; k++) {
        double *next = p + nodes, most = 0;
        st = sl_phase_cycle_apply(&c, p, next, err);
        mass = left = 0;
        for (size_t i = 0; i < nodes; i++) {
            mass += p[i];
            left += next[i];
            most = fmax(most, next[i]);
        }
        for (size_t i = 0; i < nodes; i++) p[i] = next[i] / most;
    }
    *killed = 1 - left / mass;
    edge[0] = edge[1] = 0;
    for (size_t i = 0; st == SL_OK && i < nodes; i++) {
        if (i / nv == 0 || i / nv == nx - 1) edge[0] = fmax(edge[0], fabs(p[i]));
        if (i % nv == 0 || i % nv == nv - 1) edge[1] = fmax(edge[1], fabs(p[i]));
    }
    free(p);
    sl_phase_cycle_clear(&c);
    return st;
}

/* Widens the axes that were not given, the one with more at its edges first, until a step loses nothing or widening is
 * no help: random rates give laws long tails, and an iterate beyond the box may well come back. */
static sl_status widen(sl_operator *op, const sl_question *q, const bool given[2], double T, sl_err *err)
{
    const double least = sl_schedule_is_random(&op->schedule) ? LOSS_RANDOM : LOSS;
    double lo[2] = {op->lo[0], op->lo[1]}, hi[2] = {op->hi[0], op->hi[1]};
    double before = INFINITY, n = PROBE;
    for (int round = 0; round < WIDENINGS; round++) {
        double edge[2], killed;
        SL_TRY(probe(edge, &killed, op, q, 2 * (size_t)(n / 2), T, err));
        if (!(fabs(killed) < HELP * before)) { /* the last one was for nothing */
            memcpy(op->lo, lo, sizeof lo);
            memcpy(op->hi, hi, sizeof hi);
            break;
        }
        for (size_t d = 0; d < 2; d++)
            if (given[d]) edge[d] = 0;
        const double most = fmax(edge[0], edge[1]);
        if (!(most > 1e-13) || !(fabs(killed) > least)) break;
        before = fabs(killed);
        n *= WIDER;
        for (size_t d = 0; d < 2; d++) {
            lo[d] = op->lo[d];
            hi[d] = op->hi[d];
            if (!(edge[d] > 0.03 * most)) continue;
            const double more = (WIDER - 1) / 2 * (op->hi[d] - op->lo[d]);
            op->lo[d] -= more;
            op->hi[d] += more;
        }
    }
    return SL_OK;
}

sl_status sl_phase_domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err)
{
    openblas_set_num_threads(1);
    sl_rate_law law;
    SL_TRY(sl_phase_widest_rate(&law, op, q, err));
    const double excess = 1 + pow(law.half / law.mean, 2) / 3;
    double T = law.mean * excess * op->noise_variance / (2 * (1 - op->rule.mu)), v2, lo[2], hi[2];
    SL_TRY(sl_operator_box(lo, hi, outside, &op->loss, T, LEAK, err));
    SL_TRY(local_laws(&T, &v2, op, &law, lo[0], hi[0], err));
    const double wide = tails(op, &law);
    SL_TRY(sl_operator_box(lo, hi, outside, &op->loss, T * wide * wide, LEAK, err));
    double V = FAR * wide * sqrt(v2);
    const double wrap = op->loss.kind->period;
    if (q->task == SL_TASK_EVOLVE) follow(&lo[0], &hi[0], &V, op, q);
    if (wrap > 0) {
        lo[0] = -wrap / 2;
        hi[0] = wrap / 2;
    } else {
        const double more = 0.04 * (hi[0] - lo[0]);
        lo[0] -= more;
        hi[0] += more;
    }
    const bool given[2] = {wrap > 0 || op->lo[0] != op->hi[0], op->lo[1] != op->hi[1]};
    if (op->lo[0] == op->hi[0]) {
        op->lo[0] = lo[0];
        op->hi[0] = hi[0];
    } else {
        *outside = NAN; /* of a box that was given nothing is known but what will be killed */
    }
    if (op->lo[1] == op->hi[1]) {
        op->lo[1] = -V;
        op->hi[1] = V;
    }
    if (wrap > 0 && fabs(op->hi[0] - op->lo[0] - wrap) > 1e-9 * wrap)
        return sl_fail(err, SL_E_DOMAIN, "domain [%g, %g]: loss '%s' needs one period, %g", op->lo[0], op->hi[0],
                       op->loss.kind->entry.name, wrap);
    if (fabs(op->lo[1] + op->hi[1]) > 1e-9 * (op->hi[1] - op->lo[1]))
        return sl_fail(err, SL_E_DOMAIN, "velocities [%g, %g]: need the same on both sides of 0", op->lo[1], op->hi[1]);
    return law.half > 0 || q->task == SL_TASK_STATIONARY ? widen(op, q, given, T, err) : SL_OK;
}
