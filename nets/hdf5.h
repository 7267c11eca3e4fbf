/* nets/hdf5.h - the little of HDF5 that weights and checkpoints need: arrays of numbers and texts in a file image.
 *
 * Files are made and read as images in memory (HDF5's core driver), so that the file itself is written atomically and
 * checked before HDF5 sees it. No time stamps: equal contents are equal bytes. The library of Debian is not
 * thread-safe: one lock guards it, held from open to close, so one thread has at most one file open. */
#ifndef SL_NETS_HDF5_H
#define SL_NETS_HDF5_H

#include <hdf5.h>

#include "base/status.h"

/* Takes the lock. Returns a negative id, the lock released, if HDF5 cannot. create: an empty image. open: read-only,
 * of the image's size bytes; the image is freed and *image NULL in any case, so that never more than two of it are in
 * memory (HDF5 copies it twice). */
hid_t sl_h5_create(void);
hid_t sl_h5_open(char **image, size_t size);
/* Out: *image (to be freed) and *size: the whole file; image NULL: not wanted. Closes and releases the lock in any
 * case. Negative on failure. */
int sl_h5_close(hid_t file, char **image, size_t *size);

/* All return a negative value on failure. where: the file or a group. */
hid_t sl_h5_group_create(hid_t where, const char *name);
int sl_h5_write(hid_t where, const char *name, hid_t type, size_t rank, const size_t *shape, const void *data);
/* A scalar attribute of a fixed type. */
int sl_h5_attribute_write(hid_t where, const char *name, hid_t type, const void *value);
int sl_h5_attribute_read(hid_t where, const char *name, hid_t type, void *value);

/* What is found under that name. shape has room for H5S_MAX_RANK sizes. */
typedef struct {
    int is_number; /* an array of integers or floating-point numbers */
    size_t rank, shape[H5S_MAX_RANK];
} sl_h5_array;
int sl_h5_inspect(sl_h5_array *a, hid_t where, const char *name);
int sl_h5_read(hid_t where, const char *name, hid_t type, void *data);

/* "[100, 784]" */
void sl_h5_print_shape(char *text, size_t size, size_t rank, const size_t *shape);

#endif
