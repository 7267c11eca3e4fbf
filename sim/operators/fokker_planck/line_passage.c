/* First passages on a line: mean times and committors, by sums of positive terms only, kept as mantissa and logarithm,
 * so that neither cancellation nor overflow limits how low a temperature may be. */
#include <math.h>
#include <stdlib.h>

#include "sim/operators/fokker_planck/line.h"

/* v exp(log): exp() of what is summed may lie far beyond a double. */
typedef struct {
    double v, log;
} scaled;

/* s += c exp(log), c >= 0 */
static void accumulate(scaled *s, double c, double log)
{
    if (!(c > 0)) return;
    if (!(s->v > 0)) {
        *s = (scaled){c, log};
        return;
    }
    if (log > s->log + 300) { /* rarely: what was there is rescaled */
        s->v *= exp(s->log - log);
        s->log = log;
    }
    s->v += c * exp(log - s->log);
}

static double log_of(const scaled *s)
{
    return s->v > 0 ? log(s->v) + s->log : -INFINITY;
}

static double clipped_exp(double log)
{
    return exp(fmin(log, 709.78)); /* of nodes that are not asked for: the largest double stands for more */
}

/* log of the mean times u to leave through the right end (absorb_left: or the left one), at all nodes, in order of
 * `at` (so that a target on the left is the same problem). One-sided:
 *     u_i = sum_{e >= i} r_e sum_{j <= e} m_j.
 * Two-sided, R the resistance between two nodes, 0 and N the ends:
 *     u_i = (R_iN sum_{j <= i} R_0j m_j + R_0i sum_{j > i} R_jN m_j) / R_0N. */
static sl_status log_times(double *u, const double *log_m, const double *log_r, size_t n, bool absorb_left, sl_err *err)
{
    const size_t N = n - 1;
    if (!absorb_left) {
        scaled mass = {0, 0}, time = {0, 0};
        for (size_t e = 0; e < N; e++) { /* u[e] holds the log of r_e M_e until the sums over it are taken */
            accumulate(&mass, 1, log_m[e]);
            u[e] = log_r[e] + log_of(&mass);
        }
        u[N] = -INFINITY;
        for (size_t e = N; e-- > 0;) {
            accumulate(&time, 1, u[e]);
            u[e] = log_of(&time);
        }
        return SL_OK;
    }
    double *R = malloc(3 * n * sizeof *R);
    if (!R) return sl_fail(err, SL_E_MEMORY, "no memory for the resistances of %zu nodes", n);
    double *from_left = R, *from_right = R + n, *right_part = R + 2 * n;
    scaled sum = {0, 0};
    for (size_t i = 0; i < n; i++) {
        from_left[i] = log_of(&sum);
        if (i < N) accumulate(&sum, 1, log_r[i]);
    }
    const double whole = log_of(&sum);
    sum = (scaled){0, 0};
    for (size_t i = n; i-- > 0;) {
        from_right[i] = log_of(&sum);
        if (i > 0) accumulate(&sum, 1, log_r[i - 1]);
    }
    sum = (scaled){0, 0};
    for (size_t i = n; i-- > 0;) {
        right_part[i] = log_of(&sum);
        if (isfinite(from_right[i])) accumulate(&sum, 1, from_right[i] + log_m[i]);
    }
    sum = (scaled){0, 0};
    for (size_t i = 0; i < n; i++) {
        if (isfinite(from_left[i])) accumulate(&sum, 1, from_left[i] + log_m[i]);
        scaled both = {0, 0};
        if (isfinite(from_right[i])) accumulate(&both, 1, from_right[i] + log_of(&sum));
        if (isfinite(from_left[i])) accumulate(&both, 1, from_left[i] + right_part[i]);
        u[i] = log_of(&both) - whole;
    }
    free(R);
    return SL_OK;
}

static void reverse(double *v, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        const double swap = v[i];
        v[i] = v[n - 1 - i];
        v[n - 1 - i] = swap;
    }
}

