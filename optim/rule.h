/* optim/rule.h - update rules on flat vectors: the SGD that ensembles simulate and networks train with.
 *
 * Signs as in Musso 2020, eqs 1, 2 (v points along the motion; PyTorch's buffer is -v). With G = g + w x (weight
 * decay w), r the rate that the schedule gives for this step and l the base rate, alpha = r / l:
 *
 *   alpha on the step (a scheduler in a framework):  a_g = 1,     a_s = r
 *   alpha on the gradient (eq 1):                    a_g = alpha, a_s = l
 *
 *   heavy-ball   v' = mu v - a_g G;   x' = x + a_s v'
 *   nesterov     v' = mu v - a_g G;   x' = x + a_s (mu v' - a_g G)      (PyTorch's nesterov=True, dampening 0)
 *   plain        heavy-ball with mu = 0; v is not touched and may be NULL
 *   sign         v' = mu v - a_g G;   x' = x + a_s sign(v')             (signSGD; signum for mu > 0), sign(0) = 0 */
#ifndef SL_OPTIM_RULE_H
#define SL_OPTIM_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/spec.h"

typedef enum { SL_RULE_PLAIN, SL_RULE_HEAVY_BALL, SL_RULE_NESTEROV, SL_RULE_SIGN } sl_rule_kind;
typedef enum { SL_ALPHA_ON_STEP, SL_ALPHA_ON_GRADIENT } sl_alpha_on;

typedef struct {
    sl_rule_kind kind;
    sl_alpha_on alpha_on;
    double mu;           /* momentum, 0 <= mu < 1 (0 for plain)                      */
    double weight_decay; /* w >= 0; the gradient of (w/2)|x|^2 is added to g         */
    double lr;           /* l, the base rate: needed only for alpha on the gradient  */
} sl_rule;

extern const sl_entry *const sl_rules[];
extern const size_t sl_n_rules;

/* name: "heavy-ball", "nesterov", "plain", "sign". Errors: SL_E_NAME; SL_E_DOMAIN for mu outside [0,1), plain with
 * mu > 0, nesterov with mu = 0 (as PyTorch refuses it), weight_decay < 0 or lr <= 0 (each test refuses NaN). */
SL_CHECKED sl_status sl_rule_init(sl_rule *rule, const char *name, sl_alpha_on on, double lr, double mu,
                                  double weight_decay, sl_err *err);

const char *sl_rule_name(const sl_rule *rule);

/* Is (x, v, G) -> (x', v') linear? (All but sign.) */
bool sl_rule_is_linear(const sl_rule *rule);

/* One update of n coordinates, each with its own rate (an ensemble: one coordinate of n replicas).
 * x, v, g, rate: [n], distinct; v may be NULL for plain. rate >= 0. */
void sl_rule_step_d(const sl_rule *rule, size_t n, double *x, double *v, const double *g, const double *rate);

/* The same with one rate for all (a network's flat vector, in float; or double). */
void sl_rule_step_f(const sl_rule *rule, size_t n, float *x, float *v, const float *g, double rate);
void sl_rule_step_same_d(const sl_rule *rule, size_t n, double *x, double *v, const double *g, double rate);

#endif
