/* cli/sweep_file.h - what a sweep's file says: which options of train vary together, over which seeds, and how the
 * runs are compared. A line is a word and its values, blank-separated; "..." or '...' hold blanks; # begins a comment.
 *
 *   lr 0.01 0.02 0.05            an option of train; several values make an axis, one is the same for all
 *   with lr=0.1 batch=64         lines that name the same options make one axis together, a line a value
 *   seeds 5   or   seed 3 8 9    the seeds of every cell
 *   metric final_test_loss       what is compared (best_test_accuracy)
 *   compare lr schedule          the figure's x axis and its curves
 *   name rates                   of the folder (the file's name)
 *
 * The cells of the grid are all combinations of the axes' values, the last axis changing fastest. */
#ifndef SL_CLI_SWEEP_FILE_H
#define SL_CLI_SWEEP_FILE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

enum { SL_SWEEP_TIED = 8, SL_SWEEP_AXES = 8, SL_SWEEP_OPTIONS = 64, SL_SWEEP_JOBS = 100000 };

/* What of a run is compared. */
typedef struct {
    const char *name, *label;  /* "best_test_accuracy", "best test accuracy"                           */
    bool higher;               /* is better                                                            */
    bool percent;              /* a fraction, which people read in percent                             */
    const char *key;           /* in an epoch's row                                                    */
    bool best;                 /* of all epochs; else the last one                                     */
} sl_sweep_metric;

/* An option, or several that `with` ties together, and its values as written (a flag's are "on" and "off"). */
typedef struct {
    size_t n_options, n_values;
    const sl_option *option[SL_SWEEP_TIED];
    const char **value;        /* [n_values][n_options]                                                */
    size_t line;               /* of the file, the first one                                           */
    bool tied;                 /* by `with`                                                            */
} sl_sweep_axis;

typedef struct {
    const char *path;          /* of the file, as given                                                */
    char *text;                /* the whole of it                                                      */
    char *words;               /* another copy, cut into words that the rest points at                 */
    const char *name;
    char stem[64];
    const sl_sweep_metric *metric;
    uint64_t *seed;
    size_t n_seeds;
    bool names_seed;           /* there is a line seed                                                 */
    sl_sweep_axis *axis;       /* those with several values first, in the file's order                 */
    size_t n_axes, n_varied;
    size_t x, curve;           /* varied axes of the figure; curve = n_varied: there is none           */
    size_t x_option;           /* which of tied ones gives the x axis's numbers                        */
    bool x_named;              /* by compare; else the values of tied ones are drawn as names          */
    size_t n_cells;
} sl_sweep_file;

/* Reads and checks everything that can be said without running; seed: of --seed, where the file has no seed.
 * Errors: SL_E_FILE; SL_E_CONFIG naming file, line, word and what is known. */
SL_CHECKED sl_status sl_sweep_read(sl_sweep_file *f, const char *path, uint64_t seed, sl_err *err);
void sl_sweep_file_free(sl_sweep_file *f);

/* The grid of the lines that have been read: orders the axes, counts the cells, chooses the figure's axes. Part of
 * sl_sweep_read. SL_E_CONFIG for too large a grid. */
SL_CHECKED sl_status sl_sweep_lay_out(sl_sweep_file *f, sl_err *err);

/* Which value of the axis the cell has. */
size_t sl_sweep_value(const sl_sweep_file *f, size_t cell, size_t axis);
/* "lr", or "lr, batch" of tied ones; "0.1", or "lr=0.1 batch=64". Truncated to size bytes. */
void sl_sweep_axis_name(char *text, size_t size, const sl_sweep_axis *a);
void sl_sweep_value_name(char *text, size_t size, const sl_sweep_axis *a, size_t value);
/* "lr=0.1 schedule=constant": the cell among others; empty if nothing varies. */
void sl_sweep_cell_name(char *text, size_t size, const sl_sweep_file *f, size_t cell);
/* Are the values of its option k numbers (then *v is one), so that it can be drawn along? */
bool sl_sweep_numeric(const sl_sweep_axis *a, size_t k, size_t value, double *v);

/* The words of the cell's run with that seed, "--lr=0.1", each to be freed, NULL at the end; NULL on no memory. */
char **sl_sweep_arguments(const sl_sweep_file *f, size_t cell, uint64_t seed);
/* Its whole configuration, train's defaults included. Errors: SL_E_CONFIG. */
SL_CHECKED sl_status sl_sweep_configuration(cJSON **config, const sl_sweep_file *f, char **arguments, sl_err *err);

#endif
