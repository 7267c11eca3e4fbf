#define _GNU_SOURCE
#include "tests/test.h"

#include <stdatomic.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/parallel.h"
#include "base/run.h"
#include "tests/base/scratch.h"

static char program[] = "sgdlab", command[] = "simulate", option[] = "--loss", loss[] = "double-well";
static char *arguments[] = {program, command, option, loss};

static cJSON *make_config(double lr, const char *schedule)
{
    cJSON *c = cJSON_CreateObject();
    sl_json_number(c, "lr", lr);
    cJSON *s = cJSON_AddObjectToObject(c, "schedule");
    cJSON_AddStringToObject(s, "name", schedule);
    sl_json_number(s, "delta", 0.1 + 0.2);
    return c;
}

/* Opens a run of that configuration in scratch/name; the status is returned, the rest is as sl_run_open's. */
static sl_status open_run(sl_run **run, bool *complete, const char *name, double lr, const char *schedule,
                          uint64_t seed, sl_err *err)
{
    cJSON *c = make_config(lr, schedule);
    const sl_status st = sl_run_open(run, complete, in_scratch(name), "simulate", c, seed, 4, arguments, err);
    cJSON_Delete(c);
    return st;
}

static cJSON *manifest_of(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/manifest.json", name);
    cJSON *m = cJSON_Parse(text_of(in_scratch(path)));
    assert_non_null(m);
    return m;
}

static void assert_says(const cJSON *m, const char *key, const char *text)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(m, key);
    assert_true(cJSON_IsString(item));
    assert_string_equal(item->valuestring, text);
}

static void hash__is_fnv_1a(void **state)
{
    (void)state; /* values of draft-eastlake-fnv */
    assert_true(sl_hash("") == 0xcbf29ce484222325u);
    assert_true(sl_hash("a") == 0xaf63dc4c8601ec8cu);
    assert_true(sl_hash("foobar") == 0x85944171f73967e8u);
}

static void open__leaves_a_manifest(void **state)
{
    (void)state;
    sl_run *run;
    bool complete = true;
    assert_ok(open_run(&run, &complete, "deep/er/first", 0.1, "constant", 7, &err));
    assert_false(complete);
    assert_true(sl_run_saves(run));
    assert_string_equal(sl_run_dir(run), in_scratch("deep/er/first"));
    cJSON *m = manifest_of("deep/er/first");
    assert_says(m, "program", "sgdlab");
    assert_says(m, "version", sl_version);
    assert_says(m, "status", "running");
    assert_int_equal(strlen(cJSON_GetObjectItem(m, "start")->valuestring), strlen("2026-01-01T00:00:00Z"));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(m, "command")), 4);
    assert_near(cJSON_GetObjectItem(m, "seed")->valuedouble, 7, 0);
    assert_near(cJSON_GetObjectItem(cJSON_GetObjectItem(m, "config"), "lr")->valuedouble, 0.1, 0);
    assert_non_null(cJSON_GetObjectItem(cJSON_GetObjectItem(m, "libraries"), "gsl"));
    assert_non_null(cJSON_GetObjectItem(cJSON_GetObjectItem(m, "cpu"), "model"));
    cJSON_Delete(m);

    cJSON *result = cJSON_CreateObject();
    sl_json_number(result, "x2", 0.30000000000000004);
    assert_ok(sl_run_close(run, "complete", result, &err));
    cJSON_Delete(result);
    assert_non_null(strstr(text_of(in_scratch("deep/er/first/result.json")), "0.30000000000000004"));
    m = manifest_of("deep/er/first");
    assert_says(m, "status", "complete");
    assert_non_null(cJSON_GetObjectItem(m, "end"));
    cJSON_Delete(m);
    sl_run_free(run);
}

