/* theory/kramers.h - rates of escape over a barrier, from curvatures and heights alone.
 *
 * Overdamped dx = -grad f dt + sqrt(2T) dW; underdamped dx = v dt, dv = -g v dt - grad f dt + sqrt(2 g T) dW (unit
 * mass). A rate k counts passages from one well to the other: 1/k is the mean time from minimum to minimum, and in a symmetric double well
 * the slowest eigenvalue of the generator is -2k. Hanggi, Talkner and Borkovec 1990 (Rev. Mod. Phys. 62, 251). */
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

/* 1-D with the next order in T: k = k_EK (1 - T (c_min + c_saddle)) with the anharmonic terms of the wells' third and
 * fourth derivatives (d[0..2] = f'', f''', f'''' at minimum and saddle); 1/k_EK (1 + T (...)) for the time. */
SL_CHECKED sl_status sl_time_kramers_corrected(double *tau, const double minimum[3], const double saddle[3],
                                               double height, double T, sl_err *err);

/* Kramers, spatial diffusion, any friction g > 0, any dimension (Langer): lambda_- replaced by the positive root of
 * z^2 + g z = |lambda_-|. In the limit of large g it is Eyring-Kramers / g. */
SL_CHECKED sl_status sl_rate_kramers(double *k, const sl_barrier *b, double T, double g, sl_err *err);

/* Low friction (energy diffusion): k = g (I_b / T) (omega_min / 2 pi) exp(-height/T), with I_b the action int p dx of the orbit
 * at the barrier's energy inside the well, I_b = 2 int sqrt(2 (f_b - f)) dx between the turning point and the barrier.
 * f: the 1-D loss, [left, right] an interval that holds the well's orbit, one end the barrier. */
SL_CHECKED sl_status sl_action_barrier(double *I, sl_function f, void *ctx, double minimum, double barrier,
                                       sl_err *err);
SL_CHECKED sl_status sl_rate_low_friction(double *k, double action, double curvature_min, double height, double T,
                                          double g, sl_err *err);

/* Turnover (Melnikov and Meshkov 1986): k = k_Kramers x depopulation factor Y(delta), delta = g I_b / T the energy lost
 * in a round trip in units of T: Y(delta) = exp[(1/2pi) int log(1 - exp(-delta (1/4 + y^2))) dy / (1/4 + y^2)] for escape from a single well; a
 * double well with losses d1, d2: Y(d1) Y(d2) / Y(d1 + d2). Symmetric well: Y(d)^2/Y(2d). */
double sl_depopulation(double delta);
SL_CHECKED sl_status sl_rate_turnover(double *k, const sl_barrier *b, double T, double g, double action_from,
                                      double action_to, sl_err *err);

#endif
