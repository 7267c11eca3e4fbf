/* Episodes in the manner of AutoSGD (Surjanovic, Bouchard-Cote and Campbell 2025): from one point two trajectories go,
 * side by side on the same mini-batches, one at eta/factor, the other at eta factor; after `episode` steps the better
 * one stays, and eta becomes its gain. Better is what has the lower mean loss over the episode's second half. If that
 * is above what the last episode left by more than two standard errors, neither stays: back to the start, and
 * eta / factor^2. Theirs has a third trajectory at eta, and decides by a test with independent noise.
 *
 * The trajectory that others see (x, v; its rate is the one reported) is that of the smaller gain. */
#include <math.h>
#include <string.h>

#include "base/kernel.h"
#include "optim/regime_family.h"

enum { EPISODE, FACTOR };
enum { OTHER_X, OTHER_V, START_X, START_V }; /* vectors */
enum { SUM = SL_KEPT_OWN, SQUARES, OTHER_SUM, OTHER_SQUARES, LEFT, LEFT_SE2 }; /* numbers */

static uint64_t place_of(const sl_regime_run *run, uint64_t k)
{
    return k % (uint64_t)sl_regime_param(run->regime, EPISODE);
}

static const void *point(sl_regime_run *run, uint64_t k, const void *x, const void *g)
{
    if (place_of(run, k) == 0) sl_regime_copy(run, run->vector[OTHER_X], x, NULL);
    const bool probing = sl_regime_probe(run, x, g);
    return place_of(run, k) > 0 || probing ? run->vector[OTHER_X] : NULL;
}

static void begin_episode(sl_regime_run *run, const sl_regime_step *step)
{
    sl_regime_copy(run, run->vector[START_X], step->x, NULL);
    if (step->v) {
        sl_regime_copy(run, run->vector[OTHER_V], step->v, NULL);
        sl_regime_copy(run, run->vector[START_V], step->v, NULL);
    }
    for (size_t q = SUM; q <= OTHER_SQUARES; q++)
        memset(sl_regime_number(run, sl_regime_layers(run), q), 0, run->space.lanes * sizeof(double));
}

static SL_KERNEL void count(size_t n, double *restrict sum, double *restrict squares, const double *restrict loss,
                            const double *restrict left)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const double a = loss[i] - left[i];
        sum[i] += a;
        squares[i] += a * a;
    }
}

/* Losses relative to what the last episode left, which keeps the digits of their squares. */
static void count_losses(sl_regime_run *run, const sl_regime_step *step)
{
    const size_t lanes = run->space.lanes, whole = sl_regime_layers(run);
    const double *const left = sl_regime_number(run, whole, LEFT);
    count(lanes, sl_regime_number(run, whole, SUM), sl_regime_number(run, whole, SQUARES), step->loss, left);
    count(lanes, sl_regime_number(run, whole, OTHER_SUM), sl_regime_number(run, whole, OTHER_SQUARES), step->loss2,
          left);
}

typedef struct {
    double mean, se2;
} average;

static average average_of(double sum, double squares, double n)
{
    const double mean = sum / n, variance = fmax(squares / n - mean * mean, 0);
    return (average){.mean = isfinite(mean) ? mean : INFINITY, .se2 = isfinite(variance) ? variance / n : INFINITY};
}

/* Who stays: masks of the lanes where the other one does, and where neither does. */
static void end_episode(sl_regime_run *run, const sl_regime_step *step)
{
    const size_t lanes = run->space.lanes;
    const uint64_t episode = (uint64_t)sl_regime_param(run->regime, EPISODE);
    const double n = (double)(episode - episode / 2), factor = sl_regime_param(run->regime, FACTOR);
    double *const other = run->probe + lanes, *const neither = other + lanes;
    const size_t whole = sl_regime_layers(run);
    double *const gain = sl_regime_number(run, whole, SL_KEPT_GAIN), *const left = sl_regime_number(run, whole, LEFT);
    double *const left_se2 = sl_regime_number(run, whole, LEFT_SE2);
    for (size_t i = 0; i < lanes; i++) {
        const average a = average_of(sl_regime_number(run, whole, SUM)[i], sl_regime_number(run, whole, SQUARES)[i], n);
        const average b = average_of(sl_regime_number(run, whole, OTHER_SUM)[i],
                                     sl_regime_number(run, whole, OTHER_SQUARES)[i], n);
        const average best = b.mean < a.mean ? b : a;
        const bool first = step->k < episode;
        neither[i] = !isfinite(best.mean) || (!first && best.mean > 2 * sqrt(best.se2 + left_se2[i]));
        other[i] = neither[i] == 0 && b.mean < a.mean;
        gain[i] *= neither[i] != 0 ? 1 / (factor * factor) : other[i] != 0 ? factor : 1 / factor;
        if (neither[i] != 0) continue;
        left[i] += best.mean;
        left_se2[i] = best.se2;
    }
    sl_regime_copy(run, step->x, run->vector[OTHER_X], other);
    sl_regime_copy(run, step->x, run->vector[START_X], neither);
    if (!step->v) return;
    sl_regime_copy(run, step->v, run->vector[OTHER_V], other);
    sl_regime_copy(run, step->v, run->vector[START_V], neither);
}

