/* [height][width][channels] to PyTorch's order, [channels][height][width], so that weights behind it can be shared. */
#include "nets/layers/samples.h"

enum { TILE = 16 }; /* channels at a time: the lines that a tile's columns touch stay in cache */

/* to[c][r] (+)= from[r][c] */
static void transpose(float *restrict to, const float *restrict from, size_t rows, size_t columns, bool accumulate)
{
    for (size_t c0 = 0; c0 < columns; c0 += TILE) {
        const size_t end = c0 + TILE < columns ? c0 + TILE : columns;
        for (size_t r = 0; r < rows; r++)
            if (accumulate)
                for (size_t c = c0; c < end; c++) to[c * rows + r] += from[r * columns + c];
            else
                for (size_t c = c0; c < end; c++) to[c * rows + r] = from[r * columns + c];
    }
}

static void flatten(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    const sl_shape s = p->layer->in[0];
    const size_t at = sample * sl_shape_size(s);
    transpose(to + at, from + at, s.height * s.width, s.channels, accumulate);
}

static void restore(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    const sl_shape s = p->layer->in[0];
    const size_t at = sample * sl_shape_size(s);
    transpose(to + at, from + at, s.channels, s.height * s.width, accumulate);
}

static void forward(const sl_pass *p)
{
    sl_each_sample(p, flatten, p->y, p->x[0], false);
}

static void backward(const sl_pass *p)
{
    sl_each_sample(p, restore, p->dx[0], p->dy, p->accumulate[0]);
}

static void forward_tangent(const sl_pass *p)
{
    sl_each_sample_tangent(p, flatten);
}

static void backward_tangent(const sl_pass *p)
{
    sl_each_sample(p, restore, p->rdx[0], p->rdy, p->accumulate[0]);
}

const sl_layer_kind sl_layer_flatten = {.name = "flatten",
                                        .forward = forward,
                                        .backward = backward,
                                        .forward_tangent = forward_tangent,
                                        .backward_tangent = backward_tangent};
