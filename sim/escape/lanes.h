/* sim/escape/lanes.h - a block whose replicas come and go. Private to sim/escape/.
 *
 * A lane is alive (it holds a replica that is still inside) or idle: parked at the start, simulated and ignored, until
 * another replica takes it. Lanes change only when the clock k is a multiple of 4, as the random streams ask
 * (sim/escape/scatter.h). A replica's age is k - since. */
#ifndef SL_SIM_ESCAPE_LANES_H
#define SL_SIM_ESCAPE_LANES_H

#include "sim/escape/exit.h"
#include "sim/escape/scatter.h"

typedef struct {
    const sl_dynamics *dynamics;
    size_t dim, capacity; /* capacity: a multiple of 64                                          */
    sl_block block;       /* B lanes of them are simulated                                       */
    sl_scatter scatter;   /* its lanes: replica, since                                           */
    uint64_t k;           /* the clock                                                           */
    size_t alive;
    bool *living;   /* [capacity]                                                          */
    size_t *idle;   /* [capacity] the B - alive lanes that are not alive                   */
    double *park;   /* [2][dim]: x and gradient of idle lanes                              */
    sl_block young; /* where new replicas are set up                                       */
    sl_scatter young_scatter;
    double *memory;
} sl_lanes;

/* park[dim]: where idle lanes stay, not to be in a set. Errors: SL_E_MEMORY, with nothing to clear. */
SL_CHECKED sl_status sl_lanes_init(sl_lanes *l, const sl_dynamics *dynamics, size_t capacity, const double *park,
                                   sl_err *err);
void sl_lanes_clear(sl_lanes *l);

/* All lanes idle, the clock at 0. */
void sl_lanes_empty(sl_lanes *l);

/* Replicas first .. first + n - 1, n <= B - alive, take idle lanes at age 0, at ensemble.start (spread), or at
 * x[r * dim + d], v of replica r if x is given. lanes[n]: which. */
void sl_lanes_fill(sl_lanes *l, uint64_t first, size_t n, const double *x, const double *v, size_t *lanes);

void sl_lanes_step(sl_lanes *l);
void sl_lanes_retire(sl_lanes *l, size_t lane); /* it becomes idle  */
void sl_lanes_park(sl_lanes *l, size_t lane);   /* an idle one goes back to where idle lanes stay */
void sl_lanes_close_ranks(sl_lanes *l);         /* as few lanes as those alive need, in groups of 64 */

static inline uint64_t sl_lanes_age(const sl_lanes *l, size_t lane)
{
    return l->k - l->scatter.since[lane];
}

/* x[dim] (or v) of a lane. */
static inline void sl_lanes_state(const sl_lanes *l, const double *array, size_t lane, double *out)
{
    for (size_t d = 0; d < l->dim; d++) out[d] = array[d * l->block.B + lane];
}

#endif
