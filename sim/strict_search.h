/* sim/strict_search.h - points of an area, and derivatives along directions. Private to sim/strict*.c. */
#ifndef SL_SIM_STRICT_SEARCH_H
#define SL_SIM_STRICT_SEARCH_H

#include <gsl/gsl_qrng.h>
#include <gsl/gsl_vector.h>

#include "sim/strict.h"

SL_CHECKED sl_status sl_area_check(const sl_area *area, const sl_loss *loss, sl_err *err);

/* The radius, or the longest half-width of the box. */
double sl_area_size(const sl_area *area, size_t dim);

/* Points of the area as x(y) with y anywhere: x = c + R sin|y| y/|y| in a ball, c + h sin y in each coordinate of a
 * box, so that a search needs no bounds, and an extreme on the border is stationary in y. */
void sl_area_point(double *x, const sl_area *area, size_t dim, const double *y);
void sl_area_unpoint(double *y, const sl_area *area, size_t dim, const double *x);

/* g[dim] = df/dy from df/dx, which it may be. */
void sl_area_chain(double *g, const sl_area *area, size_t dim, const double *y, const double *dx);

/* Starting points: y uniform in the area (in x), and a unit vector v, from Sobol's sequence in its first 40 coordinates
 * and counter-based random numbers beyond. i = 0, 1, ... in order. v may be NULL. */
void sl_area_start(double *y, double *v, const sl_area *area, size_t dim, gsl_qrng *q, size_t i);
gsl_qrng *sl_area_starts(size_t dim);

/* At x along v: h2 = H v, h3 = D^3 f[v, v, .], h4 = D^4 f[v, v, v, .]; each [dim], h3 and h4 may be NULL. step: of the
 * differences. */
void sl_along(double *h2, double *h3, double *h4, const sl_loss *loss, const double *x, const double *v, double step);

/* A function of n variables to be minimised, with its gradient in g unless that is NULL. */
typedef double (*sl_minimand)(const double *z, double *g, void *ctx);

/* Descends from z[n] to a local minimum, left there; by BFGS. Returns the value. INFINITY, z untouched, where the
 * value or the gradient at the start is not finite. */
double sl_descend(const sl_minimand f, void *ctx, double *z, size_t n, sl_status *st);

/* The same without gradients, by the simplex of Nelder and Mead, starting afresh where it ends; f may be INFINITY where
 * z is not allowed. */
double sl_creep(const sl_minimand f, void *ctx, double *z, size_t n, double step, sl_status *st);

/* The largest of sign v'Hv over the area and unit vectors v. */
SL_CHECKED sl_status sl_largest_curvature(double *value, const sl_loss *loss, const sl_area *area, double sign,
                                          size_t starts, sl_err *err);

#endif
