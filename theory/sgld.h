/* theory/sgld.h - what SGLD of constant step samples instead of exp(-f/T).
 *
 * x' = x - h (f' + n) + s xi in one dimension, n of variance s2; s^2 = 2 T h (plain) or 2 T h - h^2 s2 (corrected): see
 * sim/samplers.h. The chain is Euler-Maruyama at the temperature T_h = T + h s2/2, or T_h = T if corrected. To first
 * order in h Euler-Maruyama has the law of the modified equation (Shardlow 2006; Zygalakis 2011) of drift
 * b - h (b b' + T b'')/2, b = -f', and diffusion T (1 - h b'), whose stationary density is
 *   exp(-(f + h (T f''/2 - f'^2/4)) / T)  up to a factor;   hence, with averages over exp(-f/T),
 *   <A>_h = <A> + h Cov(A, f'^2/(4 T) - f''/2 + f s2/(2 T^2)) + O(h^2),  the last term for the plain sampler only. */
#ifndef SL_THEORY_SGLD_H
#define SL_THEORY_SGLD_H

#include <stdbool.h>

#include "theory/boltzmann.h"

typedef struct {
    double T;       /* > 0                                 */
    double h;       /* > 0                                 */
    double s2;      /* variance of the gradient noise, >= 0 */
    bool corrected; /* needs h s2 <= 2 T                   */
} sl_sgld_params;

/* T_h. Errors: SL_E_DOMAIN. */
SL_CHECKED sl_status sl_sgld_temperature(double *T, const sl_sgld_params *p, sl_err *err);

/* Stationary <x^2> on f = a x^2/2, exactly: T_h / (a (1 - a h/2)). Errors: SL_E_DOMAIN; SL_E_UNSTABLE if a h >= 2. */
SL_CHECKED sl_status sl_sgld_x2(double *x2, double a, const sl_sgld_params *p, sl_err *err);

/* The slope d<A>_h/dh at h = 0 and <A> itself, by quadrature; p->h is not used, f confines on the real line. Errors:
 * those of sl_boltzmann_solve and sl_boltzmann_average. */
SL_CHECKED sl_status sl_sgld_bias(double *slope, double *average, sl_function f, sl_function derivative,
                                  sl_function second, void *ctx, sl_function A, void *A_ctx, const sl_sgld_params *p,
                                  sl_err *err);

#endif
