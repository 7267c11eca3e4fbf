/* y = a + b: the end of a residual block. */
#include "base/kernel.h"
#include "nets/layers/samples.h"

typedef struct {
    float *y;
    const float *a, *b;
    size_t n;
} sum;

/* y may be a; b is another array, or a too. */
static SL_KERNEL void add(float *y, const float *a, const float *b, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

static void add_block(void *ctx, size_t i, int worker)
{
    (void)worker;
    const sum *const s = ctx;
    const size_t first = i * SL_LAYER_BLOCK;
    add(s->y + first, s->a + first, s->b + first, sl_layer_block_size(s->n, i));
}

static void add_all(const sl_pass *p, float *y, const float *a, const float *b)
{
    sum s = {.y = y, .a = a, .b = b, .n = sl_pass_out(p)};
    sl_team_run(p->team, sl_layer_blocks(s.n), add_block, &s);
}

static void forward(const sl_pass *p)
{
    add_all(p, p->y, p->x[0], p->x[1]);
}

static void backward(const sl_pass *p)
{
    for (size_t k = 0; k < 2; k++)
        if (p->dx[k]) sl_copy_or_add(p->team, p->dx[k], p->dy, sl_pass_out(p), p->accumulate[k]);
}

static void forward_tangent(const sl_pass *p)
{
    if (p->rx[0] && p->rx[1])
        add_all(p, p->ry, p->rx[0], p->rx[1]);
    else
        sl_copy_or_add(p->team, p->ry, p->rx[0] ? p->rx[0] : p->rx[1], sl_pass_out(p), false);
}

static void backward_tangent(const sl_pass *p)
{
    for (size_t k = 0; k < 2; k++)
        if (p->rdx[k]) sl_copy_or_add(p->team, p->rdx[k], p->rdy, sl_pass_out(p), p->accumulate[k]);
}

const sl_layer_kind sl_layer_add = {.name = "add",
                                    .in_place = true,
                                    .forward = forward,
                                    .backward = backward,
                                    .forward_tangent = forward_tangent,
                                    .backward_tangent = backward_tangent};
