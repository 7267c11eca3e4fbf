/* plots/contour.h - contour lines of values on a grid, as rows of a table that SL_CURVE_LINE draws. */
#ifndef SL_PLOTS_CONTOUR_H
#define SL_PLOTS_CONTOUR_H

#include "base/table.h"

/* Adds rows (x, y, level) to t: where f = level, by linear interpolation on the edges of the grid's cells (marching
 * squares; the mean of its corners decides what a saddle cell joins). A piece of line is two rows, and a row of nan
 * stands after each, which no line is drawn through. f[nx * ny]: node (x[i], y[j]) at i * ny + j; cells with a corner
 * that is not finite have no lines. t: of three columns. Errors: those of sl_table_add. */
SL_CHECKED sl_status sl_contour(sl_table *t, const double *x, size_t nx, const double *y, size_t ny, const double *f,
                                double level, sl_err *err);

#endif
