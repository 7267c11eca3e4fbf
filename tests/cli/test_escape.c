/* sgdlab escape: its times against exact ones typed in here and against `operator`, where nothing leaves, what it
 * refuses, its files. */
#include "tests/cli/program.h"

static cJSON *ask(const char *arguments)
{
    char command[512];
    snprintf(command, sizeof command, "escape %s --json --no-save --quiet", arguments);
    const said *s = run(command);
    if (s->code != 0) fail_msg("sgdlab %s: code %d: %s", command, s->code, s->err);
    if (strstr(s->out, "nan") || strstr(s->out, "inf,")) fail_msg("sgdlab %s: %s", command, s->out);
    return parse_only_json(s->out);
}

/* An estimate within 4.5 standard errors (7 false alarms in 10^6, at a fixed seed) of a value that it can tell from one
 * that is `control` times as large. */
static void assert_is(const cJSON *estimate, double expected, double control)
{
    const double value = number_at(estimate, "value"), se = number_at(estimate, "se");
    assert_true(se > 0);
    assert_near(value, expected, 4.5 * se);
    assert_true(fabs(value - control * expected) > 4.5 * se);
}

static const char *const quantiles[] = {"0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99"};
enum { QUANTILES = sizeof quantiles / sizeof *quantiles };

/* ---- numbers ---- */

/* y' = y + l (y - n), R = 1: exact survival sums and quantiles, by Gaussian probabilities step by step (NumPy). */
static const struct {
    double l, mean, leading;
    int quantile[QUANTILES];
} saddles[] = {{0.2, 23.19160132440582, 17.269388197455342, {15, 16, 19, 22, 26, 35, 44}},
               {0.05, 98.77133270275681, 0, {66, 72, 83, 94, 109, 143, 176}}};

static void saddle__is_left_after_the_exact_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments,
                 "--loss quadratic-saddle:dim=1 --lr %g --noise-variance 0.04 --batch 4 --radius 1 --replicas 20000",
                 saddles[i].l);
        cJSON *j = ask(arguments);
        const cJSON *p = at(j, "predicted");
        assert_is(at(j, "mean"), saddles[i].mean, 1.02);
        assert_close(number_at(p, "mean"), saddles[i].mean, 1e-7);
        assert_true(cJSON_IsTrue(at(p, "exact")));
        assert_close(number_at(p, "lyapunov_exponent"), log1p(saddles[i].l), 1e-12);
        if (i == 0) assert_close(number_at(p, "leading_log"), saddles[i].leading, 1e-9);
        for (size_t k = 0; k < QUANTILES; k++) {
            const cJSON *q = at(at(j, "quantiles"), quantiles[k]);
            assert_near(number_at(at(p, "quantiles"), quantiles[k]), saddles[i].quantile[k], 0);
            assert_near(number_at(q, "value"), saddles[i].quantile[k], 1 + 4.5 * number_at(q, "se"));
            assert_true(number_at(q, "lo") <= number_at(q, "value") && number_at(q, "value") <= number_at(q, "hi"));
        }
        assert_near(number_at(at(j, "median"), "value"), number_at(at(at(j, "quantiles"), "0.5"), "value"), 0);
        assert_near(number_at(j, "exited_fraction"), 1, 0);
        assert_near(number_at(j, "censored"), 0, 0);
        assert_true(number_at(j, "updates_per_second") > 0);
        cJSON_Delete(j);
    }
}

/* Euler and Maruyama's steps of dt at temperature T are SGD's with l = dt and noise 2T/dt: the same times, in dt. */
static void saddle__of_langevin_is_that_of_sgd(void **state)
{
    (void)state;
    cJSON *j = ask("--loss quadratic-saddle:dim=1 --dynamics overdamped --dt 0.2 --temperature 0.001 --replicas 20000");
    assert_is(at(j, "mean"), 0.2 * 23.19160132440582, 1.02);
    assert_close(number_at(at(j, "predicted"), "mean"), 0.2 * 23.19160132440582, 1e-7);
    assert_close(number_at(j, "radius"), 1.0, 0);
    cJSON_Delete(j);
}

