#include "sim/losses/losses.h"

static const sl_param params[] = {
    {.name = "q",
     .help = "quartic term that confines: minima at radius 3/q, of depth 27/(4 q^3) [f/x^4]",
     .def = 3,
     .min = 0,
     .max = 1e6,
     .open_min = true},
};

/* Starts on the saddle, the origin, where the Hessian is 0. */
static sl_status init(sl_loss *loss, sl_err *err)
{
    (void)err;
    loss->dim = 2;
    const double q = sl_spec_get(&loss->spec, "q");
    loss->data[0] = q;
    loss->least = -27 / (4 * q * q * q);
    loss->minimiser[0] = -3 / q;
    loss->minimiser[1] = 0;
    return SL_OK;
}

const sl_loss_kind sl_loss_monkey_saddle = {
    .entry = {.name = "monkey-saddle",
              .help = "x^3 - 3 x y^2 + (q/4) (x^2 + y^2)^2: a saddle at 0 without curvature, three ways down",
              .source = "",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .value = sl_monkey_saddle_value,
    .gradient = sl_monkey_saddle_gradient,
    .hessian_vector = sl_monkey_saddle_hessian_vector,
    .laplacian = sl_monkey_saddle_laplacian,
    .confining = true,
};
