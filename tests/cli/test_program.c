/* The command line itself: names, numbers, help, JSON, exit codes. */
#include "tests/cli/program.h"

static const char *const commands[] = {"verify", "list", "simulate", "train", "figure", "schedule", "bench"};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void program__says_how_it_is_used(void **state)
{
    (void)state;
    const said *s = run("");
    assert_int_equal(s->code, 2);
    assert_non_null(strstr(s->err, "Usage: sgdlab COMMAND"));
    assert_string_equal(s->out, "");
    s = run("--help");
    assert_int_equal(s->code, 0);
    for (size_t i = 0; i < N_COMMANDS; i++) assert_non_null(strstr(s->out, commands[i]));
    s = run("--version");
    assert_int_equal(s->code, 0);
    assert_int_equal(strncmp(s->out, "sgdlab ", 7), 0);
}

static void help__has_options_and_an_example_that_names_the_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        char arguments[64], example[64];
        snprintf(arguments, sizeof arguments, "%s --help", commands[i]);
        const said *s = run(arguments);
        assert_int_equal(s->code, 0);
        assert_string_equal(s->err, "");
        const char *tail = strstr(s->out, "\nExample:\n");
        assert_non_null(tail);
        snprintf(example, sizeof example, "  sgdlab %s", commands[i]);
        assert_non_null(strstr(tail, example));
        static const char *const common[] = {"--help", "--json", "--quiet", "--seed", "--jobs", "--out", "--no-save"};
        for (size_t k = 0; k < sizeof common / sizeof *common; k++) assert_non_null(strstr(s->out, common[k]));
    }
}

static void names__are_matched_to_the_nearest(void **state)
{
    (void)state;
    assert_refused("simulat", 2, "did you mean 'simulate'");
    assert_refused("xyzzy", 2, "Known: verify, list");
    assert_refused("simulate --momentun 0.9", 2, "did you mean 'momentum'");
    assert_refused("simulate --loss double-wel", 2, "did you mean 'double-well'");
    assert_refused("simulate --loss quadratic:b=1", 2, "parameter");
    assert_refused("simulate --schedule cosin", 2, "did you mean 'cosine'");
    assert_refused("simulate --rule nestrov", 2, "did you mean 'nesterov'");
    assert_refused("simulate --dynamics underdampd", 2, "did you mean 'underdamped'");
    assert_refused("train --model mpl", 2, "mlp");
    assert_refused("train --data digts", 2, "did you mean 'digits'");
    assert_refused("train --schedule randm:delta=1", 2, "did you mean 'random'");
    assert_refused("schedule warmup", 2, "Known:");
    assert_refused("list loses", 2, "did you mean 'losses'");
    assert_refused("list models,loses", 2, "did you mean 'losses'");
    assert_refused("figure scheduls", 2, "did you mean 'schedules'");
    assert_refused("verify musso.temperatur", 2, "did you mean 'musso.temperature");
    assert_refused("bench trian", 2, "did you mean 'train'");
}

static void numbers__are_read_strictly_and_checked(void **state)
{
    (void)state;
    assert_refused("simulate --momentum 1.5", 2, "need 0 <= momentum < 1");
    assert_refused("simulate --momentum 1", 2, "--momentum = 1 is out of range");
    assert_refused("simulate --lr nan", 2, "not a finite number");
    assert_refused("simulate --lr=inf", 2, "not a finite number");
    assert_refused("simulate --lr 0", 2, "need 0 < lr");
    assert_refused("simulate --lr -1e-3", 2, "out of range");
    assert_refused("simulate --lr 1e-3abc", 2, "is not a number");
    assert_refused("simulate --lr ''", 2, "is not a number");
    assert_refused("simulate --lr 0x", 2, "is not a number");
    assert_refused("simulate --steps 1.5", 2, "whole number");
    assert_refused("simulate --replicas 0", 2, "out of range");
    assert_refused("simulate --batch 0.5", 2, "out of range");
    assert_refused("simulate --noise-variance -1", 2, "out of range");
    assert_refused("simulate --dynamics overdamped --temperature -1", 2, "out of range");
    assert_refused("simulate --start 1,x", 2, "is not a number");
    assert_refused("simulate --loss quadratic:dim=3 --start 1,2", 2, "--start has 2 values");
    assert_refused("simulate --loss quadratic:a=-1", 2, "out of range");
    assert_refused("simulate --schedule random:delta=2", 2, "out of range");
    assert_refused("simulate --rule nesterov --momentum 0", 2, "nesterov");
    assert_refused("train --epochs 0", 2, "out of range");
    assert_refused("train --batch -3", 2, "out of range");
    assert_refused("train --seed -1", 2, "out of range");
    assert_refused("train --seed 1e17", 2, "out of range");
    assert_refused("train --jobs 1e9", 2, "out of range");
    assert_refused("train --jobs 1.5", 2, "whole number");
    assert_refused("train --lr 1e400", 2, "not a finite number");
    assert_refused("verify --jobs nan", 2, "not a finite number");
    assert_refused("figure schedules --seed inf", 2, "not a finite number");
    assert_refused("simulate --steps 1e15 --no-save", 2, "steps");
    assert_refused("train --samples 999999999", 2, "training samples");
    assert_refused("schedule constant --steps 1e9", 2, "out of range");
}

