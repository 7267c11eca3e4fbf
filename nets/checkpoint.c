#include "nets/checkpoint.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/run.h"
#include "nets/hdf5.h"
#include "nets/seal.h"
#include "nets/views.h"

enum { VERSION = 2, COLUMNS = 6 };
static const uint64_t MAGIC = 0x73676463686b7074; /* "sgdchkpt" */
static const size_t LARGEST = (size_t)1 << 36;    /* bytes; no checkpoint comes near */

static void to_row(double row[COLUMNS], const sl_epoch *e)
{
    const double values[COLUMNS] = {(double)e->epoch, e->train_loss,    e->train_accuracy,
                                    e->test_loss,     e->test_accuracy, e->lr};
    memcpy(row, values, sizeof values);
}

static sl_epoch from_row(const double row[COLUMNS])
{
    return (sl_epoch){.epoch = (uint64_t)row[0],
                      .train_loss = row[1],
                      .train_accuracy = row[2],
                      .test_loss = row[3],
                      .test_accuracy = row[4],
                      .lr = row[5]};
}

static int write_weights(hid_t file, const sl_model *m, const float *state)
{
    const hid_t group = sl_h5_group_create(file, "weights");
    const int result = group < 0 ? -1 : sl_views_write(group, m, state);
    if (group >= 0) H5Gclose(group);
    return result;
}

static int write_all(hid_t file, const sl_model *m, const sl_checkpoint *c, const double *history)
{
    const uint64_t version = VERSION;
    const size_t table[2] = {c->n_epochs, COLUMNS}, length = strlen(c->config), parameters = sl_model_parameters(m);
    int bad = sl_h5_attribute_write(file, "magic", H5T_STD_U64LE, &MAGIC) < 0;
    bad |= sl_h5_attribute_write(file, "version", H5T_STD_U64LE, &version) < 0;
    bad |= sl_h5_attribute_write(file, "step", H5T_STD_U64LE, &c->step) < 0;
    bad |= sl_h5_attribute_write(file, "loss_sum", H5T_IEEE_F64LE, &c->loss_sum) < 0;
    bad |= sl_h5_attribute_write(file, "right_sum", H5T_IEEE_F64LE, &c->right_sum) < 0;
    bad |= sl_h5_attribute_write(file, "image_sum", H5T_IEEE_F64LE, &c->image_sum) < 0;
    bad |= sl_h5_write(file, "config", H5T_STD_U8LE, 1, &length, c->config) < 0;
    bad |= sl_h5_write(file, "history", H5T_IEEE_F64LE, 2, table, history) < 0;
    bad |= write_weights(file, m, c->state) < 0;
    bad |= sl_h5_write(file, "velocity", H5T_IEEE_F32LE, 1, &parameters, c->velocity) < 0;
    if (c->n_regime_numbers > 0)
        bad |= sl_h5_write(file, "regime_numbers", H5T_IEEE_F64LE, 1, &c->n_regime_numbers, c->regime_numbers) < 0;
    if (c->n_regime_vectors > 0)
        bad |= sl_h5_write(file, "regime_vectors", H5T_IEEE_F32LE, 1, &c->n_regime_vectors, c->regime_vectors) < 0;
    return bad ? -1 : 0;
}

sl_status sl_checkpoint_write(const char *path, const sl_model *m, const sl_checkpoint *c, sl_err *err)
{
    double *const history = malloc((c->n_epochs + 1) * COLUMNS * sizeof *history); /* never of size 0 */
    if (!history) return sl_fail(err, SL_E_MEMORY, "no memory to write '%s'", path);
    for (size_t i = 0; i < c->n_epochs; i++) to_row(history + i * COLUMNS, &c->epochs[i]);
    const hid_t file = sl_h5_create();
    char *image = NULL;
    size_t size = 0;
    const int written = file < 0 ? -1 : write_all(file, m, c, history);
    const int closed = file < 0 ? -1 : sl_h5_close(file, &image, &size);
    free(history);
    if (written < 0 || closed < 0) {
        free(image);
        return sl_fail(err, SL_E_WRITE, "cannot write '%s': HDF5 failed", path);
    }
    return sl_image_write(path, image, size, err);
}

