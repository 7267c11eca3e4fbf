/* sim/escape/region.h - which lanes of a block have left a region. Private to sim/escape/.
 *
 * A lane is suspect if it is in one of the sets, if one of its coordinates is beyond radius, or if it is not a number;
 * all the others are neither. radius INFINITY: not looked at where a set tells it already. The sums are those of
 * sl_region_which, term by term, so that both say the same of every point. */
#ifndef SL_SIM_ESCAPE_REGION_H
#define SL_SIM_ESCAPE_REGION_H

#include "sim/escape/exit.h"

enum { SL_REGION_GROUP = 64, SL_REGION_LANES = 64 * SL_REGION_GROUP };

/* Bit j: group j of 64 lanes has a suspect. x: [dim][B], B a multiple of 64, at most SL_REGION_LANES. */
uint64_t sl_region_groups(const sl_region *region, size_t dim, double radius, size_t B, const double *x);

/* suspect[i] != 0: lane i of that group is suspect; i < 64. */
void sl_region_suspects(uint8_t *suspect, const sl_region *region, size_t dim, double radius, size_t B,
                        const double *x, size_t group);

/* The tests of a run cost least with the radius given here: INFINITY where no test of it is needed, because a set
 * catches whatever is beyond it. default_radius: nobody asked for one. */
double sl_region_radius(const sl_region *region, double radius, bool default_radius);

/* Errors: SL_E_DOMAIN, naming the set and what is wrong with it. */
SL_CHECKED sl_status sl_region_check(const sl_region *region, size_t dim, sl_err *err);

#endif
