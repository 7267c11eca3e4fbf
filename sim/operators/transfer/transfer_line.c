/* The transfer operator of plain SGD on a line: x' = x - r (f'(x) + n), n ~ N(0, noise variance), with the rate r of
 * the schedule. Without momentum it does not matter on what alpha acts. Weight decay is part of the drift.
 *
 * The discretisation is that of sim/operators/transfer/sgd_line_step.h. Iterates that leave the interval are lost ("killed"): on
 * a loss that grows faster than x^2 they are thrown to infinity from |x| > sqrt(1 + 2/r) (double well). A periodic loss
 * lives on a ring, where sets are arcs: `to` up to the end of the period, `from` down to its beginning. op->edge is not
 * looked at, since a chain that jumps has no boundary to be reflected at.
 *
 * Schedules: evolution takes any. The rest takes one that comes back after a cycle of steps (1 where it is stationary);
 * a decaying one has no stationary law. The stationary law of a cycle is that of the product of its steps, averaged
 * over its phases; mfpt and committor begin with the first step of a cycle. */
#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/operators/arnoldi.h"
#include "sim/operators/transfer/sgd_line_chain.h"
#include "sim/operators/transfer/sgd_line_passage.h"
#include "sim/operators/variant.h"

/* Phases of a cycle whose laws are given; nodes up to which all eigenvalues are worked out; mass a step that is worth a
 * note; times beyond which 1 - the eigenvalue is all rounding; part that leaves at the other end that is worth saying,
 * and beyond which there is no passage to speak of. */
enum { PHASES = 8, DENSE = 512 };
static const double WORTH_A_NOTE = 1e-14, LONGEST = 1e13, WORTH_SAYING = 1e-9, MOSTLY = 0.5;

/* -------------------------------------------------------------------------------------------------- what is refused */

static sl_status check(const sl_operator *op, const sl_question *q, sl_err *err)
{
    if (!(op->noise_variance > 0 && isfinite(op->noise_variance)))
        return sl_fail(err, SL_E_DOMAIN, "noise variance = %g, need 0 < noise variance < inf", op->noise_variance);
    if (!op->schedule.spec.entry) return sl_fail(err, SL_E_DOMAIN, "the transfer operator has no schedule");
    const double period = op->loss.kind->period;
    if (period > 0 && op->rule.weight_decay > 0)
        return sl_fail(err, SL_E_DOMAIN, "weight decay = %g on the periodic loss '%s': the sum is not periodic",
                       op->rule.weight_decay, op->loss.kind->entry.name);
    if (q->task == SL_TASK_EVOLVE)
        for (size_t i = 0; i < q->n_times; i++)
            if (q->times[i] != floor(q->times[i]) || q->times[i] > 1e9)
                return sl_fail(err, SL_E_DOMAIN, "time %zu is %g: times are whole numbers of steps up to 1e9", i,
                               q->times[i]);
    uint64_t cycle;
    SL_TRY(sl_sgd_line_cycle(&cycle, op, q, err));
    double largest = 0;
    for (uint64_t k = 0; k < (cycle > 0 ? cycle : 1); k++) largest = fmax(largest, sl_sgd_line_rates(op, k).hi);
    const double wraps = period > 0 ? 17 * largest * sqrt(op->noise_variance) / period : 0;
    if (wraps > 1000)
        return sl_fail(err, SL_E_DOMAIN,
                       "a step goes round the period of loss '%s' %.3g times, at most 1000 are solved",
                       op->loss.kind->entry.name, wraps);
    return SL_OK;
}

static double bytes(const sl_operator *op, const sl_question *q, size_t n)
{
    uint64_t cycle = 0;
    if (sl_sgd_line_cycle(&cycle, op, q, NULL) != SL_OK) cycle = 0; /* solve() will say so */
    return sl_sgd_line_chain_bytes(op, n, cycle, q->task == SL_TASK_SPECTRUM ? 4 : 2);
}

/* Rates that an evolution meets one after the other: of a long one, as many as its first steps say. */
static double changes(const sl_operator *op, double steps)
{
    const uint64_t seen = (uint64_t)fmin(steps, 10000);
    double count = 1, last = sl_schedule_mean(&op->schedule, 0, 1);
    for (uint64_t k = 1; k < seen; k++) {
        const double now = sl_schedule_mean(&op->schedule, k, k + 1);
        count += now != last;
        last = now;
    }
    return seen > 0 ? count * steps / (double)seen : 1;
}

