#include "nets/data/idx.h"

#include <stdlib.h>

#include "nets/data/gzip.h"

enum { TYPE_UBYTE = 0x08 };
static const size_t LARGEST = (size_t)1 << 31; /* elements: no known set comes near; a damaged header may exceed it */

static size_t big_endian(const uint8_t b[4])
{
    return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

static sl_status read_header(gzFile file, sl_idx *a, const char *path, size_t rank, sl_err *err)
{
    uint8_t magic[4], sizes[4 * SL_IDX_RANK];
    SL_TRY(sl_gzip_read(file, magic, 4, path, "magic number", err));
    const size_t found = big_endian(magic), expected = TYPE_UBYTE << 8 | rank;
    if (found != expected)
        return sl_fail(err, SL_E_FORMAT, "%s: magic number 0x%08zx, expected 0x%08zx (IDX, unsigned bytes, rank %zu)",
                       path, found, expected, rank);
    SL_TRY(sl_gzip_read(file, sizes, 4 * rank, path, "header", err));
    a->rank = rank;
    a->size = 1;
    for (size_t i = 0; i < rank; i++) {
        a->shape[i] = big_endian(sizes + 4 * i);
        if (a->shape[i] == 0) return sl_fail(err, SL_E_FORMAT, "%s: size %zu of %zu is 0", path, i + 1, rank);
        if (a->shape[i] > LARGEST / a->size)
            return sl_fail(err, SL_E_FORMAT, "%s: its header promises more than %zu bytes", path, LARGEST);
        a->size *= a->shape[i];
    }
    return SL_OK;
}

static sl_status read_array(gzFile file, sl_idx *a, const char *path, size_t rank, sl_err *err)
{
    SL_TRY(read_header(file, a, path, rank, err));
    a->data = malloc(a->size);
    if (!a->data) return sl_fail(err, SL_E_MEMORY, "%s: no memory for %zu bytes", path, a->size);
    SL_TRY(sl_gzip_read(file, a->data, a->size, path, "data", err));
    /* Reading on to the end also makes zlib verify the checksum. */
    uint8_t extra;
    const int k = gzread(file, &extra, 1);
    if (k > 0)
        return sl_fail(err, SL_E_FORMAT, "%s: goes on after the %zu bytes that its header promises", path, a->size);
    return k < 0 || gzeof(file) == 0 ? sl_gzip_read(file, &extra, 1, path, "checksum", err) : SL_OK;
}

sl_status sl_idx_read(sl_idx *a, const char *path, size_t rank, sl_err *err)
{
    gzFile file;
    SL_TRY(sl_gzip_open(&file, path, err));
    sl_idx result = {0};
    const sl_status st = read_array(file, &result, path, rank, err);
    gzclose(file);
    if (st == SL_OK)
        *a = result;
    else
        free(result.data);
    return st;
}

void sl_idx_clear(sl_idx *a)
{
    free(a->data);
    *a = (sl_idx){0};
}
