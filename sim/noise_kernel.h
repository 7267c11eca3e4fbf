/* sim/noise_kernel.h - g[i] += noise[i], i < B; aligned to 64 bytes and distinct. Private to sim/noise.c. */
#ifndef SL_SIM_NOISE_KERNEL_H
#define SL_SIM_NOISE_KERNEL_H

#include <stddef.h>

void sl_noise_add(size_t B, double *g, const double *noise);

#endif
