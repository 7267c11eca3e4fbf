/* Convolution as a product with the matrix of patches ("im2col"), a block of its rows at a time: a row holds what one
 * output pixel sees, [ky][kx][input channel]. A 1 x 1 convolution of stride 1 sees the pictures as they are. */
#include <string.h>

#include "nets/layers/conv.h"
#include "nets/layers/conv_kernel.h"
#include "nets/layers/conv_product_kernel.h"
#include "nets/layers/linear_kernel.h"

/* A block of patches is to stay in the second-level cache while the product reads it, yet many rows are needed to make
 * up for the weights that it reads too. */
enum { BLOCK_FLOATS = 1 << 17, FEWEST_ROWS = 128, MOST_ROWS = 1024 };
/* The gradient of the weights: a task has so many input channels' (in floats of a patch), and a part of the batch if
 * that gives fewer than TASKS. */
enum { TASK_FLOATS = 576, TASKS = 8 };

typedef struct {
    const sl_conv *c;
    float *to;
    const float *from, *weight, *bias; /* weight: forward [tap][in][out], backward [out][tap][in] */
    float *patches;                    /* [workers][rows][patch] */
    size_t total, rows, patch;         /* rows in all, of a block; floats of a patch */
    bool accumulate, as_is;
} job;

static bool sees_pictures(const sl_layer *l)
{
    return l->kernel == 1 && l->stride == 1 && l->padding == 0;
}

static size_t rows_of_block(size_t patch)
{
    const size_t rows = BLOCK_FLOATS / patch / 16 * 16;
    return rows < FEWEST_ROWS ? FEWEST_ROWS : sl_smaller(rows, MOST_ROWS);
}

/* Where an output pixel's window meets the picture: rows ky_first .. ky_end of the kernel, columns likewise. */
typedef struct {
    size_t sample;
    size_t y, x; /* of the window's first pixel, plus padding */
    size_t ky_first, ky_end, kx_first, kx_end;
} window;

static void clip(size_t *first, size_t *end, size_t at, size_t kernel, size_t padding, size_t size)
{
    *first = at < padding ? sl_smaller(padding - at, kernel) : 0;
    *end = size + padding > at ? sl_smaller(size + padding - at, kernel) : 0;
    if (*end < *first) *end = *first;
}

static window window_of(const sl_layer *l, size_t row)
{
    const size_t pixel = row % sl_conv_pixels(l);
    window w = {.sample = row / sl_conv_pixels(l),
                .y = pixel / l->out.width * l->stride,
                .x = pixel % l->out.width * l->stride};
    clip(&w.ky_first, &w.ky_end, w.y, l->kernel, l->padding, l->in[0].height);
    clip(&w.kx_first, &w.kx_end, w.x, l->kernel, l->padding, l->in[0].width);
    return w;
}

/* Offset into the pictures of what the kernel's row ky sees first. */
static size_t seen(const sl_layer *l, const window *w, size_t ky)
{
    const sl_shape s = l->in[0];
    return ((w->sample * s.height + w->y + ky - l->padding) * s.width + w->x + w->kx_first - l->padding) * s.channels;
}

/* to[rows][tap][channels]: what rows first .. first + rows see of the channels from `from_channel`. */
static void gather(const sl_layer *l, float *to, const float *x, size_t first, size_t rows, size_t from_channel,
                   size_t channels)
{
    const size_t line = l->kernel * channels, all = l->in[0].channels;
    for (size_t r = 0; r < rows; r++) {
        const window w = window_of(l, first + r);
        const size_t before = w.kx_first * channels, inside = (w.kx_end - w.kx_first) * channels;
        for (size_t ky = 0; ky < l->kernel; ky++, to += line) {
            if (ky < w.ky_first || ky >= w.ky_end || inside == 0) {
                memset(to, 0, line * sizeof *to);
                continue;
            }
            const float *const from = x + seen(l, &w, ky) + from_channel;
            if (before) memset(to, 0, before * sizeof *to);
            if (channels == all)
                memcpy(to + before, from, inside * sizeof *to);
            else
                for (size_t k = 0; k < w.kx_end - w.kx_first; k++)
                    memcpy(to + before + k * channels, from + k * all, channels * sizeof *to);
            if (before + inside < line) memset(to + before + inside, 0, (line - before - inside) * sizeof *to);
        }
    }
}

/* Adds patches to the pixels that they were seen at. */
static void scatter(const sl_layer *l, float *dx, const float *patches, size_t first, size_t rows)
{
    const size_t channels = l->in[0].channels, line = l->kernel * channels;
    for (size_t r = 0; r < rows; r++) {
        const window w = window_of(l, first + r);
        for (size_t ky = 0; ky < l->kernel; ky++, patches += line)
            if (ky >= w.ky_first && ky < w.ky_end && w.kx_end > w.kx_first)
                sl_conv_add(dx + seen(l, &w, ky), patches + w.kx_first * channels, (w.kx_end - w.kx_first) * channels);
    }
}

