/* sgdlab operator: its numbers against references from elsewhere (25-digit quadrature, dense spectral methods, Nystrom:
 * shared/oracles/boltzmann.json, escape.json, discrete_stationary.json) and closed forms typed in here; what it
 * refuses; its files. */
#include "tests/cli/program.h"

static cJSON *ask(const char *arguments)
{
    char command[512];
    snprintf(command, sizeof command, "operator %s --json --no-save --quiet", arguments);
    const said *s = run(command);
    if (s->code != 0) fail_msg("sgdlab %s: code %d: %s", command, s->code, s->err);
    if (strstr(s->out, "nan") || strstr(s->out, "inf,")) fail_msg("sgdlab %s: %s", command, s->out);
    return parse_only_json(s->out);
}

static double element(const cJSON *list, int i)
{
    const cJSON *n = cJSON_GetArrayItem(list, i);
    if (!cJSON_IsNumber(n)) fail_msg("no number at place %d", i);
    return n->valuedouble;
}

/* ---- numbers ---- */

static void stationary__is_boltzmann_to_eight_digits(void **state)
{
    (void)state;
    static const struct {
        const char *loss;
        double T, x2, f;
    } laws[] = {
        {"quadratic", 0.05, 0.05, 0.025},
        {"double-well", 0.02, 0.9785301546206810, 0.01036746134482973},
        {"double-well", 0.1, 0.87136290804204983, 0.0571592729894875},
        {"quartic", 0.1, 0.21376308873247123, 0.025},
        {"periodic", 0.2, 0.2272301628147295, 0.1066168629559148},
    };
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        char arguments[128];
        snprintf(arguments, sizeof arguments, "--loss %s --temperature %g", laws[i].loss, laws[i].T);
        cJSON *j = ask(arguments);
        const cJSON *law = at(j, "stationary");
        assert_close(number_at(law, "x2"), laws[i].x2, 1e-8);
        assert_close(number_at(law, "loss"), laws[i].f, 1e-8);
        assert_near(number_at(law, "kl_to_boltzmann"), 0, 1e-10);
        assert_close(number_at(at(j, "predicted"), "loss"), laws[i].f, 1e-9);
        assert_true(number_at(at(at(j, "errors"), "stationary"), "x2") < 1e-8);
        assert_true(number_at(j, "grid_error") <= 1e-8);
        assert_true(cJSON_IsTrue(at(j, "tolerance_met")));
        assert_true(cJSON_IsNull(at(j, "mfpt")) && cJSON_IsNull(at(j, "eigenvalues")));
        cJSON_Delete(j);
    }
}

static void mfpt__is_that_of_quadrature(void **state)
{
    (void)state;
    cJSON *j = ask("--loss double-well --temperature 0.05 --task mfpt --from -1 --to 1");
    assert_close(number_at(j, "mfpt"), 729.670691942322799, 1e-8);
    assert_close(number_at(at(j, "predicted"), "mfpt"), 729.670691942322799, 1e-9);
    assert_close(number_at(at(j, "predicted"), "mfpt_kramers"), 659.3822923750206, 1e-6);
    assert_close(number_at(at(j, "predicted"), "mfpt_corrected"), 708.8359643031471, 1e-4);
    cJSON_Delete(j);
    /* round a ring, to 1 or 1 - 2 pi: quadrature by SciPy */
    j = ask("--loss periodic --temperature 0.5 --task mfpt --from 0 --to 1");
    assert_close(number_at(j, "mfpt"), 4.10303568960558, 1e-8);
    cJSON_Delete(j);
    j = ask("--loss double-well --temperature 0.05 --task mfpt --from 1 --to 0"); /* the other way round, to the top */
    assert_close(number_at(j, "mfpt"), 361.903759500924366, 1e-8);
    assert_null(at(at(j, "predicted"), "mfpt_kramers")); /* no passage from well to well */
    cJSON_Delete(j);
    j = ask("--loss tilted-double-well --temperature 0.02 --task mfpt --from 1 --to -1"); /* short of the bottom */
    assert_close(number_at(at(j, "predicted"), "mfpt_kramers"), number_at(j, "mfpt"), 0.06);
    cJSON_Delete(j);
    /* On a ring the target is met from both sides: quadrature of exp(f/T) int exp(-f/T) / T over half of it, by SciPy. */
    j = ask("--loss periodic --temperature 0.2 --task mfpt --from 0 --to 3.141592653589793");
    assert_close(number_at(j, "mfpt"), 36612.48099266248, 1e-8);
    cJSON_Delete(j);
    j = ask("--loss periodic --temperature 0.2 --task committor --from 0 --to 3");
    assert_true(number_at(j, "committor") > 0);
    cJSON_Delete(j);
}

