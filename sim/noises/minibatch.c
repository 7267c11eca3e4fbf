/* The noise of real mini-batches of a finite sum f = (1/N) sum f_k: with I of `size` samples,
 * n = sqrt(s2) (mean over I of grad f_k(x) - grad f(x)). At s2 = 1 the mini-batch's gradient stands in for the full
 * one, as in training; another s2 scales it. The covariance is s2 / size times that of the samples' gradients at x.
 *
 * order = replacement: every sample of I is drawn from all N, and the covariance is that. order = reshuffle: each
 * replica goes through all samples in a random order, N / size mini-batches an epoch (a remainder is left out), then
 * in another order; the covariance of a step is (N - size)/(N - 1) times that, and steps of an epoch are correlated:
 * where size divides N, their n sum to 0 at x held still. order = once: the same order in every epoch. Sample c of the
 * mini-batch at place p of its epoch is number p size + c of the order, found without a state (sim/shuffle_kernel.h).
 *
 * sphere > 0 is the noisy SGD of Ge et al. 2015: a vector of that length in a uniform direction is added as well, which
 * adds sphere^2 / dim to each variance.
 *
 * With replacement, sample index = floor(N u) with u of 32 bits: probabilities are 1/N up to 2^-32. */
#include <math.h>
#include <string.h>

#include "sim/noise_kernel.h"
#include "sim/noises/noises.h"
#include "sim/shuffle_kernel.h"

enum { MOST = 1 << 12 }; /* a channel a draw, which takes 16 kB in first exits: 64 MB a thread; then the sphere's */
enum { LANES = 512 };    /* whose indices are held at once */

typedef enum { REPLACEMENT, RESHUFFLE, ONCE } order;
static const char *const orders[] = {"replacement", "reshuffle", "once", NULL};

static const sl_param params[] = {
    {.name = "size", .help = "samples of a mini-batch", .def = 1, .min = 1, .max = MOST, .integer = true},
    {.name = "sphere", .help = "length of a vector of uniform direction that is added, as in noisy SGD", .max = 1e12},
    {.name = "order",
     .help = "of the samples: drawn each time, or gone through in a random order, new each epoch or not",
     .words = orders},
};

static sl_status init(sl_noise *noise, const sl_loss *loss, sl_err *err)
{
    if (!loss->kind->sample_gradient || loss->samples == 0)
        return sl_fail(err, SL_E_CONFIG, "noise 'minibatch': loss '%s' is not a mean over samples",
                       loss->kind->entry.name);
    noise->data[0] = sl_spec_get(&noise->spec, "size");
    noise->data[1] = sl_spec_get(&noise->spec, "sphere");
    noise->data[2] = sl_spec_get(&noise->spec, "order");
    noise->remembers = noise->data[2] != REPLACEMENT;
    if (noise->remembers && noise->data[0] > (double)loss->samples)
        return sl_fail(err, SL_E_DOMAIN,
                       "noise 'minibatch': size = %g without replacement, but loss '%s' has %zu samples",
                       noise->data[0], loss->kind->entry.name, loss->samples);
    noise->dealt = noise->remembers ? loss->samples / (uint64_t)noise->data[0] : 0;
    noise->depends_on_x = noise->not_normal = noise->stands_in = true;
    return SL_OK;
}

/* index[n] of sample c of the mini-batches of the n lanes from i; with replacement from the uniforms in noise. */
static void choose(const sl_noise *noise, const sl_loss *loss, sl_noise_source *source, size_t c, size_t i, size_t n,
                   uint32_t *index)
{
    if (noise->data[2] == REPLACEMENT) {
        sl_noise_indices(n, index, source->block->noise + i, (double)loss->samples);
        return;
    }
    uint32_t high[LANES], low[LANES];
    const uint32_t size = (uint32_t)noise->data[0], N = (uint32_t)loss->samples;
    sl_block_rounds(source->block, source->ensemble, source->step, N / size, noise->data[2] == ONCE, i, n, index, high,
                    low);
    for (size_t j = 0; j < n; j++) index[j] = index[j] * size + (uint32_t)c;
    sl_shuffle(n, index, high, low, N);
}