/* A table takes some 4 operations for each node, degree and point of the noise's integral (of which a random rate makes
 * segments), 1e10 a second; a step of a law is two products with a matrix, 2e9 a second. */
static double seconds(const sl_operator *op, const sl_question *q, size_t n)
{
    enum { PASSES = 20 }; /* through a cycle until its law is found */
    uint64_t cycle = 0;
    if (sl_sgd_line_cycle(&cycle, op, q, NULL) != SL_OK) cycle = 0;
    const double square = (double)n * (double)n, width = op->hi[0] - op->lo[0];
    const double steps = q->task == SL_TASK_EVOLVE && q->n_times > 0 ? q->times[q->n_times - 1] : 0;
    const double rate = sl_schedule_mean(&op->schedule, 0, (uint64_t)fmax(steps, 1));
    const double points = (32 + (double)n * fmin(6 * rate * sqrt(op->noise_variance) / width, 1)) *
                          (sl_schedule_is_random(&op->schedule) ? 4 : 1);
    const double table = 4 * square * points / 1e10, step = 4 * square / 2e9;
    if (q->task == SL_TASK_EVOLVE && cycle == 0) return changes(op, steps) * table + steps * step;
    const double slots = (double)sl_sgd_line_chain_slots(op, n, cycle);
    if (q->task == SL_TASK_EVOLVE) return slots * table; /* the steps are what was asked for */
    const double product = 4 * square * (double)n / 1e10 * (double)cycle;
    if (q->task == SL_TASK_STATIONARY && slots > 1) return slots * table + PASSES * (double)cycle * step;
    return (slots > 1 ? slots : (double)cycle) * table + product;
}

/* -------------------------------------------------------------------------------------------------- shared by tasks */

/* A chain with its product over a cycle, and vectors to work with. */
typedef struct {
    sl_sgd_line_chain chain;
    double *C;      /* [n][n] */
    double *vector; /* [8][n] */
    size_t n;
} work;

static void clear(work *w)
{
    free(w->C);
    sl_sgd_line_chain_clear(&w->chain);
}

static sl_status begin(work *w, const sl_operator *op, double a, double b, size_t n, uint64_t cycle, sl_err *err)
{
    *w = (work){.n = n};
    SL_TRY(sl_sgd_line_chain_init(&w->chain, op, a, b, n, 0, cycle, err));
    if (!(w->C = malloc((n + 8) * n * sizeof *w->C)))
        return sl_fail(err, SL_E_MEMORY, "no memory for a product on %zu nodes", n);
    w->vector = w->C + n * n;
    return SL_OK;
}

/* A field on the nodes, of values over a divisor (NULL: 1). */
static sl_status add_field(sl_field **field, sl_answer *a, const work *w, const char *name, size_t index,
                           const double *value, const double *over, sl_err *err)
{
    SL_TRY(sl_answer_add_field(field, a, name, index, w->n, 1, err));
    for (size_t j = 0; j < w->n; j++) {
        (*field)->node[0][j] = w->chain.line.x[j];
        (*field)->value[j] = over ? value[j] / over[j] : value[j];
    }
    return SL_OK;
}

/* The density of p[n] with its moments and its record in the answer. left: the mass that it should have. */
static sl_status add_law(sl_answer *a, const sl_operator *op, const work *w, const double *p, double left, double T,
                         size_t index, sl_err *err)
{
    sl_field *density = NULL;
    SL_TRY(add_field(&density, a, w, "density", index, p, w->chain.line.w, err));
    double mass = 0, least = 0, most = 0;
    for (size_t j = 0; j < w->n; j++) {
        mass += p[j];
        least = fmin(least, density->value[j]);
        most = fmax(most, density->value[j]);
    }
    a->mass_error = fmax(a->mass_error, fabs(mass - left));
    if (most > 0) a->density_min = fmin(a->density_min, least / most);
    return sl_answer_add_law(a, &op->loss, density, w->chain.line.w, T, index, err);
}

/* ------------------------------------------------------------------------------------------------------- stationary */

static double law_temperature(const sl_operator *op, uint64_t cycle)
{
    return op->temperature > 0 ? op->temperature : sl_sgd_line_temperature(op, cycle);
}

