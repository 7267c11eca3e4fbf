/* Schedules with a horizon: from l at the first step to an end that is reached at the last one, T. Most are
 * eta_t = l h(u) + end (1 - h(u)), u = t/T, which is l and end without rounding at u = 0 and 1. */
#include "optim/schedule_family.h"

/* The first two parameters of cosine, linear and poly; cosine calls the end its minimum. */
enum { END, PER_STEP };
#define END_NAMED(text) \
    [END] = {.name = text, .help = "rate at the horizon, u = 1", .max = SL_RATE_MAX}, [PER_STEP] = SL_PER_STEP(1)

static double left(const sl_schedule *s, double t)
{
    return sl_schedule_left(s, t, sl_schedule_param(s, PER_STEP) != 0);
}

static double mix(const sl_schedule *s, double h)
{
    return s->lr * h + sl_schedule_param(s, END) * (1 - h);
}

/* ---- cosine ---- */

static const sl_param cosine_params[] = {END_NAMED("min"), SL_SCHEDULE_COMMON};

static double cosine(const sl_schedule *s, double t)
{
    return mix(s, sl_schedule_half_cosine(left(s, t)));
}

static sl_status cosine_check(sl_schedule *s, sl_err *err)
{
    return sl_schedule_check_min(s, END, err);
}

const sl_schedule_family sl_schedule_cosine = {
    .entry = {.name = "cosine", .help = "from l down to min, h(u) = (1 + cos pi u)/2",
              .source = "Loshchilov and Hutter 2017; Attia and Koren 2025", SL_PARAMS(cosine_params)},
    .rate = cosine,
    .check = cosine_check,
};

/* ---- linear ---- */

static const sl_param linear_params[] = {END_NAMED("end"), SL_SCHEDULE_COMMON};

static double linear(const sl_schedule *s, double t)
{
    return mix(s, left(s, t));
}

const sl_schedule_family sl_schedule_linear = {
    .entry = {.name = "linear", .help = "from l to end, h(u) = 1 - u; rises where end > l (a range test)",
              .source = "Attia and Koren 2025 (p = 1)", SL_PARAMS(linear_params)},
    .rate = linear,
};

/* ---- poly ---- */

enum { POLY_P = PER_STEP + 1 };
static const sl_param poly_params[] = {
    END_NAMED("end"),
    [POLY_P] = {.name = "p", .help = "degree, a number", .def = 2, .max = 100, .open_min = true},
    SL_SCHEDULE_COMMON,
};

static double poly(const sl_schedule *s, double t)
{
    return mix(s, pow(left(s, t), sl_schedule_param(s, POLY_P)));
}

const sl_schedule_family sl_schedule_poly = {
    .entry = {.name = "poly", .help = "from l to end, h(u) = (1 - u)^p", .source = "Attia and Koren 2025",
              SL_PARAMS(poly_params)},
    .rate = poly,
};

/* ---- knee ---- */

enum { KNEE_FLAT, KNEE_PER_STEP };
static const sl_param knee_params[] = {
    [KNEE_FLAT] = {.name = "flat", .help = "length of the flat part, epochs", .def = NAN, .max = SL_EPOCHS_MAX},
    [KNEE_PER_STEP] = SL_PER_STEP(1),
    SL_SCHEDULE_COMMON,
};

static double flat_steps(const sl_schedule *s)
{
    return sl_schedule_steps(s, sl_schedule_param(s, KNEE_FLAT));
}

static double knee(const sl_schedule *s, double t)
{
    const double T = sl_schedule_horizon(s), flat = flat_steps(s);
    const double h = sl_schedule_left(s, t, sl_schedule_param(s, KNEE_PER_STEP) != 0) * (T / (T - flat));
    return s->lr * fmin(h, 1);
}

static sl_status knee_check(sl_schedule *s, sl_err *err)
{
    const double T = sl_schedule_horizon(s), flat = flat_steps(s);
    if (!(flat < T))
        return sl_fail(err, SL_E_CONFIG, "schedule 'knee': a flat part of %.0f steps leaves nothing of %.0f", flat, T);
    return SL_OK;
}

