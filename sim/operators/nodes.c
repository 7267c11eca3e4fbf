#include "sim/operators/nodes.h"

#include <string.h>

enum { BLOCK = 256 };

typedef struct {
    _Alignas(64) double x[2][BLOCK], g[2][BLOCK], f[BLOCK];
} block;

void sl_loss_on_nodes(double *f, double *g, const sl_loss *loss, size_t nx, const double *x, size_t ny, const double *y)
{
    const size_t n = nx * ny;
    block b;
    for (size_t first = 0; first < n; first += BLOCK) {
        const size_t m = n - first < BLOCK ? n - first : BLOCK;
        for (size_t k = 0; k < m; k++) {
            b.x[0][k] = ny > 1 ? x[(first + k) / ny] : x[first + k];
            b.x[1][k] = loss->dim > 1 ? y[(first + k) % ny] : 0;
        }
        for (size_t k = m; k < BLOCK; k++) /* by the last node, since kernels take multiples of 8 */
            b.x[0][k] = b.x[0][m - 1], b.x[1][k] = b.x[1][m - 1];
        loss->kind->value(loss, BLOCK, BLOCK, b.x[0], b.f);
        memcpy(f + first, b.f, m * sizeof *f);
        if (!g) continue;
        loss->kind->gradient(loss, BLOCK, BLOCK, b.x[0], b.g[0]);
        for (size_t d = 0; d < loss->dim; d++) memcpy(g + d * n + first, b.g[d], m * sizeof *g);
    }
}
