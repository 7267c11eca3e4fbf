/* The interval that the transfer operator of plain SGD is solved on.
 *
 * The law of a chain of finite rate reaches farther than exp(-f/T), and on losses that grow faster than x^2 it has no
 * end: far out the step throws the iterate farther out. So the interval begins with the Boltzmann law's and is widened
 * until the law found on it loses nothing, or until what it loses a step no longer depends on the interval: then it is
 * lost to infinity, and the law is quasi-stationary.
 *
 * A first passage asks for more: what leaves at the other end must be little against the passage, which may be rarer
 * than anything that the stationary law is known to, and may begin in a well that this law does not see. So there the
 * interval is widened until hardly any iterate leaves at the other end before it has passed. */
#include <math.h>
#include <stdlib.h>

#include "sim/operators/transfer/sgd_line_passage.h"

/* Mass left outside by the Boltzmann law; mass lost a step that is no loss; part of the mass lost a step beyond which a
 * law is not worth the name: it would live a hundred steps. */
static const double OUTSIDE = 1e-13, NO_LOSS = 1e-15, TOO_MUCH = 1e-2;
/* Each widening adds that part of the width; a loss that falls by less than 1 % is one to infinity. */
static const double WIDEN = 0.15, SETTLED = 0.99;
enum { WIDENINGS = 24, COARSE = 64, FINE = 512 };
/* Of a first passage's tolerance, what may leave at the other end; widenings of no use after which one stops. */
static const double KEPT = 0.01;
enum { IDLE = 4 };
/* Steps of an evolution among which the largest rate is looked for. */
enum { LOOKED_AT = 65536 };

sl_status sl_sgd_line_cycle(uint64_t *cycle, const sl_operator *op, const sl_question *q, sl_err *err)
{
    const bool evolve = q->task == SL_TASK_EVOLVE;
    const sl_status st = sl_rate_period(cycle, op, q, evolve ? NULL : err);
    if (!evolve || st == SL_OK || st == SL_E_MEMORY) return st;
    *cycle = 0;
    return SL_OK;
}

/* The step of the largest rate among those that the question is about (of a long evolution: the first ones). */
static uint64_t fastest(const sl_operator *op, const sl_question *q, uint64_t cycle)
{
    const double until = q->task == SL_TASK_EVOLVE ? fmin(q->times[q->n_times - 1], LOOKED_AT) : (double)cycle;
    const uint64_t steps = cycle > 0 ? (uint64_t)fmin(until, (double)cycle) : (uint64_t)until;
    uint64_t best = 0;
    for (uint64_t k = 1; k < steps; k++)
        if (sl_schedule_mean(&op->schedule, k, k + 1) > sl_schedule_mean(&op->schedule, best, best + 1)) best = k;
    return best;
}

/* -------------------------------------------------------------------------------------------------- too large rates */

static double drift(const sl_operator *op, double x)
{
    double g;
    sl_loss_gradient(&op->loss, &x, &g);
    return g + op->rule.weight_decay * x;
}

/* The slope c of the drift far out on one side, where it is c x; 0 where it is bounded or grows faster. */
static double far_slope(const sl_operator *op, int side)
{
    const double near = 1e6 * side, far = 1e9 * side, c = drift(op, far) / far;
    return c > 1e-6 && isfinite(c) && c < 1.5 * drift(op, near) / near ? c : 0;
}

bool sl_sgd_line_power_tail(const sl_operator *op)
{
    const double hi = sl_sgd_line_rates(op, 0).hi;
    if (!sl_schedule_is_random(&op->schedule)) return false;
    return hi * far_slope(op, -1) > 2 || hi * far_slope(op, 1) > 2;
}

/* E (1 - c r)^6 of a random rate. */
static double sixth(sl_sgd_rates r, double c)
{
    return (pow(1 - c * r.lo, 7) - pow(1 - c * r.hi, 7)) / (7 * c * (r.hi - r.lo));
}

/* Where the drift is c x far out, <x^2> is multiplied by E (1 - c r)^2 a step. With E (1 - c r)^n > 1 the moment n is
 * infinite: the density falls like a power. Below the sixth no interval would give <x^4> to some digits. */
