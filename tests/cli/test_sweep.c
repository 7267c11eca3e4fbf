/* sgdlab sweep: the grammar of its file, the grid, what a run is known by, resuming, statistics, and how it fails. */
#include "tests/cli/program.h"

#include <dirent.h>
#include <signal.h>

#define TINY "data digits:train=100:test=50\nmodel mlp:hidden=4\nbatch 50\nepochs 1\n"

static void write_file(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* A shell command in the folder. */
static int shell(const char *format, ...)
{
    char command[4096];
    int n = snprintf(command, sizeof command, "cd %s && ", folder);
    va_list args;
    va_start(args, format);
    vsnprintf(command + n, sizeof command - (size_t)n, format, args);
    va_end(args);
    const int state = system(command);
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

static cJSON *answer_of(const char *arguments, int code)
{
    const said *s = run(arguments);
    if (s->code != code) fail_msg("sgdlab %s: code %d, expected %d: %s", arguments, s->code, code, s->err);
    return parse_only_json(s->out);
}

static const cJSON *item(const cJSON *array, int i)
{
    const cJSON *x = cJSON_GetArrayItem(array, i);
    if (!x) fail_msg("no item %d", i);
    return x;
}

static const char *text_at(const cJSON *o, const char *key)
{
    const cJSON *t = at(o, key);
    if (!cJSON_IsString(t)) fail_msg("no text '%s'", key);
    return t->valuestring;
}

static bool has_argument(const cJSON *job, const char *word)
{
    for (const cJSON *w = at(job, "arguments")->child; w; w = w->next)
        if (strcmp(w->valuestring, word) == 0) return true;
    return false;
}

/* ---- the file ---- */

static void sweep__runs_all_combinations_the_last_axis_fastest(void **state)
{
    (void)state;
    write_file("g.sweep", TINY "# a comment\n\nlr 0.1 0.2 # two\n  schedule\tconstant \"random:delta=1\"\r\nseeds 3\n");
    cJSON *j = answer_of("sweep g.sweep --dry-run --json", 0);
    const cJSON *runs = at(j, "runs");
    assert_int_equal(cJSON_GetArraySize(runs), 12);
    assert_near(number_at(j, "cells"), 4, 0);
    assert_string_equal(text_at(j, "name"), "g");
    static const char *const lr[] = {"--lr=0.1", "--lr=0.1", "--lr=0.2", "--lr=0.2"};
    for (int i = 0; i < 12; i++) {
        const cJSON *job = item(runs, i);
        assert_near(number_at(job, "cell"), i / 3, 0);
        assert_near(number_at(job, "seed"), 1 + i % 3, 0);
        assert_true(has_argument(job, lr[i / 3]));
        assert_true(has_argument(job, i / 3 % 2 ? "--schedule=random:delta=1" : "--schedule=constant"));
        const cJSON *c = at(job, "configuration"); /* whole: defaults too */
        assert_near(number_at(c, "momentum"), 0.9, 0);
        assert_near(number_at(c, "seed"), 1 + i % 3, 0);
        for (int k = 0; k < i; k++) assert_string_not_equal(text_at(item(runs, k), "key"), text_at(job, "key"));
    }
    cJSON_Delete(j);
    assert_false(exists("runs"));
}

static void sweep__ties_options_together(void **state)
{
    (void)state;
    write_file("t.sweep", TINY "with lr=0.1 batch=20\n");
    assert_refused("sweep t.sweep --dry-run", 3, "t.sweep:5: 'batch' stands in line 3 already");
    write_file("t.sweep", "with lr=0.1 'schedule=multi-step:milestones=1,2'\nno-shuffle on off\n"
                          "with schedule=constant lr=0.2\nepochs 1\nseed 7 9\n");
    cJSON *j = answer_of("sweep t.sweep --dry-run --json", 0);
    const cJSON *runs = at(j, "runs");
    assert_int_equal(cJSON_GetArraySize(runs), 8); /* 2 ties x 2 flags x 2 seeds */
    assert_true(has_argument(item(runs, 0), "--lr=0.1"));
    assert_true(has_argument(item(runs, 0), "--schedule=multi-step:milestones=1,2"));
    assert_true(has_argument(item(runs, 0), "--no-shuffle"));
    assert_false(has_argument(item(runs, 2), "--no-shuffle"));
    assert_true(has_argument(item(runs, 4), "--lr=0.2"));
    assert_true(has_argument(item(runs, 4), "--schedule=constant"));
    assert_near(number_at(item(runs, 1), "seed"), 9, 0);
    cJSON_Delete(j);
}

static void sweep__a_run_is_known_by_its_configuration(void **state)
{
    (void)state;
    write_file("a.sweep", "lr 0.1\nbatch 32\nepochs 1\n");
    write_file("b.sweep", "# the same in other words\nepochs 1\nseeds 1\nmomentum 0.9\nbatch 32\nlr 1e-1\n");
    write_file("c.sweep", "lr 0.1\nbatch 32\nepochs 1\nweight-decay 1e-4\n");
    char key[3][32];
    for (int i = 0; i < 3; i++) {
        char arguments[64];
        snprintf(arguments, sizeof arguments, "sweep %c.sweep --dry-run --json", 'a' + i);
        cJSON *j = answer_of(arguments, 0);
        snprintf(key[i], sizeof key[i], "%s", text_at(item(at(j, "runs"), 0), "key"));
        cJSON_Delete(j);
    }
    assert_string_equal(key[0], key[1]);
    assert_string_not_equal(key[0], key[2]);
}

static void sweep__a_network_from_a_file_is_what_the_file_holds(void **state)
{
    (void)state;
    static const char *const nets[] = {"flatten; linear 10\n", "flatten; linear 8; relu; linear 10",
                                       "# a\n flatten;\nlinear 10"};
    char key[3][32];
    write_file("m.sweep", "data digits:train=100:test=50\nepochs 1\nmodel @net.txt\nlr 0.1\n");
    for (int i = 0; i < 3; i++) {
        write_file("net.txt", nets[i]);
        cJSON *j = answer_of("sweep m.sweep --dry-run --json", 0);
        const cJSON *job = item(at(j, "runs"), 0);
        snprintf(key[i], sizeof key[i], "%s", text_at(job, "key"));
        if (i == 0) assert_string_equal(text_at(at(job, "configuration"), "model"), "flatten; linear 10");
        cJSON_Delete(j);
    }
    assert_string_not_equal(key[0], key[1]);
    assert_string_equal(key[0], key[2]);
    assert_int_equal(run("sweep m.sweep --out m --quiet")->code, 0);
    assert_int_equal(shell("ls m/jobs/%s/train.dat && ! ls m/jobs/*/*.png", key[0]), 0); /* nothing is drawn */
    write_file("m.sweep", "data digits:train=100:test=50\nepochs 1\nmodel @absent.txt\nlr 0.1\n");
    assert_refused("sweep m.sweep --dry-run", 3, "m.sweep: ");
    assert_refused("sweep m.sweep --dry-run", 3, "absent.txt");
}

static void sweep__a_schedule_from_a_file_is_what_the_file_holds(void **state)
{
    (void)state;
    static const char *const curves[] = {"0 1\n1 0\n", "0 1\n1 0.5\n", "# as the first\n0 1.0\n\n1.0 0\n"};
    char key[3][32];
    write_file("r.sweep", "data digits:train=100:test=50\nepochs 1\nschedule table:file=curve.dat\nlr 0.1\n");
    for (int i = 0; i < 3; i++) {
        write_file("curve.dat", curves[i]);
        cJSON *j = answer_of("sweep r.sweep --dry-run --json", 0);
        snprintf(key[i], sizeof key[i], "%s", text_at(item(at(j, "runs"), 0), "key"));
        cJSON_Delete(j);
    }
    assert_string_not_equal(key[0], key[1]);
    assert_string_equal(key[0], key[2]);
}

static void sweep__mistakes_name_file_line_and_word(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } bad[] = {
        {"lr 0.1\nlrr 0.2\n", "bad.sweep:2: unknown word 'lrr', did you mean 'lr'? Known: "},
        {"wiht lr=1 batch=2\n", "bad.sweep:1: unknown word 'wiht', did you mean 'with'?"},
        {"batch 8\nlr 0.1 0.2 -1\n", "bad.sweep:2: lr '-1': --lr = -1 is out of range"},
        {"lr 0.1 0.2x\n", "bad.sweep:1: lr '0.2x'"},
        {"lr nan\n", "bad.sweep:1: lr 'nan'"},
        {"batch 1.5\n", "bad.sweep:1: batch '1.5'"},
        {"lr 0.1\nmomentum 0.5 1\n", "bad.sweep:2: momentum '1': --momentum = 1 is out of range"},
        {"lr 0.1 0.2 1e-1\n", "bad.sweep:1: lr = '1e-1' is given twice"},
        {"lr 0.1\n\nlr 0.2\n", "bad.sweep:3: 'lr' stands in line 1 already"},
        {"lr\n", "bad.sweep:1: 'lr' has no value"},
        {"schedule constant randum\n",
         "bad.sweep:1: schedule 'randum': unknown schedule 'randum', did you mean 'random'?"},
        {"schedule random:delta=2\n", "bad.sweep:1: schedule 'random:delta=2'"},
        {"schedule \"constant\n", "bad.sweep:1: the quote \" of word 2 has no end"},
        {"model mpl\n", "bad.sweep:1: model 'mpl': unknown model 'mpl', did you mean 'mlp'?"},
        {"data digit\n", "bad.sweep:1: data 'digit'"},
        {"rule adam\n", "bad.sweep:1: rule 'adam'"},
        {"no-shuffle maybe\n", "bad.sweep:1: no-shuffle 'maybe'"},
        {"jobs 3\n", "bad.sweep:1: 'jobs' cannot stand in a sweep's file"},
        {"out x\n", "bad.sweep:1: 'out' cannot stand in a sweep's file"},
        {"metric best_test_acuracy\n", "did you mean 'best_test_accuracy'?"},
        {"metric final_test_loss\nmetric best_test_loss\n", "bad.sweep:2: 'metric' stands in line 1 already"},
        {"lr 1 2\ncompare momentum\n", "bad.sweep:2: unknown axis 'momentum'. Known: lr"},
        {"lr 1\ncompare lr\n", "bad.sweep:2: 'compare', but no option has several values"},
        {"lr 1 2\ncompare lr lr\n", "bad.sweep:2: 'lr' and 'lr' are the same axis"},
        {"with lr=1\n", "bad.sweep:1: 'with' ties 1 options"},
        {"with lr=1 batch\n", "bad.sweep:1: 'batch' is not of the form option=value"},
        {"with lr=1 batch=2\nwith lr=1 momentum=0\n", "bad.sweep:2: 'lr' stands in line 1 already, with other options"},
        {"with lr=1 seed=2\n", "bad.sweep:1: 'seed' cannot be tied"},
        {"with lr=1 batch=2\nwith batch=2 lr=1\n", "bad.sweep:2: lr = '1' is given twice with the same others"},
        {"seeds 0\n", "bad.sweep:1: seeds '0'"},
        {"seed 1 1\n", "bad.sweep:1: seed '1' is given twice"},
        {"seed 1 2\nseeds 3\n", "bad.sweep:2: 'seeds' counts from one seed on"},
        {"steps 5\nlr 1 2\n", "bad.sweep:1: 'steps' trains without evaluation"},
        {"name ''\nlr 1\n", "bad.sweep:1: the name ''"},
        {"lr 0.1 \x01\n", "bad.sweep:1: word 3 holds the control character 1"},
        {"# nothing\n", "bad.sweep has no line that says what to run"},
        {"", "bad.sweep has no line that says what to run"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file("bad.sweep", bad[i].text);
        assert_refused("sweep bad.sweep", 3, bad[i].expected);
    }
    assert_refused("sweep absent.sweep", 3, "absent.sweep");
    assert_refused("sweep .", 3, "'.'");
    assert_int_equal(shell("printf 'lr 0.1\\0batch 3\\n' > bad.sweep"), 0);
    assert_refused("sweep bad.sweep", 3, "NUL");
    assert_int_equal(shell("(printf lr; for d in 1 2 3 4 5 6 7 8; do printf ' 0.%%s' $d$d; done; echo; echo seeds 1000;"
                           " echo batch $(seq 1 100)) > bad.sweep"), 0);
    assert_refused("sweep bad.sweep", 3, "more than 100000 runs");
    write_file("bad.sweep", "seed 3\nlr 0.1\n");
    assert_refused("sweep bad.sweep --seed 4", 2, "--seed is given, and a line 'seed'");
    assert_refused("sweep bad.sweep --no-save", 2, "--no-save");
    assert_refused("sweep", 2, "FILE");
    assert_false(exists("runs")); /* a mistake leaves no folder */
}

/* ---- running ---- */

static void sweep__cells_are_means_over_trainings(void **state)
{
    (void)state;
    write_file("m.sweep", TINY "lr 0.02 0.1\nseeds 2\nseed 5\nmetric final_test_accuracy\n");
    cJSON *j = answer_of("sweep m.sweep --json --out m --quiet", 0);
    const cJSON *cells = at(j, "cells");
    assert_int_equal(cJSON_GetArraySize(cells), 2);
    double best = 0;
    for (int c = 0; c < 2; c++) {
        double v[2];
        for (int s = 0; s < 2; s++) { /* what train itself says */
            char arguments[256];
            snprintf(arguments, sizeof arguments,
                     "train --data digits:train=100:test=50 --model mlp:hidden=4 --batch 50 "
                     "--epochs 1 --lr %s --seed %d --json --no-save",
                     c ? "0.1" : "0.02", 5 + s);
            cJSON *t = answer_of(arguments, 0);
            v[s] = number_at(t, "final_test_accuracy");
            cJSON_Delete(t);
        }
        const cJSON *cell = item(cells, c), *runs = at(cell, "runs");
        assert_near(number_at(at(cell, "settings"), "lr"), c ? 0.1 : 0.02, 0);
        assert_near(number_at(item(runs, 0), "value"), v[0], 0);
        assert_near(number_at(item(runs, 1), "value"), v[1], 0);
        assert_near(number_at(item(runs, 1), "seed"), 6, 0);
        assert_near(number_at(at(cell, "metric"), "value"), (v[0] + v[1]) / 2, 1e-15);
        assert_near(number_at(at(cell, "metric"), "se"), fabs(v[0] - v[1]) / 2, 1e-15);
        assert_near(number_at(cell, "epochs"), 1, 0);
        assert_true(number_at(cell, "seconds") > 0);
        best = fmax(best, (v[0] + v[1]) / 2);
    }
    assert_near(number_at(at(at(j, "best"), "metric"), "value"), best, 1e-15);
    cJSON_Delete(j);
    static const char *const files[] = {"m/sweep.dat", "m/sweep-times.dat", "m/figure.dat", "m/sweep.gp", "m/sweep.png",
                                        "m/result.json", "m/manifest.json", "m/sweep.txt"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!exists(files[i])) fail_msg("%s is not there", files[i]);
    assert_int_equal(run("sweep m.sweep --out one --jobs 1 --quiet")->code, 0); /* as many at a time as you like */
    assert_int_equal(run("sweep m.sweep --out four --jobs 4 --quiet")->code, 0);
    assert_int_equal(
        shell(
            "cmp one/sweep.dat four/sweep.dat && cmp one/figure.dat four/figure.dat && cmp m/sweep.dat one/sweep.dat"),
        0);
}

static void sweep__finished_runs_are_kept_and_new_ones_added(void **state)
{
    (void)state;
    write_file("k.sweep", TINY "lr 0.02 0.1\n");
    assert_int_equal(run("sweep k.sweep --out k")->code, 0);
    assert_int_equal(shell("stat -c '%%n %%y %%s' k/jobs/*/result.json > before && [ $(wc -l < before) = 2 ]"), 0);
    const said *s = run("sweep k.sweep --out k");
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->err, "all 2 runs are finished already"));
    assert_non_null(strstr(s->out, "best test accuracy"));
    assert_int_equal(shell("stat -c '%%n %%y %%s' k/jobs/*/result.json | cmp - before"), 0);
    write_file("k.sweep", TINY "lr 0.1 0.5\n"); /* 0.5 is new, 0.02 is gone */
    s = run("sweep k.sweep --out k");
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->err, "1 of 2 runs are finished already"));
    assert_non_null(strstr(s->err, "1 runs in k/jobs are not in k.sweep any more: they are kept"));
    assert_int_equal(shell("[ $(ls k/jobs/*/result.json | wc -l) = 3 ] && stat -c '%%n %%y %%s' $(cut -d' ' -f1 "
                           "before) | cmp - before"),
                     0);
    assert_null(strstr(s->out, "0.02"));
    write_file("k.sweep", "name other\n" TINY "lr 0.1 0.5\n"); /* another name is another sweep */
    assert_refused("sweep k.sweep --out k", 3, "name is \"k\" there and \"other\" here");
}