/* The first word (up to a blank) in which two configurations differ. */
static sl_status refuse(const char *path, const char *found, const char *expected, sl_err *err)
{
    size_t word = 0, i = 0;
    for (; found[i] && found[i] == expected[i]; i++)
        if (found[i] == ' ') word = i + 1;
    return sl_fail(err, SL_E_CONFIG, "%s belongs to another configuration: it has '%.*s', this run '%.*s'", path,
                   (int)strcspn(found + word, " "), found + word, (int)strcspn(expected + word, " "), expected + word);
}

/* A data set of that rank into memory of ours, with a NUL behind it. columns: of its last size, if rank is 2. */
static void *read_array(hid_t file, const char *name, hid_t type, size_t element, size_t rank, size_t columns,
                        size_t *n)
{
    sl_h5_array a;
    if (sl_h5_inspect(&a, file, name) < 0 || !a.is_number || a.rank != rank) return NULL;
    if (rank == 2 && a.shape[1] != columns) return NULL;
    void *const data = calloc(a.shape[0] * columns + 1, element);
    *n = a.shape[0];
    if (data && sl_h5_read(file, name, type, data) >= 0) return data;
    free(data);
    return NULL;
}

/* What is read before it is given to the caller. */
typedef struct {
    sl_checkpoint c;
    char *config;
    double *history;
} parts;

static sl_status read_weights(float *state, hid_t file, const sl_model *m, const char *path, sl_err *err)
{
    const hid_t group = H5Gopen2(file, "weights", H5P_DEFAULT);
    if (group < 0) return sl_fail(err, SL_E_FORMAT, "%s: no group 'weights'", path);
    const sl_status st = sl_views_read(state, group, m, path, err);
    H5Gclose(group);
    return st;
}

static sl_status read_flat(void *to, hid_t file, const char *name, hid_t type, size_t n, const char *path, sl_err *err)
{
    char found[128] = "none", expected[128];
    sl_h5_array a;
    if (n == 0) return SL_OK;
    sl_h5_print_shape(expected, sizeof expected, 1, &n);
    const bool there = sl_h5_inspect(&a, file, name) >= 0 && a.is_number;
    if (there) sl_h5_print_shape(found, sizeof found, a.rank, a.shape);
    if (!there || a.rank != 1 || a.shape[0] != n || sl_h5_read(file, name, type, to) < 0)
        return sl_fail(err, SL_E_FORMAT, "%s: '%s' has shape %s, expected %s", path, name, found, expected);
    return SL_OK;
}

