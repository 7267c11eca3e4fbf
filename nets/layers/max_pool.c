/* The largest of each window, the first among equals; padding never wins. A NaN does, so that a diverged network shows
 * it. Kept: for each output its place in the window, row by row from the padding's edge. */
#include <string.h>

#include "base/kernel.h"
#include "nets/layers/samples.h"

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

/* Pixels of one window, and their places in it. */
enum { AT_ONCE = 4 };
typedef struct {
    const float *x[AT_ONCE];
    int32_t place[AT_ONCE];
    size_t n;
} pixels;

/* If x beats best, it takes its place. */
static inline void challenge(float *best, int32_t *place, float x, int32_t k)
{
    const bool wins = (x > *best) | (x != x);
    *best = wins ? x : *best;
    *place = wins ? k : *place;
}

/* The largest of four pixels and, unless they are the window's first, of those before. All in one loop, so that what is
 * compared stays in registers. */
static inline __attribute__((always_inline)) void largest(float *restrict y, uint16_t *restrict place, const pixels *p,
                                                          size_t channels, bool first)
{
    const float *const x0 = p->x[0], *const x1 = p->x[1], *const x2 = p->x[2], *const x3 = p->x[3];
    const int32_t k0 = p->place[0], k1 = p->place[1], k2 = p->place[2], k3 = p->place[3];
#pragma omp simd
    for (size_t c = 0; c < channels; c++) {
        float best = first ? x0[c] : y[c];
        int32_t k = first ? k0 : place[c];
        if (!first) challenge(&best, &k, x0[c], k0);
        challenge(&best, &k, x1[c], k1);
        challenge(&best, &k, x2[c], k2);
        challenge(&best, &k, x3[c], k3);
        y[c] = best;
        place[c] = (uint16_t)k;
    }
}

/* The last pixel stands in for those missing of four: it does not beat itself. */
static inline __attribute__((always_inline)) void largest_of_some(float *y, uint16_t *place, pixels *p, size_t channels,
                                                                  bool first)
{
    for (size_t i = p->n; i < AT_ONCE; i++) p->x[i] = p->x[p->n - 1], p->place[i] = p->place[p->n - 1];
    if (first)
        largest(y, place, p, channels, true);
    else
        largest(y, place, p, channels, false);
    p->n = 0;
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
            pixels some = {.n = 0};
            bool first = true;
            for (size_t r = v.from; r < v.to; r++)
                for (size_t s = h.from; s < h.to; s++) {
                    some.x[some.n] = x + (r * in.width + s) * out.channels;
                    some.place[some.n++] = (int32_t)((v.skipped + r - v.from) * l->kernel + h.skipped + s - h.from);
                    if (some.n < AT_ONCE && (r + 1 < v.to || s + 1 < h.to)) continue;
                    largest_of_some(to + at, place + at, &some, out.channels, first);
                    first = false;
                }
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
