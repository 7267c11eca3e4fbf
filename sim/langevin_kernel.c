#include "sim/langevin_kernel.h"

#include "base/kernel.h"

SL_KERNEL void sl_langevin_euler(size_t B, double *restrict x, const double *restrict g, const double *restrict noise,
                                 double h)
{
#pragma omp simd aligned(x, g, noise : 64)
    for (size_t i = 0; i < B; i++) x[i] += noise[i] - h * g[i];
}

SL_KERNEL void sl_langevin_lm(size_t B, double *restrict x, const double *restrict g, double *restrict kept,
                              const double *restrict noise, double h)
{
#pragma omp simd aligned(x, g, kept, noise : 64)
    for (size_t i = 0; i < B; i++) {
        x[i] += 0.5 * (kept[i] + noise[i]) - h * g[i];
        kept[i] = noise[i];
    }
}

SL_KERNEL void sl_langevin_baoa(size_t B, double *restrict x, double *restrict v, const double *restrict g,
                                const double *restrict noise, double h, double c)
{
    const double half = 0.5 * h;
#pragma omp simd aligned(x, v, g, noise : 64)
    for (size_t i = 0; i < B; i++) {
        const double before = v[i] - half * g[i], after = c * before + noise[i];
        x[i] += half * (before + after);
        v[i] = after;
    }
}

SL_KERNEL void sl_langevin_kick(size_t B, double *restrict v, const double *restrict g, double h)
{
    const double half = 0.5 * h;
#pragma omp simd aligned(v, g : 64)
    for (size_t i = 0; i < B; i++) v[i] -= half * g[i];
}
