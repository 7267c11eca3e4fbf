/* bench/sgd.c - nanoseconds an update of SGD on the double well: heavy ball, Gaussian noise, double state.
 *
 * Prints lines "name value": the whole loop with one and two jobs and their ratio, other rules, what sampling adds,
 * and the noise alone, which is the floor. Each figure is the best of some repeats, as the machine may be shared. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "sim/ensemble.h"

enum { REPEATS = 20, STEPS = 4000 };

static void die(const sl_err *err)
{
    fprintf(stderr, "bench/sgd: %s\n", err->message);
    exit(4);
}

/* burn-in only (one sample at the end), or sampling every so many steps */
static double ns_per_update(const char *rule, double mu, const char *schedule, uint64_t replicas, uint64_t sample_every,
                            int jobs)
{
    sl_err err = {0};
    sl_sgd sgd = {.noise_variance = 1, .ensemble = {.seed = 1, .replicas = replicas, .jobs = jobs}};
    sgd.ensemble.burn_in = sample_every > 0 ? 0 : STEPS - 1;
    sgd.ensemble.steps = STEPS - sgd.ensemble.burn_in;
    sgd.ensemble.sample_every = sample_every > 0 ? sample_every : 1;
    if (sl_loss_init(&sgd.loss, "double-well", &err) < 0 ||
        sl_rule_init(&sgd.rule, rule, SL_ALPHA_ON_STEP, 0.01, mu, 0, &err) < 0 ||
        sl_schedule_init(&sgd.schedule, schedule, 0.01, 1, STEPS, &err) < 0)
        die(&err);
    double best = INFINITY;
    for (int i = 0; i < REPEATS; i++) {
        sl_observed o;
        if (sl_sgd_run(&o, &sgd, &err) != SL_OK) die(&err);
        best = fmin(best, 1e9 * o.seconds / o.updates);
        sl_observed_clear(&o);
    }
    return best;
}

static double ns_per_normal(void)
{
    static _Alignas(64) double z[SL_BLOCK];
    double best = INFINITY;
    for (int i = 0; i < REPEATS; i++) {
        const double start = sl_clock();
        for (uint64_t k = 0; k < STEPS; k++) {
            const sl_draw draw = {.seed = 1, .step = k, .purpose = SL_PURPOSE_NOISE};
            sl_random_normals(z, SL_BLOCK, 0, 1, &draw);
        }
        best = fmin(best, 1e9 * (sl_clock() - start) / ((double)STEPS * SL_BLOCK));
    }
    return best;
}

int main(void)
{
    const uint64_t block = SL_BLOCK, R = 8 * block;
    const double one = ns_per_update("heavy-ball", 0.9, "constant", R, 0, 1);
    printf("heavy-ball %.3f\n", one);
    const double two = ns_per_update("heavy-ball", 0.9, "constant", R, 0, 2);
    printf("heavy-ball-2-jobs %.3f\n", two);
    printf("speedup-2-jobs %.3f\n", one / two);
    printf("plain %.3f\n", ns_per_update("plain", 0, "constant", R, 0, 1));
    printf("nesterov %.3f\n", ns_per_update("nesterov", 0.9, "constant", R, 0, 1));
    printf("heavy-ball-random-rate %.3f\n", ns_per_update("heavy-ball", 0.9, "random:delta=1", R, 0, 1));
    printf("heavy-ball-sampled-every-step %.3f\n", ns_per_update("heavy-ball", 0.9, "constant", R, 1, 1));
    printf("heavy-ball-sampled-by-default %.3f\n", ns_per_update("heavy-ball", 0.9, "constant", R, SL_SAMPLE_EVERY, 1));
    printf("noise-alone %.3f\n", ns_per_normal());
    return 0;
}