static void add(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g)
{
    _Alignas(64) uint32_t index[LANES];
    const sl_block *b = source->block;
    const size_t B = b->B, size = (size_t)noise->data[0];
    const double s = sqrt(s2), weight = s / (double)size;
    double *const f = source->f;
    if (f) sl_noise_times(B, f, 1 - s);
    for (size_t d = 0; d < loss->dim; d++) sl_noise_times(B, g + d * B, 1 - s);
    for (size_t c = 0; c < size; c++) {
        if (noise->data[2] == REPLACEMENT) sl_noise_uniforms(source, 0, c, b->noise);
        for (size_t i = 0; i < B; i += LANES) {
            const size_t n = B - i < LANES ? B - i : LANES;
            choose(noise, loss, source, c, i, n, index);
            loss->kind->sample_gradient(loss, n, B, b->x + i, index, b->kept + i, f ? b->rate + i : NULL);
        }
        for (size_t d = 0; d < loss->dim; d++) sl_noise_add_times(B, g + d * B, weight, b->kept + d * B);
        if (f) sl_noise_add_times(B, f, weight, b->rate);
    }
    if (!(noise->data[1] > 0)) return;
    sl_noise_add_sphere(loss, noise->data[1], MOST / SL_LOSS_MAX_DIM, source, g);
    for (size_t d = 0; f && d < loss->dim; d++) { /* it has left n = noise kept */
        sl_noise_multiply(B, b->kept + d * B, b->noise);
        sl_noise_add_work(B, f, b->kept + d * B, b->x + d * B, source->origin[d]);
    }
}

static sl_status covariance(double *covariance, const sl_noise *noise, const sl_loss *loss, double s2, const double *x,
                            sl_err *err)
{
    (void)err;
    enum { AT_ONCE = 8 };
    _Alignas(64) double points[SL_LOSS_MAX_DIM * AT_ONCE], g[SL_LOSS_MAX_DIM * AT_ONCE];
    _Alignas(64) uint32_t index[AT_ONCE];
    const size_t dim = loss->dim;
    double mean[SL_LOSS_MAX_DIM], v[SL_LOSS_MAX_DIM];
    sl_loss_gradient(loss, x, mean);
    for (size_t j = 0; j < dim * AT_ONCE; j++) points[j] = x[j / AT_ONCE];
    memset(covariance, 0, dim * dim * sizeof *covariance);
    for (size_t k = 0; k < loss->samples; k++) {
        const size_t lane = k % AT_ONCE;
        if (lane == 0) {
            for (size_t i = 0; i < AT_ONCE; i++) index[i] = (uint32_t)(k + i < loss->samples ? k + i : k);
            loss->kind->sample_gradient(loss, AT_ONCE, AT_ONCE, points, index, g, NULL);
        }
        for (size_t d = 0; d < dim; d++) v[d] = g[d * AT_ONCE + lane] - mean[d];
        for (size_t d = 0; d < dim; d++)
            for (size_t e = 0; e < dim; e++) covariance[d * dim + e] += v[d] * v[e];
    }
    const double N = (double)loss->samples, size = noise->data[0];
    const double left = noise->data[2] == REPLACEMENT ? 1 : N > 1 ? (N - size) / (N - 1) : 0;
    const double scale = left * s2 / (size * N);
    for (size_t j = 0; j < dim * dim; j++) covariance[j] *= scale;
    for (size_t d = 0; d < dim; d++) covariance[d * dim + d] += noise->data[1] * noise->data[1] / (double)dim;
    return SL_OK;
}

const sl_noise_kind sl_noise_minibatch = {
    .entry = {.name = "minibatch",
              .help = "sqrt(s2) times the error of a mini-batch's gradient, of a finite sum",
              .source = "",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .add = add,
    .covariance = covariance,
};
