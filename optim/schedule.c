#include "optim/schedule.h"

#include <math.h>

#include "base/random.h"
#include "optim/schedule_family.h"
#include "optim/schedule_kernel.h"

const sl_entry *const sl_schedules[] = {
    &sl_schedule_constant.entry,
    &sl_schedule_random.entry,
    &sl_schedule_plrs.entry,
    &sl_schedule_cyclic.entry,
    &sl_schedule_triangular.entry,
    &sl_schedule_cosine.entry,
    &sl_schedule_cosine_restarts.entry,
    &sl_schedule_linear.entry,
    &sl_schedule_poly.entry,
    &sl_schedule_inverse_sqrt.entry,
    &sl_schedule_exponential.entry,
    &sl_schedule_step.entry,
    &sl_schedule_multi_step.entry,
    &sl_schedule_knee.entry,
    &sl_schedule_one_cycle.entry,
    &sl_schedule_table.entry,
};
const size_t sl_n_schedules = sizeof sl_schedules / sizeof *sl_schedules;

static const sl_schedule_family *family(const sl_schedule *s)
{
    return (const sl_schedule_family *)s->spec.entry;
}

/* ---- warm-up ---- */

static double warmup_steps(const sl_schedule *s)
{
    return sl_schedule_steps(s, sl_schedule_param(s, s->spec.entry->n_params - 2));
}

static double warmup_from(const sl_schedule *s)
{
    return sl_schedule_param(s, s->spec.entry->n_params - 1);
}

double sl_schedule_horizon(const sl_schedule *s)
{
    return (double)s->total_steps - warmup_steps(s);
}

double sl_schedule_left(const sl_schedule *s, double t, bool per_step)
{
    const double T = sl_schedule_horizon(s), spe = (double)s->steps_per_epoch;
    if (!per_step) t = floor(t / spe) * spe;
    return fmax((T - t) / T, 0);
}

sl_status sl_schedule_check_steps(const sl_schedule *s, size_t k, double steps, sl_err *err)
{
    if (!(steps >= 1))
        return sl_fail(err, SL_E_CONFIG, "schedule '%s': %s = %g is shorter than a step", s->spec.entry->name,
                       s->spec.entry->params[k].name, sl_schedule_param(s, k));
    return SL_OK;
}

sl_status sl_schedule_check_min(const sl_schedule *s, size_t k, sl_err *err)
{
    if (!(sl_schedule_param(s, k) <= s->lr))
        return sl_fail(err, SL_E_DOMAIN, "schedule '%s': min = %g > learning rate = %g", s->spec.entry->name,
                       sl_schedule_param(s, k), s->lr);
    return SL_OK;
}

/* The expected rate. During a warm-up of W steps: the family's first rate, times a factor that would be 1 at step W,
 * where the family takes over at t = 0: no step is skipped or taken twice, and nothing jumps. */
static double expected(const sl_schedule *s, uint64_t step)
{
    const double W = warmup_steps(s), k = (double)step;
    if (k >= W) return family(s)->rate(s, k - W);
    const double from = warmup_from(s);
    return family(s)->rate(s, 0) * (from + (1 - from) * (k / W));
}

static double spread(const sl_schedule *s)
{
    return family(s)->spread ? family(s)->spread(s) : 0;
}

/* ---- the interface ---- */

sl_status sl_schedule_init(sl_schedule *schedule, const char *text, double lr, uint64_t steps_per_epoch,
                           uint64_t total_steps, sl_err *err)
{
    sl_schedule s = {.lr = lr, .steps_per_epoch = steps_per_epoch, .total_steps = total_steps};
    SL_TRY(sl_spec_parse(&s.spec, text, "schedule", sl_schedules, sl_n_schedules, err));
    if (!(lr > 0 && isfinite(lr))) return sl_fail(err, SL_E_DOMAIN, "learning rate = %g, need 0 < lr < inf", lr);
    if (steps_per_epoch < 1) return sl_fail(err, SL_E_DOMAIN, "an epoch of 0 steps, need at least 1");
    if (total_steps < 1) return sl_fail(err, SL_E_DOMAIN, "a run of 0 steps, need at least 1");
    if (!(warmup_steps(&s) < (double)total_steps))
        return sl_fail(err, SL_E_CONFIG, "schedule '%s': a warm-up of %.0f steps leaves nothing of a run of %.0f",
                       s.spec.entry->name, warmup_steps(&s), (double)total_steps);
    if (family(&s)->check) SL_TRY(family(&s)->check(&s, err));
    *schedule = s;
    return SL_OK;
}

double sl_schedule_lr(const sl_schedule *s, uint64_t seed, uint64_t replica, uint64_t step)
{
    double rate;
    sl_schedule_fill(s, &rate, 1, seed, replica, step);
    return rate;
}

void sl_schedule_fill(const sl_schedule *s, double *rate, size_t n, uint64_t seed, uint64_t first_replica,
                      uint64_t step)
{
    const double mean = expected(s, step), half = mean * spread(s);
    if (!sl_schedule_is_random(s)) {
        for (size_t i = 0; i < n; i++) rate[i] = mean;
        return;
    }
    enum { CHUNK = 16 * SL_LANE_GROUP };
    const sl_draw draw = {.seed = seed, .step = step, .purpose = SL_PURPOSE_SCHEDULE};
    uint32_t words[CHUNK];
    for (size_t start = 0; start < n; start += CHUNK) {
        const size_t m = n - start < CHUNK ? n - start : CHUNK;
        sl_random_words(words, m, first_replica + start, &draw);
        sl_schedule_spread(rate + start, words, m, mean, half);
    }
}

void sl_schedule_from_words(const sl_schedule *s, double *rate, const uint32_t *words, size_t n, uint64_t step)
{
    const double mean = expected(s, step);
    if (sl_schedule_is_random(s))
        sl_schedule_spread(rate, words, n, mean, mean * spread(s));
    else
        for (size_t i = 0; i < n; i++) rate[i] = mean;
}

bool sl_schedule_is_random(const sl_schedule *s)
{
    return spread(s) > 0;
}

double sl_schedule_q(const sl_schedule *s)
{
    const double delta = spread(s);
    return 1 + delta * delta / 3;
}

bool sl_schedule_is_stationary(const sl_schedule *s)
{
    return family(s)->stationary && warmup_steps(s) == 0;
}

double sl_schedule_mean(const sl_schedule *s, uint64_t first, uint64_t last)
{
    if (first >= last) return NAN;
    if (sl_schedule_is_stationary(s)) return expected(s, first);
    long double sum = 0; /* 64 bits of mantissa: a million steps cost no digit of a double */
    for (uint64_t k = first; k < last; k++) sum += expected(s, k);
    return (double)(sum / (last - first));
}
