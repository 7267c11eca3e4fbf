/* Data sets as the command line sees them. */
#include "tests/cli/program.h"

enum { RECORD = 3073 };

/* n records of CIFAR-10 with labels 0, 1, ... and stripes that tell them. */
static void write_batch(const char *name, size_t n)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *const f = fopen(path, "wb");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++) {
        unsigned char record[RECORD] = {(unsigned char)(i % 10)};
        for (size_t k = 1; k < RECORD; k++) record[k] = (unsigned char)(k % (i % 10 + 2) * 20);
        assert_int_equal(fwrite(record, 1, RECORD, f), RECORD);
    }
    assert_int_equal(fclose(f), 0);
}

static void list__names_every_set(void **state)
{
    (void)state;
    static const char *const names[] = {"digits", "mnist", "cifar10", "cifar100", "tiny-imagenet-200"};
    cJSON *const j = parse_only_json(run("list datasets --json")->out);
    const cJSON *const list = at(j, "datasets");
    assert_int_equal(cJSON_GetArraySize(list), 5);
    for (int i = 0; i < 5; i++) {
        const cJSON *const item = cJSON_GetArrayItem(list, i);
        assert_string_equal(at(item, "name")->valuestring, names[i]);
        assert_true(cJSON_GetArraySize(at(item, "parameters")) >= 2); /* train, test */
    }
    cJSON_Delete(j);
}

/* What is missing is said beside, not among, the results; the run goes on. */
static void train__says_which_batches_are_missing(void **state)
{
    (void)state;
    write_batch("data_batch_2.bin", 200);
    write_batch("test_batch.bin", 20);
    const said *const s =
        run("train --model mlp --data cifar10:train=100 --data-dir . --epochs 2 --batch 25 --no-save --json");
    assert_int_equal(s->code, 0);
    assert_non_null(strstr(s->err, "note: found 1 of the 5 training batches of cifar10: 200 pictures"));
    cJSON *const j = parse_only_json(s->out);
    const cJSON *const epochs = at(j, "epochs");
    assert_int_equal(cJSON_GetArraySize(epochs), 2);
    assert_true(number_at(cJSON_GetArrayItem(epochs, 1), "train_loss") <
                number_at(cJSON_GetArrayItem(epochs, 0), "train_loss"));
    cJSON_Delete(j);
}

static void train__refuses_bad_batches(void **state)
{
    (void)state;
    write_batch("data_batch_1.bin", 5);
    assert_refused("train --data cifar10 --data-dir . --no-save", 3, "no test_batch.bin");
    write_batch("test_batch.bin", 5);
    assert_refused("train --data cifar10:train=6 --data-dir . --no-save", 2, "train=6, but there are 5");
    run_with("printf x >> test_batch.bin;", "--version");
    assert_refused("train --data cifar10 --data-dir . --no-save", 3, "15366 bytes, expected a multiple of 3073");
    assert_refused("train --data cifar100 --data-dir . --no-save", 3, "./cifar-100-binary");
    assert_refused("train --data tiny-imagenet --no-save", 2, "did you mean 'tiny-imagenet-200'");
    assert_refused("train --data tiny-imagenet-200 --data-dir . --no-save", 3, "no wnids.txt in");
    assert_false(exists("runs"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        TEST(list__names_every_set),
        TEST(train__says_which_batches_are_missing),
        TEST(train__refuses_bad_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
