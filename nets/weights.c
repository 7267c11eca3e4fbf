#include "nets/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/run.h"
#include "nets/hdf5.h"
#include "nets/seal.h"
#include "nets/views.h"

static const size_t LARGEST = (size_t)1 << 34; /* bytes; no weights file comes near */

int sl_views_write(hid_t where, const sl_model *m, const float *params)
{
    for (size_t i = 0; i < sl_model_n_views(m); i++) {
        const sl_view *const v = sl_model_view(m, i);
        if (sl_h5_write(where, v->name, H5T_IEEE_F32LE, v->rank, v->shape, params + v->offset) < 0) return -1;
    }
    return 0;
}

static int same_shape(const sl_h5_array *a, const sl_view *v)
{
    return a->rank == v->rank && memcmp(a->shape, v->shape, v->rank * sizeof *v->shape) == 0;
}

sl_status sl_views_read(float *params, hid_t where, const sl_model *m, const char *path, sl_err *err)
{
    for (size_t i = 0; i < sl_model_n_views(m); i++) {
        const sl_view *const v = sl_model_view(m, i);
        char expected[128], found[128];
        sl_h5_array a;
        sl_h5_print_shape(expected, sizeof expected, v->rank, v->shape);
        if (sl_h5_inspect(&a, where, v->name) < 0)
            return sl_fail(err, SL_E_FORMAT, "%s: no data set '%s', expected shape %s", path, v->name, expected);
        sl_h5_print_shape(found, sizeof found, a.rank, a.shape);
        if (!a.is_number) return sl_fail(err, SL_E_FORMAT, "%s: '%s' does not hold numbers", path, v->name);
        if (!same_shape(&a, v))
            return sl_fail(err, SL_E_FORMAT, "%s: '%s' has shape %s, expected %s", path, v->name, found, expected);
        if (sl_h5_read(where, v->name, H5T_NATIVE_FLOAT, params + v->offset) < 0)
            return sl_fail(err, SL_E_FORMAT, "%s: '%s' cannot be read, the file is damaged", path, v->name);
    }
    return SL_OK;
}

/* Looks for a name in the root group that is no parameter's. */
typedef struct {
    const sl_model *model;
    char name[128];
} stranger;

static herr_t compare_name(hid_t group, const char *name, const H5L_info_t *info, void *data)
{
    (void)group;
    (void)info;
    stranger *const s = data;
    for (size_t i = 0; i < sl_model_n_views(s->model); i++)
        if (strcmp(sl_model_view(s->model, i)->name, name) == 0) return 0;
    snprintf(s->name, sizeof s->name, "%s", name);
    return 1; /* stop here */
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

sl_status sl_weights_write(const char *path, const sl_model *m, const float *params, sl_err *err)
{
    const hid_t file = sl_h5_create();
    char *image = NULL;
    size_t size = 0;
    const int written = file < 0 ? -1 : sl_views_write(file, m, params);
    if ((file >= 0 && sl_h5_close(file, &image, &size) < 0) || written < 0) {
        free(image);
        return sl_fail(err, SL_E_WRITE, "cannot write '%s': HDF5 failed", path);
    }
    return sl_image_write(path, image, size, err);
}

sl_status sl_weights_read(float *params, const char *path, const sl_model *m, sl_err *err)
{
    char *bytes;
    size_t size;
    SL_TRY(sl_read_file(&bytes, &size, path, LARGEST, err));
    float *const found = malloc(sl_model_parameters(m) * sizeof *found);
    hid_t file = -1;
    sl_status st;
    if (!found)
        st = sl_fail(err, SL_E_MEMORY, "no memory for the weights of %s", path);
    else if (sl_seal_check(bytes, size) == SL_SEAL_BROKEN)
        st = sl_fail(err, SL_E_FORMAT, "%s: damaged, its checksum does not fit", path);
    else if ((file = sl_h5_open(bytes, size)) < 0)
        st = sl_fail(err, SL_E_FORMAT, "%s: not an HDF5 file, or a damaged one", path);
    else
        st = sl_views_read(found, file, m, path, err);
    if (st == SL_OK) {
        stranger s = {.model = m};
        const herr_t more = H5Literate(file, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, compare_name, &s);
        if (more != 0)
            st = sl_fail(err, SL_E_FORMAT, "%s: '%s' is not a parameter of this model", path, more > 0 ? s.name : "?");
    }
    if (file >= 0) sl_h5_close(file, NULL, NULL);
    if (st == SL_OK) memcpy(params, found, sl_model_parameters(m) * sizeof *params);
    free(found);
    free(bytes);
    return st;
}
