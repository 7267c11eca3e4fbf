/* bench/networks - images a second of convolutional networks in training on all cores: Model 2 on 28x28 (batch 256),
 * VGG16 and ResNet-20 on 32x32 (batch 128), each in a process of its own, whose peak memory is reported; the part of
 * the matrix product's peak that it reaches (counting the operations of the plain convolution), and the part of the
 * time that gathering and varying the pictures takes. Prints "name value" lines. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parallel.h"
#include "base/random.h"
#include "bench/bench.h"
#include "nets/gemm.h"
#include "nets/train.h"

typedef struct {
    const char *name, *model;
    size_t channels, side, batch;
} network;

static const network networks[] = {
    {"model2", "cnn", 1, 28, 256}, {"vgg16", "vgg16", 3, 32, 128}, {"resnet20", "resnet20", 3, 32, 128}};

enum { CLASSES = 10 };

/* Gathers one batch, varied, again and again: seconds a batch. */
static double gathering(const sl_dataset *d, size_t batch, sl_team *team)
{
    enum { REPEAT = 20 };
    float *const out = aligned_alloc(64, (batch * d->features * sizeof(float) + 63) / 64 * 64);
    uint8_t *const labels = malloc(batch);
    if (!out || !labels) exit(4);
    const sl_augment varied = {.crop = 4, .flip = true};
    const sl_draw draw = {.seed = 1, .purpose = SL_PURPOSE_AUGMENT};
    const double start = sl_clock();
    for (int i = 0; i < REPEAT; i++) sl_dataset_gather_varied(d, out, labels, NULL, 0, batch, &varied, &draw, 0, team);
    const double seconds = (sl_clock() - start) / REPEAT;
    free(out);
    free(labels);
    return seconds;
}

static void train(const network *n)
{
    enum { ROUNDS = 4, BATCHES = 4 };
    sl_err err = {0};
    sl_dataset data;
    sl_model *model;
    sl_trainer *trainer;
    sl_team *team;
    bench_pictures(&data, BATCHES * n->batch, n->channels, n->side, CLASSES);
    bench_must(sl_model_alloc(&model, n->model, n->channels, n->side, n->side, CLASSES, &err), &err);
    sl_train_config c = {.model = model,
                         .train = &data,
                         .schedule = "constant",
                         .lr = 1e-4,
                         .batch = n->batch,
                         .epochs = 100,
                         .threads = sl_cores()};
    bench_must(sl_rule_init(&c.rule, "nesterov", SL_ALPHA_ON_STEP, c.lr, 0.9, 0, &err), &err);
    bench_must(sl_trainer_alloc(&trainer, &c, &err), &err);
    bench_must(sl_trainer_run(trainer, 1, NULL, NULL, &err),
               &err); /* the first step touches memory for the first time */
    double best = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        const double start = sl_clock();
        bench_must(sl_trainer_run(trainer, 2, NULL, NULL, &err), &err);
        best = fmin(best, (sl_clock() - start) / 2);
    }
    bench_must(sl_team_alloc(&team, c.threads, &err), &err);
    printf("networks.%s.images_per_second %.1f\n", n->name, (double)n->batch / best);
    printf("networks.%s.gflops %.1f\n", n->name, sl_model_flops(model) * (double)n->batch / best * 1e-9);
    printf("networks.%s.data_fraction %.5f\n", n->name, gathering(&data, n->batch, team) / best);
    fflush(stdout);
    sl_team_free(team);
    sl_trainer_free(trainer);
    sl_model_free(model);
    sl_dataset_free(&data);
}

enum { SIDE = 768 };
static float *factor[3];

static void product(void *ctx, size_t i, int worker)
{
    (void)ctx;
    (void)worker;
    const size_t at = i * SIDE * SIDE;
    sl_gemm(factor[2] + at, 0, factor[0] + at, SL_AS_IS, factor[1] + at, SL_AS_IS, SIDE, SIDE, SIDE);
}

/* GFLOP/s of large products, one a core at a time. */
static double peak(void)
{
    enum { ROUNDS = 10 };
    sl_err err = {0};
    sl_team *team;
    const size_t cores = (size_t)sl_cores(), size = cores * SIDE * SIDE;
    bench_must(sl_team_alloc(&team, (int)cores, &err), &err);
    for (int i = 0; i < 3; i++) {
        factor[i] = aligned_alloc(64, size * sizeof(float));
        if (!factor[i]) exit(4);
        for (size_t k = 0; k < size; k++) factor[i][k] = (float)(k % 13) / 13;
    }
    double best = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        const double start = sl_clock();
        sl_team_run(team, cores, product, NULL);
        best = fmin(best, sl_clock() - start);
    }
    for (int i = 0; i < 3; i++) free(factor[i]);
    sl_team_free(team);
    return 2.0 * SIDE * SIDE * SIDE * (double)cores / best * 1e-9;
}

int main(void)
{
    int failed = 0;
    const double top = peak();
    printf("# products by %s, its kernels for %s\n", sl_gemm_library(), sl_gemm_kernels());
    printf("networks.peak.gflops %.1f\n", top);
    fflush(stdout);
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        int status;
        struct rusage usage;
        const pid_t child = fork();
        if (child == 0) {
            train(&networks[i]);
            exit(0);
        }
        if (child < 0 || wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            printf("# networks.%s: failed\n", networks[i].name);
            failed = 1;
            continue;
        }
        printf("networks.%s.megabytes %.0f\n", networks[i].name, (double)usage.ru_maxrss / 1024);
        fflush(stdout);
    }
    return failed;
}
