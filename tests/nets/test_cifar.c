#include "tests/test.h"

#include <zlib.h>

#include "nets/dataset.h"
#include "tests/nets/temp.h"

enum { RECORD10 = 3073, RECORD100 = 3074, PIXELS = 3072 };
static unsigned char bytes[64 * RECORD100];

/* Pixel k of picture i of file number f. */
static unsigned char pixel(size_t f, size_t i, size_t k)
{
    return (unsigned char)(f * 31 + i * 7 + k + (k >> 8));
}

static void fill(size_t f, size_t n, size_t label_bytes, size_t classes)
{
    const size_t record = label_bytes + PIXELS;
    for (size_t i = 0; i < n; i++) {
        unsigned char *const r = bytes + i * record;
        if (label_bytes == 2) r[0] = (unsigned char)(i % 20);
        r[label_bytes - 1] = (unsigned char)((f + i) % classes);
        for (size_t k = 0; k < PIXELS; k++) r[label_bytes + k] = pixel(f, i, k);
    }
}

static void write_plain(const char *folder, const char *name, size_t n)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    temp_write(path, bytes, n);
}

static void write_gz(const char *folder, const char *name, size_t n)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)n), n);
    assert_int_equal(gzclose(f), Z_OK);
}

/* A folder with the batches of that mask (bit b: data_batch_b+1, of 3 + b pictures) and 2 test pictures. */
static const char *make10(const char *name, unsigned batches)
{
    const char *const folder = temp_path(name);
    assert_int_equal(mkdir(folder, 0777), 0);
    for (size_t b = 0; b < 5; b++) {
        char file[32];
        if (!(batches >> b & 1)) continue;
        snprintf(file, sizeof file, b == 2 ? "data_batch_%zu.bin.gz" : "data_batch_%zu.bin", b + 1);
        fill(b, 3 + b, 1, 10);
        (b == 2 ? write_gz : write_plain)(folder, file, (3 + b) * RECORD10);
    }
    fill(9, 2, 1, 10);
    write_plain(folder, "test_batch.bin", 2 * RECORD10);
    return folder;
}

static void check10(const sl_dataset *d, unsigned batches)
{
    size_t at = 0;
    for (size_t b = 0; b < 5; b++)
        for (size_t i = 0; batches >> b & 1 && i < 3 + b && at < d->n; i++, at++) {
            assert_int_equal(d->labels[at], (b + i) % 10);
            for (size_t k = 0; k < PIXELS; k++) assert_int_equal(d->pixels[at * PIXELS + k], pixel(b, i, k));
        }
    assert_int_equal(at, d->n);
}

static void load__reads_all_batches_wherever_they_lie(void **state)
{
    (void)state;
    const char *const top = temp_path("all");
    assert_int_equal(mkdir(top, 0777), 0);
    make10("all/cifar10", 31);
    mkdir(temp_path("official"), 0777);
    make10("official/cifar-10-batches-bin", 31);
    const char *const places[] = {temp_path("all"), temp_path("all/cifar10"), temp_path("official")};
    for (int i = 0; i < 3; i++) {
        sl_dataset a, b;
        assert_int_equal(sl_dataset_available("cifar10", places[i]), 1);
        assert_ok(sl_dataset_load(&a, &b, "cifar10", places[i], &err));
        assert_int_equal(a.n, 3 + 4 + 5 + 6 + 7);
        assert_int_equal(b.n, 2);
        assert_int_equal(a.classes, 10);
        assert_true(a.channels == 3 && a.height == 32 && a.width == 32 && a.features == PIXELS);
        check10(&a, 31);
        assert_int_equal(b.labels[1], 0);
        assert_int_equal(b.pixels[PIXELS + 700], pixel(9, 1, 700));
        assert_string_equal(a.note, "");
        assert_non_null(strstr(a.origin, "data_batch_2.bin, data_batch_3.bin.gz, data_batch_4.bin"));
        assert_non_null(strstr(b.origin, "test_batch.bin"));
        /* The constants, through the gather: red of the first pixel. */
        float *const x = malloc(PIXELS * sizeof *x);
        uint8_t label;
        sl_dataset_gather(&a, x, &label, NULL, 0, 1);
        const double mean[] = {0.4914, 0.4822, 0.4465}, deviation[] = {0.2470, 0.2435, 0.2616};
        for (size_t c = 0; c < 3; c++)
            assert_near((double)x[3 * 5 + c], (pixel(0, 0, 1024 * c + 5) / 255.0 - mean[c]) / deviation[c], 1e-6);
        free(x);
        sl_dataset_free(&a);
        sl_dataset_free(&b);
    }
}