const sl_schedule_family sl_schedule_knee = {
    .entry = {.name = "knee", .help = "l for a number of epochs, then linear to 0 at the horizon",
              .source = "Iyer et al. 2023; Devapriya et al. 2024", SL_PARAMS(knee_params)},
    .rate = knee,
    .check = knee_check,
};

/* ---- one-cycle: up to l, down again, and on down; the last step, T-1, has the smallest rate ---- */

enum { CYCLE_UP, CYCLE_THREE_PHASE, CYCLE_COS, CYCLE_DIV, CYCLE_FINAL_DIV };
static const sl_param one_cycle_params[] = {
    [CYCLE_UP] = {.name = "up", .help = "part of the run that the rise takes, a number", .def = 0.3, .max = 1,
                  .open_min = true, .open_max = true},
    [CYCLE_THREE_PHASE] = {.name = "three-phase", .help = "1: down to l/div as long as up, then to the end; 0: at once",
                           .max = 1, .integer = true},
    [CYCLE_COS] = {.name = "cos", .help = "1: half cosines; 0: straight lines", .def = 1, .max = 1, .integer = true},
    [CYCLE_DIV] = {.name = "div", .help = "the first rate is l/div", .def = 25, .min = 1, .max = 1e12},
    [CYCLE_FINAL_DIV] = {.name = "final-div", .help = "the last rate is l/div/final-div", .def = 1e4, .min = 1,
                         .max = 1e12},
    SL_SCHEDULE_COMMON,
};

/* The rate at t on the way from a at t = first to b at t = last. */
static double phase(double a, double b, double first, double last, double t, bool half_cosine)
{
    const double left = (last - t) / (last - first), h = half_cosine ? sl_schedule_half_cosine(left) : left;
    return a * h + b * (1 - h);
}

static double one_cycle(const sl_schedule *s, double t)
{
    const double up = sl_schedule_param(s, CYCLE_UP) * sl_schedule_horizon(s), last = sl_schedule_horizon(s) - 1;
    const bool three = sl_schedule_param(s, CYCLE_THREE_PHASE) != 0, cosines = sl_schedule_param(s, CYCLE_COS) != 0;
    const double first_rate = s->lr / sl_schedule_param(s, CYCLE_DIV);
    const double last_rate = first_rate / sl_schedule_param(s, CYCLE_FINAL_DIV);
    const double peak = up - 1, foot = 2 * up - 2; /* the steps, not always whole, where phases end */
    t = fmin(t, last);
    if (t <= peak) return phase(first_rate, s->lr, 0, peak, t, cosines);
    if (!three) return phase(s->lr, last_rate, peak, last, t, cosines);
    if (t <= foot) return phase(s->lr, first_rate, peak, foot, t, cosines);
    return phase(first_rate, last_rate, foot, last, t, cosines);
}

static sl_status one_cycle_check(sl_schedule *s, sl_err *err)
{
    const double up = sl_schedule_param(s, CYCLE_UP), T = sl_schedule_horizon(s);
    if (sl_schedule_param(s, CYCLE_THREE_PHASE) != 0 && !(up <= 0.5))
        return sl_fail(err, SL_E_DOMAIN, "schedule 'one-cycle': up = %g, need up <= 0.5 with three-phase=1", up);
    if (!(up * T > 1))
        return sl_fail(err, SL_E_CONFIG, "schedule 'one-cycle': up = %g of %g steps, need more than one step", up, T);
    return SL_OK;
}

const sl_schedule_family sl_schedule_one_cycle = {
    .entry = {.name = "one-cycle", .help = "from l/div up to l and down to l/div/final-div, PyTorch's OneCycleLR",
              .source = "Smith and Topin 2018; Devapriya et al. 2024", SL_PARAMS(one_cycle_params)},
    .rate = one_cycle,
    .check = one_cycle_check,
};
