/* nets/layer.h - what a kind of layer can do; nets/layers/ has one file a kind. Private to nets/.
 *
 * All arrays of activations and their gradients are [count][height][width][channels]; a layer that works in place gets
 * y = x[0] and dx[0] = dy. Work is shared with sl_team_run over tasks whose number and bounds depend on sizes alone,
 * never on the workers, and each of which writes what is its own: so results do not depend on the team. */
#ifndef SL_NETS_LAYER_H
#define SL_NETS_LAYER_H

#include "nets/graph.h"

/* What a layer works on. Of one pass or one direction of it, only what is named there is set. */
typedef struct {
    const sl_layer *layer;
    size_t index;           /* of the layer, for dropout's random numbers       */
    size_t count;           /* samples                                          */
    sl_mode mode;
    sl_team *team;          /* may be NULL                                      */
    float *scratch;         /* [kind->scratch]; contents are lost between calls */
    void *kept;             /* [kind->kept] bytes, from forward to the backward passes */
    const float *state;     /* the model's flat vector                          */
    float *running;         /* where to write running statistics: the same vector, or NULL: do not */

    const float *x[SL_LAYER_INPUTS]; /* inputs                                  */
    float *y;                        /* forward: output                         */

    /* backward: dy is the gradient of the output (a layer may destroy it) */
    float *dy;
    float *dx[SL_LAYER_INPUTS];        /* gradient of the inputs; NULL: not wanted                         */
    bool accumulate[SL_LAYER_INPUTS];  /* add to dx, another layer has written it; else overwrite           */
    float *gradient;                   /* [parameters]; the layer's own are overwritten                     */

    /* directional derivatives along v (R-operator): of outputs, of gradients */
    const float *v;                    /* [parameters]                                                      */
    const float *rx[SL_LAYER_INPUTS];  /* of the inputs; NULL: 0                                            */
    float *ry;                         /* forward_tangent: of the output                                    */
    float *rdy, *rdx[SL_LAYER_INPUTS]; /* backward_tangent: of dy and dx (NULL: not wanted; accumulate too) */
    float *rgradient;                  /* [parameters]: of the gradient; the layer's own are overwritten    */
} sl_pass;

struct sl_layer_kind {
    const char *name;       /* as in descriptions and messages                                              */
    bool in_place;          /* may write its output over its first input                                    */
    bool needs_output;      /* backward reads y (so nobody may overwrite it)                                 */
    bool needs_input;       /* backward reads x                                                              */
    /* For up to count samples and so many workers; NULL: none. */
    size_t (*scratch)(const sl_layer *l, size_t count, int workers, sl_purpose_of_workspace what); /* floats */
    size_t (*kept)(const sl_layer *l, size_t count);                                               /* bytes  */
    double (*flops)(const sl_layer *l); /* of one sample's forward pass; NULL: too few to count             */

    void (*forward)(const sl_pass *p);
    void (*backward)(const sl_pass *p);
    /* After forward: ry. */
    void (*forward_tangent)(const sl_pass *p);
    /* Before backward of the same layer, with dy and rdy: rdx and rgradient. In place, rdx[0] = rdy. */
    void (*backward_tangent)(const sl_pass *p);
};

extern const sl_layer_kind sl_layer_pictures; /* layer 0: does nothing */
extern const sl_layer_kind sl_layer_conv, sl_layer_linear, sl_layer_batch_norm, sl_layer_relu, sl_layer_max_pool,
    sl_layer_avg_pool, sl_layer_global_avg, sl_layer_adaptive_avg, sl_layer_flatten, sl_layer_dropout, sl_layer_add,
    sl_layer_concat, sl_layer_shortcut;

/* The sizes of a pass, in floats: all samples of an input or of the output. */
static inline size_t sl_pass_in(const sl_pass *p, size_t k)
{
    return p->count * sl_shape_size(p->layer->in[k]);
}

static inline size_t sl_pass_out(const sl_pass *p)
{
    return p->count * sl_shape_size(p->layer->out);
}

/* Cuts n numbers into blocks for sl_team_run: block i is first .. first + size. Blocks are SL_LAYER_BLOCK long but the
 * last. */
enum { SL_LAYER_BLOCK = 1 << 15 };
static inline size_t sl_layer_blocks(size_t n)
{
    return (n + SL_LAYER_BLOCK - 1) / SL_LAYER_BLOCK;
}
static inline size_t sl_layer_block_size(size_t n, size_t i)
{
    const size_t first = i * SL_LAYER_BLOCK;
    return n - first < SL_LAYER_BLOCK ? n - first : SL_LAYER_BLOCK;
}

#endif