/* What is lost, in words. A power's tail beyond X has about X^n of what is lost a step in the moment n. */
static void note_losses(sl_answer *a, const work *w, const sl_operator *op)
{
    const double lo = w->chain.line.a, hi = w->chain.line.b, X2 = fmax(lo * lo, hi * hi);
    if (sl_sgd_line_power_tail(op))
        snprintf(
            a->note, sizeof a->note,
            "the law falls like a power: beyond [%.4g, %.4g], which is cut off, is about %.1g of <x^2> and %.1g of "
            "<x^4>",
            lo, hi, a->killed * X2 / sl_answer_number(a, "x2", 0).value,
            a->killed * X2 * X2 / sl_answer_number(a, "x4", 0).value);
    else if (a->killed > WORTH_A_NOTE)
        snprintf(a->note, sizeof a->note,
                 "quasi-stationary: %.2g of the mass leaves [%.4g, %.4g] a step, and is counted as lost", a->killed, lo,
                 hi);
}

static sl_status stationary(sl_answer *a, work *w, const sl_operator *op, sl_err *err)
{
    const size_t n = w->n;
    const uint64_t cycle = w->chain.cycle;
    double *p = w->vector, *average = w->vector + n;
    SL_TRY(sl_sgd_line_chain_law(p, &w->chain, err));
    memset(average, 0, n * sizeof *average);
    const uint64_t stride = (cycle + PHASES - 1) / PHASES;
    for (uint64_t k = 0; k < cycle; k++) {
        sl_field *phase = NULL;
        if (cycle > 1 && k % stride == 0)
            SL_TRY(add_field(&phase, a, w, "phase-density", (size_t)k, p, w->chain.line.w, err));
        for (size_t j = 0; j < n; j++) average[j] += p[j] / (double)cycle;
        double lost[2];
        SL_TRY(sl_sgd_line_chain_pass(p, lost, &w->chain, k, err));
        a->killed += (lost[0] + lost[1]) / (double)cycle;
    }
    a->killed = fmax(a->killed, 0);
    SL_TRY(add_law(a, op, w, average, 1, law_temperature(op, cycle), 0, err));
    note_losses(a, w, op);
    return SL_OK;
}

/* ----------------------------------------------------------------------------------------------------------- evolve */

/* p <- (B^T)^steps p by repeated squaring. C and T: [n][n], used up. */
static void leap(double *p, double *C, double *T, double *scratch, size_t n, uint64_t steps)
{
    const int N = (int)n;
    for (; steps > 0; steps >>= 1) {
        if (steps & 1) {
            cblas_dgemv(CblasRowMajor, CblasTrans, N, N, 1, C, N, p, 1, 0, scratch, 1);
            memcpy(p, scratch, n * sizeof *p);
        }
        if (steps == 1) break;
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, C, N, C, N, 0, T, N);
        memcpy(C, T, n * n * sizeof *C);
    }
}

static double sum(const double *p, size_t n)
{
    double s = 0;
    for (size_t j = 0; j < n; j++) s += p[j];
    return s;
}

/* Rounding moves the mass of p from what it must be; brought back, so that it does not add up over the steps. */
static void settle(sl_answer *a, double *p, double mass, size_t n)
{
    const double now = sum(p, n);
    a->mass_error = fmax(a->mass_error, fabs(now - mass));
    for (size_t j = 0; j < n; j++) p[j] *= mass / now;
}

static double lost_in(const sl_sgd_line_slot *step, const double *p, size_t n)
{
    return cblas_ddot((int)n, p, 1, step->lost, 2) + cblas_ddot((int)n, p, 1, step->lost + 1, 2);
}

/* Many steps of one rate go by powers of the matrix, which cost n steps each. */
static sl_status jump(sl_answer *a, double *p, work *w, uint64_t steps, sl_err *err)
{
    const size_t n = w->n;
    const sl_sgd_line_slot *step = NULL;
    SL_TRY(sl_sgd_line_chain_step(&step, &w->chain, 0, err));
    double *T = malloc(n * n * sizeof *T);
    if (!T) return sl_fail(err, SL_E_MEMORY, "no memory for a power on %zu nodes", n);
    const double mass = sum(p, n), before = lost_in(step, p, n);
    sl_sgd_line_matrix(w->C, &w->chain.line, step->M);
    leap(p, w->C, T, w->vector + 7 * n, n, steps);
    free(T);
    if (fmax(before, lost_in(step, p, n)) < 1e-16) settle(a, p, mass, n); /* nothing leaves on the way */
    return SL_OK;
}