static void spectrum__has_the_slowest_rate(void **state)
{
    (void)state;
    cJSON *j = ask("--loss double-well --temperature 0.05 --task spectrum --eigenvalues 3");
    const cJSON *e = at(j, "eigenvalues");
    assert_int_equal(cJSON_GetArraySize(e), 3);
    assert_near(element(e, 0), 0, 1e-10);
    assert_close(element(e, 1), -0.0027761406365727267, 1e-7);
    assert_close(element(e, 2), -0.8222471245007735, 1e-7);
    assert_null(at(j, "imag"));
    cJSON_Delete(j);
    j = ask("--loss quadratic:a=2 --temperature 0.3 --task spectrum"); /* -n a */
    for (int n = 1; n < 4; n++) assert_close(element(at(j, "eigenvalues"), n), -2.0 * n, 1e-7);
    for (int n = 1; n < 4; n++) assert_close(element(at(at(j, "predicted"), "eigenvalues"), n), -2.0 * n, 1e-12);
    cJSON_Delete(j);
}

/* Underdamped on a x^2/2: -(g -+ sqrt(g^2 - 4 a))/2, here a pair. */
static void kramers__has_its_rates(void **state)
{
    (void)state;
    cJSON *j = ask("--kind kramers --temperature 0.1 --friction 3 --task spectrum --tolerance 1e-6");
    assert_close(element(at(j, "eigenvalues"), 1), -0.010454351081794936, 1e-6);
    cJSON_Delete(j);
    j = ask("--kind kramers --loss quadratic --temperature 0.1 --friction 1 --task spectrum --tolerance 1e-6");
    assert_close(element(at(j, "eigenvalues"), 1), -0.5, 1e-6);
    assert_close(fabs(element(at(j, "imag"), 1)), sqrt(0.75), 1e-6);
    cJSON_Delete(j);
}

/* SGD's own equation on phase space: T = l q s2 / (2 (1 - mu)) derived; short by a factor l as eq 10 prints it. */
static void kramers__takes_both_noises_of_eq_10(void **state)
{
    (void)state;
    const double l = 0.1, mu = 0.5, q = 4.0 / 3, s2 = 2, T = l * q * s2 / (2 * (1 - mu));
    const char *arguments = "--kind kramers --loss quadratic --lr 0.1 --momentum 0.5 --noise-variance 2 --schedule "
                            "random:delta=1 --tolerance 1e-6";
    cJSON *j = ask(arguments);
    assert_close(number_at(j, "temperature"), T, 1e-12);
    assert_close(number_at(at(j, "stationary"), "x2"), T, 1e-6);
    cJSON_Delete(j);
    char printed[256];
    snprintf(printed, sizeof printed, "%s --noise printed", arguments);
    j = ask(printed);
    assert_close(number_at(at(j, "stationary"), "x2"), l * T, 1e-6);
    cJSON_Delete(j);
}

/* D(x) = u + w a^2 x^2 on a x^2/2: the second moment is u / (a - w a^2), by one integration by parts. */
static void fokker_planck__of_sgd_has_a_diffusion_that_follows_the_gradient(void **state)
{
    (void)state;
    const double l = 0.2, q = 4.0 / 3, s2 = 1.5, a = 2, u = l * q * s2 / 2, w = l * (q - 1) / 2;
    cJSON *j =
        ask("--loss quadratic:a=2 --lr 0.2 --noise-variance 6 --batch 4 --schedule random:delta=1 --tolerance 1e-7");
    assert_close(number_at(j, "temperature"), u, 1e-12);
    assert_close(number_at(at(j, "stationary"), "x2"), u / (a - w * a * a), 1e-7);
    cJSON_Delete(j);
}

