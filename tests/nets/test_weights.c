#include "tests/test.h"

#include <hdf5.h>

#include "nets/seal.h"
#include "nets/weights.h"
#include "tests/nets/temp.h"

static sl_model *model;
static float *params, *found;
static size_t n;

static int group_setup(void **state)
{
    if (sl_model_alloc(&model, "mlp:hidden=6", 1, 2, 4, 3, NULL) != SL_OK) return -1;
    n = sl_model_parameters(model);
    params = calloc(n, sizeof *params);
    found = calloc(n, sizeof *found);
    sl_model_init(model, params, 3, 0);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return temp_setup(state);
}

static int group_teardown(void **state)
{
    sl_model_free(model);
    free(params);
    free(found);
    return temp_teardown(state);
}

static void read__gives_back_what_was_written(void **state)
{
    (void)state;
    const char *const path = temp_path("w.h5");
    assert_ok(sl_weights_write(path, model, params, &err));
    assert_ok(sl_weights_read(found, path, model, &err));
    assert_memory_equal(found, params, n * sizeof *params);
    assert_ok(sl_weights_write(temp_path("w2.h5"), model, params, &err));
    assert_true(temp_same(path, temp_path("w2.h5")));
}

/* Read with the HDF5 library alone, as any other program would: names, shapes, type, order. */
static void write__is_plain_hdf5(void **state)
{
    (void)state;
    const char *const path = temp_path("plain.h5");
    assert_ok(sl_weights_write(path, model, params, &err));
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    static const char *const names[] = {"0.weight", "0.bias", "2.weight", "2.bias"};
    static const hsize_t shapes[][2] = {{6, 8}, {6, 0}, {3, 6}, {3, 0}};
    const float *expected = params;
    for (int i = 0; i < 4; i++) {
        float values[48];
        hsize_t shape[2] = {0, 0};
        const hid_t set = H5Dopen2(file, names[i], H5P_DEFAULT);
        assert_true(set >= 0);
        const hid_t space = H5Dget_space(set), type = H5Dget_type(set);
        assert_int_equal(H5Sget_simple_extent_dims(space, shape, NULL), i % 2 ? 1 : 2);
        assert_memory_equal(shape, shapes[i], sizeof shape);
        assert_true(H5Tequal(type, H5T_IEEE_F32LE) > 0);
        assert_true(H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
        const size_t size = shape[0] * (i % 2 ? 1 : shape[1]);
        assert_memory_equal(values, expected, size * sizeof *values);
        expected += size;
        H5Tclose(type);
        H5Sclose(space);
        H5Dclose(set);
    }
    H5Fclose(file);
}

/* A weights file as another program makes one: in doubles, without our seal. skip: the parameter left out;
 * extra: one more data set; transposed: the shape of 0.weight turned round; text: 2.bias as strings. */
static void write_foreign(const char *path, const char *skip, int extra, int transposed, int text)
{
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (size_t i = 0; i < 4; i++) {
        const sl_view *const v = sl_model_view(model, i);
        hsize_t shape[2] = {v->shape[0], v->shape[1]};
        if (strcmp(v->name, skip) == 0) continue;
        if (transposed && i == 0) shape[0] = v->shape[1], shape[1] = v->shape[0];
        const hid_t type = text && i == 3 ? H5T_C_S1 : H5T_IEEE_F64BE;
        const hid_t space = H5Screate_simple((int)v->rank, shape, NULL);
        const hid_t set = H5Dcreate2(file, v->name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        if (type != H5T_C_S1) H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, params + v->offset);
        H5Dclose(set);
        H5Sclose(space);
    }
    if (extra) H5Gclose(H5Gcreate2(file, "4.weight", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Fclose(file);
}

static void read__takes_files_of_other_programs(void **state)
{
    (void)state;
    const char *const path = temp_path("foreign.h5");
    write_foreign(path, "", 0, 0, 0);
    memset(found, 0, n * sizeof *found);
    assert_ok(sl_weights_read(found, path, model, &err));
    assert_memory_equal(found, params, n * sizeof *params);
}

static void read__refuses_what_does_not_fit(void **state)
{
    (void)state;
    const char *const path = temp_path("unfit.h5");
    float *const before = malloc(n * sizeof *before);
    for (size_t i = 0; i < n; i++) found[i] = (float)i;
    memcpy(before, found, n * sizeof *before);
    write_foreign(path, "2.weight", 0, 0, 0);
    assert_fails(sl_weights_read(found, path, model, &err), SL_E_FORMAT,
                 "no data set '2.weight', expected shape [3, 6]");
    write_foreign(path, "", 1, 0, 0);
    assert_fails(sl_weights_read(found, path, model, &err), SL_E_FORMAT, "'4.weight' is not a parameter");
    write_foreign(path, "", 0, 1, 0);
    assert_fails(sl_weights_read(found, path, model, &err), SL_E_FORMAT,
                 "'0.weight' has shape [8, 6], expected [6, 8]");
    write_foreign(path, "", 0, 0, 1);
    assert_fails(sl_weights_read(found, path, model, &err), SL_E_FORMAT, "'2.bias' does not hold numbers");
    write_foreign(path, "2.weight", 1, 1, 1);
    assert_fails(sl_weights_read(found, path, model, &err), SL_E_FORMAT,
                 "4 data sets do not fit: '0.weight' has shape [8, 6], expected [6, 8]; no data set '2.weight', expected "
                 "shape [3, 6]; '2.bias' does not hold numbers; '4.weight' is not a parameter of this model");
    assert_fails(sl_weights_read(found, temp_path("none.h5"), model, &err), SL_E_FILE, "none.h5");
    assert_fails(sl_weights_read(found, temp_dir, model, &err), SL_E_FILE, temp_dir);
    temp_write(path, "not at all", 10);
    assert_fails(sl_weights_read(found, path, model, &err), SL_E_FORMAT, "not an HDF5 file");
    temp_write(path, "", 0);
    assert_fails(sl_weights_read(found, path, model, &err), SL_E_FORMAT, "not an HDF5 file");
    assert_memory_equal(found, before, n * sizeof *before);
    free(before);
}

static void read__refuses_what_is_not_finite(void **state)
{
    (void)state;
    const char *const path = temp_path("nan.h5");
    const size_t at = sl_model_view(model, 2)->offset + 7;
    const float before = params[at];
    params[at] = NAN;
    const sl_status written = sl_weights_write(path, model, params, NULL);
    params[at] = before;
    memcpy(found, params, n * sizeof *params);
    assert_int_equal(written, SL_OK);
    assert_fails(sl_weights_read(found, path, model, &err), SL_E_FORMAT,
                 "nan.h5: '2.weight' holds what is not a finite float32 number, at 7 of 18");
    assert_memory_equal(found, params, n * sizeof *params);
}

/* Where they are too many for a message, it says how many there are and how many it leaves out. */
static void read__counts_what_it_cannot_list(void **state)
{
    (void)state;
    const char *const path = temp_path("small.h5");
    sl_model *large;
    sl_err why = {0};
    unsigned long missing = 0, more = 0;
    assert_ok(sl_weights_write(path, model, params, &err));
    assert_ok(sl_model_alloc(&large, "resnet20:channels=2", 3, 8, 8, 10, &err));
    float *const into = calloc(sl_model_state(large), sizeof *into);
    const sl_status st = sl_weights_read(into, path, large, &why);
    const size_t views = sl_model_n_views(large);
    sl_model_free(large);
    free(into);
    assert_int_equal(st, SL_E_FORMAT);
    assert_true(strlen(why.message) > 500 && strlen(why.message) < sizeof why.message - 1);
    assert_int_equal(sscanf(why.message + strlen(path), ": %lu data sets do not fit: no data set 'conv1.weight'", &missing),
                     1);
    assert_int_equal(missing, views + 4); /* and the four of the mlp are none of its own */
    const char *const end = strstr(why.message, "; and ");
    assert_non_null(end);
    assert_int_equal(sscanf(end, "; and %lu more", &more), 1);
    unsigned long said = 0;
    for (const char *at = why.message; (at = strstr(at, "no data set")); at++) said++;
    assert_int_equal(said + more, missing);
}

/* Names and numbers as PyTorch's: running statistics, and a counter that is of no use to us. */
static void weights__hold_running_statistics(void **state)
{
    (void)state;
    const char *const path = temp_path("bn.h5");
    sl_model *m;
    assert_ok(sl_model_alloc(&m, "conv 2 3; bn; relu; globalavg; linear", 1, 4, 4, 3, &err));
    const size_t numbers = sl_model_state(m);
    float *const a = calloc(2 * numbers, sizeof *a), *const b = a + numbers;
    for (size_t i = 0; i < numbers; i++) a[i] = (float)i / 8;
    sl_status st = sl_weights_write(path, m, a, NULL);
    /* The seal stands behind the end of what HDF5 knows of, and goes: a foreign file now. */
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    const long long tracked = 5;
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t set = H5Dcreate2(file, "1.num_batches_tracked", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, H5T_NATIVE_LLONG, H5S_ALL, H5S_ALL, H5P_DEFAULT, &tracked);
    float mean[2] = {0};
    const hid_t running = H5Dopen2(file, "1.running_mean", H5P_DEFAULT);
    H5Dread(running, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, mean);
    H5Dclose(running);
    H5Dclose(set);
    H5Sclose(space);
    H5Fclose(file);
    if (st == SL_OK) st = sl_weights_read(b, path, m, NULL);
    const int same = memcmp(a, b, numbers * sizeof *a) == 0, is_mean = mean[0] == a[sl_model_parameters(m)];
    sl_model_free(m);
    free(a);
    assert_int_equal(st, SL_OK);
    assert_true(same);
    assert_true(is_mean);
    assert_true(mean[0] > 0);
}

/* Our own files carry a checksum: whatever byte changes before the seal's mark, it shows. */
static void read__sees_every_damaged_byte(void **state)
{
    (void)state;
    const char *const path = temp_path("damaged.h5");
    size_t size;
    assert_ok(sl_weights_write(path, model, params, &err));
    unsigned char *const bytes = temp_read(path, &size);
    for (size_t k = 0; k < size; k += k < size - 40 ? 13 : 1) {
        const int in_mark = k >= size - SL_SEAL_SIZE && k < size - SL_SEAL_SIZE + 8;
        if (in_mark) continue; /* then it counts as a file of another program, whose data are whole */
        bytes[k] ^= (unsigned char)(1u << k % 8);
        temp_write(path, bytes, size);
        assert_fails(sl_weights_read(found, path, model, &err), SL_E_FORMAT, "damaged");
        bytes[k] ^= (unsigned char)(1u << k % 8);
    }
    for (size_t k = 0; k + SL_SEAL_SIZE < size; k += 101) {
        temp_write(path, bytes, k);
        assert_fails(sl_weights_read(found, path, model, &err), SL_E_FORMAT, path);
    }
    free(bytes);
}

static void write__names_what_cannot_be_written(void **state)
{
    (void)state;
    assert_fails(sl_weights_write(temp_path("no/folder.h5"), model, params, &err), SL_E_WRITE, "no/folder.h5");
    assert_fails(sl_weights_write(temp_dir, model, params, &err), SL_E_WRITE, temp_dir);
}

/* A program of one's own may hold a file open, of whatever name, in HDF5's memory driver, as we do ours. */
static void write__is_not_confused_with_a_file_of_the_folder(void **state)
{
    (void)state;
    char folder[1024];
    const char *const path = temp_path("beside.h5");
    assert_non_null(getcwd(folder, sizeof folder));
    assert_int_equal(chdir(temp_dir), 0);
    H5Fclose(H5Fcreate("image.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 65536, 0);
    const hid_t file = H5Fopen("image.h5", H5F_ACC_RDONLY, access);
    sl_err err = {0};
    const sl_status st = sl_weights_write(path, model, params, &err);
    H5Fclose(file);
    H5Pclose(access);
    assert_int_equal(chdir(folder), 0);
    assert_true(file >= 0);
    if (st != SL_OK) fail_msg("%s", err.message);
}

static void checksum__known_cases(void **state)
{
    (void)state;
    unsigned char bytes[64 + SL_SEAL_SIZE] = {0};
    assert_true(sl_checksum(bytes, 7, 0) != sl_checksum(bytes, 8, 0)); /* the length counts */
    assert_true(sl_checksum(bytes, 8, 0) != sl_checksum(bytes, 8, 1));
    sl_seal((char *)bytes, 64);
    assert_int_equal(sl_seal_check((char *)bytes, sizeof bytes), SL_SEAL_GOOD);
    assert_int_equal(sl_seal_check((char *)bytes, 64), SL_SEAL_ABSENT);
    assert_int_equal(sl_seal_check((char *)bytes, 3), SL_SEAL_ABSENT);
    assert_int_equal(sl_seal_check((char *)bytes + 8, sizeof bytes - 8), SL_SEAL_BROKEN);
    for (size_t bit = 0; bit < 64 * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_int_equal(sl_seal_check((char *)bytes, sizeof bytes), SL_SEAL_BROKEN);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__gives_back_what_was_written),
        cmocka_unit_test(write__is_plain_hdf5),
        cmocka_unit_test(read__takes_files_of_other_programs),
        cmocka_unit_test(read__refuses_what_does_not_fit),
        cmocka_unit_test(read__refuses_what_is_not_finite),
        cmocka_unit_test(read__counts_what_it_cannot_list),
        cmocka_unit_test(weights__hold_running_statistics),
        cmocka_unit_test(read__sees_every_damaged_byte),
        cmocka_unit_test(write__names_what_cannot_be_written),
        cmocka_unit_test(write__is_not_confused_with_a_file_of_the_folder),
        cmocka_unit_test(checksum__known_cases),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