static void open__knows_a_complete_folder_and_leaves_it(void **state)
{
    (void)state;
    sl_run *run;
    bool complete;
    static const char *const ends[] = {"interrupted", "failed", "diverged", "complete"};
    for (size_t i = 0; i < 4; i++) {
        assert_ok(open_run(&run, &complete, "ends", 0.1, "constant", 1, &err));
        assert_false(complete);
        assert_ok(sl_run_close(run, ends[i], NULL, &err));
        sl_run_free(run);
    }
    char *before = strdup(text_of(in_scratch("ends/manifest.json")));
    assert_ok(open_run(&run, &complete, "ends", 0.1, "constant", 1, &err));
    assert_true(complete);
    assert_string_equal(text_of(in_scratch("ends/manifest.json")), before);
    free(before);
    sl_run_free(run);
}

static void discard__takes_back_what_opening_made_and_no_more(void **state)
{
    (void)state;
    sl_run *run;
    bool complete;
    assert_ok(open_run(&run, &complete, "taken/back", 0.1, "constant", 1, &err));
    sl_run_discard(run);
    sl_run_free(run);
    assert_int_equal(access(in_scratch("taken/back"), F_OK), -1);

    assert_ok(sl_make_dirs(in_scratch("empty"), &err)); /* somebody else's */
    assert_ok(open_run(&run, &complete, "empty", 0.1, "constant", 1, &err));
    sl_run_discard(run);
    sl_run_free(run);
    assert_int_equal(access(in_scratch("empty"), F_OK), 0);
    assert_int_equal(access(in_scratch("empty/manifest.json"), F_OK), -1);

    for (int again = 0; again < 2; again++) { /* a run's before */
        assert_ok(open_run(&run, &complete, "was", 0.1, "constant", 1, &err));
        if (again) sl_run_discard(run);
        sl_run_free(run);
    }
    cJSON *m = manifest_of("was");
    assert_says(m, "status", "failed");
    cJSON_Delete(m);
    sl_run_discard(sl_run_none());
}

static void close__refuses_an_unknown_status(void **state)
{
    (void)state;
    sl_run *run;
    bool complete;
    assert_ok(open_run(&run, &complete, "status", 0.1, "constant", 1, &err));
    assert_fails(sl_run_close(run, "done", NULL, &err), SL_E_USAGE, "done");
    sl_run_free(run);
}

static void open__refuses_another_configuration(void **state)
{
    (void)state;
    sl_run *run = NULL;
    bool complete;
    assert_ok(open_run(&run, &complete, "config", 0.1, "constant", 1, &err));
    sl_run_free(run);
    run = NULL;
    assert_fails(open_run(&run, &complete, "config", 0.2, "constant", 1, &err), SL_E_CONFIG, "lr is 0.1 there and 0.2");
    assert_fails(open_run(&run, &complete, "config", 0.1, "random", 1, &err), SL_E_CONFIG,
                 "schedule.name is \"constant\" there and \"random\" here");
    assert_fails(open_run(&run, &complete, "config", 0.1, "constant", 2, &err), SL_E_CONFIG, "seed is 1 there and 2");
    assert_fails(open_run(&run, &complete, "config", nextafter(0.1, 1), "constant", 1, &err), SL_E_CONFIG, "lr");
    cJSON *c = make_config(0.1, "constant");
    cJSON_AddBoolToObject(c, "extra", true);
    assert_fails(sl_run_open(&run, &complete, in_scratch("config"), "x", c, 1, 0, NULL, &err), SL_E_CONFIG,
                 "extra is absent there and true here");
    cJSON_DeleteItemFromObject(c, "extra");
    cJSON_DeleteItemFromObject(c, "lr");
    assert_fails(sl_run_open(&run, &complete, in_scratch("config"), "x", c, 1, 0, NULL, &err), SL_E_CONFIG,
                 "lr is 0.1 there and absent here");
    cJSON_Delete(c);
    assert_null(run);
    assert_ok(open_run(&run, &complete, "config", 0.1, "constant", 1, &err)); /* the refusals did no harm */
    sl_run_free(run);
}

static void open__keeps_every_bit_of_a_seed(void **state)
{
    (void)state;
    sl_run *run = NULL;
    bool complete;
    assert_ok(open_run(&run, &complete, "seed", 0.1, "constant", UINT64_MAX, &err));
    sl_run_free(run);
    assert_fails(open_run(&run, &complete, "seed", 0.1, "constant", UINT64_MAX - 1, &err), SL_E_CONFIG, "seed");
}

