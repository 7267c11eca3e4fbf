/* nets/effective_rate.h - effective learning rates of the normalised layers of a network, along a training.
 *
 * A convolution or linear layer whose output goes into batch norms only is scale-invariant: in a training pass the loss
 * does not feel the length of its weights w (but for the norm's eps), so their gradient is orthogonal to them. Of each
 * such layer: |w|^2, the effective rate l/|w|^2, and the relative update |w' - w|/|w| of a step, which for plain SGD
 * without weight decay is l |g|/|w|. What theory says of them: theory/effective_rate.h. */
#ifndef SL_NETS_EFFECTIVE_RATE_H
#define SL_NETS_EFFECTIVE_RATE_H

#include "base/table.h"
#include "nets/train.h"

/* Weights of a scale-invariant layer, in the flat state. */
typedef struct {
    const char *name; /* of the model's view, "layer1.0.conv1.weight": lives as long as the model */
    size_t offset, size;
} sl_invariant;

/* In the order of the layers' work. *list is to be freed by the caller. Errors: SL_E_CONFIG if the model has none;
 * SL_E_MEMORY. */
SL_CHECKED sl_status sl_invariant_list(sl_invariant **list, size_t *n, const sl_model *m, sl_err *err);

/* |w|^2, in a state [sl_model_state]: of a trainer, or read from a weights file or a checkpoint. */
double sl_invariant_norm2(const sl_invariant *layer, const float *state);

typedef struct {
    sl_train_config train;
    uint64_t every;     /* steps from row to row, >= window                                      */
    uint64_t window;    /* steps that a row's updates are averaged over, >= 2                    */
    const float *state; /* [sl_model_state] where it starts; NULL: the trainer's initial weights */
} sl_effective_config;

/* Trains from step 0 to the configuration's end. Rows from step 0 on, every `every` steps, while a window fits:
 *   step, lr, spread, spread_se, then for each layer k = 0, 1, ...: norm2_k, rate_k, update_k, update_k_se.
 * norm2 and rate are those at the step; update: root of the mean square over the window, with its error from 8 (or
 * fewer) batch means. spread: largest / smallest update over the layers (the error is that of these two). Header lines
 * layer_k name them. Errors: SL_E_DOMAIN (window, every, fewer steps than a window); those of sl_trainer_alloc and
 * sl_invariant_list; SL_DIVERGED, SL_INTERRUPTED without a table. */
SL_CHECKED sl_status sl_effective_measure(sl_table **t, const sl_effective_config *config, sl_err *err);

#endif
