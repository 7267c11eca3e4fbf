/* theory/plrs.h - what Devapriya et al. 2024 prove of the probabilistic learning rate (PLRS), as numbers.
 *
 * x' = x - eta g(x), eta ~ U[lo, hi], g = grad f + noise of power E|noise|^2 = sigma2; eta_c = (lo + hi)/2,
 * E eta^2 = eta_c^2 + (hi - lo)^2/12. Constant rates: lo = hi. beta: Lipschitz constant of grad f. */
#ifndef SL_THEORY_PLRS_H
#define SL_THEORY_PLRS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct {
    double lo, hi; /* 0 <= lo <= hi, hi > 0 */
} sl_plrs;

double sl_plrs_centre(const sl_plrs *p); /* eta_c                          */
double sl_plrs_square(const sl_plrs *p); /* E eta^2                        */
double sl_plrs_delta(const sl_plrs *p);  /* eta = eta_c alpha, alpha ~ U[1-delta, 1+delta] */

/* Lemma 1: E|w|^2 of w = x - eta_c grad f(x) - x' (mean 0): eta_c^2 sigma2 + (hi - lo)^2/12 (grad2 + sigma2), with
 * grad2 = |grad f|^2. NAN for negative or infinite input. */
double sl_plrs_noise_power(const sl_plrs *p, double grad2, double sigma2);

/* Theorem 1. For hi < 1/beta and grad2 >= threshold = 3 eta_c beta sigma2, from E f(x') - f(x) <= -eta_c grad2
 * + (beta/2) E eta^2 (grad2 + sigma2) = bound and E eta^2 <= 4/3 eta_c^2:
 *   E f(x') - f(x) <= guarantee = -(1/3) eta_c^2 beta sigma2 <= -hi^2 beta sigma2 / 12, the theorem's -Omega(hi^2). */
typedef struct {
    double threshold; /* of grad2                                    */
    bool holds;       /* both conditions                             */
    double bound;     /* of the change, at this grad2; any rates     */
    double guarantee; /* of the change, at any grad2 >= threshold    */
} sl_plrs_descent;
SL_CHECKED sl_status sl_plrs_descend(sl_plrs_descent *d, const sl_plrs *p, double beta, double grad2, double sigma2,
                                     sl_err *err);

/* f = sum_i a_i x_i^2 / 2, noise of variance s2 in each coordinate: E f(x_T) - f(x_0) after T steps, exactly:
 * sum a_i/2 (m_i^T - 1) (x_i^2 + E eta^2 s2 / (m_i - 1)), m_i = 1 - 2 eta_c a_i + E eta^2 a_i^2. x: x_0, NULL: the
 * stationary point. T = 1: the exact descent of Theorem 1. Errors: SL_E_DOMAIN; SL_E_UNSTABLE beyond doubles. */
SL_CHECKED sl_status sl_plrs_change(double *df, const sl_plrs *p, const double *a, const double *x, size_t dim,
                                    double s2, double T, sl_err *err);

/* Theorem 2: the proof's T, the smallest with sum_{t<T} (1 + eta_c gamma)^{2t} >= d / (eta_c^{1/4} gamma), a strict
 * saddle of curvature -gamma in d dimensions; *real (may be NULL): the T, not whole, of equality. About
 * d eta_c^{-1/4} / gamma for small eta_c. Errors: SL_E_DOMAIN. */
SL_CHECKED sl_status sl_plrs_steps(double *T, double *real, const sl_plrs *p, double gamma, double d, sl_err *err);

/* Theorem 3: x stays within radius for horizon steps with probability 1 - xi, if |x_0| <= start:
 * start = k sqrt(hi), radius = k sqrt(hi log(1/(hi xi))), horizon = hi^-2 log(1/xi); the paper's O() hides k.
 * Errors: SL_E_DOMAIN unless 0 < xi < 1 and hi xi < 1. */
typedef struct {
    double start, radius, horizon;
} sl_plrs_tube;
SL_CHECKED sl_status sl_plrs_stay(sl_plrs_tube *tube, const sl_plrs *p, double xi, double k, sl_err *err);

/* On f = a |x|^2/2 in dim dimensions, with noise of variance s2 in each, a bound on P(|x_t| > radius for some
 * t <= steps) from |x_0| <= start: given the rates x_t is Gaussian with |mean| <= start and variances
 * <= V = hi s2 / (a (2 - a hi)), so it is at most steps P(chi^2_dim > (radius - start)^2 / V), whatever the rates
 * within [lo, hi]. *left <= 1. The exact probability is sl_exit_probability of theory/exit.h with gamma = -a. Errors:
 * SL_E_DOMAIN, also for a hi >= 2 or radius <= start. */
SL_CHECKED sl_status sl_plrs_leave_bound(double *left, const sl_plrs *p, double a, double s2, size_t dim, double start,
                                         double radius, double steps, sl_err *err);

#endif