static void load__reads_what_there_is_and_says_so(void **state)
{
    (void)state;
    const char *const folder = make10("some", 1 | 8);
    sl_dataset a, b;
    assert_ok(sl_dataset_load(&a, &b, "cifar10", folder, &err));
    assert_int_equal(a.n, 3 + 6);
    check10(&a, 1 | 8);
    assert_non_null(strstr(a.note, "found 2 of the 5 training batches of cifar10: 9 pictures"));
    assert_string_equal(b.note, "");
    sl_dataset_free(&a);
    sl_dataset_free(&b);
}

static void load__takes_the_first_samples(void **state)
{
    (void)state;
    const char *const folder = make10("first", 31);
    sl_dataset a, b;
    assert_ok(sl_dataset_load(&a, &b, "cifar10:train=9:test=1", folder, &err));
    assert_int_equal(a.n, 9);
    assert_int_equal(b.n, 1);
    check10(&a, 31);
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    assert_ok(sl_dataset_load(&a, &b, "cifar10:train=0:test=2", folder, &err));
    assert_int_equal(a.n, 25);
    assert_int_equal(b.n, 2);
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    assert_fails(sl_dataset_load(&a, &b, "cifar10:train=26", folder, &err), SL_E_DOMAIN, "train=26, but there are 25");
    assert_fails(sl_dataset_load(&a, &b, "cifar10:test=3", folder, &err), SL_E_DOMAIN, "test=3, but there are 2");
    assert_fails(sl_dataset_load(&a, &b, "cifar10:train=-1", folder, &err), SL_E_DOMAIN, "train");
}

static void load__takes_the_fine_labels_of_cifar100(void **state)
{
    (void)state;
    const char *const folder = temp_path("hundred");
    mkdir(folder, 0777);
    fill(60, 50, 2, 100);
    write_gz(folder, "train.bin.gz", 50 * RECORD100);
    fill(98, 4, 2, 100);
    write_plain(folder, "test.bin", 4 * RECORD100);
    sl_dataset a, b;
    assert_int_equal(sl_dataset_available("cifar100", folder), 1);
    assert_int_equal(sl_dataset_available("cifar10", folder), 0);
    assert_ok(sl_dataset_load(&a, &b, "cifar100:train=45", folder, &err));
    assert_int_equal(a.n, 45);
    assert_int_equal(b.n, 4);
    assert_int_equal(a.classes, 100);
    for (size_t i = 0; i < 45; i++) {
        assert_int_equal(a.labels[i], (60 + i) % 100);
        for (size_t k = 0; k < PIXELS; k++) assert_int_equal(a.pixels[i * PIXELS + k], pixel(60, i, k));
    }
    assert_int_equal(b.labels[3], 1);
    assert_near(a.mean[2], 0.4409, 1e-7);
    assert_near(a.deviation[0], 0.2673, 1e-7);
    assert_string_equal(a.note, "");
    sl_dataset_free(&a);
    sl_dataset_free(&b);
}

