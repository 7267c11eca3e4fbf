/* sim/adam_langevin_kernel.h - the loops of sim/adam_langevin.c. All arrays [B], aligned to 64 bytes, distinct. */
#ifndef SL_SIM_ADAM_LANGEVIN_KERNEL_H
#define SL_SIM_ADAM_LANGEVIN_KERNEL_H

#include <stddef.h>

/* sum += g^2 */
void sl_adam_langevin_squares(size_t B, double *sum, const double *g);
/* zeta = keep zeta + gain squares, no more than 1e150; psi = low (zeta^power + high) / (zeta^power + low) */
void sl_adam_langevin_pace(size_t B, double *zeta, double *psi, const double *squares, double keep, double gain,
                           double power, double low, double high);
/* B, A, O, A of a time step psi h; noise ~ N(0, 1). */
void sl_adam_langevin_baoa(size_t B, double *x, double *v, const double *g, const double *noise, const double *psi,
                           double h, double friction, double temperature);
/* v -= psi h g / 2 */
void sl_adam_langevin_kick(size_t B, double *v, const double *g, const double *psi, double h);

#endif
