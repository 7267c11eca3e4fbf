/* The transfer operator of SGD with momentum on the (x, v) plane of a 1-D loss: what it can be asked, on which box, and
 * its forward answers: stationary law, evolution, spectrum. sim/operators/phase.h says how a step is taken;
 * first passages are in phase_passage.c. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_integration.h>

#include "base/gsl.h"
#include "base/parallel.h"
#include "sim/operators/chain.h"
#include "sim/operators/phase.h"
#include "sim/operators/phase_passage.h"
#include "sim/operators/stencil.h"
#include "sim/operators/variant.h"

/* V = this many standard deviations; a Gaussian has 2e-17 beyond. LEAK: mass outside the box that is aimed at. */
static const double FAR = 8.5, LEAK = 1e-14;

enum { SCAN = 512, MOST_MINIMA = 64 };

/* ---- what it can be asked ---- */

static sl_status check_times(const sl_question *q, sl_err *err)
{
    for (size_t i = 0; i < q->n_times; i++)
        if (q->times[i] != floor(q->times[i]) || !(q->times[i] < 1e9))
            return sl_fail(err, SL_E_DOMAIN, "time %zu is %g: the transfer operator counts steps, need a whole number < 1e9",
                           i, q->times[i]);
    return SL_OK;
}

static sl_status check(const sl_operator *op, const sl_question *q, sl_err *err)
{
    if (!(op->noise_variance > 0 && isfinite(op->noise_variance)))
        return sl_fail(err, SL_E_DOMAIN, "noise variance = %g, need 0 < noise variance < inf (without noise there is no density)",
                       op->noise_variance);
    if (!op->schedule.spec.entry) return sl_fail(err, SL_E_DOMAIN, "the transfer operator needs a schedule");
    if (op->rule.alpha_on == SL_ALPHA_ON_GRADIENT && !(op->rule.lr > 0 && isfinite(op->rule.lr)))
        return sl_fail(err, SL_E_DOMAIN, "base rate l = %g, need 0 < l < inf with alpha on the gradient", op->rule.lr);
    const bool passage = q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR;
    if (passage && op->rule.kind == SL_RULE_NESTEROV)
        return sl_fail(err, SL_E_DOMAIN, "first passages are not solved for rule 'nesterov'; they are for 'heavy-ball'");
    if (passage && op->loss.kind->period > 0)
        return sl_fail(err, SL_E_DOMAIN, "first passages with momentum are not solved on the periodic loss '%s'",
                       op->loss.kind->entry.name);
    if ((passage || q->task == SL_TASK_SPECTRUM) && !sl_schedule_is_stationary(&op->schedule))
        return sl_fail(err, SL_E_CONFIG, "schedule '%s': spectra and first passages need one law for every step",
                       op->schedule.spec.entry->name);
    uint64_t period;
    if (q->task == SL_TASK_STATIONARY) SL_TRY(sl_rate_period(&period, op, q, err));
    return q->task == SL_TASK_EVOLVE ? check_times(q, err) : SL_OK;
}

/* ---- the box ---- */

/* The largest rates that the answer will meet, as a law. */
static sl_status widest_rate(sl_rate_law *law, const sl_operator *op, const sl_question *q, sl_err *err)
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
    if (!(law->mean > 0)) return sl_fail(err, SL_E_DOMAIN, "all rates of schedule '%s' are 0", op->schedule.spec.entry->name);
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
    const double l = law->mean, mu = op->rule.mu, q = 1 + law->half * law->half / (3 * l * l), w = op->rule.weight_decay;
    const double bound = l * (stable_curvature(op, law, a - w) + w);
    if (op->rule.kind == SL_RULE_HEAVY_BALL)
        return sl_fail(err, SL_E_UNSTABLE,
                       "no stationary law: a l = %g at the loss's minimum (curvature a = %g, l = %g), mean-square stability "
                       "needs a l < 2 (1 - mu^2) / (q (1 + mu) - 2 mu) = %g (mu = %g, q = %g)",
                       a * l, a, l, 2 * (1 - mu * mu) / (q * (1 + mu) - 2 * mu), mu, q);
    return sl_fail(err, SL_E_UNSTABLE,
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
        if (!(m.radius < 1 + 1e-12)) continue;
        stable = true;
        if (!isfinite(m.x2)) continue; /* a flat minimum: neither */
        top = fmax(top, a[i] * m.x2);
        *v2 = fmax(*v2, m.v2);
    }
    *T = top;
    return stable ? SL_OK : unstable(op, law, least, err);
}

