/* Schedules whose rate has one law at every step: constant, random, plrs. */
#include "optim/schedule_family.h"

static double base_rate(const sl_schedule *s, double t)
{
    (void)t;
    return s->lr;
}

/* ---- constant ---- */

static const sl_param constant_params[] = {SL_SCHEDULE_COMMON};

const sl_schedule_family sl_schedule_constant = {
    .entry = {.name = "constant", .help = "l at every step", .source = "", SL_PARAMS(constant_params)},
    .rate = base_rate,
    .stationary = true,
};

/* ---- random ---- */

enum { DELTA };
static const sl_param random_params[] = {
    [DELTA] = {.name = "delta", .help = "half-width of the law of alpha, a number", .def = 1, .max = 1},
    SL_SCHEDULE_COMMON,
};

static double delta(const sl_schedule *s)
{
    return sl_schedule_param(s, DELTA);
}

const sl_schedule_family sl_schedule_random = {
    .entry = {.name = "random", .help = "alpha l, alpha ~ U[1-delta, 1+delta] drawn afresh at every step",
              .source = "Musso 2020, eqs 1, 27", SL_PARAMS(random_params)},
    .rate = base_rate,
    .spread = delta,
    .stationary = true,
};

/* ---- plrs: the same law, given by its bounds ---- */

enum { MIN, MAX };
static const sl_param plrs_params[] = {
    [MIN] = {.name = "min", .help = "smallest rate", .def = NAN, .max = SL_RATE_MAX},
    [MAX] = {.name = "max", .help = "largest rate", .def = NAN, .max = SL_RATE_MAX, .open_min = true},
    SL_SCHEDULE_COMMON,
};

static double plrs_mean(const sl_schedule *s, double t)
{
    (void)t;
    return (sl_schedule_param(s, MIN) + sl_schedule_param(s, MAX)) / 2;
}

static double plrs_spread(const sl_schedule *s)
{
    const double min = sl_schedule_param(s, MIN), max = sl_schedule_param(s, MAX);
    return (max - min) / (max + min);
}

static sl_status plrs_check(sl_schedule *s, sl_err *err)
{
    const double min = sl_schedule_param(s, MIN), max = sl_schedule_param(s, MAX);
    if (!(min <= max)) return sl_fail(err, SL_E_DOMAIN, "schedule 'plrs': min = %g > max = %g", min, max);
    return SL_OK;
}

const sl_schedule_family sl_schedule_plrs = {
    .entry = {.name = "plrs", .help = "rate ~ U[min, max] drawn afresh at every step; l is not used",
              .source = "Devapriya et al. 2024", SL_PARAMS(plrs_params)},
    .rate = plrs_mean,
    .spread = plrs_spread,
    .check = plrs_check,
    .stationary = true,
};
