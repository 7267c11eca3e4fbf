/* sgdlab train: what it reports, how it resumes, and how it fails. */
#include "tests/cli/program.h"

#define SMALL "train --data digits:train=1000:test=200 --batch 50 "

static void train__reports_each_epoch(void **state)
{
    (void)state;
    const said *s = run(SMALL "--epochs 4 --lr 0.02 --json --out t --save w.h5");
    if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    cJSON *j = parse_only_json(s->out);
    assert_string_equal(at(j, "status")->valuestring, "complete");
    const cJSON *epochs = at(j, "epochs");
    assert_int_equal(cJSON_GetArraySize(epochs), 4);
    double best = 0;
    for (const cJSON *e = epochs->child; e; e = e->next) {
        assert_near(number_at(e, "lr"), 0.02, 0);
        assert_true(number_at(e, "epoch") >= 1 && number_at(e, "test_loss") > 0);
        assert_true(number_at(e, "train_loss") > 0 && number_at(e, "train_accuracy") > 0);
        best = fmax(best, number_at(e, "test_accuracy"));
    }
    assert_true(number_at(epochs->child->next->next->next, "train_loss") < number_at(epochs->child, "train_loss"));
    assert_near(number_at(j, "best_test_accuracy"), best, 0);
    assert_true(number_at(j, "final_test_accuracy") <= best);
    assert_true(number_at(j, "images_per_second") > 0);
    cJSON_Delete(j);
    static const char *const files[] = {"t/train.dat", "t/train.png", "t/checkpoint.h5", "t/manifest.json",
                                        "t/result.json", "w.h5"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!exists(files[i])) fail_msg("%s is not there", files[i]);
    run_with("mv w.h5 first.h5;", "--version"); /* asked for afterwards, the weights are the same */
    assert_int_equal(run(SMALL "--epochs 4 --lr 0.02 --out t --save w.h5")->code, 0);
    assert_int_equal(run_with("cmp first.h5 w.h5 &&", "--version")->code, 0);
    s = run(SMALL "--epochs 4 --lr 0.02 --out t --resume"); /* complete: says so and prints the result */
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->err, "complete already"));
    assert_non_null(strstr(s->out, "best test accuracy"));
}

static void train__steps_end_the_run_without_evaluation(void **state)
{
    (void)state;
    cJSON *j = parse_only_json(run(SMALL "--steps 7 --json --no-save")->out);
    assert_true(cJSON_IsNull(at(at(j, "epochs")->child, "test_accuracy")));
    assert_true(cJSON_IsNull(at(j, "final_test_accuracy")));
    cJSON_Delete(j);
    j = parse_only_json(run(SMALL "--steps 7 --evaluate --json --no-save")->out);
    assert_true(number_at(j, "final_test_accuracy") >= 0);
    cJSON_Delete(j);
}

static void train__several_seeds_are_those_of_single_runs(void **state)
{
    (void)state;
    cJSON *both = parse_only_json(run(SMALL "--epochs 2 --seeds 2 --seed 5 --json --no-save --save ./both.h5")->out);
    const cJSON *runs = at(both, "runs");
    assert_int_equal(cJSON_GetArraySize(runs), 2);
    assert_near(number_at(runs->child->next, "seed"), 6, 0);
    cJSON *single = parse_only_json(run(SMALL "--epochs 2 --seed 6 --json --no-save --save single.h5")->out);
    assert_true(exists("both-5.h5"));
    assert_int_equal(run_with("cmp both-6.h5 single.h5 &&", "--version")->code, 0);
    const double a = number_at(runs->child->next, "final_test_accuracy"), b = number_at(single, "final_test_accuracy");
    const double mean = number_at(at(both, "final_test_accuracy"), "value");
    assert_near(a, b, 0);
    assert_near(mean, (a + number_at(runs->child, "final_test_accuracy")) / 2, 1e-12);
    cJSON_Delete(both);
    cJSON_Delete(single);
}

static void train__divergence_names_the_epoch_and_keeps_data(void **state)
{
    (void)state;
    const said *s = run("train --data digits:train=1000:test=200 --batch 50 --lr 1e6 --epochs 3 --json --out d");
    assert_int_equal(s->code, 4);
    assert_non_null(strstr(s->err, "epoch 1"));
    cJSON *j = parse_only_json(s->out);
    assert_string_equal(at(j, "status")->valuestring, "diverged");
    assert_near(number_at(j, "diverged_epoch"), 1, 0);
    cJSON_Delete(j);
    assert_true(exists("d/train.dat"));
    assert_true(exists("d/result.json"));
}

#define LONG "train --data digits:train=3000:test=200 --batch 50 --epochs 60 --quiet --out "

