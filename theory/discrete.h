/* theory/discrete.h - how the stationary law of discrete SGD departs from Boltzmann's, to first order in l.
 *
 * x' = x - l (f'(x) + n), n ~ N(0, 2T/l): one step changes a test function by
 *   E phi(x') - phi = l (-f' phi' + T phi'') + l^2 (f'^2 phi''/2 - T f' phi''' + T^2 phi''''/2) + O(l^3),
 * so the law rho = (1 + l c) exp(-f/T)/Z has T int exp(-f/T) c' phi' = int exp(-f/T) (the l^2 terms) for every phi.
 * Integrating by parts, c' = (f''/2T) f' - f'''/2, hence
 *   c = f'^2/(4T) - f''/2 - <f'^2/(4T) - f''/2>.
 * Then <h> moves by l Cov(h, c), and KL(rho | Boltzmann) = l^2 Var(c) / 2 + O(l^3). Averages are Boltzmann's. */
#ifndef SL_THEORY_DISCRETE_H
#define SL_THEORY_DISCRETE_H

#include "base/status.h"
#include "theory/boltzmann.h"

typedef struct {
    double kl_per_l2; /* lim KL / l^2               */
    double f_per_l;   /* lim (<f>_l - <f>) / l      */
    double x2_per_l;  /* lim (<x^2>_l - <x^2>) / l  */
    double shift;     /* <f'^2/(4T) - f''/2>        */
} sl_first_order;

/* Constant rate, no momentum, f confining. b: the Boltzmann law at T. Errors: SL_E_NUMERIC if quadrature fails. */
SL_CHECKED sl_status sl_discrete_first_order(sl_first_order *o, const sl_boltzmann *b, sl_function f,
                                             sl_function derivative, sl_function second, void *ctx, double T,
                                             sl_err *err);

/* c(x): the law is (1 + l c(x)) times Boltzmann's, to first order. */
double sl_discrete_correction(const sl_first_order *o, sl_function derivative, sl_function second, void *ctx, double T,
                              double x);

#endif
