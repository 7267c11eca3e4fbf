/* MNIST, and whatever comes in the same four files (Fashion-MNIST, KMNIST). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nets/data/idx.h"
#include "nets/data/kinds.h"

enum { CLASSES = 10 };

/* The path of a file under dir, in one of the places and spellings in use: beside each other, in a subfolder named
 * after the set, or where torchvision puts it; with a dash or a dot before idx; plain or compressed.
 * Returns 0 with the path; ENOENT if it is in none of them; another errno, with the path, where one cannot be looked
 * into. */
static int find(char *path, size_t size, const char *dir, const char *stem, int rank)
{
    static const char *const folders[] = {"", "/mnist", "/MNIST/raw"};
    static const char *const joints[] = {"-", "."};
    static const char *const endings[] = {"", ".gz"};
    for (size_t f = 0; f < 3; f++)
        for (size_t j = 0; j < 2; j++)
            for (size_t e = 0; e < 2; e++) {
                const int n =
                    snprintf(path, size, "%s%s/%s%sidx%d-ubyte%s", dir, folders[f], stem, joints[j], rank, endings[e]);
                if (n < 0 || (size_t)n >= size) continue;
                struct stat s;
                if (stat(path, &s) == 0) return 0;
                if (errno != ENOENT && errno != ENOTDIR) return errno;
            }
    return ENOENT;
}

static sl_status locate(char *path, size_t size, const char *dir, const char *stem, int rank, sl_err *err)
{
    const int reason = find(path, size, dir, stem, rank);
    if (reason == 0) return SL_OK;
    if (reason != ENOENT) return sl_fail(err, SL_E_FILE, "%s: %s", path, strerror(reason));
    return sl_fail(err, SL_E_FILE,
                   "no %s-idx%d-ubyte, plain or .gz, in %.200s, %.200s/mnist or %.200s/MNIST/raw "
                   "(scripts/get-data mnist fetches it)",
                   stem, rank, dir, dir, dir);
}

static sl_status load_part(sl_dataset *d, const char *dir, const char *images, const char *labels, sl_err *err)
{
    char image_path[1024], label_path[1024];
    SL_TRY(locate(image_path, sizeof image_path, dir, images, 3, err));
    SL_TRY(locate(label_path, sizeof label_path, dir, labels, 1, err));
    sl_idx x = {0}, y = {0};
    sl_status st = sl_idx_read(&x, image_path, 3, err);
    if (st == SL_OK) st = sl_idx_read(&y, label_path, 1, err);
    if (st == SL_OK && x.shape[0] != y.shape[0])
        st = sl_fail(err, SL_E_FORMAT, "%s holds %zu labels, expected %zu, one a picture of %s", label_path, y.shape[0],
                     x.shape[0], image_path);
    for (size_t i = 0; st == SL_OK && i < y.size; i++)
        if (y.data[i] >= CLASSES)
            st = sl_fail(err, SL_E_FORMAT, "%s: label %zu is %d, expected 0 to %d", label_path, i, y.data[i],
                         CLASSES - 1);
    if (st == SL_OK) {
        *d = (sl_dataset){.n = x.shape[0],
                          .channels = 1,
                          .height = x.shape[1],
                          .width = x.shape[2],
                          .features = x.shape[1] * x.shape[2],
                          .classes = CLASSES,
                          .pixels = x.data,
                          .labels = y.data,
                          .mean = {0.1307f},
                          .deviation = {0.3081f}};
        snprintf(d->origin, sizeof d->origin, "%.500s", image_path);
        return SL_OK;
    }
    sl_idx_clear(&x);
    sl_idx_clear(&y);
    return st;
}

static sl_status load(sl_dataset *train, sl_dataset *test, const sl_spec *spec, const char *dir, sl_err *err)
{
    sl_dataset a = {0}, b = {0};
    sl_status st = load_part(&a, dir, "train-images", "train-labels", err);
    if (st == SL_OK) st = load_part(&b, dir, "t10k-images", "t10k-labels", err);
    if (st == SL_OK && (b.height != a.height || b.width != a.width))
        st = sl_fail(err, SL_E_FORMAT, "%s holds %zux%zu pictures, expected %zux%zu as in %s", b.origin, b.height,
                     b.width, a.height, a.width, a.origin);
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

static int available(const char *dir)
{
    char path[1024];
    return find(path, sizeof path, dir, "train-images", 3) == 0 &&
           find(path, sizeof path, dir, "train-labels", 1) == 0 &&
           find(path, sizeof path, dir, "t10k-images", 3) == 0 && find(path, sizeof path, dir, "t10k-labels", 1) == 0;
}

const sl_dataset_kind sl_dataset_mnist = {
    .entry = {.name = "mnist",
              .help = "28x28 handwritten digits, 60000 and 10000, IDX files from --data-dir",
              .source = "LeCun, Cortes, Burges 1998",
              .params = sl_dataset_part_params,
              .n_params = 2},
    .load = load,
    .available = available};
