/* The transfer operator of plain SGD in two dimensions: what it can be asked, on which box, and its forward answers.
 * sim/operators/transfer/sgd_plane.h says how a step is taken; first passages are in sgd_plane_passage.c. */
#include <cblas.h>
#include <gsl/gsl_integration.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/gsl.h"
#include "base/parallel.h"
#include "sim/operators/transfer/chain.h"
#include "sim/operators/transfer/sgd_plane.h"
#include "sim/operators/transfer/sgd_plane_passage.h"
#include "sim/operators/variant.h"

static const double LEAK = 1e-14, LOSS = 1e-12;

/* Of the law that a small rate would have. */
static const double TOO_ROUGH = 0.5;

enum { PROBE = 48, PROBE_STEPS = 40, WIDENINGS = 12 };

static sl_status check(const sl_operator *op, const sl_question *q, sl_err *err)
{
    if (!(op->noise_variance > 0 && isfinite(op->noise_variance)))
        return sl_fail(err, SL_E_DOMAIN,
                       "noise variance = %g, need 0 < noise variance < inf (without noise there is no density)",
                       op->noise_variance);
    if (!op->schedule.spec.entry) return sl_fail(err, SL_E_DOMAIN, "the transfer operator needs a schedule");
    if (q->task != SL_TASK_EVOLVE && !sl_schedule_is_stationary(&op->schedule))
        return sl_fail(err, SL_E_CONFIG,
                       "schedule '%s': in 2 dimensions only evolve is solved for a rate that changes with time",
                       op->schedule.spec.entry->name);
    for (size_t i = 0; q->task == SL_TASK_EVOLVE && i < q->n_times; i++)
        if (q->times[i] != floor(q->times[i]) || !(q->times[i] < 1e9))
            return sl_fail(err, SL_E_DOMAIN,
                           "time %zu is %g: the transfer operator counts steps, need a whole number < 1e9", i,
                           q->times[i]);
    return SL_OK;
}

/* T of exp(-f/T) to leading order in the rate: E r^2 s2 / (2 E r). */
static double leading_temperature(const sl_operator *op, const sl_rate_law *law)
{
    return law->mean * (1 + pow(law->half / law->mean, 2) / 3) * op->noise_variance / 2;
}

static void guess(double *p, const sl_sgd_plane_step *s, double T)
{
    const size_t n = s->n;
    double least = INFINITY;
    for (size_t k = 0; k < n * n; k++) {
        const double x[2] = {s->x[0][k / n], s->x[1][k % n]};
        p[k] = sl_loss_value(&s->op->loss, x) + s->op->rule.weight_decay * (x[0] * x[0] + x[1] * x[1]) / 2;
        if (p[k] < least) least = p[k];
    }
    for (size_t k = 0; k < n * n; k++) p[k] = exp(-(p[k] - least) / T);
}

static sl_status apply_step(void *ctx, const double *from, double *to, sl_err *err)
{
    (void)err;
    sl_sgd_plane_step_apply(to, ctx, from);
    return SL_OK;
}

/* ---- the box ---- */

/* How much of a law on a coarse grid stands at the edges along each axis, against its maximum; what a step loses. */
static sl_status probe(double edge[2], double *killed, const sl_operator *op, double T, sl_err *err)
{
    const size_t n = PROBE, nodes = n * n;
    sl_sgd_plane_step s;
    sl_status st = sl_sgd_plane_step_init(&s, op, n, err);
    double *p = st == SL_OK ? malloc(2 * nodes * sizeof *p) : NULL, mass = 0, left = 0;
    if (st == SL_OK && !p) st = sl_fail(err, SL_E_MEMORY, "no memory for a law of %zu nodes", nodes);
    if (st == SL_OK) guess(p, &s, T);
    for (size_t k = 0; st == SL_OK && k < PROBE_STEPS; k++) {
        sl_sgd_plane_step_apply(p + nodes, &s, p);
        mass = left = 0;
        double most = 0;
        for (size_t i = 0; i < nodes; i++) {
            mass += p[i];
            left += p[nodes + i];
            most = fmax(most, p[nodes + i]);
        }
        for (size_t i = 0; i < nodes; i++) p[i] = p[nodes + i] / most;
    }
    *killed = 1 - left / mass;
    edge[0] = edge[1] = 0;
    for (size_t i = 0; st == SL_OK && i < nodes; i++) {
        if (i / n == 0 || i / n == n - 1) edge[0] = fmax(edge[0], fabs(p[i]));
        if (i % n == 0 || i % n == n - 1) edge[1] = fmax(edge[1], fabs(p[i]));
    }
    free(p);
    sl_sgd_plane_step_clear(&s);
    return st;
}

