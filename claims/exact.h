/* claims/exact.h - what claims and figures that sample nothing share: the operators of sim/ in a few words. */
#ifndef SL_CLAIMS_EXACT_H
#define SL_CLAIMS_EXACT_H

#include "claims/claim.h"
#include "sim/operators/operator.h"

/* SGD as a chain: its transfer operator. */
typedef struct {
    const char *loss;
    const char *schedule; /* NULL: constant                                   */
    sl_alpha_on alpha_on; /* with momentum the rule is heavy ball              */
    double l, mu;
    double s2;            /* variance of the mini-batch gradient's noise, D0/C */
} sl_sgd_chain;
SL_CHECKED sl_status sl_exact_chain(sl_operator *op, const sl_sgd_chain *c, const sl_lab *lab, sl_err *err);

/* The stationary law of SGD without momentum whose noise has temperature T at rate l, alpha ~ U[1-delta, 1+delta], with
 * its divergence from Boltzmann's law at T. *a is to be cleared. */
SL_CHECKED sl_status sl_exact_law_at(sl_answer *a, const char *loss, double T, double l, double delta,
                                     const sl_lab *lab, sl_err *err);

/* Overdamped motion at temperature T, and underdamped motion with friction g. */
SL_CHECKED sl_status sl_exact_overdamped(sl_operator *op, const char *loss, double T, const sl_lab *lab, sl_err *err);
SL_CHECKED sl_status sl_exact_underdamped(sl_operator *op, const char *loss, double T, double g, const sl_lab *lab,
                                          sl_err *err);

/* sl_operator_solve, for claims: an answer that missed the operator's tolerance stands, with its error. *a is to be
 * cleared unless a negative status is returned. */
SL_CHECKED sl_status sl_exact_solve(sl_answer *a, const sl_operator *op, const sl_question *q, sl_err *err);

/* A number of the answer, its grid error taken as a standard error: intervals are then several times that wide. */
sl_estimate sl_exact_number(const sl_answer *a, const char *name, size_t index);

/* log2(|a| / |b|) of independent estimates: the order in h of what errs by a at h and by b at h/2. */
sl_estimate sl_measured_order(sl_estimate a, sl_estimate b);

/* 2b - a: the limit h -> 0 of what errs like h, from values at h and h/2. */
sl_estimate sl_extrapolated(sl_estimate a, sl_estimate b);

#endif
