/* sim/tensor.h - orthogonal tensor decomposition of fourth order: the loss "tensor-decomposition" of Ge, Huang, Jin and
 * Yuan 2015, and how far a point is from a decomposition.
 *
 * T = sum_k e_k (x) e_k (x) e_k (x) e_k over d orthonormal components. All are looked for at once, as unit vectors
 * u_1 .. u_d that minimise
 *     f = sum_{i != j} T(u_i, u_i, u_j, u_j) = sum_k sum_{i != j} u_ik^2 u_jk^2 .
 * f >= 0, and it is 0 just where the u_i are the e_k up to order and sign. Nothing is lost by components that are the
 * coordinate axes: f, the spheres and isotropic noise are the same in every orthonormal basis.
 *
 * Coordinate i d + k of the loss is u_ik; after every step each u_i is divided by its length.
 *
 * Samples: those of independent component analysis, y = sum_k s_k e_k with random signs s. With Z(u,u,v,v) =
 * |u|^2 |v|^2 + 2 (u.v)^2, T is the mean of (Z - y (x) y (x) y (x) y)/2, so that
 *     phi(u, y) = (1/2) sum_{i != j} (|u_i|^2 |u_j|^2 + 2 (u_i.u_j)^2 - (y.u_i)^2 (y.u_j)^2)
 * has mean f. Sample j < 2^d of the loss has s_k = -1 where bit k of j is set: a sample drawn uniformly with
 * replacement is one of the endless online supply, and the mean over all of them is f exactly. */
#ifndef SL_SIM_TENSOR_H
#define SL_SIM_TENSOR_H

#include <stddef.h>

enum { SL_TENSOR_MAX = 11 }; /* d^2 <= SL_LOSS_MAX_DIM */

/* |T - sum_i u_i^4|_F^2 / |T|_F^2 for u[d][d], the rows being the u_i: the normalised reconstruction error of Ge et al.
 * 0 at the components in any order and of any sign; about 1e-16 is rounding. */
double sl_tensor_error(size_t d, const double *u);

#endif
