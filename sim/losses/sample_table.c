/* The measurements of finite-sum losses: made once, kept until the program ends. */
#include <pthread.h>
#include <stdlib.h>

#include "base/random.h"
#include "sim/losses/losses.h"

typedef struct table {
    struct table *next;
    size_t m, n;
    uint64_t seed;
    double a[];
} table;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static table *tables;

static table *make(size_t m, size_t n, uint64_t seed)
{
    if (n > 0 && m > (SIZE_MAX - sizeof(table)) / sizeof(double) / n) return NULL;
    table *t = malloc(sizeof *t + m * n * sizeof *t->a);
    if (!t) return NULL;
    t->m = m;
    t->n = n;
    t->seed = seed;
    for (size_t j = 0; j < m; j++) {
        const sl_draw draw = {.seed = seed, .step = j, .purpose = SL_PURPOSE_SAMPLES};
        sl_random_normals(t->a + j * n, n, 0, 1, &draw);
    }
    return t;
}

sl_status sl_sample_table(const double **out, size_t m, size_t n, uint64_t seed, sl_err *err)
{
    pthread_mutex_lock(&lock);
    table *t = tables;
    while (t && !(t->m == m && t->n == n && t->seed == seed)) t = t->next;
    if (!t && (t = make(m, n, seed))) {
        t->next = tables;
        tables = t;
    }
    pthread_mutex_unlock(&lock);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for %zu samples of %zu numbers", m, n);
    *out = t->a;
    return SL_OK;
}

__attribute__((destructor)) static void forget(void)
{
    while (tables) {
        table *next = tables->next;
        free(tables);
        tables = next;
    }
}