static sl_status check_far_out(const sl_operator *op, uint64_t first, uint64_t cycle, sl_err *err)
{
    const double q = sl_schedule_q(&op->schedule), mean = sl_schedule_mean(&op->schedule, first, first + cycle);
    for (int side = -1; side <= 1; side += 2) {
        const double c = far_slope(op, side);
        double growth = 0;
        if (c == 0) continue;
        for (uint64_t k = first; k < first + cycle; k++) {
            const double cr = c * sl_schedule_mean(&op->schedule, k, k + 1);
            growth += log(1 - 2 * cr + q * cr * cr);
        }
        if (growth >= 0 && cycle == 1)
            return sl_fail(err, SL_E_UNSTABLE,
                           "a l = %g with a = %g, the slope of the gradient far out, and l = %g: <x^2> grows without "
                           "bound, need a l < 2/q = %g",
                           c * mean, c, mean, 2 / q);
        if (growth >= 0)
            return sl_fail(
                err, SL_E_UNSTABLE,
                "over a cycle of %llu steps of mean rate %g the product of E(1 - a l_k)^2 is %g with a = %g, the "
                "slope of the gradient far out: <x^2> grows without bound, need a product below 1",
                (unsigned long long)cycle, mean, exp(growth), c);
        if (sl_sgd_line_power_tail(op) && cycle == 1 && sixth(sl_sgd_line_rates(op, first), c) >= 1)
            return sl_fail(
                err, SL_E_UNSTABLE,
                "a l = %g with a = %g, the slope of the gradient far out: <x^2> is finite up to a l = 2/q = %g, "
                "but E(1 - a r)^6 >= 1, so that <x^6> is not, and no interval holds the law: need a smaller rate",
                c * mean, c, 2 / q);
    }
    return SL_OK;
}

static sl_status refuse(const sl_operator *op, double lost, double rate, sl_err *err)
{
    const double lo = op->lo[0], hi = op->hi[0];
    double lowest = INFINITY, at = 0;
    for (int i = 0; i <= 4000; i++) {
        const double x = lo + (hi - lo) * i / 4000, f = sl_loss_value(&op->loss, &x);
        if (f < lowest) lowest = f, at = x;
    }
    const double h = 1e-4 * (hi - lo), curvature = (drift(op, at + h) - drift(op, at - h)) / (2 * h);
    return sl_fail(
        err, SL_E_UNSTABLE,
        "at rate %g %.2g of the mass leaves [%g, %g] a step, need below %g; iterates stay at the minimum x = %.3g "
        "for rates below 2/(q f'') = %g",
        rate, lost, lo, hi, TOO_MUCH, at, 2 / (sl_schedule_q(&op->schedule) * curvature));
}

/* ----------------------------------------------------------------------------------------------------- the widening */

/* Is the density of p a polynomial of that degree, to rounding? Else its tails, which are asked about, are noise. */
static bool resolved(const double *p, const sl_sgd_line *line, double *density, double *coefficient)
{
    const size_t n = line->n;
    for (size_t j = 0; j < n; j++) density[j] = p[j] / line->w[j];
    for (size_t k = 0; k < n; k++) {
        double sum = 0;
        for (size_t j = 0; j < n; j++) sum += line->analysis[k * n + j] * density[j];
        coefficient[k] = fabs(sum) / ((double)k + 0.5);
    }
    for (size_t k = n - n / 8; k < n; k++)
        if (coefficient[k] > 1e-13 * coefficient[0]) return false;
    return true;
}

/* Mass lost a step below and above by the law on n nodes. */
static sl_status losses_on(double lost[2], bool *good, const sl_operator *op, uint64_t first, uint64_t cycle, size_t n,
                           sl_err *err)
{
    sl_sgd_line_chain c;
    double *p = NULL;
    sl_status st = sl_sgd_line_chain_init(&c, op, op->lo[0], op->hi[0], n, first, cycle, err);
    if (st == SL_OK && !(p = malloc(3 * n * sizeof *p)))
        st = sl_fail(err, SL_E_MEMORY, "no memory for a law on %zu nodes", n);
    if (st == SL_OK) st = sl_sgd_line_chain_law(p, &c, err);
    if (st == SL_OK) *good = resolved(p, &c.line, p + n, p + 2 * n);
    lost[0] = lost[1] = 0;
    for (uint64_t k = 0; k < cycle && st == SL_OK; k++) {
        double part[2];
        st = sl_sgd_line_chain_pass(p, part, &c, k, err);
        for (int side = 0; side < 2; side++) lost[side] += part[side] / (double)cycle;
    }
    free(p);
    sl_sgd_line_chain_clear(&c);
    return st;
}

/* On as many nodes as it takes. A law that the finest grid does not resolve is not asked about its tails. */
static sl_status losses(double lost[2], const sl_operator *op, uint64_t first, uint64_t cycle, sl_err *err)
{
    bool good = false;
    for (size_t n = COARSE; n <= FINE && !good; n *= 2) {
        const sl_status st = losses_on(lost, &good, op, first, cycle, n, err);
        if (st != SL_OK && st != SL_E_NUMERIC) return st;
    }
    if (!good) lost[0] = lost[1] = 0;
    return SL_OK;
}

