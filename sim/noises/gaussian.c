/* Normal noise: the same in every direction, or with a covariance of its own. */
#include <math.h>
#include <string.h>

#include "sim/noise_kernel.h"
#include "sim/noises/noises.h"

void sl_noise_add_gaussian(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g)
{
    (void)noise;
    sl_block *b = source->block;
    for (size_t d = 0; d < loss->dim; d++)
        sl_block_add_normals(b, source->ensemble, SL_PURPOSE_NOISE, d, source->step, sqrt(s2), g + d * b->B);
}

static void draw(const sl_noise *noise, double s2, const sl_noise_source *source, size_t d, double *out)
{
    (void)noise;
    sl_noise_normals(source, 0, d, sqrt(s2), out);
}

const sl_noise_kind sl_noise_gaussian = {
    .entry = {.name = "gaussian", .help = "normal, independent in every coordinate, of variance s2", .source = ""},
    .add = sl_noise_add_gaussian,
    .draw = draw,
};

/* ---- anisotropic: covariance s2 A A' with A = R(angle) diag(sqrt(spectrum)) ---- */

/* What data holds: the roots of the spectrum, then whether A is rotated; in that case the four elements of A. */
enum { ROTATED = SL_LOSS_MAX_DIM };

static const sl_param params[] = {
    {.name = "spectrum",
     .help = "variances over s2, one a coordinate (with an angle: one a principal axis)",
     .def = NAN,
     .min = 0,
     .max = 1e12,
     .list = true},
    {.name = "angle",
     .help = "of the first principal axis with the first coordinate, of two coordinates [degrees]",
     .def = 0,
     .min = -360,
     .max = 360},
};

static sl_status init(sl_noise *noise, const sl_loss *loss, sl_err *err)
{
    const size_t list = sl_spec_index(&noise->spec, "spectrum"), n = noise->spec.value[list].n;
    const double *spectrum = noise->spec.value[list].v, angle = sl_spec_get(&noise->spec, "angle") * (M_PI / 180);
    if (n == 0)
        return sl_fail(err, SL_E_DOMAIN, "noise 'anisotropic': the spectrum must be given, one value a coordinate");
    if (n != loss->dim)
        return sl_fail(err, SL_E_DOMAIN,
                       "noise 'anisotropic': the spectrum has %zu values, loss '%s' has %zu coordinates", n,
                       loss->kind->entry.name, loss->dim);
    if (angle != 0 && loss->dim != 2)
        return sl_fail(err, SL_E_DOMAIN, "noise 'anisotropic': an angle needs two coordinates, loss '%s' has %zu",
                       loss->kind->entry.name, loss->dim);
    for (size_t d = 0; d < n; d++) noise->data[d] = sqrt(spectrum[d]);
    if (angle == 0) return SL_OK;
    const double first = noise->data[0], second = noise->data[1], c = cos(angle), s = sin(angle);
    const double A[4] = {c * first, -s * second, s * first, c * second};
    memcpy(noise->data, A, sizeof A);
    noise->data[ROTATED] = 1;
    return SL_OK;
}

static void add_anisotropic(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g)
{
    const sl_block *b = source->block;
    const double s = sqrt(s2), *A = noise->data;
    const bool rotated = A[ROTATED] != 0;
    for (size_t d = 0; d < loss->dim; d++) {
        sl_noise_normals(source, 0, d, rotated ? s : s * A[d], b->noise);
        if (rotated) {
            sl_noise_add_times(b->B, g, A[d], b->noise);
            sl_noise_add_times(b->B, g + b->B, A[2 + d], b->noise);
        } else {
            sl_noise_add(b->B, g + d * b->B, b->noise);
        }
    }
}

static sl_status covariance(double *covariance, const sl_noise *noise, const sl_loss *loss, double s2, const double *x,
                            sl_err *err)
{
    (void)x, (void)err;
    const double *A = noise->data;
    if (A[ROTATED] != 0) {
        covariance[0] = s2 * (A[0] * A[0] + A[1] * A[1]);
        covariance[1] = covariance[2] = s2 * (A[0] * A[2] + A[1] * A[3]);
        covariance[3] = s2 * (A[2] * A[2] + A[3] * A[3]);
        return SL_OK;
    }
    memset(covariance, 0, loss->dim * loss->dim * sizeof *covariance);
    for (size_t d = 0; d < loss->dim; d++) covariance[d * loss->dim + d] = s2 * A[d] * A[d];
    return SL_OK;
}

const sl_noise_kind sl_noise_anisotropic = {
    .entry = {.name = "anisotropic",
              .help = "normal, of variance s2 times a spectrum, along the coordinates or (of two) along turned axes",
              .source = "",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .add = add_anisotropic,
    .covariance = covariance,
};
