/* sim/samplers.h - samplers of exp(-f/T) that grew out of optimisers, run as the ensembles of sim/ensemble.h.
 *
 * SGLD (Welling and Teh 2011), at constant step h:  x' = x - h (grad f + n) + s xi,  n the gradient noise of a
 * mini-batch, of variance s2 = noise_variance per coordinate. plain: s^2 = 2 T h, and what n adds is not accounted for:
 * to leading order the law is Boltzmann's at T + h s2/2. corrected: s^2 = 2 T h - h^2 s2, so that both noises together
 * have the variance 2 T h; s2 is taken as known. To first order in h this is the modified SGLD of Vollmer, Zygalakis
 * and Teh 2016; Ahn, Korattikara and Welling 2012 count the gradient's noise in as well.
 * Either has a bias of order 1 in h: theory/sgld.h.
 *
 * The sampler inspired by Adam of Leimkuhler, Lohmann and Whalley (2025, arXiv 2504.18911, "SamAdams"): underdamped
 * Langevin dynamics in a time tau of its own, dt = psi(zeta) dtau, whose pace zeta, a moving average of squared
 * gradients, sets:
 *   dx = psi v dtau,   dv = -psi (grad f + friction v) dtau + sqrt(2 friction T psi) dW (Ito),
 *   dzeta = (|grad f|^2 / scale - decay zeta) dtau,   psi = low (zeta^power + high) / (zeta^power + low),
 * so psi falls from high at zeta = 0 to low. All coordinates share zeta; decay plays the part of Adam's 1 - beta_2.
 * Why it samples the right law. With L the generator of Langevin dynamics, that in tau is psi L + a d/dzeta,
 * a = |grad f|^2/scale - decay zeta; psi does not depend on what L* acts on, so the stationary density p(x, v, zeta)
 * obeys the Fokker-Planck equation L*(psi p) = d(a p)/dzeta. There is no flux through zeta = 0 and none at infinity:
 * integrated over zeta it says L* q = 0 with q(x, v) = int psi p dzeta. So q is exp(-(f + v^2/2)/T) up to a factor, and
 *   <A> = <psi A>_tau / <psi>_tau:
 * averages with the weight psi, which is time as t counts it. They need no correction of the drift. (Without the
 * weights a drift T grad psi would be needed, which a psi that remembers does not have.) That zeta is common to all
 * coordinates is necessary for the argument: with one for each, the weight would not come out of L*.
 * Equations, psi (their m, M, r are low, high, power), weights and scheme are the paper's, which has |grad f|^s with
 * another power as well; the argument above and the defaults below are ours.
 * Scheme ZBAOABZ: half a step of zeta at the present gradient, BAOAB with the time step psi h, half a step of zeta at
 * the new one; one gradient a step, of weak order 2 in h. */
#ifndef SL_SIM_SAMPLERS_H
#define SL_SIM_SAMPLERS_H

#include "sim/ensemble.h"

typedef struct {
    sl_ensemble ensemble;
    sl_loss loss;
    double temperature;    /* T >= 0                                                                              */
    double h;              /* > 0                                                                                 */
    double noise_variance; /* s2 >= 0                                                                             */
    sl_noise noise;        /* zeroed: Gaussian                                                                    */
    bool corrected;        /* needs h s2 <= 2 T, and a noise whose covariance is s2 times the unit matrix         */
} sl_sgld;

/* As sl_overdamped_run. Errors: also SL_E_CONFIG for a correction of a noise of another covariance. */
SL_CHECKED sl_status sl_sgld_run(sl_observed *o, const sl_sgld *s, sl_err *err);

/* Zeroed settings mean the defaults given. */
typedef struct {
    sl_ensemble ensemble;
    sl_loss loss;
    double temperature; /* T >= 0                                               */
    double h;           /* step of tau, > 0; a time step is psi h               */
    double friction;    /* > 0                                                  */
    double decay;       /* > 0; 0: 1                                            */
    double scale;       /* > 0; 0: 1                                            */
    double power;       /* > 0; 0: 1/2, so that psi ~ 1/|grad f| where it falls */
    double low, high;   /* 0 < low <= high; 0: 0.1 and 2                        */
} sl_adam_langevin;

/* As sl_underdamped_run; all averages, those of the time series too, are weighted with psi. Errors: also SL_E_CONFIG
 * for a histogram, which does not know weights. */
SL_CHECKED sl_status sl_adam_langevin_run(sl_observed *o, const sl_adam_langevin *s, sl_err *err);

#endif