static sl_status widen(sl_operator *op, double *outside, uint64_t first, uint64_t cycle, sl_err *err)
{
    double before[2] = {INFINITY, INFINITY}, lost[2];
    bool settled = false;
    for (int k = 0; k < WIDENINGS && !settled; k++) {
        SL_TRY(losses(lost, op, first, cycle, err));
        settled = true;
        const double by = WIDEN * (op->hi[0] - op->lo[0]);
        for (int side = 0; side < 2; side++) {
            const bool more = lost[side] > NO_LOSS && lost[side] < SETTLED * before[side];
            before[side] = lost[side];
            if (!more) continue;
            settled = false;
            *(side == 0 ? &op->lo[0] : &op->hi[0]) += side == 0 ? -by : by;
        }
    }
    const double total = lost[0] + lost[1];
    if (total > TOO_MUCH) return refuse(op, total, sl_schedule_mean(&op->schedule, first, first + cycle), err);
    if (!settled) *outside = fmax(*outside, total);
    return SL_OK;
}

/* ---------------------------------------------------------------------------------------------------- the other end */

/* How long the passage takes, and how often iterates leave at the other end before: on n nodes. */
static sl_status passage_on(double *steps, double *elsewhere, const sl_operator *op, const sl_question *q,
                            uint64_t cycle, size_t n, sl_err *err)
{
    double a, b;
    sl_sgd_line_interval(&a, &b, op, q);
    sl_sgd_line_chain c;
    sl_sgd_line_passage p = {0};
    double *M = NULL;
    sl_status st = sl_sgd_line_chain_init(&c, op, a, b, n, 0, cycle, err);
    if (st == SL_OK && !(M = malloc((n + 1) * n * sizeof *M)))
        st = sl_fail(err, SL_E_MEMORY, "no memory for first passages on %zu nodes", n);
    if (st == SL_OK) st = sl_sgd_line_passage_init(&p, &c, M, err);
    if (st == SL_OK) st = sl_sgd_line_expect(M + n * n, steps, &p, -1, q->from[0], err);
    if (st == SL_OK) st = sl_sgd_line_expect(M + n * n, elsewhere, &p, q->to[0] > q->from[0] ? 0 : 1, q->from[0], err);
    sl_sgd_line_passage_clear(&p);
    free(M);
    sl_sgd_line_chain_clear(&c);
    return st;
}

/* On as many nodes as it takes for two grids to agree on what leaves, to a tenth or on that it is below `goal`. *good:
 * they do. */
static sl_status leaving(double *elsewhere, bool *good, const sl_operator *op, const sl_question *q, uint64_t cycle,
                         double goal, sl_err *err)
{
    double before = NAN, steps;
    *good = false;
    for (size_t n = COARSE; n <= FINE && !*good; n *= 2) {
        const sl_status st = passage_on(&steps, elsewhere, op, q, cycle, n, err);
        if (st != SL_OK && st != SL_E_NUMERIC) return st;
        if (st != SL_OK || !(steps >= 0.5)) *elsewhere = NAN;
        const double both = fabs(*elsewhere) + fabs(before); /* false where one is NAN: */
        *good = both <= goal || fabs(*elsewhere - before) <= 0.05 * both;
        before = *elsewhere;
    }
    return SL_OK;
}

/* Widens the end opposite to `to` until hardly anything leaves there, or as long as it is of use. */
static sl_status keep_in(sl_operator *op, const sl_question *q, uint64_t cycle, sl_err *err)
{
    const double goal = KEPT * op->tolerance;
    double *const end = q->to[0] > q->from[0] ? &op->lo[0] : &op->hi[0], useful = *end, least = INFINITY;
    int idle = 0;
    for (int k = 0; k < WIDENINGS && idle < IDLE; k++) {
        double elsewhere;
        bool good;
        SL_TRY(leaving(&elsewhere, &good, op, q, cycle, goal, err));
        if (good && elsewhere < SETTLED * least) {
            least = elsewhere;
            useful = *end;
            idle = 0;
        } else {
            idle++;
        }
        if (least <= goal) return SL_OK;
        *end += (end == &op->lo[0] ? -WIDEN : WIDEN) * (op->hi[0] - op->lo[0]);
    }
    *end = useful;
    return SL_OK;
}

/* ------------------------------------------------------------------------------------------------------- the domain */

