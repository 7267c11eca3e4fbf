#include "sim/noise_kernel.h"

#include <float.h>
#include <math.h>

#include "base/kernel.h"

SL_KERNEL void sl_noise_add(size_t B, double *restrict g, const double *restrict noise)
{
#pragma omp simd aligned(g, noise : 64)
    for (size_t i = 0; i < B; i++) g[i] += noise[i];
}

SL_KERNEL void sl_noise_multiply(size_t B, double *restrict g, const double *restrict r)
{
#pragma omp simd aligned(g, r : 64)
    for (size_t i = 0; i < B; i++) g[i] *= r[i];
}

SL_KERNEL void sl_noise_times(size_t B, double *restrict g, double c)
{
#pragma omp simd aligned(g : 64)
    for (size_t i = 0; i < B; i++) g[i] *= c;
}

SL_KERNEL void sl_noise_add_times(size_t B, double *restrict g, double c, const double *restrict noise)
{
#pragma omp simd aligned(g, noise : 64)
    for (size_t i = 0; i < B; i++) g[i] += c * noise[i];
}

SL_KERNEL void sl_noise_add_square_times(size_t B, double *restrict f, double c, const double *restrict r)
{
#pragma omp simd aligned(f, r : 64)
    for (size_t i = 0; i < B; i++) f[i] += c * r[i] * r[i];
}

SL_KERNEL void sl_noise_add_work(size_t B, double *restrict f, const double *restrict noise, const double *restrict x,
                                 double origin)
{
#pragma omp simd aligned(f, noise, x : 64)
    for (size_t i = 0; i < B; i++) f[i] += noise[i] * (x[i] - origin);
}

SL_KERNEL void sl_noise_add_and_work(size_t B, double *restrict g, double *restrict f, const double *restrict noise,
                                     const double *restrict x, double origin)
{
#pragma omp simd aligned(g, f, noise, x : 64)
    for (size_t i = 0; i < B; i++) {
        g[i] += noise[i];
        f[i] += noise[i] * (x[i] - origin);
    }
}

SL_KERNEL void sl_noise_add_product(size_t B, double *restrict g, const double *restrict r,
                                    const double *restrict noise)
{
#pragma omp simd aligned(g, r, noise : 64)
    for (size_t i = 0; i < B; i++) g[i] += r[i] * noise[i];
}

SL_KERNEL void sl_noise_add_square(size_t B, double *restrict sum, const double *restrict z)
{
#pragma omp simd aligned(sum, z : 64)
    for (size_t i = 0; i < B; i++) sum[i] += z[i] * z[i];
}

SL_KERNEL void sl_noise_over_root(size_t B, double *restrict sum, double c)
{
#pragma omp simd aligned(sum : 64)
    for (size_t i = 0; i < B; i++) sum[i] = c / sqrt(sum[i] > DBL_MIN ? sum[i] : DBL_MIN);
}

SL_KERNEL void sl_noise_add_even(size_t B, double *restrict g, const double *restrict u, double half)
{
#pragma omp simd aligned(g, u : 64)
    for (size_t i = 0; i < B; i++) g[i] += half * (2 * u[i] - 1);
}

SL_KERNEL void sl_noise_add_signs(size_t B, double *restrict g, const double *restrict u, double s)
{
#pragma omp simd aligned(g, u : 64)
    for (size_t i = 0; i < B; i++) g[i] += u[i] < 0.5 ? -s : s;
}

SL_KERNEL void sl_noise_indices(size_t B, uint32_t *restrict index, const double *restrict u, double N)
{
#pragma omp simd aligned(index, u : 64)
    for (size_t i = 0; i < B; i++) index[i] = (uint32_t)(u[i] * N);
}

/* X = sin(alpha U) / cos(U)^(1/alpha) (cos((1-alpha) U) / W)^((1-alpha)/alpha), U = pi (u - 1/2), W = -log w, with the
 * powers as one exponential: one exp for two pow, and no 0 times infinity where alpha is small. cos U is taken as sine
 * of the distance from the end, which a uniform near 0 or 1 gives exactly. */
SL_KERNEL void sl_noise_add_stable(size_t B, double *restrict g, double alpha, double sigma, const double *restrict u,
                                   const double *restrict w)
{
    const double inverse = 1 / alpha, power = (1 - alpha) / alpha;
#pragma omp simd aligned(g, u, w : 64)
    for (size_t i = 0; i < B; i++) {
        const double side = u[i] - 0.5, end = 0.5 - fabs(side), U = M_PI * side;
        const double powers = power * log(cos((1 - alpha) * U) / -log(w[i])) - inverse * log(sin(M_PI * end));
        g[i] += sigma * sin(alpha * U) * exp(powers);
    }
}

/* A = sin(gamma U) / sin(U)^(1/gamma) (sin((1-gamma) U) / W)^((1-gamma)/gamma), U = pi u, W = -log w. */
SL_KERNEL void sl_noise_positive_stable_root(size_t B, double gamma, double *restrict u, const double *restrict w)
{
    const double inverse = 1 / gamma, power = (1 - gamma) / gamma;
#pragma omp simd aligned(u, w : 64)
    for (size_t i = 0; i < B; i++) {
        const double U = M_PI * u[i], end = 0.5 - fabs(u[i] - 0.5);
        u[i] = exp(0.5 * (log(sin(gamma * U)) - inverse * log(sin(M_PI * end)) +
                          power * log(sin((1 - gamma) * U) / -log(w[i]))));
    }
}

SL_KERNEL void sl_noise_add_root(size_t B, double *restrict g, double c, const double *restrict h,
                                 const double *restrict z)
{
#pragma omp simd
    for (size_t i = 0; i < B; i++) g[i] += sqrt(c * fabs(h[i])) * z[i];
}

/* With eigenvalues m +- r: |H|^(1/2) = p + q (H - m) / r, p and q half the sum and half the difference of the roots of
 * |m + r| and |m - r|. Where r = 0, H = m and the second term is 0. */
SL_KERNEL void sl_noise_add_root_2(size_t B, double *restrict g0, double *restrict g1, double c,
                                   const double *restrict xx, const double *restrict xy, const double *restrict yy,
                                   const double *restrict z0, const double *restrict z1)
{
#pragma omp simd
    for (size_t i = 0; i < B; i++) {
        const double m = 0.5 * (xx[i] + yy[i]), k = 0.5 * (xx[i] - yy[i]), r = sqrt(k * k + xy[i] * xy[i]);
        const double high = sqrt(fabs(m + r)), low = sqrt(fabs(m - r));
        const double p = 0.5 * c * (high + low), q = 0.5 * c * (high - low) / (r > DBL_MIN ? r : DBL_MIN);
        g0[i] += (p + q * k) * z0[i] + q * xy[i] * z1[i];
        g1[i] += q * xy[i] * z0[i] + (p - q * k) * z1[i];
    }
}
