/* sim/escape/paths.h - the paths of some replicas, as a table. Private to sim/escape/. */
#ifndef SL_SIM_ESCAPE_PATHS_H
#define SL_SIM_ESCAPE_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"

typedef struct sl_paths sl_paths;

/* Of replicas 0 .. n - 1, states at multiples of `every`; 0: of 1, 2, 4, ... so that there are at most `most` of a
 * replica. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_paths_alloc(sl_paths **p, uint64_t n, size_t dim, uint64_t every, size_t most, sl_err *err);
void sl_paths_free(sl_paths *p);

/* Is the state at that step kept? */
bool sl_paths_wants(const sl_paths *p, uint64_t replica, uint64_t step);

/* State x[dim] of a replica at a step later than the last one added (the same step again, or an x that is not finite,
 * is left out). Different replicas may be added to at once. Errors: SL_E_MEMORY, also when all paths together are
 * longer than SL_PATHS_NUMBERS. */
enum { SL_PATHS_NUMBERS = 1 << 26 };
SL_CHECKED sl_status sl_paths_add(sl_paths *p, uint64_t replica, uint64_t step, const double *x, sl_err *err);

/* A block a replica: step, x0, x1, ... Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_paths_table(sl_table **t, const sl_paths *p, sl_err *err);

#endif
