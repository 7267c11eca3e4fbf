#include "sim/losses/losses.h"

static const sl_param params[] = {
    {.name = "scale", .help = "factor of the energies [f]", .def = 0.01, .min = 0, .max = 1e6, .open_min = true},
};

/* Starts in the deepest of the three minima (mpmath, 20 digits). */
static sl_status init(sl_loss *loss, sl_err *err)
{
    (void)err;
    loss->dim = 2;
    loss->data[0] = sl_spec_get(&loss->spec, "scale");
    loss->start[0] = -0.55822363463302427747;
    loss->start[1] = 1.4417258418046686551;
    for (size_t d = 0; d < 2; d++) loss->minimiser[d] = loss->start[d];
    loss->least = sl_loss_value(loss, loss->minimiser);
    return SL_OK;
}

const sl_loss_kind sl_loss_mueller_brown = {
    .entry = {.name = "mueller-brown",
              .help =
                  "four Gaussian terms, three minima on a bent valley: barriers 1.06 out of the deepest, 0.68 out of "
                  "the next at scale 0.01",
              .source = "Mueller and Brown 1979",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .value = sl_mueller_brown_value,
    .gradient = sl_mueller_brown_gradient,
    .hessian_vector = sl_mueller_brown_hessian_vector,
    .laplacian = sl_mueller_brown_laplacian,
    .confining = true, /* by the fourth term, which grows in every direction */
};
