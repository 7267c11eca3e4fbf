#include "nets/layers/linear.h"

#include "nets/gemm.h"
#include "nets/layer.h"
#include "nets/layers/linear_kernel.h"

/* Small products are one task: sharing them would cost more than it gains. */
static const double SHARED = 1 << 26;
enum { ROWS = 32, OUTPUTS = 64 };

typedef struct {
    float *c;
    const float *a, *b, *bias;
    size_t n, in, out, block;
    int accumulate;
} product;

static size_t tasks(product *p, size_t total, size_t block)
{
    p->block = (double)p->n * (double)p->in * (double)p->out < SHARED ? total : block;
    return (total + p->block - 1) / p->block;
}

static size_t size_of(const product *p, size_t first, size_t total)
{
    return total - first < p->block ? total - first : p->block;
}

/* y[n][out] = b + x[n][in] W[out][in]^T, some rows of it */
static void forward_rows(void *ctx, size_t i, int worker)
{
    (void)worker;
    const product *const p = ctx;
    const size_t first = i * p->block, rows = size_of(p, first, p->n);
    float *const y = p->c + first * p->out;
    if (p->bias && !p->accumulate) sl_bias_fill(y, p->bias, rows, p->out);
    if (p->bias && p->accumulate) sl_bias_add(y, p->bias, rows, p->out);
    sl_gemm(y, p->bias || p->accumulate ? 1 : 0, p->a + first * p->in, SL_AS_IS, p->b, SL_TRANSPOSED, rows, p->out,
            p->in);
}

void sl_linear_forward(float *y, const float *x, const float *weight, const float *bias, size_t n, size_t in,
                       size_t out, int accumulate, sl_team *team)
{
    product p = {.c = y, .a = x, .b = weight, .bias = bias, .n = n, .in = in, .out = out, .accumulate = accumulate};
    const size_t count = tasks(&p, n, ROWS);
    sl_team_run(team, count, forward_rows, &p);
}

/* dW[out][in] = dy[n][out]^T x[n][in], some rows of it */
static void weight_rows(void *ctx, size_t i, int worker)
{
    (void)worker;
    const product *const p = ctx;
    const size_t first = i * p->block, rows = size_of(p, first, p->out);
    sl_gemm_part(p->c + first * p->in, p->in, p->accumulate ? 1 : 0, p->a + first, p->out, SL_TRANSPOSED, p->b, p->in,
                 SL_AS_IS, rows, p->in, p->n);
}

void sl_linear_backward_weights(float *d_weight, float *d_bias, const float *dy, const float *x, size_t n, size_t in,
                                size_t out, int accumulate_weights, sl_team *team)
{
    if (d_bias) sl_bias_gradient(d_bias, dy, n, out);
    product p = {.c = d_weight, .a = dy, .b = x, .n = n, .in = in, .out = out, .accumulate = accumulate_weights};
    const size_t count = tasks(&p, out, OUTPUTS);
    sl_team_run(team, count, weight_rows, &p);
}

/* dx[n][in] = dy[n][out] W[out][in], some rows of it */
static void input_rows(void *ctx, size_t i, int worker)
{
    (void)worker;
    const product *const p = ctx;
    const size_t first = i * p->block, rows = size_of(p, first, p->n);
    sl_gemm(p->c + first * p->in, p->accumulate ? 1 : 0, p->a + first * p->out, SL_AS_IS, p->b, SL_AS_IS, rows, p->in,
            p->out);
}

void sl_linear_backward_input(float *dx, const float *dy, const float *weight, size_t n, size_t in, size_t out,
                              int accumulate, sl_team *team)
{
    product p = {.c = dx, .a = dy, .b = weight, .n = n, .in = in, .out = out, .accumulate = accumulate};
    const size_t count = tasks(&p, n, ROWS);
    sl_team_run(team, count, input_rows, &p);
}

/* ---- the layer ---- */

static double flops(const sl_layer *l)
{
    return 2.0 * (double)sl_shape_size(l->in[0]) * (double)sl_shape_size(l->out);
}

/* The layer's part of a flat vector. */
static const float *part(const float *flat, size_t offset)
{
    return offset == SL_NONE ? NULL : flat + offset;
}

static void forward(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    sl_linear_forward(p->y, p->x[0], p->state + l->weight, part(p->state, l->bias), p->count, sl_shape_size(l->in[0]),
                      l->out.channels, 0, p->team);
}

static void backward(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const size_t in = sl_shape_size(l->in[0]), out = l->out.channels;
    sl_linear_backward_weights(p->gradient + l->weight, l->bias == SL_NONE ? NULL : p->gradient + l->bias, p->dy,
                               p->x[0], p->count, in, out, 0, p->team);
    if (p->dx[0])
        sl_linear_backward_input(p->dx[0], p->dy, p->state + l->weight, p->count, in, out, p->accumulate[0], p->team);
}

/* R y = x V^T + c + (R x) W^T, with V and c the directions of W and b. */
static void forward_tangent(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const size_t in = sl_shape_size(l->in[0]), out = l->out.channels;
    sl_linear_forward(p->ry, p->x[0], p->v + l->weight, part(p->v, l->bias), p->count, in, out, 0, p->team);
    if (p->rx[0]) sl_linear_forward(p->ry, p->rx[0], p->state + l->weight, NULL, p->count, in, out, 1, p->team);
}

/* R dW = (R dy)^T x + dy^T R x, R db = sum R dy, R dx = (R dy) W + dy V. */
static void backward_tangent(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const size_t in = sl_shape_size(l->in[0]), out = l->out.channels;
    float *const d_weight = p->rgradient + l->weight, *const d_bias = l->bias == SL_NONE ? NULL : p->rgradient + l->bias;
    sl_linear_backward_weights(d_weight, d_bias, p->rdy, p->x[0], p->count, in, out, 0, p->team);
    if (p->rx[0]) sl_linear_backward_weights(d_weight, NULL, p->dy, p->rx[0], p->count, in, out, 1, p->team);
    if (!p->rdx[0]) return;
    sl_linear_backward_input(p->rdx[0], p->rdy, p->state + l->weight, p->count, in, out, p->accumulate[0], p->team);
    sl_linear_backward_input(p->rdx[0], p->dy, p->v + l->weight, p->count, in, out, 1, p->team);
}

const sl_layer_kind sl_layer_linear = {.name = "linear",
                                       .needs_input = true,
                                       .flops = flops,
                                       .forward = forward,
                                       .backward = backward,
                                       .forward_tangent = forward_tangent,
                                       .backward_tangent = backward_tangent};
