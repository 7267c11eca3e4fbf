#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/operators/transfer/phase.h"

void sl_phase_cycle_clear(sl_phase_cycle *c)
{
    for (size_t i = 0; i < c->distinct; i++) sl_phase_step_clear(&c->step[i]);
    free(c->step);
    free(c->which);
    free(c->half_way);
    sl_phase_grid_clear(&c->grid);
}

/* The first step of a cycle that has the rate of step k. */
static size_t like(const sl_operator *op, size_t k)
{
    const double mean = sl_rate_at(op, k).mean;
    size_t j = 0;
    while (j < k && fabs(sl_rate_at(op, j).mean - mean) > 1e-13 * mean) j++;
    return j;
}

size_t sl_phase_cycle_distinct(const sl_operator *op, uint64_t period)
{
    size_t distinct = 0;
    for (size_t k = 0; k < period; k++) distinct += like(op, k) == k;
    return distinct;
}

static sl_status add_step(sl_phase_cycle *c, size_t k, sl_err *err)
{
    const sl_rate_law law = sl_rate_at(c->grid.op, k);
    const size_t j = like(c->grid.op, k);
    if (j < k) {
        c->which[k] = c->which[j];
        return SL_OK;
    }
    SL_TRY(sl_phase_step_init(&c->step[c->distinct], &c->grid, &law, err));
    c->which[k] = c->distinct++;
    return SL_OK;
}

sl_status sl_phase_cycle_init(sl_phase_cycle *c, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    *c = (sl_phase_cycle){0};
    sl_rate_law widest;
    uint64_t period = 1;
    SL_TRY(sl_phase_widest_rate(&widest, op, q, err));
    if (q->task == SL_TASK_STATIONARY) SL_TRY(sl_rate_period(&period, op, q, err));
    SL_TRY(sl_phase_grid_init(&c->grid, op, n, sl_phase_farthest(op, &widest), err));
    c->period = period;
    c->step = calloc(period, sizeof *c->step);
    c->which = calloc(period, sizeof *c->which);
    c->half_way = malloc(c->grid.nx * c->grid.nv * sizeof(double));
    if (!c->step || !c->which || !c->half_way)
        return sl_fail(err, SL_E_MEMORY, "no memory for a cycle of %zu steps", c->period);
    for (size_t k = 0; k < period; k++) SL_TRY(add_step(c, k, err));
    return SL_OK;
}

sl_status sl_phase_cycle_apply(void *ctx, const double *from, double *to, sl_err *err)
{
    (void)err;
    sl_phase_cycle *c = ctx;
    sl_phase_step_apply(to, &c->step[c->which[0]], from);
    for (size_t k = 1; k < c->period; k++) {
        memcpy(c->half_way, to, c->grid.nx * c->grid.nv * sizeof *to);
        sl_phase_step_apply(to, &c->step[c->which[k]], c->half_way);
    }
    return SL_OK;
}
