/* theory/moments.h - second moments of a linear update rule under additive and multiplicative noise, exactly.
 *
 * On f = a x^2/2 with gradient noise n of variance s2 a linear rule is z' = M(alpha) z + b(alpha) n, z = (x, v).
 * Its second moments m = (x^2, xv, v^2) obey m' = E[M (x) M] m + E[b (x) b] s2; the stationary ones solve
 * (I - A) m = c. M and b are read off the rule itself (optim/rule.h) applied to unit vectors, for each alpha of a
 * Gauss-Legendre rule that is exact for the polynomials in alpha that occur. Ref: theory.md section 1. */
#ifndef SL_THEORY_MOMENTS_H
#define SL_THEORY_MOMENTS_H

#include <stddef.h>

#include "base/status.h"
#include "optim/rule.h"
#include "optim/schedule.h"

/* A law of the multiplier alpha = rate / l by quadrature nodes and weights (sum 1). */
enum { SL_ALPHA_NODES = 8 };
typedef struct {
    size_t n;
    double node[SL_ALPHA_NODES], weight[SL_ALPHA_NODES];
} sl_alpha_law;

sl_alpha_law sl_alpha_uniform(double delta); /* U[1-delta, 1+delta], exact to degree 15 */
/* The law of one step of a stationary schedule (constant, random, plrs), relative to rule->lr.
 * Errors: SL_E_CONFIG for a schedule that is not stationary. */
SL_CHECKED sl_status sl_alpha_of_schedule(sl_alpha_law *law, const sl_schedule *s, sl_err *err);

typedef struct {
    double x2, xv, v2;
} sl_moments;

/* Spectral radius of A = E[M (x) M]: mean-square stable iff < 1. NAN for a rule that is not linear. */
double sl_moments_radius(const sl_rule *rule, double a, const sl_alpha_law *law);

/* Stationary second moments. Errors: SL_E_DOMAIN; SL_E_UNSTABLE (message: the radius, and the largest stable a l);
 * SL_E_CONFIG for a rule that is not linear. */
SL_CHECKED sl_status sl_moments_stationary(sl_moments *m, const sl_rule *rule, double a, double s2,
                                           const sl_alpha_law *law, sl_err *err);

/* One step of the recursion m -> A m + c, for means over transients. */
SL_CHECKED sl_status sl_moments_step(sl_moments *m, const sl_rule *rule, double a, double s2, const sl_alpha_law *law,
                                     sl_err *err);

/* Spectral radius of the fourth-moment map E[M (x) M (x) M (x) M]: error bars of second moments mean something iff
 * it is < 1. */
double sl_moments_radius4(const sl_rule *rule, double a, const sl_alpha_law *law);

/* The largest y = a l below which the rule is mean-square stable (bisection to 1e-12 relative).
 * Closed form for heavy ball, both placements: 2 (1 - mu^2) / (q (1 + mu) - 2 mu). */
SL_CHECKED sl_status sl_moments_stability(double *al, const sl_rule *rule, const sl_alpha_law *law, sl_err *err);

#endif