static void sweep__divergence_is_an_outcome(void **state)
{
    (void)state;
    /* with weight decay 1 a rate of 1e12 multiplies the weights by -1e12 at each step, and floats end at 3e38 */
    write_file("d.sweep", "data digits:train=100:test=50\nmodel mlp:hidden=4\nbatch 5\nepochs 1\nweight-decay 1\n"
                          "lr 1e12 0.1\nseeds 2\nmetric final_train_loss\n");
    const said *s = run("sweep d.sweep --out d --quiet");
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->out, "diverged\n"));
    cJSON *j = answer_of("sweep d.sweep --out d --json --quiet", 0);
    const cJSON *lost = item(at(j, "cells"), 0);
    assert_near(number_at(lost, "diverged"), 2, 0);
    assert_near(number_at(lost, "rank"), 2, 0);
    assert_true(cJSON_IsNull(at(at(lost, "metric"), "value")) && cJSON_IsNull(at(lost, "median")));
    assert_true(cJSON_IsFalse(at(lost, "tied_with_best")));
    assert_string_equal(text_at(item(at(lost, "runs"), 0), "status"), "diverged");
    assert_near(number_at(at(at(j, "best"), "settings"), "lr"), 0.1, 0);
    cJSON_Delete(j);
    char text[4096];
    read_into(text, sizeof text, "d/sweep.dat");
    assert_non_null(strstr(text, "\n0 1000000000000 nan nan nan nan 0 2 0 "));
    read_into(text, sizeof text, "d/figure.dat");
    assert_non_null(strstr(text, "# block = diverged\n1000000000000 "));
    write_file("all.sweep",
               "data digits:train=100:test=50\nmodel mlp:hidden=4\nbatch 5\nepochs 1\nweight-decay 1\n"
               "lr 1e11 1e12\n");
    assert_refused("sweep all.sweep --quiet", 4, "all 2 runs diverged");
}

