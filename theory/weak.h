/* theory/weak.h - stochastic modified equations (Li, Tai and E 2015, 2017) of SGD x' = x - l (f'(x) + n), n ~ N(0, s2):
 *   order 1: dX = -f' dt + sqrt(l s2) dW
 *   order 2: dX = -(f + (l/4) f'^2)' dt + sqrt(l s2) dW       (constant s2)
 * E h(X_{k l}) agrees with E h(x_k) to O(l) and O(l^2), for k l and s2 fixed (at fixed temperature, s2 ~ 1/l, order 2
 * would need a correction of the noise as well). On f = a x^2/2 both laws are Gaussian, in closed form. */
#ifndef SL_THEORY_WEAK_H
#define SL_THEORY_WEAK_H

#include "base/status.h"

typedef struct {
    double mean, variance; /* of x */
} sl_gaussian;

/* On f = a x^2/2, started at x0: SGD after k steps, exactly; the equation of order 0 (gradient flow), 1 or 2 at time
 * t = k l, exactly. Errors: SL_E_DOMAIN for a < 0, l <= 0, s2 < 0, k < 0 or not whole, t < 0, another order;
 * SL_E_UNSTABLE where the moments have left the range of doubles (a l > 2). */
SL_CHECKED sl_status sl_weak_sgd(sl_gaussian *g, double a, double l, double s2, double x0, double k, sl_err *err);
SL_CHECKED sl_status sl_weak_equation(sl_gaussian *g, int order, double a, double l, double s2, double x0, double t,
                                      sl_err *err);

#endif
