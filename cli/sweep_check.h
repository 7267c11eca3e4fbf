/* cli/sweep_check.h - train's options as a sweep's file may use them, and whether a value is good: by train's own
 * table, and by the registries of what is named. */
#ifndef SL_CLI_SWEEP_CHECK_H
#define SL_CLI_SWEEP_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"

/* Those that decide a run's result, seed and seeds among them. Returns how many. */
size_t sl_sweep_options(const sl_option *options[SL_CLI_OPTIONS]);

/* Why an option of train cannot stand in a sweep's file; NULL if it can, or is none. */
const char *sl_sweep_excluded(const char *name);

/* Does train have that option at all? */
bool sl_sweep_train_has(const char *name);

/* Errors: SL_E_CONFIG naming file, line, option, value and what is wrong with it. */
SL_CHECKED sl_status sl_sweep_check_value(const char *path, size_t line, const sl_option *o, const char *value,
                                          sl_err *err);

/* Do two good values mean the same, as 0.1 and 1e-1 do? */
bool sl_sweep_same(const sl_option *o, const char *a, const char *b);

/* The word for train's command line, "--lr=0.1"; NULL for a flag that is off. To be freed; NULL on no memory too. */
char *sl_sweep_word(const sl_option *o, const char *value);

#endif
