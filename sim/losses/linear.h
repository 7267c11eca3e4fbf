/* sim/losses/linear.h - minima of means over samples of functions of a_j.x. Private to sim/losses/. */
#ifndef SL_SIM_LOSSES_LINEAR_H
#define SL_SIM_LOSSES_LINEAR_H

#include "sim/losses/losses.h"

/* F = (1/m) sum_j phi(a_j.x, y_j) + (l2/2)|x|^2 with rows a_j of A[m][n] and y[m] */
typedef struct {
    size_t m, n;
    const double *A, *y;
} sl_samples;

/* x[n] = the minimiser of F. *found = false: there is none, or more than one of the hinge and samples that no plane
 * separates. Errors: SL_E_MEMORY; SL_E_NUMERIC. */
typedef sl_status (*sl_linear_solve)(bool *found, double *x, const sl_samples *s, double l2, sl_err *err);

/* By the orthogonal factors of the rows, extended by sqrt(m l2) times the unit matrix (LAPACK dgelsd): the shortest
 * minimiser where there are several. */
SL_CHECKED sl_status sl_least_squares_solve(bool *found, double *x, const sl_samples *s, double l2, sl_err *err);
/* Newton's method with halved steps, until the decrement is lost in rounding. l2 = 0 and samples that a plane
 * separates: no minimiser. */
SL_CHECKED sl_status sl_logistic_solve(bool *found, double *x, const sl_samples *s, double l2, sl_err *err);
/* A primal-dual interior-point method for the quadratic (l2 = 0: linear) program, to a duality gap of 1e-14. */
SL_CHECKED sl_status sl_hinge_solve(bool *found, double *x, const sl_samples *s, double l2, sl_err *err);

/* The minimiser on the ball |x| <= radius (0: all of space): where |x| would be larger, that of F + (nu/2)|x|^2 with
 * the nu > 0 that puts it on the sphere. slope: |grad F(0)|. Out and errors as above. */
SL_CHECKED sl_status sl_ball_solve(bool *found, double *x, sl_linear_solve solve, const sl_samples *s, double l2,
                                   double radius, double slope, sl_err *err);

/* H[n][n] (lower triangle) = sum_j w_j a_j a_j' + l2 I. */
void sl_samples_gram(double *H, const sl_samples *s, const double *w, double l2);
double sl_samples_dot(const sl_samples *s, size_t j, const double *x);

/* x[dim] = the minimum on the box |x_d| <= loss->data[SL_DOMAIN_BOX] of a convex loss with a Hessian, to rounding in f;
 * starts at 0. Errors: SL_E_MEMORY; SL_E_NUMERIC. */
SL_CHECKED sl_status sl_box_solve(double *x, const sl_loss *loss, sl_err *err);

#endif
