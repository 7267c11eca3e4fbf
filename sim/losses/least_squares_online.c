/* Least squares over an endless supply of samples: a ~ N(0, diag k), y = a.truth + sigma e. */
#include <math.h>

#include "sim/losses/losses.h"

/* data: the spectrum k; at SL_LOSS_MAX_DIM the deviation sigma. table: the truth. */
enum { SIGMA = SL_LOSS_MAX_DIM };

static const sl_param params[] = {
    SL_SPECTRUM_PARAMS,
    {.name = "noise", .help = "deviation sigma of the targets about a.truth", .def = 1, .max = 1e6},
    {.name = "norm", .help = "length of the true parameters", .def = 1, .max = 1e6},
    {.name = "seed", .help = "which true parameters", .def = 0, .min = 0, .max = 4294967295.0, .integer = true},
    SL_DOMAIN_PARAMS,
};

static sl_status make(double *truth, const sl_loss *loss, sl_err *err)
{
    (void)err;
    sl_sample_truth(truth, loss->dim, sl_spec_get(&loss->spec, "norm"), (uint64_t)sl_spec_get(&loss->spec, "seed"));
    return SL_OK;
}

/* x_d = k_d truth_d/(k_d + nu), of which nu >= 0 falls with |x| <= radius: by halving, to the last bit. */
static void onto_ball(sl_loss *loss, double radius)
{
    const size_t n = loss->dim;
    double low = 0, high = 0;
    for (size_t d = 0; d < n; d++) high += pow(loss->data[d] * loss->truth[d], 2);
    high = sqrt(high) / radius; /* nu |x| <= |k truth| */
    for (int i = 0; i < 200; i++) {
        const double nu = 0.5 * (low + high);
        double square = 0;
        for (size_t d = 0; d < n; d++) {
            loss->minimiser[d] = loss->data[d] * loss->truth[d] / (loss->data[d] + nu);
            square += loss->minimiser[d] * loss->minimiser[d];
        }
        if (sqrt(square) > radius)
            low = nu;
        else
            high = nu;
    }
}

/* Starts at 0. In a box the minimiser is the truth, cut off: the terms of f are one for each coordinate. */
static sl_status init(sl_loss *loss, sl_err *err)
{
    SL_TRY(sl_spectrum_init(loss->data, &loss->dim, &loss->spec, err));
    SL_TRY(sl_domain_init(loss, err));
    SL_TRY(sl_sample_table(&loss->table, loss, loss->dim, make, err));
    loss->truth = loss->table;
    loss->data[SIGMA] = sl_spec_get(&loss->spec, "noise");
    const double box = loss->data[SL_DOMAIN_BOX] > 0 ? loss->data[SL_DOMAIN_BOX] : INFINITY;
    for (size_t d = 0; d < loss->dim; d++) loss->minimiser[d] = fmax(-box, fmin(loss->truth[d], box));
    if (!sl_domain_holds(loss, loss->minimiser)) onto_ball(loss, loss->data[SL_DOMAIN_RADIUS]);
    loss->least = sl_loss_value(loss, loss->minimiser);
    return SL_OK;
}

/* With u = x - truth: E (a.u - sigma e)^2 a a' = (u'Ku + sigma^2) K + 2 (Ku)(Ku)' by Isserlis; less the mean's
 * square. */
static void covariance(const sl_loss *loss, const double *x, double *C)
{
    const size_t n = loss->dim;
    const double sigma = loss->data[SIGMA];
    double mean[SL_LOSS_MAX_DIM], square = sigma * sigma;
    for (size_t d = 0; d < n; d++) {
        const double u = x[d] - loss->truth[d];
        mean[d] = loss->data[d] * u;
        square += mean[d] * u;
    }
    for (size_t d = 0; d < n; d++)
        for (size_t e = 0; e < n; e++) C[d * n + e] = mean[d] * mean[e] + (d == e ? square * loss->data[d] : 0);
}

const sl_loss_kind sl_loss_least_squares_online = {
    .entry = {.name = "least-squares-online",
              .help = "E (a.x - y)^2/2 over a normal with a spectrum and y = a.truth + noise: new samples without end",
              .source = "",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .value = sl_least_squares_online_value,
    .gradient = sl_least_squares_online_gradient,
    .hessian_vector = sl_least_squares_online_hessian_vector,
    .laplacian = sl_least_squares_online_laplacian,
    .fresh_gradient = sl_least_squares_online_fresh_gradient,
    .fresh_covariance = covariance,
    .project = sl_domain_project,
    .convex = true,
};
