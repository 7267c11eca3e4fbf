/* nets/checkpoint.h - everything that an unfinished training needs to go on as if never interrupted.
 *
 * HDF5: /weights/<name> (float32: parameters and running statistics), /velocity [parameters] (float32, the flat
 * vector), /history [epochs][6] (double: the members of sl_epoch in their order), /config (text, as bytes: whatever would
 * change the trajectory; a checkpoint of another configuration is refused), attributes magic, version, step, loss_sum,
 * right_sum, image_sum. No learning rate is stored: it follows from the step, or from the state of a regime:
 * /regime_numbers (double) and /regime_vectors (float32), flat, where the training has one. A checksum at the file's end
 * (nets/seal.h) guards against damage. */
#ifndef SL_NETS_CHECKPOINT_H
#define SL_NETS_CHECKPOINT_H

#include "nets/train.h"

typedef struct {
    uint64_t step;
    double loss_sum, right_sum, image_sum; /* over the steps of the epoch under way; 0 at its start */
    float *state;              /* [sl_model_state], caller's      */
    float *velocity;           /* [sl_model_parameters], caller's */
    sl_epoch *epochs;          /* allocated by read, freed by the caller */
    size_t n_epochs;
    double *regime_numbers;    /* caller's; NULL: no regime       */
    float *regime_vectors;     /* caller's; of length 0 for some  */
    size_t n_regime_numbers, n_regime_vectors;
    const char *config;
} sl_checkpoint;

/* Atomic. Errors: SL_E_WRITE, SL_E_MEMORY. */
SL_CHECKED sl_status sl_checkpoint_write(const char *path, const sl_model *m, const sl_checkpoint *c, sl_err *err);
/* In: c->state, c->velocity, the regime's arrays with their lengths, c->config (NULL: any configuration will do). *c and
 * its arrays are untouched on failure.
 * Errors: SL_E_FILE if absent; SL_E_FORMAT if damaged; SL_E_CONFIG if of another configuration (which word differs). */
SL_CHECKED sl_status sl_checkpoint_read(sl_checkpoint *c, const char *path, const sl_model *m, sl_err *err);

#endif
