/* Polyak's step with what the loss of a mini-batch lacks to its minimum: SPS_max of Loizou et al. 2021,
 *
 *     eta = min((f_B(x) - f*) / (c |g|^2), tau^{1/m} eta_last),
 *
 * and with the norm that belongs to the sign rule, r = (f_B(x) - f*) / (c |g|_1). */
#include <math.h>

#include "base/kernel.h"
#include "optim/regime_family.h"

enum { FSTAR, C, TAU };

static SL_KERNEL void limit(size_t n, double *restrict gain, const double *restrict loss, const double *restrict gg,
                            const double *restrict g1, const double *restrict p, const double *restrict last,
                            double fstar, double c, double growth)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const double lack = loss[i] - fstar, square = g1 ? g1[i] * g1[i] / p[i] : gg[i], before = last[i];
        const double wanted = (lack > 0 ? lack : 0) / (c * square), most = growth * before;
        const double limited = wanted < most ? wanted : most, grown = before > 0 ? limited : wanted;
        const double now = gg[i] > 0 ? grown : before;
        gain[i] = lack + gg[i] == lack + gg[i] ? now : NAN;
    }
}

static void gains(const sl_regime *r, const sl_regime_view *v, double *gain)
{
    limit(v->lanes, gain, v->loss, v->sum[SL_SUM_GG], r->rule.kind == SL_RULE_SIGN ? v->sum[SL_SUM_G1] : NULL,
          v->sum[SL_SUM_P], v->kept[SL_KEPT_GAIN], sl_regime_param(r, FSTAR), sl_regime_param(r, C), r->derived);
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
    .gains = gains,
    .derive = growth,
};