/* At step t, P(|y_t| <= 1) = erf(1/sqrt(2 v)), v = l^2 s2 (m^t - 1)/(m - 1), m = (1 + l)^2; nobody comes back. */
static void censoring__is_counted_and_the_mean_restricted(void **state)
{
    (void)state;
    cJSON *j = ask("--loss quadratic-saddle:dim=1 --lr 0.1 --noise-variance 0.01 --max-steps 45 --replicas 20000");
    double inside = 0, restricted = 0;
    for (int t = 0; t <= 45; t++) {
        if (t > 0) restricted += t == 1 ? 1 : inside; /* sum of P(tau > t - 1) */
        const double m = 1.21, v = 0.01 * 0.01 * (pow(m, t) - 1) / (m - 1);
        inside = t == 0 ? 1 : erf(1 / sqrt(2 * v));
    }
    assert_true(cJSON_IsNull(at(at(j, "mean"), "value")));
    assert_is(at(j, "restricted_mean"), restricted, 1.01);
    assert_near(number_at(at(j, "restricted_mean"), "limit"), 45, 0);
    assert_near(number_at(j, "exited_fraction"), 1 - inside, 4.5 * sqrt(inside * (1 - inside) / 20000));
    assert_near(number_at(j, "exited") + number_at(j, "censored"), 20000, 0);
    assert_true(cJSON_IsNull(at(at(at(j, "quantiles"), "0.99"), "value")));
    assert_non_null(strstr(at(j, "notes")->child->valuestring, "still inside"));
    cJSON_Delete(j);
}

static void basin__is_left_after_the_operators_time(void **state)
{
    (void)state;
    cJSON *o = parse_only_json(
        run("operator --loss double-well --kind transfer --lr 0.1 --noise-variance 2 --task mfpt --from "
            "-1 --to 0.5 --json --no-save --quiet")
            ->out);
    cJSON *j = ask("--loss double-well --lr 0.1 --noise-variance 2 --start -1 --replicas 4000");
    const double exact = number_at(o, "mfpt");
    assert_string_equal(at(j, "leaving")->valuestring, "basin");
    assert_is(at(j, "mean"), exact, 1.15);
    assert_close(number_at(at(j, "predicted"), "mean"), exact, 1e-5);
    assert_close(number_at(at(j, "predicted"), "musso_eq20"), 0.1, 1e-12);
    /* pi / sqrt(2) exp(h/T) to the saddle, twice that to the other minimum, l a step; T is a limit, taken to 1e-6 */
    assert_close(number_at(at(j, "predicted"), "kramers"), 2 * M_PI / sqrt(2) * exp(2.5) / 0.1, 1e-5);
    assert_is(at(j, "exponential_rate"), 1 / exact, 1.15);
    const cJSON *target = at(j, "targets")->child;
    assert_close(at(target, "minimum")->child->valuedouble, 1.0, 1e-9);
    assert_close(number_at(target, "beyond"), 0.5, 1e-9);
    cJSON_Delete(o);
    cJSON_Delete(j);
}

/* Noise that is normal, the same everywhere and in all directions is gaussian, whatever its name; no other is. */
static void basin__is_predicted_for_any_normal_noise(void **state)
{
    (void)state;
    static const char *const same[] = {"gaussian --noise-variance 2", "stable:alpha=2 --noise-variance 2",
                                       "anisotropic:spectrum=4 --noise-variance 0.5"};
    static const char *const other[] = {"bounded --noise-variance 2", "stable:alpha=1.9 --noise-variance 2",
                                        "hessian --noise-variance 2"};
    char arguments[256];
    double mean = NAN;
    for (size_t i = 0; i < 3; i++) {
        snprintf(arguments, sizeof arguments, "--loss double-well --replicas 1000 --noise %s", same[i]);
        cJSON *j = ask(arguments);
        if (i == 0) mean = number_at(at(j, "predicted"), "mean");
        assert_true(cJSON_IsTrue(at(at(j, "predicted"), "exact")));
        assert_near(number_at(at(j, "predicted"), "mean"), mean, 0);
        assert_is(at(j, "mean"), mean, 1.3);
        cJSON_Delete(j);
        snprintf(arguments, sizeof arguments, "--loss double-well --replicas 10 --max-steps 10 --noise %s", other[i]);
        j = ask(arguments);
        assert_false(cJSON_IsTrue(at(at(j, "predicted"), "exact")));
        cJSON_Delete(j);
    }
    /* variance 0.01 in both directions of a saddle, but not 0.01 and 0.04 */
    cJSON *even = ask("--noise-variance 0.005 --noise anisotropic:spectrum=2,2 --replicas 10"),
          *plain = ask("--noise-variance 0.01 --replicas 10"),
          *uneven = ask("--noise-variance 0.01 --noise anisotropic:spectrum=1,4 --replicas 10");
    assert_near(number_at(at(even, "predicted"), "mean"), number_at(at(plain, "predicted"), "mean"), 0);
    assert_true(cJSON_IsNull(at(at(uneven, "predicted"), "mean")));
    cJSON_Delete(even), cJSON_Delete(plain), cJSON_Delete(uneven);
}