/* ---- the weights in their order ---- */

enum { BLOCK = 16 }; /* output channels of a task */

typedef struct {
    float *to, *work; /* work: [workers][BLOCK][patch] */
    const float *weight;
    size_t out, in, taps;
} order_job;

static void order_taps_first(void *ctx, size_t i, int worker)
{
    (void)worker;
    const order_job *const j = ctx;
    const size_t first = i * BLOCK, patch = j->in * j->taps;
    sl_conv_taps_first(j->to + first * patch, j->weight + first * patch, sl_smaller(BLOCK, j->out - first), j->in,
                       j->taps);
}

static void order_turned(void *ctx, size_t i, int worker)
{
    const order_job *const j = ctx;
    const size_t first = i * BLOCK, patch = j->in * j->taps, rows = sl_smaller(BLOCK, j->out - first);
    const float *block = j->weight + first * patch;
    if (j->taps > 1) {
        float *const ordered = j->work + (size_t)worker * BLOCK * patch;
        sl_conv_taps_first(ordered, block, rows, j->in, j->taps);
        block = ordered;
    }
    sl_product_turn(j->to + first, j->out, block, rows, patch);
}

/* ---- forward: y = patches W^T ---- */

static void forward_rows(void *ctx, size_t i, int worker)
{
    const job *const j = ctx;
    const sl_layer *const l = j->c->layer;
    const size_t first = i * j->rows, rows = sl_smaller(j->rows, j->total - first), out = l->out.channels;
    float *const y = j->to + first * out, *const patches = j->patches + (size_t)worker * j->rows * j->patch;
    if (!j->as_is) gather(l, patches, j->from, first, rows, 0, l->in[0].channels);
    if (j->bias && !j->accumulate) sl_bias_fill(y, j->bias, rows, out);
    if (j->bias && j->accumulate) sl_bias_add(y, j->bias, rows, out);
    sl_conv_multiply(y, out, j->bias || j->accumulate, j->as_is ? j->from + first * j->patch : patches, j->patch,
                     SL_AS_IS, j->weight, out, rows, out, j->patch);
}

/* The weights' copy comes first in scratch, then the workers' patches. */
static job with_weights(const sl_conv *c, const float *weight, sl_team_task order)
{
    const sl_layer *const l = c->layer;
    const size_t patch = sl_conv_taps(l) * l->in[0].channels;
    const job j = {.c = c,
                   .weight = order ? c->scratch : weight,
                   .patch = patch,
                   .as_is = sees_pictures(l),
                   .rows = rows_of_block(patch),
                   .total = c->count * sl_conv_pixels(l),
                   .patches = c->scratch + sl_conv_aligned(sl_conv_weights(l))};
    order_job o = {.to = c->scratch,
                   .work = j.patches,
                   .weight = weight,
                   .out = l->out.channels,
                   .in = l->in[0].channels,
                   .taps = sl_conv_taps(l)};
    if (order) sl_team_run(c->team, (o.out + BLOCK - 1) / BLOCK, order, &o);
    return j;
}

static void forward(const sl_conv *c, float *y, const float *x, const float *weight, const float *bias, bool accumulate)
{
    job j = with_weights(c, weight, order_turned);
    j.to = y;
    j.from = x;
    j.bias = bias;
    j.accumulate = accumulate;
    sl_team_run(c->team, (j.total + j.rows - 1) / j.rows, forward_rows, &j);
}

/* ---- gradient of the input: patches = dy W, added up where they overlap; a task has whole samples ---- */

static size_t samples_of_task(const job *j)
{
    return (j->rows + sl_conv_pixels(j->c->layer) - 1) / sl_conv_pixels(j->c->layer);
}

static void input_samples(void *ctx, size_t i, int worker)
{
    const job *const j = ctx;
    const sl_layer *const l = j->c->layer;
    const size_t pixels = sl_conv_pixels(l), out = l->out.channels, input = sl_shape_size(l->in[0]);
    const size_t first = i * samples_of_task(j), samples = sl_smaller(samples_of_task(j), j->c->count - first);
    const size_t end = (first + samples) * pixels;
    float *const patches = j->patches + (size_t)worker * j->rows * j->patch;
    if (!j->as_is && !j->accumulate) memset(j->to + first * input, 0, samples * input * sizeof *j->to);
    for (size_t row = first * pixels; row < end; row += j->rows) {
        const size_t rows = sl_smaller(j->rows, end - row);
        sl_conv_multiply(j->as_is ? j->to + row * j->patch : patches, j->patch, j->as_is && j->accumulate,
                         j->from + row * out, out, SL_AS_IS, j->weight, j->patch, rows, j->patch, out);
        if (!j->as_is) scatter(l, j->to, patches, row, rows);
    }
}

