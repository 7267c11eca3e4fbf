/* Whole files, read and written at once: the part of base/run.h that knows nothing of runs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/run.h"

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes += n, size -= (size_t)n;
    }
    return true;
}

sl_status sl_write_file(const char *path, const void *bytes, size_t size, sl_err *err)
{
    static atomic_uint serial; /* makes the temporary names of one process distinct, and nothing else */
    struct stat there;
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return sl_fail(err, SL_E_WRITE, "cannot write '%s': it is there and not a regular file", path);

    char beside[PATH_MAX];
    const unsigned id = atomic_fetch_add(&serial, 1);
    if (snprintf(beside, sizeof beside, "%s.%ld-%u.tmp", path, (long)getpid(), id) >= (int)sizeof beside)
        return sl_fail(err, SL_E_WRITE, "cannot write '%.200s...': the path is too long", path);

    const int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return sl_fail(err, SL_E_WRITE, "cannot write '%s': %s", path, strerror(errno));
    bool good = write_all(fd, bytes, size) && fsync(fd) == 0;
    int reason = errno;
    if (close(fd) != 0 && good) good = false, reason = errno;
    if (good && rename(beside, path) != 0) good = false, reason = errno;
    if (good) return SL_OK;
    unlink(beside);
    return sl_fail(err, SL_E_WRITE, "cannot write '%s': %s", path, strerror(reason));
}

sl_status sl_read_file(char **text, size_t *size, const char *path, size_t limit, sl_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return sl_fail(err, SL_E_FILE, "cannot read '%s': %s", path, strerror(errno));
    struct stat s;
    size_t room = fstat(fd, &s) == 0 && s.st_size > 0 ? (size_t)s.st_size : 0;
    if (room > limit) room = limit;
    sl_status st = SL_OK;
    size_t used = 0;
    room += 2; /* one for the NUL, one so that the last read sees the end */
    char *buffer = malloc(room);
    while (buffer) {
        const ssize_t n = read(fd, buffer + used, room - 1 - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) st = sl_fail(err, SL_E_FILE, "cannot read '%s': %s", path, strerror(errno));
        if (n <= 0) break;
        used += (size_t)n;
        if (used > limit) {
            st = sl_fail(err, SL_E_FORMAT, "'%s' is longer than the %zu bytes expected", path, limit);
            break;
        }
        if (used == room - 1) { /* it grew, or has no size of its own */
            char *more = realloc(buffer, room *= 2);
            if (!more) free(buffer);
            buffer = more;
        }
    }
    close(fd);
    if (!buffer) return sl_fail(err, SL_E_MEMORY, "no memory to read '%s'", path);
    if (st == SL_OK && !size && memchr(buffer, '\0', used))
        st = sl_fail(err, SL_E_FORMAT, "'%s' is not text: it holds a NUL byte", path);
    if (st != SL_OK) {
        free(buffer);
        return st;
    }
    buffer[used] = '\0';
    *text = buffer;
    if (size) *size = used;
    return SL_OK;
}

sl_status sl_make_dirs(const char *path, sl_err *err)
{
    char part[PATH_MAX];
    const size_t length = strlen(path);
    if (length == 0 || length >= sizeof part)
        return sl_fail(err, SL_E_WRITE, "cannot create the folder '%.200s': its path is %s", path,
                       length ? "too long" : "empty");
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i] != '\0') continue;
        const char end = part[i];
        part[i] = '\0';
        struct stat s;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return sl_fail(err, SL_E_WRITE, "cannot create the folder '%s': %s", part, strerror(errno));
        if (stat(part, &s) != 0 || !S_ISDIR(s.st_mode))
            return sl_fail(err, SL_E_WRITE, "cannot create the folder '%s': '%s' is not a folder", path, part);
        part[i] = end;
    }
    return SL_OK;
}