static void sweep__a_run_that_fails_stops_no_other(void **state)
{
    (void)state;
    write_file("f.sweep", TINY "lr 0.02 0.1 0.2\n");
    assert_int_equal(run("sweep f.sweep --out f --quiet")->code, 0);
    cJSON *j = answer_of("sweep f.sweep --out f --json --quiet", 0);
    char dir[2][64];
    for (int i = 0; i < 2; i++)
        snprintf(dir[i], sizeof dir[i], "%s", text_at(item(at(item(at(j, "cells"), i), "runs"), 0), "dir"));
    cJSON_Delete(j);
    assert_int_equal(shell("rm %s/manifest.json && rm -r %s", dir[0], dir[1]),
                     0); /* one cannot go on, one has to run */
    const said *s = run("sweep f.sweep --out f --json --quiet");
    assert_int_equal(s->code, 4);
    assert_non_null(strstr(s->err, "1 of 3 runs failed, the first with: "));
    j = parse_only_json(s->out);
    const cJSON *cells = at(j, "cells"), *failed = item(at(item(cells, 0), "runs"), 0);
    assert_string_equal(text_at(failed, "status"), "failed");
    assert_non_null(strstr(text_at(failed, "why"), "manifest.json"));
    assert_string_equal(text_at(item(at(item(cells, 1), "runs"), 0), "status"), "complete");
    assert_near(number_at(item(cells, 0), "failed"), 1, 0);
    assert_near(number_at(item(cells, 0), "rank"), 3, 0);
    cJSON_Delete(j);
    assert_int_equal(shell("rm -r %s", dir[0]), 0); /* what failed is tried again */
    assert_int_equal(run("sweep f.sweep --out f --quiet")->code, 0);
    assert_int_equal(shell("echo nonsense > %s.json", dir[1]), 0);
    assert_refused("sweep f.sweep --out f", 3, "is damaged: not JSON");
    assert_int_equal(shell("sed '/\"lr\"/s/0[.]02/0.03/' %s.json > %s.json", dir[0], dir[1]), 0);
    assert_refused("sweep f.sweep --out f", 3, "holds another configuration than its name stands for");
}