/* Mueller and Brown's deepest minimum has curvature 40: at l = 0.1 gradient descent itself runs out of it, not at 0.04.
 */
static void basin__that_does_not_hold_the_steps_has_no_prediction(void **state)
{
    (void)state;
    cJSON *j = ask("--loss mueller-brown --lr 0.1 --replicas 10 --max-steps 100");
    assert_true(cJSON_IsNull(at(at(j, "predicted"), "mean")));
    assert_null(at(at(j, "predicted"), "kramers"));
    assert_non_null(strstr(at(j, "notes")->child->valuestring, "does not hold these steps"));
    cJSON_Delete(j);
    j = ask("--loss mueller-brown --lr 0.04 --noise-variance 10 --replicas 10 --max-steps 100");
    assert_true(number_at(at(j, "predicted"), "mean") > 0);
    cJSON_Delete(j);
    /* random rates: the bound is 2/q = 1.5, the curvature 2 */
    j = ask("--loss double-well --lr 0.76 --schedule random:delta=1 --replicas 10 --max-steps 100");
    assert_true(cJSON_IsNull(at(at(j, "predicted"), "mean")));
    cJSON_Delete(j);
}

/* Where there is no temperature, no level, no exit: the table for people says so without a nan. */
static void tables__have_no_nan(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "--loss double-well --rule sign --replicas 10 --max-steps 100",
        "--loss double-well --schedule cyclic --replicas 10 --max-steps 100",
        "--loss double-well --noise stable:alpha=1.5 --replicas 10 --max-steps 100",
        "--loss double-well --noise-variance 0 --replicas 10 --max-steps 10",
        "--loss double-well --start 50 --replicas 10",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[256];
        snprintf(command, sizeof command, "escape %s --no-save --quiet", cases[i]);
        const said *s = run(command);
        if (s->code != 0 || strstr(s->out, "nan") || strstr(s->out, "inf") || strstr(s->out, "T = -"))
            fail_msg("sgdlab %s: code %d: %s%s", command, s->code, s->out, s->err);
    }
    /* so cold that Boltzmann averages have no quadrature; the saddle is left all the same */
    cJSON *cold = ask("--loss double-well --start 0 --noise-variance 1e-20 --replicas 1000 --radius 0.1");
    assert_is(at(cold, "mean"), number_at(at(cold, "predicted"), "mean"), 1.05);
    cJSON_Delete(cold);
    /* out at the first step: no law of quantiles about a mean of 1 */
    cJSON *j = ask("--loss double-well --start 50 --replicas 10");
    assert_near(number_at(at(j, "mean"), "value"), 1, 0);
    assert_true(cJSON_IsNull(at(at(j, "predicted"), "median")));
    cJSON_Delete(j);
}

/* Klein-Kramers: the rate is half the slowest eigenvalue, which a dense spectral method gives at T = 0.05 and friction
 * 1 (the escape comes out of the well, at the half-way point, within a few per cent of that). */
static void basin__of_underdamped_dynamics(void **state)
{
    (void)state;
    cJSON *o = parse_only_json(
        run("operator --loss double-well --kind kramers --temperature 0.08 --friction 1 --task spectrum "
            "--eigenvalues 2 --json --no-save --quiet")
            ->out);
    cJSON *j =
        ask("--loss double-well --dynamics underdamped --dt 0.1 --temperature 0.08 --friction 1 --replicas 4000");
    const double slowest = cJSON_GetArrayItem(at(o, "eigenvalues"), 1)->valuedouble;
    assert_close(number_at(at(j, "predicted"), "mean"), -2 / slowest, 1e-5);
    assert_close(number_at(at(j, "mean"), "value"), -2 / slowest, 0.1);
    cJSON_Delete(o);
    cJSON_Delete(j);
}

