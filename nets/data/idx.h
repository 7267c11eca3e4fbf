/* nets/data/idx.h - the IDX format of MNIST: arrays of unsigned bytes, plain or gzip-compressed.
 *
 * Layout, big-endian: two zero bytes; element type (0x08: unsigned byte); rank; rank sizes of 32 bits; the elements,
 * last index fastest; nothing after them. */
#ifndef SL_NETS_DATA_IDX_H
#define SL_NETS_DATA_IDX_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { SL_IDX_RANK = 4 };

typedef struct {
    size_t rank, shape[SL_IDX_RANK];
    size_t size;   /* product of the shape */
    uint8_t *data; /* [size]               */
} sl_idx;

/* Reads a file of unsigned bytes of that rank (1 .. SL_IDX_RANK). *a is untouched on failure. Errors, each naming the
 * file: SL_E_FILE (absent, not permitted, not a file, unreadable); SL_E_FORMAT (what was found and expected: magic
 * number, empty array, too large, cut short, bytes after the end, damaged compression); SL_E_MEMORY. */
SL_CHECKED sl_status sl_idx_read(sl_idx *a, const char *path, size_t rank, sl_err *err);
void sl_idx_clear(sl_idx *a);

#endif