static void load__refuses_bad_files(void **state)
{
    (void)state;
    sl_dataset a = {.n = 7}, b = {.n = 8};
    assert_fails(sl_dataset_load(&a, &b, "cifar10", temp_path("nowhere"), &err), SL_E_FILE,
                 "nowhere/cifar-10-batches-bin");
    const char *const folder = make10("bad", 3);
    fill(0, 3, 1, 10);

    write_plain(folder, "data_batch_1.bin", 2 * RECORD10 + 5);
    assert_fails(sl_dataset_load(&a, &b, "cifar10", folder, &err), SL_E_FORMAT,
                 "data_batch_1.bin: 6151 bytes, expected a multiple of 3073");
    write_plain(folder, "data_batch_1.bin", 0);
    assert_fails(sl_dataset_load(&a, &b, "cifar10", folder, &err), SL_E_FORMAT, "data_batch_1.bin: 0 bytes");

    bytes[2 * RECORD10] = 10;
    write_plain(folder, "data_batch_1.bin", 3 * RECORD10);
    assert_fails(sl_dataset_load(&a, &b, "cifar10", folder, &err), SL_E_FORMAT,
                 "data_batch_1.bin: record 2: label 10, expected 0 to 9");
    bytes[2 * RECORD10] = 9;

    /* Compressed and cut anywhere, or changed: never taken for whole. */
    unlink(temp_path("bad/data_batch_1.bin"));
    write_gz(folder, "data_batch_1.bin.gz", 3 * RECORD10);
    const char *const gz = temp_path("bad/data_batch_1.bin.gz");
    size_t n;
    unsigned char *const whole = temp_read(gz, &n);
    for (size_t cut = 1; cut < n; cut += n / 40 + 1) {
        temp_write(gz, whole, n - cut);
        assert_fails(sl_dataset_load(&a, &b, "cifar10", folder, &err), SL_E_FORMAT, "data_batch_1.bin.gz: ");
    }
    temp_write(gz, whole, n - 20);
    assert_fails(sl_dataset_load(&a, &b, "cifar10", folder, &err), SL_E_FORMAT, "cut short");
    whole[n / 2] ^= 0x40;
    temp_write(gz, whole, n);
    assert_fails(sl_dataset_load(&a, &b, "cifar10", folder, &err), SL_E_FORMAT, "damaged gzip data (in");
    free(whole);
    unlink(gz);

    mkdir(temp_path("bad/data_batch_1.bin"), 0777);
    assert_fails(sl_dataset_load(&a, &b, "cifar10", folder, &err), SL_E_FILE, "data_batch_1.bin: Is a directory");
    rmdir(temp_path("bad/data_batch_1.bin"));
    unlink(temp_path("bad/test_batch.bin"));
    assert_int_equal(sl_dataset_available("cifar10", folder), 0);
    assert_fails(sl_dataset_load(&a, &b, "cifar10", folder, &err), SL_E_FILE, "no test_batch.bin");
    unlink(temp_path("bad/data_batch_2.bin"));
    write_plain(folder, "test_batch.bin", 3 * RECORD10);
    assert_fails(sl_dataset_load(&a, &b, "cifar10", folder, &err), SL_E_FILE, "no data_batch_1.bin");
    assert_int_equal(a.n, 7); /* untouched */
    assert_int_equal(b.n, 8);
}

static void load__refuses_labels_of_cifar100(void **state)
{
    (void)state;
    const char *const folder = temp_path("labels");
    mkdir(folder, 0777);
    sl_dataset a, b;
    fill(0, 5, 2, 100);
    write_plain(folder, "test.bin", 5 * RECORD100);
    bytes[3 * RECORD100] = 20;
    write_plain(folder, "train.bin", 5 * RECORD100);
    assert_fails(sl_dataset_load(&a, &b, "cifar100", folder, &err), SL_E_FORMAT,
                 "train.bin: record 3: coarse label 20, expected 0 to 19");
    bytes[3 * RECORD100] = 19;
    bytes[4 * RECORD100 + 1] = 100;
    write_plain(folder, "train.bin", 5 * RECORD100);
    assert_fails(sl_dataset_load(&a, &b, "cifar100", folder, &err), SL_E_FORMAT,
                 "train.bin: record 4: fine label 100, expected 0 to 99");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load__reads_all_batches_wherever_they_lie),
        cmocka_unit_test(load__reads_what_there_is_and_says_so),
        cmocka_unit_test(load__takes_the_first_samples),
        cmocka_unit_test(load__takes_the_fine_labels_of_cifar100),
        cmocka_unit_test(load__refuses_bad_files),
        cmocka_unit_test(load__refuses_labels_of_cifar100),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
