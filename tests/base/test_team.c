/* A team of threads. Compiled alone with -fsanitize=thread (base/team.c, base/parallel.c, base/status.c beside it),
 * this is also the test for races. */
#define _GNU_SOURCE
#include "tests/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

#include "base/parallel.h"
#include "base/team.h"

enum { MOST = 1000, MOST_WORKERS = 8 };

/* What a loop's tasks leave behind. Not atomic: each is written by one task alone, and read when the loop is over. */
typedef struct {
    unsigned times[MOST];
    int by[MOST];
    double value[MOST];
    int workers;
    atomic_int bad;
} record;

static void note(void *ctx, size_t i, int worker)
{
    record *const r = ctx;
    r->times[i]++;
    r->by[i] = worker;
    r->value[i] = sin((double)i);
    if (worker < 0 || worker >= r->workers) atomic_fetch_add(&r->bad, 1);
}

static void run__every_task_once(void **state)
{
    (void)state;
    for (int workers = 1; workers <= MOST_WORKERS; workers++) {
        sl_team *t;
        assert_ok(sl_team_alloc(&t, workers, &err));
        assert_int_equal(sl_team_workers(t), workers);
        for (size_t n = 0; n <= MOST; n = n < 20 ? n + 1 : 5 * n) {
            record *const r = calloc(1, sizeof *r);
            r->workers = workers;
            sl_team_run(t, n, note, r);
            for (size_t i = 0; i < MOST; i++) assert_int_equal(r->times[i], i < n);
            assert_int_equal(r->bad, 0);
            free(r);
        }
        sl_team_free(t);
    }
}

/* Thousands of loops, too short for all workers to come in time: nobody may take a task of a loop that is over, nor
 * with the context of one before. Sizes change from loop to loop, as those of layers do. */
typedef struct {
    unsigned loop;
    size_t n;
    unsigned done[64];
    atomic_int bad;
} short_loop;

static void short_task(void *ctx, size_t i, int worker)
{
    (void)worker;
    short_loop *const s = ctx;
    if (i >= s->n)
        atomic_fetch_add(&s->bad, 1);
    else
        s->done[i] = s->loop;
}

static void run__short_loops(void **state)
{
    (void)state;
    const int sizes[] = {2, 3, 8};
    for (size_t k = 0; k < 3; k++) {
        sl_team *t;
        assert_ok(sl_team_alloc(&t, sizes[k], &err));
        short_loop two[2] = {{0}}; /* by turns: a late task would write to the other */
        for (unsigned loop = 1; loop <= (k < 2 ? 5000 : 1000); loop++) {
            short_loop *const s = &two[loop % 2];
            s->loop = loop;
            s->n = 1 + loop * 7 % 64;
            sl_team_run(t, s->n, short_task, s);
            for (size_t i = 0; i < s->n; i++) assert_int_equal(s->done[i], loop);
            s->n = 0;
        }
        assert_int_equal(two[0].bad + two[1].bad, 0);
        sl_team_free(t);
    }
}

/* Pauses long enough for the workers to fall asleep, and sleeping tasks, at which the caller does. */
static void nap(void *ctx, size_t i, int worker)
{
    (void)worker;
    const struct timespec t = {.tv_nsec = i % 2 ? 2000000 : 10000};
    nanosleep(&t, NULL);
    ((unsigned *)ctx)[i]++;
}

static void run__after_sleep(void **state)
{
    (void)state;
    sl_team *t;
    assert_ok(sl_team_alloc(&t, 3, &err));
    unsigned times[6] = {0};
    for (unsigned loop = 1; loop <= 20; loop++) {
        const struct timespec pause = {.tv_nsec = loop % 3 * 3000000};
        nanosleep(&pause, NULL);
        sl_team_run(t, 6, nap, times);
        for (size_t i = 0; i < 6; i++) assert_int_equal(times[i], loop);
    }
    sl_team_free(t);
}

/* Two tasks that wait for each other: they are done at the same time, by two workers. */
typedef struct {
    atomic_int here;
    int worker[2];
    bool met[2];
} meeting;

static void meet(void *ctx, size_t i, int worker)
{
    meeting *const m = ctx;
    m->worker[i] = worker;
    atomic_fetch_add(&m->here, 1);
    for (int k = 0; k < 20000 && !m->met[i]; k++) { /* 2 s at most */
        m->met[i] = atomic_load(&m->here) == 2;
        const struct timespec t = {.tv_nsec = 100000};
        if (!m->met[i]) nanosleep(&t, NULL);
    }
}

static void run__is_parallel(void **state)
{
    (void)state;
    sl_team *t;
    assert_ok(sl_team_alloc(&t, 2, &err));
    meeting m = {0};
    sl_team_run(t, 2, meet, &m);
    assert_true(m.met[0] && m.met[1]);
    assert_int_equal(m.worker[0] + m.worker[1], 1);
    sl_team_free(t);
}

