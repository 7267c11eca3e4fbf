/* Tiny ImageNet: a folder of JPEGs of 64 x 64 pixels, decoded once into a cache file (nets/data/pixel_cache.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/parallel.h"
#include "base/run.h"
#include "nets/data/image_folder.h"
#include "nets/data/jpeg.h"
#include "nets/data/kinds.h"
#include "nets/data/pixel_cache.h"
#include "nets/seal.h"

enum { SIDE = 64, FEATURES = 3 * SIDE * SIDE, CLASSES = 200, BLOCK = 100, FOLDER = 1024, PATH = 1200 };

/* dir or its subfolder, whichever has wnids.txt. Returns 0, ENOENT, or another errno with the path in question. */
static int find_folder(char folder[FOLDER], const char *dir)
{
    static const char *const folders[] = {"", "/tiny-imagenet-200"};
    char path[PATH];
    struct stat s;
    for (size_t k = 0; k < 2; k++) {
        if (snprintf(folder, FOLDER, "%s%s", dir, folders[k]) >= FOLDER) return ENAMETOOLONG;
        snprintf(path, sizeof path, "%s/wnids.txt", folder);
        if (stat(path, &s) == 0) return 0;
        if (errno != ENOENT && errno != ENOTDIR) return errno;
    }
    return ENOENT;
}

/* ---- decoding ---- */

typedef struct {
    const char *folder;
    const sl_image_folder *files;
    uint8_t *mapping;
    sl_cache_layout layout;
} decoding;

static sl_status decode_block(void *ctx, size_t block, int worker, sl_err *err)
{
    (void)worker;
    const decoding *const d = ctx;
    const size_t n_train = d->files->part[0].n, n = n_train + d->files->part[1].n;
    for (size_t i = block * BLOCK; i < (block + 1) * BLOCK && i < n; i++) {
        if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "interrupted while pictures were decoded");
        const int part = i >= n_train;
        const size_t k = part ? i - n_train : i;
        const sl_image_file *const file = &d->files->part[part].file[k];
        char path[2 * PATH];
        snprintf(path, sizeof path, "%s/%s", d->folder, file->path);
        SL_TRY(sl_jpeg_read(d->mapping + d->layout.pixels[part] + k * FEATURES, path, SIDE, SIDE, err));
        d->mapping[d->layout.labels[part] + k] = file->label;
    }
    return SL_OK;
}

/* Everything that the cache file holds, in memory; munmap it. */
static sl_status decode(uint8_t **mapping, const char *folder, const sl_image_folder *files, const sl_cache_header *h,
                        sl_err *err)
{
    decoding d = {.folder = folder, .files = files, .layout = sl_cache_layout_for(h)};
    void *const memory =
        mmap(NULL, d.layout.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return sl_fail(err, SL_E_MEMORY, "%s: no memory for %zu bytes of pictures", folder, d.layout.size);
    d.mapping = memory;
    const sl_status st =
        sl_parallel((files->part[0].n + files->part[1].n + BLOCK - 1) / BLOCK, 0, decode_block, &d, err);
    if (st != SL_OK) {
        munmap(memory, d.layout.size);
        return st;
    }
    memcpy(memory, h, sizeof *h);
    sl_seal(memory, d.layout.seal);
    *mapping = memory;
    return SL_OK;
}

/* ---- the cache ---- */

enum { PLACES = 2 };

/* Where the cache may lie: in the set's folder; in the user's folder of caches, under a name that tells folders apart.
 * Returns how many there are. */
static size_t cache_places(char place[PLACES][PATH], const char *folder)
{
    snprintf(place[0], PATH, "%s/sgdlab-pixels.cache", folder);
    const char *const xdg = getenv("XDG_CACHE_HOME"), *const home = getenv("HOME");
    const bool given = xdg && xdg[0] == '/';
    if (!given && !(home && home[0] == '/')) return 1;
    char *const real = realpath(folder, NULL);
    const int n = snprintf(place[1], PATH, "%s%s/sgdlab/tiny-imagenet-200-%016llx.cache", given ? xdg : home,
                           given ? "" : "/.cache", (unsigned long long)sl_hash(real ? real : folder));
    free(real);
    return n < PATH ? 2 : 1;
}

static sl_status write_cache(const char *path, const uint8_t *bytes, size_t size, sl_err *err)
{
    char parent[PATH];
    snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(path, '/') - path), path);
    SL_TRY(sl_make_dirs(parent, err));
    return sl_write_file(path, bytes, size, err);
}