/* Follows the rule without noise from the start for the steps asked, and widens [lo, hi] and V by where it gets. */
static void follow(double *lo, double *hi, double *V, const sl_operator *op, const sl_question *q)
{
    const bool nesterov = op->rule.kind == SL_RULE_NESTEROV;
    const uint64_t steps = (uint64_t)fmin(q->times[q->n_times - 1], 100000);
    const double thermal = *V, side = FAR * q->spread, was_lo = *lo, was_hi = *hi;
    for (int s = -1; s <= 1; s++) {
        double x = q->from[0] + s * side / 2, v = 0;
        for (uint64_t k = 0; k <= steps; k++) {
            const sl_rate_law law = sl_rate_at(op, k);
            *lo = fmin(*lo, x - side);
            *hi = fmax(*hi, x + side);
            *V = fmax(*V, fmin(thermal + fabs(v), 10 * thermal));
            const double push = sl_rate_on_gradient(&law, law.mean) * total_force(op, x);
            v = op->rule.mu * v - push;
            x += sl_rate_on_step(&law, law.mean) * (nesterov ? op->rule.mu * v - push : v);
            if (!(fabs(x) < 10 * (fabs(was_lo) + fabs(was_hi) + fabs(q->from[0])))) break;
        }
    }
}

/* A random alpha on the gradient makes v a mixture of wide and narrow Gaussians, the more so the fewer of them count. */
static double tails(const sl_operator *op, const sl_rate_law *law)
{
    if (law->on_step) return 1;
    const double most = 1 + law->half / law->mean, q = 1 + law->half * law->half / (3 * law->mean * law->mean);
    return sqrt(1 + (most * most / q - 1) * sqrt(1 - op->rule.mu * op->rule.mu));
}

static sl_status domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err)
{
    sl_rate_law law;
    SL_TRY(widest_rate(&law, op, q, err));
    const double excess = 1 + law.half * law.half / (3 * law.mean * law.mean);
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
    return SL_OK;
}

/* ---- steps of a cycle ---- */

/* The steps of one cycle; equal rates share one. */
typedef struct {
    sl_phase_grid grid;
    sl_phase_step *step; /* the distinct ones */
    size_t distinct, period;
    size_t *which; /* [period] */
    double *half_way; /* [n]: the law between two steps */
} cycle;

static void cycle_clear(cycle *c)
{
    for (size_t i = 0; i < c->distinct; i++) sl_phase_step_clear(&c->step[i]);
    free(c->step);
    free(c->which);
    free(c->half_way);
    sl_phase_grid_clear(&c->grid);
}

static sl_status add_step(cycle *c, size_t k, sl_err *err)
{
    const sl_rate_law law = sl_rate_at(c->grid.op, k);
    for (size_t j = 0; j < k; j++) {
        if (fabs(sl_rate_at(c->grid.op, j).mean - law.mean) > 1e-13 * law.mean) continue;
        c->which[k] = c->which[j];
        return SL_OK;
    }
    SL_TRY(sl_phase_step_init(&c->step[c->distinct], &c->grid, &law, err));
    c->which[k] = c->distinct++;
    return SL_OK;
}

static sl_status cycle_init(cycle *c, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    *c = (cycle){0};
    sl_rate_law widest;
    uint64_t period = 1;
    SL_TRY(widest_rate(&widest, op, q, err));
    if (q->task == SL_TASK_STATIONARY) SL_TRY(sl_rate_period(&period, op, q, err));
    SL_TRY(sl_phase_grid_init(&c->grid, op, n, sl_phase_farthest(op, &widest), err));
    c->period = period;
    c->step = calloc(period, sizeof *c->step);
    c->which = calloc(period, sizeof *c->which);
    c->half_way = malloc(c->grid.nx * c->grid.nv * sizeof(double));
    if (!c->step || !c->which || !c->half_way) return sl_fail(err, SL_E_MEMORY, "no memory for a cycle of %zu steps", c->period);
    for (size_t k = 0; k < period; k++) SL_TRY(add_step(c, k, err));
    return SL_OK;
}

static sl_status apply_cycle(void *ctx, const double *from, double *to, sl_err *err)
{
    (void)err;
    cycle *c = ctx;
    sl_phase_step_apply(to, &c->step[c->which[0]], from);
    for (size_t k = 1; k < c->period; k++) {
        memcpy(c->half_way, to, c->grid.nx * c->grid.nv * sizeof *to);
        sl_phase_step_apply(to, &c->step[c->which[k]], c->half_way);
    }
    return SL_OK;
}