static void basin__from_a_saddle_is_either(void **state)
{
    (void)state;
    cJSON *j = ask("--loss strict-saddle --lr 0.05 --noise-variance 0.01 --to-basin --replicas 4000");
    const cJSON *targets = at(j, "targets");
    assert_true(cJSON_IsNull(at(j, "home")));
    assert_int_equal(cJSON_GetArraySize(targets), 2);
    double sum = 0;
    for (int i = 0; i < 2; i++) {
        const cJSON *t = cJSON_GetArrayItem(targets, i);
        assert_is(at(t, "fraction"), 0.5, 1.2);
        assert_close(number_at(t, "radius"), 0.5, 1e-9); /* half of the way from minimum to saddle */
        sum += number_at(at(t, "fraction"), "value");
    }
    assert_close(sum, 1.0, 1e-12);
    assert_non_null(strstr(at(j, "notes")->child->valuestring, "saddle"));
    cJSON_Delete(j);
}

/* Images of a periodic loss are other minima: the two next ones, equally far. */
static void basin__of_a_periodic_loss(void **state)
{
    (void)state;
    cJSON *j = ask("--loss periodic --lr 0.1 --noise-variance 10 --replicas 2000");
    const cJSON *targets = at(j, "targets");
    assert_int_equal(cJSON_GetArraySize(targets), 2);
    for (int i = 0; i < 2; i++) {
        const cJSON *t = cJSON_GetArrayItem(targets, i);
        assert_close(fabs(at(t, "minimum")->child->valuedouble), 2 * M_PI, 1e-9);
        assert_close(fabs(number_at(t, "beyond")), 1.5 * M_PI, 1e-9);
        assert_is(at(t, "fraction"), 0.5, 1.2);
    }
    cJSON_Delete(j);
}

static void splitting__has_the_exact_time_of_a_rare_arrival(void **state)
{
    (void)state;
    cJSON *j = ask("--loss double-well --lr 0.1 --noise-variance 0.5 --method splitting");
    const double exact = number_at(at(j, "predicted"), "mean");
    assert_true(cJSON_IsTrue(at(at(j, "predicted"), "exact")) && exact > 1e5);
    assert_is(at(j, "mean"), exact, 1.5);
    assert_close(number_at(at(j, "median"), "value"), M_LN2 * number_at(at(j, "mean"), "value"), 1e-12);
    const cJSON *s = at(j, "splitting"), *levels = at(s, "levels");
    assert_true(cJSON_GetArraySize(levels) > 2);
    assert_true(levels->child->valuedouble > number_at(s, "a"));
    for (const cJSON *z = levels->child; z->next; z = z->next) assert_true(z->next->valuedouble > z->valuedouble);
    assert_true(number_at(j, "updates") < 0.1 * 4000 * exact); /* what as good an estimate by brute force takes */
    cJSON_Delete(j);
}

/* ---- nothing leaves ---- */

static void nothing_leaving__is_said(void **state)
{
    (void)state;
    cJSON *j = ask("--loss double-well --noise-variance 0.01 --max-steps 500 --replicas 300");
    assert_true(cJSON_IsNull(at(at(j, "mean"), "value")) && cJSON_IsNull(at(at(j, "restricted_mean"), "value")));
    assert_true(cJSON_IsNull(at(at(j, "median"), "value")));
    assert_near(number_at(j, "exited_fraction"), 0, 0);
    assert_near(number_at(j, "censored"), 300, 0);
    assert_true(number_at(at(j, "exponential_rate"), "hi") > 0);
    assert_non_null(strstr(at(j, "notes")->child->valuestring, "nothing left"));
    cJSON_Delete(j);
    j = ask("--noise-variance 0 --radius 0.5 --max-steps 200 --replicas 64"); /* at rest on the saddle for ever */
    assert_near(number_at(j, "censored"), 64, 0);
    cJSON_Delete(j);
}

