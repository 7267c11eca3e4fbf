/* 3 x 3 convolutions of stride 1 with 16 multiplications for 36 (Winograd; Lavin & Gray 2016, F(2 x 2, 3 x 3)).
 *
 * An output tile of 2 x 2 pixels sees an input tile of 4 x 4:
 *     y = A^T [ sum over i of (G w G^T) . (B^T x B) ] A      (. number by number, 16 of them)
 * so that 16 products of matrices [tiles][in] and [in][out] are left. The gradient of the input is the same with the
 * kernel turned by 180 degrees. That of the weights correlates x with tiles of dy, F(3 x 3, 2 x 2), with the same B:
 *     dW = E^T [ sum over tiles of (F dy F^T) . (B^T x B) ] E
 *
 *           1  0 -1  0           1   0   0             1  0              1   0             1  0  0
 *     B^T = 0  1  1  0      G = 1/2 1/2 1/2        A = 1  1         F = 1/2  1/2       E = 1  1  1
 *           0 -1  1  0          1/2 -1/2 1/2           1 -1             1/2 -1/2           1 -1  1
 *           0  1  0 -1           0   0   1             0 -1              0   1             0  0 -1
 *
 * A chunk of tiles at a time, so that what is transformed stays in the cache between its transform and its product.
 * It errs as little as the plain sum: in single precision, normal weights and inputs of 16 to 512 channels, both have
 * errors of 2e-7 to 9e-7 of the largest output. Tiles of 4 x 4 would save another 1.8 times of the multiplications and
 * err ten times more (2e-6 to 2e-5). */
#include <string.h>

#include "nets/layers/conv.h"
#include "nets/layers/conv_kernel.h"
#include "nets/layers/conv_product_kernel.h"
#include "nets/layers/conv_winograd_kernel.h"

enum {
    NUMBERS = 16, /* of a transformed tile                                                                   */
    GAP = 16      /* floats between the 16 planes: else they would fall on the same lines of the cache       */
};
/* Tiles of a chunk: so that its numbers fit half of a second-level cache, but not so few that the product spends its
 * time on the weights. */
enum { CHUNK_FLOATS = 1 << 17, FEWEST_TILES = 64, ENOUGH_TILES = 128, MOST_TILES = 512, FEWEST_CHUNKS = 4 };
/* The gradient of the weights: blocks of input and output channels, and parts of the batch if they give fewer tasks. */
enum { BLOCK_IN = 64, BLOCK_OUT = 128, TASKS = 8 };

bool sl_conv_winograd_fits(const sl_layer *l)
{
    return l->kernel == 3 && l->stride == 1 && l->padding <= 2;
}

/* Tiles of 2 x 2 outputs, counted through the batch; the last of a row or column may stand over. */
typedef struct {
    size_t down, across, total;
} tiling;

static tiling tiles_of(sl_shape out, size_t count)
{
    tiling t = {.down = (out.height + 1) / 2, .across = (out.width + 1) / 2};
    t.total = t.down * t.across * count;
    return t;
}

static size_t tiles_of_chunk(size_t floats_of_tile, size_t enough)
{
    const size_t tiles = CHUNK_FLOATS / (NUMBERS * floats_of_tile) / 16 * 16;
    return tiles < enough ? enough : sl_smaller(tiles, MOST_TILES);
}

/* Floats from one number of all tiles to the next: [tiles][channels], rows on cache lines. */
static size_t plane_of(size_t tiles, size_t channels)
{
    return tiles * sl_conv_aligned(channels) + GAP;
}

/* A square of pixels with zeros outside the picture. */
typedef struct {
    const float *from;
    size_t line;  /* floats from row to row  */
    size_t pixel; /* from pixel to pixel     */
} square;

/* size x size pixels from (y - padding, x - padding) on, channels from_channel .. + channels; in the picture itself if
 * all of it lies inside, else in `copy`. */
static square cut_out(const float *pictures, sl_shape s, size_t sample, size_t y, size_t x, size_t padding, size_t size,
                      size_t from_channel, size_t channels, float *copy)
{
    const float *const picture = pictures + sample * sl_shape_size(s) + from_channel;
    if (y >= padding && x >= padding && y - padding + size <= s.height && x - padding + size <= s.width)
        return (square){picture + ((y - padding) * s.width + x - padding) * s.channels, s.width * s.channels,
                        s.channels};
    for (size_t r = 0; r < size; r++)
        for (size_t q = 0; q < size; q++) {
            float *const to = copy + (r * size + q) * channels;
            const size_t at_y = y + r - padding, at_x = x + q - padding; /* huge if above or left of the picture */
            if (at_y < s.height && at_x < s.width)
                memcpy(to, picture + (at_y * s.width + at_x) * s.channels, channels * sizeof *to);
            else
                memset(to, 0, channels * sizeof *to);
        }
    return (square){copy, size * channels, channels};
}

