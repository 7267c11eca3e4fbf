/* nets/data/kinds.h - the data sets that there are, one file each in nets/data/. For nets/dataset.c. */
#ifndef SL_NETS_DATA_KINDS_H
#define SL_NETS_DATA_KINDS_H

#include "nets/dataset.h"

extern const sl_dataset_kind sl_dataset_digits;                       /* built in                             */
extern const sl_dataset_kind sl_dataset_mnist;                        /* IDX files: MNIST and its look-alikes */
extern const sl_dataset_kind sl_dataset_cifar10, sl_dataset_cifar100; /* binary versions */
extern const sl_dataset_kind sl_dataset_tiny_imagenet;                /* a folder of JPEGs             */

/* Allocates pixels and labels for n samples of that shape; the rest of *d is zeroed. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_dataset_alloc(sl_dataset *d, size_t n, size_t channels, size_t height, size_t width,
                                      size_t classes, sl_err *err);

/* train= and test=, for sets that come from files: how many of the first samples are taken, 0 all. */
extern const sl_param sl_dataset_part_params[2];
/* Shrinks both parts to what spec asks. Errors: SL_E_DOMAIN, more samples asked for than there are. */
SL_CHECKED sl_status sl_dataset_take(sl_dataset *train, sl_dataset *test, const sl_spec *spec, sl_err *err);

/* Adds to what d->note says. */
void sl_dataset_note(sl_dataset *d, const char *format, ...) SL_PRINTF(2, 3);

#endif
