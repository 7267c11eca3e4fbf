/* nets/data/kinds.h - the data sets that there are, one file each in nets/data/. For nets/dataset.c. */
#ifndef SL_NETS_DATA_KINDS_H
#define SL_NETS_DATA_KINDS_H

#include "nets/dataset.h"

extern const sl_dataset_kind sl_dataset_digits; /* built in                             */
extern const sl_dataset_kind sl_dataset_mnist;  /* IDX files: MNIST and its look-alikes */

/* Allocates pixels and labels for n samples of that shape; the rest of *d is zeroed. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_dataset_alloc(sl_dataset *d, size_t n, size_t channels, size_t height, size_t width,
                                      size_t classes, sl_err *err);

#endif
