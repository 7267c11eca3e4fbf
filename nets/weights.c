#include "nets/weights.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/run.h"
#include "nets/hdf5.h"
#include "nets/seal.h"
#include "nets/views.h"

static const size_t LARGEST = (size_t)1 << 34; /* bytes; no weights file comes near */

int sl_views_write(hid_t where, const sl_model *m, const float *state)
{
    for (size_t i = 0; i < sl_model_n_views(m); i++) {
        const sl_view *const v = sl_model_view(m, i);
        if (sl_h5_write(where, v->name, H5T_IEEE_F32LE, v->rank, v->shape, state + v->offset) < 0) return -1;
    }
    return 0;
}

/* Everything that does not fit, as far as it fits into a message. */
typedef struct {
    const sl_model *model;
    char text[640];
    size_t room;      /* of text, so that the path fits beside it */
    size_t count, said;
} complaints;

static void SL_PRINTF(2, 3) complain(complaints *c, const char *format, ...)
{
    char one[384];
    va_list args;
    va_start(args, format);
    vsnprintf(one, sizeof one, format, args);
    va_end(args);
    const size_t used = strlen(c->text);
    if (c->said == c->count && used + strlen(one) + 3 <= c->room) {
        snprintf(c->text + used, sizeof c->text - used, "%s%s", used ? "; " : "", one);
        c->said++;
    }
    c->count++;
}

static int same_shape(const sl_h5_array *a, const sl_view *v)
{
    return a->rank == v->rank && memcmp(a->shape, v->shape, v->rank * sizeof *v->shape) == 0;
}

static void inspect(complaints *c, hid_t where, const sl_view *v)
{
    char expected[128], found[128];
    sl_h5_array a;
    sl_h5_print_shape(expected, sizeof expected, v->rank, v->shape);
    if (sl_h5_inspect(&a, where, v->name) < 0) {
        complain(c, "no data set '%s', expected shape %s", v->name, expected);
        return;
    }
    sl_h5_print_shape(found, sizeof found, a.rank, a.shape);
    if (!a.is_number)
        complain(c, "'%s' does not hold numbers", v->name);
    else if (!same_shape(&a, v))
        complain(c, "'%s' has shape %s, expected %s", v->name, found, expected);
}

/* A name that the model does not have. PyTorch's batch norms count their batches, which nothing here depends on. */
static herr_t inspect_name(hid_t group, const char *name, const H5L_info_t *info, void *data)
{
    (void)group;
    (void)info;
    static const char counter[] = "num_batches_tracked";
    complaints *const c = data;
    const size_t n = strlen(name);
    if (n >= sizeof counter - 1 && strcmp(name + n - (sizeof counter - 1), counter) == 0) return 0;
    for (size_t i = 0; i < sl_model_n_views(c->model); i++)
        if (strcmp(sl_model_view(c->model, i)->name, name) == 0) return 0;
    complain(c, "'%.100s' is not a parameter of this model", name);
    return 0;
}

sl_status sl_views_read(float *state, hid_t where, const sl_model *m, const char *path, sl_err *err)
{
    complaints c = {.model = m};
    const size_t around = strlen(path) + 64, most = sizeof err->message - 1;
    c.room = around + 200 < most ? most - around : 200;
    if (c.room > sizeof c.text) c.room = sizeof c.text;
    for (size_t i = 0; i < sl_model_n_views(m); i++) inspect(&c, where, sl_model_view(m, i));
    if (H5Literate(where, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, inspect_name, &c) < 0)
        return sl_fail(err, SL_E_FORMAT, "%s: the names of its data sets cannot be read, the file is damaged", path);
    if (c.count > 1 && c.said < c.count)
        return sl_fail(err, SL_E_FORMAT, "%s: %zu data sets do not fit: %s; and %zu more", path, c.count, c.text,
                       c.count - c.said);
    if (c.count > 1) return sl_fail(err, SL_E_FORMAT, "%s: %zu data sets do not fit: %s", path, c.count, c.text);
    if (c.count == 1) return sl_fail(err, SL_E_FORMAT, "%s: %s", path, c.text);
    for (size_t i = 0; i < sl_model_n_views(m); i++) {
        const sl_view *const v = sl_model_view(m, i);
        if (sl_h5_read(where, v->name, H5T_NATIVE_FLOAT, state + v->offset) < 0)
            return sl_fail(err, SL_E_FORMAT, "%s: '%s' cannot be read, the file is damaged", path, v->name);
    }
    return SL_OK;
}

sl_status sl_image_write(const char *path, char *image, size_t size, sl_err *err)
{
    char *const sealed = realloc(image, size + SL_SEAL_SIZE);
    if (!sealed) {
        free(image);
        return sl_fail(err, SL_E_MEMORY, "no memory to write %s", path);
    }
    sl_seal(sealed, size);
    const sl_status st = sl_write_file(path, sealed, size + SL_SEAL_SIZE, err);
    free(sealed);
    return st;
}

sl_status sl_weights_write(const char *path, const sl_model *m, const float *state, sl_err *err)
{
    const hid_t file = sl_h5_create();
    char *image = NULL;
    size_t size = 0;
    const int written = file < 0 ? -1 : sl_views_write(file, m, state);
    if ((file >= 0 && sl_h5_close(file, &image, &size) < 0) || written < 0) {
        free(image);
        return sl_fail(err, SL_E_WRITE, "cannot write '%s': HDF5 failed", path);
    }
    return sl_image_write(path, image, size, err);
}

/* Weights of a training that came to its end, or of another program, are numbers. Doubles may be too large for us. */
static sl_status check_finite(const float *state, const sl_model *m, const char *path, sl_err *err)
{
    for (size_t i = 0; i < sl_model_n_views(m); i++) {
        const sl_view *const v = sl_model_view(m, i);
        for (size_t k = 0; k < v->size; k++)
            if (!isfinite(state[v->offset + k]))
                return sl_fail(err, SL_E_FORMAT, "%s: '%s' holds what is not a finite float32 number, at %zu of %zu",
                               path, v->name, k, v->size);
    }
    return SL_OK;
}

sl_status sl_weights_read(float *state, const char *path, const sl_model *m, sl_err *err)
{
    char *bytes;
    size_t size;
    SL_TRY(sl_read_file(&bytes, &size, path, LARGEST, err));
    float *const found = malloc(sl_model_state(m) * sizeof *found);
    hid_t file = -1;
    sl_status st;
    if (!found)
        st = sl_fail(err, SL_E_MEMORY, "no memory for the weights of %s", path);
    else if (sl_seal_check(bytes, size) == SL_SEAL_BROKEN)
        st = sl_fail(err, SL_E_FORMAT, "%s: damaged, its checksum does not fit", path);
    else if ((file = sl_h5_open(&bytes, size)) < 0)
        st = sl_fail(err, SL_E_FORMAT, "%s: not an HDF5 file, or a damaged one", path);
    else
        st = sl_views_read(found, file, m, path, err);
    if (file >= 0) sl_h5_close(file, NULL, NULL);
    if (st == SL_OK) st = check_finite(found, m, path, err);
    if (st == SL_OK) memcpy(state, found, sl_model_state(m) * sizeof *state);
    free(found);
    free(bytes);
    return st;
}
