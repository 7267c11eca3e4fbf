/* theory/passage.h - mean first-passage times of dx = -f' dt + sqrt(2T) dW in one dimension, by quadrature.
 *
 * tau(from -> to) for from < to, reflecting at lo (may be -inf):
 *   tau = (1/T) int_from^to dy exp(f(y)/T) int_lo^y dz exp(-f(z)/T)        [Gardiner 5.5.21]
 * and its mirror image for from > to, reflecting at hi. Worked in logs: low T does not overflow. */
#ifndef SL_THEORY_PASSAGE_H
#define SL_THEORY_PASSAGE_H

#include "base/status.h"
#include "theory/boltzmann.h"

/* log of tau (natural), since at low T tau itself may not fit a double. Relative error of tau below 1e-10, or the
 * rounding of f, 1e-15 max|f|/T, where that is more. f should be smooth: what is narrower than 1e-4 of the way may be
 * missed. from == to: -INFINITY.
 * Errors: SL_E_DOMAIN for T <= 0, points that are not finite, a reflecting end on the wrong side of from, or f that is
 * not finite; SL_E_UNSTABLE if f does not confine on the reflecting side (reflecting = -inf or inf); SL_E_NUMERIC if
 * the precision was not reached. */
SL_CHECKED sl_status sl_passage_log_time(double *log_tau, sl_function f, void *ctx, double T, double from, double to,
                                         double reflecting, sl_err *err);

/* Committor q(x): probability to reach b before a, a <= x <= b, a < b: int_a^x exp(f/T) / int_a^b exp(f/T), to 1e-10 of
 * itself where it is above the smallest double. Errors: as above. */
SL_CHECKED sl_status sl_passage_committor(double *q, sl_function f, void *ctx, double T, double a, double b, double x,
                                          sl_err *err);

#endif
