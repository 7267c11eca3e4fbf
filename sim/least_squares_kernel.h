/* sim/least_squares_kernel.h - the loops of sim/least_squares.c. All arrays [B], aligned to 64 bytes, distinct. */
#ifndef SL_SIM_LEAST_SQUARES_KERNEL_H
#define SL_SIM_LEAST_SQUARES_KERNEL_H

#include <stddef.h>

/* sum += a b */
void sl_least_squares_add_product(size_t B, double *sum, const double *a, const double *b);
/* total += share eta; eta -= scale g; g = 0 */
void sl_least_squares_step(size_t B, double *eta, double *total, double *g, double share, double scale);
/* f += weight y^2 */
void sl_least_squares_add_square(size_t B, double *f, const double *y, double weight);

#endif
