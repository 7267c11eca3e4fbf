/* theory/effective_rate.h - the weights of a normalised layer under SGD: their length, and the rate that is left.
 *
 * Before a normalisation the loss does not feel the length of w: f(c w) = f(w). So its gradient, of any mini-batch, is
 * orthogonal to w and g(w) = g~(w/|w|)/|w|: the direction w/|w| moves at the effective rate l/|w|^2. SGD with weight
 * decay, w' = (1 - l decay) w - l g, lengthens w exactly by Pythagoras: with r = |w|^2 and q = |g~|^2,
 *   r' = (1 - l decay)^2 r + l^2 q / r,
 * and without decay r'^2 = r^2 + 2 l^2 q + l^4 q^2/r^2. With q at its mean G2 = E|g~|^2 (signal and noise together)
 * that is the recursion here; where q fluctuates, E r_n^2 >= r_0^2 + 2 l^2 G2 n still holds, and the excess is of
 * relative order l^2 E q^2 / (G2 r^2).
 * The relative update e = l |g| / |w| = l sqrt(q)/r, the angle of a step, obeys e' = e/(1 + e^2) without decay: a
 * recursion without parameters, e^2 ~ 1/(2 n). So the updates of layers of whatever G2 and start become equal, their
 * ratios tend to 1: what Ali Mehmeti-Goepel and Wand prove of effective learning rates ("On the Weight Dynamics of Deep
 * Normalized Networks", arXiv 2306.00700, 2023). We had their abstract only, and read effective learning rate as e
 * (over l), since the ratio of l/|w|^2 does not tend to 1 but to the inverse ratio of the layers' sqrt(G2). The
 * derivation and weight decay are ours. With decay both settle: r* = l sqrt(G2/(1 - (1 - l decay)^2)),
 * e*^2 = 1 - (1 - l decay)^2, equal for all layers too. */
#ifndef SL_THEORY_EFFECTIVE_RATE_H
#define SL_THEORY_EFFECTIVE_RATE_H

#include <stdint.h>

#include "base/status.h"

typedef struct {
    double rate;  /* l > 0                                                     */
    double G2;    /* E|g~|^2, of gradients at |w| = 1, > 0 [f^2]                */
    double decay; /* weight decay, 0 <= l decay < 1                            */
    double r;     /* |w|^2 at the start, > 0                                   */
} sl_scale_invariant;

typedef struct {
    double r;      /* |w|^2                                 */
    double rate;   /* effective rate l/|w|^2                */
    double update; /* e = l |g|/|w| of the step to come     */
} sl_effective;

/* After n steps of the recursion, one by one. Errors: SL_E_DOMAIN; SL_E_NUMERIC beyond doubles. */
SL_CHECKED sl_status sl_effective_rate(sl_effective *e, const sl_scale_invariant *p, uint64_t n, sl_err *err);

/* The differential equation dr/dt = -2 l decay r + l^2 G2/r, t in steps (leading order in e^2 and l decay):
 * r^2 = r*^2 + (r_0^2 - r*^2) exp(-4 l decay t), r*^2 = l G2/(2 decay); r_0^2 + 2 l^2 G2 t without decay. t >= 0. */
SL_CHECKED sl_status sl_effective_rate_flow(sl_effective *e, const sl_scale_invariant *p, double t, sl_err *err);

/* Where the recursion settles, r* and e* above. Errors: SL_E_DOMAIN; SL_E_UNSTABLE without decay. */
SL_CHECKED sl_status sl_effective_rate_settled(sl_effective *e, const sl_scale_invariant *p, sl_err *err);

#endif
