/* Polyak's step with what the loss of a mini-batch lacks to its minimum: SPS_max of Loizou et al. 2021,
 *
 *     eta = min((f_B(x) - f*) / (c |g|^2), tau^{1/m} eta_last),
 *
 * and with the norm that belongs to the sign rule, r = (f_B(x) - f*) / (c |g|_1). */
#include <math.h>

#include "optim/regime_family.h"

enum { FSTAR, C, TAU };

static double gain(const sl_regime *r, const sl_regime_sight *sight, double *kept)
{
    const double gg = sight->sum[SL_SUM_GG], g1 = sight->sum[SL_SUM_G1], n = sight->sum[SL_SUM_P];
    const double lack = sight->loss - sl_regime_param(r, FSTAR), last = kept[SL_KEPT_GAIN];
    if (isnan(lack) || isnan(gg)) return NAN;
    if (!(gg > 0)) return last;
    const double square = r->rule.kind == SL_RULE_SIGN ? g1 * g1 / n : gg;
    const double wanted = fmax(lack, 0) / (sl_regime_param(r, C) * square);
    return last > 0 ? fmin(wanted, r->derived * last) : wanted;
}

static double growth(const sl_regime *r)
{
    return pow(sl_regime_param(r, TAU), 1 / (double)r->period);
}

static const sl_param params[] = {
    [FSTAR] = {.name = "fstar", .help = "the least value of the loss of a mini-batch", .def = 0, .min = -1e300,
               .max = 1e300},
    [C] = {.name = "c", .help = "what the step is divided by", .def = 0.5, .max = 1e6, .open_min = true},
    [TAU] = {.name = "tau", .help = "the most that the gain grows by in an epoch", .def = 2, .min = 1, .max = 1e300},
};

const sl_regime_family sl_regime_polyak = {
    .entry = {.name = "polyak",
              .help = "(f_B - f*)/(c |g|^2), for losses whose least value is known",
              .source = "Loizou et al. 2021, SPS_max",
              SL_REGIME_PARAMS(params)},
    .memory = "gain",
    .losses = true,
    .norms = true,
    .gain = gain,
    .derive = growth,
};