/* From step `from` to step `to`. */
static sl_status advance(sl_answer *a, double *p, work *w, uint64_t from, uint64_t to, sl_err *err)
{
    const size_t n = w->n;
    const sl_sgd_line_slot *step = NULL;
    if (w->chain.cycle == 1 && (double)(to - from) > 2 * (double)n * log2((double)(to - from) + 1))
        return jump(a, p, w, to - from, err);
    for (uint64_t k = from; k < to; k++) {
        SL_TRY(sl_sgd_line_chain_step(&step, &w->chain, k, err));
        const double left = sum(p, n) - lost_in(step, p, n);
        sl_sgd_line_forward(p, &w->chain.line, step->M);
        if (!(left > 1e-300)) return sl_fail(err, SL_E_NUMERIC, "no mass is left at step %.0f", (double)k);
        settle(a, p, left, n);
    }
    return SL_OK;
}

/* A law that begins as a point has a width of about r sigma sqrt(t), and with rates down to 0 it stays singular at the
 * point for some steps: then its density, and so the divergence, would need more nodes than its moments, which are
 * exact. */
static bool is_smooth(const sl_operator *op, const sl_question *q, double t)
{
    const double width = op->hi[0] - op->lo[0];
    if (q->spread > width / 500) return true;
    double variance = q->spread * q->spread;
    const double first = fmin(t, 1000);
    for (uint64_t k = 0; k < (uint64_t)first; k++) {
        const double r = sl_sgd_line_rates(op, k).lo;
        variance += r * r * op->noise_variance;
    }
    return sqrt(variance) > width / 500 || (sl_schedule_is_random(&op->schedule) && t >= 10);
}

static sl_status evolve(sl_answer *a, work *w, const sl_operator *op, const sl_question *q, sl_err *err)
{
    double *p = w->vector, *m = w->vector + w->n, lost[2];
    sl_sgd_line_start(m, lost, &w->chain.line, q->from[0], q->spread);
    sl_sgd_line_law(p, &w->chain.line, m);
    settle(a, p, 1 - lost[0] - lost[1], w->n);
    const double T = law_temperature(op, w->chain.cycle);
    uint64_t now = 0;
    for (size_t i = 0; i < q->n_times; i++) {
        const uint64_t then = (uint64_t)q->times[i];
        SL_TRY(advance(a, p, w, now, then, err));
        now = then;
        const double mass = sum(p, w->n);
        const bool smooth = is_smooth(op, q, q->times[i]);
        const double least = a->density_min;
        SL_TRY(add_law(a, op, w, p, mass, smooth ? T : 0, i, err));
        if (!smooth) a->density_min = least; /* of a polynomial through a singular density */
        if (mass < 1 - 1e-12)
            snprintf(a->note, sizeof a->note,
                     "%.2g of the mass has left [%.4g, %.4g] by step %.0f and is lost; averages are "
                     "per mass that is left",
                     1 - mass, w->chain.line.a, w->chain.line.b, q->times[i]);
    }
    return SL_OK;
}

/* --------------------------------------------------------------------------------------------------------- spectrum */

typedef struct {
    double complex lambda;
    size_t column; /* of its vector; of a pair the real part's, the imaginary part's is the next */
} mode;

/* Largest modulus first; of equal moduli the larger real part, then the positive imaginary part. */
static int by_size(const void *a, const void *b)
{
    const double complex x = ((const mode *)a)->lambda, y = ((const mode *)b)->lambda;
    const double d = cabs(y) - cabs(x);
    if (fabs(d) > 1e-12 * cabs(x)) return d > 0 ? 1 : -1;
    if (fabs(creal(y) - creal(x)) > 1e-12 * cabs(x)) return creal(y) > creal(x) ? 1 : -1;
    return (cimag(y) > cimag(x)) - (cimag(y) < cimag(x));
}

