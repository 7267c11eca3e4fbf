/* The largest of each window, the first among equals; padding never wins. A NaN does, so that a diverged network shows
 * it. Kept: for each output its place in the window, row by row from the padding's edge. */
#include <string.h>

#include "base/kernel.h"
#include "nets/layers/samples.h"

enum { CHANNELS = 64 }; /* at a time: their maxima and places stay in registers or the nearest cache */

/* Window i along an axis, cut to the picture: never empty, as the padding is at most half the kernel. */
typedef struct {
    size_t from, to;
    size_t skipped; /* rows or columns of the window before from */
} span;

static inline span window(const sl_layer *l, size_t i, size_t in)
{
    const size_t from = i * l->stride, to = from + l->kernel - l->padding;
    const size_t skipped = from < l->padding ? l->padding - from : 0;
    return (span){from + skipped - l->padding, to < in ? to : in, skipped};
}

static size_t kept(const sl_layer *l, size_t count)
{
    return count * sl_shape_size(l->out) * sizeof(uint16_t);
}

/* Up to CHANNELS channels of one output. x: the picture at those channels; a pixel is stride floats long. */
static inline void largest(float *restrict y, uint16_t *restrict place, const float *restrict x, size_t n, span v,
                           span h, size_t width, size_t pixel, size_t kernel)
{
    float best[CHANNELS];
    int32_t at[CHANNELS];
    const int32_t first = (int32_t)(v.skipped * kernel + h.skipped);
    for (size_t c = 0; c < n; c++) best[c] = x[(v.from * width + h.from) * pixel + c];
    for (size_t c = 0; c < n; c++) at[c] = first;
    for (size_t r = v.from; r < v.to; r++)
        for (size_t s = h.from; s < h.to; s++) {
            const float *const here = x + (r * width + s) * pixel;
            const int32_t k = first + (int32_t)((r - v.from) * kernel + (s - h.from));
#pragma omp simd
            for (size_t c = 0; c < n; c++) {
                const bool wins = (here[c] > best[c]) | (here[c] != here[c]);
                best[c] = wins ? here[c] : best[c];
                at[c] = wins ? k : at[c];
            }
        }
    for (size_t c = 0; c < n; c++) y[c] = best[c];
    for (size_t c = 0; c < n; c++) place[c] = (uint16_t)at[c];
}

static SL_KERNEL void find(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    (void)accumulate;
    const sl_layer *const l = p->layer;
    const sl_shape in = l->in[0], out = l->out;
    size_t at = sample * sl_shape_size(out);
    uint16_t *const place = p->kept;
    const float *const x = from + sample * sl_shape_size(in);
    for (size_t i = 0; i < out.height; i++)
        for (size_t j = 0; j < out.width; j++, at += out.channels) {
            const span v = window(l, i, in.height), h = window(l, j, in.width);
            for (size_t c = 0; c < out.channels; c += CHANNELS)
                largest(to + at + c, place + at + c, x + c,
                        out.channels - c < CHANNELS ? out.channels - c : CHANNELS, v, h, in.width, out.channels,
                        l->kernel);
        }
}

/* Do the windows tile the picture, so that each pixel belongs to exactly one? */
static inline bool tiles(const sl_layer *l)
{
    return l->padding == 0 && l->stride == l->kernel && l->out.height * l->stride == l->in[0].height &&
           l->out.width * l->stride == l->in[0].width;
}

static SL_KERNEL void put_back(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    const sl_layer *const l = p->layer;
    const sl_shape in = l->in[0], out = l->out;
    const size_t channels = out.channels;
    size_t at = sample * sl_shape_size(out);
    float *const dx = to + sample * sl_shape_size(in);
    const bool overwrite = !accumulate && tiles(l);
    if (!accumulate && !overwrite) memset(dx, 0, sl_shape_size(in) * sizeof *dx);
    for (size_t i = 0; i < out.height; i++)
        for (size_t j = 0; j < out.width; j++, at += channels) {
            const span v = window(l, i, in.height), h = window(l, j, in.width);
            const float *const dy = from + at;
            const uint16_t *const place = (const uint16_t *)p->kept + at;
            for (size_t r = v.from; r < v.to; r++)
                for (size_t s = h.from; s < h.to; s++) {
                    float *const pixel = dx + (r * in.width + s) * channels;
                    const size_t k = (v.skipped + r - v.from) * l->kernel + h.skipped + s - h.from;
                    const uint16_t here = (uint16_t)k;
                    if (overwrite) {
#pragma omp simd
                        for (size_t c = 0; c < channels; c++) pixel[c] = place[c] == here ? dy[c] : 0;
                    } else {
#pragma omp simd
                        for (size_t c = 0; c < channels; c++) pixel[c] += place[c] == here ? dy[c] : 0;
                    }
                }
        }
}

/* What stands at the places found. */
static void look_up(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    (void)accumulate;
    const sl_layer *const l = p->layer;
    const sl_shape in = l->in[0], out = l->out;
    size_t at = sample * sl_shape_size(out);
    const uint16_t *const place = p->kept;
    const float *const x = from + sample * sl_shape_size(in);
    for (size_t i = 0; i < out.height; i++)
        for (size_t j = 0; j < out.width; j++)
            for (size_t c = 0; c < out.channels; c++, at++) {
                const size_t r = i * l->stride + place[at] / l->kernel - l->padding;
                const size_t s = j * l->stride + place[at] % l->kernel - l->padding;
                to[at] = x[(r * in.width + s) * out.channels + c];
            }
}

static void forward(const sl_pass *p)
{
    sl_each_sample(p, find, p->y, p->x[0], false);
}

static void backward(const sl_pass *p)
{
    sl_each_sample(p, put_back, p->dx[0], p->dy, p->accumulate[0]);
}

static void forward_tangent(const sl_pass *p)
{
    sl_each_sample_tangent(p, look_up);
}

static void backward_tangent(const sl_pass *p)
{
    sl_each_sample(p, put_back, p->rdx[0], p->rdy, p->accumulate[0]);
}

const sl_layer_kind sl_layer_max_pool = {.name = "maxpool",
                                         .kept = kept,
                                         .forward = forward,
                                         .backward = backward,
                                         .forward_tangent = forward_tangent,
                                         .backward_tangent = backward_tangent};
