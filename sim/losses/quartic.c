#include "sim/losses/losses.h"

const sl_loss_kind sl_loss_quartic = {
    .entry = {.name = "quartic", .help = "x^4 / 4: a minimum without curvature", .source = ""},
    .value = sl_quartic_value,
    .gradient = sl_quartic_gradient,
    .hessian_vector = sl_quartic_hessian_vector,
    .laplacian = sl_quartic_laplacian,
    .confining = true,
    .separable = true,
};
