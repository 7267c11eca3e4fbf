/* The channels of one input, then those of the other: a dense block's feature maps. */
#include <string.h>

#include "base/kernel.h"
#include "nets/layers/samples.h"

/* One input's share of every pixel: its first channel in the output. */
static size_t first_of(const sl_layer *l, size_t k)
{
    return k == 0 ? 0 : l->in[0].channels;
}

/* Pixels of a few channels: a call of memcpy for each would take longer than the copy. */
static SL_KERNEL void copy(float *restrict y, const float *restrict x, size_t pixels, size_t channels, size_t stride)
{
    for (size_t i = 0; i < pixels; i++, y += stride, x += channels) {
#pragma omp simd
        for (size_t c = 0; c < channels; c++) y[c] = x[c];
    }
}

static void join(const sl_pass *p, size_t k, size_t sample, float *to, const float *from)
{
    const sl_shape in = p->layer->in[k], out = p->layer->out;
    const size_t pixels = out.height * out.width;
    float *const y = to + sample * sl_shape_size(out) + first_of(p->layer, k);
    if (from)
        copy(y, from + sample * sl_shape_size(in), pixels, in.channels, out.channels);
    else
        for (size_t i = 0; i < pixels; i++) memset(y + i * out.channels, 0, in.channels * sizeof *y);
}

static SL_KERNEL void part(float *restrict dx, const float *restrict dy, size_t pixels, size_t channels, size_t stride,
                           bool accumulate)
{
    for (size_t i = 0; i < pixels; i++, dx += channels, dy += stride) {
        if (accumulate) {
#pragma omp simd
            for (size_t c = 0; c < channels; c++) dx[c] += dy[c];
        } else {
#pragma omp simd
            for (size_t c = 0; c < channels; c++) dx[c] = dy[c];
        }
    }
}

static void split(const sl_pass *p, size_t k, size_t sample, float *to, const float *from, bool accumulate)
{
    const sl_shape in = p->layer->in[k], out = p->layer->out;
    part(to + sample * sl_shape_size(in), from + sample * sl_shape_size(out) + first_of(p->layer, k),
         out.height * out.width, in.channels, out.channels, accumulate);
}

/* Both inputs of a sample while it is in the cache. */
static void join_both(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    (void)from;
    (void)accumulate;
    for (size_t k = 0; k < 2; k++) join(p, k, sample, to, p->x[k]);
}

static void join_both_tangents(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    (void)from;
    (void)accumulate;
    for (size_t k = 0; k < 2; k++) join(p, k, sample, to, p->rx[k]);
}

static void split_first(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    split(p, 0, sample, to, from, accumulate);
}

static void split_second(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    split(p, 1, sample, to, from, accumulate);
}

static void forward(const sl_pass *p)
{
    sl_each_sample(p, join_both, p->y, NULL, false);
}

static void backward(const sl_pass *p)
{
    sl_each_sample(p, split_first, p->dx[0], p->dy, p->accumulate[0]);
    sl_each_sample(p, split_second, p->dx[1], p->dy, p->accumulate[1]);
}

static void forward_tangent(const sl_pass *p)
{
    sl_each_sample(p, join_both_tangents, p->ry, NULL, false);
}

static void backward_tangent(const sl_pass *p)
{
    sl_each_sample(p, split_first, p->rdx[0], p->rdy, p->accumulate[0]);
    sl_each_sample(p, split_second, p->rdx[1], p->rdy, p->accumulate[1]);
}

const sl_layer_kind sl_layer_concat = {.name = "concat",
                                       .forward = forward,
                                       .backward = backward,
                                       .forward_tangent = forward_tangent,
                                       .backward_tangent = backward_tangent};
