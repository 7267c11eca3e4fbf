/* optim/schedule_family.h - what a family of schedules supplies. Private to optim/schedule*.c.
 *
 * optim/schedule.c does what is common to all: parsing, the warm-up, random numbers, sums. A family is a function of
 * its own clock t, in steps since the warm-up ended. Its parameters come first, in the order of an enum in its file,
 * then those of SL_SCHEDULE_COMMON. */
#ifndef SL_OPTIM_SCHEDULE_FAMILY_H
#define SL_OPTIM_SCHEDULE_FAMILY_H

#include <math.h>

#include "optim/schedule.h"

typedef struct {
    sl_entry entry; /* first: the registry points at it */

    /* The rate of step t >= 0, a whole number; its expectation if the family is random. */
    double (*rate)(const sl_schedule *s, double t);

    /* delta: the rate is rate(s, t) times a number drawn from U[1-delta, 1+delta]. NULL: not random. */
    double (*spread)(const sl_schedule *s);

    /* Refuses what ranges of single parameters cannot; may fill in defaults that depend on others. NULL: nothing. */
    sl_status (*check)(sl_schedule *s, sl_err *err);

    bool stationary; /* rate(s, t) is the same for all t */
} sl_schedule_family;

extern const sl_schedule_family sl_schedule_constant, sl_schedule_random, sl_schedule_plrs;
extern const sl_schedule_family sl_schedule_cosine, sl_schedule_linear, sl_schedule_poly, sl_schedule_knee,
    sl_schedule_one_cycle;
extern const sl_schedule_family sl_schedule_step, sl_schedule_multi_step, sl_schedule_exponential,
    sl_schedule_inverse_sqrt;
extern const sl_schedule_family sl_schedule_table;
extern const sl_schedule_family sl_schedule_cyclic, sl_schedule_cosine_restarts, sl_schedule_triangular;

/* Ranges: no rate and no time that is asked for comes near these. */
#define SL_RATE_MAX 1e9
#define SL_EPOCHS_MAX 1e9

/* The last two parameters of every family. */
#define SL_SCHEDULE_COMMON                                                                                    \
    {.name = "warmup", .help = "length of a linear warm-up in front, epochs", .max = SL_EPOCHS_MAX},          \
    {.name = "warmup-from", .help = "rate at step 0 as a fraction of the rate that the warm-up leads to",     \
     .def = 1.0 / 3, .max = 1}

#define SL_PER_STEP(d) \
    {.name = "per-step", .help = "1: changes at every step; 0: once an epoch", .def = (d), .max = 1, .integer = true}

#define SL_PARAMS(array) .params = (array), .n_params = sizeof(array) / sizeof *(array)

/* The value of parameter k. */
static inline double sl_schedule_param(const sl_schedule *s, size_t k)
{
    return s->spec.value[k].v[0];
}

/* A time given in epochs, in steps: a whole number, so that 0.07 epochs of 100 steps are 7 steps and not a bit more. */
static inline double sl_schedule_steps(const sl_schedule *s, double epochs)
{
    return round(epochs * (double)s->steps_per_epoch);
}

/* Steps from the end of the warm-up to the horizon. */
double sl_schedule_horizon(const sl_schedule *s);

/* Epochs completed at t: a whole number, or with its fraction. */
static inline double sl_schedule_epochs(const sl_schedule *s, double t, bool fraction)
{
    const double e = t / (double)s->steps_per_epoch;
    return fraction ? e : floor(e);
}

/* 1 - u, the part of the horizon that is left at t: 1 at t = 0, and 0 from t = horizon on. With per_step false, t is
 * that of the first step of its epoch. Formed as (horizon - t) / horizon, which keeps its digits near the end. */
double sl_schedule_left(const sl_schedule *s, double t, bool per_step);

/* h = (1 + cos pi u)/2 from left = 1 - u, written so that it keeps its digits where h is small. */
static inline double sl_schedule_half_cosine(double left)
{
    const double root = sin(M_PI / 2 * left);
    return root * root;
}

/* SL_E_CONFIG if parameter k, a time that is so many steps long, is less than one. */
SL_CHECKED sl_status sl_schedule_check_steps(const sl_schedule *s, size_t k, double steps, sl_err *err);

/* SL_E_DOMAIN if parameter k, a smallest rate, is above l. */
SL_CHECKED sl_status sl_schedule_check_min(const sl_schedule *s, size_t k, sl_err *err);

#endif
