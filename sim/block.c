#include "sim/block.h"

void sl_block_normals(sl_block *b, const sl_ensemble *e, sl_purpose purpose, size_t channel, uint64_t k, double sigma,
                      double *out)
{
    const sl_draw draw = sl_ensemble_draw(e, purpose, channel, k);
    sl_random_normals(out, b->B, b->first, sigma, &draw);
}

void sl_block_uniforms(sl_block *b, const sl_ensemble *e, sl_purpose purpose, size_t channel, uint64_t k, double *out)
{
    const sl_draw draw = sl_ensemble_draw(e, purpose, channel, k);
    sl_random_uniforms(out, b->B, b->first, &draw);
}

void sl_block_rates(sl_block *b, const sl_schedule *s, uint64_t seed, uint64_t k, double *rate)
{
    sl_schedule_fill(s, rate, b->B, seed, b->first, k);
}
