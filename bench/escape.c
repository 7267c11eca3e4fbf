/* bench/escape.c - what it costs to watch for exits: nanoseconds of processor time an update, one job.
 *
 * The double well of bench/sgd.c (heavy ball, l = 0.01, mu = 0.9, Gaussian noise) by sl_sgd_run and, in turn with it,
 * by sl_sgd_escape from the left minimum until 1.5 away from it, with as many replicas as to see blocks filled up again
 * and emptied: once where exits are rare (10^4 steps), once where they are frequent (275 steps). Then 10^6 replicas on
 * the quadratic saddle, timed, and how far their mean exit time is from the exact one. Prints lines "name value". */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "bench/bench.h"
#include "sim/escape/exit.h"

enum { REPEATS = 7, STEPS = 4000 };

static double processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static sl_sgd double_well(double noise_variance)
{
    sl_err err = {0};
    sl_sgd s = {.noise_variance = noise_variance, .ensemble = {.seed = 1, .jobs = 1}};
    bench_must(sl_loss_init(&s.loss, "double-well", &err), &err);
    bench_must(sl_rule_init(&s.rule, "heavy-ball", SL_ALPHA_ON_STEP, 0.01, 0.9, 0, &err), &err);
    bench_must(sl_schedule_init(&s.schedule, "constant", 0.01, 1, STEPS, &err), &err);
    return s;
}

static double simulate(void)
{
    sl_err err = {0};
    sl_sgd s = double_well(1);
    s.ensemble.replicas = 8 * SL_BLOCK;
    s.ensemble.burn_in = STEPS - 1, s.ensemble.steps = 1, s.ensemble.sample_every = 1;
    sl_observed o;
    const double start = processor_time();
    bench_must(sl_sgd_run(&o, &s, &err), &err);
    const double ns = 1e9 * (processor_time() - start) / o.updates;
    sl_observed_clear(&o);
    return ns;
}

static double leave(double noise_variance, uint64_t replicas)
{
    const double from = -1;
    sl_err err = {0};
    sl_sgd s = double_well(noise_variance);
    s.ensemble.replicas = replicas, s.ensemble.steps = (uint64_t)1 << 40, s.ensemble.start = &from;
    sl_escape how = {0};
    sl_region_ball(&how.region, &from, 1, 1.5);
    sl_exits e;
    const double start = processor_time();
    bench_must(sl_sgd_escape(&e, &s, &how, &err), &err);
    const double ns = 1e9 * (processor_time() - start) / e.updates;
    sl_exits_clear(&e);
    return ns;
}

/* y' = y + l (y - n) from 0 out of |y| <= 1, noise of variance 0.01, l = 0.01: exact by a sum of survival. */
static void saddle(double *seconds, double *percent)
{
    const double exact = 562.2344715467939, origin = 0;
    enum { N = 1000000 };
    sl_err err = {0};
    sl_sgd s = {.noise_variance = 0.01, .ensemble = {.seed = 1, .replicas = N, .steps = 100000, .jobs = 1}};
    bench_must(sl_loss_init(&s.loss, "quadratic-saddle:dim=1", &err), &err);
    bench_must(sl_rule_init(&s.rule, "plain", SL_ALPHA_ON_STEP, 0.01, 0, 0, &err), &err);
    bench_must(sl_schedule_init(&s.schedule, "constant", 0.01, 1, 100000, &err), &err);
    sl_escape how = {0};
    sl_region_ball(&how.region, &origin, 1, 1);
    sl_exits e;
    const double start = processor_time();
    bench_must(sl_sgd_escape(&e, &s, &how, &err), &err);
    *seconds = processor_time() - start;
    *percent = 100 * fabs(e.updates / N / exact - 1);
    sl_exits_clear(&e);
}

int main(void)
{
    double run = INFINITY, rare = INFINITY, frequent = INFINITY, seconds = INFINITY, percent = NAN;
    for (int i = 0; i < REPEATS; i++) {
        run = fmin(run, simulate());
        rare = fmin(rare, leave(1, 16 * SL_BLOCK));
        frequent = fmin(frequent, leave(4, 128 * SL_BLOCK));
    }
    for (int i = 0; i < 3; i++) {
        double once;
        saddle(&once, &percent);
        seconds = fmin(seconds, once);
    }
    printf("simulate %.3f\n", run);
    printf("rare-exits %.3f\n", rare);
    printf("frequent-exits %.3f\n", frequent);
    printf("saddle-seconds %.3f\n", seconds);
    printf("saddle-mean-off-percent %.4f\n", percent);
    return 0;
}
