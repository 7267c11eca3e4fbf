/* bench/splitting.c - a mean first-passage time of 10^9 steps by splitting: SGD on the double well at rate 0.05, from
 * one minimum to the other over a barrier of 16.25 T.
 *
 * Prints lines "name value": the time found, its relative error and how many of those the transfer operator's answer is
 * away; seconds of wall clock and of processor time; and the hours of one core that brute force would take to the same
 * error: first-passage times over a barrier are exponential, so it needs (1/error)^2 of them, at what an update of
 * first exits costs where hardly any replica gets out. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "bench/bench.h"
#include "sim/escape/splitting.h"
#include "sim/operators/operator.h"

enum { REPLICAS = 8192, STEPS = 4000 };

/* Of all threads. */
static double processor_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static double exact_steps(const sl_sgd *sgd, double from, double to)
{
    sl_err err = {0};
    const sl_operator op = {.kind = &sl_transfer,
                            .loss = sgd->loss,
                            .rule = sgd->rule,
                            .schedule = sgd->schedule,
                            .noise_variance = sgd->noise_variance,
                            .tolerance = 1e-4};
    sl_answer a = {0};
    bench_must(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_MFPT, .from = {from}, .to = {to}}, &err),
               &err);
    const double steps = sl_answer_number(&a, "mfpt", 0).value;
    sl_answer_clear(&a);
    return steps;
}

static double brute_force_ns(const sl_sgd *sgd, const sl_region *b)
{
    sl_err err = {0};
    sl_sgd direct = *sgd;
    direct.ensemble.replicas = REPLICAS;
    direct.ensemble.steps = STEPS;
    direct.ensemble.jobs = 1;
    const sl_escape how = {.region = *b};
    sl_exits e;
    const double before = processor_seconds();
    bench_must(sl_sgd_escape(&e, &direct, &how, &err), &err);
    const double ns = 1e9 * (processor_seconds() - before) / e.updates;
    sl_exits_clear(&e);
    return ns;
}

int main(void)
{
    sl_err err = {0};
    const double start = -1, to = 1, l = 0.05, T = 1 / 65.0;
    sl_sgd sgd = {.noise_variance = 2 * T / l, .ensemble = {.seed = 1, .start = &start}};
    bench_must(sl_loss_init(&sgd.loss, "double-well", &err), &err);
    bench_must(sl_rule_init(&sgd.rule, "plain", SL_ALPHA_ON_STEP, l, 0, 0, &err), &err);
    bench_must(sl_schedule_init(&sgd.schedule, "constant", l, 1, 1, &err), &err);
    const sl_splitting how = {
        .xi = {1}, .a = -0.95, .z = -0.85, .b = {.n = 1, .set[0] = {.kind = SL_SET_HALF, .point = {1}, .level = to}}};
    const double before = processor_seconds();
    sl_rare r;
    bench_must(sl_sgd_splitting(&r, &sgd, &how, &err), &err);
    const double processor = processor_seconds() - before, error = r.time.se / r.time.value;
    const double ns = brute_force_ns(&sgd, &how.b);
    printf("steps %.4g\n", r.time.value);
    printf("relative_error %.4f\n", error);
    printf("errors_from_exact %.2f\n", (r.time.value - exact_steps(&sgd, start, to)) / r.time.se);
    printf("seconds %.3f\n", r.seconds);
    printf("processor_seconds %.3f\n", processor);
    printf("brute_force_ns %.3f\n", ns);
    printf("brute_force_hours %.3g\n", r.time.value / (error * error) * 1e-9 * ns / 3600);
    return 0;
}
