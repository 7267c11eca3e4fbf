/* Tiny ImageNet folders, made here: JPEGs by libjpeg-turbo's compressor. */
#include "tests/test.h"

#include <fcntl.h>
#include <turbojpeg.h>

#include "base/parallel.h"
#include "nets/dataset.h"
#include "tests/nets/temp.h"

enum { SIDE = 64, PLANE = SIDE * SIDE, CLASSES = 3, EACH = 11, TEST = 4 };
static const char *const wnids[CLASSES] = {"n03", "n01", "n02"}; /* not in the order of the alphabet */

/* A smooth picture; those of different numbers (0 to 60) differ by 3 levels at least. */
static unsigned char pixel(size_t number, size_t y, size_t x, size_t c)
{
    return (unsigned char)(10 + 3 * number + y / 2 + (c == 1 ? x / 2 : c == 2 ? x / 4 : 0));
}

static void write_jpeg(const char *path, size_t number, int width, int height, bool grey)
{
    unsigned char rgb[3 * 80 * 80];
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (size_t c = 0; c < 3; c++)
                rgb[3 * (y * width + x) + (int)c] = pixel(number, (size_t)y, (size_t)x, grey ? 0 : c);
    tjhandle t = tjInitCompress();
    assert_non_null(t);
    unsigned char *jpeg = NULL;
    unsigned long size = 0;
    assert_int_equal(tjCompress2(t, rgb, width, 0, height, TJPF_RGB, &jpeg, &size, grey ? TJSAMP_GRAY : TJSAMP_444, 98,
                                 TJFLAG_ACCURATEDCT),
                     0);
    temp_write(path, jpeg, size);
    tjFree(jpeg);
    tjDestroy(t);
}

static void make_dir(const char *name)
{
    assert_int_equal(mkdir(temp_path(name), 0777), 0);
}

static const char *in(const char *set, const char *name)
{
    char path[400];
    snprintf(path, sizeof path, "%.64s/%.300s", set, name);
    return temp_path(path);
}

static void write_text(const char *path, const char *text)
{
    temp_write(path, text, strlen(text));
}

/* Picture j of class c is number 11 c + j; test picture j is number 50 + j, of class j % 3; test 2 is grey. */
static const char *make(const char *set)
{
    char text[2000] = "";
    make_dir(set);
    assert_int_equal(mkdir(in(set, "train"), 0777), 0);
    for (size_t c = 0; c < CLASSES; c++) {
        char name[300];
        snprintf(text + strlen(text), 20, c == 1 ? "%s\r\n" : "%s\n", wnids[c]);
        snprintf(name, sizeof name, "train/%s", wnids[c]);
        assert_int_equal(mkdir(in(set, name), 0777), 0);
        snprintf(name, sizeof name, "train/%s/images", wnids[c]);
        assert_int_equal(mkdir(in(set, name), 0777), 0);
        for (size_t j = 0; j < EACH; j++) {
            snprintf(name, sizeof name, "train/%s/images/%s_%zu.JPEG", wnids[c], wnids[c], j);
            write_jpeg(in(set, name), 11 * c + j, SIDE, SIDE, false);
        }
        snprintf(name, sizeof name, "train/%s/%s_boxes.txt", wnids[c], wnids[c]);
        write_text(in(set, name), "n03_0.JPEG\t0\t0\t9\t9\n");
    }
    write_text(in(set, "wnids.txt"), text);
    assert_int_equal(mkdir(in(set, "val"), 0777), 0);
    assert_int_equal(mkdir(in(set, "val/images"), 0777), 0);
    *text = 0;
    for (size_t j = 0; j < TEST; j++) {
        char name[300];
        snprintf(name, sizeof name, "val/images/val_%zu.JPEG", j);
        write_jpeg(in(set, name), 50 + j, SIDE, SIDE, j == 2);
        snprintf(text + strlen(text), 60, "val_%zu.JPEG\t%s\t0\t32\t44\t62\n", j, wnids[j % CLASSES]);
    }
    write_text(in(set, "val/val_annotations.txt"), text);
    return temp_path(set);
}

