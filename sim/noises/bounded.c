/* Noise that never exceeds a bound, as PLRS's assumption A3 asks (Devapriya et al. 2024); every law has covariance s2
 * times the unit matrix. */
#include <math.h>
#include <string.h>

#include "sim/noise_kernel.h"
#include "sim/noises/noises.h"

typedef enum { SPHERE, CUBE, SIGNS } law;
static const char *const laws[] = {"sphere", "cube", "signs", NULL};

static const sl_param params[] = {
    {.name = "law",
     .help = "uniform on the sphere |n| = sqrt(dim s2); uniform in the cube |n_d| <= sqrt(3 s2); or n_d = +-sqrt(s2)",
     .words = laws,
     .def = SPHERE},
};

static sl_status init(sl_noise *noise, const sl_loss *loss, sl_err *err)
{
    (void)err;
    const law which = (law)sl_spec_get(&noise->spec, "law");
    noise->data[0] = which;
    noise->bound = sqrt((which == CUBE ? 3 : 1) * (double)loss->dim);
    noise->not_normal = true;
    return SL_OK;
}

/* Normals over their length: no direction is preferred. */
void sl_noise_add_sphere(const sl_loss *loss, double length, size_t j, sl_noise_source *source, double *g)
{
    const sl_block *b = source->block;
    const size_t B = b->B;
    memset(b->noise, 0, B * sizeof *b->noise);
    for (size_t d = 0; d < loss->dim; d++) {
        double *z = b->kept + d * B;
        sl_noise_normals(source, j, d, 1, z);
        sl_noise_add_square(B, b->noise, z);
    }
    sl_noise_over_root(B, b->noise, length);
    for (size_t d = 0; d < loss->dim; d++) sl_noise_add_product(B, g + d * B, b->noise, b->kept + d * B);
}

static void add(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g)
{
    const law which = (law)noise->data[0];
    const sl_block *b = source->block;
    if (which == SPHERE && loss->dim > 1) {
        sl_noise_add_sphere(loss, sqrt((double)loss->dim * s2), 0, source, g);
        return;
    }
    for (size_t d = 0; d < loss->dim; d++) {
        sl_noise_uniforms(source, 0, d, b->noise);
        if (which == CUBE) sl_noise_add_even(b->B, g + d * b->B, b->noise, sqrt(3 * s2));
        else sl_noise_add_signs(b->B, g + d * b->B, b->noise, sqrt(s2)); /* the sphere of a line is two points */
    }
}

const sl_noise_kind sl_noise_bounded = {
    .entry = {.name = "bounded",
              .help = "bounded noise of covariance s2 in every coordinate: |n|^2 <= dim s2, in the cube 3 dim s2",
              .source = "Devapriya et al. 2024, assumption A3",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .add = add,
};
