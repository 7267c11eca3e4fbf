#include "nets/range_test.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "nets/trainer.h"

static const double TOO_MUCH = 4, NEARLY_LEAST = 1.05;
enum { PARTS = 20, LEAST_STEPS = 10 };

/* L: of how many batches the average is. */
static size_t memory_of(size_t steps)
{
    return steps < 2 * PARTS ? 1 : steps / PARTS;
}

static sl_status check(const sl_range *r, sl_err *err)
{
    if (!(r->min > 0 && r->max > r->min && isfinite(r->max)))
        return sl_fail(err, SL_E_DOMAIN, "range test from %g to %g, need 0 < min < max < inf", r->min, r->max);
    if (r->steps < LEAST_STEPS || r->steps > SL_RANGE_MOST_STEPS)
        return sl_fail(err, SL_E_DOMAIN, "range test of %zu steps, need %d to %d", r->steps, LEAST_STEPS,
                       SL_RANGE_MOST_STEPS);
    return SL_OK;
}

sl_train_config sl_range_training(const sl_train_config *config, const sl_range *range)
{
    sl_train_config c = *config;
    c.test = NULL;
    c.schedule = "constant";
    c.epochs = 0;
    c.steps = range->steps;
    return c;
}

static sl_status run(sl_range_result *r, sl_trainer *t, const sl_range *range,
                     void (*progress)(void *ctx, double fraction), void *ctx, sl_err *err)
{
    const double keep = 1 - 1 / (double)memory_of(range->steps);
    const double log_step = log(range->max / range->min) / (double)(range->steps - 1);
    double sum = 0, weight = 0, least = INFINITY;
    for (size_t k = 0; k < range->steps; k++) {
        if (sl_stop_requested())
            return sl_fail(err, SL_INTERRUPTED, "range test interrupted after %zu of %zu steps", k, range->steps);
        const double lr = range->min * exp(log_step * (double)k);
        sl_train_sums batch = {0};
        const sl_status st = sl_trainer_step_at(t, lr, &batch, err);
        if (st == SL_DIVERGED) {
            r->end = SL_RANGE_DIVERGED;
            break;
        }
        if (st != SL_OK) return st;
        const double loss = batch.loss / batch.images;
        r->images += batch.images;
        sum = keep * sum + loss;
        weight = keep * weight + 1;
        r->points[r->n++] = (sl_range_point){.lr = lr, .loss = loss, .smoothed = sum / weight};
        if (sum / weight < least) least = sum / weight;
        if (progress) progress(ctx, (double)(k + 1) / (double)range->steps);
        if (sum / weight > TOO_MUCH * least) {
            r->end = SL_RANGE_ROSE;
            break;
        }
    }
    return SL_OK;
}

sl_status sl_range_test(sl_range_result *result, const sl_train_config *config, const sl_range *range,
                        void (*progress)(void *ctx, double fraction), void *ctx, sl_err *err)
{
    SL_TRY(check(range, err));
    const sl_train_config c = sl_range_training(config, range);
    sl_range_result r = {.end = SL_RANGE_TO_THE_END, .points = calloc(range->steps, sizeof *r.points)};
    if (!r.points) return sl_fail(err, SL_E_MEMORY, "no memory for a range test of %zu steps", range->steps);
    sl_trainer *t = NULL;
    sl_status st = sl_trainer_alloc(&t, &c, err);
    if (st == SL_OK) {
        const double start = sl_clock();
        st = run(&r, t, range, progress, ctx, err);
        r.seconds = sl_clock() - start;
        r.data_seconds = sl_trainer_data_seconds(t);
    }
    sl_trainer_free(t);
    if (st == SL_OK) {
        sl_range_read(&r, range->steps);
        *result = r;
    } else {
        sl_range_result_clear(&r);
    }
    return st;
}

/* The last step at which the average is nearly its least; n if the loss did not rise after it. */
static size_t find_rise(const sl_range_result *r)
{
    double least = INFINITY;
    for (size_t k = 0; k < r->n; k++) least = fmin(least, r->points[k].smoothed);
    size_t last = r->n;
    for (size_t k = 0; k < r->n; k++)
        if (r->points[k].smoothed <= NEARLY_LEAST * least) last = k;
    return last + 1 == r->n && r->end != SL_RANGE_DIVERGED ? r->n : last;
}

/* The step of the fastest fall up to step `before`; n if there is none. */
static size_t find_steepest(const sl_range_result *r, size_t memory, size_t before)
{
    const size_t half = memory > 1 ? memory / 2 : 1;
    size_t at = r->n;
    double steepest = 0;
    for (size_t k = memory + half; k + half < r->n && k <= before; k++) {
        const sl_range_point *const a = &r->points[k - half], *const b = &r->points[k + half];
        const double slope = (b->smoothed - a->smoothed) / log(b->lr / a->lr);
        if (slope < steepest) {
            steepest = slope;
            at = k;
        }
    }
    return at;
}

void sl_range_read(sl_range_result *r, size_t steps)
{
    const size_t memory = memory_of(steps), lag = memory - 1;
    const size_t rise = find_rise(r), steepest = find_steepest(r, memory, rise);
    r->rise = rise < r->n ? r->points[rise > lag ? rise - lag : 0].lr : NAN;
    r->steepest = steepest < r->n ? r->points[steepest > lag ? steepest - lag : 0].lr : NAN;
}

void sl_range_result_clear(sl_range_result *r)
{
    free(r->points);
    *r = (sl_range_result){0};
}
