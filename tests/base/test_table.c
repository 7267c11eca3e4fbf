#define _GNU_SOURCE
#include "tests/test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/run.h"
#include "base/table.h"
#include "tests/base/scratch.h"

static const char *const columns[] = {"lr[1]", "loss[x^2/f]", "loss_se"};

/* Two blocks of two rows with awkward numbers. */
static sl_table *sample_table(void)
{
    sl_table *t = sl_table_alloc(3, columns);
    assert_non_null(t);
    const double rows[4][3] = {{0.1 + 0.2, -0.0, NAN}, {1. / 3, 5e-324, INFINITY}, {1e300, -INFINITY, 2}, {3, 4, 5}};
    assert_ok(sl_table_set(t, "seed", &err, "%d", 7));
    assert_ok(sl_table_set(t, "command line", &err, "sgdlab simulate --loss %s", "quadratic:a=1"));
    assert_ok(sl_table_set(t, "nothing", &err, "%s", ""));
    assert_ok(sl_table_block(t, "constant", &err));
    for (int i = 0; i < 4; i++) {
        if (i == 2) assert_ok(sl_table_block(t, "random, Delta = 1", &err));
        assert_ok(sl_table_add(t, rows[i], &err));
    }
    return t;
}

static void assert_same_tables(const sl_table *a, const sl_table *b)
{
    assert_int_equal(sl_table_columns(a), sl_table_columns(b));
    assert_int_equal(sl_table_rows(a), sl_table_rows(b));
    assert_int_equal(sl_table_blocks(a), sl_table_blocks(b));
    for (size_t j = 0; j < sl_table_columns(a); j++)
        assert_string_equal(sl_table_column_name(a, j), sl_table_column_name(b, j));
    for (size_t k = 0; k < sl_table_blocks(a); k++) {
        assert_string_equal(sl_table_block_title(a, k), sl_table_block_title(b, k));
        assert_int_equal(sl_table_block_start(a, k), sl_table_block_start(b, k));
    }
    for (size_t i = 0; i < sl_table_rows(a); i++)
        for (size_t j = 0; j < sl_table_columns(a); j++) {
            const double x = sl_table_row(a, i)[j], y = sl_table_row(b, i)[j];
            assert_true((isnan(x) && isnan(y)) || (x == y && signbit(x) == signbit(y)));
        }
}

static void table__holds_what_it_was_given(void **state)
{
    (void)state;
    sl_table *t = sample_table();
    assert_int_equal(sl_table_columns(t), 3);
    assert_int_equal(sl_table_rows(t), 4);
    assert_int_equal(sl_table_blocks(t), 2);
    assert_int_equal(sl_table_block_start(t, 1), 2);
    assert_int_equal(sl_table_block_start(t, 2), 4);
    assert_string_equal(sl_table_block_title(t, 0), "constant");
    assert_string_equal(sl_table_column_name(t, 1), "loss");
    assert_int_equal(sl_table_find(t, "loss_se"), 2);
    assert_int_equal(sl_table_find(t, "los"), 3);
    assert_null(sl_table_get(t, "absent"));
    assert_ok(sl_table_set(t, "seed", &err, "8"));
    assert_string_equal(sl_table_get(t, "seed"), "8");
    sl_table_free(t);
    sl_table_free(NULL);
}

static void alloc__refuses_columns(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "1a[x]", "a b", "a[x", "a[x y]", "a[x]b", "a[x=1]", "[x]", "a\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_null(sl_table_alloc(1, &bad[i]));
    assert_null(sl_table_alloc(0, columns));
}

