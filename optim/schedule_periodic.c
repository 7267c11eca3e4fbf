/* Schedules that repeat. */
#include "optim/schedule_family.h"

/* ---- cyclic ---- */

enum { CYCLIC_PERIOD, CYCLIC_PER_STEP };
static const sl_param cyclic_params[] = {
    [CYCLIC_PERIOD] = {.name = "period", .help = "P: half of the full period, epochs", .def = 6, .min = 1,
                       .max = SL_EPOCHS_MAX, .integer = true},
    [CYCLIC_PER_STEP] = SL_PER_STEP(0),
    SL_SCHEDULE_COMMON,
};

static double cyclic(const sl_schedule *s, double t)
{
    const double P = sl_schedule_param(s, CYCLIC_PERIOD);
    const double tau = sl_schedule_epochs(s, t, sl_schedule_param(s, CYCLIC_PER_STEP) != 0);
    return s->lr * (1 + cos(M_PI * (fmod(tau, 2 * P) / P)));
}

const sl_schedule_family sl_schedule_cyclic = {
    .entry = {.name = "cyclic", .help = "l (1 + cos(pi tau / P)), tau = epochs completed; mean l over 2P epochs",
              .source = "Musso 2020, eq 21", SL_PARAMS(cyclic_params)},
    .rate = cyclic,
};
