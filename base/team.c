#define _GNU_SOURCE
#include "base/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/parallel.h"

/* How long a worker looks for the next loop before it sleeps: some 20 microseconds, about the time between the loops
 * of a network's layers. */
enum { LOOKS = 2000 };

/* The gate: number of the loop, whether it is closed, and how many workers are inside. They come in while it is open;
 * the caller closes it when no task is left to hand out, and waits for those inside alone. So a worker that has not
 * woken up (another program has its core) holds nothing up: it finds the gate closed, or the next loop open. What a
 * loop works on is written only while the gate is closed and nobody is inside, and read only from inside. */
static const uint64_t LOOP = (uint64_t)1 << 32, CLOSED = (uint64_t)1 << 31, INSIDE = ((uint64_t)1 << 31) - 1;

struct sl_team {
    int workers;
    pthread_t *threads; /* [workers - 1]                                        */
    int started;
    /* The loop under way. */
    size_t n;
    sl_team_task task;
    void *ctx;
    atomic_size_t next;
    _Atomic uint64_t gate;
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

/* Waits for a loop other than the last one seen. */
static void wait_for_loop(sl_team *t, uint64_t seen)
{
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load(&t->gate) / LOOP != seen) return;
        pause_a_moment();
    }
    pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->gate) / LOOP == seen) pthread_cond_wait(&t->wake, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

/* Goes in, if the gate is open. seen: the number of the loop that was found. */
static bool enter(sl_team *t, uint64_t *seen)
{
    uint64_t gate = atomic_load(&t->gate);
    do {
        *seen = gate / LOOP;
        if (gate & CLOSED) return false;
    } while (!atomic_compare_exchange_weak(&t->gate, &gate, gate + 1));
    return true;
}

/* The last one out of a closed gate wakes the caller. */
static void leave(sl_team *t)
{
    const uint64_t gate = atomic_fetch_sub(&t->gate, 1) - 1;
    if (!(gate & CLOSED) || (gate & INSIDE)) return;
    pthread_mutex_lock(&t->lock);
    pthread_cond_signal(&t->done);
    pthread_mutex_unlock(&t->lock);
}

static void *work(void *arg)
{
    seat *const s = arg;
    sl_team *const t = s->team;
    const int worker = s->worker;
    free(s);
    for (uint64_t seen = 0;;) {
        wait_for_loop(t, seen);
        if (atomic_load(&t->over)) return NULL;
        if (!enter(t, &seen)) continue;
        take_tasks(t, worker);
        leave(t);
    }
}

/* The next loop, open; nobody is inside. */
static void open_gate(sl_team *t)
{
    const uint64_t next = (atomic_load(&t->gate) / LOOP + 1) * LOOP;
    pthread_mutex_lock(&t->lock);
    atomic_store(&t->gate, next);
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

static void close_gate(sl_team *t)
{
    if (!(atomic_fetch_or(&t->gate, CLOSED) & INSIDE)) return;
    for (int i = 0; i < LOOKS; i++) {
        if (!(atomic_load(&t->gate) & INSIDE)) return;
        pause_a_moment();
    }
    pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->gate) & INSIDE) pthread_cond_wait(&t->done, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

sl_status sl_team_alloc(sl_team **t, int workers, sl_err *err)
{
    sl_team *const r = calloc(1, sizeof *r);
    if (!r) return sl_fail(err, SL_E_MEMORY, "no memory for threads");
    r->workers = workers > 0 ? workers : sl_cores();
    atomic_init(&r->gate, CLOSED);
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
    open_gate(t);
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
    open_gate(t);
    take_tasks(t, 0);
    close_gate(t);
}
