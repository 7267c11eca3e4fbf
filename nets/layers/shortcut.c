/* ResNet's option A (He et al. 2016, section 3.3): every stride-th pixel, channels widened with zeros. */
#include <string.h>

#include "base/kernel.h"
#include "nets/layers/samples.h"

static void pick(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    (void)accumulate;
    const sl_layer *const l = p->layer;
    const sl_shape in = l->in[0], out = l->out;
    const size_t before = (out.channels - in.channels) / 2;
    float *y = to + sample * sl_shape_size(out);
    const float *const x = from + sample * sl_shape_size(in);
    for (size_t i = 0; i < out.height; i++)
        for (size_t j = 0; j < out.width; j++, y += out.channels) {
            const float *const pixel = x + (i * in.width + j) * l->stride * in.channels;
            memset(y, 0, before * sizeof *y);
            memcpy(y + before, pixel, in.channels * sizeof *y);
            memset(y + before + in.channels, 0, (out.channels - in.channels - before) * sizeof *y);
        }
}

static SL_KERNEL void put(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate)
{
    const sl_layer *const l = p->layer;
    const sl_shape in = l->in[0], out = l->out;
    float *const dx = to + sample * sl_shape_size(in);
    const float *dy = from + sample * sl_shape_size(out) + (out.channels - in.channels) / 2;
    if (!accumulate) memset(dx, 0, sl_shape_size(in) * sizeof *dx);
    for (size_t i = 0; i < out.height; i++)
        for (size_t j = 0; j < out.width; j++, dy += out.channels) {
            float *const pixel = dx + (i * in.width + j) * l->stride * in.channels;
#pragma omp simd
            for (size_t c = 0; c < in.channels; c++) pixel[c] += dy[c];
        }
}

static void forward(const sl_pass *p)
{
    sl_each_sample(p, pick, p->y, p->x[0], false);
}

static void backward(const sl_pass *p)
{
    sl_each_sample(p, put, p->dx[0], p->dy, p->accumulate[0]);
}

static void forward_tangent(const sl_pass *p)
{
    sl_each_sample_tangent(p, pick);
}

static void backward_tangent(const sl_pass *p)
{
    sl_each_sample(p, put, p->rdx[0], p->rdy, p->accumulate[0]);
}

const sl_layer_kind sl_layer_shortcut = {.name = "shortcut",
                                         .forward = forward,
                                         .backward = backward,
                                         .forward_tangent = forward_tangent,
                                         .backward_tangent = backward_tangent};
