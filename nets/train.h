/* nets/train.h - training a network with the rules and schedules of optim/.
 *
 * A trainer is one network being trained: its state is a function of (configuration, seed, step), not of how many
 * threads share a step's work. Small networks run side by side, one a core; large ones share the cores. */
#ifndef SL_NETS_TRAIN_H
#define SL_NETS_TRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "nets/dataset.h"
#include "nets/model.h"
#include "optim/regime.h"
#include "optim/rule.h"
#include "optim/schedule.h"

typedef enum {
    SL_ORDER_SHUFFLE,      /* a new permutation each epoch; the last, short batch is used too (as PyTorch's loader) */
    SL_ORDER_FILE,         /* file order                                                                         */
    SL_ORDER_REPLACEMENT   /* every batch drawn with replacement; an epoch is ceil(n / batch) steps               */
} sl_order;

typedef struct {
    const sl_model *model;      /* borrowed                                                       */
    const sl_dataset *train;    /* borrowed                                                       */
    const sl_dataset *test;     /* borrowed; NULL: not evaluated                                  */
    sl_rule rule;
    const char *schedule;       /* text; bound to lr, steps per epoch and horizon by the trainer  */
    double lr;
    const char *regime;         /* text of optim/regime.h, in place of schedule and lr (which must still be good ones);
                                   NULL: schedule and lr                                          */
    size_t batch;
    uint64_t epochs;            /* the horizon, in epochs; 0: it is steps                         */
    uint64_t steps;             /* stop after so many steps; 0, or beyond the horizon: at that    */
    sl_order order;
    uint64_t seed;              /* initial weights, order, random rates                           */
    const char *init;           /* weights file, or NULL                                          */
    sl_augment augment;         /* of training pictures (crop: at most their shorter side)        */
    double label_smoothing;     /* 0 <= e < 1, of the training loss alone                         */
    int threads;                /* that share the work of steps and evaluations (0: 1); results do not depend on it */
} sl_train_config;

/* What a training will take. */
typedef struct {
    uint64_t steps_per_epoch;
    uint64_t horizon, stop;      /* steps: what schedules call the end, and where sl_train ends */
    size_t evaluation_batch;     /* samples that go through at a time in evaluations          */
    size_t workspace_batch;      /* the most that go through at a time                         */
    size_t index_length;         /* sample numbers kept                                        */
    int threads;
    double workspace_bytes;
    double regime_bytes;         /* state and scratch of a regime, with the second point and its gradient     */
    double bytes;                /* memory: state, velocity, gradient, sample numbers, workspace, regime; not the data
                                    sets                                                                          */
    double checkpoint_bytes;     /* more while a checkpoint is written or read: one at a time in a process           */
} sl_train_plan;

/* Takes nothing yet. *plan is untouched on failure. Errors: SL_E_DOMAIN (batch; epochs and steps both 0, or beyond 2^48
 * steps; lr; augmentation; label smoothing; a batch of one sample for a batch norm of single pixels); SL_E_CONFIG (sets
 * or model that do not fit each other); SL_E_MEMORY (more than can be addressed); those of sl_schedule_init and
 * sl_regime_init. */
SL_CHECKED sl_status sl_train_plan_for(sl_train_plan *plan, const sl_train_config *config, sl_err *err);

typedef struct sl_trainer sl_trainer;

/* Errors: those of sl_train_plan_for and sl_weights_read; SL_E_MEMORY. */
SL_CHECKED sl_status sl_trainer_alloc(sl_trainer **t, const sl_train_config *config, sl_err *err);
void sl_trainer_free(sl_trainer *t);

