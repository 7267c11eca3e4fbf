/* optim/schedule.h - learning-rate schedules: lr(schedule, seed, replica, step), a pure function.
 *
 * Nothing is stored, so nothing has to be replayed on resume; random schedules read the counter stream
 * (base/random.h, purpose SL_PURPOSE_SCHEDULE, lane = replica). The rate returned for step k (k = 0 is the first
 * update) is the rate which update k applies. Where a schedule is defined per epoch, epoch = step / steps_per_epoch
 * rounded down; synthetic ensembles have steps_per_epoch = 1, so there an epoch is a step. Every schedule's end
 * points are stated in docs/schedules.md and tested: first, last and joint steps. */
#ifndef SL_OPTIM_SCHEDULE_H
#define SL_OPTIM_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/spec.h"

struct sl_rate_table;

/* A schedule bound to a run. Plain data: copy freely, no pointers but into the constant registry, and to a table of
 * rates (optim/rate_table.h), which lives as long as the program. */
typedef struct {
    sl_spec spec;
    double lr;               /* the base rate l of --lr, > 0: the mean rate of constant, random and cyclic, the
                                peak of the decaying ones; plrs and others with absolute bounds ignore it       */
    uint64_t steps_per_epoch; /* >= 1 */
    uint64_t total_steps;    /* the horizon, >= 1; schedules without one ignore it                             */
    const struct sl_rate_table *table; /* of the schedule 'table'; else NULL                                   */
} sl_schedule;

/* The registry, for `list`: schedules as entries. */
extern const sl_entry *const sl_schedules[];
extern const size_t sl_n_schedules;

/* Parses "random:delta=1", "cyclic:period=6", "cosine:warmup=5", ... Errors: those of sl_spec_parse; SL_E_DOMAIN for
 * a rate that is not positive and finite, or bounds that are not ordered; SL_E_CONFIG for a horizon that is too
 * short for the schedule (e.g. warm-up longer than the run); those of sl_rate_table_read for a schedule from a file. */
SL_CHECKED sl_status sl_schedule_init(sl_schedule *s, const char *text, double lr, uint64_t steps_per_epoch,
                                      uint64_t total_steps, sl_err *err);

/* The rate that update `step` of replica applies. Finite and >= 0 for every step, also beyond the horizon, where
 * schedules with one keep their final rate (cyclic ones go on). */
double sl_schedule_lr(const sl_schedule *s, uint64_t seed, uint64_t replica, uint64_t step);

/* rate[i] = sl_schedule_lr(s, seed, first_replica + i, step), i < n; fast for random schedules (a vector fill). */
void sl_schedule_fill(const sl_schedule *s, double *rate, size_t n, uint64_t seed, uint64_t first_replica,
                      uint64_t step);

/* The same for replicas that do not follow each other, from random words (uniform, 32 bits) of the caller's: rate[i] is
 * the rate that words[i] stands for at this step. Schedules that are not random do not look at them. */
void sl_schedule_from_words(const sl_schedule *s, double *rate, const uint32_t *words, size_t n, uint64_t step);

/* Does the rate differ between replicas (does it draw random numbers)? If not, fill gives n equal values. */
bool sl_schedule_is_random(const sl_schedule *s);

/* E alpha^2 / (E alpha)^2 of a random schedule's multiplier at one step, e.g. 1 + Delta^2/3 for random; 1 if not random. */
double sl_schedule_q(const sl_schedule *s);

/* Is every step's rate drawn from one law (constant, random, plrs without warm-up)? Only then is there a stationary state. */
bool sl_schedule_is_stationary(const sl_schedule *s);

/* Mean over steps first..last-1 of the expected rate; what is sampled is the expectation over alpha, exactly. */
double sl_schedule_mean(const sl_schedule *s, uint64_t first, uint64_t last);

#endif
