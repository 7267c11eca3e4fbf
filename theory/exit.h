/* theory/exit.h - first exits of linear SGD from a ball, exactly: escape from a quadratic saddle, and how long a
 * quadratic minimum holds.
 *
 * y' = y + l alpha (gamma y - n), n ~ N(0, s2) in each of `index` directions, alpha ~ U[1-delta, 1+delta];
 * tau = min{t: |y_t| > R} from |y_0| < R; gamma < 0: a minimum of curvature -gamma. u_t(r) = P(tau > t | |y_0| = r)
 * obeys u_{t+1}(r) = E u_t(|y'|), u_0 = 1 on [0, R]. u is represented by its values at Gauss-Legendre nodes of panels,
 * narrow near R where it falls within a step's length; each expectation is an integral of the interpolant over |y'|
 * (a non-central chi density), panel by panel, and over alpha on panels graded towards 0, since for delta = 1 the
 * density is as narrow as alpha: so no kernel is ever sampled more coarsely than its width. Errors are the change from
 * a coarser set of panels and lower degree. */
#ifndef SL_THEORY_EXIT_H
#define SL_THEORY_EXIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "theory/saddle.h"

typedef struct sl_exit_law sl_exit_law;

/* mu must be 0; gamma of any sign, or 0. Errors: SL_E_DOMAIN; SL_E_CONFIG where it takes more than 4096 panels (l
 * sqrt(s2) / R too small); SL_E_MEMORY. */
SL_CHECKED sl_status sl_exit_law_new(sl_exit_law **law, const sl_saddle *s, sl_err *err);
void sl_exit_law_free(sl_exit_law *law);

typedef struct {
    double value;
    double error; /* an estimate, absolute, >= 0 */
} sl_approximation;

/* E tau from |y_0| = start, in steps. Errors: SL_E_DOMAIN unless 0 <= start < R; SL_E_NUMERIC where it is beyond 1e12
 * (of a deep minimum), which doubles cannot resolve. */
SL_CHECKED sl_status sl_exit_mean(sl_approximation *mean, const sl_exit_law *law, double start, sl_err *err);

/* survival[t] = P(tau > t), t = 0 .. n-1 (NULL: not wanted), and left[t] = P(tau <= t), not by subtraction, so that
 * small ones have all their digits. *error: the largest of survival. */
SL_CHECKED sl_status sl_exit_survival(double *survival, double *left, double *error, size_t n, const sl_exit_law *law,
                                      double start, sl_err *err);

/* P(tau <= t) for a t of any size: steps are iterated until the law has become geometric (to 1e-13), then continued.
 * Errors: SL_E_DOMAIN; SL_E_NUMERIC where that takes more than 2e7 steps; SL_INTERRUPTED if sl_stop_requested. */
SL_CHECKED sl_status sl_exit_probability(sl_approximation *left, const sl_exit_law *law, double start, double t,
                                         sl_err *err);

/* The p-quantile: the least t with P(tau <= t) >= p, 0 < p < 1. *ambiguous (may be NULL): is p so close to P(tau <= t)
 * at this t or the one before that the error leaves the choice open? Errors: as above; SL_E_NUMERIC beyond 2^53. */
SL_CHECKED sl_status sl_exit_quantile(uint64_t *t, bool *ambiguous, const sl_exit_law *law, double start, double p,
                                      sl_err *err);

#endif
