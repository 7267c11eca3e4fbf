#include "sim/operators/transfer/rates.h"

#include <gsl/gsl_integration.h>
#include <lapacke.h>
#include <math.h>

#include "base/gsl.h"

enum { LONGEST_CYCLE = 4096, ALPHA_NODES = 4 };

sl_rate_law sl_rate_at(const sl_operator *op, uint64_t step)
{
    const double mean = sl_schedule_mean(&op->schedule, step, step + 1);
    /* A uniform alpha of mean 1 and half-width Delta has q = 1 + Delta^2/3. */
    const double half = mean * sqrt(3 * fmax(sl_schedule_q(&op->schedule) - 1, 0));
    return (sl_rate_law){
        .mean = mean, .half = half, .on_step = op->rule.alpha_on == SL_ALPHA_ON_STEP, .base = op->rule.lr};
}

double sl_rate_on_gradient(const sl_rate_law *law, double rate)
{
    return law->on_step ? 1 : rate / law->base;
}

double sl_rate_on_step(const sl_rate_law *law, double rate)
{
    return law->on_step ? rate : law->base;
}

size_t sl_rate_nodes(double *rate, double *weight, size_t n, const sl_rate_law *law)
{
    rate[0] = law->mean;
    weight[0] = 1;
    if (!(law->half > 0) || n < 2) return 1;
    sl_gsl_quiet();
    gsl_integration_glfixed_table *t = gsl_integration_glfixed_table_alloc(n);
    if (!t) return 1;
    for (size_t i = 0; i < n; i++) {
        gsl_integration_glfixed_point(law->mean - law->half, law->mean + law->half, i, &rate[i], &weight[i], t);
        weight[i] /= 2 * law->half;
    }
    gsl_integration_glfixed_table_free(t);
    return n;
}

static bool same(const sl_operator *op, uint64_t k, uint64_t period)
{
    return fabs(sl_rate_at(op, k).mean - sl_rate_at(op, k + period).mean) <= 1e-12 * fabs(op->schedule.lr);
}

/* Two of the longest cycles step by step, and a thousand steps up to the horizon: on a plateau (an epoch of many steps,
 * a decay in stairs) any period would do for a while. */
static bool repeats(const sl_operator *op, uint64_t period)
{
    for (uint64_t k = 0; k < 2 * LONGEST_CYCLE; k++)
        if (!same(op, k, period)) return false;
    for (uint64_t i = 0; i <= 1000; i++)
        if (!same(op, (uint64_t)((double)op->schedule.total_steps * (double)i / 1000), period)) return false;
    return true;
}

sl_status sl_rate_period(uint64_t *period, const sl_operator *op, const sl_question *q, sl_err *err)
{
    const char *name = op->schedule.spec.entry->name;
    if (sl_schedule_is_stationary(&op->schedule)) {
        *period = 1;
        return SL_OK;
    }
    if (q->cycle > 0) {
        if (q->cycle > LONGEST_CYCLE || !repeats(op, q->cycle))
            return sl_fail(err, SL_E_CONFIG, "schedule '%s' does not repeat after %llu steps (at most %d are followed)",
                           name, (unsigned long long)q->cycle, LONGEST_CYCLE);
        *period = q->cycle;
        return SL_OK;
    }
    for (uint64_t p = 2; p <= LONGEST_CYCLE; p++) {
        if (!repeats(op, p)) continue;
        *period = p;
        return SL_OK;
    }
    return sl_fail(err, SL_E_CONFIG,
                   "schedule '%s' is neither stationary nor periodic (within %d steps): it has no stationary law", name,
                   LONGEST_CYCLE);
}

/* (x, v) -> M (x, v) + b n of a rule at one rate on a x^2/2, where G = (a + w) x. */
static void linear_map(double M[2][2], double b[2], const sl_rule *rule, double a, double a_g, double a_s)
{
    const double curvature = a + rule->weight_decay, mu = rule->mu;
    const double to_v = rule->kind == SL_RULE_NESTEROV ? 1 + mu : 1; /* x' = x + a_s (to_v v' - from_v v) */
    const double from_v = rule->kind == SL_RULE_NESTEROV ? mu : 0;
    M[1][0] = -a_g * curvature;
    M[1][1] = mu;
    b[1] = -a_g;
    M[0][0] = 1 + a_s * to_v * M[1][0];
    M[0][1] = a_s * (to_v * mu - from_v);
    b[0] = a_s * to_v * b[1];
}

sl_linear_moments sl_linear_moments_of(const sl_operator *op, const sl_rate_law *law, double a)
{
    double rate[ALPHA_NODES], weight[ALPHA_NODES], A[9] = {0}, c[3] = {0};
    const size_t n = sl_rate_nodes(rate, weight, ALPHA_NODES, law);
    for (size_t i = 0; i < n; i++) {
        double M[2][2], b[2];
        linear_map(M, b, &op->rule, a, sl_rate_on_gradient(law, rate[i]), sl_rate_on_step(law, rate[i]));
        const size_t pair[3][2] = {{0, 0}, {0, 1}, {1, 1}}; /* x^2, xv, v^2 */
        for (size_t r = 0; r < 3; r++) {
            const double *p = M[pair[r][0]], *q = M[pair[r][1]];
            A[3 * r] += weight[i] * p[0] * q[0];
            A[3 * r + 1] += weight[i] * (p[0] * q[1] + p[1] * q[0]);
            A[3 * r + 2] += weight[i] * p[1] * q[1];
            c[r] += weight[i] * op->noise_variance * b[pair[r][0]] * b[pair[r][1]];
        }
    }
    double B[9], copy[9], re[3], im[3];
    for (size_t k = 0; k < 9; k++) {
        copy[k] = A[k];
        B[k] = (k % 4 == 0) - A[k];
    }
    sl_linear_moments m = {.radius = INFINITY, .x2 = INFINITY, .xv = INFINITY, .v2 = INFINITY};
    if (LAPACKE_dgeev(LAPACK_ROW_MAJOR, 'N', 'N', 3, copy, 3, re, im, NULL, 1, NULL, 1) != 0) return m;
    m.radius = 0;
    for (size_t k = 0; k < 3; k++) m.radius = fmax(m.radius, hypot(re[k], im[k]));
    int pivot[3];
    if (m.radius < 1 && LAPACKE_dgesv(LAPACK_ROW_MAJOR, 3, 1, B, 3, pivot, c, 1) == 0) {
        m.x2 = c[0];
        m.xv = c[1];
        m.v2 = c[2];
    }
    return m;
}
