/* Heavy tails: symmetric alpha-stable noise, E exp(i t n_d) = exp(-(sigma |t|)^alpha) with sigma = sqrt(s2 / 2), so
 * that alpha = 2 is the normal law of variance s2. Below that the variance is infinite (at alpha <= 1 there is no mean
 * either), and P(|n_d| > y) ~ c y^-alpha.
 *
 * independent: each coordinate by itself, by Chambers, Mallows and Stuck 1976 (as in Simsekli et al. 2019: large noise
 * comes along the axes). isotropic: n = sqrt(A) G, G normal of variance s2, A positive (alpha/2)-stable with
 * E exp(-y A) = exp(-y^(alpha/2)) by Kanter 1975, so that E exp(i t.n) = exp(-(sigma |t|)^alpha) for vectors t.
 *
 * Uniforms have 32 bits, so the tail ends where about 2^-32 of the law is beyond: with e = pi 2^-33 the smallest cos U,
 * and W = -log w between 2^-33 and 33 log 2,
 *     |n_d| / sigma <= (sin(pi alpha/2) / e)^(1/alpha) W^((alpha-1)/alpha),
 * at most 3.7e5 at alpha = 1.8, 4.4e6 at 1.5, 2.7e9 at 1, 3.2e28 at 0.5. Values beyond the range of doubles (possible
 * for alpha below 0.06) come out infinite: trajectories that are lost. */
#include <math.h>

#include "sim/noise_kernel.h"
#include "sim/noises/noises.h"

typedef enum { INDEPENDENT, ISOTROPIC } law;
static const char *const laws[] = {"independent", "isotropic", NULL};

static const sl_param params[] = {
    {.name = "alpha", .help = "tail index; 2: gaussian", .def = 1.5, .min = 0, .max = 2, .open_min = true},
    {.name = "law",
     .help = "every coordinate by itself, or the same in every direction",
     .words = laws,
     .def = INDEPENDENT},
};

static sl_status init(sl_noise *noise, const sl_loss *loss, sl_err *err)
{
    (void)loss, (void)err;
    noise->data[0] = sl_spec_get(&noise->spec, "alpha");
    noise->data[1] = sl_spec_get(&noise->spec, "law");
    noise->infinite_variance = noise->not_normal = noise->data[0] < 2;
    return SL_OK;
}

static void add_isotropic(double alpha, const sl_loss *loss, double s2, sl_noise_source *source, double *g)
{
    const sl_block *b = source->block;
    double *root = b->noise, *z = b->kept; /* of A; one row at a time */
    sl_noise_uniforms(source, 1, 0, root);
    sl_noise_uniforms(source, 2, 0, z);
    sl_noise_positive_stable_root(b->B, alpha / 2, root, z);
    for (size_t d = 0; d < loss->dim; d++) {
        sl_noise_normals(source, 0, d, sqrt(s2), z);
        sl_noise_add_product(b->B, g + d * b->B, root, z);
    }
}

static void add(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g)
{
    const double alpha = noise->data[0];
    const sl_block *b = source->block;
    if (alpha == 2) {
        sl_noise_add_gaussian(noise, loss, s2, source, g);
    } else if (noise->data[1] == ISOTROPIC) {
        add_isotropic(alpha, loss, s2, source, g);
    } else {
        for (size_t d = 0; d < loss->dim; d++) {
            sl_noise_uniforms(source, 0, d, b->noise);
            sl_noise_uniforms(source, 1, d, b->kept);
            sl_noise_add_stable(b->B, g + d * b->B, alpha, sqrt(s2 / 2), b->noise, b->kept);
        }
    }
}

const sl_noise_kind sl_noise_stable = {
    .entry = {.name = "stable",
              .help = "symmetric alpha-stable, E cos(t n) = exp(-(sqrt(s2/2) |t|)^alpha): heavy tails, no variance",
              .source = "Chambers, Mallows and Stuck 1976; Simsekli et al. 2019",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .add = add,
};
