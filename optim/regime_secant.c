/* Secant steps on the same mini-batch: long and short, of the whole vector or of each layer, and the random one.
 *
 * That only the abstract of Yang 2025 is at hand, and what sgdlab makes of it, is said in docs/regimes.md. */
#include <math.h>

#include "optim/regime_family.h"

enum { SMOOTH, GROWTH, LAYER_RATIO };

/* The angle between s and y tells how far the forms lie apart, short = cos^2 long, with |s| / |y| between them. Where
 * it is wide they say little: on networks a step along directions of small curvature alone makes the long form many
 * times what the sharpest ones bear, and what momentum leaves makes y'y large beside s'y. So the short form may be no
 * further than 1/COSINE from |s| / |y| and the long one, which is the bolder, 1/LONG_COSINE, also where the curvature
 * along s is negative. (On quadratics of condition number 42, and 5, the angle is never so wide.) Trainings of Model 1
 * end at 2/3 of their accuracy now and then without.
 *
 * The sign rule goes along sign(g), and what it meets is the curvature along s: the long form, whichever is asked for.
 * In a network that is a hundredth of |y| / |s|, and a rate after it grows until the loss does, since signs of a
 * mini-batch's gradient are noise for the most part; so it may be no further from |y| / |s| than noise is averaged by
 * momentum, sqrt(1 - mu). (random-bb divides by as much anyway.) */
static const double COSINE = 0.3, LONG_COSINE = 0.7, DIVIDED_SIGN_COSINE = 0.01;

static double limit(const sl_regime *r, bool is_long)
{
    return r->rule.kind == SL_RULE_SIGN ? sqrt(1 - r->rule.mu) : is_long ? LONG_COSINE : COSINE;
}

static double curvature(const sl_regime *r, const sl_regime_sight *sight, bool is_long, double least)
{
    const double ss = sight->sum[SL_SUM_SS], sy = sight->sum[SL_SUM_SY], yy = sight->sum[SL_SUM_YY];
    const double between = sqrt(yy / ss), cosine = sy / (sqrt(ss) * sqrt(yy));
    const double c = fmax(cosine, least);
    return is_long || r->rule.kind == SL_RULE_SIGN ? between * c : between / c;
}

/* Curvature is believed at once where it rises and with the memory `smooth` where it falls: too long a step is dearer
 * than too short a one. */
double sl_regime_secant_gain(const sl_regime *r, const sl_regime_sight *sight, double *kept, bool is_long)
{
    const double smooth = sl_regime_param(r, SMOOTH), last = kept[SL_KEPT_GAIN];
    if (isnan(sight->sum[SL_SUM_SS]) || isnan(sight->sum[SL_SUM_YY])) return NAN;
    if (!(sight->sum[SL_SUM_SS] > 0) || !(sight->sum[SL_SUM_YY] > 0))
        return last > 0 ? last : sl_regime_first_gain(r, sight);
    const double now = curvature(r, sight, is_long, limit(r, is_long)), before = kept[SL_KEPT_OWN];
    kept[SL_KEPT_OWN] = before > 0 ? fmax(now, smooth * before + (1 - smooth) * now) : now;
    const double wanted = 1 / kept[SL_KEPT_OWN];
    return last > 0 ? fmin(wanted, sl_regime_param(r, GROWTH) * last) : wanted;
}

static double gain_long(const sl_regime *r, const sl_regime_sight *sight, double *kept)
{
    return sl_regime_secant_gain(r, sight, kept, true);
}

static double gain_short(const sl_regime *r, const sl_regime_sight *sight, double *kept)
{
    return sl_regime_secant_gain(r, sight, kept, false);
}

/* A layer's own, but not far from the whole's. */
static double gain_of_layer(const sl_regime *r, const sl_regime_sight *sight, double *kept)
{
    const double own = sl_regime_secant_gain(r, sight, kept, false);
    if (!sight->whole || isnan(own)) return own;
    const double all = sight->whole[SL_KEPT_GAIN], ratio = sl_regime_param(r, LAYER_RATIO);
    return own > 0 ? fmin(fmax(own, all / ratio), all * ratio) : all;
}