static void backward_input(const sl_conv *c, float *dx, const float *dy, const float *weight, bool accumulate)
{
    job j = with_weights(c, weight, c->layer->kernel > 1 ? order_taps_first : NULL);
    j.to = dx;
    j.from = dy;
    j.accumulate = accumulate;
    sl_team_run(c->team, (c->count + samples_of_task(&j) - 1) / samples_of_task(&j), input_samples, &j);
}

/* ---- gradient of the weights: dW = dy^T patches ----
 *
 * Task (part, block) has the rows of a part of the batch and a block of input channels. */

typedef struct {
    const sl_conv *c;
    float *sums, *patches;
    const float *dy, *x;
    size_t total, rows; /* rows in all, of a block of patches     */
    size_t parts, blocks_of_rows;
    size_t blocks, channels; /* of input channels: how many, how large */
    bool as_is;
} weights_job;

static weights_job plan_weights(const sl_layer *l, size_t count)
{
    const size_t taps = sl_conv_taps(l), in = l->in[0].channels;
    weights_job j = {.total = count * sl_conv_pixels(l), .as_is = sees_pictures(l)};
    j.channels = TASK_FLOATS / taps ? sl_smaller(TASK_FLOATS / taps, in) : 1;
    j.blocks = (in + j.channels - 1) / j.channels;
    j.rows = rows_of_block(taps * j.channels);
    j.blocks_of_rows = (j.total + j.rows - 1) / j.rows;
    j.parts = sl_smaller((TASKS + j.blocks - 1) / j.blocks, j.blocks_of_rows);
    return j;
}

static void weights_task(void *ctx, size_t i, int worker)
{
    const weights_job *const j = ctx;
    const sl_layer *const l = j->c->layer;
    const size_t part = i / j->blocks, channel = i % j->blocks * j->channels, in = l->in[0].channels;
    const size_t channels = sl_smaller(j->channels, in - channel), out = l->out.channels, taps = sl_conv_taps(l);
    const size_t begin = part * j->blocks_of_rows / j->parts * j->rows;
    const size_t end = sl_smaller((part + 1) * j->blocks_of_rows / j->parts * j->rows, j->total);
    float *const sum = j->sums + (part * in + channel) * out * taps;
    float *const patches = j->patches + (size_t)worker * j->rows * j->channels * taps;
    for (size_t row = begin; row < end; row += j->rows) {
        const size_t rows = sl_smaller(j->rows, end - row);
        if (!j->as_is) gather(l, patches, j->x, row, rows, channel, channels);
        sl_conv_multiply(sum, taps * channels, row > begin, j->dy + row * out, out, SL_TRANSPOSED,
                         j->as_is ? j->x + row * in + channel : patches, j->as_is ? in : taps * channels, out,
                         taps * channels, rows);
    }
}

static void backward_weights(const sl_conv *c, float *d_weight, const float *dy, const float *x, bool accumulate)
{
    weights_job j = plan_weights(c->layer, c->count);
    j.c = c;
    j.dy = dy;
    j.x = x;
    j.sums = c->scratch;
    j.patches = c->scratch + sl_conv_aligned(j.parts * sl_conv_weights(c->layer));
    sl_team_run(c->team, j.parts * j.blocks, weights_task, &j);
    sl_conv_sum_weights(c, d_weight, j.sums, j.parts, j.channels, accumulate);
}

static size_t scratch(const sl_layer *l, size_t count, int workers, sl_purpose_of_workspace what)
{
    const size_t patch = sl_conv_taps(l) * l->in[0].channels, weights = sl_conv_weights(l);
    const size_t of_workers = sees_pictures(l) ? 0 : (size_t)workers * rows_of_block(patch) * patch;
    const size_t forwards = sl_conv_aligned(weights) + of_workers;
    if (what == SL_FOR_LOSS) return forwards;
    const weights_job j = plan_weights(l, count);
    const size_t patches = j.as_is ? 0 : (size_t)workers * j.rows * j.channels * sl_conv_taps(l);
    const size_t backwards = sl_conv_aligned(j.parts * weights) + patches;
    return forwards > backwards ? forwards : backwards;
}

const sl_conv_method sl_conv_by_columns = {.name = "columns",
                                           .scratch = scratch,
                                           .forward = forward,
                                           .backward_input = backward_input,
                                           .backward_weights = backward_weights};
