/* Normal noise whose covariance follows the curvature at x, of either sign: s2 (|H(x)| / h0)^power.
 *
 * power = 1 is the model of the literature (near a minimum the covariance of mini-batch noise is about proportional to
 * the Hessian: Jastrzebski et al. 2017, Zhu et al. 2019). It takes the root of |H|, which is exact here where H is
 * diagonal (separable losses, one coordinate: one Hessian-vector product gives it) and in two coordinates (closed
 * form); other losses are refused, since a decomposition for every replica and step would cost dim^3. power = 2 is n =
 * sqrt(s2) H xi / h0 with xi normal: one Hessian-vector product, exact for any loss that has them. */
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/losses/losses.h"
#include "sim/noise_kernel.h"
#include "sim/noises/noises.h"

/* Hessian-vector products are taken for so many lanes at once that their arrays stay on the stack and in cache. */
enum { CHUNK = 2048 };
_Static_assert(CHUNK / SL_LOSS_MAX_DIM >= 8 && CHUNK % 64 == 0, "kernels take multiples of 8 lanes");

typedef enum { DIAGONAL, PLANE, SQUARE } way;

static const sl_param params[] = {
    {.name = "power", .help = "1: covariance as |H|; 2: as H^2", .def = 1, .min = 1, .max = 2, .integer = true},
    {.name = "h0",
     .help = "curvature at which the variance is s2 [f/x^2]",
     .def = 1,
     .min = 0,
     .max = 1e12,
     .open_min = true},
};

static sl_status init(sl_noise *noise, const sl_loss *loss, sl_err *err)
{
    if (!loss->kind->hessian_vector)
        return sl_fail(err, SL_E_CONFIG, "noise 'hessian': loss '%s' has no Hessian-vector products",
                       loss->kind->entry.name);
    const bool square = sl_spec_get(&noise->spec, "power") == 2, diagonal = loss->kind->separable || loss->dim == 1;
    if (!square && !diagonal && loss->dim != 2)
        return sl_fail(err, SL_E_CONFIG,
                       "noise 'hessian': power = 1 needs a diagonal Hessian or two coordinates, loss '%s' has %zu; "
                       "power = 2 works", loss->kind->entry.name, loss->dim);
    noise->data[0] = sl_spec_get(&noise->spec, "h0");
    noise->data[1] = square ? SQUARE : diagonal ? DIAGONAL : PLANE;
    noise->depends_on_x = loss->kind->hessian_vector != sl_quadratic_hessian_vector;
    return SL_OK;
}

/* A few lanes of the block, closely packed. */
typedef struct {
    _Alignas(64) double x[CHUNK], u[CHUNK], h[CHUNK], k[CHUNK];
} chunk;

static void copy_lanes(double *out, size_t dim, size_t lanes, const double *rows, size_t B)
{
    for (size_t d = 0; d < dim; d++) memcpy(out + d * lanes, rows + d * B, lanes * sizeof *out);
}

/* u[d] = v[d] in every lane */
static void same(double *u, size_t dim, size_t lanes, const double *v)
{
    for (size_t d = 0; d < dim; d++)
        for (size_t i = 0; i < lanes; i++) u[d * lanes + i] = v[d];
}

/* g, z: lanes of the block's rows, stride B; z ~ N(0, s2). */
static void add_lanes(const sl_noise *noise, const sl_loss *loss, size_t lanes, chunk *c, double *g, const double *z,
                      size_t B)
{
    static const double ones[SL_LOSS_MAX_DIM] = {[0 ... SL_LOSS_MAX_DIM - 1] = 1};
    const size_t dim = loss->dim;
    const double h0 = noise->data[0];
    switch ((way)noise->data[1]) {
    case DIAGONAL:
        same(c->u, dim, lanes, ones);
        loss->kind->hessian_vector(loss, lanes, lanes, c->x, c->u, c->h);
        for (size_t d = 0; d < dim; d++) sl_noise_add_root(lanes, g + d * B, 1 / h0, c->h + d * lanes, z + d * B);
        break;
    case PLANE:
        same(c->u, dim, lanes, (const double[]){1, 0});
        loss->kind->hessian_vector(loss, lanes, lanes, c->x, c->u, c->h);
        same(c->u, dim, lanes, (const double[]){0, 1});
        loss->kind->hessian_vector(loss, lanes, lanes, c->x, c->u, c->k);
        sl_noise_add_root_2(lanes, g, g + B, sqrt(1 / h0), c->h, c->h + lanes, c->k + lanes, z, z + B);
        break;
    case SQUARE:
        copy_lanes(c->u, dim, lanes, z, B);
        loss->kind->hessian_vector(loss, lanes, lanes, c->x, c->u, c->h);
        for (size_t d = 0; d < dim; d++) sl_noise_add_times(lanes, g + d * B, 1 / h0, c->h + d * lanes);
        break;
    }
}