/* The secant of this batch alone: no memory, but a part of the long step only. Yang et al. divide by the size of the
 * batch that the curvature is from; ours by the root of the number of batches in an epoch, as noise would have it. */
static double divisor(const sl_regime *r)
{
    enum { DIVIDE };
    return sl_regime_param(r, DIVIDE) > 0 ? sl_regime_param(r, DIVIDE) : sqrt((double)r->period);
}

static double gain_random(const sl_regime *r, const sl_regime_sight *sight, double *kept)
{
    if (isnan(sight->sum[SL_SUM_SS]) || isnan(sight->sum[SL_SUM_YY])) return NAN;
    const double least = r->rule.kind == SL_RULE_SIGN ? DIVIDED_SIGN_COSINE : COSINE;
    if (sight->sum[SL_SUM_SS] > 0 && sight->sum[SL_SUM_YY] > 0)
        return 1 / (r->derived * curvature(r, sight, true, least));
    return kept[SL_KEPT_GAIN] > 0 ? kept[SL_KEPT_GAIN] : sl_regime_first_gain(r, sight);
}

static const sl_param of_long[] = {
    [SMOOTH] = SL_REGIME_SMOOTH(0.95),
    [GROWTH] = SL_REGIME_GROWTH(2),
};
static const sl_param of_short[] = {
    [SMOOTH] = SL_REGIME_SMOOTH(0.9),
    [GROWTH] = SL_REGIME_GROWTH(2),
};
static const sl_param layered[] = {
    [SMOOTH] = SL_REGIME_SMOOTH(0.9),
    [GROWTH] = SL_REGIME_GROWTH(2),
    [LAYER_RATIO] = {.name = "ratio", .help = "how far a layer's gain may be from that of the whole", .def = 10,
                     .min = 1, .max = 1e6},
};
static const sl_param random_bb[] = {
    {.name = "divide", .help = "what the long step is divided by; 0: the root of the batches of an epoch", .def = 0,
     .max = 1e9},
};

static const char point[] = "the previous point; gain and curvature";

const sl_regime_family sl_regime_secant_long = {
    .entry = {.name = "secant-long",
              .help = "s's/s'y on the same mini-batch, smoothed",
              .source = "Barzilai and Borwein 1988; our reading of Yang 2025",
              SL_REGIME_PARAMS(of_long)},
    .memory = point,
    .vectors = 1,
    .second = true,
    .gain = gain_long,
};
const sl_regime_family sl_regime_secant_short = {
    .entry = {.name = "secant-short",
              .help = "s'y/y'y on the same mini-batch, smoothed",
              .source = "Barzilai and Borwein 1988; our reading of Yang 2025",
              SL_REGIME_PARAMS(of_short)},
    .memory = point,
    .vectors = 1,
    .second = true,
    .gain = gain_short,
};
const sl_regime_family sl_regime_random_bb = {
    .entry = {.name = "random-bb",
              .help = "s's/s'y of every random mini-batch by itself, over the root of the batches of an epoch",
              .source = "after Yang et al. 2018",
              SL_REGIME_PARAMS(random_bb)},
    .memory = "the previous point; gain",
    .vectors = 1,
    .second = true,
    .gain = gain_random,
    .derive = divisor,
};
const sl_regime_family sl_regime_layer_wise = {
    .entry = {.name = "layer-wise",
              .help = "secant-short of every layer by itself (in an ensemble the vector is one layer)",
              .source = "after Bahamou and Goldfarb 2023",
              SL_REGIME_PARAMS(layered)},
    .memory = "the previous point; gain and curvature of every layer",
    .vectors = 1,
    .second = true,
    .by_layer = true,
    .gain = gain_of_layer,
};