static void include(sl_operator *op, double x)
{
    op->lo[0] = fmin(op->lo[0], x);
    op->hi[0] = fmax(op->hi[0], x);
}

/* Where the first iterates of an evolution are, as far as they do not run away. */
static void include_start(sl_operator *op, const sl_question *q)
{
    const double width = op->hi[0] - op->lo[0], reach = 8.6 * q->spread;
    const sl_sgd_rates r = sl_sgd_line_rates(op, 0);
    const double edge[2] = {q->from[0] - reach, q->from[0] + reach};
    for (int i = 0; i < 2; i++) {
        include(op, edge[i]);
        const double next = edge[i] - r.hi * drift(op, edge[i]), noise = 8.6 * r.hi * sqrt(op->noise_variance);
        for (int side = -1; side <= 1; side += 2)
            if (fabs(next - edge[i]) < 4 * width + 2 * fabs(edge[i])) include(op, next + side * noise);
    }
}

/* A domain that was given, or a period. */
static sl_status check_domain(const sl_operator *op, const sl_question *q, sl_err *err)
{
    const double lo = op->lo[0], hi = op->hi[0], period = op->loss.kind->period;
    if (period > 0 && fabs(hi - lo - period) > 1e-9 * period)
        return sl_fail(err, SL_E_CONFIG, "domain [%g, %g]: a loss of period %g lives on one period", lo, hi, period);
    const double points[2] = {q->from[0], q->to[0]};
    const bool first = q->task == SL_TASK_EVOLVE || q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR;
    const bool second = q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR;
    for (int i = 0; i < 2; i++)
        if ((i == 0 ? first : second) && !(points[i] >= lo && points[i] <= hi))
            return sl_fail(err, SL_E_CONFIG, "'%s' = %g is outside the domain [%g, %g]", i == 0 ? "from" : "to",
                           points[i], lo, hi);
    const double left = points[1] > points[0] ? hi - points[1] : points[1] - lo;
    if (period > 0 && q->task == SL_TASK_MFPT && !(left > 1e-9 * period))
        return sl_fail(err, SL_E_DOMAIN,
                       "'to' = %g is an end of the period [%g, %g]: nothing lies beyond it, and a step does not hit a "
                       "point",
                       points[1], lo, hi);
    return SL_OK;
}

sl_status sl_sgd_line_domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err)
{
    uint64_t cycle;
    SL_TRY(sl_sgd_line_cycle(&cycle, op, q, err));
    *outside = NAN;
    if (op->lo[0] < op->hi[0]) return check_domain(op, q, err);
    const double period = op->loss.kind->period;
    if (q->task == SL_TASK_COMMITTOR && !(period > 0)) { /* between the two sets, whatever the loss */
        op->lo[0] = fmin(q->from[0], q->to[0]);
        op->hi[0] = fmax(q->from[0], q->to[0]);
        return SL_OK;
    }
    const uint64_t first = fastest(op, q, cycle);
    const double rate = sl_schedule_mean(&op->schedule, first, first + 1);
    if (!(rate > 0)) return sl_fail(err, SL_E_DOMAIN, "the rate is %g at every step, need a step with rate > 0", rate);
    double T = rate * sl_schedule_q(&op->schedule) * op->noise_variance / 2;
    /* Mode k weighs the tail with x^(2k), like a hotter law (Hermite functions: to rounding up to k = 15). */
    if (q->task == SL_TASK_SPECTRUM) T *= 1 + (double)q->eigenvalues / 8;
    SL_TRY(sl_operator_box(op->lo, op->hi, outside, &op->loss, T, OUTSIDE, err));
    if (period > 0) return check_domain(op, q, err);
    if (q->task == SL_TASK_EVOLVE) {
        const sl_operator box = *op;
        double beyond = 0;
        /* Held at its largest rate the law would be widest. There may be none: for a while any rate will do. */
        if (check_far_out(op, first, 1, NULL) != SL_OK || widen(op, &beyond, first, 1, NULL) != SL_OK) *op = box;
        include_start(op, q);
        return SL_OK;
    }
    SL_TRY(check_far_out(op, 0, cycle, err));
    /* Held at its largest rate a cycle would have its widest law; if that is no law, the cycle's own. */
    const sl_operator box = *op;
    const double beyond = *outside;
    if (widen(op, outside, first, 1, NULL) != SL_OK) {
        *op = box;
        *outside = beyond;
        SL_TRY(widen(op, outside, 0, cycle, err));
    }
    if (q->task == SL_TASK_MFPT) {
        include(op, q->from[0]);
        include(op, q->to[0]);
        return keep_in(op, q, cycle, err);
    }
    return SL_OK;
}
