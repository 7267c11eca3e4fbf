/* The samples of finite-sum losses: made once, kept until the program ends. */
#include <pthread.h>
#include <stdlib.h>

#include "sim/losses/losses.h"

typedef struct table {
    struct table *next;
    sl_spec spec;
    double a[];
} table;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static table *tables;

static bool same(const sl_spec *a, const sl_spec *b)
{
    if (a->entry != b->entry) return false;
    for (size_t k = 0; k < a->entry->n_params; k++) {
        if (a->value[k].n != b->value[k].n) return false;
        for (size_t i = 0; i < a->value[k].n; i++)
            if (a->value[k].v[i] != b->value[k].v[i]) return false;
    }
    return true;
}

static sl_status add(const sl_loss *loss, size_t count, sl_table_make make, sl_err *err)
{
    table *t = count > (SIZE_MAX - sizeof *t) / sizeof *t->a ? NULL : malloc(sizeof *t + count * sizeof *t->a);
    if (!t)
        return sl_fail(err, SL_E_MEMORY, "loss '%s': no memory for %zu numbers", loss->kind->entry.name, count);
    t->spec = loss->spec;
    const sl_status st = make(t->a, loss, err);
    if (st != SL_OK) {
        free(t);
        return st;
    }
    t->next = tables;
    tables = t;
    return SL_OK;
}

/* Tables are made under the lock: who wants the same one waits for it. */
sl_status sl_sample_table(const double **out, const sl_loss *loss, size_t count, sl_table_make make, sl_err *err)
{
    sl_status st = SL_OK;
    pthread_mutex_lock(&lock);
    const table *t = tables;
    while (t && !same(&t->spec, &loss->spec)) t = t->next;
    if (!t) {
        st = add(loss, count, make, err);
        t = tables;
    }
    if (st == SL_OK) *out = t->a;
    pthread_mutex_unlock(&lock);
    return st;
}

__attribute__((destructor)) static void forget(void)
{
    while (tables) {
        table *next = tables->next;
        free(tables);
        tables = next;
    }
}