/* ---- the transformed weights: [16][in][out] for y, [16][out][in] of the turned kernel for dx ---- */

enum { BLOCK = 16 }; /* output channels of a task */

typedef struct {
    float *to, *work; /* work: [workers] parts, long enough for a block */
    size_t part;
    const float *weight;
    size_t out, in;
} transform_job;

static void transform_block(void *ctx, size_t i, int worker)
{
    const transform_job *const j = ctx;
    const size_t first = i * BLOCK, rows = sl_smaller(BLOCK, j->out - first), in = j->in;
    const size_t line = sl_conv_aligned(j->out), plane = plane_of(in, j->out), of_block = plane_of(BLOCK, in);
    float *const block = j->work + (size_t)worker * j->part;
    for (size_t o = 0; o < rows; o++)
        sl_winograd_weight(block + o * in, of_block, j->weight + 9 * (first + o) * in, in, 0);
    for (size_t k = 0; k < NUMBERS; k++)
        sl_product_turn(j->to + k * plane + first, line, block + k * of_block, rows, in);
}

static void transform_turned(void *ctx, size_t i, int worker)
{
    (void)worker;
    const transform_job *const j = ctx;
    const size_t end = sl_smaller((i + 1) * BLOCK, j->out), line = sl_conv_aligned(j->in);
    for (size_t o = i * BLOCK; o < end; o++)
        sl_winograd_weight(j->to + o * line, plane_of(j->out, j->in), j->weight + 9 * o * j->in, j->in, 1);
}

/* ---- from x to y, and, the same, from dy to dx ---- */

typedef struct {
    float *to;
    const float *from, *weight, *bias;
    float *work;      /* [workers]: transformed inputs, products, one tile */
    sl_shape in, out; /* of what it goes from and to                       */
    size_t padding;
    tiling tiles;
    size_t chunk;
    bool accumulate;
} map_job;

static size_t work_of_map(size_t chunk, size_t in, size_t out)
{
    const size_t widest = in > out ? in : out;
    return NUMBERS * (plane_of(chunk, in) + plane_of(chunk, out)) + sl_conv_aligned(NUMBERS * widest);
}

/* The tile's sum into the picture; what stands over is cut off. */
static void put_tile(const map_job *j, size_t sample, size_t y, size_t x, const float *m, size_t plane, float *tile)
{
    const sl_shape s = j->out;
    float *const to = j->to + ((sample * s.height + y) * s.width + x) * s.channels;
    if (y + 2 <= s.height && x + 2 <= s.width) {
        sl_winograd_output(to, s.width * s.channels, s.channels, m, plane, j->bias, s.channels, j->accumulate);
        return;
    }
    sl_winograd_output(tile, 2 * s.channels, s.channels, m, plane, j->bias, s.channels, 0);
    for (size_t r = 0; r < 2 && y + r < s.height; r++) {
        const size_t floats = sl_smaller(2, s.width - x) * s.channels;
        if (j->accumulate)
            sl_conv_add(to + r * s.width * s.channels, tile + 2 * r * s.channels, floats);
        else
            memcpy(to + r * s.width * s.channels, tile + 2 * r * s.channels, floats * sizeof *to);
    }
}

static void map_chunk(void *ctx, size_t i, int worker)
{
    const map_job *const j = ctx;
    const size_t in = j->in.channels, out = j->out.channels, of_weights = plane_of(in, out);
    const size_t first = i * j->chunk, tiles = sl_smaller(j->chunk, j->tiles.total - first);
    const size_t of_input = plane_of(j->chunk, in), of_product = plane_of(j->chunk, out);
    const size_t in_line = sl_conv_aligned(in), out_line = sl_conv_aligned(out);
    float *const input = j->work + (size_t)worker * work_of_map(j->chunk, in, out);
    float *const product = input + NUMBERS * of_input, *const tile = product + NUMBERS * of_product;
    const size_t across = j->tiles.across, of_sample = j->tiles.down * across;
    for (size_t t = 0; t < tiles; t++) {
        const size_t at = (first + t) % of_sample;
        const square s = cut_out(j->from, j->in, (first + t) / of_sample, at / across * 2, at % across * 2, j->padding,
                                 4, 0, in, tile);
        sl_winograd_input(input + t * in_line, of_input, s.from, s.line, s.pixel, in);
    }
    for (size_t k = 0; k < NUMBERS; k++)
        sl_conv_multiply(product + k * of_product, out_line, false, input + k * of_input, in_line, SL_AS_IS,
                         j->weight + k * of_weights, out_line, tiles, out_line, in);
    for (size_t t = 0; t < tiles; t++) {
        const size_t at = (first + t) % of_sample;
        put_tile(j, (first + t) / of_sample, at / across * 2, at % across * 2, product + t * out_line, of_product,
                 tile);
    }
}

