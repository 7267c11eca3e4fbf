/* optim/rate_table.h - a learning rate as a curve in a file: straight lines between rows of numbers.
 *
 * A table is read once, never changes and lives as long as the program, so that a schedule that points at it is still
 * plain data. The same file with the same content gives the same pointer. */
#ifndef SL_OPTIM_RATE_TABLE_H
#define SL_OPTIM_RATE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct sl_rate_table sl_rate_table;

/* Reads columns 1 (where: u, epochs or steps) and `column` (the factor of the rate; 2 is the next one) of a text of
 * numbers; '#' starts a comment. At least two rows; column 1 ascending from 0 or above; factors 0 or 1e-100 to 1e100,
 * and not all 0. Safe from several threads.
 * Errors: SL_E_FILE; SL_E_FORMAT with path, line and what was expected; SL_E_MEMORY. */
SL_CHECKED sl_status sl_rate_table_read(const sl_rate_table **t, const char *path, size_t column, sl_err *err);

/* The factor at x: linear between rows, that of the first or last row beyond them. */
double sl_rate_table_at(const sl_rate_table *t, double x);

size_t sl_rate_table_rows(const sl_rate_table *t);
double sl_rate_table_last(const sl_rate_table *t);   /* x of the last row         */
uint64_t sl_rate_table_hash(const sl_rate_table *t); /* of the numbers that it has */

#endif
