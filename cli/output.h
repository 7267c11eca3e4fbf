/* cli/output.h - what commands print: tables for people, one JSON object for programs, notes on standard error; and
 * the folder in which a command leaves its results. */
#ifndef SL_CLI_OUTPUT_H
#define SL_CLI_OUTPUT_H

#include <cjson/cJSON.h>

#include "base/run.h"
#include "base/stats.h"
#include "cli/options.h"

/* Prints the JSON object with --json, else calls people(cli, result). */
void sl_cli_answer(sl_cli *cli, const cJSON *result, void (*people)(const sl_cli *cli, const cJSON *result));

/* "note: ..." on standard error; not with --quiet. */
void sl_cli_note(const sl_cli *cli, const char *format, ...) SL_PRINTF(2, 3);

/* Text of a table for people: cells row by row, columns padded to their widest cell. right: one letter a column,
 * 'l' or 'r'. Cells are copied. */
typedef struct sl_grid sl_grid;
sl_grid *sl_grid_alloc(const char *alignment);
void sl_grid_add(sl_grid *g, const char *format, ...) SL_PRINTF(2, 3); /* the next cell            */
void sl_grid_print(sl_grid *g);                                       /* to standard output, frees */

/* A row of four cells: name, measured (an estimate; no row where it is null), predicted, and how far they are apart:
 * against an exact prediction in standard errors, against one of leading order in percent. */
void sl_grid_compare(sl_grid *g, const char *name, const cJSON *measured, const cJSON *predicted, bool exact);

/* The result's "notes", a line each, on standard output. */
void sl_cli_print_notes(const cJSON *result);

/* value and se with as many digits as the error allows, "0.12345 +- 0.00067"; "-" for nothing. */
void sl_cli_estimate(char text[64], double value, double se);
/* The number or NAN. item may be NULL. */
double sl_cli_number(const cJSON *item);
/* {"value": v, "se": s} -> both; NAN where absent or null. */
sl_estimate sl_cli_read_estimate(const cJSON *pair);

/* Opens the run folder that the common options ask for (none with --no-save). name: "double-well". config: the whole
 * configuration. *old: the result of a folder that is complete (a note says so), to be printed and freed; else NULL. */
SL_CHECKED sl_status sl_cli_open(sl_run **run, cJSON **old, const sl_cli *cli, const char *name, const cJSON *config,
                                 sl_err *err);

/* Ends the run with its status (NULL: what st says: complete, interrupted or diverged); on an earlier failure `st`
 * (kept in *err) only the manifest is closed, and st returned. Frees the run. */
SL_CHECKED sl_status sl_cli_close(sl_run *run, sl_status st, const char *status, const cJSON *result, sl_err *err);

/* A drawing that was tried: SL_OK also where gnuplot is absent, which a note says. */
SL_CHECKED sl_status sl_cli_drawn(const sl_cli *cli, sl_status st, sl_err *err);

/* The configuration as header lines of a table, option by option. */
SL_CHECKED sl_status sl_cli_header(sl_table *t, const cJSON *config, sl_err *err);

#endif
