/* optim/rule_kernel.h - the loops of optim/rule.c; cloned per processor (see base/kernel.h). Private to it.
 *
 * Arrays [n], distinct. mu, w: momentum and weight decay. v is not touched for SL_RULE_PLAIN. */
#ifndef SL_OPTIM_RULE_KERNEL_H
#define SL_OPTIM_RULE_KERNEL_H

#include <stddef.h>

#include "optim/rule.h"

/* A rate of its own for every coordinate: a_g = 1, a_s = rate[i]; or a_g = rate[i] / l, a_s = l. */
void sl_rule_each_on_step(sl_rule_kind kind, size_t n, double *x, double *v, const double *g, const double *rate,
                          double mu, double w);
void sl_rule_each_on_gradient(sl_rule_kind kind, size_t n, double *x, double *v, const double *g, const double *rate,
                              double mu, double w, double l);

/* One a_g and one a_s for all. */
void sl_rule_same_d(sl_rule_kind kind, size_t n, double *x, double *v, const double *g, double a_g, double a_s,
                    double mu, double w);
void sl_rule_same_f(sl_rule_kind kind, size_t n, float *x, float *v, const float *g, float a_g, float a_s, float mu,
                    float w);

#endif
