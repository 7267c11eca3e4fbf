#include <math.h>

#include "sim/losses/losses.h"

static sl_status init(sl_loss *loss, sl_err *err)
{
    (void)err;
    loss->least = loss->minimiser[0] = 0;
    return SL_OK;
}

const sl_loss_kind sl_loss_periodic = {
    .entry = {.name = "periodic", .help = "1 - cos x: minima at multiples of 2 pi, barriers of 2", .source = ""},
    .init = init,
    .value = sl_periodic_value,
    .gradient = sl_periodic_gradient,
    .hessian_vector = sl_periodic_hessian_vector,
    .laplacian = sl_periodic_laplacian,
    .confining = true,
    .separable = true,
    .period = 2 * M_PI,
};
