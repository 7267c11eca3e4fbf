/* claims/network.h - experiments on networks: arms (settings) times seeds, run side by side, one a core.
 *
 * Arms share their seeds: replicate k of every arm starts from the same weights and sees the samples in the same
 * order (where batch sizes agree), so differences between arms are paired and vary less than the arms do.
 * Every piece is a job of the run folder: finished ones are read back (SL_E_CONFIG if what is there is another
 * experiment's), unfinished curves continue from a checkpoint, unfinished stationary runs, which are short, anew. */
#ifndef SL_CLAIMS_NETWORK_H
#define SL_CLAIMS_NETWORK_H

#include "claims/claim.h"
#include "nets/train.h"

typedef struct {
    const char *name;      /* for keys, files and legends: letters, digits, '-' and '.' */
    const char *title;     /* for people                                              */
    const char *schedule, *rule; /* schedule "regime R": the regime R of optim/regime.h in place of schedule and lr */
    double lr, mu, weight_decay;
    size_t batch;
    sl_alpha_on alpha_on;  /* what a random rate's factor multiplies: eq 1's gradient, or as in PyTorch the step */
} sl_arm;

typedef struct {
    sl_dataset train, test;
    sl_model *model;
    const char *data, *model_name; /* "mnist", "digits:..."; "mlp", "mlp:..."         */
    sl_augment augment;            /* of training pictures; for the caller to set     */
    const char *init;              /* weights file that every run starts from, or NULL: random weights             */
    char init_path[1024];          /* where sl_network_pretrained keeps it                                         */
} sl_network;

/* The data of that name (NULL: that of the lab's scale; quick: the built-in digits; desk and paper: MNIST; an error that
 * says where it was looked for if it is not there), its first `samples` training samples (0: all), and the model. */
SL_CHECKED sl_status sl_network_open(sl_network *n, const sl_lab *lab, const char *data, const char *model,
                                     size_t samples, sl_err *err);
void sl_network_close(sl_network *n);

/* Starts every run from the weights in that file of the data folder, if it is there. */
void sl_network_pretrained(sl_network *n, const sl_lab *lab, const char *file);

/* The seed of replicate k of a lab. */
uint64_t sl_network_seed(const sl_lab *lab, size_t k);

/* Trains every arm with every seed for so many epochs, shuffled. curves[arm * seeds + k], to be freed by the caller:
 * a table with columns epoch, time, train_loss, train_accuracy, test_loss, test_accuracy, lr (accuracies in percent),
 * a row an epoch. key: prefix of the jobs' names. Errors: SL_DIVERGED naming arm and epoch. */
SL_CHECKED sl_status sl_network_curves(sl_table **curves, const sl_network *n, const sl_lab *lab, const char *key,
                                       const sl_arm *arms, size_t n_arms, size_t seeds, uint64_t epochs, sl_err *err);

/* Frees the n tables of sl_network_curves (not the array). */
void sl_network_free_curves(sl_table **curves, size_t n);

/* Runs every arm with batches drawn with replacement to time t = sum l / (1 - mu), and averages the full regularised
 * training loss at `evaluations` equally spaced moments of the second half: loss[arm * seeds + k]. */
SL_CHECKED sl_status sl_network_stationary(double *loss, const sl_network *n, const sl_lab *lab, const char *key,
                                           const sl_arm *arms, size_t n_arms, size_t seeds, double time,
                                           size_t evaluations, sl_err *err);

/* Mean over replicates of a[k] - b[k]. pooled_sd > 0: the standard deviation of such differences pooled over several
 * arms, with its degrees of freedom; 0: this pair's own. */
sl_estimate sl_paired_difference(const double *a, const double *b, size_t n, double pooled_sd, double pooled_dof);

/* (mean a - mean base) / (mean other - mean base): where a lies on the way from base to other, with its error to first
 * order in those of the three means. pooled_sd, pooled_dof: those of sl_pooled_sd for arms with these three among
 * them. */
sl_estimate sl_relative_difference(const double *a, const double *base, const double *other, size_t n,
                                   double pooled_sd, double pooled_dof);

/* Standard deviation of the difference of two arms in one replicate, pooled over all arms: sqrt 2 times that of the
 * residuals of x[arm * n + k] = arm + replicate + residual, whose variance is taken to be the same in all arms.
 * *dof = (arms-1)(n-1), exactly. (Differences of all arms from one of them would pool to the same mean, but they share
 * that one's noise, and so have fewer degrees of freedom than that.) */
double sl_pooled_sd(double *dof, const double *x, size_t n_arms, size_t n);

/* The arms' titles, comma-separated, their own commas taken out: categories of an axis (plots/plot.h). */
void sl_arm_labels(char *labels, size_t size, const sl_arm *arms, size_t n);

/* The largest value of a column that is not NAN. NAN if there is none, or no such column. */
double sl_table_max(const sl_table *t, const char *column);

#endif
