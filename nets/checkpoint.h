/* nets/checkpoint.h - everything that an unfinished training needs to go on as if never interrupted.
 *
 * HDF5: /weights/<name>, /velocity/<name> (float32), /history [epochs][6] (double), attributes magic, version, step,
 * and config (text: whatever would change the trajectory; a checkpoint of another configuration is refused).
 * No learning rate is stored: it follows from the step. A running checksum guards against damage. */
#ifndef SL_NETS_CHECKPOINT_H
#define SL_NETS_CHECKPOINT_H

#include "nets/train.h"

typedef struct {
    uint64_t step;
    float *params, *velocity;  /* [parameters], caller's */
    sl_epoch *epochs;          /* allocated by read, freed by the caller */
    size_t n_epochs;
    const char *config;
} sl_checkpoint;

SL_CHECKED sl_status sl_checkpoint_write(const char *path, const sl_model *m, const sl_checkpoint *c, sl_err *err);
/* Errors: SL_E_FILE if absent; SL_E_FORMAT if damaged; SL_E_CONFIG if of another configuration (c->config given). */
SL_CHECKED sl_status sl_checkpoint_read(sl_checkpoint *c, const char *path, const sl_model *m, sl_err *err);

#endif