/* Widens the axes that were not given until a step loses nothing or widening is no help. */
static sl_status widen(sl_operator *op, const bool given[2], double T, sl_err *err)
{
    double before = INFINITY;
    for (int round = 0; round < WIDENINGS && !(given[0] && given[1]); round++) {
        double edge[2], killed;
        SL_TRY(probe(edge, &killed, op, T, err));
        if (!isfinite(killed))
            return sl_fail(err, SL_E_UNSTABLE,
                           "no stationary law: at rate %g all mass leaves the box around the minima",
                           sl_rate_at(op, 0).mean);
        const double most = fmax(edge[0], edge[1]);
        if (!(fabs(killed) > LOSS) || !(fabs(killed) < 0.8 * before)) break;
        before = fabs(killed);
        for (size_t d = 0; d < 2; d++) {
            if (given[d] || !(edge[d] > 0.03 * most)) continue;
            const double more = 0.08 * (op->hi[d] - op->lo[d]);
            op->lo[d] -= more;
            op->hi[d] += more;
        }
    }
    return SL_OK;
}

/* A separable or smooth loss near its start: mean-square stability along each axis there, E (1 - r a)^2 < 1. */
static sl_status check_stability(const sl_operator *op, const sl_rate_law *law, sl_err *err)
{
    double x[2] = {op->loss.start[0], op->loss.start[1]};
    for (size_t d = 0; d < 2; d++) {
        const double at = x[d], h = 1e-4;
        double g[2], up, down;
        x[d] = at + h;
        sl_loss_gradient(&op->loss, x, g);
        up = g[d];
        x[d] = at - h;
        sl_loss_gradient(&op->loss, x, g);
        down = g[d];
        x[d] = at;
        const double a = (up - down) / (2 * h) + op->rule.weight_decay;
        const double q = 1 + pow(law->half / law->mean, 2) / 3;
        if (a * law->mean * q >= 2)
            return sl_fail(
                err, SL_E_UNSTABLE,
                "no stationary law: a l = %g along axis %zu (curvature a = %g at the start, l = %g), mean-square "
                "stability needs a l < 2/q = %g",
                a * law->mean, d, a, law->mean, 2 / q);
    }
    return SL_OK;
}

static sl_status domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err)
{
    openblas_set_num_threads(1);
    const double wrap = op->loss.kind->period;
    sl_rate_law law = sl_rate_at(op, 0);
    const uint64_t steps =
        q->task == SL_TASK_EVOLVE && !sl_schedule_is_stationary(&op->schedule) ? (uint64_t)q->times[q->n_times - 1] : 1;
    for (uint64_t k = 1; k < steps; k++)
        if (sl_rate_at(op, k).mean > law.mean) law = sl_rate_at(op, k);
    const double T = leading_temperature(op, &law);
    double lo[2], hi[2];
    if (!(T > 0)) return sl_fail(err, SL_E_DOMAIN, "all rates of schedule '%s' are 0", op->schedule.spec.entry->name);
    SL_TRY(check_stability(op, &law, err));
    SL_TRY(sl_operator_box(lo, hi, outside, &op->loss, T, LEAK, err));
    bool given[2];
    for (size_t d = 0; d < 2; d++) {
        given[d] = wrap > 0 || op->lo[d] != op->hi[d];
        if (op->lo[d] != op->hi[d]) {
            *outside = NAN;
            continue;
        }
        const double more = wrap > 0 ? 0 : 0.04 * (hi[d] - lo[d]), side = wrap > 0 ? 0 : 9 * q->spread;
        op->lo[d] = lo[d] - more;
        op->hi[d] = hi[d] + more;
        if (q->task != SL_TASK_EVOLVE || wrap > 0) continue;
        op->lo[d] = fmin(op->lo[d], q->from[d] - side - more);
        op->hi[d] = fmax(op->hi[d], q->from[d] + side + more);
    }
    for (size_t d = 0; d < 2 && wrap > 0; d++)
        if (fabs(op->hi[d] - op->lo[d] - wrap) > 1e-9 * wrap)
            return sl_fail(err, SL_E_DOMAIN, "domain [%g, %g]: loss '%s' needs one period, %g", op->lo[d], op->hi[d],
                           op->loss.kind->entry.name, wrap);
    return q->task == SL_TASK_EVOLVE ? SL_OK : widen(op, given, T, err);
}

