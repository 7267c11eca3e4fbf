/* sim/operators/transfer/chain.h - a Markov chain on a grid, known by what one step (or one cycle of steps) does to a density:
 * its stationary law and its slowest modes. Private to sim/operators/. */
#ifndef SL_SIM_OPERATORS_CHAIN_H
#define SL_SIM_OPERATORS_CHAIN_H

#include "sim/operators/arnoldi.h"
#include "sim/operators/operator.h"

/* y = K x on [n] densities; cell: the quadrature weight of a node, the same for all. */
typedef struct {
    size_t n;
    double cell;
    sl_apply apply;
    void *ctx;
} sl_chain;

/* Vectors of [n] that the functions below take besides the law itself. */
enum { SL_CHAIN_VECTORS = 200 };

/* The law that K leaves as it is but for a factor, 1 - *killed, its largest eigenvalue: stationary, or quasi-stationary
 * where mass leaks. By inverse iteration, (I - K) p' = p, with GMRES: mass that leaks but little costs nothing, and
 * what relaxes slowest (wells that seldom exchange) only one direction of the Krylov space.
 * p: in, a guess of positive mass; out, the law, of mass 1.
 * Errors: SL_E_NUMERIC if p is not left as it is to 1e-9 (relative, in the 2-norm); those of sl_gmres. */
SL_CHECKED sl_status sl_chain_stationary(double *p, double *killed, const sl_chain *chain, sl_err *err);

/* Numbers "eigenvalue" 0 .. k-1, log of the eigenvalues of K of largest modulus, and fields "eigenfunction" on the
 * nodes x[nx], y[ny] (y NULL: one dimension), largest entry 1; of a complex pair real and imaginary part. */
SL_CHECKED sl_status sl_chain_spectrum(sl_answer *a, const sl_chain *chain, size_t k, const double *start,
                                       const double *x, size_t nx, const double *y, size_t ny, sl_err *err);

/* Notes in the answer what a law of a leaking chain is. */
void sl_chain_note(sl_answer *a);

/* p / its mass; the mass. */
double sl_chain_normalise(double *p, const sl_chain *chain);

/* u = (I - K)^-1 source for first passages: (I - K) u by apply, u[n] from the start given. tolerance and basis: of
 * sl_gmres. Errors: those of sl_gmres; SL_E_NUMERIC where the residual stays above 1e-9. */
SL_CHECKED sl_status sl_chain_passage(double *u, size_t n, sl_apply apply, void *ctx, const double *source,
                                      double tolerance, size_t basis, sl_err *err);

#endif
