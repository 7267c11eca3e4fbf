/* nets/data/pixel_cache.h - decoded pictures kept in one file that is mapped, not read.
 *
 * Layout, in the machine's byte order: a header (below); labels of both parts; from a multiple of SL_CACHE_ALIGN on the
 * training pixels, from another one on the test pixels; the seal of nets/seal.h over all of it. */
#ifndef SL_NETS_DATA_PIXEL_CACHE_H
#define SL_NETS_DATA_PIXEL_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "nets/dataset.h"

enum { SL_CACHE_VERSION = 1, SL_CACHE_ALIGN = 1 << 16 /* of pages, on any machine */ };

/* Everything that tells one cache from another; made for what is wanted, and compared byte for byte. */
typedef struct {
    char magic[8];        /* "sgdlabP\0"                            */
    uint32_t version;
    uint32_t byte_order;  /* 0x01020304                             */
    uint64_t fingerprint; /* of the files that the pixels were decoded from */
    uint64_t n[2];        /* samples: train, test                   */
    uint64_t features;    /* bytes of a sample                      */
} sl_cache_header;

typedef struct {
    size_t labels[2], pixels[2]; /* where they begin */
    size_t seal, size;           /* where the seal begins; of the file */
} sl_cache_layout;

sl_cache_header sl_cache_header_for(uint64_t fingerprint, size_t n_train, size_t n_test, size_t features);
sl_cache_layout sl_cache_layout_for(const sl_cache_header *h);

/* Gives a mapping of layout.size bytes (of a file, or of memory) to the parts, whose shapes are set already: pixels
 * stay where they are, labels are copied, the rest is unmapped. Errors: SL_E_MEMORY, with everything as before. */
SL_CHECKED sl_status sl_cache_hand_out(sl_dataset part[2], uint8_t *mapping, const sl_cache_header *h, sl_err *err);

/* Maps a cache file, read-only, and hands it out. Errors, with the parts as before: SL_E_FILE (absent, unreadable);
 * SL_E_FORMAT (of other files or another version, damaged); SL_E_MEMORY. */
SL_CHECKED sl_status sl_cache_map(sl_dataset part[2], const char *path, const sl_cache_header *wanted, sl_err *err);

#endif
