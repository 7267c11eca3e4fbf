/* The last-iterate bound of T steps: sums over the tail, and what follows from them. */
#include "theory/annealing.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/stats.h"

struct sl_annealing {
    size_t T;      /* steps that move the iterate                                     */
    double *rate;  /* [T]                                                             */
    double *sum;   /* [T + 1]: S_k = rate_k + ... + rate_{T-1} + w                    */
    double *noise; /* [T + 1]: w + sum_{j >= k} rate_j^2 / S_{j+1}                    */
    sl_anneal_kind kind;
};

static sl_status check_rates(size_t *moving, const double *rate, size_t T, sl_err *err)
{
    size_t last = 0;
    for (size_t k = 0; k < T; k++) {
        if (!(rate[k] >= 0 && isfinite(rate[k])))
            return sl_fail(err, SL_E_DOMAIN, "the rate of step %zu is %g, need 0 or more and finite", k, rate[k]);
        if (rate[k] > 0) last = k + 1;
    }
    if (last == 0) return sl_fail(err, SL_E_DOMAIN, "the rates of all %zu steps are 0, need one that is not", T);
    *moving = last;
    return SL_OK;
}

/* From the end on, where the terms are smallest. */
static void add_up(sl_annealing *a)
{
    static const double still = 0.1; /* of the mean rate */
    const size_t T = a->T;
    const double w = a->rate[T - 1];
    a->sum[T] = a->noise[T] = w;
    a->kind.monotone = true;
    for (size_t k = T; k-- > 0;) {
        const double here = a->rate[k];
        a->sum[k] = a->sum[k + 1] + here;
        a->noise[k] = a->noise[k + 1] + here * here / a->sum[k + 1];
        if (k + 1 < T && a->rate[k + 1] > here * (1 + 1e-12)) a->kind.monotone = false;
    }
    a->kind.annealed = w < still * (a->sum[0] - w) / (double)T;
}

sl_status sl_annealing_alloc(sl_annealing **annealing, const double *rate, size_t T, sl_err *err)
{
    size_t moving = 0;
    SL_TRY(check_rates(&moving, rate, T, err));
    sl_annealing *const a = calloc(1, sizeof *a);
    if (a && moving < SIZE_MAX / sizeof *rate / 3 - 1) {
        a->T = moving;
        a->rate = malloc((3 * moving + 2) * sizeof *rate);
    }
    if (!a || !a->rate) {
        free(a);
        return sl_fail(err, SL_E_MEMORY, "no memory for the sums of %zu steps", T);
    }
    a->sum = a->rate + moving;
    a->noise = a->sum + moving + 1;
    for (size_t k = 0; k < moving; k++) a->rate[k] = rate[k];
    add_up(a);
    *annealing = a;
    return SL_OK;
}

sl_status sl_annealing_of(sl_annealing **a, const sl_schedule *s, sl_err *err)
{
    const size_t T = s->total_steps;
    if (sl_schedule_is_random(s))
        return sl_fail(err, SL_E_CONFIG, "schedule '%s' is random: the bound is that of a function of the step alone",
                       s->spec.entry->name);
    double *const rate = T <= SIZE_MAX / sizeof *rate ? malloc(T * sizeof *rate) : NULL;
    if (!rate) return sl_fail(err, SL_E_MEMORY, "no memory for %zu rates", T);
    for (size_t k = 0; k < T; k++) rate[k] = sl_schedule_lr(s, 0, 0, k);
    const sl_status st = sl_annealing_alloc(a, rate, T, err);
    free(rate);
    return st;
}

void sl_annealing_free(sl_annealing *a)
{
    if (!a) return;
    free(a->rate);
    free(a);
}

sl_anneal_kind sl_annealing_kind(const sl_annealing *a)
{
    return a->kind;
}

static sl_status check_positive(const char *name, double v, sl_err *err)
{
    if (!(v > 0 && isfinite(v))) return sl_fail(err, SL_E_DOMAIN, "%s = %g, need 0 < %s < inf", name, v, name);
    return SL_OK;
}

static sl_status check_problem(const sl_anneal_problem *p, sl_err *err)
{
    SL_TRY(check_positive("D", p->D, err));
    return check_positive("G", p->G, err);
}

/* With x = D/G of the rate's factor, min over c of (D^2/(c S) + c G^2 N)/2 is D G sqrt(N/S), at c = x / sqrt(S N). */
sl_status sl_annealing_tuned(double *factor, const sl_annealing *a, const sl_anneal_problem *p, sl_err *err)
{
    SL_TRY(check_problem(p, err));
    size_t best = 0;
    for (size_t k = 1; k <= a->T; k++)
        if (a->noise[k] / a->sum[k] < a->noise[best] / a->sum[best]) best = k;
    *factor = p->D / p->G / sqrt(a->sum[best] * a->noise[best]);
    return SL_OK;
}

