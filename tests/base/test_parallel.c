#include "tests/test.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "base/parallel.h"
#include "base/random.h"

enum { N = 200 };

static sl_status draw_one(void *ctx, size_t i, int worker, sl_err *err)
{
    (void)worker, (void)err;
    const sl_draw d = {.seed = 5, .purpose = SL_PURPOSE_TEST, .step = i};
    ((double *)ctx)[i] = sl_random_normal(0, 1, &d);
    return SL_OK;
}

static void parallel__result_does_not_depend_on_jobs(void **state)
{
    (void)state;
    double one[N], many[N];
    assert_ok(sl_parallel(N, 1, draw_one, one, &err));
    static const int jobs[] = {2, 7, 64, 0, -1};
    for (size_t k = 0; k < sizeof jobs / sizeof *jobs; k++) {
        memset(many, 0, sizeof many);
        assert_ok(sl_parallel(N, jobs[k], draw_one, many, &err));
        assert_memory_equal(one, many, sizeof one);
    }
}

typedef struct {
    sl_status status[N]; /* what task i returns */
    atomic_int ran, highest_worker;
    int runs[N];
} script;

static sl_status act(void *ctx, size_t i, int worker, sl_err *err)
{
    script *s = ctx;
    atomic_fetch_add(&s->ran, 1);
    s->runs[i]++;
    int seen = atomic_load(&s->highest_worker);
    while (worker > seen && !atomic_compare_exchange_weak(&s->highest_worker, &seen, worker)) continue;
    return s->status[i] == SL_OK ? SL_OK : sl_fail(err, s->status[i], "task %zu", i);
}

static void parallel__runs_every_task_once(void **state)
{
    (void)state;
    script s = {0};
    assert_ok(sl_parallel(N, 3, act, &s, &err));
    for (size_t i = 0; i < N; i++) assert_int_equal(s.runs[i], 1);
    assert_in_range(s.highest_worker, 0, 2);
}

static void parallel__no_tasks_and_more_jobs_than_tasks(void **state)
{
    (void)state;
    script s = {0};
    assert_ok(sl_parallel(0, 4, act, &s, &err));
    assert_int_equal(s.ran, 0);
    assert_ok(sl_parallel(2, 50, act, &s, &err));
    assert_int_equal(s.ran, 2);
    assert_in_range(s.highest_worker, 0, 1);
}

static void parallel__reports_the_lowest_failure_and_starts_no_more(void **state)
{
    (void)state;
    for (int jobs = 1; jobs <= 8; jobs++) {
        script s = {.status = {[3] = SL_E_NUMERIC, [4] = SL_E_FILE, [10] = SL_E_MEMORY}};
        assert_fails(sl_parallel(N, jobs, act, &s, &err), SL_E_NUMERIC, "task 3");
        if (jobs == 1) assert_int_equal(s.ran, 4);
    }
    script s = {.status = {[3] = SL_E_NUMERIC}};
    assert_int_equal(sl_parallel(N, 2, act, &s, NULL), SL_E_NUMERIC);
}

static void parallel__a_reservation_does_not_stop_the_others(void **state)
{
    (void)state;
    for (int jobs = 1; jobs <= 4; jobs++) {
        script s = {.status = {[7] = SL_DIVERGED, [5] = SL_UNDECIDED}};
        assert_fails(sl_parallel(N, jobs, act, &s, &err), SL_UNDECIDED, "task 5");
        assert_int_equal(s.ran, N);
    }
    script s = {.status = {[5] = SL_DIVERGED, [9] = SL_E_FILE}};
    assert_fails(sl_parallel(N, 1, act, &s, &err), SL_E_FILE, "task 9"); /* a failure outranks it */
}

/* Task 1 returns at once, task 0 only well after it. */
static sl_status late(void *ctx, size_t i, int worker, sl_err *err)
{
    (void)worker;
    atomic_int *second_done = ctx;
    for (int ms = 0; i == 0 && ms < 10000 && !atomic_load(second_done); ms++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    if (i == 0) nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    atomic_store(second_done, 1);
    return sl_fail(err, SL_DIVERGED, "task %zu", i);
}

static void parallel__order_in_time_decides_nothing(void **state)
{
    (void)state;
    atomic_int second_done = 0;
    assert_fails(sl_parallel(2, 2, late, &second_done, &err), SL_DIVERGED, "task 0");
}

/* Each of two tasks waits until it has seen the other, ten seconds at most. */
static sl_status meet(void *ctx, size_t i, int worker, sl_err *err)
{
    (void)i, (void)worker;
    atomic_int *here = ctx;
    atomic_fetch_add(here, 1);
    for (int ms = 0; ms < 10000; ms++) {
        if (atomic_load(here) == 2) return SL_OK;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return sl_fail(err, SL_E_NUMERIC, "alone");
}

static void parallel__tasks_run_at_the_same_time(void **state)
{
    (void)state;
    atomic_int here = 0;
    assert_ok(sl_parallel(2, 2, meet, &here, &err));
}

static void stop__is_remembered_until_cleared(void **state)
{
    (void)state;
    assert_false(sl_stop_requested());
    sl_stop_request();
    assert_true(sl_stop_requested());
    sl_stop_clear();
    assert_false(sl_stop_requested());
    assert_true(sl_cores() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parallel__result_does_not_depend_on_jobs),
        cmocka_unit_test(parallel__runs_every_task_once),
        cmocka_unit_test(parallel__no_tasks_and_more_jobs_than_tasks),
        cmocka_unit_test(parallel__reports_the_lowest_failure_and_starts_no_more),
        cmocka_unit_test(parallel__a_reservation_does_not_stop_the_others),
        cmocka_unit_test(parallel__order_in_time_decides_nothing),
        cmocka_unit_test(parallel__tasks_run_at_the_same_time),
        cmocka_unit_test(stop__is_remembered_until_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
