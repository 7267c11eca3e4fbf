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

void sl_block_rounds(const sl_block *b, const sl_ensemble *e, uint64_t k, uint64_t length, bool once, size_t first,
                     size_t n, uint32_t *place, uint32_t *high, uint32_t *low)
{
    if (!b->scatter) {
        const uint64_t round = once ? 0 : k / length;
        const sl_draw upper = sl_ensemble_draw(e, SL_PURPOSE_SHUFFLE, 0, round),
                      lower = sl_ensemble_draw(e, SL_PURPOSE_SHUFFLE, 1, round);
        sl_random_words(high, n, b->first + first, &upper);
        sl_random_words(low, n, b->first + first, &lower);
        for (size_t i = 0; i < n; i++) place[i] = (uint32_t)(k % length);
        return;
    }
    for (size_t i = 0; i < n; i++) { /* lanes are at steps of their own */
        const uint64_t lane = b->scatter->lane[first + i], own = k - b->scatter->since[first + i];
        const uint64_t round = once ? 0 : own / length;
        const sl_draw upper = sl_ensemble_draw(e, SL_PURPOSE_SHUFFLE, 0, round),
                      lower = sl_ensemble_draw(e, SL_PURPOSE_SHUFFLE, 1, round);
        place[i] = (uint32_t)(own % length);
        high[i] = sl_random_word_at(lane, &upper);
        low[i] = sl_random_word_at(lane, &lower);
    }
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