static double bytes(const sl_operator *op, const sl_question *q, size_t n)
{
    const double nodes = (double)n * (double)sl_phase_velocities(n);
    uint64_t period = 1;
    if (q->task == SL_TASK_STATIONARY && sl_rate_period(&period, op, q, NULL) != SL_OK) period = 1;
    const sl_rate_law law = sl_rate_at(op, 0);
    if (q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR) return sl_phase_passage_bytes(op, n);
    return (double)period * sl_phase_step_bytes(op, &law, n) + 8 * (SL_CHAIN_VECTORS + 8) * nodes;
}

/* ---- answers ---- */

static double eq20_temperature(const sl_operator *op, const sl_rate_law *law)
{
    if (op->temperature > 0) return op->temperature;
    const double excess = 1 + law->half * law->half / (3 * law->mean * law->mean);
    return law->mean * excess * op->noise_variance / (2 * (1 - op->rule.mu));
}

/* The guess to start from: exp(-f/T) times a Gaussian in v. */
static void guess(double *p, const sl_phase_grid *g, double T)
{
    const sl_operator *op = g->op;
    double least = INFINITY;
    const double s2 = op->noise_variance / (1 - op->rule.mu * op->rule.mu), w = op->rule.weight_decay;
    for (size_t i = 0; i < g->nx; i++) least = fmin(least, sl_loss_value(&op->loss, &g->x[i]) + w * g->x[i] * g->x[i] / 2);
    for (size_t i = 0; i < g->nx; i++) {
        const double f = sl_loss_value(&op->loss, &g->x[i]) + w * g->x[i] * g->x[i] / 2;
        for (size_t j = 0; j < g->nv; j++)
            p[i * g->nv + j] = exp(-(f - least) / T - g->v[j] * g->v[j] / (2 * s2));
    }
}

/* Adds a law p[nx][nv] as a field and its moments, and notes its mass and least density. */
static sl_status add_law(sl_answer *a, const sl_phase_grid *g, const double *p, double T, size_t index, sl_err *err)
{
    const size_t n = g->nx * g->nv;
    sl_field *field = NULL;
    SL_TRY(sl_answer_add_field(&field, a, "density", index, g->nx, g->nv, err));
    memcpy(field->node[0], g->x, g->nx * sizeof *g->x);
    memcpy(field->node[1], g->v, g->nv * sizeof *g->v);
    memcpy(field->value, p, n * sizeof *p);
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, p[i]);
        most = fmax(most, p[i]);
    }
    a->density_min = fmin(a->density_min, least / most);
    double *w = malloc(n * sizeof *w);
    if (!w) return sl_fail(err, SL_E_MEMORY, "no memory for %zu weights", n);
    for (size_t i = 0; i < n; i++) w[i] = g->hx * g->hv;
    const sl_field law = *field; /* the answer's fields may move when one is added */
    const sl_status st = sl_answer_add_law(a, &g->op->loss, &law, w, T, index, err);
    free(w);
    return st;
}

static sl_status solve_stationary(sl_answer *a, cycle *c, double *p, double *sum, sl_err *err)
{
    const sl_phase_grid *g = &c->grid;
    const sl_operator *op = g->op;
    const size_t n = g->nx * g->nv;
    const sl_chain chain = {.n = n, .cell = g->hx * g->hv, .apply = apply_cycle, .ctx = c};
    sl_rate_law mean = sl_rate_at(op, 0);
    mean.mean = sl_schedule_mean(&op->schedule, 0, c->period);
    const double T = eq20_temperature(op, &mean);
    guess(p, g, T);
    SL_TRY(sl_chain_stationary(p, &a->killed, &chain, err));
    a->killed = fmax(a->killed, 0) / (double)c->period;
    a->mass_error = a->killed;
    memset(sum, 0, n * sizeof *sum);
    for (size_t k = 0; k < c->period; k++) { /* the law after each step of the cycle, averaged */
        sl_phase_step_apply(c->half_way, &c->step[c->which[k]], p);
        memcpy(p, c->half_way, n * sizeof *p);
        cblas_daxpy((int)n, 1, p, 1, sum, 1);
    }
    sl_chain_normalise(sum, &chain);
    return add_law(a, g, sum, T, 0, err);
}

/* A Gaussian at rest, from[0] +- spread: all of it in the row v = 0. What is narrower than two cells is made up of
 * points (Gauss-Hermite), and a point of 16 nodes that have its moments. */
