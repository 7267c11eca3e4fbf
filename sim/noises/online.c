/* The noise of online learning: every step sees `size` samples that were never seen before, of a loss that is a mean
 * over an endless supply. n = sqrt(s2) (their mean gradient - grad f(x)), of covariance s2 / size times a sample's; at
 * s2 = 1 the mini-batch's gradient stands in for that of f. */
#include <math.h>

#include "sim/noise_kernel.h"
#include "sim/noises/noises.h"

enum { MOST = 128 }; /* a sample takes the channels of two times SL_LOSS_MAX_DIM numbers */

static const sl_param params[] = {
    {.name = "size", .help = "samples of a mini-batch", .def = 1, .min = 1, .max = MOST, .integer = true},
};

static sl_status init(sl_noise *noise, const sl_loss *loss, sl_err *err)
{
    if (!loss->kind->fresh_gradient)
        return sl_fail(err, SL_E_CONFIG,
                       "noise 'online': loss '%s' has no endless supply of samples (for a finite sum: minibatch)",
                       loss->kind->entry.name);
    noise->data[0] = sl_spec_get(&noise->spec, "size");
    noise->depends_on_x = noise->not_normal = noise->stands_in = true;
    return SL_OK;
}

static void add(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g)
{
    const sl_block *b = source->block;
    const size_t B = b->B, size = (size_t)noise->data[0];
    const double s = sqrt(s2), weight = s / (double)size;
    for (size_t d = 0; d < loss->dim; d++) sl_noise_times(B, g + d * B, 1 - s);
    if (source->f) sl_noise_times(B, source->f, 1 - s);
    for (size_t c = 0; c < size; c++) {
        for (size_t d = 0; d < loss->dim; d++) sl_noise_normals(source, 2 * c, d, 1, b->kept + d * B);
        sl_noise_normals(source, 2 * c + 1, 0, 1, b->noise);
        loss->kind->fresh_gradient(loss, B, B, b->x, b->kept, b->noise);
        for (size_t d = 0; d < loss->dim; d++) sl_noise_add_times(B, g + d * B, weight, b->kept + d * B);
        if (source->f) sl_noise_add_square_times(B, source->f, weight / 2, b->noise);
    }
}

static sl_status covariance(double *covariance, const sl_noise *noise, const sl_loss *loss, double s2, const double *x,
                            sl_err *err)
{
    (void)err;
    loss->kind->fresh_covariance(loss, x, covariance);
    for (size_t j = 0; j < loss->dim * loss->dim; j++) covariance[j] *= s2 / noise->data[0];
    return SL_OK;
}

const sl_noise_kind sl_noise_online = {
    .entry = {.name = "online",
              .help = "sqrt(s2) times the error of the gradient of `size` new samples, of an endless supply",
              .source = "",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .add = add,
    .covariance = covariance,
};