static void options__wrong_use_is_explained(void **state)
{
    (void)state;
    assert_refused("simulate --lr", 2, "--lr needs a value");
    assert_refused("simulate --lr 0.1 --lr 0.2", 2, "--lr is given twice");
    assert_refused("simulate --json=yes", 2, "--json takes no value");
    assert_refused("simulate --out ''", 2, "--out is empty");
    assert_refused("simulate --loss=", 2, "--loss is empty");
    assert_refused("simulate --seed ''", 2, "not a number");
    assert_refused("train --data-dir \"$unset\"", 2, "--data-dir is empty");
    assert_refused("simulate -q", 2, "options are long");
    assert_refused("simulate something", 2, "more than simulate takes");
    assert_refused("figure", 2, "figure needs NAME");
    assert_refused("train --no-shuffle --replacement", 2, "exclude each other");
}

static void json__is_one_object_and_nothing_else(void **state)
{
    (void)state;
    static const char *const good[] = {
        "list --json",
        "schedule cosine --steps 20 --json --no-save",
        "simulate --replicas 64 --steps 100 --burn-in 10 --json --no-save",
        "operator --temperature 0.1 --json --no-save",
        "train --data digits:train=300:test=100 --epochs 1 --json --no-save",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const said *s = run(good[i]);
        if (s->code != 0) fail_msg("sgdlab %s: code %d: %s", good[i], s->code, s->err);
        cJSON_Delete(parse_only_json(s->out));
    }
    static const char *const bad[] = {"simulat --json", "simulate --json --lr nan", "--json", "list loses --json"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (strcmp(bad[i], "--json") == 0) continue; /* no command: nothing promised an object */
        const said *s = run(bad[i]);
        assert_int_equal(s->code, 2);
        cJSON *j = parse_only_json(s->out);
        assert_true(cJSON_IsString(at(j, "error")));
        cJSON_Delete(j);
    }
}

static void list__has_every_kind_with_names_and_help(void **state)
{
    (void)state;
    const said *s = run("list --json");
    cJSON *j = parse_only_json(s->out);
    static const char *const kinds[] = {"claims", "figures", "losses", "schedules", "rules", "models", "datasets", "operators",
                                        "noises"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const cJSON *list = at(j, kinds[i]);
        assert_true(cJSON_GetArraySize(list) > 0);
        for (const cJSON *item = list->child; item; item = item->next) {
            assert_true(cJSON_IsString(at(item, "name")));
            assert_true(strlen(at(item, "help")->valuestring) > 3);
        }
    }
    assert_true(cJSON_GetArraySize(at(j, "regimes")) >= 8);
    for (const cJSON *r = at(j, "regimes")->child; r; r = r->next) {
        assert_true(number_at(r, "gradients") == 1 || number_at(r, "gradients") == 2);
        assert_true(strlen(at(r, "state")->valuestring) > 0);
    }
    cJSON_Delete(j);
    s = run("list schedules");
    assert_non_null(strstr(s->out, "one-cycle"));
    assert_null(strstr(s->out, "double-well"));
    s = run("list models,losses,models datasets");
    assert_non_null(strstr(s->out, ":head=linear|mlp|imagenet"));
    assert_non_null(strstr(s->out, "losses:\n"));
    assert_non_null(strstr(s->out, "datasets:\n"));
    assert_null(strstr(s->out, "schedules:\n"));
    assert_string_equal(s->err, "");
}