uint64_t sl_trainer_step_count(const sl_trainer *t);   /* updates done                          */
uint64_t sl_trainer_steps_per_epoch(const sl_trainer *t);
uint64_t sl_trainer_stop(const sl_trainer *t);         /* the step at which sl_train ends        */
double sl_trainer_last_lr(const sl_trainer *t);        /* rate applied by the last update; NAN before the first */
/* The regime's, or NULL. */
sl_regime_run *sl_trainer_regime(sl_trainer *t);
float *sl_trainer_params(sl_trainer *t);    /* the whole state, [sl_model_state]: parameters, running statistics */
float *sl_trainer_velocity(sl_trainer *t);  /* [sl_model_parameters]                                             */
/* Goes on from that step; state and velocity are for the caller to set. */
void sl_trainer_set_step(sl_trainer *t, uint64_t step);

/* n updates, of the parameters by the rule (weight decay on all of them, as PyTorch's) and of batch norms' running
 * statistics. Running means of the mini-batches' losses and accuracies go to *loss, *accuracy (NULL to skip), each
 * batch weighted by its size, taken before its update. SL_DIVERGED (message: step and epoch) as soon as a batch's
 * loss is not finite: nothing is changed by that batch. */
SL_CHECKED sl_status sl_trainer_run(sl_trainer *t, uint64_t n, double *loss, double *accuracy, sl_err *err);

/* Mean loss and accuracy (fraction) of the current weights on a data set, unvaried; batch norms use their running
 * statistics. */
void sl_trainer_evaluate(sl_trainer *t, const sl_dataset *d, double *loss, double *accuracy);
/* The same plus (w/2)|x|^2 with the rule's weight decay: what SGD minimises. */
double sl_trainer_regularised_loss(sl_trainer *t, const sl_dataset *d);

/* One epoch's row. Accuracies are fractions. lr: the rate applied last. train_*: running means over the epoch. */
typedef struct {
    uint64_t epoch; /* from 1 */
    double train_loss, train_accuracy, test_loss, test_accuracy, lr;
} sl_epoch;

typedef enum { SL_TRAIN_COMPLETE, SL_TRAIN_DIVERGED, SL_TRAIN_INTERRUPTED } sl_train_status;

typedef struct {
    sl_epoch *epochs;
    size_t n_epochs;
    double best_test_accuracy, final_test_accuracy; /* NAN if never evaluated          */
    uint64_t best_epoch;                             /* the first with the best; 0: none */
    double images, seconds;  /* trained in this process, and what its steps took, for images per second */
    double data_seconds;     /* of these, for gathering mini-batches                    */
    double total_seconds;    /* in this process: with evaluations and checkpoints       */
    sl_train_status status;
    uint64_t diverged_epoch, diverged_step;          /* from 1 and 0, if diverged; such an epoch has no row */
} sl_train_result;

void sl_train_result_clear(sl_train_result *r);

/* A whole training, epoch by epoch. checkpoint: path of an HDF5 file that is rewritten (atomically) every
 * checkpoint_epochs epochs, checkpoint_seconds after the last time (also within an epoch) and at SL_INTERRUPTED, and
 * continued from if it exists; NULL: none. The same bytes come out however often it was killed and resumed. save: path
 * for the final weights, or NULL.
 * Returns SL_OK, SL_DIVERGED (also where an epoch leaves weights or a test loss that are not finite), SL_INTERRUPTED
 * (result stands in all three) or an error. */
typedef struct {
    const char *checkpoint;
    uint64_t checkpoint_epochs; /* 0: 1 */
    double checkpoint_seconds;  /* 0: at the ends of epochs only */
    const char *save;
    void (*progress)(void *ctx, const sl_epoch *e, uint64_t epochs); /* after each epoch; may be NULL */
    /* Where the training stands: once at its beginning, then every step_seconds (0: 0.1) at most; may be NULL. */
    void (*stepped)(void *ctx, uint64_t step, uint64_t stop);
    double step_seconds;
    void *ctx;
} sl_train_options;
SL_CHECKED sl_status sl_train(sl_train_result *r, const sl_train_config *config, const sl_train_options *options,
                              sl_err *err);

#endif
