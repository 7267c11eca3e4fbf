#include "nets/dataset.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nets/data/kinds.h"

const sl_dataset_kind *const sl_datasets[] = {&sl_dataset_digits, &sl_dataset_mnist, &sl_dataset_cifar10,
                                              &sl_dataset_cifar100, &sl_dataset_tiny_imagenet};
static const sl_entry *const entries[] = {&sl_dataset_digits.entry, &sl_dataset_mnist.entry, &sl_dataset_cifar10.entry,
                                          &sl_dataset_cifar100.entry, &sl_dataset_tiny_imagenet.entry};
const size_t sl_n_datasets = sizeof sl_datasets / sizeof *sl_datasets;
_Static_assert(sizeof sl_datasets / sizeof *sl_datasets == sizeof entries / sizeof *entries, "one entry a data set");

const sl_entry *const *sl_dataset_entries(void)
{
    return entries;
}

const char *sl_data_folder(const char *data_dir)
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
    SL_TRY(kind->load(&a, &b, &spec, sl_data_folder(data_dir), err));
    *train = a;
    *test = b;
    return SL_OK;
}

int sl_dataset_available(const char *name, const char *data_dir)
{
    sl_spec spec;
    if (sl_spec_parse(&spec, name, "data set", entries, sl_n_datasets, NULL) != SL_OK) return 0;
    const sl_dataset_kind *const kind = (const sl_dataset_kind *)spec.entry;
    return !kind->available || kind->available(sl_data_folder(data_dir));
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

const sl_param sl_dataset_part_params[2] = {
    {.name = "train", .help = "training pictures, the first ones; 0: all", .min = 0, .max = 1e9, .integer = true},
    {.name = "test", .help = "test pictures, the first ones; 0: all", .min = 0, .max = 1e9, .integer = true},
};

static sl_status take(sl_dataset *d, const sl_spec *spec, const char *part, sl_err *err)
{
    const size_t n = (size_t)sl_spec_get(spec, part);
    if (n > d->n)
        return sl_fail(err, SL_E_DOMAIN, "%s:%s=%zu, but there are %zu pictures (%s)", spec->entry->name, part, n, d->n,
                       d->origin);
    sl_dataset_truncate(d, n);
    return SL_OK;
}

sl_status sl_dataset_take(sl_dataset *train, sl_dataset *test, const sl_spec *spec, sl_err *err)
{
    SL_TRY(take(train, spec, "train", err));
    return take(test, spec, "test", err);
}

void sl_dataset_note(sl_dataset *d, const char *format, ...)
{
    const size_t used = strlen(d->note), left = sizeof d->note - used;
    const int n = used ? snprintf(d->note + used, left, "; ") : 0;
    if (n < 0 || (size_t)n >= left) return;
    va_list args;
    va_start(args, format);
    vsnprintf(d->note + used + n, left - (size_t)n, format, args);
    va_end(args);
}

void sl_dataset_truncate(sl_dataset *d, size_t n)
{
    if (n == 0 || n >= d->n) return;
    d->n = n;
    /* A failed shrinking leaves the larger block, which is as good; a mapping's pages are the system's anyway. */
    uint8_t *const pixels = d->mapped ? d->pixels : realloc(d->pixels, n * d->features);
    uint8_t *const labels = realloc(d->labels, n);
    if (pixels) d->pixels = pixels;
    if (labels) d->labels = labels;
}

void sl_dataset_free(sl_dataset *d)
{
    if (d->mapped)
        munmap(d->pixels, d->mapped);
    else
        free(d->pixels);
    free(d->labels);
    *d = (sl_dataset){0};
}

void sl_dataset_will_need(const sl_dataset *d, const uint32_t *index, size_t n)
{
    if (!d->mapped || !index) return;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t k = 0; k < n; k++) {
        const size_t begin = d->features * (size_t)index[k], whole = begin / page * page;
        /* Advice: what the system makes of it changes no result. */
        (void)madvise(d->pixels + whole, d->features + (begin - whole), MADV_WILLNEED);
    }
}
