/* sim/operators/transfer/legendre_kernel.h - sums of Legendre polynomials over points, the work of
 * sim/operators/transfer/sgd_line_step.c. */
#ifndef SL_SIM_OPERATORS_LEGENDRE_KERNEL_H
#define SL_SIM_OPERATORS_LEGENDRE_KERNEL_H

#include <stddef.h>

enum { SL_LEGENDRE_LANES = 32 };

/* sum[p] += sum_q c[q] P_p(t[q]), p < n, by P_(p+1) = up[p] t P_p - down[p] P_(p-1), up = (2p+1)/(p+1), down = p/(p+1).
 * count: a multiple of SL_LEGENDRE_LANES (fill up with c = 0). |t| <= 1. */
void sl_legendre_sums(double *sum, size_t n, const double *up, const double *down, const double *t, const double *c,
                      size_t count);

#endif
