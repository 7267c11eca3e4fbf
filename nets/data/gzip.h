/* nets/data/gzip.h - files that come plain or compressed by gzip, read alike. */
#ifndef SL_NETS_DATA_GZIP_H
#define SL_NETS_DATA_GZIP_H

#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "base/status.h"

/* Opens a regular file; gzclose it. Errors, naming the file: SL_E_FILE, SL_E_MEMORY. */
SL_CHECKED sl_status sl_gzip_open(gzFile *file, const char *path, sl_err *err);

/* Exactly n bytes; what: which part of the file they are, for the message. Errors, naming the file: SL_E_FILE;
 * SL_E_FORMAT (cut short, damaged compression). */
SL_CHECKED sl_status sl_gzip_read(gzFile file, uint8_t *bytes, size_t n, const char *path, const char *what,
                                  sl_err *err);

/* All bytes to the end, at most limit, to be freed. Errors as above; SL_E_FORMAT above the limit. */
SL_CHECKED sl_status sl_gzip_read_all(uint8_t **bytes, size_t *n, const char *path, size_t limit, sl_err *err);

/* Where a file stands: folder/name or folder/name.gz, into path. Returns 0; ENOENT if neither is there; another errno,
 * with the path, where one cannot be looked at. */
int sl_gzip_find(char *path, size_t size, const char *folder, const char *name);

#endif
