/* Losses with one slope: s |x - at|, the family on which a wrong learning rate hurts most (Attia and Koren 2025), and
 * the same with its edge rounded off. */
#include <math.h>

#include "sim/losses/losses.h"

#define SLOPE_PARAMS                                                                                   \
    {.name = "s", .help = "slope [f/x]", .def = 1, .min = 0, .max = 1e12, .open_min = true},           \
    {                                                                                                  \
        .name = "at", .help = "minimiser, in every coordinate", .def = 0, .min = -1e12, .max = 1e12    \
    }

static const sl_param absolute_params[] = {
    SLOPE_PARAMS,
    {.name = "radius", .help = "of the interval |x| <= radius that steps are projected onto; 0: none", .max = 1e12},
};
static const sl_param huber_params[] = {
    SLOPE_PARAMS,
    {.name = "delta",
     .help = "half-width of the parabola, beyond which f is straight",
     .def = 1,
     .min = 0,
     .max = 1e12,
     .open_min = true},
    {.name = "dim", .help = "number of coordinates", .def = 1, .min = 1, .max = SL_LOSS_MAX_DIM, .integer = true},
    SL_DOMAIN_PARAMS,
};

/* All coordinates being alike, the minimiser is one number in each of them: at, or as near to it as the set allows.
 * Starts at the far end of the set, or one unit beyond the parabola. */
static void find_minimum(sl_loss *loss, double at, double delta)
{
    const double radius = loss->data[SL_DOMAIN_RADIUS], box = loss->data[SL_DOMAIN_BOX];
    const double half = radius > 0 ? radius / sqrt((double)loss->dim) : box > 0 ? box : INFINITY;
    for (size_t d = 0; d < loss->dim; d++) {
        loss->minimiser[d] = fmax(-half, fmin(at, half));
        loss->start[d] = !isfinite(half) ? at + delta + 1 : at > 0 ? -half : half;
    }
    loss->least = sl_loss_value(loss, loss->minimiser);
}

static sl_status init_absolute(sl_loss *loss, sl_err *err)
{
    SL_TRY(sl_domain_init(loss, err));
    loss->data[0] = sl_spec_get(&loss->spec, "s");
    loss->data[1] = sl_spec_get(&loss->spec, "at");
    find_minimum(loss, loss->data[1], 0);
    return SL_OK;
}

static sl_status init_huber(sl_loss *loss, sl_err *err)
{
    SL_TRY(sl_domain_init(loss, err));
    loss->dim = (size_t)sl_spec_get(&loss->spec, "dim");
    loss->data[0] = sl_spec_get(&loss->spec, "s");
    loss->data[1] = sl_spec_get(&loss->spec, "at");
    loss->data[2] = sl_spec_get(&loss->spec, "delta");
    find_minimum(loss, loss->data[1], loss->data[2]);
    return SL_OK;
}

const sl_loss_kind sl_loss_absolute = {
    .entry = {.name = "absolute",
              .help = "s |x - at|, on an interval if radius > 0: the family of worst slopes; subgradient 0 at its edge",
              .source = "Attia and Koren 2025",
              .params = absolute_params,
              .n_params = sizeof absolute_params / sizeof *absolute_params},
    .init = init_absolute,
    .value = sl_absolute_value,
    .gradient = sl_absolute_gradient,
    .project = sl_domain_project,
    .convex = true,
};

const sl_loss_kind sl_loss_huber = {
    .entry = {.name = "huber",
              .help = "sum over coordinates of s h(x - at), h(u) = u^2/(2 delta) up to |u| = delta and |u| - delta/2 "
                      "beyond",
              .source = "Huber 1964",
              .params = huber_params,
              .n_params = sizeof huber_params / sizeof *huber_params},
    .init = init_huber,
    .value = sl_huber_value,
    .gradient = sl_huber_gradient,
    .hessian_vector = sl_huber_hessian_vector,
    .laplacian = sl_huber_laplacian,
    .project = sl_domain_project,
    .separable = true,
    .convex = true,
};
