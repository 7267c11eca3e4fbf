#include "nets/layers/average.h"

#include <string.h>

#include "base/kernel.h"
#include "nets/layers/samples.h"

/* Window i along an axis, cut to the picture; length: what it counts in the denominator. */
typedef struct {
    size_t from, to, length;
} span;

static inline span window(const sl_layer *l, size_t i, size_t in, size_t out)
{
    if (l->kernel == 0) {
        const size_t from = i * in / out, to = ((i + 1) * in + out - 1) / out;
        return (span){from, to, to - from};
    }
    const size_t from = i * l->stride, to = from + l->kernel; /* counted from the padding's edge */
    return (span){from > l->padding ? from - l->padding : 0, to - l->padding < in ? to - l->padding : in, l->kernel};
}

static SL_KERNEL void average(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    (void)accumulate;
    const sl_layer *const l = p->layer;
    const sl_shape in = l->in[0], out = l->out;
    const size_t channels = out.channels;
    float *y = to + sample * sl_shape_size(out);
    const float *const x = from + sample * sl_shape_size(in);
    for (size_t i = 0; i < out.height; i++) {
        const span v = window(l, i, in.height, out.height);
        for (size_t j = 0; j < out.width; j++, y += channels) {
            const span h = window(l, j, in.width, out.width);
            const float scale = 1 / (float)(v.length * h.length);
            memset(y, 0, channels * sizeof *y);
            for (size_t r = v.from; r < v.to; r++)
                for (size_t s = h.from; s < h.to; s++) {
                    const float *const pixel = x + (r * in.width + s) * channels;
#pragma omp simd
                    for (size_t c = 0; c < channels; c++) y[c] += pixel[c];
                }
#pragma omp simd
            for (size_t c = 0; c < channels; c++) y[c] *= scale;
        }
    }
}

/* The transposed map. */
static SL_KERNEL void spread(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    const sl_layer *const l = p->layer;
    const sl_shape in = l->in[0], out = l->out;
    const size_t channels = out.channels;
    float *const dx = to + sample * sl_shape_size(in);
    const float *dy = from + sample * sl_shape_size(out);
    if (!accumulate) memset(dx, 0, sl_shape_size(in) * sizeof *dx);
    for (size_t i = 0; i < out.height; i++) {
        const span v = window(l, i, in.height, out.height);
        for (size_t j = 0; j < out.width; j++, dy += channels) {
            const span h = window(l, j, in.width, out.width);
            const float scale = 1 / (float)(v.length * h.length);
            for (size_t r = v.from; r < v.to; r++)
                for (size_t s = h.from; s < h.to; s++) {
                    float *const pixel = dx + (r * in.width + s) * channels;
#pragma omp simd
                    for (size_t c = 0; c < channels; c++) pixel[c] += scale * dy[c];
                }
        }
    }
}

void sl_average_forward(const sl_pass *p)
{
    sl_each_sample(p, average, p->y, p->x[0], false);
}

void sl_average_backward(const sl_pass *p)
{
    sl_each_sample(p, spread, p->dx[0], p->dy, p->accumulate[0]);
}

void sl_average_forward_tangent(const sl_pass *p)
{
    sl_each_sample_tangent(p, average);
}

void sl_average_backward_tangent(const sl_pass *p)
{
    sl_each_sample(p, spread, p->rdx[0], p->rdy, p->accumulate[0]);
}
