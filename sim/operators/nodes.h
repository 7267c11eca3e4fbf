/* sim/operators/nodes.h - a loss on the nodes of a grid. Private to sim/operators/. */
#ifndef SL_SIM_OPERATORS_NODES_H
#define SL_SIM_OPERATORS_NODES_H

#include "sim/loss.h"

/* f[nx * ny] and, if g is not NULL, the gradient g[loss->dim][nx * ny] at the nodes (x_i, y_j), i * ny + j, through the
 * block kernels. A loss of one dimension does not look at y (which may be NULL). */
void sl_loss_on_nodes(double *f, double *g, const sl_loss *loss, size_t nx, const double *x, size_t ny,
                      const double *y);

#endif
