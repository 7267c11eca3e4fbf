#include "sim/losses/losses.h"

/* Starts on the saddle, the origin. */
static sl_status init(sl_loss *loss, sl_err *err)
{
    (void)err;
    loss->dim = 2;
    loss->least = -0.25;
    loss->minimiser[0] = 0;
    loss->minimiser[1] = 1;
    return SL_OK;
}

const sl_loss_kind sl_loss_strict_saddle = {
    .entry = {.name = "strict-saddle",
              .help = "(x^2 - y^2)/2 + y^4/4: a strict saddle at 0, minima at y = -1 and 1 of depth 1/4",
              .source = ""},
    .init = init,
    .value = sl_strict_saddle_value,
    .gradient = sl_strict_saddle_gradient,
    .hessian_vector = sl_strict_saddle_hessian_vector,
    .laplacian = sl_strict_saddle_laplacian,
    .confining = true,
    .separable = true,
};