static sl_status put_start(double *p, const sl_phase_grid *g, const sl_question *q, sl_err *err)
{
    enum { POINTS = 24 };
    const double x0 = q->from[0], s = q->spread, lo = g->x[0], hi = g->x[g->nx - 1];
    const size_t rest = (g->nv - 1) / 2;
    memset(p, 0, g->nx * g->nv * sizeof *p);
    if (!(x0 >= lo && x0 <= hi))
        return sl_fail(err, SL_E_DOMAIN, "the start %g is outside the domain [%g, %g]", x0, lo, hi);
    if (s >= 2 * g->hx) {
        for (size_t i = 0; i < g->nx; i++) {
            const double z = (g->x[i] - x0) / s;
            p[i * g->nv + rest] = exp(-z * z / 2) / (sqrt(2 * M_PI) * s * g->hv);
        }
        return SL_OK;
    }
    sl_gsl_quiet();
    gsl_integration_fixed_workspace *gh = gsl_integration_fixed_alloc(gsl_integration_fixed_hermite, POINTS, 0, 0.5, 0, 0);
    if (!gh) return sl_fail(err, SL_E_MEMORY, "no memory for %d quadrature nodes", POINTS);
    const double *z = gsl_integration_fixed_nodes(gh), *weight = gsl_integration_fixed_weights(gh);
    for (size_t k = 0; k < (s > 0 ? POINTS : 1); k++) {
        const double x = s > 0 ? x0 + s * z[k] : x0, part = s > 0 ? weight[k] / sqrt(2 * M_PI) : 1;
        double w[SL_STENCIL];
        const size_t first = sl_stencil(w, (x - lo) / g->hx, g->nx);
        for (size_t i = 0; i < SL_STENCIL; i++) p[(first + i) * g->nv + rest] += part * w[i] / (g->hx * g->hv);
    }
    gsl_integration_fixed_free(gh);
    return SL_OK;
}

static sl_status solve_evolve(sl_answer *a, cycle *c, const sl_question *q, double *p, double *next, sl_err *err)
{
    const sl_phase_grid *g = &c->grid;
    const size_t n = g->nx * g->nv;
    SL_TRY(put_start(p, g, q, err));
    uint64_t now = 0;
    double rate = sl_rate_at(g->op, 0).mean;
    const double T = g->op->temperature > 0 ? g->op->temperature : 0;
    for (size_t i = 0; i < q->n_times; i++) {
        for (; now < (uint64_t)q->times[i]; now++) {
            if (sl_stop_requested()) return SL_INTERRUPTED;
            const sl_rate_law law = sl_rate_at(g->op, now);
            if (law.mean != rate) {
                sl_phase_step_clear(&c->step[0]);
                SL_TRY(sl_phase_step_init(&c->step[0], g, &law, err));
                rate = law.mean;
            }
            sl_phase_step_apply(next, &c->step[0], p);
            memcpy(p, next, n * sizeof *p);
        }
        const double mass = cblas_ddot((int)n, p, 1, &(double){g->hx * g->hv}, 0);
        a->mass_error = fmax(a->mass_error, fabs(mass - 1));
        SL_TRY(add_law(a, g, p, T, i, err));
    }
    a->killed = now > 0 ? a->mass_error / (double)now : 0;
    return SL_OK;
}

static sl_status solve_forward(sl_answer *a, cycle *c, const sl_question *q, sl_err *err)
{
    const sl_phase_grid *g = &c->grid;
    const size_t n = g->nx * g->nv;
    const sl_chain chain = {.n = n, .cell = g->hx * g->hv, .apply = apply_cycle, .ctx = c};
    double *p = malloc(2 * n * sizeof *p);
    if (!p) return sl_fail(err, SL_E_MEMORY, "no memory for two laws of %zu nodes", n);
    sl_status st = SL_OK;
    if (q->task == SL_TASK_STATIONARY) {
        st = solve_stationary(a, c, p, p + n, err);
    } else if (q->task == SL_TASK_EVOLVE) {
        st = solve_evolve(a, c, q, p, p + n, err);
    } else {
        st = sl_chain_spectrum(a, &chain, q->eigenvalues, NULL, g->x, g->nx, g->v, g->nv, err);
    }
    a->unknowns = n;
    free(p);
    return st;
}

static sl_status solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    if (q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR) return sl_phase_passage_solve(a, op, q, n, err);
    cycle c;
    sl_status st = cycle_init(&c, op, q, n, err);
    if (st == SL_OK) st = solve_forward(a, &c, q, err);
    cycle_clear(&c);
    return st;
}

const sl_operator_variant sl_transfer_phase = {.check = check, .domain = domain, .bytes = bytes, .solve = solve};