static void open__refuses_folders_of_others(void **state)
{
    (void)state;
    sl_run *run = NULL;
    bool complete;
    assert_ok(sl_make_dirs(in_scratch("home"), &err));
    put_text(in_scratch("home/thesis.tex"), "x");
    assert_fails(open_run(&run, &complete, "home", 0.1, "constant", 1, &err), SL_E_CONFIG, "holds 'thesis.tex'");
    assert_ok(sl_make_dirs(in_scratch("theirs"), &err));
    put_text(in_scratch("theirs/manifest.json"), "{\"name\": \"a web page\"}\n");
    assert_fails(open_run(&run, &complete, "theirs", 0.1, "constant", 1, &err), SL_E_CONFIG, "not written by sgdlab");
    put_text(in_scratch("theirs/manifest.json"), "{\"program\": \"sgd");
    assert_fails(open_run(&run, &complete, "theirs", 0.1, "constant", 1, &err), SL_E_FORMAT, "is damaged");
    assert_string_equal(text_of(in_scratch("theirs/manifest.json")), "{\"program\": \"sgd");
    put_text(in_scratch("file"), "x");
    assert_fails(open_run(&run, &complete, "file", 0.1, "constant", 1, &err), SL_E_WRITE, "is not a folder");
    assert_fails(open_run(&run, &complete, "file/run", 0.1, "constant", 1, &err), SL_E_WRITE, "file");
    assert_null(run);
}

static void open__sweeps_what_a_killed_run_left(void **state)
{
    (void)state;
    sl_run *run;
    bool complete;
    assert_ok(sl_make_dirs(in_scratch("swept/jobs"), &err));
    assert_ok(sl_make_dirs(in_scratch("unborn"), &err));
    put_text(in_scratch("unborn/manifest.json.17-0.tmp"), "{"); /* killed before it had a manifest */
    assert_ok(open_run(&run, &complete, "unborn", 0.1, "constant", 1, &err));
    put_text(in_scratch("unborn/x.dat.17-1.tmp"), "1");
    assert_ok(sl_make_dirs(in_scratch("unborn/jobs"), &err));
    put_text(in_scratch("unborn/jobs/k.dat.17-2.tmp"), "1");
    sl_run_free(run);
    assert_ok(open_run(&run, &complete, "unborn", 0.1, "constant", 1, &err));
    sl_run_free(run);
    assert_int_not_equal(access(in_scratch("unborn/manifest.json.17-0.tmp"), F_OK), 0);
    assert_int_not_equal(access(in_scratch("unborn/x.dat.17-1.tmp"), F_OK), 0);
    assert_int_not_equal(access(in_scratch("unborn/jobs/k.dat.17-2.tmp"), F_OK), 0);
}

static void open__refuses_a_second_run_at_once(void **state)
{
    (void)state;
    sl_run *one, *two;
    bool complete;
    assert_ok(open_run(&one, &complete, "busy", 0.1, "constant", 1, &err));
    assert_fails(open_run(&two, &complete, "busy", 0.1, "constant", 1, &err), SL_E_WRITE, "another run is writing");
    sl_run_free(one);
    assert_ok(open_run(&two, &complete, "busy", 0.1, "constant", 1, &err));
    sl_run_free(two);
}

static void open__names_the_default_folder_after_the_configuration(void **state)
{
    (void)state;
    char here[PATH_MAX];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(scratch), 0);
    cJSON *c = make_config(0.1, "constant");
    sl_run *run = NULL;
    bool complete;
    sl_err err = {0};
    const sl_status st = sl_run_open(&run, &complete, NULL, "simulate-double-well", c, 1, 0, NULL, &err);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(st, SL_OK);
    char *text = sl_json_print(c, false), expected[100];
    snprintf(expected, sizeof expected, "runs/simulate-double-well-%016llx", (unsigned long long)sl_hash(text));
    assert_string_equal(sl_run_dir(run), expected);
    free(text);
    cJSON_Delete(c);
    sl_run_free(run);
}

