/* Curves from files: their values against straight lines worked by hand, and files that are refused. */
#include "tests/test.h"

#include <unistd.h>

#include "optim/rate_table.h"
#include "optim/schedule.h"

static char path[] = "/tmp/sgdlab-rates-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    const int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_text(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void table__is_straight_between_rows(void **state)
{
    (void)state;
    const sl_rate_table *t, *again, *other;
    write_text("# when rate\n1 2\n\n3 4 # up\r\n 4\t0.5\n");
    assert_ok(sl_rate_table_read(&t, path, 2, &err));
    assert_int_equal(sl_rate_table_rows(t), 3);
    assert_near(sl_rate_table_last(t), 4, 0);
    const double x[] = {0, 1, 1.5, 3, 3.5, 4, 9}, expected[] = {2, 2, 2.5, 4, 2.25, 0.5, 0.5};
    for (size_t i = 0; i < 7; i++) assert_near(sl_rate_table_at(t, x[i]), expected[i], 1e-15);
    assert_ok(sl_rate_table_read(&again, path, 2, &err));
    assert_ptr_equal(t, again);
    write_text("1 2\n3 4\n4 0.75\n");
    assert_ok(sl_rate_table_read(&other, path, 2, &err));
    assert_true(other != t && sl_rate_table_hash(other) != sl_rate_table_hash(t));
    assert_near(sl_rate_table_at(t, 4), 0.5, 0); /* what was read before stays as it was */
}

/* As other systems write them: a mark at the beginning, carriage returns at the ends of lines, none at the last. */
static void table__of_another_editor_is_the_same(void **state)
{
    (void)state;
    const sl_rate_table *t, *other;
    write_text("0 1\n0.5 0.25\n1 0\n");
    assert_ok(sl_rate_table_read(&t, path, 2, &err));
    write_text("\xef\xbb\xbf# u, rate\r\n0 1\r\n0.5\t0.25\r\n\r\n1 0");
    assert_ok(sl_rate_table_read(&other, path, 2, &err));
    assert_ptr_equal(t, other);
}

static void schedule__follows_the_file(void **state)
{
    (void)state;
    char text[128];
    sl_schedule s, line;
    write_text("0 1 9\n1 0 9\n");
    snprintf(text, sizeof text, "table:file=%s", path);
    assert_ok(sl_schedule_init(&s, text, 0.3, 1, 100, &err));
    assert_ok(sl_schedule_init(&line, "linear", 0.3, 1, 100, &err));
    for (uint64_t k = 0; k < 120; k++) assert_near(sl_schedule_lr(&s, 1, 0, k), sl_schedule_lr(&line, 1, 0, k), 1e-16);
    snprintf(text, sizeof text, "table:file=%s:warmup=20:warmup-from=0", path);
    assert_ok(sl_schedule_init(&s, text, 1, 1, 100, &err));
    assert_near(sl_schedule_lr(&s, 1, 0, 10), 0.5, 1e-15);
    assert_near(sl_schedule_lr(&s, 1, 0, 60), 0.5, 1e-15);
    write_text("0 1\n10 0.5\n30 0.1\n");
    snprintf(text, sizeof text, "table:file=%s:against=step", path);
    assert_ok(sl_schedule_init(&s, text, 2, 4, 100, &err));
    assert_near(sl_schedule_lr(&s, 1, 0, 20), 0.6, 1e-15);
    snprintf(text, sizeof text, "table:file=%s:against=epoch", path);
    assert_ok(sl_schedule_init(&s, text, 2, 4, 1000, &err));
    assert_near(sl_schedule_lr(&s, 1, 0, 20), 1.5, 1e-15); /* five epochs */
    snprintf(text, sizeof text, "table:file=%s", path);
    assert_fails(sl_schedule_init(&s, text, 1, 1, 10, &err), SL_E_CONFIG, "u = 30");
}

static void file__that_is_wrong_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } wrong[] = {
        {"", "0 rows"},
        {"0 1\n", "1 rows"},
        {"0 1\n1\n", "line 2: column 2 is not a number"},
        {"0 1\n0.5 x\n", "line 2: column 2 is not a number"},
        {"0 1\n0.5 1e-3abc\n", "line 2: column 2"},
        {"0 1\n0 2\n", "line 2: 0 in column 1 after 0"},
        {"0.5 1\n0.2 2\n", "after 0.5"},
        {"-1 1\n1 2\n", "line 1: -1"},
        {"0 1\n1 -2\n", "a rate of -2"},
        {"0 nan\n1 2\n", "a rate of"},
        {"0 1\n1 inf\n", "a rate of inf"},
        {"0 1e300\n1 0\n", "line 1: a rate of 1e+300, need 0, or 1e-100 to 1e+100"},
        {"0 1\n1 1e-310\n", "line 2: a rate of 1e-310"},
        {"0 1\n1e400 0\n", "line 2: inf in column 1"},
        {"nan 1\n1 0\n", "line 1: nan in column 1"},
        {"0,1\n1,0\n", "line 1: column 1 is not a number"},
        {"# no rows\n\n", "0 rows"},
        {"0 0\n1 0\n", "every rate is 0"},
    };
    const sl_rate_table *t = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_text(wrong[i].text);
        assert_fails(sl_rate_table_read(&t, path, 2, &err), SL_E_FORMAT, wrong[i].words);
        assert_null(t);
    }
    assert_fails(sl_rate_table_read(&t, "/nowhere/at-all", 2, &err), SL_E_FILE, "/nowhere/at-all");
    assert_fails(sl_rate_table_read(&t, "/tmp", 2, &err), SL_E_FILE, "/tmp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table__is_straight_between_rows),
        cmocka_unit_test(table__of_another_editor_is_the_same),
        cmocka_unit_test(schedule__follows_the_file),
        cmocka_unit_test(file__that_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
