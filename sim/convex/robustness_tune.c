/* The rate at rho = 1: the one whose worst excess is least. */
#include <math.h>
#include <stdlib.h>

#include "sim/convex/robustness.h"

/* The lowest of n excesses; SL_E_NUMERIC where it is the first or last one. */
static sl_status lowest(size_t *best, const sl_worst *w, size_t n, sl_err *err)
{
    size_t k = 0;
    for (size_t i = 1; i < n; i++)
        if (w[i].excess.value < w[k].excess.value) k = i;
    if (k == 0 || k + 1 == n)
        return sl_fail(err, SL_E_NUMERIC,
                       "the worst excess is smallest at %g times the rates that were to be tuned, the end of the range "
                       "tried",
                       w[k].rho);
    *best = k;
    return SL_OK;
}

/* Of the parabola through log excess at w[-1], w[0], w[1], in steps from the middle one, which is the lowest. */
static double vertex(const sl_worst *w)
{
    const double before = log(w[-1].excess.value / w[0].excess.value);
    const double after = log(w[1].excess.value / w[0].excess.value);
    return before + after > 0 ? 0.5 * (before - after) / (before + after) : 0;
}

sl_status sl_robustness_tune(double *factor, sl_worst curve[SL_TUNING_POINTS], double *samples, const sl_robustness *r,
                             sl_err *err)
{
    double rho[SL_TUNING_POINTS];
    size_t best = 0;
    for (int i = 0; i < SL_TUNING_POINTS; i++) rho[i] = exp2(0.25 * (i - SL_TUNING_POINTS / 2));
    SL_TRY(sl_robustness_worst(curve, samples, rho, SL_TUNING_POINTS, r, err));
    SL_TRY(lowest(&best, curve, SL_TUNING_POINTS, err));
    *factor = rho[best] * exp2(0.25 * vertex(curve + best));
    return SL_OK;
}

/* The parabola at its vertex, `at` steps from the middle of three points. Where the vertex lies does not change the
 * height, to first order, so that the error is that of the three points at fixed weights, Lagrange's. At a corner the
 * height depends on where between two rates it lies, by 2 %: its standard error has 1 % more. */
static sl_estimate height(double at, const sl_worst *w, const double *samples, size_t replicas)
{
    const double weight[3] = {0.5 * at * (at - 1), 1 - at * at, 0.5 * at * (at + 1)};
    double value = 0;
    sl_welford influence = {0};
    for (size_t i = 0; i < 3; i++) value += weight[i] * log(w[i].excess.value);
    for (size_t k = 0; k < replicas; k++) {
        double sum = 0;
        for (size_t i = 0; i < 3; i++) sum += weight[i] * samples[i * replicas + k] / w[i].excess.value;
        sl_welford_add(&influence, sum);
    }
    const sl_estimate relative = sl_welford_mean(&influence);
    const double corner = w[0].largest == w[2].largest ? 0 : 0.01;
    return (sl_estimate){exp(value), exp(value) * hypot(relative.se, corner), relative.dof};
}

sl_status sl_robustness_least(double *factor, sl_worst *least, const sl_robustness *r, sl_err *err)
{
    enum { POINTS = 11 };
    static const double octaves = 1.0 / 16;
    double rho[POINTS];
    sl_worst w[POINTS];
    size_t best = 0;
    for (int i = 0; i < POINTS; i++) rho[i] = exp2(octaves * (i - POINTS / 2));
    double *const samples = malloc(POINTS * r->replicas * sizeof *samples);
    if (!samples) return sl_fail(err, SL_E_MEMORY, "no memory for %zu replicas at %d rates", r->replicas, POINTS);
    sl_status st = sl_robustness_worst(w, samples, rho, POINTS, r, err);
    if (st == SL_OK) st = lowest(&best, w, POINTS, err);
    if (st == SL_OK) {
        const double at = vertex(w + best);
        *factor = rho[best] * exp2(octaves * at);
        *least = w[best];
        least->rho = *factor;
        least->excess = height(at, w + best - 1, samples + (best - 1) * r->replicas, r->replicas);
    }
    free(samples);
    return st;
}
