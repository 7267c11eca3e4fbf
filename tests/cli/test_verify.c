/* sgdlab verify and figure: verdicts with the documented keys, exit codes, files. The claims themselves are tested in
 * tests/claims/. */
#include "tests/cli/program.h"

static void verify__reports_each_claim_with_its_control(void **state)
{
    (void)state;
    const said *s = run("verify musso.alpha-moment.derived 'musso.modified-loss.*' --controls --json --out v");
    if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    cJSON *j = parse_only_json(s->out);
    assert_true(cJSON_IsTrue(at(j, "as_expected")));
    const cJSON *claims = at(j, "claims");
    assert_int_equal(cJSON_GetArraySize(claims), 3);
    static const char *const texts[] = {"id", "paper", "equation", "statement", "verdict", "expected", "control"};
    static const char *const others[] = {"predicted", "measured", "tolerance", "seconds"};
    for (const cJSON *c = claims->child; c; c = c->next) {
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            if (!cJSON_IsString(at(c, texts[i]))) fail_msg("no text '%s'", texts[i]);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            if (!at(c, others[i])) fail_msg("no '%s'", others[i]);
        assert_string_equal(at(c, "verdict")->valuestring, at(c, "expected")->valuestring);
        assert_string_equal(at(c, "control")->valuestring, "FAILS");
    }
    cJSON_Delete(j);
    assert_true(exists("v/verify.dat"));
    assert_true(exists("v/result.json"));
}

static void verify__ends_with_a_count(void **state)
{
    (void)state;
    const said *s = run("verify musso.modified-loss --no-save --quiet");
    assert_int_equal(s->code, 0);
    assert_string_equal(s->err, "");
    const size_t n = strlen(s->out);
    static const char last[] = "\n2 as expected, 0 not\n";
    assert_true(n > sizeof last);
    assert_string_equal(s->out + n - (sizeof last - 1), last);
    assert_null(strstr(s->out, " \n")); /* no line ends in spaces */
}

/* Claims that need a larger scale are left out and counted; asked for by name they are refused, not failed. */
static void verify__at_too_small_a_scale(void **state)
{
    (void)state;
    static const char id[] = "musso.regularisation-confound";
    char command[128];
    snprintf(command, sizeof command, "verify %s --no-save", id);
    const said *s = run(command);
    assert_int_equal(s->code, 2);
    assert_non_null(strstr(s->err, id));
    assert_non_null(strstr(s->err, "--scale desk"));
    assert_string_equal(s->out, "");
    s = run("verify 'musso.regularisation*' --no-save --json");
    assert_int_equal(s->code, 2);

    /* A pattern that matches such a claim and others runs the others. */
    s = run("verify 'musso.[mr][oe]*' --no-save --json");
    if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    cJSON *j = parse_only_json(s->out);
    assert_int_equal(cJSON_GetArraySize(at(j, "claims")), 2);
    for (const cJSON *c = at(j, "claims")->child; c; c = c->next) assert_string_not_equal(at(c, "id")->valuestring, id);
    assert_near(at(j, "n_at_larger_scale")->valuedouble, 1, 0);
    cJSON_Delete(j);
    s = run("list claims");
    assert_non_null(strstr(s->out, id));
}

/* A stored result that is not as expected must give code 1: the same path as a fresh one. */
static void verify__another_verdict_is_code_1(void **state)
{
    (void)state;
    assert_int_equal(run("verify musso.modified-loss.derived --out v")->code, 0);
    const said *s = run_with("sed -i 's/\"as_expected\":\\([[:space:]]*\\)true/\"as_expected\":\\1false/' v/result.json;",
                             "verify musso.modified-loss.derived --out v");
    assert_int_equal(s->code, 1);
    assert_non_null(strstr(s->out, "0 as expected, 1 not"));
}

/* Stopped while it works, which the manifest's being there tells: code 4, and the manifest says so. */
static void stopped__says_so(void **state)
{
    (void)state;
    static const char *const commands[] = {"verify musso.temperature", "figure temperature-collapse --scale quick"};
    for (size_t i = 0; i < 2; i++) {
        char command[PATH_MAX + 512], text[8192];
        snprintf(command, sizeof command,
                 "cd %s && %s %s --out s%zu >stdout.txt 2>stderr.txt & pid=$!; exec 2>/dev/null; "
                 "while [ ! -s %s/s%zu/manifest.json ] && kill -0 $pid; do sleep 0.02; done; "
                 "sleep 0.2; kill -%s $pid; wait $pid",
                 folder, program, commands[i], i, folder, i, i ? "TERM" : "INT");
        const int ended = system(command);
        assert_true(WIFEXITED(ended));
        assert_int_equal(WEXITSTATUS(ended), 4);
        read_into(text, sizeof text, "stderr.txt");
        assert_non_null(strstr(text, "interrupted"));
        read_into(text, sizeof text, i ? "s1/manifest.json" : "s0/manifest.json");
        assert_non_null(strstr(text, "\"interrupted\""));
    }
}

static void figure__writes_data_script_and_pictures(void **state)
{
    (void)state;
    const said *s = run("figure schedules --out f --json");
    if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    cJSON *j = parse_only_json(s->out);
    assert_string_equal(at(j, "figure")->valuestring, "schedules");
    assert_true(strlen(at(j, "summary")->valuestring) > 100);
    cJSON_Delete(j);
    static const char *const files[] = {"f/schedules.dat", "f/schedules.gp", "f/schedules.svg", "f/schedules.pdf",
                                        "f/schedules.png"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!exists(files[i])) fail_msg("%s is not there", files[i]);
}

static void figure__without_gnuplot_has_data_and_script(void **state)
{
    (void)state;
    const said *s = run_with("PATH=/nonexistent", "figure schedules --out f");
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->out, "gnuplot"));
    assert_true(exists("f/schedules.gp"));
    assert_false(exists("f/schedules.png"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        TEST(verify__reports_each_claim_with_its_control), TEST(verify__ends_with_a_count),
        TEST(verify__at_too_small_a_scale),
        TEST(verify__another_verdict_is_code_1),           TEST(stopped__says_so),
        TEST(figure__writes_data_script_and_pictures),     TEST(figure__without_gnuplot_has_data_and_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
