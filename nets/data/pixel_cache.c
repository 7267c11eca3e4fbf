#include "nets/data/pixel_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nets/seal.h"

static size_t aligned(size_t n)
{
    return (n + SL_CACHE_ALIGN - 1) / SL_CACHE_ALIGN * SL_CACHE_ALIGN;
}

sl_cache_header sl_cache_header_for(uint64_t fingerprint, size_t n_train, size_t n_test, size_t features)
{
    return (sl_cache_header){.magic = "sgdlabP",
                             .version = SL_CACHE_VERSION,
                             .byte_order = 0x01020304,
                             .fingerprint = fingerprint,
                             .n = {n_train, n_test},
                             .features = features};
}

sl_cache_layout sl_cache_layout_for(const sl_cache_header *h)
{
    sl_cache_layout l;
    l.labels[0] = sizeof *h;
    l.labels[1] = l.labels[0] + h->n[0];
    l.pixels[0] = aligned(l.labels[1] + h->n[1]);
    l.pixels[1] = aligned(l.pixels[0] + h->n[0] * h->features);
    l.seal = l.pixels[1] + h->n[1] * h->features;
    l.size = l.seal + SL_SEAL_SIZE;
    return l;
}

sl_status sl_cache_hand_out(sl_dataset part[2], uint8_t *mapping, const sl_cache_header *h, sl_err *err)
{
    const sl_cache_layout l = sl_cache_layout_for(h);
    const size_t end[2] = {l.pixels[1], l.size};
    uint8_t *const labels[2] = {malloc(h->n[0]), malloc(h->n[1])};
    if (!labels[0] || !labels[1]) {
        free(labels[0]);
        free(labels[1]);
        return sl_fail(err, SL_E_MEMORY, "no memory for the labels of %zu pictures", (size_t)(h->n[0] + h->n[1]));
    }
    for (int k = 0; k < 2; k++) {
        memcpy(labels[k], mapping + l.labels[k], h->n[k]);
        part[k].n = h->n[k];
        part[k].labels = labels[k];
        part[k].pixels = mapping + l.pixels[k];
        part[k].mapped = end[k] - l.pixels[k];
    }
    munmap(mapping, l.pixels[0]);
    return SL_OK;
}

/* Is this whole file what is wanted? */
static sl_status check(const void *file, size_t size, const char *path, const sl_cache_header *wanted, sl_err *err)
{
    if (size < sizeof *wanted || memcmp(file, wanted, sizeof *wanted) != 0)
        return sl_fail(err, SL_E_FORMAT, "%s: a cache of other files, or of another version", path);
    if (size != sl_cache_layout_for(wanted).size || sl_seal_check(file, size) != SL_SEAL_GOOD)
        return sl_fail(err, SL_E_FORMAT, "%s: damaged", path);
    return SL_OK;
}

sl_status sl_cache_map(sl_dataset part[2], const char *path, const sl_cache_header *wanted, sl_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return sl_fail(err, SL_E_FILE, "%s: %s", path, strerror(errno));
    struct stat s;
    const bool regular = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0;
    const size_t size = regular ? (size_t)s.st_size : 0;
    void *const file = regular ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (!regular) return sl_fail(err, SL_E_FORMAT, "%s: not a cache file", path);
    if (file == MAP_FAILED) return sl_fail(err, SL_E_MEMORY, "%s: %zu bytes cannot be mapped", path, size);
    (void)madvise(file, size, MADV_SEQUENTIAL); /* for the checksum, which goes from end to end */
    sl_status st = check(file, size, path, wanted, err);
    (void)madvise(file, size, MADV_NORMAL);
    if (st == SL_OK) st = sl_cache_hand_out(part, file, wanted, err);
    if (st != SL_OK) munmap(file, size);
    return st;
}
