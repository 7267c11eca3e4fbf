/* nets/objective_kernel.h - loops over one sample's gradient. Private to nets/. g: [n] float, the others [n] double. */
#ifndef SL_NETS_OBJECTIVE_KERNEL_H
#define SL_NETS_OBJECTIVE_KERNEL_H

#include <stddef.h>

/* sum += g, square += g^2; returns |g|^2. */
double sl_moments_add(double *restrict sum, double *restrict square, const float *restrict g, size_t n);
double sl_dot_fd(const float *restrict g, const double *restrict x, size_t n);
/* y += c g */
void sl_axpy_fd(double *restrict y, double c, const float *restrict g, size_t n);

#endif
