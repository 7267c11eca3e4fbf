#include "sim/adam_langevin_kernel.h"

#include <math.h>

#include "base/kernel.h"

SL_KERNEL void sl_adam_langevin_squares(size_t B, double *restrict sum, const double *restrict g)
{
#pragma omp simd aligned(sum, g : 64)
    for (size_t i = 0; i < B; i++) sum[i] += g[i] * g[i];
}

SL_KERNEL void sl_adam_langevin_pace(size_t B, double *restrict zeta, double *restrict psi,
                                     const double *restrict squares, double keep, double gain, double power, double low,
                                     double high)
{
#pragma omp simd aligned(zeta, psi, squares : 64)
    for (size_t i = 0; i < B; i++) {
        /* A trajectory on its way to infinity must leave a pace, until it is dropped. */
        const double next = keep * zeta[i] + gain * squares[i], z = next < 1e150 ? next : 1e150, p = pow(z, power);
        zeta[i] = z;
        psi[i] = low + low * (high - low) / (p + low);
    }
}

SL_KERNEL void sl_adam_langevin_baoa(size_t B, double *restrict x, double *restrict v, const double *restrict g,
                                     const double *restrict noise, const double *restrict psi, double h,
                                     double friction, double temperature)
{
#pragma omp simd aligned(x, v, g, noise, psi : 64)
    for (size_t i = 0; i < B; i++) {
        const double t = h * psi[i], c = exp(-friction * t), before = v[i] - 0.5 * t * g[i];
        const double after = c * before + sqrt(temperature * (1 - c * c)) * noise[i];
        x[i] += 0.5 * t * (before + after);
        v[i] = after;
    }
}

SL_KERNEL void sl_adam_langevin_kick(size_t B, double *restrict v, const double *restrict g, const double *restrict psi,
                                     double h)
{
#pragma omp simd aligned(v, g, psi : 64)
    for (size_t i = 0; i < B; i++) v[i] -= 0.5 * h * psi[i] * g[i];
}
