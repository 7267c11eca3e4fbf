#include "nets/data/idx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { TYPE_UBYTE = 0x08 };
static const size_t LARGEST = (size_t)1 << 31; /* elements: no known set comes near; a damaged header may exceed it */

/* Opens a regular file, plain or compressed (zlib passes plain bytes through). */
static sl_status open_file(gzFile *file, const char *path, sl_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return sl_fail(err, SL_E_FILE, "%s: %s", path, strerror(errno));
    struct stat s;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
        const char *reason = S_ISDIR(s.st_mode) ? strerror(EISDIR) : "not a regular file";
        close(fd);
        return sl_fail(err, SL_E_FILE, "%s: %s", path, reason);
    }
    *file = gzdopen(fd, "rb");
    if (!*file) {
        close(fd);
        return sl_fail(err, SL_E_MEMORY, "%s: no memory to read it", path);
    }
    gzbuffer(*file, 1 << 17);
    return SL_OK;
}

/* Exactly n bytes. what: which part of the file is being read. */
static sl_status read_bytes(gzFile file, uint8_t *bytes, size_t n, const char *path, const char *what, sl_err *err)
{
    size_t got = 0;
    while (got < n) {
        const size_t rest = n - got, chunk = rest < (1u << 30) ? rest : 1u << 30;
        const int k = gzread(file, bytes + got, (unsigned)chunk);
        if (k <= 0) break;
        got += (size_t)k;
    }
    int code = Z_OK;
    const char *reason = gzerror(file, &code);
    if (code == Z_ERRNO) return sl_fail(err, SL_E_FILE, "%s: %s", path, strerror(errno));
    if (code == Z_DATA_ERROR) return sl_fail(err, SL_E_FORMAT, "%s: damaged gzip data (%s)", path, reason);
    if (got < n || code == Z_BUF_ERROR)
        return sl_fail(err, SL_E_FORMAT, "%s: cut short in its %s: found %zu bytes of %zu", path, what, got, n);
    return SL_OK;
}

static size_t big_endian(const uint8_t b[4])
{
    return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

static sl_status read_header(gzFile file, sl_idx *a, const char *path, size_t rank, sl_err *err)
{
    uint8_t magic[4], sizes[4 * SL_IDX_RANK];
    SL_TRY(read_bytes(file, magic, 4, path, "magic number", err));
    const size_t found = big_endian(magic), expected = TYPE_UBYTE << 8 | rank;
    if (found != expected)
        return sl_fail(err, SL_E_FORMAT, "%s: magic number 0x%08zx, expected 0x%08zx (IDX, unsigned bytes, rank %zu)",
                       path, found, expected, rank);
    SL_TRY(read_bytes(file, sizes, 4 * rank, path, "header", err));
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
    SL_TRY(read_bytes(file, a->data, a->size, path, "data", err));
    /* Reading on to the end also makes zlib verify the checksum. */
    uint8_t extra;
    const int k = gzread(file, &extra, 1);
    if (k > 0)
        return sl_fail(err, SL_E_FORMAT, "%s: goes on after the %zu bytes that its header promises", path, a->size);
    return k < 0 || gzeof(file) == 0 ? read_bytes(file, &extra, 1, path, "checksum", err) : SL_OK;
}

sl_status sl_idx_read(sl_idx *a, const char *path, size_t rank, sl_err *err)
{
    gzFile file;
    SL_TRY(open_file(&file, path, err));
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