static void sweep__what_train_refuses_is_refused_before_anything_runs(void **state)
{
    (void)state;
    write_file("o.sweep", TINY "lr 0.02 0.1\nno-shuffle\nreplacement off on\n"); /* each is good, not both */
    assert_refused("sweep o.sweep --out o", 3,
                   "o.sweep: lr=0.02 replacement=on: --no-shuffle and --replacement exclude");
    assert_int_equal(shell("test ! -e o"), 0);
    write_file("o.sweep", "data digits:train=100:test=50\nepochs 1\nsamples 50 101\n");
    assert_refused("sweep o.sweep --out o", 3, "o.sweep: samples=101: --samples = 101");
    assert_refused("sweep o.sweep --dry-run", 3, "samples=101");
    write_file("o.sweep", "data mnist\nepochs 1\n");
    assert_refused("sweep o.sweep --out o --data-dir nowhere", 3, "nowhere");
    assert_int_equal(shell("test ! -e o"), 0);
}

static void sweep__a_run_that_cannot_fit_fails_alone(void **state)
{
    (void)state;
    write_file("w.sweep",
               "data digits:train=100:test=50\nbatch 50\nepochs 1\nmodel mlp:hidden=4 mlp:hidden=2000\nseeds 2\n");
    cJSON *j = answer_of("sweep w.sweep --dry-run --json --quiet", 0);
    const cJSON *large = item(at(j, "runs"), 2);
    const double parameters = 785.0 * 2000 + 2001 * 10; /* of 784-2000-10 */
    assert_near(number_at(large, "parameters"), parameters, 0);
    assert_true(number_at(large, "memory_bytes") > 3 * 4 * parameters); /* state, velocity and gradient, in float */
    assert_true(number_at(item(at(j, "runs"), 0), "memory_bytes") < 4e6);
    cJSON_Delete(j);
    const said *s =
        run("sweep w.sweep --out w --memory 0.04 --jobs 3 --json --quiet"); /* the small fits, one at a time */
    assert_int_equal(s->code, 4);
    assert_non_null(strstr(s->err, "2 of 4 runs failed, the first with: needs 0.0"));
    assert_non_null(strstr(s->err, "GB of memory, 0.04 GB are available"));
    j = parse_only_json(s->out);
    assert_near(number_at(item(at(j, "cells"), 0), "complete"), 2, 0);
    assert_near(number_at(item(at(j, "cells"), 1), "failed"), 2, 0);
    cJSON_Delete(j);
    assert_int_equal(run("sweep w.sweep --out w --quiet")->code, 0); /* with what the machine has, it fits */
}

