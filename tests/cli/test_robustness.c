/* sgdlab robustness: exponents and predictions, a schedule of one's own, what is undecided, what is refused, its files.
 */
#include "tests/cli/program.h"

#define SMALL "--replicas 2048 --search-replicas 512 "

static cJSON *ask(const char *arguments, int code)
{
    char command[512];
    snprintf(command, sizeof command, "robustness %s --json --no-save --quiet", arguments);
    const said *s = run(command);
    if (s->code != code) fail_msg("sgdlab %s: code %d: %s", command, s->code, s->err);
    if (strstr(s->out, "nan") || strstr(s->out, "inf,")) fail_msg("sgdlab %s: %s", command, s->out);
    return parse_only_json(s->out);
}

static void cosine__has_its_exponent(void **state)
{
    (void)state;
    cJSON *j = ask(SMALL "--schedule cosine --rho 2,4,8,16,32,64", 0);
    const cJSON *e = at(j, "exponent"), *first = at(j, "table")->child;
    assert_near(number_at(e, "value"), 0.207, 0.035); /* three standard errors, and what 4096 steps are off */
    assert_true(number_at(e, "se") > 0 && number_at(e, "se") < 0.012);
    assert_close(number_at(j, "predicted_exponent"), 0.2, 0.01);
    assert_near(number_at(at(j, "predicted"), "bound_slope"), 0.21, 0.01);
    assert_true(cJSON_IsTrue(at(j, "decided")) && cJSON_IsNull(at(j, "reason")));
    assert_int_equal(cJSON_GetArraySize(at(j, "table")), 6);
    assert_near(number_at(first, "rho"), 2, 0);
    assert_close(number_at(first, "lr"), 2 * number_at(j, "tuned_lr"), 1e-12);
    for (const cJSON *row = first; row; row = row->next) /* what is proved holds */
        assert_true(number_at(at(row, "worst_excess"), "value") < number_at(row, "bound"));
    const cJSON *grid = at(j, "grid")->child;
    assert_near(number_at(grid, "ratio"), 2, 0);
    assert_true(number_at(grid, "mean") > 1 && number_at(grid, "mean") < number_at(grid->next, "mean"));
    cJSON_Delete(j);
}

static void table__is_a_schedule_like_others(void **state)
{
    (void)state;
    assert_int_equal(
        run_with(
            "awk 'BEGIN {for (i = 0; i <= 4096; i++) printf \"%.17g %.17g\\n\", i/4096, 7*(1 - i/4096)}' >line.dat;",
            "list schedules")
            ->code,
        0);
    cJSON *line = ask(SMALL "--schedule linear", 0), *table = ask(SMALL "--schedule table:file=line.dat", 0);
    assert_close(number_at(at(table, "exponent"), "value"), number_at(at(line, "exponent"), "value"), 1e-6);
    assert_close(number_at(table, "predicted_exponent"), 1.0 / 3, 0.01);
    assert_close(7 * number_at(table, "tuned_lr"), number_at(line, "tuned_lr"), 1e-9); /* lr multiplies the file's */
    cJSON_Delete(line);
    cJSON_Delete(table);
    assert_refused("robustness --no-save --schedule table:file=none.dat", 3, "none.dat");
    assert_refused("robustness --no-save --schedule table", 2, "needs file=");
}

/* The same name with another content is another run, wherever a schedule is asked for. */
static void table__of_another_content_is_another_run(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "robustness --replicas 64 --search-replicas 64 --horizon 64 --schedule table:file=own.dat",
        "simulate --loss quadratic:a=1 --schedule table:file=own.dat --steps 64 --burn-in 0 --replicas 64",
        "train --data digits:train=100:test=50 --epochs 2 --schedule table:file=own.dat",
        "train --data digits:train=100:test=50 --epochs 2 --schedule table:file=own.dat --resume",
        "escape --loss double-well --lr 0.1 --noise-variance 1 --schedule table:file=own.dat --replicas 64",
        "schedule table:file=own.dat --steps 16",
    };
    static const char first[] = "printf '0 1\n1 0\n' >own.dat;", second[] = "printf '0 1\n1 0.5\n' >own.dat;";
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char command[256];
        snprintf(command, sizeof command, "%s --quiet --out own", commands[i]);
        run_with("rm -rf own;", "--version");
        const said *s = run_with(first, command);
        if (s->code > 1) fail_msg("sgdlab %s: code %d: %s", command, s->code, s->err);
        s = run_with(second, command);
        if (s->code != 3 || !strstr(s->err, "schedule-table"))
            fail_msg("sgdlab %s: code %d: %s", command, s->code, s->err);
        s = run_with(first, command); /* as it was: the finished run is found again */
        if (s->code > 1) fail_msg("sgdlab %s: code %d: %s", command, s->code, s->err);
    }
}

