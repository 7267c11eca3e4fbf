#include "plots/contour.h"

#include <math.h>
#include <stdbool.h>

typedef struct {
    double x, y;
} point;

/* Where the value passes the level between two corners, on different sides of it. */
static point crossing(point a, double fa, point b, double fb, double level)
{
    const double t = (level - fa) / (fb - fa);
    return (point){a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)};
}

static sl_status add_piece(sl_table *t, point a, point b, double level, sl_err *err)
{
    const double rows[3][3] = {{a.x, a.y, level}, {b.x, b.y, level}, {NAN, NAN, NAN}};
    for (int i = 0; i < 3; i++) SL_TRY(sl_table_add(t, rows[i], err));
    return SL_OK;
}

/* Corners in turn around the cell. Edge k leads from corner k to the next; 0, 2 or 4 of them are crossed. */
static sl_status add_cell(sl_table *t, const point corner[4], const double f[4], double level, sl_err *err)
{
    point cut[4];
    size_t n = 0, first = 0;
    for (size_t k = 0; k < 4; k++) {
        const size_t next = (k + 1) % 4;
        if (!isfinite(f[k])) return SL_OK;
        if ((f[k] >= level) == (f[next] >= level)) continue;
        if (n == 0) first = k;
        if (isfinite(f[next])) cut[n++] = crossing(corner[k], f[k], corner[next], f[next], level);
    }
    if (n == 2) return add_piece(t, cut[0], cut[1], level, err);
    if (n < 4) return SL_OK;
    /* All edges are cut (first = 0). Corner 0 is cut off alone by edges 3 and 0 where the middle is on the other side.
     */
    const bool alone = ((f[0] + f[1] + f[2] + f[3]) / 4 >= level) != (f[first] >= level);
    SL_TRY(add_piece(t, cut[0], cut[alone ? 3 : 1], level, err));
    return add_piece(t, cut[2], cut[alone ? 1 : 3], level, err);
}

sl_status sl_contour(sl_table *t, const double *x, size_t nx, const double *y, size_t ny, const double *f, double level,
                     sl_err *err)
{
    for (size_t i = 0; i + 1 < nx; i++)
        for (size_t j = 0; j + 1 < ny; j++) {
            const point corner[] = {{x[i], y[j]}, {x[i + 1], y[j]}, {x[i + 1], y[j + 1]}, {x[i], y[j + 1]}};
            const double value[] = {f[i * ny + j], f[(i + 1) * ny + j], f[(i + 1) * ny + j + 1], f[i * ny + j + 1]};
            SL_TRY(add_cell(t, corner, value, level, err));
        }
    return SL_OK;
}