/* Every option that was not given is resolved within bounds: no run without an end. */
static void limit__follows_from_theory(void **state)
{
    (void)state;
    cJSON *j = ask("--loss quadratic-saddle:dim=1 --lr 0.01 --noise-variance 0.01 --replicas 64");
    assert_true(number_at(j, "max_steps") > 20 * number_at(at(j, "predicted"), "mean"));
    assert_near(number_at(j, "censored"), 0, 0);
    cJSON_Delete(j);
}

/* P(|x| > 1) = 0.3173 of a normal law. */
static void starts__may_lie_outside(void **state)
{
    (void)state;
    cJSON *j = ask("--loss quadratic-saddle:dim=1 --start-spread 1 --replicas 4000");
    int outside;
    assert_int_equal(sscanf(at(j, "notes")->child->valuestring, "%d of the starts", &outside), 1);
    assert_near(outside, 4000 * 0.3173105, 4.5 * sqrt(4000 * 0.3173 * 0.6827));
    cJSON_Delete(j);
}

static void odd_corners__end_well(void **state)
{
    (void)state;
    static const char *const corners[] = {
        "--replicas 1",
        "--loss quadratic-saddle:dim=8:index=3 --replicas 100",
        "--loss quadratic:dim=3 --radius 0.5 --replicas 100",
        "--loss quartic --radius 0.1 --replicas 100",
        "--loss rosenbrock --radius 0.5 --replicas 100 --lr 0.001 --noise-variance 100",
        "--loss double-well --start 0 --replicas 100 --lr 0.01",
        "--loss double-well --start 0 --replicas 100 --to-basin",
        "--loss bent-double-well --replicas 100 --noise-variance 10 --paths 2",
        "--loss quadratic-saddle --rule nesterov --momentum 0.9 --replicas 100",
        "--loss quadratic-saddle --momentum 0.9 --replicas 100",
        "--loss quadratic-saddle --rule sign --replicas 100",
        "--loss quadratic-saddle --schedule cosine --replicas 100 --max-steps 1000",
        "--loss quadratic-saddle --schedule plrs:min=0.05:max=0.1 --replicas 100",
        "--loss quadratic-saddle --start-spread 0.01 --replicas 100",
        "--loss quadratic-saddle --dynamics underdamped --replicas 100",
        "--loss quadratic-saddle --dynamics overdamped --scheme lm --replicas 100",
        "--loss double-well --kill-radius 2.2 --replicas 100 --to-basin --noise-variance 3",
        "--loss strict-saddle --paths 200 --replicas 3 --jobs 4096",
    };
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++) {
        cJSON *j = ask(corners[i]);
        static const char *const keys[] = {"mean",
                                           "restricted_mean",
                                           "median",
                                           "quantiles",
                                           "predicted",
                                           "exited_fraction",
                                           "censored",
                                           "lost",
                                           "exponential_rate",
                                           "updates_per_second",
                                           "notes",
                                           "configuration",
                                           "time_unit",
                                           "max_steps"};
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            if (!at(j, keys[k])) fail_msg("sgdlab escape %s: no '%s'", corners[i], keys[k]);
        static const char *const theory[] = {"mean", "median", "quantiles", "lyapunov_exponent", "musso_eq20"};
        for (size_t k = 0; k < sizeof theory / sizeof *theory; k++) assert_non_null(at(at(j, "predicted"), theory[k]));
        for (size_t k = 0; k < QUANTILES; k++) assert_non_null(at(at(j, "quantiles"), quantiles[k]));
        assert_near(number_at(j, "exited") + number_at(j, "censored") + number_at(j, "lost"), number_at(j, "replicas"),
                    0);
        cJSON_Delete(j);
    }
}

/* ---- what is refused ---- */

