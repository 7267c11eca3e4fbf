/* sim/langevin_kernel.h - one step of Langevin dynamics on B replicas of one coordinate. Private to sim/langevin.c.
 * Arrays are [B], aligned to 64 bytes and distinct. Noise comes scaled: Gaussian with the deviation stated. */
#ifndef SL_SIM_LANGEVIN_KERNEL_H
#define SL_SIM_LANGEVIN_KERNEL_H

#include <stddef.h>

/* x' = x - h g + n,  n of variance 2 T h */
void sl_langevin_euler(size_t B, double *x, const double *g, const double *noise, double h);

/* x' = x - h g + (kept + noise) / 2, kept' = noise,  both of variance 2 T h */
void sl_langevin_lm(size_t B, double *x, const double *g, double *kept, const double *noise, double h);

/* B, A, O, A: v += -h g/2; x += h v/2; v = c v + n; x += h v/2,  n of variance T (1 - c^2), c = exp(-gamma h) */
void sl_langevin_baoa(size_t B, double *x, double *v, const double *g, const double *noise, double h, double c);

/* B: v -= h g/2 */
void sl_langevin_kick(size_t B, double *v, const double *g, double h);

#endif
