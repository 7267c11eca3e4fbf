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
    assert_true(number_at(grid, "mean_se") > 0 && number_at(grid, "mean_se") < 0.1);
    assert_true(number_at(grid, "worst_se") > 0 && number_at(grid, "worst_se") < 0.2);
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
    assert_refused("robustness --no-save --problem quadratic-saddle", 3, "'quadratic-saddle' is not convex");
    assert_refused("robustness --no-save --problem double-well", 3, "quadratic, quartic, absolute, huber");
    assert_refused("robustness --no-save --problem rosenbrock", 3, "logistic, hinge");
    assert_refused("robustness --no-save --problem tensor-decomposition", 3, "not convex");
    assert_refused("robustness --no-save --problem quadratic --rho 1,2", 3, "starts at its minimum");
    assert_refused("robustness --no-save --iterate suffix --suffix 0", 2, "--suffix = 0");
    assert_refused("robustness --no-save --sigma 0", 2, "--sigma = 0");
    assert_refused("robustness --no-save --sigma 1e-300", 2, "--sigma = 1e-300");
    assert_refused("robustness --no-save --slope-max 1e-300", 2, "--slope-max = 1e-300");
    assert_refused("robustness --no-save --distance 1e-300", 2, "--distance = 1e-300");
}

static void options_that_exclude_each_other__are_wrong_usage(void **state)
{
    (void)state;
    assert_refused("robustness --no-save --tune bound --lr 1", 2, "--tune and --lr");
    assert_refused("robustness --no-save --suffix 0.3", 2, "--suffix belongs to --iterate suffix, not last");
    assert_refused("robustness --no-save --iterate average --suffix 0.3", 2, "not average");
    assert_refused("robustness --no-save --tune bound --problem logistic", 2, "worst-slope alone");
    assert_refused("robustness --no-save --problem logistic --iterate average", 2, "worst-slope");
    assert_refused("robustness --no-save --problem logistic --sigma 2", 2, "--sigma belongs to --problem worst-slope");
    assert_refused("robustness --no-save --data digits", 2, "samples go with --problem logistic");
    assert_refused("robustness --no-save --classes 1,2", 2, "samples go with --problem logistic");
}

/* Rates over which no peak rate is best, and a table beyond all measure. */
static void schedule_without_a_best_rate__is_wrong_input(void **state)
{
    (void)state;
    static const char few[] = "robustness --no-save --horizon 512 --replicas 64 --search-replicas 64 --schedule ";
    char command[200];
    snprintf(command, sizeof command, "%sexponential:gamma=1e-300", few);
    assert_refused(command, 3, "schedule 'exponential' has no best peak rate");
    snprintf(command, sizeof command, "%sexponential:gamma=0.01", few);
    assert_refused(command, 3, "powers of ten");
    run_with("printf '0 1e-300\n1 0\n' >tiny.dat; printf '0 1e308\n1 0\n' >huge.dat;", "--version");
    snprintf(command, sizeof command, "%stable:file=tiny.dat", few);
    assert_refused(command, 3, "'tiny.dat', line 1: a rate of 1e-300");
    snprintf(command, sizeof command, "%stable:file=huge.dat", few);
    assert_refused(command, 3, "'huge.dat', line 1: a rate of 1e+308");
}

/* Nothing moves at this rate, so that all replicas have the same excess; and a loss of which nothing is left. */
static void what_has_no_error__is_no_number(void **state)
{
    (void)state;
    cJSON *j = ask(SMALL "--schedule constant --lr 1e-300", 1);
    assert_true(cJSON_IsNull(at(j, "exponent")));
    assert_non_null(strstr(at(j, "reason")->valuestring, "no standard error"));
    cJSON_Delete(j);
    static const char least_squares[] = "--problem least-squares:noise=0 --horizon 512 --rho 1,2 --replicas 64";
    j = ask(least_squares, 0);
    assert_true(cJSON_IsNull(at(at(j, "grid")->child, "mean")) && cJSON_IsNull(at(at(j, "grid")->child, "worst")));
    cJSON_Delete(j);
    char command[200];
    snprintf(command, sizeof command, "robustness --no-save %s", least_squares);
    const said *s = run(command);
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->out, "    2     -      -\n"));
    assert_null(strstr(s->out, "nan"));
}

/* (1-u)^1.5 in 32 straight pieces: the last of them, 128 steps, decides from rho = 512 on only, and in the window it is
 * the 1.5, whose power is 1/4. A note says so, and none where (1-u)^1.5 goes on to the end. */
static void power_of_the_last_steps_alone__has_a_note(void **state)
{
    (void)state;
    run_with("awk 'BEGIN {for (i = 0; i <= 32; i++) printf \"%.17g %.17g\\n\", i/32, (1 - i/32)^1.5}' >bent.dat;",
             "--version");
    cJSON *j = ask(SMALL "--schedule table:file=bent.dat --rho 2,4,8,16,32,64", 0);
    assert_close(number_at(j, "predicted_exponent"), 1.0 / 3, 0.01);
    assert_near(number_at(at(j, "predicted"), "bound_slope"), 0.25, 0.01);
    assert_near(number_at(at(j, "exponent"), "value"), 0.25, 0.035);
    assert_true(number_at(at(j, "predicted"), "rho_lo") > 64);
    assert_non_null(strstr(at(j, "notes")->child->valuestring, "slope, 0.25, is what to compare with"));
    cJSON_Delete(j);
    j = ask(SMALL "--schedule poly:p=1.5 --rho 2,4,8,16,32,64", 0);
    assert_close(number_at(j, "predicted_exponent"), 0.25, 0.02);
    assert_int_equal(cJSON_GetArraySize(at(j, "notes")), 0);
    cJSON_Delete(j);
}

static void people__read_the_schedule_asked_for(void **state)
{
    (void)state;
    const said *s = run("robustness " SMALL "--no-save --quiet --schedule cosine --horizon 64");
    assert_int_equal(strncmp(s->out, "cosine, 64 steps", 16), 0);
}

/* Read through a pseudo-terminal: a bar for either part of the work. Not where there is none, as in a bare chroot. */
static void terminal__sees_progress(void **state)
{
    (void)state;
    const said *s = run_with("script -q -e -c true bar.txt && ", "--version");
    if (s->code != 0) skip();
    s = run_with("script -q -e -c '", "robustness --replicas 4096 --search-replicas 4096 --no-save --jobs 1' bar.txt");
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->out, "left  tuning"));
    assert_non_null(strstr(s->out, "left  measuring"));
    s = run("robustness " SMALL "--no-save --horizon 64");
    assert_null(strstr(s->err, "tuning"));
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
        cmocka_unit_test(options_that_exclude_each_other__are_wrong_usage),
        cmocka_unit_test(schedule_without_a_best_rate__is_wrong_input),
        cmocka_unit_test(what_has_no_error__is_no_number),
        cmocka_unit_test(power_of_the_last_steps_alone__has_a_note),
        cmocka_unit_test(people__read_the_schedule_asked_for),
        cmocka_unit_test(terminal__sees_progress),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