/* Within what compression at quality 98 loses of a smooth picture. */
static void assert_picture(const sl_dataset *d, size_t i, size_t number, bool grey)
{
    for (size_t c = 0; c < 3; c++)
        for (size_t k = 0; k < PLANE; k++) {
            const int got = d->pixels[(i * 3 + c) * PLANE + k],
                      expected = pixel(number, k / SIDE, k % SIDE, grey ? 0 : c);
            if (abs(got - expected) > 2)
                fail_msg("picture %zu, channel %zu, pixel %zu: %d, expected %d", i, c, k, got, expected);
        }
}

static void check(const sl_dataset *a, const sl_dataset *b)
{
    assert_int_equal(a->n, CLASSES * EACH);
    assert_int_equal(b->n, TEST);
    assert_true(a->classes == CLASSES && a->channels == 3 && a->height == SIDE && a->width == SIDE);
    for (size_t j = 0; j < EACH; j++)
        for (size_t c = 0; c < CLASSES; c++) { /* all first pictures, all second ones, ...; number 10 after number 9 */
            assert_int_equal(a->labels[j * CLASSES + c], c);
            assert_picture(a, j * CLASSES + c, 11 * c + j, false);
        }
    for (size_t j = 0; j < TEST; j++) {
        assert_int_equal(b->labels[j], j % CLASSES);
        assert_picture(b, j, 50 + j, j == 2);
    }
}

#define NAME "tiny-imagenet-200"

static sl_status load_and_free(const char *dir, sl_err *err)
{
    sl_dataset a, b;
    const sl_status st = sl_dataset_load(&a, &b, NAME, dir, err);
    if (st != SL_OK) return st;
    check(&a, &b);
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    return SL_OK;
}

static void load__decodes_and_then_maps(void **state)
{
    (void)state;
    make("one");
    sl_dataset a, b;
    assert_int_equal(sl_dataset_available(NAME, temp_path("one")), 1);
    assert_int_equal(sl_dataset_available(NAME, temp_dir), 0);
    assert_ok(sl_dataset_load(&a, &b, NAME, temp_path("one"), &err));
    check(&a, &b);
    assert_near(a.mean[1], 0.4481, 1e-7);
    assert_near(a.deviation[2], 0.2821, 1e-7);
    assert_non_null(strstr(a.note, "3 classes; Tiny ImageNet as published has 200"));
    assert_true(a.mapped > 0);
    const uint32_t index[] = {30, 0, 7};
    sl_dataset_will_need(&a, index, 3);
    sl_dataset_will_need(&a, NULL, 3);
    sl_dataset_truncate(&a, 5);
    assert_int_equal(a.n, 5);
    assert_picture(&a, 4, 12, false);
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    /* Without the pictures' contents: what is read is the cache, as long as names, sizes and times stay. */
    size_t n;
    struct stat s;
    const char *const first = in("one", "train/n03/images/n03_0.JPEG");
    unsigned char *const jpeg = temp_read(first, &n);
    assert_int_equal(stat(first, &s), 0);
    memset(jpeg, 0, n);
    temp_write(first, jpeg, n);
    const struct timespec times[2] = {s.st_atim, s.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, first, times, 0), 0);
    assert_ok(load_and_free(temp_path("one"), &err));
    free(jpeg);
}

static void load__takes_the_first_samples(void **state)
{
    (void)state;
    make("few");
    sl_dataset a, b;
    assert_ok(sl_dataset_load(&a, &b, NAME ":train=4:test=2", temp_path("few"), &err));
    assert_int_equal(a.n, 4);
    assert_int_equal(b.n, 2);
    assert_picture(&a, 3, 1, false);
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    assert_fails(sl_dataset_load(&a, &b, NAME ":train=34", temp_path("few"), &err), SL_E_DOMAIN, "there are 33");
}

