/* Sums over the parts of a batch, always in the same order. */
#include "nets/layers/conv.h"
#include "nets/layers/conv_kernel.h"

/* The gradient of the bias: so many parts at most, of so many rows of dy at least. */
enum { PARTS = 16, FEWEST_ROWS = 512 };

/* ---- the weights' gradient ---- */

typedef struct {
    const sl_layer *layer;
    float *d_weight;
    const float *sums;
    size_t parts, channels;
    bool accumulate;
} weights_job;

static void sum_output_channel(void *ctx, size_t o, int worker)
{
    (void)worker;
    const weights_job *const j = ctx;
    const size_t in = j->layer->in[0].channels, out = j->layer->out.channels, taps = sl_conv_taps(j->layer);
    for (size_t channel = 0; channel < in; channel += j->channels) {
        const size_t channels = sl_smaller(j->channels, in - channel);
        sl_conv_sum_parts(j->d_weight + (o * in + channel) * taps, j->sums + (channel * out + o * channels) * taps,
                          j->parts, in * out * taps, channels, taps, j->accumulate);
    }
}

void sl_conv_sum_weights(const sl_conv *c, float *d_weight, const float *sums, size_t parts, size_t channels,
                         bool accumulate)
{
    weights_job j = {.layer = c->layer,
                     .d_weight = d_weight,
                     .sums = sums,
                     .parts = parts,
                     .channels = channels,
                     .accumulate = accumulate};
    sl_team_run(c->team, c->layer->out.channels, sum_output_channel, &j);
}

/* ---- the bias' gradient ---- */

typedef struct {
    float *sums; /* [parts][2][out] */
    const float *dy;
    size_t total, rows, out;
} bias_job;

static void sum_rows(void *ctx, size_t i, int worker)
{
    (void)worker;
    const bias_job *const j = ctx;
    const size_t first = i * j->rows;
    float *const sum = j->sums + 2 * i * j->out;
    sl_conv_bias_gradient(sum, sum + j->out, j->dy + first * j->out, sl_smaller(j->rows, j->total - first), j->out);
}

void sl_conv_sum_bias(const sl_conv *c, float *d_bias, const float *dy)
{
    const size_t total = c->count * sl_conv_pixels(c->layer), out = c->layer->out.channels;
    const size_t of_part = (total + PARTS - 1) / PARTS;
    bias_job j = {.sums = c->scratch,
                  .dy = dy,
                  .total = total,
                  .out = out,
                  .rows = of_part < FEWEST_ROWS ? FEWEST_ROWS : of_part};
    const size_t parts = (total + j.rows - 1) / j.rows;
    sl_team_run(c->team, parts, sum_rows, &j);
    for (size_t o = 0; o < out; o++) d_bias[o] = 0;
    for (size_t i = 0; i < parts; i++) sl_conv_add(d_bias, j.sums + 2 * i * out, out);
}

size_t sl_conv_bias_scratch(const sl_layer *l)
{
    return 2 * PARTS * l->out.channels;
}
