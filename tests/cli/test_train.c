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
    assert_true(number_at(j, "best_epoch") >= 1 && number_at(j, "best_epoch") <= 4);
    assert_near(number_at(j, "parameters"), 79510, 0);
    assert_true(number_at(j, "memory_bytes") > 1e6 && number_at(j, "memory_bytes") < 1e8);
    assert_true(number_at(j, "seconds") > 0);
    assert_true(number_at(j, "data_fraction") > 0 && number_at(j, "data_fraction") < 1);
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

static void train__leaves_the_drawing_to_the_user(void **state)
{
    (void)state;
    assert_int_equal(run(SMALL "--epochs 2 --no-figure --out t --quiet")->code, 0);
    assert_true(exists("t/train.dat") && exists("t/train.gp"));
    assert_false(exists("t/train.png"));
    assert_int_equal(run("train --data digits --range-test --range-steps 20 --no-figure --out r --quiet")->code, 0);
    assert_true(exists("r/range-test.gp") && !exists("r/range-test.png"));
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

#define NORMED "train --model 'conv 4 3; bn; relu; globalavg; linear' --data digits:train=600:test=100 --batch 60 "

static void train__threads_do_not_matter(void **state)
{
    (void)state;
    static const char options[] = NORMED "--epochs 2 --augment flip,crop=2 --label-smoothing 0.1 --seeds 2 --quiet ";
    char command[512];
    for (int threads = 1; threads <= 3; threads += 2) {
        snprintf(command, sizeof command, "%s --threads %d --jobs 4 --out t%d --save w%d.h5", options, threads, threads,
                 threads);
        const said *s = run(command);
        if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    }
    assert_int_equal(run_with("cmp w1-1.h5 w3-1.h5 && cmp w1-2.h5 w3-2.h5 && cmp t1/train.dat t3/train.dat && "
                              "cmp t1/checkpoint-2.h5 t3/checkpoint-2.h5 &&", "--version")->code, 0);
    char text[4096];
    read_into(text, sizeof text, "t3/train.dat");
    assert_non_null(strstr(text, "# augment = crop=2,flip\n")); /* as understood */
    assert_non_null(strstr(text, "# label-smoothing = 0.1\n"));
    assert_null(strstr(text, "range"));
}

static void train__refuses_what_cannot_be_augmented(void **state)
{
    (void)state;
    assert_refused(SMALL "--no-save --augment mirror", 2, "Known: none, crop=PIXELS, flip");
    assert_refused(SMALL "--no-save --augment crop=29", 2, "crop = 29 on pictures of 28x28");
    assert_refused(SMALL "--no-save --label-smoothing 1", 2, "label-smoothing");
    assert_refused(SMALL "--no-save --threads 0", 2, "threads");
    assert_int_equal(run(SMALL "--epochs 1 --augment flip --out a")->code, 0);
    assert_refused(SMALL "--epochs 1 --out a", 3, "augment is \"flip\" there and \"none\" here");
}

/* Says what would run, and neither runs nor writes. */
static void train__dry_run_foresees(void **state)
{
    (void)state;
    const said *s = run(SMALL "--dry-run --json --epochs 3 --seeds 5 --jobs 4 --threads 2");
    assert_int_equal(s->code, 0);
    cJSON *j = parse_only_json(s->out);
    assert_near(number_at(j, "parameters"), 79510, 0);
    assert_near(number_at(j, "steps_per_epoch"), 20, 0);
    assert_near(number_at(j, "steps"), 60, 0);
    assert_near(number_at(j, "side_by_side"), 2, 0);
    assert_near(number_at(j, "threads"), 2, 0);
    assert_true(cJSON_IsTrue(at(j, "fits")));
    const cJSON *memory = at(j, "memory");
    assert_near(number_at(memory, "data"), 1200 * 785, 0);
    assert_true(number_at(memory, "training") > 12 * 79510 && number_at(memory, "training") < 1e7);
    assert_near(number_at(j, "memory_bytes"), number_at(memory, "data") + 2 * number_at(memory, "training") +
                number_at(memory, "checkpoint"), 0);
    assert_string_equal(at(at(j, "configuration"), "schedule")->valuestring, "constant");
    assert_near(number_at(at(j, "configuration"), "epochs"), 3, 0);
    cJSON_Delete(j);
    s = run(SMALL "--dry-run");
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->out, "schedule = constant"));
    assert_non_null(strstr(s->out, "memory in all"));
    assert_false(exists("runs"));
    assert_refused(SMALL "--dry-run --model mpl", 2, "mlp");
}

/* Ten million times 65536 activations are 2.6 TB, and as much again for their gradients. */
static void train__refuses_what_does_not_fit_into_memory(void **state)
{
    (void)state;
    static const char huge[] = "train --data digits:train=1000:test=200 --model mlp:hidden=65536 --replacement "
                               "--batch 10000000 ";
    char command[512];
    snprintf(command, sizeof command, "%s--out huge", huge);
    assert_refused(command, 4, "not enough memory: a training of 52101130 parameters with batches of 10000000 needs");
    assert_false(exists("huge"));
    snprintf(command, sizeof command, "%s--dry-run --json", huge);
    const said *s = run(command);
    assert_int_equal(s->code, 4);
    cJSON *j = parse_only_json(s->out);
    assert_true(cJSON_IsFalse(at(j, "fits")));
    assert_near(number_at(j, "side_by_side"), 0, 0);
    assert_true(number_at(j, "memory_bytes") > 4e12);
    cJSON_Delete(j);
}

