#include <math.h>

#include "sim/losses/losses.h"

static const sl_param tilted_params[] = {
    {.name = "tilt", .help = "slope t of the added t x [f/x]", .def = 0.1, .min = -1e3, .max = 1e3},
};

/* Starts in the right-hand well, or for a tilt in the lower one: the outermost root of f' = x^3 - x + t, which
 * Newton's method reaches from beyond it without a turn (f' is convex there). */
static sl_status init(sl_loss *loss, sl_err *err)
{
    (void)err;
    const double tilt = loss->spec.entry->n_params > 0 ? sl_spec_get(&loss->spec, "tilt") : 0;
    loss->dim = 1;
    loss->data[0] = tilt;
    double x = 1 + fabs(tilt);
    for (int i = 0; i < 64; i++) x -= (x * x * x - x - fabs(tilt)) / (3 * x * x - 1);
    loss->start[0] = loss->minimiser[0] = tilt > 0 ? -x : x;
    loss->least = sl_loss_value(loss, loss->minimiser);
    return SL_OK;
}

const sl_loss_kind sl_loss_double_well = {
    .entry = {.name = "double-well", .help = "(x^2 - 1)^2 / 4: minima at -1 and 1, barrier 1/4 at 0", .source = ""},
    .init = init,
    .value = sl_double_well_value,
    .gradient = sl_double_well_gradient,
    .hessian_vector = sl_double_well_hessian_vector,
    .laplacian = sl_double_well_laplacian,
    .confining = true,
    .separable = true,
};

const sl_loss_kind sl_loss_tilted_double_well = {
    .entry = {.name = "tilted-double-well",
              .help = "(x^2 - 1)^2 / 4 + tilt x: two wells while |tilt| < 2/sqrt(27)",
              .source = "",
              .params = tilted_params,
              .n_params = sizeof tilted_params / sizeof *tilted_params},
    .init = init,
    .value = sl_double_well_value,
    .gradient = sl_double_well_gradient,
    .hessian_vector = sl_double_well_hessian_vector,
    .laplacian = sl_double_well_laplacian,
    .confining = true,
    .separable = true,
};