/* Worker 0 is the calling thread; nobody else is there without a team. */
static void remember_thread(void *ctx, size_t i, int worker)
{
    (void)i;
    if (worker == 0) *(pthread_t *)ctx = pthread_self();
}

static void run__without_a_team(void **state)
{
    (void)state;
    assert_int_equal(sl_team_workers(NULL), 1);
    record *const r = calloc(1, sizeof *r);
    r->workers = 1;
    sl_team_run(NULL, MOST, note, r);
    for (size_t i = 0; i < MOST; i++) assert_true(r->times[i] == 1 && r->by[i] == 0);
    sl_team_run(NULL, 0, note, NULL);
    free(r);
    sl_team *t;
    assert_ok(sl_team_alloc(&t, 4, &err));
    pthread_t who = pthread_self();
    for (int k = 0; k < 100; k++) sl_team_run(t, 40, remember_thread, &who);
    assert_true(pthread_equal(who, pthread_self()));
    sl_team_free(t);
}

static void run__results_do_not_depend_on_workers(void **state)
{
    (void)state;
    record *const alone = calloc(1, sizeof *alone), *const shared = calloc(1, sizeof *shared);
    alone->workers = 1;
    sl_team_run(NULL, MOST, note, alone);
    for (int workers = 1; workers <= MOST_WORKERS; workers++) {
        sl_team *t;
        assert_ok(sl_team_alloc(&t, workers, &err));
        shared->workers = workers;
        sl_team_run(t, MOST, note, shared);
        assert_memory_equal(shared->value, alone->value, sizeof alone->value);
        sl_team_free(t);
    }
    free(alone);
    free(shared);
}

/* Never used, just used, idle for long; no team at all. Nothing may hang (the runner would) or leak. */
static void free__at_any_time(void **state)
{
    (void)state;
    unsigned times[6] = {0};
    for (int k = 0; k < 60; k++) {
        sl_team *t;
        assert_ok(sl_team_alloc(&t, 1 + k % MOST_WORKERS, &err));
        const struct timespec pause = {.tv_nsec = k % 4 == 3 ? 5000000 : 0};
        if (k % 3 == 1) sl_team_run(t, 2, nap, times);
        if (k % 3 != 2) nanosleep(&pause, NULL);
        sl_team_free(t);
    }
    sl_team_free(NULL);
}

/* Two teams of two callers do not disturb each other. */
static void *loops_of_its_own(void *arg)
{
    sl_team *t = NULL;
    short_loop s = {0};
    atomic_int *const failed = arg;
    if (sl_team_alloc(&t, 3, NULL) != SL_OK) return NULL;
    for (s.loop = 1; s.loop <= 1000; s.loop++) {
        s.n = 1 + s.loop % 64;
        sl_team_run(t, s.n, short_task, &s);
        for (size_t i = 0; i < s.n; i++)
            if (s.done[i] != s.loop) atomic_fetch_add(failed, 1);
    }
    sl_team_free(t);
    return NULL;
}

static void run__several_teams(void **state)
{
    (void)state;
    pthread_t other;
    atomic_int failed = 0;
    assert_int_equal(pthread_create(&other, NULL, loops_of_its_own, &failed), 0);
    loops_of_its_own(&failed);
    pthread_join(other, NULL);
    assert_int_equal(failed, 0);
}

static void alloc__all_cores(void **state)
{
    (void)state;
    sl_team *t;
    assert_ok(sl_team_alloc(&t, 0, &err));
    assert_int_equal(sl_team_workers(t), sl_cores());
    sl_team_free(t);
    assert_ok(sl_team_alloc(&t, -3, &err));
    assert_int_equal(sl_team_workers(t), sl_cores());
    sl_team_free(t);
}

/* With no address space for stacks: those threads that could be made (the library keeps some stacks) are ended again.
 */
static void alloc__more_threads_than_memory(void **state)
{
    (void)state;
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ /* they need address space themselves */
    sl_team *t = NULL;
    struct rlimit old, none;
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    none = old;
    none.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    sl_err err = {0};
    const sl_status st = sl_team_alloc(&t, 64, &err);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_int_equal(st, SL_E_MEMORY);
    assert_non_null(strstr(err.message, "64 threads"));
    assert_null(t);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run__every_task_once),
        cmocka_unit_test(run__short_loops),
        cmocka_unit_test(run__after_sleep),
        cmocka_unit_test(run__is_parallel),
        cmocka_unit_test(run__without_a_team),
        cmocka_unit_test(run__results_do_not_depend_on_workers),
        cmocka_unit_test(free__at_any_time),
        cmocka_unit_test(run__several_teams),
        cmocka_unit_test(alloc__all_cores),
        cmocka_unit_test(alloc__more_threads_than_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
