#include <math.h>

#include "sim/losses/losses.h"

const sl_loss_kind sl_loss_periodic = {
    .entry = {.name = "periodic", .help = "1 - cos x: minima at multiples of 2 pi, barriers of 2", .source = ""},
    .value = sl_periodic_value,
    .gradient = sl_periodic_gradient,
    .hessian_vector = sl_periodic_hessian_vector,
    .laplacian = sl_periodic_laplacian,
    .confining = true,
    .separable = true,
    .period = 2 * M_PI,
};
