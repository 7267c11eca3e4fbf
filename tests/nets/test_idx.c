#include "tests/test.h"

#include <zlib.h>

#include "nets/data/idx.h"
#include "nets/dataset.h"
#include "tests/nets/temp.h"

/* Two pictures of 2 by 3. */
static const unsigned char good[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2,  0,  0,
                                     0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
enum { HEADER = 16 };

static void write_gz(const char *path, const void *bytes, size_t n)
{
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)n), n);
    assert_int_equal(gzclose(f), Z_OK);
}

static void check_good(const char *path)
{
    sl_idx a;
    assert_ok(sl_idx_read(&a, path, 3, &err));
    assert_int_equal(a.rank, 3);
    assert_int_equal(a.shape[0], 2);
    assert_int_equal(a.shape[1], 2);
    assert_int_equal(a.shape[2], 3);
    assert_int_equal(a.size, 12);
    assert_memory_equal(a.data, good + HEADER, 12);
    sl_idx_clear(&a);
}

static void read__plain_and_compressed(void **state)
{
    (void)state;
    temp_write(temp_path("a"), good, sizeof good);
    check_good(temp_path("a"));
    write_gz(temp_path("a.gz"), good, sizeof good);
    check_good(temp_path("a.gz"));
}

/* Every proper prefix is refused as cut short, plain or compressed, and the output stays as it was. */
static void read__refuses_every_truncation(void **state)
{
    (void)state;
    const char *const path = temp_path("cut");
    for (size_t n = 0; n < sizeof good; n++) {
        sl_idx a = {.rank = 77};
        temp_write(path, good, n);
        assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, "cut short");
        assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, path);
        write_gz(path, good, n);
        assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, "cut short");
        assert_int_equal(a.rank, 77);
    }
    /* Cut within the compressed stream: its header, its data, its checksum. */
    size_t n;
    write_gz(path, good, sizeof good);
    unsigned char *const bytes = temp_read(path, &n);
    for (size_t k = 3; k < n; k++) {
        sl_idx a = {.rank = 77};
        temp_write(path, bytes, k);
        assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, path);
        assert_int_equal(a.rank, 77);
    }
    free(bytes);
}

static void read__refuses_damaged_compression(void **state)
{
    (void)state;
    const char *const path = temp_path("damaged.gz");
    size_t n;
    write_gz(path, good, sizeof good);
    unsigned char *const bytes = temp_read(path, &n);
    for (size_t k = n - 8; k < n; k++) { /* checksum and length */
        sl_idx a;
        bytes[k] ^= 1;
        temp_write(path, bytes, n);
        assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, "damaged");
        bytes[k] ^= 1;
    }
    free(bytes);
}

static void with(const char *path, size_t at, unsigned char value)
{
    unsigned char bytes[sizeof good];
    memcpy(bytes, good, sizeof good);
    bytes[at] = value;
    temp_write(path, bytes, sizeof bytes);
}

static void read__refuses_wrong_magic(void **state)
{
    (void)state;
    const char *const path = temp_path("magic");
    sl_idx a;
    with(path, 0, 1);
    assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, "magic number 0x01000803, expected 0x00000803");
    with(path, 2, 0x0d); /* floats */
    assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, "magic number 0x00000d03");
    with(path, 3, 1);
    assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, "magic number 0x00000801");
    temp_write(path, good, sizeof good);
    assert_fails(sl_idx_read(&a, path, 1, &err), SL_E_FORMAT, "expected 0x00000801");
}

static void read__refuses_wrong_sizes(void **state)
{
    (void)state;
    const char *const path = temp_path("sizes");
    sl_idx a;
    with(path, 7, 0);
    assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, "size 1 of 3 is 0");
    with(path, 11, 1); /* fewer bytes promised than there are */
    assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, "goes on after the 6 bytes");
    with(path, 11, 3);
    assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, "found 12 bytes of 18");
    with(path, 4, 255);
    assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, "promises more than");
    unsigned char longer[sizeof good + 1] = {0};
    memcpy(longer, good, sizeof good);
    write_gz(path, longer, sizeof longer);
    assert_fails(sl_idx_read(&a, path, 3, &err), SL_E_FORMAT, "goes on after the 12 bytes");
}