/* The chain itself; noise of one temperature to leading order, given by either option. */
static void transfer__is_exact_at_large_rates(void **state)
{
    (void)state;
    static const char *const same[] = {"--lr 0.2 --noise-variance 1", "--lr 0.2 --temperature 0.1",
                                       "--lr 0.2 --temperature 0.1 --noise-variance 1"};
    for (size_t i = 0; i < 3; i++) {
        char arguments[128];
        snprintf(arguments, sizeof arguments, "--kind transfer --loss double-well %s", same[i]);
        cJSON *j = ask(arguments);
        const cJSON *law = at(j, "stationary");
        assert_close(number_at(law, "x2"), 0.8436445428153574, 1e-8);
        assert_close(number_at(law, "loss"), 0.06955989733106346, 1e-8);
        assert_close(number_at(law, "kl_to_boltzmann"), 0.01988779591086469, 1e-6);
        cJSON_Delete(j);
    }
    /* On a quadratic x^2 = l s2 / (a (2 - a l)), and the chain forgets by 1 - a l a step. */
    cJSON *j = ask("--kind transfer --loss quadratic:a=1 --lr 0.3 --noise-variance 0.7");
    assert_close(number_at(at(j, "stationary"), "x2"), 0.3 * 0.7 / 1.7, 1e-8);
    assert_close(number_at(at(j, "predicted"), "x2"), 0.3 * 0.7 / 1.7, 1e-9);
    cJSON_Delete(j);
    j = ask("--kind transfer --loss quadratic:a=1 --lr 0.3 --noise-variance 0.7 --task spectrum --eigenvalues 3");
    for (int n = 1; n < 3; n++) assert_close(element(at(j, "eigenvalues"), n), n * log(0.7), 1e-8);
    cJSON_Delete(j);
}

static void evolve__follows_ornstein_and_uhlenbeck(void **state)
{
    (void)state;
    cJSON *j = ask("--loss quadratic --temperature 0.1 --task evolve --from 0.5 --start-spread 0.2 --times 0.1,1,3 "
                   "--tolerance 1e-6");
    static const double times[] = {0.1, 1, 3};
    const cJSON *law = at(j, "evolution")->child;
    for (size_t i = 0; i < 3; i++, law = law->next) {
        const double decay = exp(-times[i]), x = 0.5 * decay;
        assert_non_null(law);
        assert_near(number_at(law, "time"), times[i], 0);
        assert_near(number_at(law, "x"), x, 1e-6);
        assert_near(number_at(law, "x2"), x * x + 0.04 * decay * decay + 0.1 * (1 - decay * decay), 1e-6);
    }
    assert_null(law);
    cJSON_Delete(j);
}

/* strict-saddle is a quadratic in x and the double well in y: the slowest rate is the double well's. */
static void plane__has_two_of_everything(void **state)
{
    (void)state;
    cJSON *j = ask("--loss strict-saddle --temperature 0.1 --grid 100");
    assert_int_equal(cJSON_GetArraySize(at(at(j, "stationary"), "x2")), 2);
    assert_close(element(at(at(j, "stationary"), "x2"), 0), 0.1, 1e-6);
    assert_close(element(at(at(j, "stationary"), "x2"), 1), 0.87136290804204983, 1e-6);
    cJSON_Delete(j);
    j = ask("--loss strict-saddle --temperature 0.08 --task spectrum --grid 100");
    assert_close(element(at(j, "eigenvalues"), 1), -0.017774181490594433, 2e-3);
    cJSON_Delete(j);
    j = ask("--kind transfer --loss strict-saddle --lr 0.2 --noise-variance 1"); /* x: l s2 / (a (2 - a l)); y as on a
                                                                                    line */
    assert_close(element(at(at(j, "stationary"), "x2"), 0), 0.2 / 1.8, 1e-8);
    assert_close(element(at(at(j, "stationary"), "x2"), 1), 0.8436445428153574, 1e-8);
    cJSON_Delete(j);
    /* A finite-volume code in SciPy with staircase discs (bench/peers_operators.py) comes down to it like h: 117.47 on
     * 280 x 280 nodes, 117.40 on 760 x 760. */
    j = ask("--loss strict-saddle --temperature 0.08 --task mfpt --from 0,-1 --to 0,1 --radius 0.3 --grid 160");
    assert_close(number_at(j, "mfpt"), 117.363, 1e-4);
    cJSON_Delete(j);
}

