#include "sim/escape/paths.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/loss.h"

typedef struct {
    double *row; /* [rows][1 + dim] */
    size_t rows, room;
    uint64_t every; /* steps of its rows */
} path;

struct sl_paths {
    size_t dim, most; /* most: rows of a path; 0: any number */
    uint64_t n;
    path *path; /* [n] */
    _Atomic uint64_t numbers;
};

sl_status sl_paths_alloc(sl_paths **out, uint64_t n, size_t dim, uint64_t every, size_t most, sl_err *err)
{
    sl_paths *const p = calloc(1, sizeof *p);
    path *const each = n <= SL_PATHS_NUMBERS ? calloc(n, sizeof *each) : NULL;
    if (!p || !each) {
        free(p), free(each);
        return sl_fail(err, SL_E_MEMORY, "no memory for %llu paths", (unsigned long long)n);
    }
    p->dim = dim, p->n = n, p->path = each, p->most = every > 0 ? 0 : most;
    for (uint64_t r = 0; r < n; r++) each[r].every = every > 0 ? every : 1;
    *out = p;
    return SL_OK;
}

void sl_paths_free(sl_paths *p)
{
    if (!p) return;
    for (uint64_t r = 0; r < p->n; r++) free(p->path[r].row);
    free(p->path);
    free(p);
}

bool sl_paths_wants(const sl_paths *p, uint64_t replica, uint64_t step)
{
    return step % p->path[replica].every == 0;
}

/* Every second row stays. */
static void thin(sl_paths *p, path *t)
{
    const size_t columns = 1 + p->dim, before = t->rows;
    size_t kept = 0;
    t->every *= 2;
    for (size_t i = 0; i < t->rows; i++)
        if ((uint64_t)t->row[i * columns] % t->every == 0)
            memmove(t->row + kept++ * columns, t->row + i * columns, columns * sizeof *t->row);
    t->rows = kept;
    atomic_fetch_sub(&p->numbers, (before - kept) * columns);
}

sl_status sl_paths_add(sl_paths *p, uint64_t replica, uint64_t step, const double *x, sl_err *err)
{
    path *const t = &p->path[replica];
    const size_t columns = 1 + p->dim;
    if (t->rows > 0 && t->row[(t->rows - 1) * columns] == (double)step) return SL_OK;
    for (size_t d = 0; d < p->dim; d++)
        if (!isfinite(x[d])) return SL_OK;
    if (t->rows == p->most && p->most > 0) thin(p, t);
    if (atomic_fetch_add(&p->numbers, columns) > SL_PATHS_NUMBERS)
        return sl_fail(err, SL_E_MEMORY, "the paths have more than %d numbers: follow fewer replicas, or less often",
                       SL_PATHS_NUMBERS);
    if (t->rows == t->room) {
        const size_t room = t->room > 0 ? 2 * t->room : 64;
        double *const more = realloc(t->row, room * columns * sizeof *more);
        if (!more) return sl_fail(err, SL_E_MEMORY, "no memory for a path of %zu states", room);
        t->row = more, t->room = room;
    }
    double *const row = t->row + t->rows++ * columns;
    row[0] = (double)step;
    memcpy(row + 1, x, p->dim * sizeof *x);
    return SL_OK;
}

static sl_table *empty_table(size_t dim)
{
    char name[1 + SL_LOSS_MAX_DIM][40] = {"step[1]"};
    const char *column[1 + SL_LOSS_MAX_DIM] = {name[0]};
    for (size_t d = 0; d < dim; d++) {
        snprintf(name[1 + d], sizeof name[1 + d], "x%zu[1]", d);
        column[1 + d] = name[1 + d];
    }
    return sl_table_alloc(1 + dim, column);
}

sl_status sl_paths_table(sl_table **out, const sl_paths *p, sl_err *err)
{
    sl_table *const t = empty_table(p->dim);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table of paths");
    sl_status st = SL_OK;
    for (uint64_t r = 0; r < p->n && st == SL_OK; r++) {
        char title[32];
        snprintf(title, sizeof title, "replica %llu", (unsigned long long)r);
        st = sl_table_block(t, title, err);
        for (size_t i = 0; i < p->path[r].rows && st == SL_OK; i++)
            st = sl_table_add(t, p->path[r].row + i * (1 + p->dim), err);
    }
    if (st == SL_OK)
        *out = t;
    else
        sl_table_free(t);
    return st;
}
