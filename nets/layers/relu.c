/* y = max(x, 0), NaN kept, so that a diverged network shows it. The derivative at 0 is 0, as in PyTorch. */
#include "base/kernel.h"
#include "nets/layer.h"

/* Not in a *_kernel.c file: relaxed floating point may turn NaN into 0 here. These loops vectorise without it. */

static SL_KERNEL void clip(float *y, const float *x, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = x[i] < 0 ? 0 : x[i];
}

/* to = from where the output y is positive, else 0; added to what is there, or not. */
static SL_KERNEL void mask(float *to, const float *from, const float *y, size_t n, bool accumulate)
{
    if (accumulate) {
#pragma omp simd
        for (size_t i = 0; i < n; i++) to[i] += y[i] <= 0 ? 0 : from[i];
    } else {
#pragma omp simd
        for (size_t i = 0; i < n; i++) to[i] = y[i] <= 0 ? 0 : from[i];
    }
}

static void clip_block(void *ctx, size_t i, int worker)
{
    (void)worker;
    const sl_pass *const p = ctx;
    const size_t first = i * SL_LAYER_BLOCK;
    clip(p->y + first, p->x[0] + first, sl_layer_block_size(sl_pass_out(p), i));
}

static void forward(const sl_pass *p)
{
    sl_team_run(p->team, sl_layer_blocks(sl_pass_out(p)), clip_block, (void *)p);
}

typedef struct {
    float *to;
    const float *from, *y;
    size_t n;
    bool accumulate;
} masked;

static void mask_block(void *ctx, size_t i, int worker)
{
    (void)worker;
    const masked *const m = ctx;
    const size_t first = i * SL_LAYER_BLOCK;
    mask(m->to + first, m->from + first, m->y + first, sl_layer_block_size(m->n, i), m->accumulate);
}

static void mask_all(const sl_pass *p, float *to, const float *from, bool accumulate)
{
    masked m = {.to = to, .from = from, .y = p->y, .n = sl_pass_out(p), .accumulate = accumulate};
    sl_team_run(p->team, sl_layer_blocks(m.n), mask_block, &m);
}

static void backward(const sl_pass *p)
{
    if (p->dx[0]) mask_all(p, p->dx[0], p->dy, p->accumulate[0]);
}

static void forward_tangent(const sl_pass *p)
{
    if (p->rx[0])
        mask_all(p, p->ry, p->rx[0], false);
    else
        for (size_t i = 0; i < sl_pass_out(p); i++) p->ry[i] = 0;
}

static void backward_tangent(const sl_pass *p)
{
    if (p->rdx[0]) mask_all(p, p->rdx[0], p->rdy, p->accumulate[0]);
}

const sl_layer_kind sl_layer_relu = {.name = "relu",
                                     .in_place = true,
                                     .needs_output = true,
                                     .forward = forward,
                                     .backward = backward,
                                     .forward_tangent = forward_tangent,
                                     .backward_tangent = backward_tangent};