/* ---- form ---- */

static void json__has_its_keys_for_every_kind_and_task(void **state)
{
    (void)state;
    static const char *const kinds[] = {"fokker-planck --temperature 0.2", "kramers --temperature 0.2 --friction 2",
                                        "transfer --temperature 0.2 --lr 0.1"};
    static const char *const tasks[] = {"stationary", "evolve --from -1 --start-spread 0.15 --times 1,4",
                                        "mfpt --from -1 --to 1", "spectrum", "committor --from -1 --to 1"};
    static const char *const keys[] = {"stationary", "mfpt",          "eigenvalues", "grid_error", "errors",
                                       "predicted",  "numbers",       "domain",      "grid",       "unknowns",
                                       "notes",      "configuration", "time_unit"};
    for (size_t k = 0; k < 3; k++)
        for (size_t t = 0; t < 5; t++) {
            if (k == 1 && (t == 2 || t == 4)) continue; /* Hermite functions hold no law absorbed for one sign of v */
            char arguments[256];
            snprintf(arguments, sizeof arguments, "--kind %s --task %s --grid 128", kinds[k], tasks[t]);
            cJSON *j = ask(arguments);
            for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
                if (!at(j, keys[i])) fail_msg("operator %s: no '%s'", arguments, keys[i]);
            assert_true((t == 0) == cJSON_IsObject(at(j, "stationary")));
            assert_true((t == 1) == cJSON_IsArray(at(j, "evolution")));
            assert_true((t == 2) == cJSON_IsNumber(at(j, "mfpt")));
            assert_true((t == 3) == cJSON_IsArray(at(j, "eigenvalues")));
            for (const cJSON *n = at(j, "numbers")->child; n; n = n->next) {
                assert_true(cJSON_IsString(at(n, "name")));
                assert_non_null(at(n, "error"));
            }
            cJSON_Delete(j);
        }
}

static void operator__speaks_to_people(void **state)
{
    (void)state;
    const said *s = run("operator --temperature 0.05 --task mfpt --from -1 --to 1 --no-save");
    assert_int_equal(s->code, 0);
    static const char *const parts[] = {"sqrt(2 T) dW, T = 0.05",
                                        "mean first-passage time",
                                        "729.67069",
                                        "quadrature",
                                        "Eyring-Kramers",
                                        "domain [",
                                        "mass outside",
                                        "unknowns",
                                        "that of dx = -grad f dt"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(s->out, parts[i])) fail_msg("no '%s' in %s", parts[i], s->out);
    s = run(
        "operator --loss quadratic --temperature 0.1 --task evolve --from 0.5 --times 1,2 --tolerance 1e-5 --no-save");
    assert_non_null(strstr(s->out, "time"));
    assert_non_null(strstr(s->out, "<x^2>"));
    s = run("operator --temperature 0.1 --friction 2 --no-save");
    assert_non_null(strstr(s->err, "--friction belongs to"));
    assert_null(strstr(s->out, "unit of time")); /* a stationary law has none */
    assert_null(strstr(s->out, " \n"));
}

/* Code 1 where a tolerance was asked for and is not met; not where none was. */
static void tolerance__that_is_asked_for_is_a_check(void **state)
{
    (void)state;
    const said *s = run("operator --temperature 0.05 --task spectrum --tolerance 1e-15 --json --no-save");
    assert_int_equal(s->code, 1);
    cJSON *j = parse_only_json(s->out);
    assert_true(cJSON_IsFalse(at(j, "tolerance_met")));
    assert_true(cJSON_GetArraySize(at(j, "notes")) > 0);
    cJSON_Delete(j);
    assert_int_equal(run("operator --temperature 0.05 --task spectrum --grid 64 --no-save")->code, 0);
}

