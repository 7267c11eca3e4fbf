#include "sim/operators/klein_kramers/klein_kramers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/operators/nodes.h"

/* The functions of x are divided by sqrt(p), so it is sqrt(p) that must have decayed at the walls, to 1e-13. */
static const double OUTSIDE = 1e-26;
/* Standard deviations of v shown, and of a start kept within the domain. */
static const double SHOWN = 7.5, START = 6.5;

static sl_status check_parameters(const sl_operator *op, sl_err *err)
{
    if (!(op->friction > 0 && isfinite(op->friction)))
        return sl_fail(err, SL_E_DOMAIN, "friction = %g, need 0 < friction < inf", op->friction);
    if (!(op->force >= 0 && isfinite(op->force)))
        return sl_fail(err, SL_E_DOMAIN, "force = %g, need 0 < force < inf (the factor of f')", op->force);
    if (!(op->noise >= 0 && isfinite(op->noise)))
        return sl_fail(err, SL_E_DOMAIN, "noise = %g, need 0 < noise < inf (b^2)", op->noise);
    if (!(op->temperature >= 0 && isfinite(op->temperature)) || (op->noise == 0 && op->temperature == 0))
        return sl_fail(err, SL_E_DOMAIN, "temperature = %g, need 0 < T < inf", op->temperature);
    return SL_OK;
}

static sl_status check(const sl_operator *op, const sl_question *q, sl_err *err)
{
    if (op->loss.dim != 1)
        return sl_fail(err, SL_E_DOMAIN, "kind 'kramers' takes a loss of one dimension, '%s' has %zu",
                       op->loss.kind->entry.name, op->loss.dim);
    SL_TRY(check_parameters(op, err));
    if (op->edge != SL_EDGE_REFLECTING) return sl_fail(err, SL_E_DOMAIN, "kind 'kramers' has reflecting edges only");
    if (q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR)
        return sl_fail(
            err, SL_E_DOMAIN,
            "kind 'kramers' knows no %s: Hermite functions cannot hold a law absorbed for one sign of v; its "
            "spectrum gives the rates of escape",
            q->task == SL_TASK_MFPT ? "first-passage times" : "committor");
    return SL_OK;
}

/* The part of exp(-f/T) on [lo, hi] that lies beyond the walls of op, by the midpoint rule. */
static sl_status cut_off(double *outside, const sl_operator *op, double T, double lo, double hi, sl_err *err)
{
    enum { N = 8192 };
    double *x = malloc(2 * N * sizeof *x), *f = x + N, lowest = INFINITY, all = 0, beyond = 0;
    if (!x) return sl_fail(err, SL_E_MEMORY, "no memory for the mass beyond the walls");
    for (size_t i = 0; i < N; i++) x[i] = lo + (hi - lo) * ((double)i + 0.5) / N;
    sl_loss_on_nodes(f, NULL, &op->loss, N, x, 1, NULL);
    for (size_t i = 0; i < N; i++) lowest = fmin(lowest, f[i]);
    for (size_t i = 0; i < N; i++) {
        const double mass = exp(-(f[i] - lowest) / T);
        all += mass;
        if (x[i] < op->lo[0] || x[i] > op->hi[0]) beyond += mass;
    }
    free(x);
    *outside += beyond / all;
    return SL_OK;
}

static sl_status domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err)
{
    const double T = sl_brinkman_temperature(op), v = SHOWN * sl_brinkman_thermal(op);
    double lo[2] = {0}, hi[2] = {0};
    SL_TRY(sl_operator_box(lo, hi, outside, &op->loss, T, OUTSIDE, err));
    if (!(op->lo[1] < op->hi[1])) op->lo[1] = -(op->hi[1] = v);
    if (op->loss.kind->period > 0) {
        op->lo[0] = lo[0], op->hi[0] = hi[0];
        return SL_OK;
    }
    const bool given = op->lo[0] < op->hi[0];
    if (q->task == SL_TASK_EVOLVE) {
        const double a = q->from[0] - START * q->spread, b = q->from[0] + START * q->spread;
        if (given && !(op->lo[0] < q->from[0] && q->from[0] < op->hi[0]))
            return sl_fail(err, SL_E_DOMAIN, "the start x = %g lies outside the domain [%g, %g]", q->from[0], op->lo[0],
                           op->hi[0]);
        lo[0] = fmin(lo[0], a), hi[0] = fmax(hi[0], b);
    }
    if (!given) {
        op->lo[0] = lo[0], op->hi[0] = hi[0];
        return SL_OK;
    }
    return cut_off(outside, op, T, lo[0], hi[0], err);
}

static double bytes(const sl_operator *op, const sl_question *q, size_t n)
{
    const double nx = (double)n, nv = (double)sl_brinkman_orders(op, n);
    size_t vectors = 1;
    if (q->task == SL_TASK_SPECTRUM) vectors = sl_klein_kramers_spectrum_vectors(q);
    if (q->task == SL_TASK_EVOLVE) vectors = sl_klein_kramers_evolve_vectors();
    const double factor = q->task == SL_TASK_STATIONARY ? 0 : nv * nx * nx;
    const double fields = q->task == SL_TASK_EVOLVE ? (double)q->n_times : (double)q->eigenvalues;
    return 8 * (factor + 6 * nx * nx + (double)vectors * nv * nx + 2 * nv * nx + 2 * fields * nx * nx);
}

static double seconds(const sl_operator *op, const sl_question *q, size_t n)
{
    if (q->task == SL_TASK_SPECTRUM) return sl_klein_kramers_spectrum_seconds(op, q, n);
    return q->task == SL_TASK_EVOLVE ? sl_klein_kramers_evolve_seconds(op, q, n) : 0;
}

static sl_status stationary(sl_answer *a, const sl_brinkman *b, const sl_operator *op, sl_err *err)
{
    double *state = calloc(b->unknowns, sizeof *state);
    if (!state) return sl_fail(err, SL_E_MEMORY, "no memory for %zu unknowns", b->unknowns);
    memcpy(state, b->root, b->width[0] * sizeof *state);
    const sl_status st = sl_klein_kramers_add_law(a, b, op, 0, state, err);
    free(state);
    return st;
}

static sl_status solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    sl_brinkman b;
    SL_TRY(sl_brinkman_init(&b, op, n, err));
    a->unknowns = b.unknowns;
    sl_status st = SL_E_DOMAIN;
    if (q->task == SL_TASK_STATIONARY) st = stationary(a, &b, op, err);
    if (q->task == SL_TASK_SPECTRUM) st = sl_klein_kramers_spectrum(a, &b, op, q, err);
    if (q->task == SL_TASK_EVOLVE) st = sl_klein_kramers_evolve(a, &b, op, q, err);
    sl_brinkman_clear(&b);
    return st;
}

const sl_operator_kind sl_klein_kramers = {
    .entry = {.name = "kramers",
              .help = "Klein-Kramers: dx = v dt, dv = -s f' dt - g v dt + b dW, by Brinkman's hierarchy",
              .source = "Risken, The Fokker-Planck Equation, ch. 10"},
    .order = 0,
    .gradual = true,
    .first_grid = 32,
    .last_grid = 192,
    .check = check,
    .domain = domain,
    .bytes = bytes,
    .seconds = seconds,
    .solve = solve,
};