static void schedule__tabulates_first_last_and_joint_steps(void **state)
{
    (void)state;
    const said *s = run("schedule multi-step:milestones=3,6:gamma=0.5 --steps 12 --lr 8 --json --out s");
    assert_int_equal(s->code, 0);
    cJSON *j = parse_only_json(s->out);
    static const double expected[] = {8, 8, 8, 4, 4, 4, 2, 2, 2, 2, 2, 2};
    const cJSON *lr = at(j, "lr");
    assert_int_equal(cJSON_GetArraySize(lr), 12);
    for (int k = 0; k < 12; k++) assert_near(cJSON_GetArrayItem(lr, k)->valuedouble, expected[k], 1e-12);
    assert_near(number_at(j, "mean"), 4, 1e-12);
    bool joint = false;
    for (const cJSON *c = at(j, "shown")->child; c; c = c->next)
        joint |= number_at(c, "step") == 3 && strcmp(at(c, "what")->valuestring, "joint") == 0;
    assert_true(joint);
    cJSON_Delete(j);
    assert_true(exists("s/schedule.dat"));
    assert_true(exists("s/schedule.png"));
    assert_true(exists("s/manifest.json"));
}

static void output__that_cannot_be_written_is_code_4(void **state)
{
    (void)state;
    char command[PATH_MAX + 256], text[256];
    snprintf(command, sizeof command, "%s list >/dev/full 2>%s/stderr.txt", program, folder);
    assert_int_equal(WEXITSTATUS(system(command)), 4);
    read_into(text, sizeof text, "stderr.txt");
    assert_non_null(strstr(text, "No space left"));
    snprintf(command, sizeof command, "%s list 2>%s/stderr.txt | head -n 1 >/dev/null", program, folder);
    assert_int_equal(system(command), 0);
    read_into(text, sizeof text, "stderr.txt");
    assert_string_equal(text, ""); /* a reader that has enough is no trouble */
    /* An output longer than the buffer fails before its end. */
    const char *longer = "schedule constant --steps 50000 --json --no-save";
    snprintf(command, sizeof command, "%s %s >/dev/full 2>%s/stderr.txt", program, longer, folder);
    assert_int_equal(WEXITSTATUS(system(command)), 4);
    read_into(text, sizeof text, "stderr.txt");
    assert_non_null(strstr(text, "standard output cannot be written"));
    assert_null(strstr(text, "Success"));
    snprintf(command, sizeof command, "%s %s 2>%s/stderr.txt | head -n 1 >/dev/null", program, longer, folder);
    assert_int_equal(system(command), 0);
    read_into(text, sizeof text, "stderr.txt");
    assert_string_equal(text, "");
}

