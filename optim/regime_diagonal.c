/* Stochastic quasi-Newton with a diagonal metric, after SGD-QN (Bordes, Bottou and Gallinari 2009): the curvature of
 * coordinate i from secants on the same mini-batch, h_i = <s_i y_i> / <s_i^2>, averaged over steps of |s| = 1. With
 * h = <s'y> / <s's> the mean one, the step of the rule is stretched by
 *
 *     p_i = (<s_i^2> + 1/n) h / (|<s_i y_i>| + h/n),   within [1/ratio, ratio]:
 *
 * a coordinate that has hardly moved keeps p = 1, and h p^{-1} stands for the Hessian. The gain is the short secant
 * step in that metric, s'y / y'p y, so p steers and the gain guards. */
#include <float.h>
#include <math.h>

#include "base/kernel.h"
#include "optim/regime_family.h"

enum { SMOOTH, MEMORY, RATIO };
enum { POINT, PRODUCTS, SQUARES };                 /* vectors */
enum { MEAN = SL_KEPT_OWN + 1, STEPS };            /* numbers */

static void gains(const sl_regime *r, const sl_regime_view *v, double *gain)
{
    sl_regime_secant_gains(r, v, gain, false);
}

/* Of each lane: scale and weight of this step's secant, and 1/h. */
static SL_KERNEL void prepare(size_t n, double *restrict steps, double *restrict mean, double *restrict u,
                              double *restrict beta, double *restrict h, const double *restrict ss,
                              const double *restrict sy, double fewest)
{
    const double least = 1e-30; /* of |s|^2: its inverse is a float */
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const double finite = fabs(sy[i]) <= DBL_MAX ? 1 : 0, seen = ss[i] > least ? finite : 0;
        const double over = 1 / ss[i], count = steps[i] + seen, one = 1 / count, last = mean[i];
        const double weight = one > fewest ? one : fewest, slope = (sy[i] > 0 ? sy[i] : 0) / ss[i];
        const double next = last + weight * (slope - last), now = seen > 0 ? next : last, inverse = 1 / now;
        steps[i] = count;
        u[i] = seen > 0 ? over : 0;
        beta[i] = seen > 0 ? weight : 0;
        mean[i] = now;
        h[i] = now > 0 ? inverse : 0;
    }
}

/* The metric learns from this step's secant, which is then measured in it. */
static void before(sl_regime_run *run, const sl_regime_step *step)
{
    const size_t lanes = run->space.lanes, whole = sl_regime_layers(run);
    const double memory = sl_regime_param(run->regime, MEMORY);
    const double *const ss = sl_regime_sum(run, whole, SL_SUM_SS), *const sy = sl_regime_sum(run, whole, SL_SUM_SY);
    double *const steps = sl_regime_number(run, whole, STEPS), *const mean = sl_regime_number(run, whole, MEAN);
    double *const u = run->probe + lanes, *const beta = u + lanes, *const h = beta + lanes;
    prepare(lanes, steps, mean, u, beta, h, ss, sy, 1 - memory);
    const sl_regime_scale m = {.u = u, .beta = beta, .h = h, .ratio = sl_regime_param(run->regime, RATIO)};
    sl_regime_metric(run, step, run->vector[POINT], run->vector[PRODUCTS], run->vector[SQUARES], &m);
}

/* The point before is by now the one that the rule started from. */
static void after(sl_regime_run *run, const sl_regime_step *step)
{
    sl_regime_metric_apply(run, step->x, run->vector[POINT], step->g2);
}

static const sl_param params[] = {
    [SMOOTH] = SL_REGIME_SMOOTH(0.9),
    [MEMORY] = {.name = "memory", .help = "memory of the metric, per step", .def = 0.99, .max = 1, .open_max = true},
    [RATIO] = {.name = "ratio", .help = "how far a coordinate's stretch may be from 1", .def = 4, .min = 1, .max = 1e6},
};

const sl_regime_family sl_regime_diagonal = {
    .entry = {.name = "diagonal",
              .help = "a diagonal metric from secants on the same mini-batch, and the short secant step in it",
              .source = "after Bordes et al. 2009, SGD-QN",
              SL_REGIME_PARAMS(params)},
    .memory = "the previous point and two averages of every coordinate; gain, curvature, its mean",
    .vectors = 3,
    .second = true,
    .gains = gains,
    .before = before,
    .after = after,
};
