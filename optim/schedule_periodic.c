/* Schedules that come back to where they were. */
#include "optim/schedule_family.h"

/* ---- cyclic ---- */

enum { CYCLIC_PERIOD, CYCLIC_PER_STEP };
static const sl_param cyclic_params[] = {
    [CYCLIC_PERIOD] = {.name = "period", .help = "P, half of the full period, epochs", .def = 6, .min = 1,
                       .max = SL_EPOCHS_MAX, .integer = true},
    [CYCLIC_PER_STEP] = SL_PER_STEP(0),
    SL_SCHEDULE_COMMON,
};

static double cyclic(const sl_schedule *s, double t)
{
    const double P = sl_schedule_param(s, CYCLIC_PERIOD);
    const double tau = sl_schedule_epochs(s, t, sl_schedule_param(s, CYCLIC_PER_STEP) != 0);
    return 2 * s->lr * sl_schedule_half_cosine((P - fmod(tau, 2 * P)) / P);
}

const sl_schedule_family sl_schedule_cyclic = {
    .entry = {.name = "cyclic", .help = "l (1 + cos(pi tau / P)), tau = epochs completed; mean l over 2P epochs",
              .source = "Musso 2020, eq 21", SL_PARAMS(cyclic_params)},
    .rate = cyclic,
};

/* ---- cosine-restarts ---- */

enum { RESTARTS_FIRST, RESTARTS_FACTOR, RESTARTS_MIN, RESTARTS_PER_STEP };
static const sl_param restarts_params[] = {
    [RESTARTS_FIRST] = {.name = "first", .help = "length of the first period, epochs", .def = 1, .min = 1,
                        .max = SL_EPOCHS_MAX, .integer = true},
    [RESTARTS_FACTOR] = {.name = "factor", .help = "each period over the one before, a number", .def = 2, .min = 1,
                         .max = 1000, .integer = true},
    [RESTARTS_MIN] = {.name = "min", .help = "the rate that each period falls towards", .max = SL_RATE_MAX},
    [RESTARTS_PER_STEP] = SL_PER_STEP(1),
    SL_SCHEDULE_COMMON,
};

static double cosine_restarts(const sl_schedule *s, double t)
{
    const double spe = (double)s->steps_per_epoch, factor = sl_schedule_param(s, RESTARTS_FACTOR);
    double since = sl_schedule_param(s, RESTARTS_PER_STEP) != 0 ? t : floor(t / spe) * spe; /* the last restart */
    double period = sl_schedule_param(s, RESTARTS_FIRST) * spe;
    if (factor == 1)
        since = fmod(since, period);
    else
        while (since >= period) since -= period, period *= factor; /* whole numbers: exact */
    const double h = sl_schedule_half_cosine((period - since) / period);
    return s->lr * h + sl_schedule_param(s, RESTARTS_MIN) * (1 - h);
}

static sl_status restarts_check(sl_schedule *s, sl_err *err)
{
    return sl_schedule_check_min(s, RESTARTS_MIN, err);
}

const sl_schedule_family sl_schedule_cosine_restarts = {
    .entry = {.name = "cosine-restarts", .help = "from l towards min like cosine, again and again, ever longer",
              .source = "Loshchilov and Hutter 2017, eq 5", SL_PARAMS(restarts_params)},
    .rate = cosine_restarts,
    .check = restarts_check,
};

/* ---- triangular ---- */

enum { TRIANGULAR_MIN, TRIANGULAR_UP, TRIANGULAR_DOWN, TRIANGULAR_IN_STEPS };
static const sl_param triangular_params[] = {
    [TRIANGULAR_MIN] = {.name = "min", .help = "smallest rate", .max = SL_RATE_MAX},
    [TRIANGULAR_UP] = {.name = "up", .help = "time from min to l, epochs (or steps)", .def = 4, .max = SL_EPOCHS_MAX,
                       .open_min = true},
    [TRIANGULAR_DOWN] = {.name = "down", .help = "time from l to min, epochs (or steps); as up if not given", .def = 4,
                         .max = SL_EPOCHS_MAX, .open_min = true},
    [TRIANGULAR_IN_STEPS] = {.name = "in-steps", .help = "1: up and down are in steps; 0: in epochs", .max = 1,
                             .integer = true},
    SL_SCHEDULE_COMMON,
};

/* Parameter k, which is up or down, in steps. */
static double flank(const sl_schedule *s, size_t k)
{
    const double time = sl_schedule_param(s, k);
    return sl_schedule_param(s, TRIANGULAR_IN_STEPS) != 0 ? round(time) : sl_schedule_steps(s, time);
}

static double triangular(const sl_schedule *s, double t)
{
    const double up = flank(s, TRIANGULAR_UP), down = flank(s, TRIANGULAR_DOWN);
    const double since = fmod(t, up + down);
    const double h = since <= up ? since / up : (up + down - since) / down;
    return s->lr * h + sl_schedule_param(s, TRIANGULAR_MIN) * (1 - h);
}

static sl_status triangular_check(sl_schedule *s, sl_err *err)
{
    if (!s->spec.value[TRIANGULAR_DOWN].given)
        s->spec.value[TRIANGULAR_DOWN].v[0] = sl_schedule_param(s, TRIANGULAR_UP);
    SL_TRY(sl_schedule_check_steps(s, TRIANGULAR_UP, flank(s, TRIANGULAR_UP), err));
    SL_TRY(sl_schedule_check_steps(s, TRIANGULAR_DOWN, flank(s, TRIANGULAR_DOWN), err));
    return sl_schedule_check_min(s, TRIANGULAR_MIN, err);
}

const sl_schedule_family sl_schedule_triangular = {
    .entry = {.name = "triangular", .help = "straight up from min to l and down again, PyTorch's CyclicLR",
              .source = "Smith 2017", SL_PARAMS(triangular_params)},
    .rate = triangular,
    .check = triangular_check,
};
