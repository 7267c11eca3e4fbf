/* nets/views.h - the named parts of a model's state, running statistics too, in an HDF5 group; shared by weights and
 * checkpoints, private to them. */
#ifndef SL_NETS_VIEWS_H
#define SL_NETS_VIEWS_H

#include <hdf5.h>

#include "nets/model.h"

/* One float32 data set a view. Negative on failure. */
int sl_views_write(hid_t where, const sl_model *m, const float *state);
/* All of them with their shapes, and no others but PyTorch's num_batches_tracked; state may be partly overwritten on
 * failure. SL_E_FORMAT naming path and all that does not fit, cut with a count if that is too much. */
SL_CHECKED sl_status sl_views_read(float *state, hid_t where, const sl_model *m, const char *path, sl_err *err);

/* Seals an HDF5 image and writes it atomically. Frees image. */
SL_CHECKED sl_status sl_image_write(const char *path, char *image, size_t size, sl_err *err);

#endif
