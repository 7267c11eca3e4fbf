/* nets/weights.h - a network's state in HDF5, named and shaped as in a PyTorch state_dict.
 *
 * Weights file: one float32 data set a parameter and a running statistic at the root ("0.weight" [100][784],
 * "bn1.running_mean" [16]). Readable with h5py; scripts/weights-convert makes them of PyTorch's files.
 * No time stamps are stored: equal weights are equal bytes. */
#ifndef SL_NETS_WEIGHTS_H
#define SL_NETS_WEIGHTS_H

#include "nets/model.h"

/* state: [sl_model_state]. Atomic. Errors: SL_E_WRITE. */
SL_CHECKED sl_status sl_weights_write(const char *path, const sl_model *m, const float *state, sl_err *err);
/* Everything of the model must be there with its shape; further data sets are an error too, but for those named
 * *.num_batches_tracked. Errors: SL_E_FILE; SL_E_FORMAT naming the file and every data set that does not fit, with the
 * shapes found and expected (the first ones, and how many more, where they are many), or the one with a number that is
 * not finite. state untouched on failure. */
SL_CHECKED sl_status sl_weights_read(float *state, const char *path, const sl_model *m, sl_err *err);

#endif
