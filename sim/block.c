#include "sim/block.h"

#include <string.h>

#include "sim/block_kernel.h"
#include "sim/escape/scatter.h"
#include "sim/noise_kernel.h"

void sl_block_normals(sl_block *b, const sl_ensemble *e, sl_purpose purpose, size_t channel, uint64_t k, double sigma,
                      double *out)
{
    const sl_draw draw = sl_ensemble_draw(e, purpose, channel, k);
    if (!b->scatter) {
        sl_random_normals(out, b->B, b->first, sigma, &draw);
        return;
    }
    const float *z = sl_scatter_normals(b->scatter, b->B, &draw, k);
    if (z)
        sl_block_scale(b->B, out, z, sigma);
    else
        memset(out, 0, b->B * sizeof *out);
}

void sl_block_add_normals(sl_block *b, const sl_ensemble *e, sl_purpose purpose, size_t channel, uint64_t k,
                          double sigma, double *out)
{
    if (!b->scatter) {
        sl_block_normals(b, e, purpose, channel, k, sigma, b->noise);
        sl_noise_add(b->B, out, b->noise);
        return;
    }
    const sl_draw draw = sl_ensemble_draw(e, purpose, channel, k);
    const float *z = sl_scatter_normals(b->scatter, b->B, &draw, k);
    if (z) sl_block_add_scaled(b->B, out, z, sigma);
}

void sl_block_uniforms(sl_block *b, const sl_ensemble *e, sl_purpose purpose, size_t channel, uint64_t k, double *out)
{
    const sl_draw draw = sl_ensemble_draw(e, purpose, channel, k);
    if (!b->scatter) {
        sl_random_uniforms(out, b->B, b->first, &draw);
        return;
    }
    const uint32_t *words = sl_scatter_words(b->scatter, b->B, &draw, k);
    if (words)
        sl_block_unit(b->B, out, words);
    else
        memset(out, 0, b->B * sizeof *out);
}

void sl_block_rates(sl_block *b, const sl_schedule *s, uint64_t seed, uint64_t k, double *rate)
{
    if (!b->scatter) {
        sl_schedule_fill(s, rate, b->B, seed, b->first, k);
        return;
    }
    const sl_draw draw = {.seed = seed, .purpose = SL_PURPOSE_SCHEDULE};
    const uint32_t *words = sl_scatter_words(b->scatter, b->B, &draw, k);
    if (words)
        sl_schedule_from_words(s, rate, words, b->B, k);
    else
        memset(rate, 0, b->B * sizeof *rate);
}