/* ---- statistics, on results that are written by hand ---- */

/* Replaces what the run of that cell and seed has found: one epoch of that accuracy, or nothing and "diverged". */
static void forge(const cJSON *result, int cell, int seed, double accuracy)
{
    const char *dir = text_at(item(at(item(at(result, "cells"), cell), "runs"), seed), "dir");
    char name[128], text[256];
    snprintf(name, sizeof name, "%s/result.json", dir);
    if (isnan(accuracy)) {
        snprintf(text, sizeof text, "{\"status\": \"diverged\", \"epochs\": [], \"diverged_epoch\": 1}");
        assert_int_equal(shell("sed -i 's/\"complete\"/\"diverged\"/' %s/manifest.json", dir), 0);
    } else {
        snprintf(text, sizeof text, "{\"status\": \"complete\", \"epochs\": [{\"epoch\": 1, \"test_accuracy\": %.17g}, "
                 "{\"epoch\": 2, \"test_accuracy\": 0.5}]}", accuracy);
    }
    write_file(name, text);
}

static void sweep__ranks_and_ties_are_those_worked_out_by_hand(void **state)
{
    (void)state;
    /* Paired with A: B differs by 0.02, 0.0201, 0.0199 (t = 346, and not told from it unpaired: t = 1.2); C by 0.005,
     * -0.01, 0.015 (t = 0.46). D lost a seed: no mean, median 0.99; E lost two: no median. */
    static const double value[5][3] = {
        {0.90, 0.92, 0.94}, {0.88, 0.8999, 0.9201}, {0.895, 0.93, 0.925}, {0.99, NAN, 0.995}, {NAN, 0.99, NAN},
    };
    write_file("s.sweep", TINY "lr 0.01 0.02 0.03 0.04 0.05\nseeds 3\n");
    cJSON *j = answer_of("sweep s.sweep --out s --json --quiet", 0);
    for (int c = 0; c < 5; c++)
        for (int s = 0; s < 3; s++) forge(j, c, s, value[c][s]);
    cJSON_Delete(j);
    j = answer_of("sweep s.sweep --out s --json --quiet", 0);
    const cJSON *cells = at(j, "cells");
    static const int rank[] = {1, 3, 2, 4, 5};
    for (int c = 0; c < 5; c++) assert_near(number_at(item(cells, c), "rank"), rank[c], 0);
    assert_near(number_at(at(item(cells, 0), "metric"), "value"), 0.92, 1e-15);
    assert_near(number_at(at(item(cells, 0), "metric"), "se"), 0.02 / sqrt(3), 1e-15);
    assert_near(number_at(item(cells, 0), "median"), 0.92, 0);
    assert_near(number_at(item(cells, 0), "epochs"), 2, 0);
    assert_true(cJSON_IsTrue(at(item(cells, 0), "tied_with_best")));
    assert_true(cJSON_IsFalse(at(item(cells, 1), "tied_with_best")));
    assert_true(cJSON_IsTrue(at(item(cells, 2), "tied_with_best")));
    assert_true(cJSON_IsFalse(at(item(cells, 3), "tied_with_best")));
    assert_true(cJSON_IsNull(at(at(item(cells, 3), "metric"), "value")));
    assert_near(number_at(item(cells, 3), "median"), 0.99, 0);
    assert_near(number_at(item(cells, 3), "best_seed"), 0.995, 0);
    assert_true(cJSON_IsNull(at(item(cells, 4), "median")));
    assert_near(number_at(item(cells, 4), "diverged"), 2, 0);
    assert_near(number_at(at(j, "best"), "cell"), 0, 0);
    cJSON_Delete(j);
    const said *s = run("sweep s.sweep --out s --quiet");
    assert_non_null(strstr(s->out, "\n*  0.01 "));
    assert_non_null(strstr(s->out, "\n=  0.03 "));
    assert_non_null(strstr(s->out, "  92.0 +- 1.2  "));
    assert_non_null(strstr(s->out, "diverged 1 of 3"));
}

