/* theory/discrete.h - how the stationary law of discrete SGD departs from Boltzmann's, to first order in l.
 *
 * x' = x - l alpha (f'(x) + n), n ~ N(0, 2T/(l q)), E alpha = 1, q = E alpha^2: with A = E alpha^3 / q and
 * B = E alpha^4 / q^2 one step changes a test function by
 *   E phi(x') - phi = l (-f' phi' + T phi'') + l^2 (q f'^2 phi''/2 - T A f' phi''' + T^2 B phi''''/2) + O(l^3),
 * so the law rho = (1 + l c) exp(-f/T)/Z has T int exp(-f/T) c' phi' = int exp(-f/T) (the l^2 terms) for every phi.
 * Integrating by parts, with c3 = A - B/2,
 *   c' = (q/2 - c3) f'^3/T^2 + (3 c3 - q) f' f''/T - c3 f''', hence
 *   c = (3 c3 - q) f'^2/(2T) - c3 f'' + (q/2 - c3)/T^2 int f'^3 dx - its mean.
 * A constant rate has q = 1, c3 = 1/2: c = f'^2/(4T) - f''/2 - its mean; for alpha ~ U[0, 2] q = 4/3, c3 = 3/5.
 * Then <h> moves by l Cov(h, c), and KL(rho | Boltzmann) = l^2 Var(c) / 2 + O(l^3). Averages are Boltzmann's. */
#ifndef SL_THEORY_DISCRETE_H
#define SL_THEORY_DISCRETE_H

#include "base/status.h"
#include "theory/boltzmann.h"
#include "theory/moments.h"

typedef struct {
    double kl_per_l2; /* lim KL / l^2               */
    double f_per_l;   /* lim (<f>_l - <f>) / l      */
    double x2_per_l;  /* lim (<x^2>_l - <x^2>) / l  */
    double q, c3;     /* of alpha's law              */
    double origin;    /* where int f'^3 dx starts    */
    double shift;     /* the mean of c before it is taken off */
} sl_first_order;

/* No momentum, f confining; alpha: its law, with mean 1 (NULL: a constant rate). b: the Boltzmann law at T.
 * Errors: SL_E_NUMERIC if quadrature fails. */
SL_CHECKED sl_status sl_discrete_first_order(sl_first_order *o, const sl_boltzmann *b, sl_function f,
                                             sl_function derivative, sl_function second, void *ctx, double T,
                                             const sl_alpha_law *alpha, sl_err *err);

/* c(x): the law is (1 + l c(x)) times Boltzmann's, to first order. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_discrete_correction(double *c, const sl_first_order *o, sl_function derivative,
                                            sl_function second, void *ctx, double T, double x, sl_err *err);

#endif
