/* The convolution layer: which product its passes and their tangents need of which arrays. */
#include "nets/layers/conv.h"

static double flops(const sl_layer *l)
{
    return 2.0 * (double)sl_conv_taps(l) * (double)l->in[0].channels * (double)sl_shape_size(l->out);
}

typedef enum { FORWARD, INPUT, WEIGHTS } product;

static const sl_conv_method *method(const sl_layer *l, product what)
{
    (void)what;
    return sl_conv_winograd_fits(l) && l->in[0].channels >= 16 ? &sl_conv_by_winograd : &sl_conv_by_columns;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* One product follows another in the same memory. */
static size_t scratch(const sl_layer *l, size_t count, int workers, sl_purpose_of_workspace what)
{
    size_t floats = sl_conv_by_columns.scratch(l, count, workers, what);
    if (sl_conv_winograd_fits(l)) floats = larger(floats, sl_conv_by_winograd.scratch(l, count, workers, what));
    return larger(floats, sl_conv_bias_scratch(l));
}

/* ---- the layer ---- */

static sl_conv conv_of(const sl_pass *p)
{
    return (sl_conv){.layer = p->layer, .count = p->count, .team = p->team, .scratch = p->scratch};
}

/* The layer's part of a flat vector. */
static const float *part(const float *flat, size_t offset)
{
    return offset == SL_NONE ? NULL : flat + offset;
}

static void forward(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const sl_conv c = conv_of(p);
    method(l, FORWARD)->forward(&c, p->y, p->x[0], p->state + l->weight, part(p->state, l->bias), false);
}

static void backward(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const sl_conv c = conv_of(p);
    if (l->bias != SL_NONE) sl_conv_sum_bias(&c, p->gradient + l->bias, p->dy);
    method(l, WEIGHTS)->backward_weights(&c, p->gradient + l->weight, p->dy, p->x[0], false);
    if (p->dx[0]) method(l, INPUT)->backward_input(&c, p->dx[0], p->dy, p->state + l->weight, p->accumulate[0]);
}

/* With V and c the directions of W and b: R y = V * x + c + W * R x. */
static void forward_tangent(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const sl_conv c = conv_of(p);
    method(l, FORWARD)->forward(&c, p->ry, p->x[0], p->v + l->weight, part(p->v, l->bias), false);
    if (p->rx[0]) method(l, FORWARD)->forward(&c, p->ry, p->rx[0], p->state + l->weight, NULL, true);
}

/* dW and dx are bilinear in dy and x, dy and W; R of each is the sum with one and the other replaced. */
static void backward_tangent(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const sl_conv c = conv_of(p);
    float *const d_weight = p->rgradient + l->weight;
    if (l->bias != SL_NONE) sl_conv_sum_bias(&c, p->rgradient + l->bias, p->rdy);
    method(l, WEIGHTS)->backward_weights(&c, d_weight, p->rdy, p->x[0], false);
    if (p->rx[0]) method(l, WEIGHTS)->backward_weights(&c, d_weight, p->dy, p->rx[0], true);
    if (!p->rdx[0]) return;
    method(l, INPUT)->backward_input(&c, p->rdx[0], p->rdy, p->state + l->weight, p->accumulate[0]);
    method(l, INPUT)->backward_input(&c, p->rdx[0], p->dy, p->v + l->weight, true);
}

const sl_layer_kind sl_layer_conv = {.name = "conv",
                                     .needs_input = true,
                                     .scratch = scratch,
                                     .flops = flops,
                                     .forward = forward,
                                     .backward = backward,
                                     .forward_tangent = forward_tangent,
                                     .backward_tangent = backward_tangent};
