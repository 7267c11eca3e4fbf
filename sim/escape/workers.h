/* sim/escape/workers.h - the replicas of a run, one after the other from a queue, through the blocks of some workers.
 * Private to sim/escape/. */
#ifndef SL_SIM_ESCAPE_WORKERS_H
#define SL_SIM_ESCAPE_WORKERS_H

#include "sim/block.h"
#include "sim/escape/exit.h"
#include "sim/escape/paths.h"

/* What is to be done, checked, and where its results go: every replica writes into what belongs to it. */
typedef struct {
    const sl_dynamics *dynamics;
    const sl_escape *how;
    sl_exits *e;     /* time, by, x, v are filled                                                            */
    sl_paths *paths; /* NULL: none asked for                                                                 */
    uint64_t limit;
    double radius;  /* beyond it a replica is lost                                                           */
    bool far_often; /* somebody asked for it: looked at every step. Else now and then, as what runs off grows */
} sl_escape_job;

/* Errors: SL_E_MEMORY; SL_INTERRUPTED. */
SL_CHECKED sl_status sl_escape_work(const sl_escape_job *job, sl_err *err);

#endif
