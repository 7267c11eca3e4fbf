/* sim/operators/klein_kramers/brinkman.h - the Klein-Kramers equation as Brinkman's hierarchy (Risken, The Fokker-Planck Equation,
 * ch. 10), a block tridiagonal matrix. Private to sim/operators/.
 *
 * dx = v dt, dv = -s f' dt - g v dt + b dW has velocities of variance c^2 = b^2 / (2 g) and f at temperature T = c^2 /
 * s. With p = exp(-f/T) / Z and Hermite functions phi_n(v) = He_n(v/c) / sqrt(n!) times the Gaussian of variance c^2,
 * the density is sqrt(p(x)) sum_n a_n(x, t) phi_n(v), and
 *
 *   da_n/dt = -n g a_n - sqrt(n) A a_{n-1} + sqrt(n+1) A^+ a_{n+1},    A = c (d/dx + f' / (2T)),  A sqrt(p) = 0.
 *
 * In x: on a line between reflecting walls, where v -> -v, even orders are even about the walls and odd ones odd, so
 * the a_n are sums of cosines (n even) and of sines (n odd); on a ring, trigonometric interpolation for all. Both
 * converge faster than any power for smooth f. The matrices of A get A sqrt(p) = 0 exactly (by a correction as small
 * as the error of interpolation), so mass is kept and the law is stationary to rounding; and since coupling is
 * antisymmetric and friction negative, no mode grows. */
#ifndef SL_SIM_OPERATORS_BRINKMAN_H
#define SL_SIM_OPERATORS_BRINKMAN_H

#include "sim/operators/operator.h"

/* Vectors are a_0, a_1, ..., a_{nv-1}, one after the other, orthonormal coefficients: the sum of squares is the
 * integral of sum_n a_n^2. */
typedef struct {
    size_t nx, nv;       /* nodes along x; orders n < nv                                                     */
    size_t width[2];     /* coefficients of an even and of an odd order                                      */
    size_t unknowns;     /* of all orders                                                                    */
    double lo, hi, step; /* the domain and the distance of nodes                                             */
    double friction;     /* g                                                                                */
    double thermal;      /* c, of v                                                                          */
    double temperature;  /* T = c^2 / s, of f                                                                */
    double *x;           /* [nx] nodes                                                                       */
    double *root_node;   /* [nx] sqrt(p step) at the nodes, of norm 1                                        */
    double *root;        /* [width[0]] its coefficients: a_0 of the stationary law                           */
    double *values[2];   /* [nx][width] (order even, odd): coefficients to values at the nodes; orthonormal columns,
                            column major                                                                     */
    double *coupling[2]; /* A from even to odd [width[1]][width[0]], and from odd to even, column major       */
} sl_brinkman;

/* c^2 = b^2 / (2 g) and T = c^2 / s of an operator, defaults filled in. */
double sl_brinkman_thermal(const sl_operator *op);
double sl_brinkman_temperature(const sl_operator *op);
/* sqrt(s <f''>) = sqrt(s <f'^2> / T): how fast x swings, by which times are judged. */
double sl_brinkman_frequency(const sl_brinkman *b, const sl_operator *op);
/* The same before there are nodes, roughly: thermal velocity by the length over which p spreads. */
double sl_brinkman_rough_frequency(const sl_operator *op);

/* On op->lo[0], hi[0] with about n nodes along x and nv orders (0: chosen, see .c). Errors: SL_E_MEMORY; SL_E_CONFIG if
 * the stationary law underflows; SL_E_NUMERIC if the nodes are too few for it. */
SL_CHECKED sl_status sl_brinkman_init(sl_brinkman *b, const sl_operator *op, size_t n, sl_err *err);
void sl_brinkman_clear(sl_brinkman *b);
/* Orders for n nodes; bytes of a factor. */
size_t sl_brinkman_orders(const sl_operator *op, size_t n);

/* Where order n starts in a vector. */
size_t sl_brinkman_offset(const sl_brinkman *b, size_t n);

/* (shift - L)^-1 for one shift > 0. */
typedef struct {
    const sl_brinkman *b;
    double shift;
    double *inverse; /* [nv][nx][nx], lower triangles */
    double *work;    /* [2 nx]                        */
} sl_brinkman_factor;

SL_CHECKED sl_status sl_brinkman_factorise(sl_brinkman_factor *f, const sl_brinkman *b, double shift, sl_err *err);
void sl_brinkman_factor_clear(sl_brinkman_factor *f);
/* y = (shift - L)^-1 x within what is orthogonal to the stationary law (x and y alike are made so). x and y distinct.
 */
void sl_brinkman_solve(double *y, const sl_brinkman_factor *f, const double *x);

#endif
