/* sim/operators/transfer/sgd_plane.h - one step of plain SGD in two dimensions, x' = x - r (G(x) + n) with G = grad f + w x, as
 * an operator on densities, and its transpose on functions. Private to sim/operators/.
 *
 * A density moves in two moves: every node's mass goes to where x - r G(x) takes it, put onto the 16 x 16 nodes around
 * that point with its moments (sim/operators/transfer/stencil.h); then n blurs, one axis after the other, with a Gaussian of
 * deviation r sqrt(s2) cut off at the grid's highest frequency. A random r is averaged over by quadrature. Errors fall
 * like the 16th power of the cell's width, or faster. What moves out of the box is lost (a periodic loss: nothing). */
#ifndef SL_SIM_OPERATORS_SGD_PLANE_H
#define SL_SIM_OPERATORS_SGD_PLANE_H

#include "sim/operators/transfer/rates.h"
#include "sim/operators/transfer/stencil.h"

enum { SL_SGD_PLANE_RATES = 10 };

typedef struct {
    double w[2][SL_STENCIL];
    int node[2][SL_STENCIL]; /* along each axis; node[0][0] < 0: outside */
} sl_sgd_plane_point;

/* The step at one rate: where the nodes go, and the blurs. */
typedef struct {
    double weight, rate;
    sl_sgd_plane_point *to; /* [n n]          */
    double *blur[2];        /* [n][n] an axis, symmetric */
} sl_sgd_plane_branch;

typedef struct {
    const sl_operator *op;
    size_t n; /* nodes along each axis, value (i, j) at i n + j */
    double *x[2], h[2];
    bool periodic;
    size_t branches;
    sl_sgd_plane_branch branch[SL_SGD_PLANE_RATES];
    double *work; /* [3][n n] */
} sl_sgd_plane_step;

/* About how many seconds a step takes. */
double sl_sgd_plane_step_seconds(const sl_operator *op, size_t n);
/* *s is to be cleared, also after an error. */
SL_CHECKED sl_status sl_sgd_plane_step_init(sl_sgd_plane_step *s, const sl_operator *op, size_t n, sl_err *err);
/* Another law of the rate on the same grid. */
SL_CHECKED sl_status sl_sgd_plane_step_set(sl_sgd_plane_step *s, const sl_rate_law *law, sl_err *err);
void sl_sgd_plane_step_clear(sl_sgd_plane_step *s);
double sl_sgd_plane_step_bytes(const sl_operator *op, size_t n);

/* to[n n]: the density after a step. Not in place. */
void sl_sgd_plane_step_apply(double *to, sl_sgd_plane_step *s, const double *from);
/* out: E u(x') for x at each node, of one branch; u is 0 outside the box. Not in place. */
void sl_sgd_plane_expect(double *out, sl_sgd_plane_step *s, const sl_sgd_plane_branch *b, const double *u);

/* The stencil around a point; outside the box node[0][0] = -1. */
void sl_sgd_plane_locate(sl_sgd_plane_point *p, const sl_sgd_plane_step *s, const double x[2]);
/* x - r G(x) of node k. */
void sl_sgd_plane_map(double to[2], const sl_sgd_plane_step *s, size_t k, double rate);

#endif
