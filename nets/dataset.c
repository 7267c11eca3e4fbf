#include "nets/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "nets/data/kinds.h"

const sl_dataset_kind *const sl_datasets[] = {&sl_dataset_digits, &sl_dataset_mnist};
static const sl_entry *const entries[] = {&sl_dataset_digits.entry, &sl_dataset_mnist.entry};
const size_t sl_n_datasets = sizeof sl_datasets / sizeof *sl_datasets;
_Static_assert(sizeof sl_datasets / sizeof *sl_datasets == sizeof entries / sizeof *entries, "one entry a data set");

const sl_entry *const *sl_dataset_entries(void)
{
    return entries;
}

static const char *folder(const char *data_dir)
{
    if (data_dir) return data_dir;
    const char *const fromenv = getenv("SGDLAB_DATA");
    return fromenv && *fromenv ? fromenv : "data";
}

sl_status sl_dataset_load(sl_dataset *train, sl_dataset *test, const char *text, const char *data_dir, sl_err *err)
{
    sl_spec spec;
    SL_TRY(sl_spec_parse(&spec, text, "data set", entries, sl_n_datasets, err));
    const sl_dataset_kind *const kind = (const sl_dataset_kind *)spec.entry; /* the entry is its first member */
    sl_dataset a, b;
    SL_TRY(kind->load(&a, &b, &spec, folder(data_dir), err));
    *train = a;
    *test = b;
    return SL_OK;
}

int sl_dataset_available(const char *name, const char *data_dir)
{
    sl_spec spec;
    if (sl_spec_parse(&spec, name, "data set", entries, sl_n_datasets, NULL) != SL_OK) return 0;
    const sl_dataset_kind *const kind = (const sl_dataset_kind *)spec.entry;
    return !kind->available || kind->available(folder(data_dir));
}

sl_status sl_dataset_alloc(sl_dataset *d, size_t n, size_t channels, size_t height, size_t width, size_t classes,
                           sl_err *err)
{
    *d = (sl_dataset){.n = n, .channels = channels, .height = height, .width = width, .classes = classes};
    d->features = channels * height * width;
    d->pixels = malloc(n * d->features);
    d->labels = malloc(n);
    if (d->pixels && d->labels) return SL_OK;
    sl_dataset_free(d);
    return sl_fail(err, SL_E_MEMORY, "no memory for %zu samples of %zu bytes", n, channels * height * width);
}

void sl_dataset_truncate(sl_dataset *d, size_t n)
{
    if (n == 0 || n >= d->n) return;
    d->n = n;
    /* A failed shrinking leaves the larger block, which is as good. */
    uint8_t *const pixels = realloc(d->pixels, n * d->features), *const labels = realloc(d->labels, n);
    if (pixels) d->pixels = pixels;
    if (labels) d->labels = labels;
}

void sl_dataset_free(sl_dataset *d)
{
    free(d->pixels);
    free(d->labels);
    *d = (sl_dataset){0};
}