static sl_status read_all(parts *p, hid_t file, const char *path, const sl_model *m, const char *expected, sl_err *err)
{
    uint64_t magic = 0, version = 0;
    if (sl_h5_attribute_read(file, "magic", H5T_NATIVE_UINT64, &magic) < 0 || magic != MAGIC)
        return sl_fail(err, SL_E_FORMAT, "%s: not a checkpoint of sgdlab", path);
    if (sl_h5_attribute_read(file, "version", H5T_NATIVE_UINT64, &version) < 0 || version != VERSION)
        return sl_fail(err, SL_E_FORMAT, "%s: checkpoint of version %llu, expected %d", path,
                       (unsigned long long)version, VERSION);
    size_t length = 0;
    p->config = read_array(file, "config", H5T_NATIVE_UINT8, 1, 1, 1, &length);
    if (!p->config) return sl_fail(err, SL_E_FORMAT, "%s: no configuration in it", path);
    if (expected && strcmp(p->config, expected) != 0) return refuse(path, p->config, expected, err);
    p->history = read_array(file, "history", H5T_NATIVE_DOUBLE, sizeof(double), 2, COLUMNS, &p->c.n_epochs);
    if (!p->history || sl_h5_attribute_read(file, "step", H5T_NATIVE_UINT64, &p->c.step) < 0 ||
        sl_h5_attribute_read(file, "loss_sum", H5T_NATIVE_DOUBLE, &p->c.loss_sum) < 0 ||
        sl_h5_attribute_read(file, "right_sum", H5T_NATIVE_DOUBLE, &p->c.right_sum) < 0 ||
        sl_h5_attribute_read(file, "image_sum", H5T_NATIVE_DOUBLE, &p->c.image_sum) < 0)
        return sl_fail(err, SL_E_FORMAT, "%s: step, sums or history are missing", path);
    SL_TRY(read_weights(p->c.state, file, m, path, err));
    SL_TRY(read_flat(p->c.velocity, file, "velocity", H5T_NATIVE_FLOAT, sl_model_parameters(m), path, err));
    SL_TRY(read_flat(p->c.regime_numbers, file, "regime_numbers", H5T_NATIVE_DOUBLE, p->c.n_regime_numbers, path, err));
    return read_flat(p->c.regime_vectors, file, "regime_vectors", H5T_NATIVE_FLOAT, p->c.n_regime_vectors, path, err);
}

sl_status sl_checkpoint_read(sl_checkpoint *c, const char *path, const sl_model *m, sl_err *err)
{
    const size_t states = sl_model_state(m), parameters = sl_model_parameters(m);
    char *bytes;
    size_t size;
    SL_TRY(sl_read_file(&bytes, &size, path, LARGEST, err));
    const size_t numbers = c->n_regime_numbers, vectors = c->n_regime_vectors;
    float *const both = malloc((states + parameters + vectors) * sizeof *both);
    double *const kept = malloc((numbers + 1) * sizeof *kept); /* never of size 0 */
    parts p = {.c = {.state = both, .velocity = both + states, .regime_vectors = both + states + parameters,
                     .regime_numbers = kept, .n_regime_numbers = numbers, .n_regime_vectors = vectors}};
    hid_t file = -1;
    sl_status st;
    if (!both || !kept)
        st = sl_fail(err, SL_E_MEMORY, "no memory to read '%s'", path);
    else if (sl_seal_check(bytes, size) != SL_SEAL_GOOD)
        st = sl_fail(err, SL_E_FORMAT, "%s: damaged (its checksum does not fit), or not a checkpoint", path);
    else if ((file = sl_h5_open(&bytes, size)) < 0)
        st = sl_fail(err, SL_E_FORMAT, "%s: not an HDF5 file", path);
    else
        st = read_all(&p, file, path, m, c->config, err);
    if (file >= 0) sl_h5_close(file, NULL, NULL);
    free(bytes);

    sl_epoch *const epochs = st == SL_OK ? calloc(p.c.n_epochs + 1, sizeof *epochs) : NULL;
    if (st == SL_OK && !epochs) st = sl_fail(err, SL_E_MEMORY, "no memory to read '%s'", path);
    if (st == SL_OK) {
        for (size_t i = 0; i < p.c.n_epochs; i++) epochs[i] = from_row(p.history + i * COLUMNS);
        memcpy(c->state, p.c.state, states * sizeof *both);
        memcpy(c->velocity, p.c.velocity, parameters * sizeof *both);
        if (numbers > 0) memcpy(c->regime_numbers, kept, numbers * sizeof *kept);
        if (vectors > 0) memcpy(c->regime_vectors, p.c.regime_vectors, vectors * sizeof *both);
        p.c.regime_numbers = c->regime_numbers;
        p.c.regime_vectors = c->regime_vectors;
        p.c.state = c->state;
        p.c.velocity = c->velocity;
        p.c.epochs = epochs;
        p.c.config = c->config;
        *c = p.c;
    }
    free(p.config);
    free(p.history);
    free(both);
    free(kept);
    return st;
}
