/* base/team.h - threads that stay together for many short loops, as the layers of a network are.
 *
 * sl_parallel (base/parallel.h) makes threads for tasks that take seconds; a team's threads wait for work instead, so
 * that a loop of 50 microseconds is worth sharing. Task i writes only what belongs to i, so results do not depend on
 * how many workers there are; sums over tasks are the caller's, in order of i. */
#ifndef SL_BASE_TEAM_H
#define SL_BASE_TEAM_H

#include <stddef.h>

#include "base/status.h"

typedef struct sl_team sl_team;

/* workers, the calling thread among them; <= 0: all cores. Errors: SL_E_MEMORY (no thread could be made). */
SL_CHECKED sl_status sl_team_alloc(sl_team **t, int workers, sl_err *err);
void sl_team_free(sl_team *t);

int sl_team_workers(const sl_team *t); /* NULL: 1 */

/* One task; worker is 0 .. workers - 1 and may index scratch memory. */
typedef void (*sl_team_task)(void *ctx, size_t i, int worker);

/* task(ctx, i, ...) for all i < n, handed out in order; returns when all are done. t NULL: the calling thread does
 * them. Not from two threads at once, and not from within a task. */
void sl_team_run(sl_team *t, size_t n, sl_team_task task, void *ctx);

#endif