static void mistakes__are_answered_before_anything_runs(void **state)
{
    (void)state;
    assert_refused("escape --radius 0", 2, "--radius = 0 is out of range");
    assert_refused("escape --radius -1", 2, "out of range");
    assert_refused("escape --radius 1 --to-basin", 2, "give one");
    assert_refused("escape --loss quadratic --to-basin", 3, "no other minimum");
    assert_refused("escape --loss quadratic-saddle --to-basin", 3, "no other minimum");
    assert_refused("escape --loss quadratic:dim=20 --to-basin", 3, "dimensions");
    assert_refused("escape --loss duoble-well", 2, "did you mean 'double-well'");
    assert_refused("escape --noise gausian", 2, "did you mean 'gaussian'");
    assert_refused("escape --dynamics overdamped --noise gaussian", 2, "--noise");
    assert_refused("escape --momentum 1.5", 2, "--momentum");
    assert_refused("escape --start 1,2,3", 2, "--start has 3 values");
    assert_refused("escape --max-steps 0", 2, "--max-steps");
    assert_refused("escape --replicas 1e10 --radius 1", 4, "--replicas");
    assert_refused("escape --loss double-well --method splitting --schedule cosine", 3, "changes with time");
    assert_refused("escape --loss double-well --method splitting --radius 1", 2, "--to-basin");
    assert_refused("escape --loss double-well --method splitting --replicas 10", 2, "--particles");
    assert_refused("escape --loss double-well --particles 10", 2, "--method splitting");
    assert_refused("escape --loss double-well --method splitting --start 0", 3, "saddle");
    assert_refused("escape --loss double-well --method splitting --noise-variance 0", 3, "--noise-variance 0");
    assert_refused("escape --loss double-well --method splitting --particles 7", 2, "need 8 <= particles");
    assert_refused("escape --loss periodic --method splitting", 3, "one coordinate");
    assert_refused("escape --loss quadratic --method splitting", 3, "no other minimum");
}

/* ---- files ---- */

static void files__do_not_depend_on_jobs(void **state)
{
    (void)state;
    const char *arguments =
        "escape --loss strict-saddle --lr 0.05 --noise-variance 0.01 --radius 0.5 --replicas 3000 --paths 5 "
        "--quiet --out";
    char first[256], second[256];
    snprintf(first, sizeof first, "%s one --jobs 1", arguments);
    snprintf(second, sizeof second, "%s two --jobs 2", arguments);
    assert_int_equal(run(first)->code, 0);
    assert_int_equal(run(second)->code, 0);
    static const char *const files[] = {"exits.dat",  "distribution.dat", "predicted.dat",
                                        "paths.dat",  "contours.dat",     "escape.gp",
                                        "escape.png", "result.json",      "manifest.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[64], command[256];
        snprintf(name, sizeof name, "one/%s", files[i]);
        if (!exists(name)) fail_msg("no %s", name);
        if (!strstr(files[i], ".dat")) continue;
        snprintf(command, sizeof command, "cmp %s/one/%s %s/two/%s", folder, files[i], folder, files[i]);
        assert_int_equal(system(command), 0);
    }
    const said *again = run(first);
    assert_int_equal(again->code, 0);
    assert_non_null(strstr(again->out, "measured"));
    snprintf(second, sizeof second, "%s one --seed 2", arguments);
    assert_refused(second, 3, "seed");
}

static void files__of_splitting(void **state)
{
    (void)state;
    const char *arguments =
        "escape --loss double-well --noise-variance 1 --method splitting --particles 64 --repeats 4 --quiet "
        "--out";
    char first[256], second[256];
    snprintf(first, sizeof first, "%s one --jobs 1", arguments);
    snprintf(second, sizeof second, "%s two --jobs 2", arguments);
    assert_int_equal(run(first)->code, 0);
    assert_int_equal(run(second)->code, 0);
    assert_true(exists("one/levels.dat") && exists("one/escape.png"));
    char command[256];
    snprintf(command, sizeof command, "cmp %s/one/levels.dat %s/two/levels.dat", folder, folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        TEST(saddle__is_left_after_the_exact_time),
        TEST(saddle__of_langevin_is_that_of_sgd),
        TEST(censoring__is_counted_and_the_mean_restricted),
        TEST(basin__is_left_after_the_operators_time),
        TEST(basin__is_predicted_for_any_normal_noise),
        TEST(basin__that_does_not_hold_the_steps_has_no_prediction),
        TEST(tables__have_no_nan),
        TEST(basin__of_underdamped_dynamics),
        TEST(basin__from_a_saddle_is_either),
        TEST(basin__of_a_periodic_loss),
        TEST(splitting__has_the_exact_time_of_a_rare_arrival),
        TEST(nothing_leaving__is_said),
        TEST(limit__follows_from_theory),
        TEST(starts__may_lie_outside),
        TEST(odd_corners__end_well),
        TEST(mistakes__are_answered_before_anything_runs),
        TEST(files__do_not_depend_on_jobs),
        TEST(files__of_splitting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