static void operator__refuses_bad_input(void **state)
{
    (void)state;
    assert_refused("operator --temperature 0.1 --kind fokker-plank", 2, "did you mean 'fokker-planck'");
    assert_refused("operator --temperature 0.1 --task spectrm", 2, "did you mean 'spectrum'");
    assert_refused("operator --temperature 0.1 --loss duoble-well", 2, "did you mean 'double-well'");
    assert_refused("operator --temperature 0.1 --schedule cosin --kind transfer --lr 0.1", 2, "did you mean 'cosine'");
    assert_refused("operator", 2, "needs --temperature");
    assert_refused("operator --kind kramers", 2, "needs --temperature");
    assert_refused("operator --kind transfer --temperature 0.1", 2, "needs --lr");
    assert_refused("operator --kind transfer --lr 0.1", 2, "needs --noise-variance");
    assert_refused("operator --lr 0.1", 2, "needs --noise-variance");
    assert_refused("operator --temperature 0.1 --lr 0.1 --noise-variance 1", 2, "one of them");
    assert_refused("operator --kind kramers --friction 1 --lr 0.1 --noise-variance 1", 2, "--friction follows");
    assert_refused("operator --temperature -1", 2, "out of range");
    assert_refused("operator --temperature 0", 2, "need 0 < temperature");
    assert_refused("operator --temperature nan", 2, "not a finite number");
    assert_refused("operator --kind kramers --temperature 0.1 --friction -1", 2, "out of range");
    assert_refused("operator --kind kramers --temperature 0.1 --friction 0", 2, "out of range");
    assert_refused("operator --kind transfer --lr -1 --noise-variance 1", 2, "out of range");
    assert_refused("operator --kind transfer --lr 0.1 --noise-variance -1", 2, "out of range");
    assert_refused("operator --kind transfer --lr 0.1 --noise-variance 1 --momentum 1.5", 2, "out of range");
    assert_refused("operator --temperature 0.1 --tolerance 0", 2, "out of range");
    assert_refused("operator --temperature 0.1 --eigenvalues 99", 2, "out of range");
    assert_refused("operator --temperature 0.1 --grid 33", 2, "even number");
    assert_refused("operator --temperature 0.1 --grid 4", 2, "at least 16");
    assert_refused("operator --temperature 0.1 --task mfpt --from -1", 2, "needs --to");
    assert_refused("operator --temperature 0.1 --task committor --to 1", 2, "needs --from");
    assert_refused("operator --temperature 0.1 --task evolve --from 0", 2, "needs --times");
    assert_refused("operator --temperature 0.1 --task evolve --times 2,1", 2, "must increase");
    assert_refused("operator --temperature 0.1 --task evolve --times -1", 2, "out of range");
    assert_refused("operator --kind transfer --lr 0.1 --noise-variance 1 --task evolve --times 1.5", 2, "whole steps");
    assert_refused("operator --temperature 0.1 --task mfpt --from 1 --to 1", 2, "same point");
    assert_refused("operator --temperature 0.1 --lo -2 --hi 2 --task mfpt --from -3 --to 1", 2, "outside");
    assert_refused("operator --temperature 0.1 --lo -2 --hi 2 --task mfpt --from -1 --to 50", 2, "outside");
    assert_refused("operator --kind kramers --temperature 0.1 --task mfpt --from -1 --to 1", 2, "first-passage");
    assert_refused("operator --temperature 0.1 --task mfpt --from -1,0 --to 1", 2, "--from has 2 values, need 1");
    assert_refused("operator --temperature 0.1 --loss strict-saddle --task mfpt --from -1 --to 1", 2, "need 2");
    assert_refused("operator --temperature 0.1 --lo -1", 2, "--lo and --hi go together");
    assert_refused("operator --temperature 0.1 --lo 1 --hi -1", 2, "must be below");
    assert_refused("operator --temperature 0.1 --loss quadratic:dim=3", 2, "3 dimensions");
    assert_refused("operator --lr 0.1 --noise-variance 1 --schedule cyclic", 2, "same law at every step");
}