static void path__stays_inside(void **state)
{
    (void)state;
    sl_run *run;
    bool complete;
    char path[PATH_MAX], tiny[10];
    assert_ok(open_run(&run, &complete, "paths", 0.1, "constant", 1, &err));
    assert_ok(sl_run_path(run, path, sizeof path, "a/b/c.svg", &err));
    assert_string_equal(path, in_scratch("paths/a/b/c.svg"));
    struct stat s;
    assert_true(stat(in_scratch("paths/a/b"), &s) == 0 && S_ISDIR(s.st_mode));
    assert_ok(sl_run_path(run, path, sizeof path, "..hidden", &err));
    static const char *const bad[] = {"", "/etc/x", "..", "../x", "a/../../x", "a/.."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(sl_run_path(run, path, sizeof path, bad[i], &err), SL_E_USAGE, "not a path inside");
    assert_fails(sl_run_path(run, tiny, sizeof tiny, "x", &err), SL_E_USAGE, "too long");
    sl_run_free(run);
}

/* ---- jobs ---- */

typedef struct {
    atomic_int calls;
    double value;
    sl_status end;
} recipe;

static sl_status cook(void *ctx, sl_table **t, sl_err *err)
{
    recipe *r = ctx;
    atomic_fetch_add(&r->calls, 1);
    if (r->end < 0) return sl_fail(err, r->end, "burnt");
    *t = sl_table_alloc(1, (const char *const[]){"x[1]"});
    SL_TRY(sl_table_set(*t, "a", err, "b"));
    SL_TRY(sl_table_add(*t, &r->value, err));
    return r->end == SL_OK ? SL_OK : sl_fail(err, r->end, "half done");
}

static void job__is_done_once(void **state)
{
    (void)state;
    recipe r = {.value = 1. / 3};
    for (int pass = 0; pass < 2; pass++) { /* the second as after a restart */
        sl_run *run;
        bool complete;
        sl_table *t;
        assert_ok(open_run(&run, &complete, "jobs", 0.1, "constant", 1, &err));
        assert_ok(sl_run_job(run, &t, "seed-1", cook, &r, &err));
        assert_int_equal(r.calls, 1);
        assert_near(sl_table_row(t, 0)[0], 1. / 3, 0);
        assert_string_equal(sl_table_get(t, "a"), "b");
        sl_table_free(t);
        sl_run_free(run);
    }
    assert_int_equal(access(in_scratch("jobs/jobs/seed-1.dat"), F_OK), 0);
}

static void job__keys_of_any_text_stay_apart(void **state)
{
    (void)state;
    char longer[300];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *const keys[] = {"a b", "a:b", "a/b", "a-b", "../a", ".a", "\xc3\xa9", longer, longer + 1};
    sl_run *run;
    bool complete;
    sl_table *t = NULL;
    assert_ok(open_run(&run, &complete, "keys", 0.1, "constant", 1, &err));
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            recipe r = {.value = (double)i};
            assert_ok(sl_run_job(run, &t, keys[i], cook, &r, &err));
            assert_int_equal(r.calls, pass == 0);
            assert_near(sl_table_row(t, 0)[0], (double)i, 0);
            sl_table_free(t);
        }
    recipe r = {0};
    assert_fails(sl_run_job(run, &t, "", cook, &r, &err), SL_E_USAGE, "empty");
    sl_run_free(run);
}

static void job__damaged_file_is_named(void **state)
{
    (void)state;
    sl_run *run;
    bool complete;
    sl_table *t = NULL;
    recipe r = {.value = 2};
    assert_ok(open_run(&run, &complete, "damage", 0.1, "constant", 1, &err));
    assert_ok(sl_run_job(run, &t, "k", cook, &r, &err));
    sl_table_free(t);
    t = NULL;
    put_text(in_scratch("damage/jobs/k.dat"), "# rows = 1\n# x[1]\n");
    assert_fails(sl_run_job(run, &t, "k", cook, &r, &err), SL_E_FORMAT, "damage/jobs/k.dat:2: expected 1 rows");
    assert_null(t);
    assert_int_equal(r.calls, 1);
    sl_run_free(run);
}

