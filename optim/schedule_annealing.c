/* Schedules that fall from l at the first step to their end at the horizon: eta_t = end + (l - end) h(u). */
#include "optim/schedule_family.h"

/* ---- cosine ---- */

enum { COSINE_MIN, COSINE_PER_STEP };
static const sl_param cosine_params[] = {
    [COSINE_MIN] = {.name = "min", .help = "rate at the horizon", .max = SL_RATE_MAX},
    [COSINE_PER_STEP] = SL_PER_STEP(1),
    SL_SCHEDULE_COMMON,
};

static double cosine(const sl_schedule *s, double t)
{
    const double min = sl_schedule_param(s, COSINE_MIN);
    const double u = sl_schedule_progress(s, t, sl_schedule_param(s, COSINE_PER_STEP) != 0);
    return min + (s->lr - min) * (1 + cos(M_PI * u)) / 2;
}

static sl_status cosine_check(sl_schedule *s, sl_err *err)
{
    const double min = sl_schedule_param(s, COSINE_MIN);
    if (!(min <= s->lr)) return sl_fail(err, SL_E_DOMAIN, "schedule 'cosine': min = %g > lr = %g", min, s->lr);
    return SL_OK;
}

const sl_schedule_family sl_schedule_cosine = {
    .entry = {.name = "cosine", .help = "from l to min, h(u) = (1 + cos pi u)/2",
              .source = "Loshchilov and Hutter 2017; Attia and Koren 2025", SL_PARAMS(cosine_params)},
    .rate = cosine,
    .check = cosine_check,
};
