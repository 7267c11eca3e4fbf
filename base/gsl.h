/* base/gsl.h - GSL as a library that returns, rather than one that aborts. */
#ifndef SL_BASE_GSL_H
#define SL_BASE_GSL_H

/* Switches GSL's aborting error handler off, once per process; any number of calls from any thread.
 * To be called before the first use of GSL in every module that uses it. */
void sl_gsl_quiet(void);

#endif
