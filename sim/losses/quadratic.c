#include <math.h>

#include "sim/losses/losses.h"

static const sl_param quadratic_params[] = {
    {.name = "a",
     .help = "curvature, or a factor on the spectrum [f/x^2]",
     .def = 1,
     .min = 0,
     .max = 1e12,
     .open_min = true},
    {.name = "dim",
     .help = "number of coordinates, all of curvature a",
     .def = 1,
     .min = 1,
     .max = SL_LOSS_MAX_DIM,
     .integer = true},
    {.name = "spectrum",
     .help = "curvatures, one a coordinate [f/x^2]",
     .def = NAN,
     .min = 0,
     .max = 1e12,
     .open_min = true,
     .list = true},
};

static sl_status init_quadratic(sl_loss *loss, sl_err *err)
{
    const sl_spec *s = &loss->spec;
    const size_t list = sl_spec_index(s, "spectrum"), n = s->value[list].n;
    const double a = sl_spec_get(s, "a");
    const size_t dim = (size_t)sl_spec_get(s, "dim");
    if (n > 0 && dim != 1 && dim != n)
        return sl_fail(err, SL_E_DOMAIN, "loss 'quadratic': dim = %zu, but the spectrum has %zu values", dim, n);
    loss->dim = n > 0 ? n : dim;
    for (size_t d = 0; d < loss->dim; d++) loss->data[d] = n > 0 ? a * s->value[list].v[d] : a;
    loss->least = 0;
    for (size_t d = 0; d < loss->dim; d++) loss->minimiser[d] = 0;
    return SL_OK;
}

const sl_loss_kind sl_loss_quadratic = {
    .entry = {.name = "quadratic",
              .help = "sum of a x^2/2 over coordinates, with equal curvatures or a spectrum",
              .source = "",
              .params = quadratic_params,
              .n_params = sizeof quadratic_params / sizeof *quadratic_params},
    .init = init_quadratic,
    .value = sl_quadratic_value,
    .gradient = sl_quadratic_gradient,
    .hessian_vector = sl_quadratic_hessian_vector,
    .laplacian = sl_quadratic_laplacian,
    .confining = true,
    .separable = true,
    .convex = true,
};

static const sl_param saddle_params[] = {
    {.name = "dim", .help = "number of coordinates", .def = 2, .min = 1, .max = SL_LOSS_MAX_DIM, .integer = true},
    {.name = "index",
     .help = "number of unstable coordinates, the last ones",
     .def = 1,
     .min = 1,
     .max = SL_LOSS_MAX_DIM,
     .integer = true},
    {.name = "a",
     .help = "curvature of the stable coordinates [f/x^2]",
     .def = 1,
     .min = 0,
     .max = 1e12,
     .open_min = true},
    {.name = "gamma",
     .help = "minus the curvature of the unstable coordinates [f/x^2]",
     .def = 1,
     .min = 0,
     .max = 1e12,
     .open_min = true},
};

static sl_status init_saddle(sl_loss *loss, sl_err *err)
{
    const sl_spec *s = &loss->spec;
    const size_t dim = (size_t)sl_spec_get(s, "dim"), index = (size_t)sl_spec_get(s, "index");
    if (index > dim)
        return sl_fail(err, SL_E_DOMAIN, "loss 'quadratic-saddle': index = %zu, need index <= dim = %zu", index, dim);
    loss->dim = dim;
    for (size_t d = 0; d < dim; d++) loss->data[d] = d < dim - index ? sl_spec_get(s, "a") : -sl_spec_get(s, "gamma");
    return SL_OK;
}

const sl_loss_kind sl_loss_quadratic_saddle = {
    .entry = {.name = "quadratic-saddle",
              .help = "sum of a x^2/2 over stable and -gamma x^2/2 over unstable coordinates",
              .source = "",
              .params = saddle_params,
              .n_params = sizeof saddle_params / sizeof *saddle_params},
    .init = init_saddle,
    .value = sl_quadratic_value,
    .gradient = sl_quadratic_gradient,
    .hessian_vector = sl_quadratic_hessian_vector,
    .laplacian = sl_quadratic_laplacian,
    .confining = false,
    .separable = true,
};