/* Root may read everything, so permission is tested as nobody. */
static void read__names_what_cannot_be_opened(void **state)
{
    (void)state;
    sl_idx a;
    assert_fails(sl_idx_read(&a, temp_path("none"), 3, &err), SL_E_FILE, "No such file");
    assert_fails(sl_idx_read(&a, temp_dir, 3, &err), SL_E_FILE, "Is a directory");
    assert_fails(sl_idx_read(&a, "/dev/null", 3, &err), SL_E_FILE, "not a regular file");
    const char *const path = temp_path("secret");
    temp_write(path, good, sizeof good);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(temp_dir, 0755), 0);
    const int root = geteuid() == 0;
    if (root) assert_int_equal(seteuid(65534), 0);
    sl_err err = {0};
    const sl_status st = sl_idx_read(&a, path, 3, &err);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(st, SL_E_FILE);
    assert_non_null(strstr(err.message, "Permission denied"));
    assert_non_null(strstr(err.message, path));
}

/* A whole data set of three training and two test pictures of 2 by 2, whose files the tests then spoil. */
static const unsigned char train_images[] = {0, 0, 8, 3,  0,   0,   0, 3, 0, 0, 0, 2, 0, 0,
                                             0, 2, 0, 51, 102, 255, 1, 2, 3, 4, 5, 6, 7, 8};
static const unsigned char train_labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 5};
static const unsigned char test_images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 9, 9, 9, 9, 8, 8, 8, 8};
static const unsigned char test_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 2};

static void write_set(const char *folder)
{
    char path[256];
    if (*folder) mkdir(temp_path(folder), 0755);
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", folder);
    temp_write(temp_path(path), train_images, sizeof train_images);
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", folder);
    temp_write(temp_path(path), train_labels, sizeof train_labels);
    snprintf(path, sizeof path, "%s/t10k-images.idx3-ubyte.gz", folder);
    write_gz(temp_path(path), test_images, sizeof test_images);
    snprintf(path, sizeof path, "%s/t10k-labels-idx1-ubyte", folder);
    temp_write(temp_path(path), test_labels, sizeof test_labels);
}

static void mnist__is_found_in_folder_and_subfolder(void **state)
{
    (void)state;
    write_set("set");
    mkdir(temp_path("up"), 0755);
    write_set("up/mnist");
    const char *const folders[] = {"set", "up"};
    for (int i = 0; i < 2; i++) {
        sl_dataset a, b;
        assert_int_equal(sl_dataset_available("mnist", temp_path(folders[i])), 1);
        assert_ok(sl_dataset_load(&a, &b, "mnist", temp_path(folders[i]), &err));
        assert_int_equal(a.n, 3);
        assert_int_equal(a.features, 4);
        assert_int_equal(b.n, 2);
        float x[4];
        uint8_t label;
        sl_dataset_gather(&a, x, &label, NULL, 0, 1);
        assert_int_equal(label, 9);
        const double pixel[4] = {0, 0.2, 0.4, 1};
        for (int k = 0; k < 4; k++) assert_close(x[k], (pixel[k] - 0.1307) / 0.3081, 1e-6);
        sl_dataset_free(&a);
        sl_dataset_free(&b);
    }
    sl_dataset a, b;
    assert_int_equal(sl_dataset_available("mnist", temp_dir), 0);
    assert_fails(sl_dataset_load(&a, &b, "mnist", temp_dir, &err), SL_E_FILE, temp_dir);
    assert_fails(sl_dataset_load(&a, &b, "mnits", temp_dir, &err), SL_E_NAME, "did you mean 'mnist'");
}

