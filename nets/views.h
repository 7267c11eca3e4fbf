/* nets/views.h - the parameters of a model in an HDF5 group, shared by weights and checkpoints; private to them. */
#ifndef SL_NETS_VIEWS_H
#define SL_NETS_VIEWS_H

#include <hdf5.h>

#include "nets/model.h"

/* One float32 data set a parameter. Negative on failure. */
int sl_views_write(hid_t where, const sl_model *m, const float *params);
/* All parameters with their shapes; params may be partly overwritten on failure. SL_E_FORMAT naming path. */
SL_CHECKED sl_status sl_views_read(float *params, hid_t where, const sl_model *m, const char *path, sl_err *err);

/* Seals an HDF5 image and writes it atomically. Frees image. */
SL_CHECKED sl_status sl_image_write(const char *path, char *image, size_t size, sl_err *err);

#endif
