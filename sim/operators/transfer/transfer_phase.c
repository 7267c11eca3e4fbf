/* The transfer operator of SGD with momentum on the (x, v) plane of a 1-D loss: what it can be asked, on which box, and
 * its forward answers: stationary law, evolution, spectrum. sim/operators/transfer/phase.h says how a step is taken;
 * first passages are in phase_passage.c. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_integration.h>

#include "base/gsl.h"
#include "base/parallel.h"
#include "sim/operators/transfer/chain.h"
#include "sim/operators/transfer/phase.h"
#include "sim/operators/transfer/phase_passage.h"
#include "sim/operators/transfer/stencil.h"
#include "sim/operators/variant.h"

/* ---- what it can be asked ---- */

static sl_status check_times(const sl_question *q, sl_err *err)
{
    for (size_t i = 0; i < q->n_times; i++)
        if (q->times[i] != floor(q->times[i]) || !(q->times[i] < 1e9))
            return sl_fail(err, SL_E_DOMAIN,
                           "time %zu is %g: the transfer operator counts steps, need a whole number < 1e9", i,
                           q->times[i]);
    return SL_OK;
}

static sl_status check(const sl_operator *op, const sl_question *q, sl_err *err)
{
    if (!(op->noise_variance > 0 && isfinite(op->noise_variance)))
        return sl_fail(err, SL_E_DOMAIN,
                       "noise variance = %g, need 0 < noise variance < inf (without noise there is no density)",
                       op->noise_variance);
    if (!op->schedule.spec.entry) return sl_fail(err, SL_E_DOMAIN, "the transfer operator needs a schedule");
    if (op->rule.alpha_on == SL_ALPHA_ON_GRADIENT && !(op->rule.lr > 0 && isfinite(op->rule.lr)))
        return sl_fail(err, SL_E_DOMAIN, "base rate l = %g, need 0 < l < inf with alpha on the gradient", op->rule.lr);
    const bool passage = q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR;
    if (passage && op->rule.kind == SL_RULE_NESTEROV)
        return sl_fail(err, SL_E_DOMAIN,
                       "first passages are not solved for rule 'nesterov'; they are for 'heavy-ball'");
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

static double bytes(const sl_operator *op, const sl_question *q, size_t n)
{
    const double nodes = (double)n * (double)sl_phase_velocities(n);
    uint64_t period = 1;
    if (q->task == SL_TASK_STATIONARY && sl_rate_period(&period, op, q, NULL) != SL_OK) period = 1;
    const sl_rate_law law = sl_rate_at(op, 0);
    if (q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR) return sl_phase_passage_bytes(op, n);
    const double distinct = (double)sl_phase_cycle_distinct(op, period);
    return distinct * sl_phase_step_bytes(op, &law, n) + 8 * (SL_CHAIN_VECTORS + 8) * nodes;
}

/* Steps: what it takes to find a law or a spectrum, seen on double wells. */
static double seconds(const sl_operator *op, const sl_question *q, size_t n)
{
    enum { LAW = 200, CYCLES = 50, SPECTRUM = 800 };
    const double finer = (double)n / 512;
    if (q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR) return 15 * pow(finer, 3);
    double ready, apply, distinct = 1, steps = SPECTRUM;
    const sl_rate_law law = sl_rate_at(op, 0);
    sl_phase_step_seconds(&ready, &apply, op, &law, n);
    uint64_t period = 1;
    if (q->task == SL_TASK_STATIONARY && sl_rate_period(&period, op, q, NULL) == SL_OK) {
        distinct = (double)sl_phase_cycle_distinct(op, period);
        steps = (double)(period > 1 ? CYCLES * period : LAW);
    }
    if (q->task == SL_TASK_EVOLVE) {
        steps = q->n_times > 0 ? q->times[q->n_times - 1] : 0;
        distinct = sl_schedule_is_stationary(&op->schedule) ? 1 : steps;
    }
    return distinct * ready + steps * apply;
}

/* ---- answers ---- */

static double eq20_temperature(const sl_operator *op, const sl_rate_law *law)
{
    if (op->temperature > 0) return op->temperature;
    const double excess = 1 + pow(law->half / law->mean, 2) / 3;
    return law->mean * excess * op->noise_variance / (2 * (1 - op->rule.mu));
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

static sl_status solve_stationary(sl_answer *a, sl_phase_cycle *c, double *p, double *sum, sl_err *err)
{
    const sl_phase_grid *g = &c->grid;
    const sl_operator *op = g->op;
    const size_t n = g->nx * g->nv;
    const sl_chain chain = {.n = n, .cell = g->hx * g->hv, .apply = sl_phase_cycle_apply, .ctx = c};
    sl_rate_law mean = sl_rate_at(op, 0);
    mean.mean = sl_schedule_mean(&op->schedule, 0, c->period);
    const double T = eq20_temperature(op, &mean);
    sl_phase_guess(p, g, T);
    SL_TRY(sl_chain_stationary(p, &a->killed, &chain, err));
    a->killed = fmax(a->killed, 0) / (double)c->period;
    a->mass_error = a->killed;
    sl_chain_note(a);
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
    const double x0 = q->from[0], s = q->spread, lo = g->op->lo[0], hi = g->op->hi[0];
    const double wrap = g->op->loss.kind->period;
    const size_t rest = (g->nv - 1) / 2;
    memset(p, 0, g->nx * g->nv * sizeof *p);
    if (!(x0 >= lo && x0 <= hi))
        return sl_fail(err, SL_E_DOMAIN, "the start %g is outside the domain [%g, %g]", x0, lo, hi);
    if (s >= 2 * g->hx) {
        for (size_t i = 0; i < g->nx; i++) {
            const int turns = wrap > 0 ? 1 + (int)ceil(9 * s / wrap) : 0;
            for (int k = -turns; k <= turns; k++) {
                const double z = (g->x[i] - x0 - k * wrap) / s;
                p[i * g->nv + rest] += exp(-z * z / 2) / (sqrt(2 * M_PI) * s * g->hv);
            }
        }
        return SL_OK;
    }
    sl_gsl_quiet();
    gsl_integration_fixed_workspace *gh =
        gsl_integration_fixed_alloc(gsl_integration_fixed_hermite, POINTS, 0, 0.5, 0, 0);
    if (!gh) return sl_fail(err, SL_E_MEMORY, "no memory for %d quadrature nodes", POINTS);
    const double *z = gsl_integration_fixed_nodes(gh), *weight = gsl_integration_fixed_weights(gh);
    for (size_t k = 0; k < (s > 0 ? POINTS : 1); k++) {
        const double x = s > 0 ? x0 + s * z[k] : x0, part = s > 0 ? weight[k] / sqrt(2 * M_PI) : 1;
        double w[SL_STENCIL];
        /* A ring goes on at both ends. */
        const double at = (x - g->x[0]) / g->hx, turn = wrap > 0 ? (double)g->nx : 0;
        const size_t first = sl_stencil(w, wrap > 0 ? at - turn * floor(at / turn) + turn : at, wrap > 0 ? 3 * g->nx : g->nx);
        for (size_t i = 0; i < SL_STENCIL; i++)
            p[(first + i) % g->nx * g->nv + rest] += part * w[i] / (g->hx * g->hv);
    }
    gsl_integration_fixed_free(gh);
    return SL_OK;
}

static sl_status solve_evolve(sl_answer *a, sl_phase_cycle *c, const sl_question *q, double *p, double *next,
                              sl_err *err)
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

static sl_status solve_forward(sl_answer *a, sl_phase_cycle *c, const sl_question *q, sl_err *err)
{
    const sl_phase_grid *g = &c->grid;
    const size_t n = g->nx * g->nv;
    const sl_chain chain = {.n = n, .cell = g->hx * g->hv, .apply = sl_phase_cycle_apply, .ctx = c};
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
    openblas_set_num_threads(1); /* sums must not depend on the number of cores */
    if (q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR) return sl_phase_passage_solve(a, op, q, n, err);
    sl_phase_cycle c;
    sl_status st = sl_phase_cycle_init(&c, op, q, n, err);
    if (st == SL_OK) st = solve_forward(a, &c, q, err);
    sl_phase_cycle_clear(&c);
    return st;
}

const sl_operator_variant sl_transfer_phase = {
    .check = check, .domain = sl_phase_domain, .bytes = bytes, .seconds = seconds, .solve = solve};
