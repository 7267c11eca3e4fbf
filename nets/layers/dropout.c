/* Inverted dropout (Srivastava et al. 2014): each number is 0 with probability p, else divided by 1 - p; nothing is
 * done outside training. The mask is a function of (seed, step, layer, position in the batch). */
#include <math.h>

#include "base/kernel.h"
#include "base/random.h"
#include "nets/layers/samples.h"

enum { WORDS = 1024 }; /* drawn at a time */

static size_t kept(const sl_layer *l, size_t count)
{
    return count * sl_shape_size(l->out); /* a byte each: 1 stays, 0 does not */
}

typedef struct {
    const sl_pass *p;
    float *to;
    const float *from;
    bool accumulate, draw;
} dropping;

static SL_KERNEL void choose(uint8_t *restrict mask, const uint32_t *restrict word, size_t n, uint32_t below)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) mask[i] = word[i] >= below;
}

/* A product, so that a NaN stays one. to may be from. */
static SL_KERNEL void apply(float *to, const float *from, const uint8_t *mask, size_t n, float scale, bool accumulate)
{
    if (accumulate) {
#pragma omp simd
        for (size_t i = 0; i < n; i++) to[i] += from[i] * (mask[i] ? scale : 0);
    } else {
#pragma omp simd
        for (size_t i = 0; i < n; i++) to[i] = from[i] * (mask[i] ? scale : 0);
    }
}

/* mask[i] of position first + i: does a uniform (word + 1/2) 2^-32 reach p? */
static void draw_mask(const sl_pass *p, uint8_t *mask, size_t first, size_t n)
{
    const sl_draw draw = {p->mode.seed, p->mode.step, (uint32_t)p->index, SL_PURPOSE_DROPOUT};
    const double least = ceil(ldexp(p->layer->p, 32) - 0.5);
    const uint32_t below = least > UINT32_MAX ? UINT32_MAX : (uint32_t)fmax(least, 0);
    uint32_t word[WORDS];
    for (size_t i = 0; i < n; i += WORDS) {
        const size_t some = n - i < WORDS ? n - i : WORDS;
        sl_random_words(word, some, first + i, &draw);
        choose(mask + i, word, some, below);
    }
}

static void drop_block(void *ctx, size_t i, int worker)
{
    (void)worker;
    const dropping *const d = ctx;
    const size_t first = i * SL_LAYER_BLOCK, n = sl_layer_block_size(sl_pass_out(d->p), i);
    uint8_t *const mask = (uint8_t *)d->p->kept + first;
    if (d->draw) draw_mask(d->p, mask, first, n);
    apply(d->to + first, d->from + first, mask, n, (float)(1 / (1 - d->p->layer->p)), d->accumulate);
}

static void drop(const sl_pass *p, float *to, const float *from, bool accumulate, bool draw)
{
    if (!p->mode.train) {
        sl_copy_or_add(p->team, to, from, sl_pass_out(p), accumulate);
        return;
    }
    dropping d = {.p = p, .to = to, .from = from, .accumulate = accumulate, .draw = draw};
    sl_team_run(p->team, sl_layer_blocks(sl_pass_out(p)), drop_block, &d);
}

static void forward(const sl_pass *p)
{
    drop(p, p->y, p->x[0], false, true);
}

static void backward(const sl_pass *p)
{
    if (p->dx[0]) drop(p, p->dx[0], p->dy, p->accumulate[0], false);
}

static void forward_tangent(const sl_pass *p)
{
    if (p->rx[0])
        drop(p, p->ry, p->rx[0], false, false);
    else
        sl_copy_or_add(p->team, p->ry, NULL, sl_pass_out(p), false);
}

static void backward_tangent(const sl_pass *p)
{
    if (p->rdx[0]) drop(p, p->rdx[0], p->rdy, p->accumulate[0], false);
}

const sl_layer_kind sl_layer_dropout = {.name = "dropout",
                                        .in_place = true,
                                        .kept = kept,
                                        .forward = forward,
                                        .backward = backward,
                                        .forward_tangent = forward_tangent,
                                        .backward_tangent = backward_tangent};