static void set__folds_lines_and_refuses_names(void **state)
{
    (void)state;
    sl_table *t = sl_table_alloc(1, columns);
    assert_ok(sl_table_set(t, "note", &err, "%s", "  two\nlines\t# a = b \r\n"));
    assert_string_equal(sl_table_get(t, "note"), "two lines # a = b");
    static const char *const bad[] = {"", "a=b", "a\nb", "block", "rows", " a", "a "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(sl_table_set(t, bad[i], &err, "1"), SL_E_USAGE, "header line");
    sl_table_free(t);
}

static void write__is_the_documented_text(void **state)
{
    (void)state;
    const char *path = in_scratch("text.dat");
    sl_table *t = sample_table();
    assert_ok(sl_table_write(t, path, &err));
    sl_table_free(t);
    assert_string_equal(text_of(path), "# seed = 7\n"
                                       "# command line = sgdlab simulate --loss quadratic:a=1\n"
                                       "# nothing =\n"
                                       "# rows = 4\n"
                                       "# lr[1] loss[x^2/f] loss_se\n"
                                       "# block = constant\n"
                                       "0.30000000000000004 -0 nan\n"
                                       "0.3333333333333333 5e-324 inf\n"
                                       "\n\n"
                                       "# block = random, Delta = 1\n"
                                       "1e+300 -inf 2\n"
                                       "3 4 5\n");
}

static void read__returns_what_was_written(void **state)
{
    (void)state;
    const char *path = in_scratch("round.dat");
    sl_table *a = sample_table(), *b;
    assert_ok(sl_table_write(a, path, &err));
    assert_ok(sl_table_read(&b, path, &err));
    assert_same_tables(a, b);
    assert_string_equal(sl_table_get(b, "command line"), "sgdlab simulate --loss quadratic:a=1");
    assert_string_equal(sl_table_get(b, "nothing"), "");
    char *first = strdup(text_of(path));
    assert_ok(sl_table_write(b, path, &err)); /* and again, to the byte */
    assert_string_equal(text_of(path), first);
    free(first);
    sl_table_free(a);
    sl_table_free(b);
}

static void read__keeps_blocks_of_every_kind(void **state)
{
    (void)state;
    const char *path = in_scratch("blocks.dat");
    const double row[3] = {1, 2, 3};
    for (int kind = 0; kind < 4; kind++) { /* bit 0: block 0 has a title; bit 1: it has a row */
        sl_table *a = sl_table_alloc(3, columns), *b;
        if (kind & 1) assert_ok(sl_table_block(a, "first", &err));
        if (kind & 2) assert_ok(sl_table_add(a, row, &err));
        if (kind) assert_ok(sl_table_block(a, NULL, &err));
        if (kind) assert_ok(sl_table_block(a, "empty", &err));
        assert_int_equal(sl_table_blocks(a), kind ? 3 : 1);
        assert_ok(sl_table_write(a, path, &err));
        assert_ok(sl_table_read(&b, path, &err));
        assert_same_tables(a, b);
        sl_table_free(a);
        sl_table_free(b);
    }
}

static void table__grows(void **state)
{
    (void)state;
    const char *path = in_scratch("long.dat");
    sl_table *a = sl_table_alloc(1, columns), *b;
    for (int i = 0; i < 20000; i++) assert_ok(sl_table_add(a, (double[]){sin(i)}, &err));
    assert_ok(sl_table_write(a, path, &err));
    assert_ok(sl_table_read(&b, path, &err));
    assert_same_tables(a, b);
    sl_table_free(a);
    sl_table_free(b);
}

static void read__names_the_line_that_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", ":0: expected a line of columns"},
        {"# a = 1\n", ":1: expected a line of columns"},
        {"1 2\n", ":1: expected a line of columns"},
        {"# x y\n1 2\n1\n", ":3: expected 2 numbers, found 1"},
        {"# x y\n1 2 3\n", ":2: expected 2 numbers, found 3"},
        {"# x y\n1 2x\n", ":2: expected a number, found '2x'"},
        {"# x y\n1  2\n", ":2: expected a number, found ''"},
        {"# x y\n1 2\n1 2", ":3: expected a whole last line"},
        {"# x y\n1 2\n1 ", ":3: expected a whole last line"},
        {"# rows = 3\n# x y\n1 2\n1 2\n", "expected 3 rows, found 2"},
        {"# rows = -3\n# x y\n", ":1: expected a number of rows"},
        {"# x y\n# z\n", ":2: expected one line of columns"},
        {"# x y\n# a = 1\n", ":2: expected no header line"},
        {"# a = 1\n# a = 2\n# x\n", ":2: expected each name once"},
        {"# x 2y\n", ":1: expected columns"},
        {"x y\n", ":1: expected a line of columns"},
    };
    const char *path = in_scratch("bad.dat");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_text(path, bad[i].text);
        sl_table *t = NULL;
        assert_fails(sl_table_read(&t, path, &err), SL_E_FORMAT, bad[i].says);
        assert_fails(sl_table_read(&t, path, &err), SL_E_FORMAT, "bad.dat");
        assert_null(t);
    }
    FILE *f = fopen(path, "w");
    fwrite("# x\n1\0\n", 1, 7, f);
    fclose(f);
    sl_table *t = NULL;
    assert_fails(sl_table_read(&t, path, &err), SL_E_FORMAT, "NUL");
}

static void read__refuses_what_is_not_a_file(void **state)
{
    (void)state;
    sl_table *t = NULL;
    assert_fails(sl_table_read(&t, in_scratch("absent.dat"), &err), SL_E_FILE, "absent.dat': No such file");
    assert_fails(sl_table_read(&t, scratch, &err), SL_E_FILE, "Is a directory");
}

/* ---- whole files ---- */

static size_t files_in_scratch(const char *with)
{
    size_t n = 0;
    DIR *d = opendir(scratch);
    for (const struct dirent *e; (e = readdir(d));) n += strstr(e->d_name, with) != NULL;
    closedir(d);
    return n;
}

static void write_file__replaces_and_reads_back(void **state)
{
    (void)state;
    const char *path = in_scratch("whole");
    char *text;
    size_t size;
    assert_ok(sl_write_file(path, "one\0two", 7, &err));
    assert_ok(sl_read_file(&text, &size, path, 7, &err));
    assert_int_equal(size, 7);
    assert_memory_equal(text, "one\0two", 8);
    free(text);
    assert_ok(sl_write_file(path, "", 0, &err));
    assert_ok(sl_read_file(&text, NULL, path, 0, &err));
    assert_string_equal(text, "");
    free(text);
    text = NULL;
    assert_ok(sl_write_file(path, "one\0two", 7, &err));
    assert_fails(sl_read_file(&text, NULL, path, 7, &err), SL_E_FORMAT, "not text"); /* it would end at "one" */
    assert_null(text);
    assert_int_equal(files_in_scratch(".tmp"), 0);
}

