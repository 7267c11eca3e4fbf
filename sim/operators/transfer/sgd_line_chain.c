#include "sim/operators/transfer/sgd_line_chain.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "sim/operators/arnoldi.h"

/* ------------------------------------------------------------------------------------------------------- the rates */

sl_sgd_rates sl_sgd_line_rates(const sl_operator *op, uint64_t step)
{
    const sl_rate_law r = sl_rate_at(op, step);
    const double lo = r.mean - r.half;
    return (sl_sgd_rates){lo > 1e-14 * r.mean ? lo : 0, r.mean + r.half}; /* Delta = 1 comes back as 1 - 1e-16 */
}

/* A cyclic rate is a cosine of the phase: equal to a rounding. */
static bool same(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b)) || fmax(fabs(a), fabs(b)) < 1e-300;
}

static double mean_rate(const sl_schedule *s, uint64_t k)
{
    return sl_schedule_mean(s, k, k + 1);
}

double sl_sgd_line_temperature(const sl_operator *op, uint64_t cycle)
{
    return sl_schedule_mean(&op->schedule, 0, cycle > 0 ? cycle : 1) * sl_schedule_q(&op->schedule) *
           op->noise_variance / 2;
}

/* ------------------------------------------------------------------------------------------------------- the steps */

typedef struct {
    double rate;
    size_t step;
} timed;

static int by_rate(const void *a, const void *b)
{
    const timed *x = a, *y = b;
    return x->rate != y->rate ? (x->rate > y->rate) - (x->rate < y->rate) : (x->step > y->step) - (x->step < y->step);
}

/* Groups the steps of a cycle by their rates; *groups: how many. */
static sl_status group(size_t *slot_of, size_t *groups, const sl_schedule *s, uint64_t first, uint64_t cycle,
                       sl_err *err)
{
    timed *t = malloc(cycle * sizeof *t);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a cycle of %llu steps", (unsigned long long)cycle);
    for (size_t k = 0; k < cycle; k++) t[k] = (timed){mean_rate(s, first + k), k};
    qsort(t, cycle, sizeof *t, by_rate);
    *groups = 0;
    for (size_t k = 0; k < cycle; k++) {
        *groups += k == 0 || !same(t[k].rate, t[k - 1].rate);
        if (slot_of) slot_of[t[k].step] = *groups - 1;
    }
    free(t);
    return SL_OK;
}

static bool fit(const sl_operator *op, size_t slots, size_t n)
{
    const double memory = op->memory > 0 ? op->memory : 2e9;
    return (double)slots * (double)n * (double)n * sizeof(double) <= memory / 2;
}

size_t sl_sgd_line_chain_slots(const sl_operator *op, size_t n, uint64_t cycle)
{
    size_t slots = 1;
    if (cycle > 1 && group(NULL, &slots, &op->schedule, 0, cycle, NULL) != SL_OK) slots = 1;
    return fit(op, slots, n) ? slots : 1;
}

double sl_sgd_line_chain_bytes(const sl_operator *op, size_t n, uint64_t cycle, double matrices)
{
    return ((double)sl_sgd_line_chain_slots(op, n, cycle) + 1 + matrices) * (double)n * (double)n * sizeof(double);
}

sl_status sl_sgd_line_chain_init(sl_sgd_line_chain *c, const sl_operator *op, double a, double b, size_t n,
                                 uint64_t first, uint64_t cycle, sl_err *err)
{
    *c = (sl_sgd_line_chain){.op = op, .first = first, .cycle = cycle, .slots = 1};
    if (cycle > 0) {
        if (!(c->slot_of = calloc(cycle, sizeof *c->slot_of)))
            return sl_fail(err, SL_E_MEMORY, "no memory for a cycle of %llu steps", (unsigned long long)cycle);
        SL_TRY(group(c->slot_of, &c->slots, &op->schedule, first, cycle, err));
        c->kept = fit(op, c->slots, n);
        if (!c->kept) c->slots = 1;
    }
    c->slot = calloc(c->slots, sizeof *c->slot);
    if (!c->slot) return sl_fail(err, SL_E_MEMORY, "no memory for %zu steps", c->slots);
    return sl_sgd_line_init(&c->line, &op->loss, op->rule.weight_decay, sqrt(op->noise_variance), a, b, op->lo[0], n,
                            err);
}