/* ---- being stopped ---- */

#define LONG "data digits:train=2000:test=100\nmodel mlp:hidden=100\nbatch 10\nepochs 12\nlr 0.002 0.01\nseeds 2\n"

/* Processes that live in the folder. */
static int alive(void)
{
    int n = 0;
    DIR *d = opendir("/proc");
    for (const struct dirent *e; d && (e = readdir(d));) {
        char path[PATH_MAX], cwd[PATH_MAX];
        snprintf(path, sizeof path, "/proc/%.20s/cwd", e->d_name);
        const ssize_t length = readlink(path, cwd, sizeof cwd - 1);
        if (length <= 0) continue;
        cwd[length] = '\0';
        n += strcmp(cwd, folder) == 0;
    }
    if (d) closedir(d);
    return n;
}

/* Starts the sweep into r, sends it a signal as soon as a run has a checkpoint, and returns its exit code, or minus
 * the signal that ended it. *running: processes at that moment. */
static int stop_sweep(int signal_number, int *running)
{
    const pid_t child = fork();
    if (child == 0) {
        if (chdir(folder) != 0 || !freopen("stdout.txt", "w", stdout) || !freopen("stderr.txt", "w", stderr)) _exit(99);
        execl(program, "sgdlab", "sweep", "long.sweep", "--out", "r", "--jobs", "2", "--quiet", (char *)NULL);
        _exit(98);
    }
    for (int i = 0; i < 3000 && shell("ls r/jobs/*/checkpoint.h5 >/dev/null 2>&1") != 0; i++) usleep(10000);
    *running = alive();
    kill(child, signal_number);
    int state;
    assert_int_equal(waitpid(child, &state, 0), child);
    return WIFSIGNALED(state) ? -WTERMSIG(state) : WEXITSTATUS(state);
}

