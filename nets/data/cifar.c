/* CIFAR-10 and CIFAR-100 in their binary versions: records of one label (CIFAR-100: coarse, then fine) and the planes
 * of a 32 x 32 picture, red, green, blue. https://www.cs.toronto.edu/~kriz/cifar.html */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nets/data/gzip.h"
#include "nets/data/kinds.h"

enum { SIDE = 32, FEATURES = 3 * SIDE * SIDE, MOST_FILES = 5, MOST_LABELS = 2 };
static const size_t LARGEST = (size_t)1 << 30; /* of a file: the sets have 154 MB at most */

typedef struct {
    const char *folders[3];                  /* beside the data folder itself, after it        */
    const char *train[MOST_FILES], *test[1]; /* file names, NULL after the last                */
    size_t labels;                           /* bytes of labels in a record; the last is used  */
    int classes[MOST_LABELS];                /* of each of them                                */
    float mean[3], deviation[3];
} format;

static const format cifar10 = {
    .folders = {"", "/cifar10", "/cifar-10-batches-bin"},
    .train = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
    .test = {"test_batch.bin"},
    .labels = 1,
    .classes = {10},
    .mean = {0.4914f, 0.4822f, 0.4465f},
    .deviation = {0.2470f, 0.2435f, 0.2616f}};

static const format cifar100 = {.folders = {"", "/cifar100", "/cifar-100-binary"},
                                .train = {"train.bin"},
                                .test = {"test.bin"},
                                .labels = 2,
                                .classes = {20, 100},
                                .mean = {0.5071f, 0.4865f, 0.4409f},
                                .deviation = {0.2673f, 0.2564f, 0.2762f}};

/* The first folder that holds any of the set's files. Returns 0, ENOENT, or another errno with the path in question. */
static int find_folder(char *folder, size_t size, const char *dir, const format *f)
{
    char path[1024];
    for (size_t k = 0; k < 3; k++) {
        if (snprintf(folder, size, "%s%s", dir, f->folders[k]) >= (int)size) return ENAMETOOLONG;
        for (size_t i = 0; i <= MOST_FILES; i++) {
            const char *const name = i < MOST_FILES ? f->train[i] : f->test[0];
            const int reason = name ? sl_gzip_find(path, sizeof path, folder, name) : ENOENT;
            if (reason == 0) return 0;
            if (reason != ENOENT) {
                snprintf(folder, size, "%s", path);
                return reason;
            }
        }
    }
    return ENOENT;
}

/* Takes the records of one file apart, after those that *d has. */
static sl_status add_records(sl_dataset *d, const uint8_t *bytes, size_t size, const char *path, const format *f,
                             sl_err *err)
{
    const size_t record = f->labels + FEATURES, n = size / record;
    if (size == 0 || size % record != 0)
        return sl_fail(err, SL_E_FORMAT, "%s: %zu bytes, expected a multiple of %zu (%zu of labels, %d of pixels)",
                       path, size, record, f->labels, FEATURES);
    uint8_t *const pixels = realloc(d->pixels, (d->n + n) * FEATURES);
    if (pixels) d->pixels = pixels;
    uint8_t *const labels = realloc(d->labels, d->n + n);
    if (labels) d->labels = labels;
    if (!pixels || !labels) return sl_fail(err, SL_E_MEMORY, "%s: no memory for %zu pictures", path, d->n + n);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *const from = bytes + i * record;
        for (size_t k = 0; k < f->labels; k++)
            if (from[k] >= f->classes[k])
                return sl_fail(err, SL_E_FORMAT, "%s: record %zu: %slabel %d, expected 0 to %d", path, i,
                               f->labels == 1 ? ""
                               : k == 0       ? "coarse "
                                              : "fine ",
                               from[k], f->classes[k] - 1);
        d->labels[d->n + i] = from[f->labels - 1];
        memcpy(d->pixels + (d->n + i) * FEATURES, from + f->labels, FEATURES);
    }
    d->n += n;
    return SL_OK;
}

static void add_origin(sl_dataset *d, const char *folder, const char *path)
{
    const char *const name = strrchr(path, '/') + 1;
    const size_t used = strlen(d->origin);
    if (used == 0)
        snprintf(d->origin, sizeof d->origin, "%.380s: %s", folder, name);
    else
        snprintf(d->origin + used, sizeof d->origin - used, ", %s", name);
}