/* The bound at c times the rates, c positive. */
static sl_anneal_bound smallest(const sl_annealing *a, const sl_anneal_problem *p, double c)
{
    sl_anneal_bound b = {.value = INFINITY};
    for (size_t k = 0; k <= a->T; k++) {
        const double distance = p->D * p->D / (2 * c * a->sum[k]), noise = c * p->G * p->G * a->noise[k] / 2;
        if (!(distance + noise < b.value)) continue;
        const size_t left = a->T + 1 - k;
        b = (sl_anneal_bound){.value = distance + noise,
                              .distance = distance,
                              .noise = noise,
                              .tail = (double)left / (double)(a->T + 1),
                              .steps_left = left};
    }
    return b;
}

sl_status sl_annealing_bound(sl_anneal_bound *b, const sl_annealing *a, const sl_anneal_problem *p, double factor,
                             double rho, sl_err *err)
{
    SL_TRY(check_problem(p, err));
    SL_TRY(check_positive("the factor of the rates", factor, err));
    SL_TRY(check_positive("rho", rho, err));
    *b = smallest(a, p, factor * rho);
    return SL_OK;
}

/* ---- the exponent ---- */

/* (a - b)/(a + b), b = 1 + 2 beta - a, beta the power of h. The sum's half steps are taken off (Euler and Maclaurin):
 * sum_{j<=m} h_j = int_0^m h + (h_m - h_0)/2 + ... */
static double last_exponent(const sl_annealing *a)
{
    enum { NEAR = 64, MIDDLE = 90, FAR = 128 }; /* steps left; MIDDLE^2 ~ NEAR FAR */
    static const double straight = 0.05; /* of a power of h and of H, which differ by 1: 0.03 of the exponent at p = 1 */
    const double *const end = a->rate + a->T;
    for (int k = FAR; k > 1; k--)
        if (end[1 - k] > end[-k] * (1 + 1e-12)) return NAN; /* it rises there: no power */
    const double beta = log(end[-FAR] / end[-NEAR]) / log((double)FAR / NEAR);
    const double H = a->sum[a->T - MIDDLE] - a->sum[a->T] - (end[-MIDDLE] - end[-1]) / 2;
    const double power = MIDDLE * end[-MIDDLE] / H;
    if (!(fabs(power - (beta + 1)) <= straight)) return NAN; /* h has a corner there, or is no power */
    return (2 * power - 1 - 2 * beta) / (1 + 2 * beta);
}

/* d log bound / d log c = (noise - distance)/(noise + distance) at the best v: the envelope theorem. */
static double slope_at(const sl_annealing *a, const sl_anneal_problem *p, double c)
{
    const sl_anneal_bound b = smallest(a, p, c);
    return (b.noise - b.distance) / b.value;
}

static double bound_slope(const sl_annealing *a, const sl_anneal_problem *p, double factor, double lo, double hi)
{
    enum { POINTS = 16 };
    double x[POINTS], y[POINTS];
    for (size_t i = 0; i < POINTS; i++) {
        x[i] = log(lo) + (log(hi) - log(lo)) * (double)i / (POINTS - 1);
        y[i] = log(smallest(a, p, factor * exp(x[i])).value);
    }
    sl_line fit;
    return sl_fit_line(&fit, x, y, NULL, POINTS, NULL) == SL_OK ? fit.slope.value : NAN;
}

/* The longest run of rhos, on a grid of ratio 2^(1/4), at which the slope is near enough. */
static void find_window(sl_anneal_window *w, const sl_annealing *a, const sl_anneal_problem *p, double factor)
{
    enum { RHOS = 80 }; /* up to 10^6 */
    static const double near = 0.02;
    size_t best = 0, run = 0, end = 0;
    for (size_t i = 0; i < RHOS; i++) {
        run = fabs(slope_at(a, p, factor * exp2(0.25 * (double)i)) - w->exponent) <= near ? run + 1 : 0;
        if (run > best) best = run, end = i;
    }
    w->lo = best ? exp2(0.25 * (double)(end + 1 - best)) : NAN;
    w->hi = best ? exp2(0.25 * (double)end) : NAN;
}

sl_status sl_annealing_window(sl_anneal_window *w, const sl_annealing *a, const sl_anneal_problem *p, double factor,
                              double rho_lo, double rho_hi, sl_err *err)
{
    enum { LEAST = 256 };
    SL_TRY(check_problem(p, err));
    SL_TRY(check_positive("the factor of the rates", factor, err));
    if (!(rho_lo > 0 && rho_hi > rho_lo && isfinite(rho_hi)))
        return sl_fail(err, SL_E_DOMAIN, "rho from %g to %g, need 0 < lo < hi < inf", rho_lo, rho_hi);
    if (a->T < LEAST)
        return sl_fail(err, SL_E_CONFIG, "%zu steps with a rate do not resolve how a schedule ends, need %d", a->T,
                       LEAST);
    w->exponent = a->kind.annealed ? last_exponent(a) : 1;
    w->slope = bound_slope(a, p, factor, rho_lo, rho_hi);
    find_window(w, a, p, factor);
    return SL_OK;
}
