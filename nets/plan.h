/* nets/plan.h - where everything of a pass lies in one block of memory, decided once. Private to nets/.
 *
 * Layers that work in place share an array with the layer before them: a tensor is what such a chain shares. Two
 * arrays overlap in memory only if they are never needed at the same time. Time counts layers: forward of layer i at
 * i, backward of layer i at 2 n_layers - i. */
#ifndef SL_NETS_PLAN_H
#define SL_NETS_PLAN_H

#include "nets/graph.h"

typedef struct {
    /* Offsets in floats into the block; SL_NONE: there is none. All [n_layers]. Layers that share a tensor have equal
     * offsets; layer 0 has the pictures. */
    size_t *output, *gradient, *tangent, *gradient_tangent, *kept;
    bool *wanted;      /* does anything before it, or itself, have parameters? Else its gradient is of no use */
    size_t input, probabilities, scratch;
    size_t total;      /* floats */
    size_t *numbers;   /* the array that those above are parts of */
} sl_memory_plan;

SL_CHECKED sl_status sl_memory_plan_alloc(sl_memory_plan *p, const sl_model *m, size_t max_batch,
                                          sl_purpose_of_workspace what, int workers, sl_err *err);
void sl_memory_plan_clear(sl_memory_plan *p);

#endif
