/* nets/trainer.h - what the drivers of trainings (nets/train.c, nets/range_test.c) need of a trainer beyond
 * nets/train.h. Private to them. */
#ifndef SL_NETS_TRAINER_H
#define SL_NETS_TRAINER_H

#include "nets/train.h"

/* Sums over the images of some steps, each image seen before the update of its batch. */
typedef struct {
    double loss, right, images;
} sl_train_sums;

/* One update; *sums is added to. SL_DIVERGED: no update was made. */
SL_CHECKED sl_status sl_trainer_step(sl_trainer *t, sl_train_sums *sums, sl_err *err);

/* The same at a rate of the caller's instead of the schedule's. */
SL_CHECKED sl_status sl_trainer_step_at(sl_trainer *t, double lr, sl_train_sums *sums, sl_err *err);

/* sl_trainer_evaluate, but SL_INTERRUPTED as soon as a stop is asked for. */
SL_CHECKED sl_status sl_trainer_evaluate_unless_stopped(sl_trainer *t, const sl_dataset *d, double *loss,
                                                        double *accuracy, sl_err *err);

double sl_trainer_data_seconds(const sl_trainer *t); /* that gathering mini-batches took so far */
const sl_schedule *sl_trainer_schedule(const sl_trainer *t);

#endif