/* Wrong input, code 3: nothing there to be computed, or no room for it. */
static void operator__says_why_there_is_no_answer(void **state)
{
    (void)state;
    assert_refused("operator --temperature 0.1 --loss quadratic-saddle --no-save", 3, "quadratic-saddle");
    assert_refused("operator --kind kramers --temperature 0.1 --loss quadratic-saddle:dim=1:index=1 --no-save", 3, "");
    assert_refused("operator --kind transfer --lr 2.5 --noise-variance 1 --loss quadratic --no-save", 3, "");
    assert_refused("operator --temperature 0.1 --task mfpt --from -50 --to 1 --no-save", 3, "underflows");
    assert_refused("operator --temperature 1e-4 --task mfpt --from -1 --to 1 --no-save", 3, "more than a double holds");
    assert_refused("operator --temperature 0.1 --lo -1 --hi 1 --no-save", 3, "cuts off");
    assert_refused("operator --temperature 0.1 --loss strict-saddle --grid 1000000 --no-save", 3, "GB");
    assert_refused("operator --temperature 0.1 --grid 4096 --memory 1e-6 --no-save", 3, "GB");
}

/* ---- files ---- */

static void operator__leaves_files_that_do_not_depend_on_jobs(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *field;
    } runs[] = {
        {"--temperature 0.1", "density.dat"},
        {"--temperature 0.1 --task committor --from -1 --to 1", "committor.dat"},
        {"--loss strict-saddle --temperature 0.1 --task spectrum --grid 64", "eigenfunction.dat"},
        {"--kind kramers --temperature 0.1 --grid 64", "density.dat"},
        {"--kind transfer --lr 0.1 --momentum 0.5 --temperature 0.1 --grid 64", "density.dat"},
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        for (int jobs = 1; jobs <= 2; jobs++) {
            char arguments[256];
            snprintf(arguments, sizeof arguments, "operator %s --quiet --jobs %d --out %zu-%d", runs[i].arguments, jobs,
                     i, jobs);
            const said *s = run(arguments);
            if (s->code != 0) fail_msg("sgdlab %s: code %d: %s", arguments, s->code, s->err);
        }
        const char *const files[] = {"operator.dat", runs[i].field};
        for (size_t k = 0; k < 2; k++) {
            char name[64], command[256];
            snprintf(name, sizeof name, "%zu-1/%s", i, files[k]);
            if (!exists(name)) fail_msg("no %s after %s", name, runs[i].arguments);
            snprintf(command, sizeof command, "cmp %s/%zu-1/%s %s/%zu-2/%s", folder, i, files[k], folder, i, files[k]);
            assert_int_equal(system(command), 0);
        }
    }
    assert_true(exists("0-1/operator.png"));
    assert_true(exists("0-1/result.json"));
    const said *s = run("operator --temperature 0.1 --out 0-1");
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->err, "complete already"));
    assert_non_null(strstr(s->out, "<x^2>"));
    assert_refused("operator --temperature 0.2 --out 0-1", 3, "temperature");
}

static void list__has_operators(void **state)
{
    (void)state;
    const said *s = run("list operators");
    assert_int_equal(s->code, 0);
    static const char *const kinds[] = {"fokker-planck", "kramers", "transfer"};
    for (size_t i = 0; i < 3; i++) assert_non_null(strstr(s->out, kinds[i]));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        TEST(stationary__is_boltzmann_to_eight_digits),
        TEST(mfpt__is_that_of_quadrature),
        TEST(spectrum__has_the_slowest_rate),
        TEST(kramers__has_its_rates),
        TEST(kramers__takes_both_noises_of_eq_10),
        TEST(fokker_planck__of_sgd_has_a_diffusion_that_follows_the_gradient),
        TEST(transfer__is_exact_at_large_rates),
        TEST(evolve__follows_ornstein_and_uhlenbeck),
        TEST(plane__has_two_of_everything),
        TEST(json__has_its_keys_for_every_kind_and_task),
        TEST(operator__speaks_to_people),
        TEST(tolerance__that_is_asked_for_is_a_check),
        TEST(operator__refuses_bad_input),
        TEST(operator__says_why_there_is_no_answer),
        TEST(operator__leaves_files_that_do_not_depend_on_jobs),
        TEST(list__has_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
