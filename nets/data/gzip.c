#include "nets/data/gzip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

sl_status sl_gzip_open(gzFile *file, const char *path, sl_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return sl_fail(err, SL_E_FILE, "%s: %s", path, strerror(errno));
    struct stat s;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
        const char *reason = S_ISDIR(s.st_mode) ? strerror(EISDIR) : "not a regular file";
        close(fd);
        return sl_fail(err, SL_E_FILE, "%s: %s", path, reason);
    }
    *file = gzdopen(fd, "rb"); /* zlib passes plain bytes through */
    if (!*file) {
        close(fd);
        return sl_fail(err, SL_E_MEMORY, "%s: no memory to read it", path);
    }
    gzbuffer(*file, 1 << 17);
    return SL_OK;
}

/* What zlib says of a file, without the name "<fd:3>" that it knows it by. */
static const char *reason_of(gzFile file, int *code)
{
    const char *const text = gzerror(file, code), *const name_end = strstr(text, ">: ");
    return name_end ? name_end + 3 : text;
}

/* Up to n bytes; fewer at the end of the file or of what can be read of it. */
static size_t read_some(gzFile file, uint8_t *bytes, size_t n)
{
    size_t got = 0;
    while (got < n) {
        const size_t rest = n - got, chunk = rest < (1u << 30) ? rest : 1u << 30;
        const int k = gzread(file, bytes + got, (unsigned)chunk);
        if (k <= 0) break;
        got += (size_t)k;
    }
    return got;
}

sl_status sl_gzip_read(gzFile file, uint8_t *bytes, size_t n, const char *path, const char *what, sl_err *err)
{
    const size_t got = read_some(file, bytes, n);
    int code = Z_OK;
    const char *const reason = reason_of(file, &code);
    if (code == Z_ERRNO) return sl_fail(err, SL_E_FILE, "%s: %s", path, strerror(errno));
    if (code == Z_DATA_ERROR) return sl_fail(err, SL_E_FORMAT, "%s: damaged gzip data (%s)", path, reason);
    if (got < n || code == Z_BUF_ERROR)
        return sl_fail(err, SL_E_FORMAT, "%s: cut short in its %s: found %zu bytes of %zu", path, what, got, n);
    return SL_OK;
}

static sl_status read_to_end(gzFile file, uint8_t **bytes, size_t *n, const char *path, size_t limit, sl_err *err)
{
    size_t room = 1 << 20;
    for (;;) {
        uint8_t *const more = realloc(*bytes, room);
        if (!more) return sl_fail(err, SL_E_MEMORY, "%s: no memory for %zu bytes", path, room);
        *bytes = more;
        *n += read_some(file, *bytes + *n, room - *n);
        if (*n > limit) return sl_fail(err, SL_E_FORMAT, "%s: more than the %zu bytes expected at most", path, limit);
        if (*n < room) break;
        room *= 2;
    }
    int code = Z_OK;
    const char *const reason = reason_of(file, &code);
    if (code == Z_ERRNO) return sl_fail(err, SL_E_FILE, "%s: %s", path, strerror(errno));
    if (code == Z_BUF_ERROR)
        return sl_fail(err, SL_E_FORMAT, "%s: its gzip data is cut short after %zu bytes", path, *n);
    if (code != Z_OK) return sl_fail(err, SL_E_FORMAT, "%s: damaged gzip data (%s)", path, reason);
    return SL_OK;
}

sl_status sl_gzip_read_all(uint8_t **bytes, size_t *n, const char *path, size_t limit, sl_err *err)
{
    gzFile file;
    SL_TRY(sl_gzip_open(&file, path, err));
    uint8_t *got = NULL;
    size_t size = 0;
    const sl_status st = read_to_end(file, &got, &size, path, limit, err);
    gzclose(file);
    if (st != SL_OK) {
        free(got);
        return st;
    }
    *bytes = got;
    *n = size;
    return SL_OK;
}

int sl_gzip_find(char *path, size_t size, const char *folder, const char *name)
{
    static const char *const endings[] = {"", ".gz"};
    for (int e = 0; e < 2; e++) {
        const int n = snprintf(path, size, "%s/%s%s", folder, name, endings[e]);
        if (n < 0 || (size_t)n >= size) return ENAMETOOLONG;
        struct stat s;
        if (stat(path, &s) == 0) return 0;
        if (errno != ENOENT && errno != ENOTDIR) return errno;
    }
    return ENOENT;
}
