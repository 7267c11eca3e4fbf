#define _GNU_SOURCE
#include "base/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/parallel.h"

/* How long a worker looks for the next loop before it sleeps: some 20 microseconds, about the time between the loops
 * of a network's layers. */
enum { LOOKS = 2000 };

struct sl_team {
    int workers;
    pthread_t *threads; /* [workers - 1]                                        */
    int started;
    /* The loop under way. */
    size_t n;
    sl_team_task task;
    void *ctx;
    atomic_size_t next;
    atomic_int busy;    /* workers that have not left the loop                  */
    atomic_uint loop;   /* number of the loop; raised to start one              */
    atomic_bool over;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
};

typedef struct {
    sl_team *team;
    int worker;
} seat;

static void take_tasks(sl_team *t, int worker)
{
    for (;;) {
        const size_t i = atomic_fetch_add(&t->next, 1);
        if (i >= t->n) break;
        t->task(t->ctx, i, worker);
    }
}

static void pause_a_moment(void)
{
#if defined __x86_64__
    __builtin_ia32_pause();
#endif
}

/* Waits for a loop other than the last one seen; returns its number. */
static unsigned wait_for_loop(sl_team *t, unsigned seen)
{
    unsigned now;
    for (int i = 0; i < LOOKS; i++) {
        if ((now = atomic_load(&t->loop)) != seen) return now;
        pause_a_moment();
    }
    pthread_mutex_lock(&t->lock);
    while ((now = atomic_load(&t->loop)) == seen) pthread_cond_wait(&t->wake, &t->lock);
    pthread_mutex_unlock(&t->lock);
    return now;
}

static void *work(void *arg)
{
    seat *const s = arg;
    sl_team *const t = s->team;
    const int worker = s->worker;
    free(s);
    unsigned seen = 0;
    for (;;) {
        seen = wait_for_loop(t, seen);
        if (atomic_load(&t->over)) return NULL;
        take_tasks(t, worker);
        if (atomic_fetch_sub(&t->busy, 1) == 1) {
            pthread_mutex_lock(&t->lock);
            pthread_cond_signal(&t->done);
            pthread_mutex_unlock(&t->lock);
        }
    }
}

static void start_loop(sl_team *t)
{
    pthread_mutex_lock(&t->lock);
    atomic_fetch_add(&t->loop, 1);
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

static void wait_until_done(sl_team *t)
{
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load(&t->busy) == 0) return;
        pause_a_moment();
    }
    pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->busy) != 0) pthread_cond_wait(&t->done, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

sl_status sl_team_alloc(sl_team **t, int workers, sl_err *err)
{
    sl_team *const r = calloc(1, sizeof *r);
    if (!r) return sl_fail(err, SL_E_MEMORY, "no memory for threads");
    r->workers = workers > 0 ? workers : sl_cores();
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wake, NULL);
    pthread_cond_init(&r->done, NULL);
    r->threads = calloc((size_t)r->workers, sizeof *r->threads);
    bool good = r->threads != NULL;
    for (int i = 1; good && i < r->workers; i++) {
        seat *const s = malloc(sizeof *s);
        if (s) *s = (seat){.team = r, .worker = i};
        good = s && pthread_create(&r->threads[i - 1], NULL, work, s) == 0;
        if (good) r->started++;
        else free(s);
    }
    if (!good) {
        const int wanted = r->workers;
        sl_team_free(r);
        return sl_fail(err, SL_E_MEMORY, "%d threads cannot be made", wanted);
    }
    *t = r;
    return SL_OK;
}

void sl_team_free(sl_team *t)
{
    if (!t) return;
    atomic_store(&t->over, true);
    start_loop(t);
    for (int i = 0; i < t->started; i++) pthread_join(t->threads[i], NULL);
    pthread_cond_destroy(&t->wake);
    pthread_cond_destroy(&t->done);
    pthread_mutex_destroy(&t->lock);
    free(t->threads);
    free(t);
}

int sl_team_workers(const sl_team *t)
{
    return t ? t->workers : 1;
}

void sl_team_run(sl_team *t, size_t n, sl_team_task task, void *ctx)
{
    if (!t || t->workers == 1 || n < 2) {
        for (size_t i = 0; i < n; i++) task(ctx, i, 0);
        return;
    }
    t->n = n;
    t->task = task;
    t->ctx = ctx;
    atomic_store(&t->next, 0);
    atomic_store(&t->busy, t->workers - 1);
    start_loop(t);
    take_tasks(t, 0);
    wait_until_done(t);
}
