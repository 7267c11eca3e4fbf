/* base/table.h - a table of numbers with named columns and units, and its .dat file.
 *
 * File format, which gnuplot, NumPy and R read as it is: lines "# name = value" (everything needed to repeat the
 * run), a line "# rows = n", one line "# column[unit] column[unit] ...", then rows of doubles that round-trip (shortest form of at most
 * 17 digits), one space between. NaN is written "nan". Blocks (gnuplot's index) are separated by two blank lines;
 * a block has a title, written "# block = title" in front of it. (gnuplot does not count a block without rows.)
 * C locale. */
#ifndef SL_BASE_TABLE_H
#define SL_BASE_TABLE_H

#include <stddef.h>

#include "base/status.h"

typedef struct sl_table sl_table;

/* columns: "lr[1]", "loss[f]", "loss_se[f]": names are C identifiers, the unit (no blanks, no '=')
 * stands in brackets. n_columns >= 1. NULL on no memory or a column that is not of that form. */
sl_table *sl_table_alloc(size_t n_columns, const char *const *columns);
void sl_table_free(sl_table *t);

/* A header line; the value is text on one line: control characters become blanks, outer blanks go. The same name
 * again replaces it. SL_E_USAGE for a name that is empty, holds '=', or is "block" or "rows". */
SL_CHECKED sl_status sl_table_set(sl_table *t, const char *name, sl_err *err, const char *format, ...) SL_PRINTF(4, 5);
const char *sl_table_get(const sl_table *t, const char *name); /* NULL if absent */

/* Starts a new block; the first call before any row only names block 0. */
SL_CHECKED sl_status sl_table_block(sl_table *t, const char *title, sl_err *err);
SL_CHECKED sl_status sl_table_add(sl_table *t, const double *row, sl_err *err); /* row[n_columns] */

size_t sl_table_columns(const sl_table *t);
size_t sl_table_rows(const sl_table *t);                         /* over all blocks */
size_t sl_table_blocks(const sl_table *t);
const char *sl_table_block_title(const sl_table *t, size_t block);
size_t sl_table_block_start(const sl_table *t, size_t block);    /* its first row; block == blocks: the row count */
const double *sl_table_row(const sl_table *t, size_t i);
const char *sl_table_column_name(const sl_table *t, size_t j);   /* without the unit */
/* The column of that name; n_columns if there is none. */
size_t sl_table_find(const sl_table *t, const char *column);

/* Writes atomically (temporary name, flush, rename). Errors: SL_E_WRITE with the path and the system's reason. */
SL_CHECKED sl_status sl_table_write(const sl_table *t, const char *path, sl_err *err);
/* Reads a file written by sl_table_write. Errors: SL_E_FILE; SL_E_FORMAT with path, line and what was expected. */
SL_CHECKED sl_status sl_table_read(sl_table **t, const char *path, sl_err *err);

#endif
