/* sim/strict.h - the constants that theorems about saddles ask for, of a synthetic loss on a ball or a box.
 *
 * beta   gradient-Lipschitz: the largest |eigenvalue| of the Hessian H.
 * rho    Hessian-Lipschitz: |H(x) - H(y)| <= rho |x - y|, which on a convex set is the largest |D^3 f(x)[v, v, v]| over
 *        unit vectors v (a symmetric trilinear form is largest at equal arguments).
 * (alpha, gamma, epsilon, delta)-strict saddle (Ge, Huang, Jin and Yuan 2015, definition 5): every x has
 *        |grad f| >= epsilon, or an eigenvalue <= -gamma, or a minimum w with |x - w| <= delta around which f is
 *        alpha-strongly convex within 2 delta.
 *
 * What is found by search is found from many starts with local refinement, and is an extreme over the points looked at:
 * beta and rho are lower bounds of the suprema, alpha, gamma and epsilon_most upper bounds of the infima. A narrow peak
 * that no start leads to is missed. What is known in closed form is asked for with sl_strict_exact. */
#ifndef SL_SIM_STRICT_H
#define SL_SIM_STRICT_H

#include "sim/loss.h"

/* A ball where radius > 0, else the box [lo, hi]. */
typedef struct {
    const double *centre; /* [dim], of the ball */
    double radius;
    const double *lo, *hi; /* [dim]              */
} sl_area;

typedef struct {
    double beta, rho;
} sl_smoothness;

/* Out: *s, from `starts` starting points (0: 64), the same for equal arguments. Any dimension; third derivatives are
 * central differences, to about 1e-6 of themselves (without error for polynomials of degree 4 and less).
 * Errors: SL_E_DOMAIN for a bad area, a loss that lives on a subset of space (sl_loss_restricted), or without a finite
 * Hessian there; SL_E_MEMORY. */
SL_CHECKED sl_status sl_strict_smoothness(sl_smoothness *s, const sl_loss *loss, const sl_area *area, size_t starts,
                                          sl_err *err);

enum { SL_STRICT_DIM = 16, SL_STRICT_MINIMA = 64 };

typedef struct {
    double delta;   /* 0: a/(4 rho) with a the smallest eigenvalue at a minimum, within which alpha >= a/2 */
    double epsilon; /* 0: half of epsilon_most                                                            */
    size_t starts;  /* 0: 64                                                                              */
} sl_strict_choice;

typedef struct {
    double beta, rho;
    double alpha; /* the least eigenvalue within 2 delta of a minimum; INFINITY without minima */
    double delta; /* as chosen; 0 without minima */
    /* Least |grad f| where no eigenvalue is negative and no minimum within delta: any smaller epsilon has some
     * gamma > 0. INFINITY: there is no such point. */
    double epsilon_most;
    double epsilon; /* as chosen */
    /* -(the largest of the least eigenvalues) where |grad f| <= epsilon, delta and more away from the minima. INFINITY:
     * there is no such point. */
    double gamma;
    size_t minima; /* found in the area, those without curvature in some direction left out */
    bool strict;   /* alpha, epsilon and gamma above 0 by more than 1e-6 of what is usual, and all minima curved */
} sl_strict;

/* dim <= SL_STRICT_DIM. Errors: as above; SL_E_DOMAIN for dim, delta or epsilon; SL_E_NUMERIC for more than
 * SL_STRICT_MINIMA minima. */
SL_CHECKED sl_status sl_strict_find(sl_strict *s, const sl_loss *loss, const sl_area *area,
                                    const sl_strict_choice *choice, sl_err *err);

/* Exact beta and rho, for quadratic, quadratic-saddle, double-well, tilted-double-well, quartic, strict-saddle, and in
 * a ball about 0 for monkey-saddle and matrix-factorisation. Errors: SL_E_DOMAIN for any other, or a bad area. */
SL_CHECKED sl_status sl_strict_exact(sl_smoothness *s, const sl_loss *loss, const sl_area *area, sl_err *err);

#endif
