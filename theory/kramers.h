/* theory/kramers.h - rates of escape over a barrier, from curvatures and heights alone.
 *
 * Overdamped dx = -grad f dt + sqrt(2T) dW; underdamped dx = v dt, dv = -g v dt - grad f dt + sqrt(2 g T) dW (unit
 * mass). A rate k counts passages from one well to the other: 1/k is the mean time from minimum to minimum (a path that
 * has come to the saddle goes on in half of the cases, so minimum to saddle takes half of it in one dimension), and in
 * a symmetric double well the slowest eigenvalue of the generator is -2k. All hold for height >> T.
 * Hanggi, Talkner and Borkovec 1990 (Rev. Mod. Phys. 62, 251).
 *
 * A rate below the range of doubles (height > 700 T) comes out as 0. */
#ifndef SL_THEORY_KRAMERS_H
#define SL_THEORY_KRAMERS_H

#include <stddef.h>

#include "base/status.h"
#include "theory/boltzmann.h"

/* A barrier in dim dimensions: eigenvalues of the Hessians at the minimum and at the saddle (one negative), f there. */
typedef struct {
    size_t dim;
    const double *minimum, *saddle; /* [dim] eigenvalues                 */
    double height;                  /* f(saddle) - f(minimum) > 0        */
} sl_barrier;

/* Eyring-Kramers (overdamped): k = |lambda_-|/(2 pi) sqrt(det H_min / |det H_saddle|) exp(-height/T). Any dimension.
 * Errors: SL_E_DOMAIN: T <= 0, height <= 0, a minimum or saddle that is not one. */
SL_CHECKED sl_status sl_rate_eyring_kramers(double *k, const sl_barrier *b, double T, sl_err *err);

/* The mean time from minimum to minimum in one dimension with the next order in T: (1 + T (c_min + c_saddle)) / k_EK.
 * minimum, saddle: f'', f''', f'''' there. Laplace's method: int exp(-f/T) = sqrt(2 pi T/f'') exp(-f/T) (1 + T c),
 * c = 5 f'''^2 / (24 f''^3) - f''''/(8 f''^2), and the same with -f for int exp(f/T) over the saddle.
 * Errors: SL_E_DOMAIN as above; SL_E_NUMERIC where the correction turns the time negative (T is too high for it) or the
 * time is beyond the range of doubles. */
SL_CHECKED sl_status sl_time_kramers_corrected(double *tau, const double minimum[3], const double saddle[3],
                                               double height, double T, sl_err *err);

/* Kramers, spatial diffusion, any friction g > 0, any dimension (Langer): |lambda_-| replaced by the positive root z of
 * z^2 + g z = |lambda_-|. In the limit of large g it is Eyring-Kramers / g, in that of small g transition-state theory.
 * Errors: SL_E_DOMAIN, also for g <= 0. */
SL_CHECKED sl_status sl_rate_kramers(double *k, const sl_barrier *b, double T, double g, sl_err *err);

/* The action of the orbit in a well at the energy of its barrier, I_b = 2 int sqrt(2 (f(barrier) - f)) dx from the
 * barrier to the turning point on the other side of the minimum, to 1e-10. A second barrier of the same height there
 * (periodic losses) is a turning point too. f: the 1-D loss; minimum, barrier: two points.
 * Errors: SL_E_DOMAIN if f(barrier) is not above f(minimum) and all between; SL_E_UNSTABLE if there is no turning point
 * within 1e9 |barrier - minimum|; SL_E_NUMERIC if the quadrature did not reach its precision. */
SL_CHECKED sl_status sl_action_barrier(double *I_b, sl_function f, void *ctx, double minimum, double barrier,
                                       sl_err *err);

/* Low friction (energy diffusion), escape from a single well for g I_b << T:
 * k = (g I_b / T) (omega_min / 2 pi) exp(-height/T), with omega_min^2 the curvature. Errors: SL_E_DOMAIN. */
SL_CHECKED sl_status sl_rate_low_friction(double *k, double action, double curvature_min, double height, double T,
                                          double g, sl_err *err);

/* Depopulation factor of a well that loses delta (in units of T) in a round trip at the barrier's energy:
 * Y(delta) = exp[(1/2 pi) int log(1 - exp(-delta (1/4 + y^2))) dy / (1/4 + y^2)]  [Melnikov and Meshkov 1986],
 * delta (1 + zeta(1/2) sqrt(delta/pi) + ...) for small delta, 1 for large. NAN for delta < 0. To 1e-14. */
double sl_depopulation(double delta);

/* Turnover, one dimension, any friction: k = k_Kramers Y(d1) Y(d2) / Y(d1 + d2), d = g I_b / T in the well of departure
 * and in that of arrival. action_to = INFINITY: nothing comes back (a single well), k = k_Kramers Y(d1).
 * Errors: SL_E_DOMAIN, also for dim != 1. */
SL_CHECKED sl_status sl_rate_turnover(double *k, const sl_barrier *b, double T, double g, double action_from,
                                      double action_to, sl_err *err);

#endif
