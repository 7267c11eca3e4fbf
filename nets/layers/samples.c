#include "nets/layers/samples.h"

#include <string.h>

#include "base/kernel.h"

typedef struct {
    float *to;
    const float *from;
    size_t n;
    bool accumulate;
} move;

static SL_KERNEL void add(float *restrict to, const float *restrict from, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) to[i] += from[i];
}

static void move_block(void *ctx, size_t i, int worker)
{
    (void)worker;
    const move *const m = ctx;
    const size_t first = i * SL_LAYER_BLOCK, n = sl_layer_block_size(m->n, i);
    if (m->accumulate)
        add(m->to + first, m->from + first, n);
    else if (m->from)
        memcpy(m->to + first, m->from + first, n * sizeof *m->to);
    else
        memset(m->to + first, 0, n * sizeof *m->to);
}

void sl_copy_or_add(sl_team *team, float *to, const float *from, size_t n, bool accumulate)
{
    if (accumulate ? !from : to == from) return;
    move m = {.to = to, .from = from, .n = n, .accumulate = accumulate};
    sl_team_run(team, sl_layer_blocks(n), move_block, &m);
}

typedef struct {
    const sl_pass *p;
    sl_sample_map map;
    float *to;
    const float *from;
    bool accumulate;
    size_t group; /* samples a task */
} samples;

static void map_group(void *ctx, size_t i, int worker)
{
    (void)worker;
    const samples *const s = ctx;
    const size_t end = (i + 1) * s->group < s->p->count ? (i + 1) * s->group : s->p->count;
    for (size_t k = i * s->group; k < end; k++) s->map(s->p, k, s->to, s->from, s->accumulate);
}

void sl_each_sample(const sl_pass *p, sl_sample_map map, float *to, const float *from, bool accumulate)
{
    if (!to) return;
    const size_t in = sl_shape_size(p->layer->in[0]), out = sl_shape_size(p->layer->out), size = in > out ? in : out;
    samples s = {.p = p, .map = map, .to = to, .from = from, .accumulate = accumulate,
                 .group = size < SL_LAYER_BLOCK ? SL_LAYER_BLOCK / size : 1};
    sl_team_run(p->team, (p->count + s.group - 1) / s.group, map_group, &s);
}

void sl_each_sample_tangent(const sl_pass *p, sl_sample_map map)
{
    if (p->rx[0])
        sl_each_sample(p, map, p->ry, p->rx[0], false);
    else
        sl_copy_or_add(p->team, p->ry, NULL, sl_pass_out(p), false);
}
