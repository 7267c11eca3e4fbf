#include "sim/losses/losses.h"

static sl_status init(sl_loss *loss, sl_err *err)
{
    (void)err;
    loss->least = loss->minimiser[0] = 0;
    return SL_OK;
}

const sl_loss_kind sl_loss_quartic = {
    .entry = {.name = "quartic", .help = "x^4 / 4: a minimum without curvature", .source = ""},
    .init = init,
    .value = sl_quartic_value,
    .gradient = sl_quartic_gradient,
    .hessian_vector = sl_quartic_hessian_vector,
    .laplacian = sl_quartic_laplacian,
    .confining = true,
    .separable = true,
    .convex = true,
};
