/* plots/script.h - the gnuplot script of a figure, as text. Private to plots/. */
#ifndef SL_PLOTS_SCRIPT_H
#define SL_PLOTS_SCRIPT_H

#include <stdio.h>

#include "plots/plot.h"

/* Is the figure well-formed? Names that could leave the folder, a grid too small for its panels, curves without
 * data or columns. Errors: SL_E_NAME, SL_E_USAGE. */
SL_CHECKED sl_status sl_figure_check(const sl_figure *figure, sl_err *err);

/* Writes the script of a figure that has been checked. */
void sl_figure_script(FILE *script, const sl_figure *figure);

#endif
