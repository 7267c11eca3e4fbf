/* The convolution layer: which product its passes and their tangents need of which arrays. */
#include "nets/layers/conv.h"

static double flops(const sl_layer *l)
{
    return 2.0 * (double)sl_conv_taps(l) * (double)l->in[0].channels * (double)sl_shape_size(l->out);
}

/* Winograd's way multiplies less but adds more and needs work for the weights, so it is for products that do not drown
 * in that. Measured on one core of Zen 5: with 8 channels on both sides it is 1.4 times faster than columns, with 16 and
 * more 1.6 to 2 times; with 4 channels it is no faster, nor with 16 tiles; with 32 tiles, 1.2 to 1.6 times. Where most
 * tiles stand over the picture's edge it multiplies more than it saves. */
enum { FEWEST_CHANNELS = 8, FEWEST_TILES = 32 };

static const sl_conv_method *method(const sl_layer *l, sl_shape out, size_t count)
{
    const size_t tiles = (out.height + 1) / 2 * ((out.width + 1) / 2);
    const bool good = sl_conv_winograd_fits(l) && l->in[0].channels >= FEWEST_CHANNELS &&
                      l->out.channels >= FEWEST_CHANNELS && tiles * count >= FEWEST_TILES &&
                      4 * 9 * out.height * out.width >= 5 * 16 * tiles;
    return good ? &sl_conv_by_winograd : &sl_conv_by_columns;
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

static void to_y(const sl_pass *p, float *y, const float *x, const float *weight, const float *bias, bool accumulate)
{
    const sl_conv c = conv_of(p);
    method(p->layer, p->layer->out, p->count)->forward(&c, y, x, weight, bias, accumulate);
}

static void to_dx(const sl_pass *p, float *dx, const float *dy, const float *weight, bool accumulate)
{
    const sl_conv c = conv_of(p);
    method(p->layer, p->layer->in[0], p->count)->backward_input(&c, dx, dy, weight, accumulate);
}

static void to_weights(const sl_pass *p, float *d_weight, const float *dy, const float *x, bool accumulate)
{
    const sl_conv c = conv_of(p);
    method(p->layer, p->layer->out, p->count)->backward_weights(&c, d_weight, dy, x, accumulate);
}

static void to_bias(const sl_pass *p, float *gradient, const float *dy)
{
    const sl_conv c = conv_of(p);
    if (p->layer->bias != SL_NONE) sl_conv_sum_bias(&c, gradient + p->layer->bias, dy);
}

/* The layer's part of a flat vector. */
static const float *part(const float *flat, size_t offset)
{
    return offset == SL_NONE ? NULL : flat + offset;
}

static void forward(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    to_y(p, p->y, p->x[0], p->state + l->weight, part(p->state, l->bias), false);
}

static void backward(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    to_bias(p, p->gradient, p->dy);
    to_weights(p, p->gradient + l->weight, p->dy, p->x[0], false);
    if (p->dx[0]) to_dx(p, p->dx[0], p->dy, p->state + l->weight, p->accumulate[0]);
}

/* With V and c the directions of W and b: R y = V * x + c + W * R x. */
static void forward_tangent(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    to_y(p, p->ry, p->x[0], p->v + l->weight, part(p->v, l->bias), false);
    if (p->rx[0]) to_y(p, p->ry, p->rx[0], p->state + l->weight, NULL, true);
}

/* dW and dx are bilinear in dy and x, dy and W; R of each is the sum with one and the other replaced. */
static void backward_tangent(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    to_bias(p, p->rgradient, p->rdy);
    to_weights(p, p->rgradient + l->weight, p->rdy, p->x[0], false);
    if (p->rx[0]) to_weights(p, p->rgradient + l->weight, p->dy, p->rx[0], true);
    if (!p->rdx[0]) return;
    to_dx(p, p->rdx[0], p->rdy, p->state + l->weight, p->accumulate[0]);
    to_dx(p, p->rdx[0], p->dy, p->v + l->weight, true);
}

const sl_layer_kind sl_layer_conv = {.name = "conv",
                                     .needs_input = true,
                                     .scratch = scratch,
                                     .flops = flops,
                                     .forward = forward,
                                     .backward = backward,
                                     .forward_tangent = forward_tangent,
                                     .backward_tangent = backward_tangent};