/* Decodes, and leaves a cache where one can be left; the parts get the file's pixels rather than the memory's, so that
 * the system may take the pages back. */
static sl_status remake(sl_dataset part[2], char place[PLACES][PATH], size_t places, const char *folder,
                        const sl_image_folder *files, const sl_cache_header *h, sl_err *err)
{
    uint8_t *mapping = NULL;
    sl_err why = {0};
    const size_t size = sl_cache_layout_for(h).size;
    SL_TRY(decode(&mapping, folder, files, h, err));
    for (size_t k = 0; k < places; k++)
        if (write_cache(place[k], mapping, size, &why) == SL_OK && sl_cache_map(part, place[k], h, &why) == SL_OK) {
            munmap(mapping, size);
            return SL_OK;
        }
    sl_dataset_note(&part[0], "decoded pictures are not kept: %s", why.message);
    const sl_status st = sl_cache_hand_out(part, mapping, h, err);
    if (st != SL_OK) munmap(mapping, size);
    return st;
}

static sl_status load_pixels(sl_dataset part[2], const char *folder, const sl_image_folder *files, sl_err *err)
{
    char place[PLACES][PATH];
    const size_t places = cache_places(place, folder);
    const sl_cache_header h = sl_cache_header_for(files->fingerprint, files->part[0].n, files->part[1].n, FEATURES);
    for (size_t k = 0; k < places; k++)
        if (sl_cache_map(part, place[k], &h, NULL) == SL_OK) return SL_OK;
    return remake(part, place, places, folder, files, &h, err);
}

static sl_status load(sl_dataset *train, sl_dataset *test, const sl_spec *spec, const char *dir, sl_err *err)
{
    char folder[FOLDER];
    const int reason = find_folder(folder, dir);
    if (reason == ENOENT)
        return sl_fail(err, SL_E_FILE,
                       "no wnids.txt in %.200s or %.200s/tiny-imagenet-200 (scripts/get-data %s fetches "
                       "the set)",
                       dir, dir, spec->entry->name);
    if (reason) return sl_fail(err, SL_E_FILE, "%.600s: %s", folder, strerror(reason));
    sl_image_folder files;
    SL_TRY(sl_image_folder_list(&files, folder, err));
    /* Constants of the training pictures, as most published trainings use them. */
    const sl_dataset shape = {.channels = 3,
                              .height = SIDE,
                              .width = SIDE,
                              .features = FEATURES,
                              .classes = files.n,
                              .mean = {0.4802f, 0.4481f, 0.3975f},
                              .deviation = {0.2770f, 0.2691f, 0.2821f}};
    sl_dataset part[2] = {shape, shape};
    for (int k = 0; k < 2; k++)
        snprintf(part[k].origin, sizeof part[k].origin, "%.500s/%s", folder, k ? "val" : "train");
    if (files.n != CLASSES)
        sl_dataset_note(&part[0], "%zu classes; Tiny ImageNet as published has %d", files.n, CLASSES);
    sl_status st = load_pixels(part, folder, &files, err);
    sl_image_folder_clear(&files);
    if (st == SL_OK) st = sl_dataset_take(&part[0], &part[1], spec, err);
    if (st != SL_OK) {
        sl_dataset_free(&part[0]);
        sl_dataset_free(&part[1]);
        return st;
    }
    *train = part[0];
    *test = part[1];
    return SL_OK;
}

static int available(const char *dir)
{
    char folder[FOLDER], path[PATH];
    struct stat s;
    if (find_folder(folder, dir) != 0) return 0;
    snprintf(path, sizeof path, "%s/val/val_annotations.txt", folder);
    return stat(path, &s) == 0;
}

const sl_dataset_kind sl_dataset_tiny_imagenet = {
    .entry = {.name = "tiny-imagenet-200",
              .help = "64x64 colour pictures of 200 things, 100000 and 10000, JPEGs from --data-dir",
              .source = "Le, Yang 2015",
              .params = sl_dataset_part_params,
              .n_params = 2},
    .load = load,
    .available = available};
