/* bench/train - images a second of Model 1 in training (784-100-10, batch 256, Nesterov), one trainer and two side by
 * side, and what part that is of what the same matrix products reach alone in the same run.
 * Prints "name value" lines. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "bench/bench.h"
#include "nets/gemm.h"
#include "nets/train.h"

enum { IN = 784, HIDDEN = 100, CLASSES = 10, BATCH = 256, SAMPLES = 60000 };

/* One step's arrays for the products alone. */
typedef struct {
    float *x, *w1, *dw1, *h, *dh, *w2, *dw2, *z;
} arrays;

static float *numbers(size_t n)
{
    float *const v = aligned_alloc(64, (n * sizeof *v + 63) / 64 * 64);
    if (!v) exit(4);
    for (size_t i = 0; i < n; i++) v[i] = (float)(i % 17) / 17;
    return v;
}

/* Seconds of one step's five products, nothing else: the bound. */
static double products(const arrays *a)
{
    enum { REPEAT = 200 };
    const double start = sl_clock();
    for (int i = 0; i < REPEAT; i++) {
        sl_gemm(a->h, 0, a->x, SL_AS_IS, a->w1, SL_TRANSPOSED, BATCH, HIDDEN, IN);
        sl_gemm(a->z, 0, a->h, SL_AS_IS, a->w2, SL_TRANSPOSED, BATCH, CLASSES, HIDDEN);
        sl_gemm(a->dw2, 0, a->z, SL_TRANSPOSED, a->h, SL_AS_IS, CLASSES, HIDDEN, BATCH);
        sl_gemm(a->dh, 0, a->z, SL_AS_IS, a->w2, SL_AS_IS, BATCH, HIDDEN, CLASSES);
        sl_gemm(a->dw1, 0, a->dh, SL_TRANSPOSED, a->x, SL_AS_IS, HIDDEN, IN, BATCH);
    }
    return (sl_clock() - start) / REPEAT;
}

static void *epoch(void *trainer)
{
    sl_err err = {0};
    bench_must(sl_trainer_run(trainer, sl_trainer_steps_per_epoch(trainer), NULL, NULL, &err), &err);
    return NULL;
}

/* Images a second of an epoch of n <= 2 trainers side by side. */
static double images_per_second(sl_trainer *const *trainers, int n)
{
    pthread_t other;
    const double start = sl_clock();
    if (n == 2 && pthread_create(&other, NULL, epoch, trainers[1]) != 0) exit(4);
    epoch(trainers[0]);
    if (n == 2) pthread_join(other, NULL);
    return n * (double)SAMPLES / (sl_clock() - start);
}

int main(void)
{
    sl_err err = {0};
    sl_dataset data;
    sl_model *model;
    bench_pictures(&data, SAMPLES, 1, 28, CLASSES);
    bench_must(sl_model_alloc(&model, "mlp", 1, 28, 28, CLASSES, &err), &err);
    sl_train_config c = {
        .model = model, .train = &data, .schedule = "constant", .lr = 1e-3, .batch = BATCH, .epochs = 1};
    bench_must(sl_rule_init(&c.rule, "nesterov", SL_ALPHA_ON_STEP, c.lr, 0.9, 0, &err), &err);

    sl_trainer *trainers[2];
    for (int i = 0; i < 2; i++) {
        c.seed = (uint64_t)i + 1;
        bench_must(sl_trainer_alloc(&trainers[i], &c, &err), &err);
    }
    const arrays a = {.x = numbers(BATCH * IN),
                      .w1 = numbers(HIDDEN * IN),
                      .dw1 = numbers(HIDDEN * IN),
                      .h = numbers(BATCH * HIDDEN),
                      .dh = numbers(BATCH * HIDDEN),
                      .w2 = numbers(CLASSES * HIDDEN),
                      .dw2 = numbers(CLASSES * HIDDEN),
                      .z = numbers(BATCH * CLASSES)};
    /* In turn, and the best of each: what else the machine does then hits all three alike. */
    enum { ROUNDS = 8 };
    const double gflop = sl_model_flops(model) * BATCH * 1e-9;
    double step = INFINITY, one = 0, two = 0;
    for (int round = 0; round < ROUNDS; round++) {
        step = fmin(step, products(&a));
        one = fmax(one, images_per_second(trainers, 1));
        two = fmax(two, images_per_second(trainers, 2));
    }
    printf("# products by %s, its kernels for %s\n", sl_gemm_library(), sl_gemm_kernels());
    printf("train.products.gflops %.1f\n", gflop / step);
    printf("train.one.images_per_second %.0f\n", one);
    printf("train.one.gflops %.1f\n", gflop / BATCH * one);
    printf("train.one.fraction_of_products %.3f\n", one * step / BATCH);
    printf("train.two.images_per_second %.0f\n", two);
    printf("train.two.over_one %.3f\n", two / one);
    float *const all[] = {a.x, a.w1, a.dw1, a.h, a.dh, a.w2, a.dw2, a.z};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    for (int i = 0; i < 2; i++) sl_trainer_free(trainers[i]);
    sl_model_free(model);
    sl_dataset_free(&data);
    return 0;
}