static size_t chunk_of_map(size_t tiles, size_t in, size_t out)
{
    const size_t chunk = tiles_of_chunk(in + out, ENOUGH_TILES), share = (tiles / FEWEST_CHUNKS + 15) / 16 * 16;
    return share < FEWEST_TILES ? sl_smaller(FEWEST_TILES, chunk) : sl_smaller(share, chunk);
}

/* Zeros for a bias that is none, transformed weights, the workers' parts. */
static size_t scratch_of_map(size_t tiles, size_t in, size_t out, int workers)
{
    return sl_conv_aligned(out) + NUMBERS * plane_of(in, out) +
           (size_t)workers * work_of_map(chunk_of_map(tiles, in, out), in, out);
}

static void map(const sl_conv *c, map_job *j, const float *weight, sl_team_task transform)
{
    const size_t in = j->in.channels, out = j->out.channels;
    float *const zeros = c->scratch, *const weights = zeros + sl_conv_aligned(out);
    memset(zeros, 0, out * sizeof *zeros);
    if (!j->bias) j->bias = zeros;
    j->weight = weights;
    j->work = weights + NUMBERS * plane_of(in, out);
    j->tiles = tiles_of(j->out, c->count);
    j->chunk = chunk_of_map(j->tiles.total, in, out);
    transform_job t = {.to = weights,
                       .work = j->work,
                       .part = work_of_map(j->chunk, in, out),
                       .weight = weight,
                       .out = c->layer->out.channels,
                       .in = c->layer->in[0].channels};
    sl_team_run(c->team, (t.out + BLOCK - 1) / BLOCK, transform, &t);
    sl_team_run(c->team, (j->tiles.total + j->chunk - 1) / j->chunk, map_chunk, j);
}

static void forward(const sl_conv *c, float *y, const float *x, const float *weight, const float *bias, bool accumulate)
{
    const sl_layer *const l = c->layer;
    map_job j = {.to = y,
                 .from = x,
                 .bias = bias,
                 .in = l->in[0],
                 .out = l->out,
                 .padding = l->padding,
                 .accumulate = accumulate};
    map(c, &j, weight, transform_block);
}

static void backward_input(const sl_conv *c, float *dx, const float *dy, const float *weight, bool accumulate)
{
    const sl_layer *const l = c->layer;
    map_job j = {
        .to = dx, .from = dy, .in = l->out, .out = l->in[0], .padding = 2 - l->padding, .accumulate = accumulate};
    map(c, &j, weight, transform_turned);
}

/* ---- the gradient of the weights ----
 *
 * Task (part, block of input channels, block of output channels). Its sum over the chunks of the part is kept
 * transformed until the end. */

typedef struct {
    const sl_conv *c;
    float *sums, *work; /* work: [workers] */
    const float *dy, *x;
    tiling tiles;
    size_t chunk, chunks, parts;
    size_t in, out, in_blocks, out_blocks; /* sizes of blocks, how many */
} weights_job;

static size_t work_of_weights(const weights_job *j)
{
    return NUMBERS * (plane_of(j->chunk, j->in) + plane_of(j->chunk, j->out) + plane_of(j->out, j->in)) +
           sl_conv_aligned(NUMBERS * (j->in > j->out ? j->in : j->out));
}

static weights_job plan_weights(const sl_layer *l, size_t count)
{
    weights_job j = {.tiles = tiles_of(l->out, count),
                     .in = sl_smaller(BLOCK_IN, l->in[0].channels),
                     .out = sl_smaller(BLOCK_OUT, l->out.channels)};
    j.in_blocks = (l->in[0].channels + j.in - 1) / j.in;
    j.out_blocks = (l->out.channels + j.out - 1) / j.out;
    j.chunk = tiles_of_chunk(j.in + j.out, FEWEST_TILES);
    j.chunks = (j.tiles.total + j.chunk - 1) / j.chunk;
    const size_t blocks = j.in_blocks * j.out_blocks;
    j.parts = sl_smaller((TASKS + blocks - 1) / blocks, j.chunks);
    return j;
}