/* What the files were when the cache was made no longer holds: it is remade. */
static void load__remakes_a_stale_or_damaged_cache(void **state)
{
    (void)state;
    const char *const dir = make("stale");
    const char *const cache = in("stale", "sgdlab-pixels.cache"), *const kept = temp_path("kept");
    assert_ok(load_and_free(dir, &err));
    assert_int_equal(rename(cache, kept), 0);
    assert_ok(load_and_free(dir, &err));
    assert_true(temp_same(cache, kept)); /* a function of the folder alone */

    size_t n;
    unsigned char *const good = temp_read(kept, &n);
    const size_t places[] = {0, 9, 17, 60, 100, 1 << 16, (1 << 16) + 5000, n - 30, n - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        good[places[i]] ^= 1;
        temp_write(cache, good, n);
        good[places[i]] ^= 1;
        assert_ok(load_and_free(dir, &err));
        assert_true(temp_same(cache, kept));
    }
    const size_t sizes[] = {0, 1, 55, 56, 1 << 16, n / 2, n - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        temp_write(cache, good, sizes[i]);
        assert_ok(load_and_free(dir, &err));
        assert_true(temp_same(cache, kept));
    }
    free(good);

    /* Other contents under the same name. */
    write_jpeg(in("stale", "train/n03/images/n03_0.JPEG"), 45, SIDE, SIDE, false);
    sl_dataset a, b;
    assert_ok(sl_dataset_load(&a, &b, NAME, temp_path("stale"), &err));
    assert_picture(&a, 0, 45, false);
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    /* One picture less; another order of the classes. */
    assert_int_equal(unlink(in("stale", "train/n01/images/n01_10.JPEG")), 0);
    assert_ok(sl_dataset_load(&a, &b, NAME, temp_path("stale"), &err));
    assert_int_equal(a.n, CLASSES * EACH - 1);
    assert_int_equal(a.labels[CLASSES * EACH - 2], 2);
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    write_text(in("stale", "wnids.txt"), "n01\nn02\nn03");
    assert_ok(sl_dataset_load(&a, &b, NAME, temp_path("stale"), &err));
    assert_picture(&a, 2, 45, false);
    assert_int_equal(b.labels[0], 2);
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    /* Another class for the same test picture. */
    for (size_t label = 0; label < 2; label++) {
        write_text(in("stale", "val/val_annotations.txt"), label ? "val_0.JPEG\tn02\n" : "val_0.JPEG\tn01\n");
        assert_ok(sl_dataset_load(&a, &b, NAME, temp_path("stale"), &err));
        assert_int_equal(b.n, 1);
        assert_int_equal(b.labels[0], label);
        sl_dataset_free(&a);
        sl_dataset_free(&b);
    }
}

/* A folder that cannot be written to (here: the cache's name is taken) leaves the cache with the user's; and where that
 * cannot be written either, the pictures are there all the same, with a note. */
static void load__keeps_the_cache_elsewhere(void **state)
{
    (void)state;
    make("taken");
    assert_int_equal(mkdir(in("taken", "sgdlab-pixels.cache"), 0777), 0);
    sl_dataset a, b;
    assert_int_equal(setenv("XDG_CACHE_HOME", temp_path("xdg"), 1), 0);
    assert_ok(sl_dataset_load(&a, &b, NAME, temp_path("taken"), &err));
    check(&a, &b);
    assert_null(strstr(a.note, "not kept"));
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    char command[1200], found[600] = "";
    snprintf(command, sizeof command, "ls %s/sgdlab", temp_path("xdg"));
    FILE *const p = popen(command, "r");
    assert_non_null(p);
    assert_non_null(fgets(found, sizeof found, p));
    pclose(p);
    assert_int_equal(strncmp(found, "tiny-imagenet-200-", 18), 0);
    found[strcspn(found, "\n")] = 0;
    assert_ok(load_and_free(temp_path("taken"), &err));

    const char *const file = in("xdg/sgdlab", found);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkdir(file, 0777), 0);
    assert_ok(sl_dataset_load(&a, &b, NAME, temp_path("taken"), &err));
    check(&a, &b);
    assert_non_null(strstr(a.note, "not kept: cannot write"));
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    unsetenv("XDG_CACHE_HOME");
}

static void load__stops_when_asked(void **state)
{
    (void)state;
    const char *const dir = make("stop");
    sl_stop_request();
    sl_dataset a = {.n = 7}, b = {.n = 8};
    sl_err why = {0};
    const sl_status st = sl_dataset_load(&a, &b, NAME, dir, &why);
    sl_stop_clear();
    assert_int_equal(st, SL_INTERRUPTED);
    assert_true(a.n == 7 && b.n == 8);
    assert_int_equal(access(in("stop", "sgdlab-pixels.cache"), F_OK), -1);
    assert_ok(load_and_free(dir, &err));
}