/* The files of a part that are there. missing: the number of the others. */
static sl_status load_part(sl_dataset *d, const char *folder, const char *const *names, size_t n_names, const format *f,
                           size_t *missing, sl_err *err)
{
    *missing = 0;
    for (size_t k = 0; k < n_names && names[k]; k++) {
        char path[1024];
        const int reason = sl_gzip_find(path, sizeof path, folder, names[k]);
        if (reason == ENOENT) {
            ++*missing;
            continue;
        }
        if (reason) return sl_fail(err, SL_E_FILE, "%s: %s", path, strerror(reason));
        uint8_t *bytes;
        size_t size;
        SL_TRY(sl_gzip_read_all(&bytes, &size, path, LARGEST, err));
        const sl_status st = add_records(d, bytes, size, path, f, err);
        free(bytes);
        SL_TRY(st);
        add_origin(d, folder, path);
    }
    return d->n > 0 ? SL_OK : sl_fail(err, SL_E_FILE, "no %s, plain or .gz, in %s", names[0], folder);
}

static sl_dataset empty(const format *f)
{
    return (sl_dataset){.channels = 3,
                        .height = SIDE,
                        .width = SIDE,
                        .features = FEATURES,
                        .classes = (size_t)f->classes[f->labels - 1],
                        .mean = {f->mean[0], f->mean[1], f->mean[2]},
                        .deviation = {f->deviation[0], f->deviation[1], f->deviation[2]}};
}

static sl_status load(sl_dataset *train, sl_dataset *test, const sl_spec *spec, const char *dir, const format *f,
                      sl_err *err)
{
    char folder[1024];
    const int reason = find_folder(folder, sizeof folder, dir, f);
    if (reason == ENOENT)
        return sl_fail(err, SL_E_FILE,
                       "no %s or %s, plain or .gz, in %.150s, %.150s%s or %.150s%s (scripts/get-data %s "
                       "fetches them)",
                       f->train[0], f->test[0], dir, dir, f->folders[1], dir, f->folders[2], spec->entry->name);
    if (reason) return sl_fail(err, SL_E_FILE, "%.600s: %s", folder, strerror(reason));
    sl_dataset a = empty(f), b = empty(f);
    size_t missing, none;
    sl_status st = load_part(&a, folder, f->train, MOST_FILES, f, &missing, err);
    if (st == SL_OK) st = load_part(&b, folder, f->test, 1, f, &none, err);
    if (st == SL_OK && missing > 0)
        sl_dataset_note(&a, "found %zu of the %d training batches of %s: %zu pictures", MOST_FILES - missing,
                        MOST_FILES, spec->entry->name, a.n);
    if (st == SL_OK) st = sl_dataset_take(&a, &b, spec, err);
    if (st == SL_OK) {
        *train = a;
        *test = b;
        return SL_OK;
    }
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    return st;
}

static sl_status load10(sl_dataset *train, sl_dataset *test, const sl_spec *spec, const char *dir, sl_err *err)
{
    return load(train, test, spec, dir, &cifar10, err);
}

static sl_status load100(sl_dataset *train, sl_dataset *test, const sl_spec *spec, const char *dir, sl_err *err)
{
    return load(train, test, spec, dir, &cifar100, err);
}

/* At least one file of either part. */
static int available(const char *dir, const format *f)
{
    char folder[1024], path[1024];
    if (find_folder(folder, sizeof folder, dir, f) != 0 || sl_gzip_find(path, sizeof path, folder, f->test[0]) != 0)
        return 0;
    for (size_t i = 0; i < MOST_FILES && f->train[i]; i++)
        if (sl_gzip_find(path, sizeof path, folder, f->train[i]) == 0) return 1;
    return 0;
}

static int available10(const char *dir)
{
    return available(dir, &cifar10);
}

static int available100(const char *dir)
{
    return available(dir, &cifar100);
}

const sl_dataset_kind sl_dataset_cifar10 = {
    .entry = {.name = "cifar10",
              .help = "32x32 colour pictures of 10 things, 50000 and 10000, binary version from --data-dir",
              .source = "Krizhevsky 2009",
              .params = sl_dataset_part_params,
              .n_params = 2},
    .load = load10,
    .available = available10};

const sl_dataset_kind sl_dataset_cifar100 = {
    .entry = {.name = "cifar100",
              .help = "32x32 colour pictures of 100 things, 50000 and 10000, binary version from --data-dir",
              .source = "Krizhevsky 2009",
              .params = sl_dataset_part_params,
              .n_params = 2},
    .load = load100,
    .available = available100};