static void mnist__refuses_files_that_do_not_fit(void **state)
{
    (void)state;
    write_set("bad");
    const char *const dir = temp_path("bad");
    sl_dataset a, b;
    unsigned char labels[sizeof train_labels];
    memcpy(labels, train_labels, sizeof labels);
    labels[9] = 10;
    temp_write(temp_path("bad/train-labels-idx1-ubyte"), labels, sizeof labels);
    assert_fails(sl_dataset_load(&a, &b, "mnist", dir, &err), SL_E_FORMAT, "label 1 is 10, expected 0 to 9");
    temp_write(temp_path("bad/train-labels-idx1-ubyte"), test_labels, sizeof test_labels);
    assert_fails(sl_dataset_load(&a, &b, "mnist", dir, &err), SL_E_FORMAT, "holds 2 labels, expected 3");

    write_set("bad");
    unsigned char wide[sizeof test_images];
    memcpy(wide, test_images, sizeof wide);
    wide[11] = 1, wide[15] = 4;
    write_gz(temp_path("bad/t10k-images.idx3-ubyte.gz"), wide, sizeof wide);
    assert_fails(sl_dataset_load(&a, &b, "mnist", dir, &err), SL_E_FORMAT, "1x4 pictures, expected 2x2");
    unlink(temp_path("bad/t10k-images.idx3-ubyte.gz"));
    assert_fails(sl_dataset_load(&a, &b, "mnist", dir, &err), SL_E_FILE, "no t10k-images-idx3-ubyte");
}

/* A folder that may not be entered is not one without the files. As nobody, as above. */
static void mnist__says_when_a_folder_may_not_be_entered(void **state)
{
    (void)state;
    write_set("closed");
    const char *const dir = temp_path("closed");
    assert_int_equal(chmod(dir, 0), 0);
    assert_int_equal(chmod(temp_dir, 0755), 0);
    const int root = geteuid() == 0;
    if (root) assert_int_equal(seteuid(65534), 0);
    sl_dataset a, b;
    sl_err err = {0};
    const sl_status st = sl_dataset_load(&a, &b, "mnist", dir, &err);
    const int available = sl_dataset_available("mnist", dir);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(st, SL_E_FILE);
    assert_non_null(strstr(err.message, dir));
    assert_non_null(strstr(err.message, "Permission denied"));
    assert_int_equal(available, 0);
}

/* Whatever stood in the caller's structs: nothing of it is freed when the second part cannot be read. */
static void mnist__failing_half_way_frees_only_its_own(void **state)
{
    (void)state;
    write_set("half");
    unlink(temp_path("half/t10k-labels-idx1-ubyte"));
    sl_spec spec;
    assert_ok(sl_spec_parse(&spec, "mnist", "data set", sl_dataset_entries(), sl_n_datasets, &err));
    const sl_dataset_kind *const kind = (const sl_dataset_kind *)spec.entry;
    sl_dataset a, b;
    memset(&a, 0x55, sizeof a);
    memset(&b, 0x55, sizeof b);
    assert_fails(kind->load(&a, &b, &spec, temp_path("half"), &err), SL_E_FILE, "no t10k-labels-idx1-ubyte");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__plain_and_compressed),
        cmocka_unit_test(read__refuses_every_truncation),
        cmocka_unit_test(read__refuses_damaged_compression),
        cmocka_unit_test(read__refuses_wrong_magic),
        cmocka_unit_test(read__refuses_wrong_sizes),
        cmocka_unit_test(read__names_what_cannot_be_opened),
        cmocka_unit_test(mnist__is_found_in_folder_and_subfolder),
        cmocka_unit_test(mnist__refuses_files_that_do_not_fit),
        cmocka_unit_test(mnist__says_when_a_folder_may_not_be_entered),
        cmocka_unit_test(mnist__failing_half_way_frees_only_its_own),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
