/* theory/exit_kernel.h - the hot loop of theory/exit_mesh.c. Private. */
#ifndef SL_THEORY_EXIT_KERNEL_H
#define SL_THEORY_EXIT_KERNEL_H

#include <stddef.h>

/* entry[i] += scale weight[i] exp(-((node[i] - c) / sigma)^2 / 2), i < n. */
void sl_exit_add_gaussian(double *restrict entry, const double *restrict node, const double *restrict weight, size_t n,
                          double c, double sigma, double scale);

#endif