sl_status sl_line_mfpt(sl_answer *a, const sl_cells *l, const sl_operator *op, const sl_question *q, sl_err *err)
{
    const size_t n = l->n;
    const bool leftward = l->to == 0;
    sl_field *field = NULL;
    double *log_m = malloc(3 * n * sizeof *log_m);
    if (!log_m) return sl_fail(err, SL_E_MEMORY, "no memory for a passage over %zu nodes", n);
    double *log_r = log_m + n, *u = log_r + n;
    for (size_t i = 0; i < n; i++) log_m[i] = l->log_m[i];
    for (size_t e = 0; e < l->edges; e++) log_r[e] = l->log_r[e];
    if (leftward) {
        reverse(log_m, n);
        reverse(log_r, l->edges);
    }
    sl_status st = log_times(u, log_m, log_r, n, l->absorbing || op->loss.kind->period > 0, err);
    if (st == SL_OK && leftward) reverse(u, n);
    const double log_time = u[l->from];
    for (size_t i = 0; i < n && st == SL_OK; i++) u[i] = clipped_exp(u[i]);
    if (st == SL_OK) st = sl_line_add_field(&field, a, "mfpt", 0, l, u, err);
    free(log_m);
    SL_TRY(st);
    if (log_time > log(1e308))
        return sl_fail(err, SL_E_CONFIG,
                       "the mean first-passage time from %g to %g at T = %g is 10^%.8g, more than a double holds",
                       q->from[0], q->to[0], op->temperature, log_time / M_LN10);
    return sl_answer_add(a, "mfpt", 0, exp(log_time), 0, 0, err);
}

/* Between nodes i and k the chance of reaching k first, which rises as the resistance from i does, into value[] (which
 * may run downwards: k < i). Returns the log of the resistance between them. */
static double rise(double *value, const sl_cells *l, size_t i, size_t k)
{
    const size_t first = i < k ? i : k, last = i < k ? k : i;
    scaled up = {0, 0}, down = {0, 0};
    for (size_t e = first; e < last; e++) {
        value[e] = log_of(&up); /* for the moment: the log of the resistance from the first node */
        accumulate(&up, 1, l->log_r[e]);
    }
    const double whole = log_of(&up);
    value[last] = whole;
    if (i < k) {
        for (size_t e = first; e <= last; e++) value[e] = exp(value[e] - whole);
        return whole;
    }
    for (size_t e = last + 1; e-- > first;) { /* from the other end, lest 1 - q cancels */
        value[e] = exp(log_of(&down) - whole);
        if (e > first) accumulate(&down, 1, l->log_r[e - 1]);
    }
    return whole;
}

/* Numbers: "committor", the stationary mean of the field (the part of the time that belongs to ways which will reach
 * `to` first), and "flux", the transitions from `from` to `to` in a unit of time, 1/(Z R). */
sl_status sl_line_committor(sl_answer *a, const sl_cells *l, const sl_operator *op, const sl_question *q, sl_err *err)
{
    (void)q;
    const size_t n = l->n;
    double *value = malloc(n * sizeof *value), flux = 0;
    if (!value) return sl_fail(err, SL_E_MEMORY, "no memory for a committor on %zu nodes", n);
    const bool ring = op->loss.kind->period > 0 && !l->absorbing, upward = l->to > l->from;
    for (size_t i = 0; i < n; i++) value[i] = (i < l->to) == upward ? 0 : 1;
    flux = exp(-rise(value, l, l->from, l->to));
    if (ring) flux += exp(-rise(value, l, upward ? n - 1 : 0, l->to)); /* the other way round the ring */
    double mass = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        mass += l->m[i];
        sum += l->m[i] * value[i];
    }
    sl_field *field = NULL;
    const sl_status st = sl_line_add_field(&field, a, "committor", 0, l, value, err);
    free(value);
    SL_TRY(st);
    SL_TRY(sl_answer_add(a, "committor", 0, sum / mass, 0, 1, err));
    return sl_answer_add(a, "flux", 0, flux / mass, 0, 0, err);
}
