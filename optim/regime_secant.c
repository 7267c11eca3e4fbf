/* Secant steps on the same mini-batch: long and short, of the whole vector or of each layer, and the random one.
 *
 * That only the abstract of Yang 2025 is at hand, and what sgdlab makes of it, is said in docs/regimes.md. */
#include <float.h>
#include <math.h>

#include "base/kernel.h"
#include "optim/regime_family.h"

enum { SMOOTH, LAYER_RATIO };

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

/* Of one lane: |y|/|s| max(cos, least), or |y|/|s| / max(cos, least) for the short form; NAN unless s and y are there
 * and finite. (All sides of a choice are worked out first: so the compiler may choose with a mask.) */
static inline double curvature(double ss, double sy, double yy, double least, bool is_long)
{
    const double inverse = 1 / ss, edge = least * sqrt(yy * inverse), slope = sy * inverse;
    const double wide = ss * edge, longer = slope > edge ? slope : edge, shorter = yy / (sy > wide ? sy : wide);
    return is_long ? longer : shorter;
}

/* Curvature is believed at once where it rises and with the memory `smooth` where it falls: too long a step is dearer
 * than too short a one. So a gain grows by 1/smooth in a step at most, unless it was a probe's that met no curvature:
 * then by GROWTH, since a secant over the edge of such a stretch tells too little of what comes. */
static const double GROWTH = 2;

typedef struct {
    double least, smooth, growth;
} limits;

static inline void smoothed(size_t n, double *restrict gain, double *restrict own, const double *restrict kept,
                            const double *restrict ss, const double *restrict sy, const double *restrict yy,
                            const limits *m, bool is_long)
{
    const double least = m->least, smooth = m->smooth, growth = m->growth;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const double now = curvature(ss[i], sy[i], yy[i], least, is_long), before = own[i], last = kept[i];
        const double mixed = smooth * before + (1 - smooth) * now, higher = now > mixed ? now : mixed;
        const double next = before > 0 ? higher : now, wanted = 1 / next, most = growth * last;
        const double lower = wanted < most ? wanted : most, found = last > 0 ? lower : wanted;
        const double curved = yy[i] > 0 ? 1 : 0, secant = ss[i] > 0 ? curved : 0;
        const double told = ss[i] + yy[i] <= DBL_MAX ? last : NAN, good = told == told ? secant : 0;
        own[i] = good > 0 ? next : before;
        gain[i] = good > 0 ? found : told;
    }
}

static SL_KERNEL void smoothed_long(size_t n, double *gain, double *own, const double *kept, const double *ss,
                                    const double *sy, const double *yy, const limits *m)
{
    smoothed(n, gain, own, kept, ss, sy, yy, m, true);
}

static SL_KERNEL void smoothed_short(size_t n, double *gain, double *own, const double *kept, const double *ss,
                                     const double *sy, const double *yy, const limits *m)
{
    smoothed(n, gain, own, kept, ss, sy, yy, m, false);
}

void sl_regime_secant_gains(const sl_regime *r, const sl_regime_view *v, double *gain, bool is_long)
{
    const double smooth = sl_regime_param(r, SMOOTH);
    const limits m = {.least = limit(r, is_long), .smooth = smooth, .growth = fmax(GROWTH, 1 / smooth)};
    (is_long || r->rule.kind == SL_RULE_SIGN ? smoothed_long : smoothed_short)(
        v->lanes, gain, v->kept[SL_KEPT_OWN], v->kept[SL_KEPT_GAIN], v->sum[SL_SUM_SS], v->sum[SL_SUM_SY],
        v->sum[SL_SUM_YY], &m);
}

static void gains_long(const sl_regime *r, const sl_regime_view *v, double *gain)
{
    sl_regime_secant_gains(r, v, gain, true);
}

static void gains_short(const sl_regime *r, const sl_regime_view *v, double *gain)
{
    sl_regime_secant_gains(r, v, gain, false);
}

/* A layer's own, but not far from the whole's; that where it has none. */
static void gains_of_layer(const sl_regime *r, const sl_regime_view *v, double *gain)
{
    const double ratio = sl_regime_param(r, LAYER_RATIO);
    sl_regime_secant_gains(r, v, gain, false);
    for (size_t i = 0; v->whole && i < v->lanes; i++) {
        const double all = v->whole[i], own = gain[i];
        if (!isnan(own)) gain[i] = own > 0 ? fmin(fmax(own, all / ratio), all * ratio) : all;
    }
}

/* The secant of this batch alone: no memory, but a part of the long step only. Yang et al. divide by the size of the
 * batch that the curvature is from; ours by the root of the number of batches in an epoch, as noise would have it. */
static double divisor(const sl_regime *r)
{
    enum { DIVIDE };
    return sl_regime_param(r, DIVIDE) > 0 ? sl_regime_param(r, DIVIDE) : sqrt((double)r->period);
}

static SL_KERNEL void divided(size_t n, double *restrict gain, const double *restrict kept, const double *restrict ss,
                              const double *restrict sy, const double *restrict yy, double least, double divide)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const double found = 1 / (divide * curvature(ss[i], sy[i], yy[i], least, true)), last = kept[i];
        const double curved = yy[i] > 0 ? found : last, secant = ss[i] > 0 ? curved : last;
        gain[i] = ss[i] + yy[i] <= DBL_MAX ? secant : NAN;
    }
}

static void gains_random(const sl_regime *r, const sl_regime_view *v, double *gain)
{
    divided(v->lanes, gain, v->kept[SL_KEPT_GAIN], v->sum[SL_SUM_SS], v->sum[SL_SUM_SY], v->sum[SL_SUM_YY],
            r->rule.kind == SL_RULE_SIGN ? DIVIDED_SIGN_COSINE : COSINE, r->derived);
}

static const sl_param of_long[] = {
    [SMOOTH] = SL_REGIME_SMOOTH(0.95),
};
static const sl_param of_short[] = {
    [SMOOTH] = SL_REGIME_SMOOTH(0.9),
};
static const sl_param layered[] = {
    [SMOOTH] = SL_REGIME_SMOOTH(0.9),
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
    .gains = gains_long,
};
const sl_regime_family sl_regime_secant_short = {
    .entry = {.name = "secant-short",
              .help = "s'y/y'y on the same mini-batch, smoothed",
              .source = "Barzilai and Borwein 1988; our reading of Yang 2025",
              SL_REGIME_PARAMS(of_short)},
    .memory = point,
    .vectors = 1,
    .second = true,
    .gains = gains_short,
};
const sl_regime_family sl_regime_random_bb = {
    .entry = {.name = "random-bb",
              .help = "s's/s'y of every random mini-batch by itself, over the root of the batches of an epoch",
              .source = "after Yang et al. 2018",
              SL_REGIME_PARAMS(random_bb)},
    .memory = "the previous point; gain",
    .vectors = 1,
    .second = true,
    .gains = gains_random,
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
    .gains = gains_of_layer,
};