static void read_file__refuses_above_the_limit(void **state)
{
    (void)state;
    char *text = NULL;
    put_text(in_scratch("five"), "12345");
    assert_fails(sl_read_file(&text, NULL, in_scratch("five"), 4, &err), SL_E_FORMAT, "longer than the 4 bytes");
    assert_fails(sl_read_file(&text, NULL, "/dev/zero", 100000, &err), SL_E_FORMAT, "longer than");
    assert_null(text);
}

static void write_file__refuses_bad_places(void **state)
{
    (void)state;
    put_text(in_scratch("regular"), "x");
    assert_fails(sl_write_file(in_scratch("regular/below"), "y", 1, &err), SL_E_WRITE, "Not a directory");
    assert_fails(sl_write_file(in_scratch("no/such/folder"), "y", 1, &err), SL_E_WRITE, "No such file");
    assert_fails(sl_write_file(scratch, "y", 1, &err), SL_E_WRITE, "not a regular file");
    assert_fails(sl_write_file("/dev/null", "y", 1, &err), SL_E_WRITE, "not a regular file");
    struct stat s;
    assert_true(stat("/dev/null", &s) == 0 && S_ISCHR(s.st_mode));
    if (geteuid() != 0) { /* nothing is read-only to root */
        assert_int_equal(mkdir(in_scratch("readonly"), 0555), 0);
        assert_fails(sl_write_file(in_scratch("readonly/x"), "y", 1, &err), SL_E_WRITE, "Permission denied");
    }
}

/* A full disk, played by the limit on the size of files. */
static void write_file__full_disk_keeps_the_old_file(void **state)
{
    (void)state;
    static char big[100000];
    const char *path = in_scratch("kept");
    put_text(path, "old");
    struct rlimit old;
    getrlimit(RLIMIT_FSIZE, &old);
    struct rlimit small = old;
    small.rlim_cur = 4096;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    sl_err err = {0};
    const sl_status st = sl_write_file(path, big, sizeof big, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, handler);
    assert_int_equal(st, SL_E_WRITE);
    assert_non_null(strstr(err.message, "kept': File too large"));
    assert_string_equal(text_of(path), "old");
    assert_int_equal(files_in_scratch(".tmp"), 0);
}

/* A child writes one of two texts again and again until it is killed; what is left is one of them, whole. */
static void write_file__survives_a_kill(void **state)
{
    (void)state;
    enum { SIZE = 60000 };
    static char a[SIZE + 1], b[SIZE + 1];
    memset(a, 'a', SIZE);
    memset(b, 'b', SIZE / 2);
    const char *path = in_scratch("killed");
    put_text(path, b);
    for (int trial = 0; trial < 8; trial++) {
        const pid_t child = fork();
        if (child == 0)
            for (;;)
                if (sl_write_file(path, a, strlen(a), NULL) || sl_write_file(path, b, strlen(b), NULL)) _exit(1);
        usleep((useconds_t)(3000 + 1700 * trial));
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status)); /* and did not end by itself */
        const char *left = text_of(path);
        assert_true(strcmp(left, a) == 0 || strcmp(left, b) == 0);
    }
}

static void make_dirs__makes_all_and_refuses_files(void **state)
{
    (void)state;
    assert_ok(sl_make_dirs(in_scratch("p/q//r/"), &err));
    assert_ok(sl_make_dirs(in_scratch("p/q/r"), &err));
    struct stat s;
    assert_true(stat(in_scratch("p/q/r"), &s) == 0 && S_ISDIR(s.st_mode));
    put_text(in_scratch("p/file"), "x");
    assert_fails(sl_make_dirs(in_scratch("p/file"), &err), SL_E_WRITE, "is not a folder");
    assert_fails(sl_make_dirs(in_scratch("p/file/below"), &err), SL_E_WRITE, "p/file' is not a folder");
    assert_fails(sl_make_dirs("", &err), SL_E_WRITE, "empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table__holds_what_it_was_given),
        cmocka_unit_test(alloc__refuses_columns),
        cmocka_unit_test(set__folds_lines_and_refuses_names),
        cmocka_unit_test(write__is_the_documented_text),
        cmocka_unit_test(read__returns_what_was_written),
        cmocka_unit_test(read__keeps_blocks_of_every_kind),
        cmocka_unit_test(table__grows),
        cmocka_unit_test(read__names_the_line_that_is_wrong),
        cmocka_unit_test(read__refuses_what_is_not_a_file),
        cmocka_unit_test(write_file__replaces_and_reads_back),
        cmocka_unit_test(read_file__refuses_above_the_limit),
        cmocka_unit_test(write_file__refuses_bad_places),
        cmocka_unit_test(write_file__full_disk_keeps_the_old_file),
        cmocka_unit_test(write_file__survives_a_kill),
        cmocka_unit_test(make_dirs__makes_all_and_refuses_files),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
