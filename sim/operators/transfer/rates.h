/* sim/operators/transfer/rates.h - the learning rate of a step as a law to take expectations over. Private to sim/operators/. */
#ifndef SL_SIM_OPERATORS_RATES_H
#define SL_SIM_OPERATORS_RATES_H

#include "sim/operators/operator.h"

/* The rate of one step, uniform on mean +- half (half = 0: certain), and the factors that it gives the rule
 * (optim/rule.h): a_g on the gradient, a_s on the step. */
typedef struct {
    double mean, half;
    bool on_step; /* alpha on the step: a_g = 1, a_s = rate; else a_g = rate / base, a_s = base */
    double base;
} sl_rate_law;

sl_rate_law sl_rate_at(const sl_operator *op, uint64_t step);
double sl_rate_on_gradient(const sl_rate_law *law, double rate);
double sl_rate_on_step(const sl_rate_law *law, double rate);

/* n rates and their weights (sum 1) by Gauss-Legendre; a certain rate: one. Returns how many were written, <= n. */
size_t sl_rate_nodes(double *rate, double *weight, size_t n, const sl_rate_law *law);

/* The period of the schedule in steps: 1 if it is stationary, q->cycle if that is given, else found, up to 4096 steps.
 * Errors: SL_E_CONFIG for a schedule without one, or whose rates do not repeat after q->cycle. */
SL_CHECKED sl_status sl_rate_period(uint64_t *period, const sl_operator *op, const sl_question *q, sl_err *err);

/* Second moments of the rule on the loss a x^2/2, linear as it is there: m' = A m + c with m = (x^2, xv, v^2).
 * Out: the spectral radius of A, and (where it is < 1) the stationary moments. Ref: theory.md section 1. */
typedef struct {
    double radius, x2, xv, v2;
} sl_linear_moments;
sl_linear_moments sl_linear_moments_of(const sl_operator *op, const sl_rate_law *law, double a);

#endif
