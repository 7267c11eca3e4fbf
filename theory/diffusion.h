/* theory/diffusion.h - covariance of the noise of a mini-batch gradient times a random multiplier.
 *
 * g_j [N][n] are per-sample gradients at one point, M = E g_j g_j^T, G = (E g)(E g)^T, q = E alpha^2.
 * xi = E g - alpha mean_{j in B} g_j.  Musso 2020, eqs 25, 29-31, with eq 27 corrected.
 * All matrices [n][n], row-major, symmetric. */
#ifndef SL_THEORY_DIFFUSION_H
#define SL_THEORY_DIFFUSION_H

#include <stddef.h>

#include "base/status.h"

typedef enum { SL_BATCH_REPLACEMENT, SL_BATCH_PARTITION } sl_batching;

/* M and G. */
void sl_diffusion_moments(double *M, double *G, const double *g, size_t N, size_t n);

/* D_hat = q M - G  [eq 31 with q derived; with q = sl_alpha_q_printed it is the paper's]. */
void sl_diffusion_hat(double *D_hat, const double *M, const double *G, size_t n, double q);

/* d_Delta, the off-diagonal part. Replacement: (q - 1)(1 - 1/C) G. Partition into batches of C drawn at random:
 * q (1-1/C)(N G - M)/(N-1) - (1-1/C) G.  Needs 1 <= C <= N, N >= 2 for partition. */
SL_CHECKED sl_status sl_diffusion_off(double *d, const double *M, const double *G, size_t n, double q, size_t N,
                                      size_t C, sl_batching batching, sl_err *err);

/* Sigma = E xi xi^T by enumerating every batch: N^C ordered draws, or all C(N, C) subsets (a random partition's
 * batches are uniform subsets). No algebra shared with the functions above.
 * Errors: SL_E_DOMAIN; SL_E_CONFIG beyond 2e7 batches. */
SL_CHECKED sl_status sl_diffusion_enumerate(double *sigma, const double *g, size_t N, size_t n, double q, size_t C,
                                            sl_batching batching, sl_err *err);

#endif
