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
enum { EPOCHS = SL_KEPT_OWN, LOGS, DUE };                /* numbers */

static double gain(const sl_regime *r, const sl_regime_sight *sight, double *kept)
{
    const double last = kept[SL_KEPT_GAIN], ss = sight->sum[SL_SUM_SS], sy = fabs(sight->sum[SL_SUM_SY]);
    if (sight->secant && !(last > 0)) return sl_regime_first_gain(r, sight);
    if (kept[DUE] == 0) return last;
    kept[DUE] = 0;
    if (isnan(ss) || isnan(sy)) return NAN;
    if (!(ss > 0) || !(sy > 0)) return last;
    const double own = fmin(ss / ((double)r->period * sy), sl_regime_param(r, GROWTH) * last);
    if (sl_regime_param(r, DECAY) == 0) return own;
    const double e = kept[EPOCHS], phi = e + 1;
    kept[LOGS] += log(own * phi);
    return exp(kept[LOGS] / (e - 1)) / phi;
}

static bool stays(const sl_regime *r, uint64_t k)
{
    return k % r->period > 0;
}

/* At the beginning of an epoch: what is due, and a new average. */
static void before(sl_regime_run *run, const sl_regime_step *step)
{
    const size_t lanes = run->space.lanes, whole = sl_regime_layers(run);
    if (stays(run->regime, step->k)) return;
    const double e = (double)(step->k / run->regime->period);
    double *const due = sl_regime_number(run, whole, DUE), *const epochs = sl_regime_number(run, whole, EPOCHS);
    if (e >= 2) sl_regime_secant(run, step->x, run->vector[START], run->vector[AVERAGE], run->vector[BEFORE]);
    for (size_t i = 0; i < lanes; i++) {
        due[i] = e >= 2;
        epochs[i] = e;
    }
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
    .gain = gain,
    .stays = stays,
    .before = before,
    .aside = aside,
};
