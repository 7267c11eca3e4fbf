/* base/parallel.h - independent tasks on several cores, with results that do not depend on how many.
 *
 * Task i may write only into what belongs to i. Sums over tasks are taken by the caller, in order of i. */
#ifndef SL_BASE_PARALLEL_H
#define SL_BASE_PARALLEL_H

#include <stddef.h>

#include "base/status.h"

/* Number of cores that this process may use, at least 1. */
int sl_cores(void);

/* One task. worker is 0..jobs-1 and may index scratch memory; results must not depend on it. */
typedef sl_status (*sl_task)(void *ctx, size_t i, int worker, sl_err *err);

/* Runs task(ctx, i, ...) for i < n on min(jobs, n) threads (jobs <= 0: all cores), the tasks handed out in order.
 * Returns the status and message of the failing task of lowest index; after a negative status no new task is
 * started (so with several failures the lowest index that ran decides). Positive statuses do not stop the others. */
SL_CHECKED sl_status sl_parallel(size_t n, int jobs, sl_task task, void *ctx, sl_err *err);

/* A wish to stop (SIGINT, SIGTERM): set by cli/, polled by long loops between units of work, which then return
 * SL_INTERRUPTED with everything saved. Async-signal-safe. */
void sl_stop_request(void);
int sl_stop_requested(void);
void sl_stop_clear(void);

#endif