static double bytes(const sl_operator *op, const sl_question *q, size_t n)
{
    if (q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR) return sl_sgd_plane_passage_bytes(op, q, n);
    return sl_sgd_plane_step_bytes(op, n) + 8 * (SL_CHAIN_VECTORS + 8) * (double)n * (double)n;
}

/* Steps: what it takes to find a law or a spectrum, seen on double wells. */
static double seconds(const sl_operator *op, const sl_question *q, size_t n)
{
    enum { LAW = 150, SPECTRUM = 500 };
    double steps = q->task == SL_TASK_SPECTRUM ? SPECTRUM : LAW;
    if (q->task == SL_TASK_EVOLVE) steps = q->n_times > 0 ? q->times[q->n_times - 1] : 0;
    return steps * sl_sgd_plane_step_seconds(op, n);
}

/* ---- answers ---- */

/* How much a law differs from node to node along either axis, 0 to 2: more than 1/2 where it is narrower than a cell.
 */
static double roughness(const double *p, size_t n)
{
    double most = 0, all = 0;
    for (size_t k = 0; k < n * n; k++) all += p[k] * p[k];
    for (size_t d = 0; d < 2; d++) {
        double sum = 0;
        for (size_t k = 0; k < n * n; k++) {
            const size_t i = d == 0 ? k / n : k % n, stride = d == 0 ? n : 1;
            if (i + 1 == n) continue;
            sum += (p[k + stride] - p[k]) * (p[k + stride] - p[k]);
        }
        most = fmax(most, sum / (2 * all));
    }
    return most;
}

static sl_status add_law(sl_answer *a, const sl_sgd_plane_step *s, const double *p, double T, size_t index, sl_err *err)
{
    const size_t n = s->n, nodes = n * n;
    sl_field *field = NULL;
    SL_TRY(sl_answer_add_field(&field, a, "density", index, n, n, err));
    for (size_t d = 0; d < 2; d++) memcpy(field->node[d], s->x[d], n * sizeof(double));
    memcpy(field->value, p, nodes * sizeof *p);
    double least = INFINITY, most = 0;
    for (size_t k = 0; k < nodes; k++) {
        least = fmin(least, p[k]);
        most = fmax(most, p[k]);
    }
    a->density_min = fmin(a->density_min, least / most);
    double *w = malloc(nodes * sizeof *w);
    if (!w) return sl_fail(err, SL_E_MEMORY, "no memory for %zu weights", nodes);
    for (size_t k = 0; k < nodes; k++) w[k] = s->h[0] * s->h[1];
    const sl_field law = *field; /* the answer's fields may move when one is added */
    const sl_status st = sl_answer_add_law(a, &s->op->loss, &law, w, T, index, err);
    free(w);
    return st;
}

static sl_status add_point(double *p, const sl_sgd_plane_step *s, const double x[2], double mass, sl_err *err)
{
    sl_sgd_plane_point at = {0};
    sl_sgd_plane_locate(&at, s, x);
    if (at.node[0][0] < 0) return sl_fail(err, SL_E_DOMAIN, "the start (%g, %g) is outside the domain", x[0], x[1]);
    for (size_t i = 0; i < SL_STENCIL; i++)
        for (size_t j = 0; j < SL_STENCIL; j++)
            p[(size_t)at.node[0][i] * s->n + (size_t)at.node[1][j]] +=
                mass * at.w[0][i] * at.w[1][j] / (s->h[0] * s->h[1]);
    return SL_OK;
}

