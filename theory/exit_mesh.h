/* theory/exit_mesh.h - functions on [0, R] by panels, and one step of linear SGD acting on them. Private to
 * theory/exit.c.
 *
 * A function is held by its values at the Gauss-Legendre nodes of panels. One step takes u to E u(|y'|; |y'| <= R) at
 * each node: a matrix whose rows touch few panels. */
#ifndef SL_THEORY_EXIT_MESH_H
#define SL_THEORY_EXIT_MESH_H

#include <stddef.h>

#include "theory/saddle.h"

typedef struct {
    sl_saddle s;          /* index >= 1 */
    size_t degree;        /* nodes a panel */
    size_t panels, n;     /* n = panels * degree */
    double *edge;         /* [panels + 1] increasing, from 0 to R */
    double *node;         /* [n] */
    double *weight;       /* [n] of the nodes as a quadrature rule */
    size_t *first, *last; /* [n]: row i has entries for nodes first .. last - 1 */
    double **row;         /* [n][last - first] */
    double *leave;        /* [n] P(|y'| > R), with all its digits */
} sl_exit_mesh;

/* alpha_nodes: a panel of alpha. *m is to be cleared, also after an error. Errors: SL_E_CONFIG for more than most
 * panels; SL_E_MEMORY. */
SL_CHECKED sl_status sl_exit_mesh_init(sl_exit_mesh *m, const sl_saddle *s, size_t degree, size_t alpha_nodes,
                                       size_t most, sl_err *err);
void sl_exit_mesh_clear(sl_exit_mesh *m);

/* out = K u. out and u: [n], distinct. */
void sl_exit_mesh_step(double *out, const sl_exit_mesh *m, const double *u);

/* u at r in [0, R]. */
double sl_exit_mesh_at(const sl_exit_mesh *m, const double *u, double r);

#endif
