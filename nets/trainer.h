/* nets/trainer.h - what nets/train.c needs of a trainer beyond nets/train.h. Private to the two. */
#ifndef SL_NETS_TRAINER_H
#define SL_NETS_TRAINER_H

#include "nets/train.h"

/* Sums over the images of some steps, each image seen before the update of its batch. */
typedef struct {
    double loss, right, images;
} sl_train_sums;

/* One update; *sums is added to. SL_DIVERGED: no update was made. */
SL_CHECKED sl_status sl_trainer_step(sl_trainer *t, sl_train_sums *sums, sl_err *err);

const sl_schedule *sl_trainer_schedule(const sl_trainer *t);

#endif
