/* SGD-BB (Tan, Ma, Dai and Qian 2016): one gradient a step, and a secant between epochs of m steps,
 *
 *     eta_e = (1/m) s's / |s'y|,   s = x_e - x_{e-1},   y = G_e - G_{e-1},
 *
 * x_e: where epoch e begins, G_e: moving average G <- beta g + (1 - beta) G over the epoch before it, from 0. Smoothed
 * (their formula 4.4) with phi(e) = e + 1: the geometric mean of eta_j phi(j), j = 2 .. e, over phi(e).
 * Epochs 0 and 1, for which they want rates from the user, take the probe's. */
#include <math.h>

#include "optim/regime_family.h"

enum { BETA, DECAY, GROWTH };
enum { START, AVERAGE, BEFORE };                         /* vectors */
enum { LOGS = SL_KEPT_OWN };                             /* numbers */

/* Epoch e begins; its secant is in the sums. */
static double gain(const sl_regime *r, double e, double ss, double sy, double last, double *logs)
{
    if (isnan(ss) || isnan(sy)) return NAN;
    if (!(ss > 0) || !(fabs(sy) > 0)) return last;
    const double own = fmin(ss / ((double)r->period * fabs(sy)), sl_regime_param(r, GROWTH) * last);
    if (sl_regime_param(r, DECAY) == 0) return own;
    const double phi = e + 1;
    *logs += log(own * phi);
    return exp(*logs / (e - 1)) / phi;
}

static void gains(const sl_regime *r, const sl_regime_view *v, double *out)
{
    const bool due = v->k % r->period == 0 && v->k / r->period >= 2;
    for (size_t i = 0; i < v->lanes; i++) {
        const double last = v->kept[SL_KEPT_GAIN][i];
        out[i] = due && last > 0 ? gain(r, (double)(v->k / r->period), v->sum[SL_SUM_SS][i], v->sum[SL_SUM_SY][i],
                                        last, &v->kept[LOGS][i])
                                 : last;
    }
}

static bool stays(const sl_regime *r, uint64_t k)
{
    return k % r->period > 0;
}

/* At the beginning of an epoch: its secant, and a new average. */
static void before(sl_regime_run *run, const sl_regime_step *step)
{
    if (stays(run->regime, step->k)) return;
    if (step->k / run->regime->period >= 2)
        sl_regime_secant(run, step->x, run->vector[START], run->vector[AVERAGE], run->vector[BEFORE]);
    sl_regime_copy(run, run->vector[BEFORE], run->vector[AVERAGE], NULL);
    sl_regime_zero(run, run->vector[AVERAGE]);
    sl_regime_copy(run, run->vector[START], step->x, NULL);
}

static void aside(sl_regime_run *run, sl_regime_aside *a)
{
    const double beta = sl_regime_param(run->regime, BETA);
    a->average = run->vector[AVERAGE];
    a->beta = beta > 0 ? beta : fmin(1, 10 / (double)run->regime->period);
}

static const sl_param params[] = {
    [BETA] = {.name = "beta", .help = "weight of a gradient in its epoch's average; 0: 10/m, at most 1", .def = 0,
              .max = 1},
    [DECAY] = {.name = "decay", .help = "1: smoothed, and falling like 1/epochs; 0: as it comes", .def = 1, .max = 1,
               .integer = true},
    [GROWTH] = {.name = "growth", .help = "the most that the gain grows by in an epoch", .def = 10, .min = 1,
                .max = 1e300},
};

const sl_regime_family sl_regime_sgd_bb = {
    .entry = {.name = "sgd-bb",
              .help = "s's/|s'y| between epochs of m steps, over m",
              .source = "Tan et al. 2016",
              SL_REGIME_PARAMS(params)},
    .memory = "the epoch's start, its average gradient and the one before; gain, sum of logarithms",
    .vectors = 3,
    .gains = gains,
    .stays = stays,
    .before = before,
    .aside = aside,
};