/* A Gaussian around `from`: on the nodes where they follow it, made up of points (Gauss-Hermite) where they do not. */
static sl_status put_start(double *p, const sl_sgd_plane_step *s, const sl_question *q, sl_err *err)
{
    enum { POINTS = 16 };
    const double spread = q->spread;
    const size_t n = s->n;
    memset(p, 0, n * n * sizeof *p);
    if (spread >= 2 * fmax(s->h[0], s->h[1]) && !s->periodic) {
        for (size_t k = 0; k < n * n; k++) {
            const double x = (s->x[0][k / n] - q->from[0]) / spread, y = (s->x[1][k % n] - q->from[1]) / spread;
            p[k] = exp(-(x * x + y * y) / 2) / (2 * M_PI * spread * spread);
        }
        return SL_OK;
    }
    if (!(spread > 0)) return add_point(p, s, q->from, 1, err);
    sl_gsl_quiet();
    gsl_integration_fixed_workspace *gh =
        gsl_integration_fixed_alloc(gsl_integration_fixed_hermite, POINTS, 0, 0.5, 0, 0);
    if (!gh) return sl_fail(err, SL_E_MEMORY, "no memory for %d quadrature nodes", POINTS);
    const double *z = gsl_integration_fixed_nodes(gh), *w = gsl_integration_fixed_weights(gh);
    sl_status st = SL_OK;
    for (size_t i = 0; i < POINTS * POINTS && st == SL_OK; i++) {
        const double x[2] = {q->from[0] + spread * z[i / POINTS], q->from[1] + spread * z[i % POINTS]};
        st = add_point(p, s, x, w[i / POINTS] * w[i % POINTS] / (2 * M_PI), err);
    }
    gsl_integration_fixed_free(gh);
    return st;
}

static sl_status solve_evolve(sl_answer *a, sl_sgd_plane_step *s, const sl_question *q, double *p, double *next,
                              sl_err *err)
{
    const size_t nodes = s->n * s->n;
    SL_TRY(put_start(p, s, q, err));
    uint64_t now = 0;
    double rate = sl_rate_at(s->op, 0).mean;
    const double T = s->op->temperature > 0 ? s->op->temperature : 0;
    for (size_t i = 0; i < q->n_times; i++) {
        for (; now < (uint64_t)q->times[i]; now++) {
            if (sl_stop_requested()) return SL_INTERRUPTED;
            const sl_rate_law law = sl_rate_at(s->op, now);
            if (law.mean != rate) SL_TRY(sl_sgd_plane_step_set(s, &law, err));
            rate = law.mean;
            sl_sgd_plane_step_apply(next, s, p);
            memcpy(p, next, nodes * sizeof *p);
        }
        double mass = 0;
        for (size_t k = 0; k < nodes; k++) mass += p[k];
        a->mass_error = fmax(a->mass_error, fabs(mass * s->h[0] * s->h[1] - 1));
        SL_TRY(add_law(a, s, p, T, i, err));
    }
    a->killed = now > 0 ? a->mass_error / (double)now : 0;
    return SL_OK;
}

static sl_status solve_forward(sl_answer *a, sl_sgd_plane_step *s, const sl_question *q, sl_err *err)
{
    const size_t n = s->n, nodes = n * n;
    const sl_chain chain = {.n = nodes, .cell = s->h[0] * s->h[1], .apply = apply_step, .ctx = s};
    const sl_rate_law law = sl_rate_at(s->op, 0);
    const double T = s->op->temperature > 0 ? s->op->temperature : leading_temperature(s->op, &law);
    double *p = malloc(2 * nodes * sizeof *p);
    if (!p) return sl_fail(err, SL_E_MEMORY, "no memory for two laws of %zu nodes", nodes);
    sl_status st = SL_OK;
    if (q->task == SL_TASK_STATIONARY) {
        guess(p, s, T);
        if (roughness(p, n) > TOO_ROUGH) {
            free(p);
            return sl_fail(err, SL_E_NUMERIC, "the law is narrower than a cell of %zu x %zu nodes", n, n);
        }
        st = sl_chain_stationary(p, &a->killed, &chain, err);
        a->killed = fmax(a->killed, 0);
        a->mass_error = a->killed;
        sl_chain_note(a);
        if (st == SL_OK) st = add_law(a, s, p, T, 0, err);
    } else if (q->task == SL_TASK_EVOLVE) {
        st = solve_evolve(a, s, q, p, p + nodes, err);
    } else {
        st = sl_chain_spectrum(a, &chain, q->eigenvalues, NULL, s->x[0], n, s->x[1], n, err);
    }
    a->unknowns = nodes;
    free(p);
    return st;
}

static sl_status solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    openblas_set_num_threads(1); /* sums must not depend on the number of cores */
    if (q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR) return sl_sgd_plane_passage_solve(a, op, q, n, err);
    sl_sgd_plane_step s;
    sl_status st = sl_sgd_plane_step_init(&s, op, n, err);
    if (st == SL_OK) st = solve_forward(a, &s, q, err);
    sl_sgd_plane_step_clear(&s);
    return st;
}

const sl_operator_variant sl_transfer_plane = {
    .check = check, .domain = domain, .bytes = bytes, .seconds = seconds, .solve = solve};
