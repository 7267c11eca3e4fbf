/* theory/sgd_rate.h - how fast discrete SGD crosses a barrier in one dimension, to first order in the learning rate.
 *
 * x' = x - l alpha (f'(x) + n), n ~ N(0, 2T/(l q)), E alpha = 1, q = E alpha^2. A step changes a test function by
 * E phi(x') - phi = l L0 phi + l^2 L1 phi + O(l^3), with (theory/discrete.h: A = E alpha^3 / q, B = E alpha^4 / q^2)
 *   L0 phi = -f' phi' + T phi'',   L1 phi = q f'^2 phi''/2 - T A f' phi''' + T^2 B phi''''/2,
 * so the mean first-passage time is (tau0 + l tau1 + O(l^2)) / l steps: L0 tau0 = -1, which is Langevin's, and
 * L0 tau1 = -L1 tau0. Here c = tau1 / tau0: the time is (1 + l c) times Langevin's at T. */
#ifndef SL_THEORY_SGD_RATE_H
#define SL_THEORY_SGD_RATE_H

#include "base/status.h"
#include "theory/boltzmann.h"
#include "theory/moments.h"

/* The limit of small T, from minimum to minimum. Laplace's method (around a minimum of curvature a and a saddle of
 * curvature -g, with the flux between them constant) gives, with c3 = A - B/2 and I = int |f'|^3 dx from one to the
 * other,
 *   c = -(q/2 - c3) I / T^2 - a (q/8 + c3/4) + g (3q/8 - c3/4) + O(T).
 * A constant rate has c = (g - a)/4. The noise of a random rate, alpha n, has tails that are not Gaussian: the barrier
 * seems lower by l (q/2 - c3) I / T (delta = 1: q/2 - c3 = 1/15), so l must be small against T^2 / I.
 * derivative: f'; minimum, saddle: two points; curvature_min = a > 0, curvature_saddle = -g < 0. alpha: its law, with
 * mean 1 (NULL: a constant rate).
 * Errors: SL_E_DOMAIN; SL_E_NUMERIC if quadrature fails. */
SL_CHECKED sl_status sl_sgd_rate_kramers(double *c, sl_function derivative, void *ctx, double minimum, double saddle,
                                         double curvature_min, double curvature_saddle, double T,
                                         const sl_alpha_law *alpha, sl_err *err);

/* The same at any T, for the passage from -> to (either way; nothing reflects), by quadrature, to 1e-8. `to` should lie
 * behind a barrier, in another well: left out is the overshoot of the step that reaches it, of a relative order sqrt(l)
 * of the time to come down from the barrier, not of that to climb it.
 * Errors: SL_E_DOMAIN; SL_E_UNSTABLE where f does not confine behind `from`; SL_E_NUMERIC where the precision was not
 * reached. */
SL_CHECKED sl_status sl_sgd_rate_correction(double *c, sl_function f, sl_function derivative, sl_function second,
                                            void *ctx, double T, double from, double to, const sl_alpha_law *alpha,
                                            sl_err *err);

#endif