void sl_sgd_line_chain_clear(sl_sgd_line_chain *c)
{
    for (size_t k = 0; c->slot && k < c->slots; k++) free(c->slot[k].M);
    free(c->slot);
    free(c->slot_of);
    sl_sgd_line_clear(&c->line);
    *c = (sl_sgd_line_chain){0};
}

sl_status sl_sgd_line_chain_step(const sl_sgd_line_slot **step, sl_sgd_line_chain *c, uint64_t k, sl_err *err)
{
    if (sl_stop_requested()) return SL_INTERRUPTED;
    const size_t n = c->line.n, phase = c->cycle > 0 ? k % c->cycle : 0;
    sl_sgd_line_slot *s = &c->slot[c->kept ? c->slot_of[phase] : 0];
    *step = s;
    if (c->kept && s->M) return SL_OK;
    const sl_sgd_rates r = sl_sgd_line_rates(c->op, c->first + (c->cycle > 0 ? phase : k));
    if (s->M && s->r.lo == r.lo && s->r.hi == r.hi) return SL_OK;
    if (!s->M && !(s->M = malloc((n + 2) * n * sizeof *s->M)))
        return sl_fail(err, SL_E_MEMORY, "no memory for a step on %zu nodes", n);
    s->lost = s->M + n * n;
    s->r = r;
    sl_sgd_line_moments(s->M, s->lost, &c->line, r);
    return SL_OK;
}

static void multiply(double *C, const double *A, const double *B, size_t n)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)n, (int)n, 1, A, (int)n, B, (int)n, 0, C,
                (int)n);
}

sl_status sl_sgd_line_chain_product(double *C, sl_sgd_line_chain *c, sl_err *err)
{
    const size_t n = c->line.n;
    const sl_sgd_line_slot *step = NULL;
    SL_TRY(sl_sgd_line_chain_step(&step, c, 0, err));
    sl_sgd_line_matrix(C, &c->line, step->M);
    if (c->cycle <= 1) return SL_OK;
    double *T = malloc(n * n * sizeof *T);
    if (!T) return sl_fail(err, SL_E_MEMORY, "no memory for a product on %zu nodes", n);
    sl_status st = SL_OK;
    for (uint64_t k = 1; k < c->cycle && st == SL_OK; k++) {
        st = sl_sgd_line_chain_step(&step, c, k, err);
        if (st != SL_OK) break;
        multiply(T, C, step->M, n); /* C <- C M A */
        multiply(C, T, c->line.analysis, n);
    }
    free(T);
    return st;
}

/* --------------------------------------------------------------------------------------------------------- the law */

static double mass_of(const double *p, size_t n)
{
    double mass = 0;
    for (size_t j = 0; j < n; j++) mass += p[j];
    return mass;
}

/* p to mass 1; the return is how far it is from `before`. */
static double normalise(double *p, const double *before, size_t n)
{
    const double mass = mass_of(p, n);
    double change = 0;
    for (size_t j = 0; j < n; j++) {
        p[j] /= mass;
        change += fabs(p[j] - before[j]);
    }
    return change;
}

/* Changes that end an iteration: rounding lets it come no nearer. */
static bool at_rest(double change, double last)
{
    return change < 1e-13 || (change >= last && change < 1e-8);
}

/* Inverse iteration at 1: the eigenvalue of the law is 1 less what is lost in a cycle, and the next to it is farther.
 * C is used up. */
static bool invert(double *p, double *before, double *C, lapack_int *pivot, size_t n)
{
    enum { ITERATIONS = 100 };
    for (size_t j = 0; j < n; j++) C[j * n + j] -= 1 + 1e-15; /* a singular matrix cannot be solved with */
    /* Row by row C is C^T column by column, which is the matrix wanted. */
    if (LAPACKE_dgetrf(LAPACK_COL_MAJOR, (int)n, (int)n, C, (int)n, pivot) != 0) return false;
    double change = INFINITY;
    for (int k = 0; k < ITERATIONS; k++) {
        const double last = change;
        memcpy(before, p, n * sizeof *p);
        LAPACKE_dgetrs(LAPACK_COL_MAJOR, 'N', (int)n, 1, C, (int)n, pivot, p, (int)n);
        change = normalise(p, before, n);
        if (at_rest(change, last)) return true;
    }
    return false;
}

