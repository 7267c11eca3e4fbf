/* bench/noise.c - nanoseconds a number of each model of gradient noise, drawn and added to a block that stays in cache.
 *
 * Prints lines "name value", of processor time, the best of some repeats. Mini-batches are left out: their cost is that
 * of the loss's sample gradients. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "sim/block.h"

enum { REPEATS = 10, STEPS = 1000, MOST_DIM = 8 };

static const struct {
    const char *name, *model, *loss;
} cases[] = {
    {"gaussian", "gaussian", "quadratic:dim=8"},
    {"anisotropic", "anisotropic:spectrum=1,2,3,4,5,6,7,8", "quadratic:dim=8"},
    {"anisotropic-turned", "anisotropic:spectrum=1,2:angle=30", "strict-saddle"},
    {"hessian-diagonal", "hessian", "quadratic:dim=8"},
    {"hessian-plane", "hessian", "bent-double-well"},
    {"hessian-square", "hessian:power=2", "bent-double-well"},
    {"stable", "stable:alpha=1.5", "quadratic:dim=8"},
    {"stable-isotropic", "stable:alpha=1.5:law=isotropic", "quadratic:dim=8"},
    {"bounded-sphere", "bounded:law=sphere", "quadratic:dim=8"},
    {"bounded-cube", "bounded:law=cube", "quadratic:dim=8"},
    {"bounded-signs", "bounded:law=signs", "quadratic:dim=8"},
};

static double processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double ns_per_number(const char *model, const char *text)
{
    static _Alignas(64) double memory[4][MOST_DIM * SL_BLOCK], scratch[SL_BLOCK];
    sl_err err = {0};
    sl_loss loss;
    sl_noise noise;
    bench_must(sl_loss_init(&loss, text, &err), &err);
    bench_must(sl_noise_init(&noise, model, &loss, &err), &err);
    sl_block b = {.B = SL_BLOCK, .n = SL_BLOCK, .x = memory[0], .g = memory[2], .kept = memory[3], .noise = scratch};
    const sl_ensemble e = {.seed = 1};
    for (size_t j = 0; j < loss.dim * b.B; j++) b.x[j] = 0.7;
    memset(b.g, 0, sizeof memory[2]);
    double best = INFINITY;
    for (int i = 0; i < REPEATS; i++) {
        const double start = processor_time();
        for (uint64_t k = 0; k < STEPS; k++) {
            sl_noise_source source = {.block = &b, .ensemble = &e, .step = k};
            noise.kind->add(&noise, &loss, 1, &source, b.g);
        }
        best = fmin(best, (processor_time() - start) / ((double)STEPS * (double)(loss.dim * b.B)));
    }
    return 1e9 * best;
}

int main(void)
{
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        printf("%s %.3f\n", cases[c].name, ns_per_number(cases[c].model, cases[c].loss));
    return 0;
}
