/* nets/range_test.h - learning-rate range test: training while the rate rises geometrically, to see which rates learn
 * and which are too much (Smith 2017, "Cyclical learning rates", section 3.3; PLRS takes its L_max from it).
 *
 *   r_k = min (max / min)^(k / (steps - 1)),  k = 0 .. steps - 1
 *   s_k = sum_j b^(k-j) loss_j / sum_j b^(k-j),  j <= k    (bias-corrected exponential average)
 *
 * loss_k is that of batch k before its update at r_k. The average is over about L = steps / 20 batches (at least 1),
 * b = 1 - 1/L, a twentieth of the range whatever its number of steps. The test ends where s exceeds 4 times its least
 * value so far, where a loss is not finite, or with the range.
 *
 * An average at step k is, on average, of L - 1 steps before. Both rates read off it are moved back by as much:
 *   steepest  where s falls fastest against ln r, by differences over L steps, before the rise;
 *   rise      just below where the loss starts to rise: the last step at which s is within 5 % of its least value. */
#ifndef SL_NETS_RANGE_TEST_H
#define SL_NETS_RANGE_TEST_H

#include "nets/train.h"

typedef struct {
    double min, max; /* of the rate, 0 < min < max  */
    size_t steps;    /* 10 to SL_RANGE_MOST_STEPS   */
} sl_range;

enum { SL_RANGE_MOST_STEPS = 1000000 };

typedef struct {
    double lr, loss, smoothed;
} sl_range_point;

typedef enum {
    SL_RANGE_TO_THE_END, /* no rate of the range was much too large         */
    SL_RANGE_ROSE,       /* s exceeded 4 times its least value              */
    SL_RANGE_DIVERGED    /* a loss was not finite; it is not among the points */
} sl_range_end;

typedef struct {
    sl_range_point *points;
    size_t n;
    sl_range_end end;
    double steepest; /* NAN: the loss never fell   */
    double rise;     /* NAN: it did not rise       */
    double images, seconds, data_seconds; /* as in sl_train_result */
} sl_range_result;

void sl_range_result_clear(sl_range_result *r);

/* config: its schedule, epochs, steps and test set are ignored; its lr matters only for alpha on the gradient.
 * progress(ctx, fraction) may be NULL. *r is untouched on failure.
 * Errors: SL_E_DOMAIN (range); those of sl_trainer_alloc; SL_INTERRUPTED (nothing is kept). */
SL_CHECKED sl_status sl_range_test(sl_range_result *r, const sl_train_config *config, const sl_range *range,
                                   void (*progress)(void *ctx, double fraction), void *ctx, sl_err *err);

/* The two rates from points[n] and end, for a test that was to have so many steps. */
void sl_range_read(sl_range_result *r, size_t steps);

/* config as the test trains with it, for sl_train_plan_for. */
sl_train_config sl_range_training(const sl_train_config *config, const sl_range *range);

#endif
