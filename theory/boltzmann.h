/* theory/boltzmann.h - averages over P(x) = exp(-f(x)/T) / Z in one dimension, by adaptive quadrature (GSL). */
#ifndef SL_THEORY_BOLTZMANN_H
#define SL_THEORY_BOLTZMANN_H

#include "base/status.h"

typedef double (*sl_function)(double x, void *ctx);

typedef struct {
    double log_Z;                        /* log of int exp(-f/T) dx                        */
    double f, x, x2, x4, xg, g2, var_f;  /* <f>, <x>, <x^2>, <x^4>, <x f'>, <f'^2>, var f  */
    double lo, hi;                       /* the interval that was integrated               */
    double bottom;                       /* where f is least                               */
    double error;                        /* largest relative error estimate of the above   */
} sl_boltzmann;

/* period > 0: over one period around 0; else over the real line, the interval being found where f exceeds its
 * minimum by 745 T. Works in logs relative to the minimum, so low T does not underflow. Relative errors below 1e-10.
 * A corner of f at its minimum costs no precision; elsewhere f should be smooth.
 * Errors: SL_E_NUMERIC if that precision was not reached; SL_E_DOMAIN for T <= 0; SL_E_UNSTABLE if f does not
 * confine (no stationary law). */
SL_CHECKED sl_status sl_boltzmann_solve(sl_boltzmann *b, sl_function f, sl_function derivative, void *ctx, double T,
                                        double period, sl_err *err);

/* The density at x. */
double sl_boltzmann_density(const sl_boltzmann *b, sl_function f, void *ctx, double T, double x);

/* <h> for any h: *mean = int h exp(-f/T) dx / Z, to 1e-10 of <|h|>.  Errors: SL_E_NUMERIC if h is too rough for that. */
SL_CHECKED sl_status sl_boltzmann_average(double *mean, const sl_boltzmann *b, sl_function f, void *ctx, double T,
                                          sl_function h, void *h_ctx, sl_err *err);

/* The probability of [lo, hi] (a histogram bin). */
SL_CHECKED sl_status sl_boltzmann_probability(double *p, const sl_boltzmann *b, sl_function f, void *ctx, double T,
                                              double lo, double hi, sl_err *err);

#endif
