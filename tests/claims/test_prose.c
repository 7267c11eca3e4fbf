/* Text that grows, and figures drawn with gnuplot there, absent, or without a folder. */
#define _GNU_SOURCE
#include "tests/test.h"

#include "claims/prose.h"
#include "tests/base/scratch.h"

static void say__appends_whatever_the_length(void **state)
{
    (void)state;
    sl_prose p = {0};
    char expected[5001] = "", *const end = expected + sizeof expected;
    for (char *at = expected; end - at > 10; at += 10) {
        snprintf(at, 11, "%9d ", (int)(at - expected));
        sl_say(&p, "%9d ", (int)(at - expected));
    }
    assert_string_equal(p.text, expected);
    assert_int_equal(p.length, strlen(expected));
    assert_true(p.room > p.length);
    free(p.text);
}

static void say__takes_pieces_longer_than_all_so_far(void **state)
{
    (void)state;
    sl_prose p = {0};
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    sl_say(&p, "%s", "");
    assert_int_equal(p.length, 0);
    sl_say(&p, "ab");
    sl_say(&p, "%s%d", longer, 7);
    assert_int_equal(p.length, 2 + strlen(longer) + 1);
    assert_memory_equal(p.text, "abxx", 4);
    assert_string_equal(p.text + p.length - 2, "x7");
    free(p.text);
}

/* ---- finishing a figure ---------------------------------------------------------------------------------------- */

static const sl_curve curve = {.kind = SL_CURVE_LINE, .dat = "a.dat", .x = "1", .y = "2"};
static const sl_panel panel = {.xmin = NAN, .xmax = NAN, .ymin = NAN, .ymax = NAN, .curves = &curve, .n_curves = 1};
static const sl_figure figure = {
    .name = "fig", .title = "A figure", .rows = 1, .columns = 1, .panels = &panel, .n_panels = 1};

static sl_lab open_lab(const char *name)
{
    bool complete;
    sl_lab lab = {.seed = 1};
    cJSON *config = cJSON_CreateObject();
    assert_ok(sl_run_open(&lab.run, &complete, in_scratch(name), "figure", config, 1, 0, NULL, &err));
    cJSON_Delete(config);
    return lab;
}

static void finish_figure__without_gnuplot_says_so_and_leaves_the_script(void **state)
{
    (void)state;
    const sl_lab lab = open_lab("absent");
    put_text(in_scratch("absent/a.dat"), "1 2\n2 3\n");
    char *const path = strdup(getenv("PATH")), *summary = NULL;
    sl_prose text = {0};
    sl_say(&text, "What it shows.\n");
    setenv("PATH", "/nonexistent", 1);
    const sl_status st = sl_finish_figure(&lab, &figure, &text, &summary, NULL);
    setenv("PATH", path, 1);
    free(path);
    sl_run_free(lab.run);
    assert_int_equal(st, SL_OK);
    assert_memory_equal(summary, "What it shows.\n(", 16);
    assert_non_null(strstr(summary, "gnuplot"));
    assert_true(summary[strlen(summary) - 1] == '\n');
    assert_null(text.text);
    assert_int_equal(access(in_scratch("absent/fig.gp"), R_OK), 0);
    free(summary);
}

static void finish_figure__without_a_folder_draws_nothing(void **state)
{
    (void)state;
    const sl_lab lab = {.seed = 1, .run = sl_run_none()};
    char *summary = NULL;
    sl_prose text = {0};
    sl_say(&text, "What it shows.\n");
    assert_ok(sl_finish_figure(&lab, &figure, &text, &summary, &err));
    assert_string_equal(summary, "What it shows.\n");
    assert_null(text.text);
    free(summary);
}

/* The text is freed (seen by the address sanitiser) and no summary is given. */
static void finish_figure__passes_other_failures_on(void **state)
{
    (void)state;
    const sl_lab lab = open_lab("broken");
    char *summary = NULL;
    sl_prose text = {0};
    sl_say(&text, "What it shows.\n");
    assert_fails(sl_finish_figure(&lab, &figure, &text, &summary, &err), SL_E_FILE, "a.dat");
    sl_run_free(lab.run);
    assert_null(summary);
    assert_null(text.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(say__appends_whatever_the_length),
        cmocka_unit_test(say__takes_pieces_longer_than_all_so_far),
        cmocka_unit_test(finish_figure__without_gnuplot_says_so_and_leaves_the_script),
        cmocka_unit_test(finish_figure__without_a_folder_draws_nothing),
        cmocka_unit_test(finish_figure__passes_other_failures_on),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