/* All eigenvalues of C^T with their vectors, V[n][n], one after the other. */
static sl_status all_modes(mode *modes, double *V, double *C, size_t n, sl_err *err)
{
    double *re = malloc(2 * n * sizeof *re);
    if (!re) return sl_fail(err, SL_E_MEMORY, "no memory for %zu eigenvalues", n);
    double *im = re + n;
    const int info = (int)LAPACKE_dgeev(LAPACK_COL_MAJOR, 'N', 'V', (int)n, C, (int)n, re, im, NULL, 1, V, (int)n);
    for (size_t j = 0; j < n && info == 0; j++) modes[j] = (mode){re[j] + I * im[j], im[j] < 0 ? j - 1 : j};
    free(re);
    if (info == LAPACK_WORK_MEMORY_ERROR) return sl_fail(err, SL_E_MEMORY, "no memory for %zu eigenvalues", n);
    if (info != 0)
        return sl_fail(err, SL_E_NUMERIC, "the eigenvalues on %zu nodes were not found (LAPACK: %d)", n, info);
    qsort(modes, n, sizeof *modes, by_size);
    return SL_OK;
}

static sl_status apply_transposed(void *ctx, const double *x, double *y, sl_err *err)
{
    const work *w = ctx;
    (void)err;
    cblas_dgemv(CblasRowMajor, CblasTrans, (int)w->n, (int)w->n, 1, w->C, (int)w->n, x, 1, 0, y, 1);
    return SL_OK;
}

static sl_status leading_modes(mode *modes, double *V, work *w, size_t k, sl_err *err)
{
    double complex values[SL_OPERATOR_EIGENVALUES];
    SL_TRY(sl_arnoldi(values, V, w->n, k, false, apply_transposed, w, NULL, 0, 0, err));
    for (size_t j = 0; j < k; j++) modes[j] = (mode){values[j], cimag(values[j]) < 0 ? j - 1 : j};
    return SL_OK;
}

/* The law's perturbation that decays (and turns) with the eigenvalue, largest value 1. */
static sl_status add_mode(sl_answer *a, const work *w, const double *p, size_t index, sl_err *err)
{
    sl_field *f = NULL;
    SL_TRY(add_field(&f, a, w, "eigenfunction", index, p, w->chain.line.w, err));
    double most = 0;
    for (size_t j = 0; j < w->n; j++)
        if (fabs(f->value[j]) > fabs(most)) most = f->value[j];
    for (size_t j = 0; j < w->n && most != 0; j++) f->value[j] /= most;
    return SL_OK;
}

static sl_status spectrum(sl_answer *a, work *w, const sl_question *q, sl_err *err)
{
    const size_t n = w->n, k = q->eigenvalues < n - 2 ? q->eigenvalues : n - 3;
    SL_TRY(sl_sgd_line_chain_product(w->C, &w->chain, err));
    mode *modes = malloc(n * sizeof *modes);
    double *V = malloc((n <= DENSE ? n : k) * n * sizeof *V);
    sl_status st = modes && V ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for the modes on %zu nodes", n);
    if (st == SL_OK) st = n <= DENSE ? all_modes(modes, V, w->C, n, err) : leading_modes(modes, V, w, k, err);
    const double cycle = (double)w->chain.cycle;
    /* Below, an eigenvalue is a rounding of 0: what belongs to it is gone within a step. */
    const double floor = 1e-12 * sqrt((double)n);
    const double scale =
        st == SL_OK && k > 1 && cabs(modes[1].lambda) > floor ? fabs(log(cabs(modes[1].lambda))) / cycle : 1;
    for (size_t j = 0; j < k && st == SL_OK; j++) {
        if (!(cabs(modes[j].lambda) > floor)) {
            snprintf(a->note, sizeof a->note,
                     "%zu of the eigenvalues are 0: what belongs to them is gone within a step", k - j);
            break;
        }
        const double complex rate = clog(modes[j].lambda) / cycle;
        st = sl_answer_add(a, "eigenvalue", j, creal(rate), cimag(rate), scale, err);
        const bool second = cimag(modes[j].lambda) < 0 && j > 0 && modes[j - 1].column == modes[j].column;
        if (st == SL_OK) st = add_mode(a, w, V + (modes[j].column + second) * n, j, err);
    }
    free(modes);
    free(V);
    return st;
}

/* ---------------------------------------------------------------------------------------------- mfpt and committor */

