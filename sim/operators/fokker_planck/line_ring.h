/* sim/operators/fokker_planck/line_ring.h - the slowest modes of a ring. Private to sim/operators/. */
#ifndef SL_SIM_OPERATORS_LINE_RING_H
#define SL_SIM_OPERATORS_LINE_RING_H

#include "sim/operators/fokker_planck/line.h"

/* sl_line_modes of a chain that is closed to a ring. */
SL_CHECKED sl_status sl_line_ring_modes(double *lambda, double *phi, size_t k, const sl_cells *l, sl_err *err);
/* Extra vectors that the iteration carries along. */
enum { SL_LINE_RING_EXTRA = 8 };

#endif
