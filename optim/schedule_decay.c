/* Schedules that fall and need no horizon. */
#include "optim/schedule_family.h"

/* ---- step ---- */

enum { STEP_EVERY, STEP_GAMMA };
static const sl_param step_params[] = {
    [STEP_EVERY] = {.name = "every", .help = "time between drops, epochs", .def = NAN, .max = SL_EPOCHS_MAX,
                    .open_min = true},
    [STEP_GAMMA] = {.name = "gamma", .help = "factor of each drop", .def = 0.1, .max = 1},
    SL_SCHEDULE_COMMON,
};

static double every_steps(const sl_schedule *s)
{
    return sl_schedule_steps(s, sl_schedule_param(s, STEP_EVERY));
}

static double step(const sl_schedule *s, double t)
{
    return s->lr * pow(sl_schedule_param(s, STEP_GAMMA), floor(t / every_steps(s)));
}

static sl_status step_check(sl_schedule *s, sl_err *err)
{
    return sl_schedule_check_steps(s, STEP_EVERY, every_steps(s), err);
}

const sl_schedule_family sl_schedule_step = {
    .entry = {.name = "step", .help = "l gamma^floor(epochs/every)", .source = "PyTorch's StepLR",
              SL_PARAMS(step_params)},
    .rate = step,
    .check = step_check,
};

/* ---- multi-step ---- */

enum { MULTI_MILESTONES, MULTI_GAMMA };
static const sl_param multi_step_params[] = {
    [MULTI_MILESTONES] = {.name = "milestones", .help = "times of the drops, epochs, ascending", .def = NAN,
                          .max = SL_EPOCHS_MAX, .list = true},
    [MULTI_GAMMA] = {.name = "gamma", .help = "factor of each drop: one for all, or one a milestone", .def = 0.1,
                     .max = 1000, .list = true},
    SL_SCHEDULE_COMMON,
};

static double multi_step(const sl_schedule *s, double t)
{
    const size_t n = s->spec.value[MULTI_MILESTONES].n;
    const double *milestone = s->spec.value[MULTI_MILESTONES].v, *gamma = s->spec.value[MULTI_GAMMA].v;
    const bool one_gamma = s->spec.value[MULTI_GAMMA].n == 1;
    double rate = s->lr;
    for (size_t i = 0; i < n && t >= sl_schedule_steps(s, milestone[i]); i++) rate *= gamma[one_gamma ? 0 : i];
    return rate;
}

static sl_status multi_step_check(sl_schedule *s, sl_err *err)
{
    const size_t n = s->spec.value[MULTI_MILESTONES].n, gammas = s->spec.value[MULTI_GAMMA].n;
    const double *milestone = s->spec.value[MULTI_MILESTONES].v;
    if (n == 0) return sl_fail(err, SL_E_DOMAIN, "schedule 'multi-step' needs milestones=... (epochs, ascending)");
    for (size_t i = 1; i < n; i++)
        if (!(milestone[i - 1] <= milestone[i]))
            return sl_fail(err, SL_E_DOMAIN, "schedule 'multi-step': milestone %g after %g, need ascending ones",
                           milestone[i], milestone[i - 1]);
    if (gammas != 1 && gammas != n)
        return sl_fail(err, SL_E_DOMAIN, "schedule 'multi-step': %zu gammas for %zu milestones, need 1 or %zu", gammas,
                       n, n);
    return SL_OK;
}

const sl_schedule_family sl_schedule_multi_step = {
    .entry = {.name = "multi-step", .help = "l, times gamma at each milestone", .source = "PyTorch's MultiStepLR",
              SL_PARAMS(multi_step_params)},
    .rate = multi_step,
    .check = multi_step_check,
};

/* ---- exponential ---- */

enum { EXPONENTIAL_GAMMA, EXPONENTIAL_PER_STEP };
static const sl_param exponential_params[] = {
    [EXPONENTIAL_GAMMA] = {.name = "gamma", .help = "factor per epoch", .def = NAN, .max = 1, .open_min = true},
    [EXPONENTIAL_PER_STEP] = SL_PER_STEP(0),
    SL_SCHEDULE_COMMON,
};

static double exponential(const sl_schedule *s, double t)
{
    const double epochs = sl_schedule_epochs(s, t, sl_schedule_param(s, EXPONENTIAL_PER_STEP) != 0);
    return s->lr * pow(sl_schedule_param(s, EXPONENTIAL_GAMMA), epochs);
}

const sl_schedule_family sl_schedule_exponential = {
    .entry = {.name = "exponential", .help = "l gamma^epochs", .source = "PyTorch's ExponentialLR",
              SL_PARAMS(exponential_params)},
    .rate = exponential,
};

/* ---- inverse-sqrt ---- */

enum { INVERSE_PER_STEP };
static const sl_param inverse_sqrt_params[] = {
    [INVERSE_PER_STEP] = {.name = "per-step", .help = "1: t counts steps; 0: epochs completed", .def = 1, .max = 1,
                          .integer = true},
    SL_SCHEDULE_COMMON,
};

static double inverse_sqrt(const sl_schedule *s, double t)
{
    const bool per_step = sl_schedule_param(s, INVERSE_PER_STEP) != 0;
    return s->lr / sqrt((per_step ? t : sl_schedule_epochs(s, t, false)) + 1);
}

const sl_schedule_family sl_schedule_inverse_sqrt = {
    .entry = {.name = "inverse-sqrt", .help = "l / sqrt(t + 1), t = 0 at the first step",
              .source = "Robbins and Monro 1951; Attia and Koren 2025", SL_PARAMS(inverse_sqrt_params)},
    .rate = inverse_sqrt,
};
