/* cli/samples.h - losses over samples of a data set: the option that names the loss, with two classes of pictures in
 * the place of synthetic samples where --data is given. */
#ifndef SL_CLI_SAMPLES_H
#define SL_CLI_SAMPLES_H

#include <cjson/cJSON.h>

#include "cli/options.h"
#include "sim/loss.h"

/* Rows of a command's table. */
#define SL_SAMPLES_OPTIONS                                                                                             \
    SL_OPTION(                                                                                                         \
        "data", SL_OPT_TEXT, "D", NULL,                                                                                \
        "two classes of a data set are the samples of logistic, hinge or least-squares; see sgdlab list datasets"),    \
        SL_OPTION("classes", SL_OPT_REALS, "a,b", "4,9", "--data: labels that become -1 and 1", .min = 0, .max = 255), \
        SL_OPTION("data-dir", SL_OPT_TEXT, "DIR", NULL,                                                                \
                  "where data sets are looked for (else $SGDLAB_DATA, else data/)", .local = true)

/* What a loss reads for as long as it is used. Starts zeroed; without --data it stays so. */
typedef struct {
    double *features, *targets; /* [m][n], [m] */
    size_t m, n;
} sl_cli_samples;
void sl_cli_samples_clear(sl_cli_samples *s);

/* The loss that `option` names. Of pictures: standardised as for networks and averaged over the smallest squares that
 * leave at most SL_LOSS_MAX_DIM - 1 features, row by row, channels fastest, without those that are the same number in
 * all samples, and a 1 at the end for the constant term; the training set's pictures of the two classes, in its order.
 * Errors: those of sl_loss_init, sl_loss_from_samples and sl_dataset_load; SL_E_USAGE for --classes or --data-dir
 * without --data; SL_E_DOMAIN for classes that are not two of the set. */
SL_CHECKED sl_status sl_cli_loss(sl_loss *loss, sl_cli_samples *s, const sl_cli *cli, const char *option, sl_err *err);

/* Into the configuration: how many samples and features there are; without --data, not that there might have been. */
void sl_cli_samples_resolve(cJSON *config, const sl_cli_samples *s);

#endif
