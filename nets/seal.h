/* nets/seal.h - a checksum at the end of a file, so that damage is told from data.
 *
 * After the file's own bytes come 24 more: the text "sgdlab\n\0", the number of the bytes before them and their
 * checksum, both 64 bits, little-endian. HDF5 does not mind bytes after the end that it knows of. */
#ifndef SL_NETS_SEAL_H
#define SL_NETS_SEAL_H

#include <stddef.h>
#include <stdint.h>

/* 64 bits over n bytes, going on from seed (0 to start with). Any change within one aligned word of 8 bytes changes
 * it; not made against malice. */
uint64_t sl_checksum(const void *bytes, size_t n, uint64_t seed);

enum { SL_SEAL_SIZE = 24 };

typedef enum { SL_SEAL_GOOD, SL_SEAL_ABSENT, SL_SEAL_BROKEN } sl_seal_state;

/* Writes the seal of bytes[n] to bytes[n .. n + SL_SEAL_SIZE). */
void sl_seal(char *bytes, size_t n);
/* Of a whole file of size bytes. Good: the first size - SL_SEAL_SIZE of them are what was sealed. */
sl_seal_state sl_seal_check(const char *bytes, size_t size);

#endif
