/* sim/escape/region.h - which lanes of a block have left a region. Private to sim/escape/.
 *
 * A lane is suspect if it is in one of the sets, if one of its coordinates is beyond radius (INFINITY: not looked at),
 * or if a set cannot tell because something is not a number. The sums are those of sl_region_which, term by term, so
 * that both say the same of every point. */
#ifndef SL_SIM_ESCAPE_REGION_H
#define SL_SIM_ESCAPE_REGION_H

#include "sim/escape/exit.h"

enum { SL_REGION_GROUP = 64 };

/* Bit i of suspect[j]: lane 64 j + i. Returns whether there is any. x: [dim][B], B a multiple of 64; scratch: [B]. */
bool sl_region_suspects(uint64_t *suspect, const sl_region *region, size_t dim, double radius, size_t B,
                        const double *x, double *scratch);

/* Errors: SL_E_DOMAIN, naming the set and what is wrong with it. */
SL_CHECKED sl_status sl_region_check(const sl_region *region, size_t dim, sl_err *err);

#endif
