/* sim/observe_kernel.h - the loops that sample a block of replicas. Private to sim/observer.c and tests.
 * All arrays are [B], aligned to 64 bytes, and distinct; += throughout unless it says otherwise. */
#ifndef SL_SIM_OBSERVE_KERNEL_H
#define SL_SIM_OBSERVE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* sums[6][B] += x, x^2, x^4, x v, v^2, x g; g2 += g^2. */
void sl_observe_moments(size_t B, const double *x, const double *v, const double *g, double *sums, double *g2);
/* The same without a velocity: rows 3 and 4 are left alone. */
void sl_observe_positions(size_t B, const double *x, const double *g, double *sums, double *g2);
/* The same, each lane with its weight w[B]; v NULL: without a velocity. */
void sl_observe_weighted(size_t B, const double *w, const double *x, const double *v, const double *g, double *sums,
                         double *g2);
/* sum += w y */
void sl_observe_add_weighted(size_t B, const double *w, const double *y, double *sum);
/* sum += y */
void sl_observe_add(size_t B, const double *y, double *sum);
/* sum += scale y^2 */
void sl_observe_add_squares(size_t B, const double *y, double scale, double *sum);

/* bin[i] = the histogram bin of x[i]: floor((x - lo) scale) with scale = bins / (hi - lo); bins if outside. With a
 * period > 0, x is first moved into [lo, lo + period). x is finite. */
void sl_observe_bins(size_t B, const double *x, double lo, double scale, double period, int32_t bins, int32_t *bin);

#endif
