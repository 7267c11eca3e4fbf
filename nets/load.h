/* nets/load.h - weights from whatever file of ours holds them. */
#ifndef SL_NETS_LOAD_H
#define SL_NETS_LOAD_H

#include "nets/model.h"

/* state: [sl_model_state], from a weights file (nets/weights.h) or the weights of a training's checkpoint
 * (nets/checkpoint.h), of whatever configuration. velocity: [parameters], that of a checkpoint, 0 of a weights file;
 * NULL: not wanted. *is_checkpoint: which it was. Outputs are untouched on failure, but for velocity.
 * Errors: those of the two readers. */
SL_CHECKED sl_status sl_load_weights(float *state, float *velocity, bool *is_checkpoint, const char *path,
                                     const sl_model *m, sl_err *err);

#endif
