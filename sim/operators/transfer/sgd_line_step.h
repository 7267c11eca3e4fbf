/* sim/operators/transfer/sgd_line_step.h - one step of plain SGD on a line, x' = x - r (f'(x) + w x + n), n ~ N(0, s^2),
 * r ~ U[lo, hi], as a matrix. Private to sim/operators/.
 *
 * Functions on [a, b] are polynomials of degree n-1, known by their values at the n Gauss-Legendre nodes. A step is
 * known by the Legendre moments of the next iterate, M[i][p] = E[P_p(t(x')) ; x' in [a, b] | x_i], t: [a, b] -> [-1,
 * 1]. Iterates that land outside are lost. With the analysis A (Legendre coefficients from values):
 *
 *   backward   (Bu)(x_i) = E[u(x') | x_i],   B = M A
 *   forward    p -> B^T p, where p_j = int rho l_j dx of a law rho (l_j: Lagrange's polynomials), so that int u rho =
 *              sum u_j p_j is exact for polynomials, whatever the law: a point, a jump, a log singularity. Where the
 * law is smooth its density is p_j / w_j.
 *
 * Why moments: E[P_p(t(x'))] takes the noise and the random rate in integrals of smooth functions that are done to
 * rounding. So neither a kernel narrower than the nodes (small r, or r near 0 where the kernel is singular) nor the
 * edge of [a, b] costs accuracy: what has to be resolved is the function, not the kernel. Nodes crowd at the edges like
 * 1/n^2, where functions of a first passage have their boundary layer. */
#ifndef SL_SIM_OPERATORS_SGD_LINE_STEP_H
#define SL_SIM_OPERATORS_SGD_LINE_STEP_H

#include <gsl/gsl_integration.h>

#include "sim/loss.h"

/* r ~ U[lo, hi], 0 <= lo <= hi; a number if lo == hi. */
typedef struct {
    double lo, hi;
} sl_sgd_rates;

enum { SL_SGD_LINE_RULES = 8, SL_SGD_LINE_BATCH = 256, SL_SGD_LINE_GAUSS = 256 };

/* Points t in [-1, 1] with coefficients c, whose Legendre sums are taken when there are enough of them. */
typedef struct {
    double *sum; /* [n+1] */
    size_t count;
    double t[SL_SGD_LINE_BATCH], c[SL_SGD_LINE_BATCH];
} sl_sgd_line_batch;

typedef struct {
    const sl_loss *loss;
    double decay, sigma; /* w >= 0, s > 0                                                                  */
    double a, b;
    double period, base; /* period > 0: x and x + period are one point, of the ring [base, base + period)  */
    size_t n;
    double *x, *w;     /* [n], increasing; quadrature weights                                            */
    double *drift;     /* [n] f' + w x at the nodes                                                      */
    double *analysis;  /* A[n][n]: coefficient p from the value at j at p * n + j                          */
    double *up, *down; /* [n+1] the recurrence, see sim/operators/transfer/legendre_kernel.h                       */
    gsl_integration_glfixed_table *rule[SL_SGD_LINE_RULES];
    double *work; /* [2 n]                                                                          */
    double gauss[SL_SGD_LINE_GAUSS]; /* weights of so many equally spaced points of a Gaussian        */
    size_t gauss_count;
    sl_sgd_line_batch points, ends;
} sl_sgd_line;

/* *line is to be cleared, also after an error. loss is borrowed. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_sgd_line_init(sl_sgd_line *line, const sl_loss *loss, double decay, double sigma, double a,
                                      double b, double base, size_t n, sl_err *err);
void sl_sgd_line_clear(sl_sgd_line *line);

/* m[n]: Legendre moments of x' from x, which need not be a node. lost[2]: the probability of x' < a, and of x' > b; on
 * a ring the parts [base, a) and (b, base + period). */
void sl_sgd_line_row(double *m, double lost[2], sl_sgd_line *line, double x, sl_sgd_rates r);

/* The same of from + spread xi, xi ~ N(0, 1): a law to start from. */
void sl_sgd_line_start(double *m, double lost[2], sl_sgd_line *line, double from, double spread);

/* M[n][n] and lost[n][2], from every node. */
void sl_sgd_line_moments(double *M, double *lost, sl_sgd_line *line, sl_sgd_rates r);

/* Legendre moments m[n] of a law to its p[n], and back. */
void sl_sgd_line_law(double *p, const sl_sgd_line *line, const double *m);
/* p <- B^T p. v <- B u (v and u distinct). B = M A. */
void sl_sgd_line_forward(double *p, sl_sgd_line *line, const double *M);
void sl_sgd_line_backward(double *v, sl_sgd_line *line, const double *M, const double *u);
void sl_sgd_line_matrix(double *B, const sl_sgd_line *line, const double *M);
/* sum_p m[p] (A u)[p]: the mean of u under the law with moments m. */
double sl_sgd_line_mean(sl_sgd_line *line, const double *m, const double *u);

#endif
