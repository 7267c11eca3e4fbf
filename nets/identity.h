/* nets/identity.h - the name of a training: everything that its trajectory depends on. Private to nets/. */
#ifndef SL_NETS_IDENTITY_H
#define SL_NETS_IDENTITY_H

#include "nets/train.h"

/* Words "name=value", separated by blanks, to be freed by the caller. Model, data and initial state (sl_model_state
 * numbers) are given by their checksums, so that they may lie elsewhere when the training goes on. SL_E_MEMORY. */
SL_CHECKED sl_status sl_train_identity(char **words, const sl_train_config *c, const sl_schedule *schedule,
                                       const float *initial, sl_err *err);

#endif
