/* cli/simulate_files.h - what `simulate` leaves in its run folder. */
#ifndef SL_CLI_SIMULATE_FILES_H
#define SL_CLI_SIMULATE_FILES_H

#include "base/run.h"
#include "cli/simulate.h"

/* simulate.dat (a row a coordinate), histogram.dat and series.dat where there are such, and the figure "simulate".
 * Nothing for a run without a folder. SL_E_UNAVAILABLE without gnuplot: all but the pictures is there. */
SL_CHECKED sl_status sl_simulate_write(sl_run *run, const sl_simulation *s, const sl_observed *o,
                                       const sl_prediction *p, const cJSON *config, sl_err *err);

#endif