static void load__refuses_bad_pictures(void **state)
{
    (void)state;
    const char *const dir = make("pictures");
    const char *const image = in("pictures", "train/n02/images/n02_5.JPEG"), *const cache =
                                                                                 in("pictures", "sgdlab-pixels.cache");
    write_jpeg(image, 1, 32, 64, false);
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "n02_5.JPEG: a picture of 32x64 pixels, expected 64x64");
    write_text(image, "\x89PNG....");
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "n02_5.JPEG: not a JPEG: begins with 89 50, expected ff d8");
    write_text(image, "");
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "n02_5.JPEG: not a JPEG: 0 bytes");
    /* Cut off anywhere, the end of image marker alone included. */
    write_jpeg(image, 1, SIDE, SIDE, false);
    size_t n;
    unsigned char *const jpeg = temp_read(image, &n);
    for (size_t size = 2; size < n; size += n / 25 + 1) {
        temp_write(image, jpeg, size);
        assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "n02_5.JPEG: damaged JPEG (");
    }
    temp_write(image, jpeg, n - 2);
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "n02_5.JPEG: damaged JPEG (");
    free(jpeg);
    assert_int_equal(access(cache, F_OK), -1); /* nothing is kept of a failure */
    unlink(image);
    mkdir(image, 0777);
    assert_fails(load_and_free(dir, &err), SL_E_FILE, "n02_5.JPEG': Is a directory");
}

static void load__refuses_bad_lists(void **state)
{
    (void)state;
    const char *const dir = make("lists"), *const list = in("lists", "wnids.txt");
    assert_fails(load_and_free(temp_path("none"), &err), SL_E_FILE, "none/tiny-imagenet-200");
    write_text(list, "");
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "wnids.txt: 0 classes, expected at least 2");
    write_text(list, "n03\nn01\nn03\n");
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "wnids.txt, line 3: n03 again");
    write_text(list, "n03\n../n01\n");
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "wnids.txt, line 2: '../n01'");
    write_text(list, "n03\nn01\n");
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "train/n02: not one of the 2 classes of wnids.txt");
    write_text(list, "n03\nn01\nn02\nn04\n");
    assert_fails(load_and_free(dir, &err), SL_E_FILE, "train/n04/images: No such file");
    char many[257 * 16] = "";
    for (int i = 0; i < 257; i++) snprintf(many + 4 * i, 16, "%03d\n", i);
    write_text(list, many);
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "wnids.txt: more than 256 classes");
    write_text(list, "n03\nn01\nn02\n");

    const char *const notes = in("lists", "val/val_annotations.txt");
    write_text(notes, "val_0.JPEG\tn03\t0\nval_1.JPEG\tn99\t0\n");
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT,
                 "val_annotations.txt, line 2: 'n99' is not one of the 3 classes");
    write_text(notes, "val_0.JPEG\tn03\t0\nval_7.JPEG\tn01\t0\n");
    assert_fails(load_and_free(dir, &err), SL_E_FILE, "val_annotations.txt, line 2: ");
    assert_fails(load_and_free(dir, &err), SL_E_FILE, "val/images/val_7.JPEG: No such file");
    write_text(notes, "val_0.JPEG\n");
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "line 1: expected the name of a picture and its class");
    write_text(notes, "\n");
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "lists no pictures");
    unlink(notes);
    assert_int_equal(sl_dataset_available(NAME, dir), 0);
    assert_fails(load_and_free(dir, &err), SL_E_FILE, "val/val_annotations.txt");

    write_text(in("lists", "train/n02/images/notes.txt"), "?");
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "n02/images/notes.txt: expected pictures");
    temp_remove(in("lists", "train/n02/images"));
    make_dir("lists/train/n02/images");
    assert_fails(load_and_free(dir, &err), SL_E_FORMAT, "train/n02/images: no pictures");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load__decodes_and_then_maps),
        cmocka_unit_test(load__takes_the_first_samples),
        cmocka_unit_test(load__remakes_a_stale_or_damaged_cache),
        cmocka_unit_test(load__keeps_the_cache_elsewhere),
        cmocka_unit_test(load__stops_when_asked),
        cmocka_unit_test(load__refuses_bad_pictures),
        cmocka_unit_test(load__refuses_bad_lists),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
