/* What a step of a regime decides for each lane, all lanes of an ensemble at once. These loops tell what is not a
 * number, so they are compiled as they stand. */
#include <float.h>
#include <math.h>

#include "base/kernel.h"
#include "optim/regime_family.h"

static SL_KERNEL double count_lacking(size_t n, const double *gain)
{
    double lacking = 0;
#pragma omp simd reduction(+ : lacking)
    for (size_t i = 0; i < n; i++) lacking += gain[i] > 0 ? 0 : 1;
    return lacking;
}

bool sl_regime_lacks_gain(const sl_regime_run *run)
{
    return count_lacking(run->space.lanes, sl_regime_number(run, sl_regime_layers(run), SL_KEPT_GAIN)) > 0;
}

/* (Both sides of a choice are worked out first: so the compiler may choose with a mask.)
 * How many lanes have no rate. gain may be kept, or rate. */
static SL_KERNEL double settle(size_t n, double *kept, double *kept_rate, double *rate, const double *gain,
                               double scale)
{
    double lost = 0;
#pragma omp simd reduction(+ : lost)
    for (size_t i = 0; i < n; i++) {
        const double wanted = gain[i], last = kept[i], positive = wanted >= 0 ? wanted : last;
        const double now = wanted <= DBL_MAX ? positive : last, r = scale * now;
        const double told = wanted == wanted ? r : NAN, size = fabs(told);
        kept[i] = now;
        kept_rate[i] = told;
        rate[i] = size <= DBL_MAX ? told : 0;
        lost += size <= DBL_MAX ? 0 : 1;
    }
    return lost;
}

/* The same rates times g1 / p. */
static SL_KERNEL double settle_signs(size_t n, double *kept_rate, double *rate, const double *g1, const double *p)
{
    double lost = 0;
#pragma omp simd reduction(+ : lost)
    for (size_t i = 0; i < n; i++) {
        const double told = kept_rate[i] * g1[i] / p[i], size = fabs(told);
        kept_rate[i] = told;
        rate[i] = size <= DBL_MAX ? told : 0;
        lost += size <= DBL_MAX ? 0 : 1;
    }
    return lost;
}

bool sl_regime_settle_layer(sl_regime_run *run, size_t layer, double *rate, const double *gain, double scale,
                            bool report)
{
    const size_t lanes = run->space.lanes;
    const sl_rule *const rule = &run->regime->rule;
    double *const told = report ? sl_regime_number(run, layer, SL_KEPT_RATE) : run->probe + 2 * lanes;
    double lost = settle(lanes, sl_regime_number(run, layer, SL_KEPT_GAIN), told, rate, gain, scale * (1 - rule->mu));
    if (rule->kind == SL_RULE_SIGN)
        lost = settle_signs(lanes, told, rate, sl_regime_sum(run, layer, SL_SUM_G1),
                            sl_regime_sum(run, layer, SL_SUM_P));
    return lost == 0;
}

bool sl_regime_settle(sl_regime_run *run, const double *gain, double scale, bool report)
{
    const size_t whole = sl_regime_layers(run);
    const bool good = sl_regime_settle_layer(run, whole, run->rate, gain, scale, report);
    for (size_t l = 1; l < whole; l++) run->rate[l] = run->rate[0]; /* several layers: one lane */
    return good;
}

static double first_gain(bool sign, double ss, double sy, double yy, double gg)
{
    if (isnan(ss) || isnan(yy) || isnan(gg)) return NAN;
    if (!(ss > 0)) return 0;
    if (!(yy > 0)) return sqrt(ss / gg);
    if (!(sy > 0)) return sqrt(ss / yy);
    return sign ? ss / sy : sy / yy;
}

void sl_regime_first_gains(const sl_regime *r, const sl_regime_view *v, double *gain)
{
    for (size_t i = 0; i < v->lanes; i++)
        if (v->kept[SL_KEPT_GAIN][i] == 0 && gain[i] == 0)
            gain[i] = first_gain(r->rule.kind == SL_RULE_SIGN, v->sum[SL_SUM_SS][i], v->sum[SL_SUM_SY][i],
                                 v->sum[SL_SUM_YY][i], v->sum[SL_SUM_GG][i]);
}

/* near[0]: lanes whose previous point is near, near[1]: lanes that want a probe. */
static SL_KERNEL void judge(size_t n, double *probe, double *stretch, double near[2], const double *ss,
                            const double *xx, const double *gain)
{
    double close = 0, wanting = 0;
#pragma omp simd reduction(+ : close, wanting)
    for (size_t i = 0; i < n; i++) {
        const double size = sqrt(xx[i]), length = sqrt(ss[i]), least = SL_REGIME_PROBE * (size > 1 ? size : 1);
        const double moved = length > 0 ? 1 : 0, is_near = length < least ? moved : 0, by = least / length;
        const double known = gain[i] > 0 ? moved : 0, wanted = known > 0 ? 0 : least;
        stretch[i] = is_near > 0 ? by : 0;
        probe[i] = wanted;
        close += is_near;
        wanting += wanted > 0 ? 1 : 0;
    }
    near[0] = close;
    near[1] = wanting;
}

void sl_regime_judge_points(sl_regime_run *run, bool *any_near, bool *any_probe)
{
    const size_t lanes = run->space.lanes, whole = sl_regime_layers(run);
    double near[2];
    judge(lanes, run->probe, run->probe + lanes, near, sl_regime_sum(run, whole, SL_SUM_SS),
          sl_regime_sum(run, whole, SL_SUM_GG), sl_regime_number(run, whole, SL_KEPT_GAIN));
    *any_near = near[0] > 0;
    *any_probe = near[1] > 0;
}