static void job__saves_only_success(void **state)
{
    (void)state;
    sl_run *run;
    bool complete;
    sl_table *t = NULL;
    recipe bad = {.end = SL_E_NUMERIC}, half = {.end = SL_DIVERGED, .value = 3};
    assert_ok(open_run(&run, &complete, "only", 0.1, "constant", 1, &err));
    assert_fails(sl_run_job(run, &t, "bad", cook, &bad, &err), SL_E_NUMERIC, "burnt");
    assert_null(t);
    for (int pass = 1; pass <= 2; pass++) {
        assert_fails(sl_run_job(run, &t, "half", cook, &half, &err), SL_DIVERGED, "half done");
        assert_int_equal(half.calls, pass);
        assert_near(sl_table_row(t, 0)[0], 3, 0);
        sl_table_free(t);
    }
    sl_run_free(run);
}

typedef struct {
    sl_run *run;
    double sum[40];
    recipe r;
} kitchen;

static sl_status cook_one(void *ctx, size_t i, int worker, sl_err *err)
{
    (void)worker;
    kitchen *k = ctx;
    char key[32];
    sl_table *t = NULL;
    snprintf(key, sizeof key, "piece %zu", i);
    SL_TRY(sl_run_job(k->run, &t, key, cook, &k->r, err));
    k->sum[i] = sl_table_row(t, 0)[0];
    sl_table_free(t);
    return SL_OK;
}

static void job__runs_on_several_threads(void **state)
{
    (void)state;
    kitchen k = {.r.value = 1};
    bool complete;
    assert_ok(open_run(&k.run, &complete, "parallel", 0.1, "constant", 1, &err));
    for (int pass = 0; pass < 2; pass++) assert_ok(sl_parallel(40, 4, cook_one, &k, &err));
    assert_int_equal(k.r.calls, 40);
    for (int i = 0; i < 40; i++) assert_near(k.sum[i], 1, 0);
    sl_run_free(k.run);
}

static void none__computes_and_writes_nothing(void **state)
{
    (void)state;
    sl_run *run = sl_run_none();
    recipe r = {.value = 4};
    sl_table *t = NULL;
    char path[100];
    assert_false(sl_run_saves(run));
    assert_null(sl_run_dir(run));
    for (int pass = 1; pass <= 2; pass++) {
        assert_ok(sl_run_job(run, &t, "k", cook, &r, &err));
        assert_int_equal(r.calls, pass);
        assert_ok(sl_run_table(run, "x.dat", t, &err));
        sl_table_free(t);
    }
    assert_ok(sl_run_close(run, "complete", NULL, &err));
    assert_fails(sl_run_path(run, path, sizeof path, "x", &err), SL_E_USAGE, "no folder");
    sl_run_free(run);
    sl_run_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash__is_fnv_1a),
        cmocka_unit_test(open__leaves_a_manifest),
        cmocka_unit_test(open__knows_a_complete_folder_and_leaves_it),
        cmocka_unit_test(close__refuses_an_unknown_status),
        cmocka_unit_test(discard__takes_back_what_opening_made_and_no_more),
        cmocka_unit_test(open__refuses_another_configuration),
        cmocka_unit_test(open__keeps_every_bit_of_a_seed),
        cmocka_unit_test(open__refuses_folders_of_others),
        cmocka_unit_test(open__sweeps_what_a_killed_run_left),
        cmocka_unit_test(open__refuses_a_second_run_at_once),
        cmocka_unit_test(open__names_the_default_folder_after_the_configuration),
        cmocka_unit_test(path__stays_inside),
        cmocka_unit_test(job__is_done_once),
        cmocka_unit_test(job__keys_of_any_text_stay_apart),
        cmocka_unit_test(job__damaged_file_is_named),
        cmocka_unit_test(job__saves_only_success),
        cmocka_unit_test(job__runs_on_several_threads),
        cmocka_unit_test(none__computes_and_writes_nothing),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
