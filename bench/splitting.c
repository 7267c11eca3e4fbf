/* bench/splitting.c - a mean first-passage time of 10^9 steps by splitting: SGD on the double well at rate 0.05, from
 * one minimum to the other over a barrier of 16 T.
 *
 * Prints lines "name value": the time found and its relative error, seconds of wall clock and of processor time, and
 * how many hours of one core brute force would take to the same error: a first-passage time being exponential,
 * (1/error)^2 passages, at what an update costs here. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "bench/bench.h"
#include "sim/escape/splitting.h"

int main(void)
{
    sl_err err = {0};
    const double start = -1, l = 0.05, T = 1 / 64.0;
    sl_sgd sgd = {.noise_variance = 2 * T / l, .ensemble = {.seed = 1, .start = &start}};
    bench_must(sl_loss_init(&sgd.loss, "double-well", &err), &err);
    bench_must(sl_rule_init(&sgd.rule, "plain", SL_ALPHA_ON_STEP, l, 0, 0, &err), &err);
    bench_must(sl_schedule_init(&sgd.schedule, "constant", l, 1, 1, &err), &err);
    const sl_splitting how = {
        .xi = {1}, .a = -0.95, .z = -0.85, .b = {.n = 1, .set[0] = {.kind = SL_SET_HALF, .point = {1}, .level = 1}}};
    const clock_t before = clock(); /* of all threads */
    sl_rare r;
    bench_must(sl_sgd_splitting(&r, &sgd, &how, &err), &err);
    const double processor = (double)(clock() - before) / CLOCKS_PER_SEC, error = r.time.se / r.time.value;
    printf("steps %.4g\n", r.time.value);
    printf("relative_error %.4f\n", error);
    printf("seconds %.3f\n", r.seconds);
    printf("processor_seconds %.3f\n", processor);
    printf("ns_per_update %.3f\n", 1e9 * processor / r.updates);
    printf("brute_force_hours %.3g\n", r.time.value / (error * error) * processor / r.updates / 3600);
    return 0;
}
