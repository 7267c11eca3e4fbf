/* sim/landscape.h - the stationary points of a synthetic loss: minima, saddles, their Hessians, and which saddle joins
 * which minima. What theory/kramers.h needs to predict rates. */
#ifndef SL_SIM_LANDSCAPE_H
#define SL_SIM_LANDSCAPE_H

#include "sim/loss.h"

enum { SL_LANDSCAPE_POINTS = 64, SL_LANDSCAPE_DIM = 8 };

typedef struct {
    double x[SL_LANDSCAPE_DIM];
    double f;
    double eigenvalue[SL_LANDSCAPE_DIM]; /* of the Hessian, increasing [f/x^2]                        */
    size_t index;                        /* number of negative eigenvalues: 0 a minimum, 1 a saddle   */
    size_t joins[2]; /* saddle of index 1: the minima that the two descents from it end in (indices into the list);
                        SL_LANDSCAPE_POINTS: none in the box, or no such saddle                        */
} sl_stationary_point;

typedef struct {
    size_t dim, n;
    double period;                                  /* of the loss in each coordinate; 0: not periodic   */
    sl_stationary_point point[SL_LANDSCAPE_POINTS]; /* by increasing f, minima before saddles of equal f */
} sl_landscape;

/* Searches the box [lo, hi] (dim <= SL_LANDSCAPE_DIM; a grid of starts in 1 and 2 dimensions, quasi-random ones else),
 * Newton's method with the loss's Hessian (finite differences of the gradient where it has none), points to 1e-12.
 * On a periodic loss points are moved into the box and images count as one; a box longer than the period holds no more
 * than one period.
 * Errors: SL_E_DOMAIN for a bad box; SL_E_NUMERIC for more than SL_LANDSCAPE_POINTS points or a degenerate one
 * (an eigenvalue within 1e-9 of zero, relative to those usual in the box). */
SL_CHECKED sl_status sl_landscape_find(sl_landscape *l, const sl_loss *loss, const double *lo, const double *hi,
                                       sl_err *err);

/* The way from the minimum nearest to `from` to the one nearest to `to` over the lowest saddles (minimax): *a, *s, *b
 * are indices of points: the two minima and the highest saddle between them. Errors: SL_E_DOMAIN where both are the
 * same minimum or no way leads there. */
SL_CHECKED sl_status sl_landscape_path(size_t *a, size_t *s, size_t *b, const sl_landscape *l, const double *from,
                                       const double *to, sl_err *err);

/* The Hessian at x, H[dim][dim] row-major, symmetric. */
void sl_loss_hessian(const sl_loss *loss, const double *x, double *H);

#endif