/* Rates of gain times `scale`, for the sign rule with the norm of that trajectory's gradient. */
static bool set_rates(sl_regime_run *run, const void *g, double scale, bool report)
{
    if (run->regime->rule.kind == SL_RULE_SIGN) sl_regime_norms(run, g);
    return sl_regime_settle(run, sl_regime_number(run, sl_regime_layers(run), SL_KEPT_GAIN), scale, report);
}

/* From the probe, for lanes that have no gain yet. NAN for one that has gone off: it stays. */
static void first_gains(sl_regime_run *run, const sl_regime_step *step)
{
    const size_t whole = sl_regime_layers(run);
    double *const kept = sl_regime_number(run, whole, SL_KEPT_GAIN);
    sl_regime_secant(run, step->x, run->vector[OTHER_X], step->g, step->g2);
    sl_regime_norms(run, step->g);
    memset(run->rate, 0, run->space.lanes * sizeof *run->rate);
    const sl_regime_view v = sl_regime_view_of(run, step, whole);
    sl_regime_first_gains(run->regime, &v, run->rate);
    for (size_t i = 0; i < run->space.lanes; i++) {
        const double gain = run->rate[i];
        if (kept[i] == 0 && (run->probe[i] > 0 || isnan(gain))) kept[i] = isinf(gain) ? 0 : gain;
    }
    sl_regime_copy(run, run->vector[OTHER_X], step->x, run->probe);
}

/* In the second half of an episode; at its start both stand at one point. */
static bool looks(const sl_regime *r, uint64_t k)
{
    const uint64_t episode = (uint64_t)sl_regime_param(r, EPISODE);
    return k % episode >= episode / 2;
}

static bool update(sl_regime_run *run, const sl_regime_step *step)
{
    const uint64_t place = place_of(run, step->k), episode = (uint64_t)sl_regime_param(run->regime, EPISODE);
    const double factor = sl_regime_param(run->regime, FACTOR);
    const bool apart = place > 0; /* else both stand at the same point, with the same gradient */
    if (step->g2 && sl_regime_lacks_gain(run)) first_gains(run, step);
    if (!apart) begin_episode(run, step);
    if (looks(run->regime, step->k)) count_losses(run, step);
    const void *const other_g = apart ? step->g2 : step->g;
    set_rates(run, other_g, factor, false);
    sl_regime_apply(run, run->vector[OTHER_X], step->v ? run->vector[OTHER_V] : NULL, other_g, run->rate, NULL);
    const bool good = set_rates(run, step->g, 1 / factor, true);
    if (good || !run->space.flat) sl_regime_apply(run, step->x, step->v, step->g, run->rate, NULL);
    if (place + 1 == episode) end_episode(run, step);
    return good;
}

static const sl_param params[] = {
    [EPISODE] = {.name = "episode", .help = "steps of an episode", .def = 20, .min = 4, .max = 1e9, .integer = true},
    [FACTOR] = {.name = "factor", .help = "how far the two gains are from the last one", .def = 1.5, .min = 1,
                .max = 1e3,
                .open_min = true},
};

const sl_regime_family sl_regime_auto = {
    .entry = {.name = "auto",
              .help = "episodes of a larger and a smaller gain side by side: the better one stays",
              .source = "after Surjanovic et al. 2025, AutoSGD",
              SL_REGIME_PARAMS(params)},
    .memory = "the other trajectory and where both began; gain, sums of losses",
    .vectors = 4,
    .second = true,
    .losses = true,
    .looks = looks,
    .point = point,
    .update = update,
};