static sl_status mfpt(sl_answer *a, work *w, const sl_sgd_line_passage *p, const sl_operator *op, const sl_question *q,
                      sl_err *err)
{
    const bool up = q->to[0] > q->from[0];
    double *u = w->vector, steps, elsewhere = 0;
    SL_TRY(sl_sgd_line_expect(u, &steps, p, -1, q->from[0], err));
    if (!(steps >= 0.5 && steps < LONGEST))
        return sl_fail(
            err, SL_E_NUMERIC,
            "the mean first-passage time from %g to %g comes out as %.3g steps: beyond %.0g nothing is left of it "
            "in double precision",
            q->from[0], q->to[0], steps, LONGEST);
    sl_field *f = NULL;
    SL_TRY(add_field(&f, a, w, "mfpt", 0, u, NULL, err));
    SL_TRY(sl_answer_add(a, "mfpt", 0, steps, 0, 0, err));
    a->numbers[a->n_numbers - 1].error = DBL_EPSILON * steps * steps; /* what 1 - the eigenvalue errs by */
    if (op->loss.kind->period > 0) return SL_OK; /* on a ring one gets there on both ways */
    SL_TRY(sl_sgd_line_expect(w->vector + w->n, &elsewhere, p, up ? 0 : 1, q->from[0], err));
    const double end = up ? op->lo[0] : op->hi[0];
    if (!(elsewhere < MOSTLY))
        return sl_fail(err, SL_E_NUMERIC,
                       "iterates from %g leave the domain at its other end, %.4g, before they reach %.4g with probability "
                       "%.2g, need below %g: make the domain wider; where that is no help they run away to infinity",
                       q->from[0], end, q->to[0], elsewhere, MOSTLY);
    /* Those that would come back begin anew. */
    a->numbers[a->n_numbers - 1].error += steps * fmax(elsewhere, 0) / (1 - elsewhere);
    if (elsewhere > WORTH_SAYING)
        snprintf(a->note, sizeof a->note,
                 "iterates leave the domain at its other end, %.4g, before they reach %.4g with probability %.2g; the "
                 "time counts until either, and its error counts them as if they began anew",
                 end, q->to[0], elsewhere);
    return SL_OK;
}

static sl_status committor(sl_answer *a, work *w, const sl_sgd_line_passage *p, const sl_question *q, sl_err *err)
{
    double half;
    SL_TRY(sl_sgd_line_expect(w->vector, &half, p, q->to[0] > q->from[0] ? 1 : 0, (q->from[0] + q->to[0]) / 2, err));
    sl_field *f = NULL;
    SL_TRY(add_field(&f, a, w, "committor", 0, w->vector, NULL, err));
    return sl_answer_add(a, "committor_midway", 0, half, 0, 1, err);
}

/* On the points that belong to neither set. */
static sl_status passage(sl_answer *a, work *w, const sl_operator *op, const sl_question *q, sl_err *err)
{
    sl_sgd_line_passage p;
    sl_status st = sl_sgd_line_passage_init(&p, &w->chain, w->C, err);
    if (st == SL_OK) st = q->task == SL_TASK_MFPT ? mfpt(a, w, &p, op, q, err) : committor(a, w, &p, q, err);
    sl_sgd_line_passage_clear(&p);
    return st;
}

/* --------------------------------------------------------------------------------------------------------- the kind */

static sl_status solve(sl_answer *answer, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    uint64_t cycle;
    SL_TRY(sl_sgd_line_cycle(&cycle, op, q, err));
    double a, b;
    sl_sgd_line_interval(&a, &b, op, q);
    work w;
    sl_status st = begin(&w, op, a, b, n, cycle, err);
    answer->unknowns = n;
    if (st == SL_OK) switch (q->task) {
        case SL_TASK_STATIONARY: st = stationary(answer, &w, op, err); break;
        case SL_TASK_EVOLVE: st = evolve(answer, &w, op, q, err); break;
        case SL_TASK_SPECTRUM: st = spectrum(answer, &w, q, err); break;
        case SL_TASK_MFPT:
        case SL_TASK_COMMITTOR: st = passage(answer, &w, op, q, err); break;
        }
    clear(&w);
    return st;
}

const sl_operator_variant sl_transfer_line = {
    .check = check, .domain = sl_sgd_line_domain, .bytes = bytes, .seconds = seconds, .solve = solve};