static void what_is_not_asymptotic__is_undecided(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *reason;
    } of[] = {{SMALL "--horizon 64", "longer horizon"},
              {SMALL "--schedule constant --horizon 16", "rho >= 2 and rho <= sqrt(T)/2 at T = 16"},
              {SMALL "--rho 4", "1 of the rhos"},
              {SMALL "--iterate average --rho 8,16,32", "not a power law"},
              {SMALL "--iterate average --rho 1,2,4,8", "1 of the rhos lie in the asymptotic window, need 3"}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        cJSON *j = ask(of[i].arguments, 1);
        assert_true(cJSON_IsNull(at(j, "exponent")) && cJSON_IsFalse(at(j, "decided")));
        if (!strstr(at(j, "reason")->valuestring, of[i].reason)) fail_msg("%s", at(j, "reason")->valuestring);
        cJSON_Delete(j);
    }
    cJSON *j = ask(SMALL "--schedule linear:end=1 --lr 0.001 --horizon 512", 1);
    const char *note = at(j, "notes")->child->valuestring;
    assert_non_null(strstr(note, "not annealed"));
    assert_non_null(strstr(at(j, "notes")->child->next->valuestring, "rises"));
    cJSON_Delete(j);
}

static void loss__has_a_grid_and_no_exponent(void **state)
{
    (void)state;
    cJSON *j = ask("--problem logistic:m=32 --horizon 128 --replicas 64 --rho 1,4", 0);
    assert_true(cJSON_IsNull(at(j, "exponent")));
    assert_non_null(strstr(at(j, "reason")->valuestring, "single problem"));
    assert_true(number_at(at(at(j, "table")->child, "excess"), "value") > 0);
    assert_int_equal(cJSON_GetArraySize(at(j, "grid")), 4);
    cJSON_Delete(j);
}

static void files__are_the_same_for_any_jobs(void **state)
{
    (void)state;
    assert_int_equal(run("robustness " SMALL "--quiet --jobs 1 --out one")->code, 0);
    assert_int_equal(run("robustness " SMALL "--quiet --jobs 3 --out three")->code, 0);
    assert_true(exists("one/robustness.dat") && exists("one/robustness.gp") && exists("one/result.json"));
    char command[200];
    snprintf(command, sizeof command, "cd %s && cmp one/robustness.dat three/robustness.dat", folder);
    assert_int_equal(system(command), 0);
    assert_non_null(strstr(run("robustness " SMALL "--out one")->err, "complete"));
}

static void bad_input__is_refused(void **state)
{
    (void)state;
    assert_refused("robustness --no-save --rho 4,2", 2, "2 after 4");
    assert_refused("robustness --no-save --rho 0,2", 2, "--rho = 0");
    assert_refused("robustness --no-save --rho 1,x", 2, "not a number");
    assert_refused("robustness --no-save --horizon 0", 2, "--horizon = 0");
    assert_refused("robustness --no-save --schedule random", 3, "is random");
    assert_refused("robustness --no-save --schedule cosin", 2, "did you mean 'cosine'");
    assert_refused("robustness --no-save --problem wurst", 2, "unknown loss 'wurst'");
    assert_refused("robustness --no-save --problem quadratic-saddle", 3, "least value");
    assert_refused("robustness --no-save --problem logistic --iterate average", 3, "worst-slope");
    assert_refused("robustness --no-save --iterate suffix --suffix 0", 2, "--suffix = 0");
    assert_refused("robustness --no-save --sigma 0", 2, "--sigma = 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cosine__has_its_exponent),
        cmocka_unit_test(table__is_a_schedule_like_others),
        cmocka_unit_test(table__of_another_content_is_another_run),
        cmocka_unit_test(what_is_not_asymptotic__is_undecided),
        cmocka_unit_test(loss__has_a_grid_and_no_exponent),
        cmocka_unit_test(files__are_the_same_for_any_jobs),
        cmocka_unit_test(bad_input__is_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