static void add(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g)
{
    chunk c;
    const sl_block *b = source->block;
    const size_t B = b->B, most = CHUNK / loss->dim / 8 * 8;
    for (size_t d = 0; d < loss->dim; d++) sl_noise_normals(source, 0, d, sqrt(s2), b->kept + d * B);
    for (size_t i = 0; i < B; i += most) {
        const size_t lanes = B - i < most ? B - i : most;
        copy_lanes(c.x, loss->dim, lanes, b->x + i, B);
        add_lanes(noise, loss, lanes, &c, g + i, b->kept + i, B);
    }
}

/* H[dim][dim] at x, column by column; symmetrised, as rounding is not. */
static void hessian(double *H, const sl_loss *loss, const double *x)
{
    enum { LANES = 8 };
    _Alignas(64) double points[SL_LOSS_MAX_DIM * LANES], u[SL_LOSS_MAX_DIM * LANES], h[SL_LOSS_MAX_DIM * LANES];
    const size_t dim = loss->dim;
    same(points, dim, LANES, x);
    for (size_t first = 0; first < dim; first += LANES) {
        memset(u, 0, sizeof u);
        for (size_t i = 0; i < LANES && first + i < dim; i++) u[(first + i) * LANES + i] = 1;
        loss->kind->hessian_vector(loss, LANES, LANES, points, u, h);
        for (size_t i = 0; i < LANES && first + i < dim; i++)
            for (size_t d = 0; d < dim; d++) H[d * dim + first + i] = h[d * LANES + i];
    }
    for (size_t d = 0; d < dim; d++)
        for (size_t e = 0; e < d; e++) H[d * dim + e] = H[e * dim + d] = 0.5 * (H[d * dim + e] + H[e * dim + d]);
}

/* By eigenvalues: another way than that of add. */
static sl_status covariance(double *covariance, const sl_noise *noise, const sl_loss *loss, double s2, const double *x,
                            sl_err *err)
{
    const size_t dim = loss->dim;
    double lambda[SL_LOSS_MAX_DIM];
    double *V = malloc(dim * dim * sizeof *V);
    if (!V) return sl_fail(err, SL_E_MEMORY, "no memory for a matrix of %zu rows", dim);
    hessian(V, loss, x);
    const lapack_int n = (lapack_int)dim;
    if (LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'V', 'U', n, V, n, lambda) != 0) {
        free(V);
        return sl_fail(err, SL_E_NUMERIC, "noise 'hessian': no eigenvalues of the Hessian of loss '%s'",
                       loss->kind->entry.name);
    }
    memset(covariance, 0, dim * dim * sizeof *covariance);
    for (size_t k = 0; k < dim; k++) {
        const double h = fabs(lambda[k]) / noise->data[0], weight = s2 * (noise->data[1] == SQUARE ? h * h : h);
        for (size_t d = 0; d < dim; d++)
            for (size_t e = 0; e < dim; e++) covariance[d * dim + e] += weight * V[d * dim + k] * V[e * dim + k];
    }
    free(V);
    return SL_OK;
}

const sl_noise_kind sl_noise_hessian = {
    .entry = {.name = "hessian",
              .help = "normal, of covariance s2 (|H(x)|/h0)^power; power 1: of separable losses or two coordinates",
              .source = "Jastrzebski et al. 2017; Zhu et al. 2019",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .add = add,
    .covariance = covariance,
};
