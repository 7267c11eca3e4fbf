#include "sim/escape/exit.h"

#include <stdlib.h>

sl_status sl_sgd_escape(sl_exits *e, const sl_sgd *sgd, const sl_escape *how, sl_err *err)
{
    (void)e, (void)sgd, (void)how;
    return sl_fail(err, SL_E_UNAVAILABLE, "not built yet");
}

sl_status sl_overdamped_escape(sl_exits *e, const sl_langevin *l, const sl_escape *how, sl_err *err)
{
    (void)e, (void)l, (void)how;
    return sl_fail(err, SL_E_UNAVAILABLE, "not built yet");
}

sl_status sl_underdamped_escape(sl_exits *e, const sl_langevin *l, const sl_escape *how, sl_err *err)
{
    (void)e, (void)l, (void)how;
    return sl_fail(err, SL_E_UNAVAILABLE, "not built yet");
}

void sl_exits_clear(sl_exits *e)
{
    free(e->time), free(e->by), free(e->x), free(e->v);
    sl_table_free(e->paths);
    *e = (sl_exits){0};
}

unsigned sl_region_which(const sl_region *region, size_t dim, const double *x)
{
    for (size_t s = 0; s < region->n; s++) {
        const sl_set *set = &region->set[s];
        double square = 0, dot = 0;
        for (size_t d = 0; d < dim; d++) {
            const double u = x[d] - set->point[d];
            square += u * u, dot += x[d] * set->point[d];
        }
        const double limit = set->level * set->level;
        if (set->kind == SL_SET_BEYOND ? square > limit : set->kind == SL_SET_WITHIN ? square < limit : dot >= set->level)
            return (unsigned)s;
    }
    return SL_EXIT_CENSORED;
}

void sl_region_ball(sl_region *region, const double *centre, size_t dim, double radius)
{
    *region = (sl_region){.n = 1, .set[0] = {.kind = SL_SET_BEYOND, .level = radius}};
    for (size_t d = 0; d < dim; d++) region->set[0].point[d] = centre[d];
}