/* Starts a long run in the background and sends it a signal as soon as it has a checkpoint. */
static int stop_long_run(const char *signal)
{
    char command[PATH_MAX + 512];
    snprintf(command, sizeof command,
             "cd %s && %s " LONG "r >stdout.txt 2>stderr.txt & pid=$!; "
             "exec 2>/dev/null; "
             "while [ ! -s %s/r/checkpoint.h5 ] && kill -0 $pid; do sleep 0.02; done; "
             "kill -%s $pid; wait $pid", folder, program, folder, signal);
    const int state = system(command);
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

static void train__killed_and_resumed_gives_the_same_bytes(void **state)
{
    (void)state;
    assert_int_equal(run(LONG "whole")->code, 0);
    assert_int_equal(stop_long_run("KILL"), 137);
    assert_int_equal(run(LONG "r --resume")->code, 0);
    char command[256];
    snprintf(command, sizeof command, "cd %s && cmp whole/train.dat r/train.dat && cmp whole/checkpoint.h5 r/checkpoint.h5",
             folder);
    assert_int_equal(system(command), 0);
}

static void train__interrupted_says_so(void **state)
{
    (void)state;
    static const char *const signals[] = {"INT", "TERM"};
    for (size_t i = 0; i < 2; i++) {
        run_with("rm -rf r;", "--version");
        assert_int_equal(stop_long_run(signals[i]), 4);
        char text[4096];
        read_into(text, sizeof text, "stderr.txt");
        assert_non_null(strstr(text, "interrupted"));
        read_into(text, sizeof text, "r/manifest.json");
        assert_non_null(strstr(text, "interrupted"));
    }
}

static void train__refuses_a_damaged_checkpoint(void **state)
{
    (void)state;
    assert_int_equal(stop_long_run("KILL"), 137);
    run_with("cp r/checkpoint.h5 good.h5;", "--version");
    static const char *const damage[] = {
        "truncate -s 1000 r/checkpoint.h5;",
        ": >r/checkpoint.h5;",
        "cp good.h5 r/checkpoint.h5; printf X | dd of=r/checkpoint.h5 bs=1 seek=50001 conv=notrunc 2>/dev/null;",
        "echo nonsense >r/checkpoint.h5;",
    };
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        const said *s = run_with(damage[i], LONG "r");
        if (s->code != 3) fail_msg("after %s code %d: %s", damage[i], s->code, s->err);
        assert_non_null(strstr(s->err, "checkpoint.h5"));
    }
    assert_int_equal(run_with("cp good.h5 r/checkpoint.h5;", LONG "r")->code, 0); /* control: the good one is taken */
}

static void train__refuses_the_folder_of_another_configuration(void **state)
{
    (void)state;
    assert_int_equal(run(SMALL "--epochs 1 --out a")->code, 0);
    assert_refused(SMALL "--epochs 1 --lr 0.01 --out a", 3, "lr is 0.005 there and 0.01 here");
    assert_refused(SMALL "--epochs 1 --seed 2 --out a", 3, "seed is 1 there and 2 here");
}

static void train__refuses_missing_and_malformed_data(void **state)
{
    (void)state;
    run_with("mkdir empty wrong; echo x > bad.h5; for f in train-images-idx3 train-labels-idx1 t10k-images-idx3 "
             "t10k-labels-idx1; do echo nonsense > wrong/$f-ubyte; done;", "--version");
    assert_refused("train --data mnist --data-dir empty", 3, "train-images-idx3-ubyte");
    assert_refused("train --model mpl", 2, "mlp");
    assert_false(exists("runs")); /* what cannot begin leaves no folder */
    assert_refused("train --data mnist --data-dir wrong --no-save", 3, "wrong/train-images-idx3-ubyte");
    assert_refused(SMALL "--epochs 1 --init absent.h5 --no-save", 3, "absent.h5");
    assert_refused(SMALL "--epochs 1 --init bad.h5 --no-save", 3, "bad.h5");
    assert_refused(SMALL "--epochs 1 --save nowhere/w.h5 --no-save", 4, "nowhere/w.h5");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        TEST(train__reports_each_epoch),
        TEST(train__steps_end_the_run_without_evaluation),
        TEST(train__several_seeds_are_those_of_single_runs),
        TEST(train__divergence_names_the_epoch_and_keeps_data),
        TEST(train__killed_and_resumed_gives_the_same_bytes),
        TEST(train__interrupted_says_so),
        TEST(train__refuses_a_damaged_checkpoint),
        TEST(train__refuses_the_folder_of_another_configuration),
        TEST(train__refuses_missing_and_malformed_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
