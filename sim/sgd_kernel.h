/* sim/sgd_kernel.h - g[i] += noise[i], i < B; aligned to 64 bytes and distinct. Private to sim/sgd.c. */
#ifndef SL_SIM_SGD_KERNEL_H
#define SL_SIM_SGD_KERNEL_H

#include <stddef.h>

void sl_sgd_add(size_t B, double *g, const double *noise);

#endif