static void sweep__killed_it_leaves_nothing_running_and_resumes_to_the_same_bytes(void **state)
{
    (void)state;
    int running;
    write_file("long.sweep", LONG);
    assert_int_equal(run("sweep long.sweep --name x --out whole")->code, 2); /* no such option */
    assert_int_equal(run("sweep long.sweep --out whole --quiet")->code, 0);
    assert_int_equal(stop_sweep(SIGKILL, &running), -SIGKILL);
    assert_true(running >= 2); /* the sweep and a run: else nothing is shown by what follows */
    for (int i = 0; i < 200 && alive() > 0; i++) usleep(10000);
    assert_int_equal(alive(), 0);
    assert_false(exists("r/sweep.dat"));
    assert_int_equal(run("sweep long.sweep --out r --quiet")->code, 0);
    assert_int_equal(shell("cmp whole/sweep.dat r/sweep.dat && cmp whole/figure.dat r/figure.dat"), 0);
}

static void sweep__asked_to_stop_it_saves_and_says_how_to_go_on(void **state)
{
    (void)state;
    int running;
    char text[8192];
    write_file("long.sweep", LONG);
    assert_int_equal(stop_sweep(SIGTERM, &running), 4);
    assert_true(running >= 2);
    assert_int_equal(alive(), 0); /* it waits for its runs */
    read_into(text, sizeof text, "stderr.txt");
    assert_non_null(strstr(text, "runs to go; the same command goes on in r"));
    read_into(text, sizeof text, "r/manifest.json");
    assert_non_null(strstr(text, "\"interrupted\""));
    assert_int_equal(shell("grep -l interrupted r/jobs/*/manifest.json > stopped"), 0);
    assert_false(exists("r/sweep.dat"));
    cJSON *j = answer_of("sweep long.sweep --out r --json --quiet", 0);
    for (const cJSON *c = at(j, "cells")->child; c; c = c->next) assert_near(number_at(c, "complete"), 2, 0);
    cJSON_Delete(j);
    assert_true(exists("r/sweep.dat"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        TEST(sweep__runs_all_combinations_the_last_axis_fastest),
        TEST(sweep__ties_options_together),
        TEST(sweep__a_run_is_known_by_its_configuration),
        TEST(sweep__a_network_from_a_file_is_what_the_file_holds),
        TEST(sweep__a_schedule_from_a_file_is_what_the_file_holds),
        TEST(sweep__mistakes_name_file_line_and_word),
        TEST(sweep__cells_are_means_over_trainings),
        TEST(sweep__finished_runs_are_kept_and_new_ones_added),
        TEST(sweep__divergence_is_an_outcome),
        TEST(sweep__a_run_that_fails_stops_no_other),
        TEST(sweep__what_train_refuses_is_refused_before_anything_runs),
        TEST(sweep__a_run_that_cannot_fit_fails_alone),
        TEST(sweep__ranks_and_ties_are_those_worked_out_by_hand),
        TEST(sweep__killed_it_leaves_nothing_running_and_resumes_to_the_same_bytes),
        TEST(sweep__asked_to_stop_it_saves_and_says_how_to_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
