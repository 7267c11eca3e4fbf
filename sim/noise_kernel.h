/* sim/noise_kernel.h - hot loops of gradient noise. Arrays of B a multiple of 8, aligned to 64 bytes, distinct. */
#ifndef SL_SIM_NOISE_KERNEL_H
#define SL_SIM_NOISE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* g += n */
void sl_noise_add(size_t B, double *g, const double *noise);

/* g *= r */
void sl_noise_multiply(size_t B, double *g, const double *r);

/* g *= c */
void sl_noise_times(size_t B, double *g, double c);

/* g += c n */
void sl_noise_add_times(size_t B, double *g, double c, const double *noise);

/* f += c r^2 */
void sl_noise_add_square_times(size_t B, double *f, double c, const double *r);

/* f += n (x - origin) */
void sl_noise_add_work(size_t B, double *f, const double *noise, const double *x, double origin);

/* g += n, f += n (x - origin) */
void sl_noise_add_and_work(size_t B, double *g, double *f, const double *noise, const double *x, double origin);

/* g += r n */
void sl_noise_add_product(size_t B, double *g, const double *r, const double *noise);

/* sum += z^2 */
void sl_noise_add_square(size_t B, double *sum, const double *z);

/* sum = c / sqrt(sum), finite where the sum is 0 */
void sl_noise_over_root(size_t B, double *sum, double c);

/* g += half (2 u - 1) */
void sl_noise_add_even(size_t B, double *g, const double *u, double half);

/* g += -s or s, as u is below or above 1/2 */
void sl_noise_add_signs(size_t B, double *g, const double *u, double s);

/* index = floor(N u) */
void sl_noise_indices(size_t B, uint32_t *index, const double *u, double N);

/* g += sigma X, X ~ symmetric alpha-stable by Chambers, Mallows and Stuck, E cos(t X) = exp(-|t|^alpha), 0 < alpha < 2,
 * from two uniforms */
void sl_noise_add_stable(size_t B, double *g, double alpha, double sigma, const double *u, const double *w);

/* u = sqrt(A), A > 0 with E exp(-y A) = exp(-y^gamma) by Kanter, 0 < gamma < 1, from two uniforms */
void sl_noise_positive_stable_root(size_t B, double gamma, double *u, const double *w);

/* g += sqrt(c |h|) z */
void sl_noise_add_root(size_t B, double *g, double c, const double *h, const double *z);

/* (g0, g1) += c |H|^(1/2) (z0, z1) for the symmetric matrices H = ((xx, xy), (xy, yy)) */
void sl_noise_add_root_2(size_t B, double *g0, double *g1, double c, const double *xx, const double *xy,
                         const double *yy, const double *z0, const double *z1);

#endif