/* Limits on the size of a file stand for a disk that fills up at the manifest, the data, the checkpoint. */
static void disk__that_is_full_is_code_4(void **state)
{
    (void)state;
    static const struct {
        int blocks; /* of 512 or 1024 bytes, as the shell has it */
        const char *arguments, *file;
    } cases[] = {
        {1, "simulate --replicas 64 --steps 10 --burn-in 0 --quiet --out a", "a/manifest.json"},
        {8, "schedule constant --steps 5000 --quiet --out b", "b/schedule.dat"},
        {100, "train --data digits:train=300:test=100 --epochs 1 --quiet --out c", "c/checkpoint.h5"},
        {8, "train --data digits:train=300:test=100 --epochs 1 --quiet --no-save --save w.h5", "w.h5"},
        {8, "figure schedules --quiet --out d", "d/schedules.dat"},
        {8, "operator --temperature 0.1 --quiet --out e", "e/density.dat"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char limit[64];
        snprintf(limit, sizeof limit, "ulimit -f %d;", cases[i].blocks);
        const said *s = run_with(limit, cases[i].arguments);
        if (s->code != 4) fail_msg("sgdlab %s: code %d: %s", cases[i].arguments, s->code, s->err);
        if (!strstr(s->err, cases[i].file)) fail_msg("sgdlab %s: '%s' lacks '%s'", cases[i].arguments, s->err, cases[i].file);
        s = run(cases[i].arguments); /* with room again, the same command goes on */
        if (s->code != 0) fail_msg("sgdlab %s: code %d: %s", cases[i].arguments, s->code, s->err);
    }
}

/* Works for root too, whom permissions do not stop: a folder below a regular file cannot be made. */
static void folder__that_cannot_be_written_is_named(void **state)
{
    (void)state;
    run_with("echo something > file;", "--version");
    assert_refused("schedule constant --out file/run", 4, "file/run");
    assert_refused("simulate --replicas 64 --steps 10 --burn-in 0 --out file/run", 4, "file/run");
    assert_refused("operator --temperature 0.1 --out file/run", 4, "file/run");
    assert_refused("verify musso.modified-loss --out file/run", 4, "file/run");
    assert_refused("figure schedules --out file/run", 4, "file/run");
    assert_refused("train --data digits:train=300:test=100 --epochs 1 --out file/run", 4, "file/run");
    const said *s = run_with("mkdir foreign; echo x > foreign/x;", "schedule constant --out foreign");
    assert_int_equal(s->code, 3);
    assert_non_null(strstr(s->err, "foreign"));
}

/* Permissions, which do not stop root: as nobody. */
static void permissions__that_lack_are_named(void **state)
{
    (void)state;
    const char *as = geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : "";
    run_with("chmod 755 .; mkdir readonly data; chmod 555 readonly; for f in train-images-idx3 train-labels-idx1 "
             "t10k-images-idx3 t10k-labels-idx1; do echo x >data/$f-ubyte; chmod 0 data/$f-ubyte; done;", "--version");
    if (run_with(as, "--version")->code != 0) skip(); /* a house that others may not enter */
    static const struct {
        const char *arguments, *named;
        int code;
    } cases[] = {
        {"schedule constant --out readonly", "readonly/manifest.json", 4},
        {"simulate --replicas 64 --steps 10 --burn-in 0 --out readonly/run", "readonly/run", 4},
        {"verify musso.modified-loss --out readonly/run", "readonly/run", 4},
        {"figure schedules --out readonly/run", "readonly/run", 4},
        {"operator --temperature 0.1 --out readonly/run", "readonly/run", 4},
        {"train --data digits:train=300:test=100 --epochs 1 --no-save --save readonly/w.h5", "readonly/w.h5", 4},
        {"train --data mnist --data-dir data --no-save", "data/train-images-idx3-ubyte", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const said *s = run_with(as, cases[i].arguments);
        if (s->code != cases[i].code) fail_msg("sgdlab %s: code %d: %s", cases[i].arguments, s->code, s->err);
        if (!strstr(s->err, cases[i].named) || !strstr(s->err, "Permission denied"))
            fail_msg("sgdlab %s: '%s'", cases[i].arguments, s->err);
    }
}

static void folder__of_another_configuration_is_refused(void **state)
{
    (void)state;
    assert_int_equal(run("schedule constant --steps 5 --out a")->code, 0);
    assert_refused("schedule constant --steps 6 --out a", 3, "steps");
    const said *s = run("schedule constant --steps 5 --out a");
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->err, "complete already"));
    s = run("schedule constant --steps 5 --out a --quiet");
    assert_string_equal(s->err, "");
}

static void gnuplot__absent_leaves_data_and_script(void **state)
{
    (void)state;
    const said *s = run_with("PATH=/nonexistent", "schedule cosine --out g");
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->err, "gnuplot"));
    assert_true(exists("g/schedule.dat"));
    assert_true(exists("g/schedule.gp"));
    assert_false(exists("g/schedule.png"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        TEST(program__says_how_it_is_used),
        TEST(help__has_options_and_an_example_that_names_the_command),
        TEST(names__are_matched_to_the_nearest),
        TEST(numbers__are_read_strictly_and_checked),
        TEST(options__wrong_use_is_explained),
        TEST(json__is_one_object_and_nothing_else),
        TEST(list__has_every_kind_with_names_and_help),
        TEST(schedule__tabulates_first_last_and_joint_steps),
        TEST(output__that_cannot_be_written_is_code_4),
        TEST(disk__that_is_full_is_code_4),
        TEST(folder__that_cannot_be_written_is_named),
        TEST(permissions__that_lack_are_named),
        TEST(folder__of_another_configuration_is_refused),
        TEST(gnuplot__absent_leaves_data_and_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
