#include "theory/exit_kernel.h"

#include <math.h>

#include "base/kernel.h"

SL_KERNEL void sl_exit_add_gaussian(double *restrict entry, const double *restrict node, const double *restrict weight,
                                    size_t n, double c, double sigma, double scale)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const double x = (node[i] - c) / sigma;
        entry[i] += scale * weight[i] * exp(-x * x / 2);
    }
}
