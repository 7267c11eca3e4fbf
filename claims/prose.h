/* claims/prose.h - what the figures' recipes share: text that grows, tables that say how they were made, and drawing
 * with gnuplot perhaps absent. */
#ifndef SL_CLAIMS_PROSE_H
#define SL_CLAIMS_PROSE_H

#include <stddef.h>

#include "claims/claim.h"
#include "plots/plot.h"

typedef struct {
    char *text; /* malloc'd, NULL while empty */
    size_t length, room;
} sl_prose;

/* Appends. Without memory the text stays as it is. */
void sl_say(sl_prose *p, const char *format, ...) SL_PRINTF(2, 3);

/* Makes a table, names version, scale and seed in its header, has fill add the rest, and writes it into the lab's run
 * folder (if it has one) as `file`. Errors: those of fill; SL_E_MEMORY; SL_E_WRITE. */
typedef sl_status (*sl_fill)(void *ctx, sl_table *t, sl_err *err);
SL_CHECKED sl_status sl_tabulate(const sl_lab *lab, const char *file, size_t n_columns, const char *const *columns,
                                 sl_fill fill, void *ctx, sl_err *err);

/* Draws figure into the lab's run folder (if it has one) and hands text over to *summary, or frees it on failure.
 * A missing gnuplot is a line in the text, not a failure: data and script are there. */
SL_CHECKED sl_status sl_finish_figure(const sl_lab *lab, const sl_figure *figure, sl_prose *text, char **summary,
                                      sl_err *err);

#endif
