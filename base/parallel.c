#define _GNU_SOURCE
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int stop_requested;

void sl_stop_request(void)
{
    atomic_store(&stop_requested, 1);
}

int sl_stop_requested(void)
{
    return atomic_load_explicit(&stop_requested, memory_order_relaxed);
}

void sl_stop_clear(void)
{
    atomic_store(&stop_requested, 0);
}

int sl_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

typedef struct {
    size_t n;
    sl_task task;
    void *ctx;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock; /* guards the three below */
    size_t worst_index;
    sl_status worst;
    sl_err err;
} job;

typedef struct {
    job *j;
    int worker;
} seat;

/* A negative status outranks a positive one; among equals the lowest index wins. */
static void record(job *j, size_t i, sl_status st, const sl_err *err)
{
    pthread_mutex_lock(&j->lock);
    const bool graver = j->worst == SL_OK || (st < 0 && j->worst > 0);
    const bool as_grave = (st < 0) == (j->worst < 0);
    if (graver || (as_grave && i < j->worst_index)) {
        j->worst = st;
        j->worst_index = i;
        j->err = *err;
    }
    pthread_mutex_unlock(&j->lock);
}

static void *work(void *arg)
{
    const seat *s = arg;
    job *j = s->j;
    while (!atomic_load(&j->failed)) {
        const size_t i = atomic_fetch_add(&j->next, 1);
        if (i >= j->n) break;
        sl_err err = {0};
        const sl_status st = j->task(j->ctx, i, s->worker, &err);
        if (st != SL_OK) record(j, i, st, &err);
        if (st < 0) atomic_store(&j->failed, true);
    }
    return NULL;
}

sl_status sl_parallel(size_t n, int jobs, sl_task task, void *ctx, sl_err *err)
{
    if (n == 0) return SL_OK;
    size_t workers = jobs > 0 ? (size_t)jobs : (size_t)sl_cores();
    if (workers > n) workers = n;

    job j = {.n = n, .task = task, .ctx = ctx, .worst = SL_OK};
    pthread_mutex_init(&j.lock, NULL);
    pthread_t *threads = calloc(workers, sizeof *threads);
    seat *seats = calloc(workers, sizeof *seats);
    if (!threads || !seats) {
        free(threads);
        free(seats);
        pthread_mutex_destroy(&j.lock);
        return sl_fail(err, SL_E_MEMORY, "no memory for %zu threads", workers);
    }
    /* Worker 0 is the calling thread; a thread that cannot be made only means fewer hands. Signals go to the caller. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    size_t made = 0;
    for (size_t w = 1; w < workers; w++) {
        seats[w] = (seat){&j, (int)w};
        if (pthread_create(&threads[w], NULL, work, &seats[w]) != 0) break;
        made = w;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    seats[0] = (seat){&j, 0};
    work(&seats[0]);
    for (size_t w = 1; w <= made; w++) pthread_join(threads[w], NULL);

    free(threads);
    free(seats);
    pthread_mutex_destroy(&j.lock);
    if (j.worst != SL_OK && err) *err = j.err;
    return j.worst;
}