static void train__finds_rates(void **state)
{
    (void)state;
    static const char test[] = SMALL "--range-test --range-max 1000 --range-steps 150 ";
    char command[512];
    snprintf(command, sizeof command, "%s--json --out r", test);
    const said *s = run(command);
    if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    cJSON *j = parse_only_json(s->out);
    const cJSON *range = at(j, "range");
    const double steepest = number_at(j, "steepest"), rise = number_at(j, "rise");
    assert_near(number_at(range->child, "lr"), 1e-5, 1e-19);
    assert_true(number_at(range->child->next, "loss") > 0 && number_at(range->child->next, "smoothed") > 0);
    assert_true(cJSON_GetArraySize(range) < 150);
    assert_true(steepest > 1e-4 && steepest < rise && rise < 1);
    assert_true(number_at(j, "images_per_second") > 0 && number_at(j, "memory_bytes") > 0);
    assert_string_equal(at(j, "ended_by")->valuestring, "loss rose");
    cJSON_Delete(j);
    assert_true(exists("r/range-test.dat") && exists("r/range-test.gp") && exists("r/range-test.png"));
    char text[1 << 15], mark[64];
    read_into(text, sizeof text, "r/range-test.dat");
    assert_non_null(strstr(text, "# range-steps = 150\n"));
    assert_null(strstr(text, "schedule"));
    snprintf(mark, sizeof mark, "# block = steepest\n%.6g", steepest);
    assert_non_null(strstr(text, mark));
    assert_non_null(strstr(text, "# block = rise\n"));
    snprintf(command, sizeof command, "%s--out r", test); /* again: its result, without a run */
    s = run(command);
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->err, "complete already"));
    assert_non_null(strstr(s->out, "just below where the loss starts to rise: lr = "));
    s = run(SMALL "--range-test --range-min 1e-9 --range-max 1e-8 --no-save --quiet");
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->out, "it did not rise, take a larger --range-max"));
    assert_refused(SMALL "--regime polyak --lr 0.1", 2, "--regime and --lr exclude each other");
    assert_refused(SMALL "--regime polyak --schedule cosine", 2, "--regime and --schedule exclude each other");
    assert_refused(SMALL "--regime polyak --alpha-on gradient", 2, "--regime and --alpha-on exclude each other");
    assert_refused(SMALL "--regime polyak --range-test", 2, "--regime and --range-test exclude each other");
    assert_refused(SMALL "--regime polyack", 2, "polyak");
    assert_refused(SMALL "--regime secant-long:smooth=1", 2, "smooth");
    assert_refused(SMALL "--range-test --epochs 3", 2, "--range-test and --epochs exclude each other");
    assert_refused(SMALL "--range-test --range-min 1 --range-max 0.1", 2, "need range-min < range-max");
    assert_refused(SMALL "--range-max 5", 2, "--range-max means nothing without --range-test");
}

/* Every rule trains as it stands, also the one without momentum, with a rate or with a regime. */
static void train__every_rule_has_a_momentum_that_fits(void **state)
{
    (void)state;
    static const char *const rules[] = {"plain", "heavy-ball", "nesterov", "sign"};
    for (size_t i = 0; i < 4; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, SMALL "--rule %s %s --epochs 1 --no-save --json", rules[i],
                 i % 2 == 0 ? "--regime secant-short" : "--lr 1e-3");
        const said *s = run(arguments);
        if (s->code != 0) fail_msg("sgdlab %s: code %d: %s", arguments, s->code, s->err);
        cJSON *j = parse_only_json(s->out);
        assert_near(at(at(j, "configuration"), "momentum")->valuedouble, i == 0 ? 0 : 0.9, 0);
        cJSON_Delete(j);
    }
    assert_refused(SMALL "--rule plain --momentum 0.5", 2, "'plain' has no momentum");
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
    snprintf(command, sizeof command,
             "cd %s && cmp whole/train.dat r/train.dat && cmp whole/checkpoint.h5 r/checkpoint.h5", folder);
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
    assert_refused(SMALL "--epochs 1 --save nowhere/w.h5 --out unsaved", 4, "nowhere/w.h5");
    assert_false(exists("unsaved/checkpoint.h5")); /* found out before the training, not after it */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        TEST(train__reports_each_epoch),
        TEST(train__leaves_the_drawing_to_the_user),
        TEST(train__steps_end_the_run_without_evaluation),
        TEST(train__several_seeds_are_those_of_single_runs),
        TEST(train__threads_do_not_matter),
        TEST(train__refuses_what_cannot_be_augmented),
        TEST(train__dry_run_foresees),
        TEST(train__refuses_what_does_not_fit_into_memory),
        TEST(train__finds_rates),
        TEST(train__every_rule_has_a_momentum_that_fits),
        TEST(train__divergence_names_the_epoch_and_keeps_data),
        TEST(train__killed_and_resumed_gives_the_same_bytes),
        TEST(train__interrupted_says_so),
        TEST(train__refuses_a_damaged_checkpoint),
        TEST(train__refuses_the_folder_of_another_configuration),
        TEST(train__refuses_missing_and_malformed_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