static sl_status law_by_product(bool *found, double *p, double *before, sl_sgd_line_chain *c, sl_err *err)
{
    const size_t n = c->line.n;
    double *C = malloc(n * n * sizeof *C);
    lapack_int *pivot = malloc(n * sizeof *pivot);
    sl_status st = C && pivot ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for a law on %zu nodes", n);
    if (st == SL_OK) st = sl_sgd_line_chain_product(C, c, err);
    if (st == SL_OK) *found = invert(p, before, C, pivot, n);
    free(C);
    free(pivot);
    return st;
}

/* y = C^T x, one step after the other. */
static sl_status through_cycle(void *ctx, const double *x, double *y, sl_err *err)
{
    sl_sgd_line_chain *c = ctx;
    const sl_sgd_line_slot *step = NULL;
    memcpy(y, x, c->line.n * sizeof *y);
    for (uint64_t k = 0; k < c->cycle; k++) {
        SL_TRY(sl_sgd_line_chain_step(&step, c, k, err));
        sl_sgd_line_forward(y, &c->line, step->M);
    }
    return SL_OK;
}

/* The law through a few cycles: a long one forgets where it began. */
static sl_status law_by_patience(bool *found, double *p, double *before, sl_sgd_line_chain *c, sl_err *err)
{
    enum { CYCLES = 6 };
    double change = INFINITY;
    for (int k = 0; k < CYCLES && !*found; k++) {
        const double last = change;
        memcpy(before, p, c->line.n * sizeof *p);
        SL_TRY(through_cycle(c, before, p, err));
        change = normalise(p, before, c->line.n);
        *found = at_rest(change, last);
        if (k > 0 && change > 0.1 * last) break; /* too slow */
    }
    return SL_OK;
}

static sl_status law_by_arpack(bool *found, double *p, double *before, sl_sgd_line_chain *c, sl_err *err)
{
    double complex value;
    memcpy(before, p, c->line.n * sizeof *p);
    SL_TRY(sl_arnoldi(&value, p, c->line.n, 1, false, through_cycle, c, before, 0, 0, err));
    normalise(p, before, c->line.n);
    *found = true;
    return SL_OK;
}

/* A product costs as much as n vectors, which is why a cycle whose matrices are at hand goes without it. */
sl_status sl_sgd_line_chain_law(double *p, sl_sgd_line_chain *c, sl_err *err)
{
    const size_t n = c->line.n;
    double *before = malloc(n * sizeof *before);
    if (!before) return sl_fail(err, SL_E_MEMORY, "no memory for a law on %zu nodes", n);
    bool found = false;
    for (size_t j = 0; j < n; j++) p[j] = c->line.w[j] / (c->line.b - c->line.a);
    sl_status st = SL_OK;
    if (c->cycle > 1) st = law_by_patience(&found, p, before, c, err);
    if (st == SL_OK && !found)
        st = c->cycle > 1 && c->kept ? law_by_arpack(&found, p, before, c, err)
                                     : law_by_product(&found, p, before, c, err);
    free(before);
    if (st != SL_OK) return st;
    if (found) return SL_OK;
    return sl_fail(err, SL_E_NUMERIC,
                   "no stationary law was found on %zu nodes of [%g, %g]: it is narrower than they are apart, or leaves "
                   "within a few steps",
                   n, c->line.a, c->line.b);
}

sl_status sl_sgd_line_chain_pass(double *p, double lost[2], sl_sgd_line_chain *c, uint64_t k, sl_err *err)
{
    const size_t n = c->line.n;
    const sl_sgd_line_slot *step = NULL;
    SL_TRY(sl_sgd_line_chain_step(&step, c, k, err));
    lost[0] = cblas_ddot((int)n, p, 1, step->lost, 2);
    lost[1] = cblas_ddot((int)n, p, 1, step->lost + 1, 2);
    sl_sgd_line_forward(p, &c->line, step->M);
    const double mass = mass_of(p, n);
    for (size_t j = 0; j < n; j++) p[j] /= mass;
    return SL_OK;
}