static void add_chunk(const weights_job *j, float *work, size_t first, size_t tiles, size_t from_in, size_t in,
                      size_t from_out, size_t out, bool accumulate)
{
    const sl_layer *const l = j->c->layer;
    const size_t of_input = plane_of(j->chunk, j->in), of_dy = plane_of(j->chunk, j->out);
    const size_t of_sum = plane_of(j->out, j->in), across = j->tiles.across, of_sample = j->tiles.down * across;
    const size_t in_line = sl_conv_aligned(j->in), out_line = sl_conv_aligned(j->out);
    float *const sum = work, *const input = sum + NUMBERS * of_sum, *const dy = input + NUMBERS * of_input;
    float *const tile = dy + NUMBERS * of_dy;
    for (size_t t = 0; t < tiles; t++) {
        const size_t sample = (first + t) / of_sample, at = (first + t) % of_sample;
        const size_t y = at / across * 2, x = at % across * 2;
        const square s = cut_out(j->x, l->in[0], sample, y, x, l->padding, 4, from_in, in, tile);
        sl_winograd_input(input + t * in_line, of_input, s.from, s.line, s.pixel, in);
        const square d = cut_out(j->dy, l->out, sample, y, x, 0, 2, from_out, out, tile);
        sl_winograd_gradient(dy + t * out_line, of_dy, d.from, d.line, d.pixel, out);
    }
    for (size_t k = 0; k < NUMBERS; k++)
        sl_conv_multiply(sum + k * of_sum, in_line, accumulate, dy + k * of_dy, out_line, SL_TRANSPOSED,
                         input + k * of_input, in_line, out, in_line, tiles);
}

static void weights_task(void *ctx, size_t i, int worker)
{
    const weights_job *const j = ctx;
    const sl_layer *const l = j->c->layer;
    const size_t part = i / (j->in_blocks * j->out_blocks);
    const size_t from_in = i / j->out_blocks % j->in_blocks * j->in, from_out = i % j->out_blocks * j->out;
    const size_t in = sl_smaller(j->in, l->in[0].channels - from_in);
    const size_t out = sl_smaller(j->out, l->out.channels - from_out);
    const size_t begin = part * j->chunks / j->parts * j->chunk;
    const size_t end = sl_smaller((part + 1) * j->chunks / j->parts * j->chunk, j->tiles.total);
    float *const work = j->work + (size_t)worker * work_of_weights(j);
    for (size_t first = begin; first < end; first += j->chunk)
        add_chunk(j, work, first, sl_smaller(j->chunk, end - first), from_in, in, from_out, out, first > begin);
    float *const to = j->sums + part * sl_conv_weights(l) + 9 * (from_in * l->out.channels + from_out * in);
    for (size_t o = 0; o < out; o++)
        sl_winograd_weight_gradient(to + 9 * o * in, work + o * sl_conv_aligned(j->in), plane_of(j->out, j->in), in);
}

static void backward_weights(const sl_conv *c, float *d_weight, const float *dy, const float *x, bool accumulate)
{
    weights_job j = plan_weights(c->layer, c->count);
    j.c = c;
    j.dy = dy;
    j.x = x;
    j.sums = c->scratch;
    j.work = c->scratch + sl_conv_aligned(j.parts * sl_conv_weights(c->layer));
    sl_team_run(c->team, j.parts * j.in_blocks * j.out_blocks, weights_task, &j);
    sl_conv_sum_weights(c, d_weight, j.sums, j.parts, j.in, accumulate);
}

static size_t scratch(const sl_layer *l, size_t count, int workers, sl_purpose_of_workspace what)
{
    const size_t in = l->in[0].channels, out = l->out.channels;
    const size_t forwards = scratch_of_map(tiles_of(l->out, count).total, in, out, workers);
    if (what == SL_FOR_LOSS) return forwards;
    const size_t backwards = scratch_of_map(tiles_of(l->in[0], count).total, out, in, workers);
    const weights_job j = plan_weights(l, count);
    const size_t weights = sl_conv_aligned(j.parts * sl_conv_weights(l)) + (size_t)workers * work_of_weights(&j);
    const size_t maps = forwards > backwards ? forwards : backwards;
    return maps > weights ? maps : weights;
}

const sl_conv_method sl_conv_by_winograd = {.name = "winograd",
                                            .scratch = scratch,
                                            .forward = forward,
                                            .backward_input = backward_input,
                                            .backward_weights = backward_weights};
