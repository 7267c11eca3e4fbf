/* nets/weights.h - parameters in HDF5, named and shaped as in a PyTorch state_dict.
 *
 * Weights file: one float32 data set a parameter at the root ("0.weight" [100][784]). Readable with h5py.
 * No time stamps are stored: equal weights are equal bytes. */
#ifndef SL_NETS_WEIGHTS_H
#define SL_NETS_WEIGHTS_H

#include "nets/model.h"

/* Atomic. Errors: SL_E_WRITE. */
SL_CHECKED sl_status sl_weights_write(const char *path, const sl_model *m, const float *params, sl_err *err);
/* Every parameter of the model must be there with its shape; further data sets are an error too.
 * Errors: SL_E_FILE; SL_E_FORMAT naming file, data set, shape found and expected. params untouched on failure. */
SL_CHECKED sl_status sl_weights_read(float *params, const char *path, const sl_model *m, sl_err *err);

#endif
