/* cli/progress.h - how far a long command is: a bar with the time left on a terminal, a line now and then where
 * standard error is a file, nothing with --quiet. */
#ifndef SL_CLI_PROGRESS_H
#define SL_CLI_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>

#include "cli/options.h"

typedef struct {
    bool silent, terminal;
    bool drawn;          /* a bar stands on the current line        */
    double start, last;  /* seconds of a monotonic clock            */
    double from;         /* the fraction at which `what` began      */
    char what[96];
    char note[96];       /* the latest news of it                   */
    pthread_mutex_t lock;
} sl_progress;

void sl_progress_start(sl_progress *p, const sl_cli *cli);

/* ctx: an sl_progress. what: the piece of work, or NULL (at first the command); its own fraction in 0..1. May be
 * called from any thread. */
void sl_progress_show(void *ctx, const char *what, double fraction);

/* The same for callbacks that know no name. */
void sl_progress_fraction(void *ctx, double fraction);

/* That much more was there before the command began: it counts, but not for the speed. */
void sl_progress_skip(sl_progress *p, double fraction);

/* News to stand beside the bar from now on: "epoch 3 of 10: loss 0.31". */
void sl_progress_note(sl_progress *p, const char *format, ...) SL_PRINTF(2, 3);

/* Takes the bar away. */
void sl_progress_end(sl_progress *p);

#endif
