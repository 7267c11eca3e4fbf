/* The convolution layer: which product its passes and their tangents need of which arrays. */
#include "nets/layers/conv.h"
#include "nets/layers/conv_kernel.h"

/* The gradient of the bias is summed over so many parts of the rows of dy, and then over the parts. */
enum { PARTS = 16, FEWEST_ROWS = 512 };

static double flops(const sl_layer *l)
{
    return 2.0 * (double)sl_conv_taps(l) * (double)l->in[0].channels * (double)sl_shape_size(l->out);
}

static size_t scratch(const sl_layer *l, size_t count, int workers, sl_purpose_of_workspace what)
{
    const size_t products = sl_conv_by_columns.scratch(l, count, workers, what), bias = 2 * PARTS * l->out.channels;
    return products > bias ? products : bias;
}

typedef struct {
    float *sums; /* [PARTS][2][out] */
    const float *dy;
    size_t total, rows, out;
} bias_job;

static void bias_part(void *ctx, size_t i, int worker)
{
    (void)worker;
    const bias_job *const j = ctx;
    const size_t first = i * j->rows;
    float *const sum = j->sums + 2 * i * j->out;
    sl_conv_bias_gradient(sum, sum + j->out, j->dy + first * j->out, sl_smaller(j->rows, j->total - first), j->out);
}

static void bias_gradient(const sl_conv *c, float *d_bias, const float *dy)
{
    const size_t total = c->count * sl_conv_pixels(c->layer), out = c->layer->out.channels;
    const size_t of_part = (total + PARTS - 1) / PARTS;
    bias_job j = {.sums = c->scratch, .dy = dy, .total = total, .out = out,
                  .rows = of_part < FEWEST_ROWS ? FEWEST_ROWS : of_part};
    const size_t parts = (total + j.rows - 1) / j.rows;
    sl_team_run(c->team, parts, bias_part, &j);
    for (size_t o = 0; o < out; o++) d_bias[o] = 0;
    for (size_t i = 0; i < parts; i++) sl_conv_add(d_bias, j.sums + 2 * i * out, out);
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
    sl_conv_by_columns.forward(&c, p->y, p->x[0], p->state + l->weight, part(p->state, l->bias), false);
}

static void backward(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const sl_conv c = conv_of(p);
    if (l->bias != SL_NONE) bias_gradient(&c, p->gradient + l->bias, p->dy);
    sl_conv_by_columns.backward_weights(&c, p->gradient + l->weight, p->dy, p->x[0], false);
    if (p->dx[0]) sl_conv_by_columns.backward_input(&c, p->dx[0], p->dy, p->state + l->weight, p->accumulate[0]);
}

/* With V and c the directions of W and b: R y = V * x + c + W * R x. */
static void forward_tangent(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const sl_conv c = conv_of(p);
    sl_conv_by_columns.forward(&c, p->ry, p->x[0], p->v + l->weight, part(p->v, l->bias), false);
    if (p->rx[0]) sl_conv_by_columns.forward(&c, p->ry, p->rx[0], p->state + l->weight, NULL, true);
}

/* dW and dx are bilinear in dy and x, dy and W; R of each is the sum with one and the other replaced. */
static void backward_tangent(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const sl_conv c = conv_of(p);
    float *const d_weight = p->rgradient + l->weight;
    if (l->bias != SL_NONE) bias_gradient(&c, p->rgradient + l->bias, p->rdy);
    sl_conv_by_columns.backward_weights(&c, d_weight, p->rdy, p->x[0], false);
    if (p->rx[0]) sl_conv_by_columns.backward_weights(&c, d_weight, p->dy, p->rx[0], true);
    if (!p->rdx[0]) return;
    sl_conv_by_columns.backward_input(&c, p->rdx[0], p->rdy, p->state + l->weight, p->accumulate[0]);
    sl_conv_by_columns.backward_input(&c, p->rdx[0], p->dy, p->v + l->weight, true);
}

const sl_layer_kind sl_layer_conv = {.name = "conv",
                                     .needs_input = true,
                                     .scratch = scratch,
                                     .flops = flops,
                                     .forward = forward,
                                     .backward = backward,
                                     .forward_tangent = forward_tangent,
                                     .backward_tangent = backward_tangent};
