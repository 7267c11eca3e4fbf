/* Losses whose valley is a parabola, y = c(x): a Gaussian in y given x, around a curve. The marginal of x under
 * exp(-f/T) is that of the one-dimensional term alone, so all moments are known although f does not separate. */
#include "sim/losses/losses.h"

static const sl_param rosenbrock_params[] = {
    {.name = "a", .help = "minimum, at (a, a^2)", .def = 1, .min = -100, .max = 100},
    {.name = "b", .help = "stiffness across the valley [f/x^2]", .def = 100, .min = 0, .max = 1e9, .open_min = true},
};

static const sl_param well_params[] = {
    {.name = "a", .help = "curvature across the valley [f/x^2]", .def = 1, .min = 0, .max = 1e9, .open_min = true},
    {.name = "b", .help = "bend: the saddle lies at (0, -b)", .def = 0.5, .min = -100, .max = 100},
};

static sl_status init_rosenbrock(sl_loss *loss, sl_err *err)
{
    (void)err;
    const double a = sl_spec_get(&loss->spec, "a");
    loss->dim = 2;
    loss->data[0] = a;
    loss->data[1] = sl_spec_get(&loss->spec, "b");
    loss->start[0] = a;
    loss->start[1] = a * a;
    loss->least = 0;
    loss->minimiser[0] = a;
    loss->minimiser[1] = a * a;
    return SL_OK;
}

static sl_status init_well(sl_loss *loss, sl_err *err)
{
    (void)err;
    loss->dim = 2;
    loss->data[0] = sl_spec_get(&loss->spec, "a");
    loss->data[1] = sl_spec_get(&loss->spec, "b");
    loss->start[0] = 1;
    loss->least = 0;
    loss->minimiser[0] = 1;
    loss->minimiser[1] = 0;
    return SL_OK;
}

const sl_loss_kind sl_loss_rosenbrock = {
    .entry = {.name = "rosenbrock",
              .help = "(a - x)^2 + b (y - x^2)^2: a bent valley, minimum at (a, a^2)",
              .source = "Rosenbrock 1960",
              .params = rosenbrock_params,
              .n_params = sizeof rosenbrock_params / sizeof *rosenbrock_params},
    .init = init_rosenbrock,
    .value = sl_rosenbrock_value,
    .gradient = sl_rosenbrock_gradient,
    .hessian_vector = sl_rosenbrock_hessian_vector,
    .laplacian = sl_rosenbrock_laplacian,
    .confining = true,
};

const sl_loss_kind sl_loss_bent_double_well = {
    .entry = {.name = "bent-double-well",
              .help = "(x^2 - 1)^2/4 + (a/2) (y - b (x^2 - 1))^2: minima (-1, 0), (1, 0), barrier 1/4 at (0, -b)",
              .source = "",
              .params = well_params,
              .n_params = sizeof well_params / sizeof *well_params},
    .init = init_well,
    .value = sl_bent_double_well_value,
    .gradient = sl_bent_double_well_gradient,
    .hessian_vector = sl_bent_double_well_hessian_vector,
    .laplacian = sl_bent_double_well_laplacian,
    .confining = true,
};
