/* bench/train - images a second of Model 1 in training (784-100-10, batch 256, Nesterov), one trainer and two side by
 * side, and what part that is of what the same matrix products reach alone with the same BLAS in the same run.
 * Prints "name value" lines. */
#define _GNU_SOURCE
#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "nets/train.h"

enum { IN = 784, HIDDEN = 100, CLASSES = 10, BATCH = 256, SAMPLES = 60000 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(sl_status st, const sl_err *err)
{
    if (st == SL_OK) return;
    fprintf(stderr, "bench/train: %s: %s\n", sl_status_sentence(st), err->message);
    exit(sl_status_exit_code(st));
}

/* Bytes of MNIST's size; what they are does not matter for speed. */
static void make_data(sl_dataset *d)
{
    *d = (sl_dataset){.n = SAMPLES, .channels = 1, .height = 28, .width = 28, .features = IN, .classes = CLASSES};
    d->mean[0] = 0.1307f;
    d->deviation[0] = 0.3081f;
    d->pixels = malloc((size_t)SAMPLES * IN);
    d->labels = malloc(SAMPLES);
    if (!d->pixels || !d->labels) exit(4);
    const sl_draw draw = {.seed = 1, .purpose = SL_PURPOSE_TEST};
    uint32_t *const words = malloc((size_t)IN * sizeof *words);
    for (size_t i = 0; i < SAMPLES; i++) {
        sl_random_words(words, IN, i * IN, &draw);
        for (size_t k = 0; k < IN; k++) d->pixels[i * IN + k] = (uint8_t)(words[k] >> 24);
        d->labels[i] = (uint8_t)(words[0] % CLASSES);
    }
    free(words);
}

/* Seconds of one step's five products, nothing else: the bound. Minimum over rounds. */
static double products(const sl_train_config *c)
{
    (void)c;
    enum { REPEAT = 100, ROUNDS = 7 };
    const size_t total = BATCH * IN + 2 * HIDDEN * IN + 3 * BATCH * HIDDEN + 2 * CLASSES * HIDDEN + 2 * BATCH * CLASSES;
    float *const block = aligned_alloc(64, (total * sizeof *block + 63) / 64 * 64);
    if (!block) exit(4);
    for (size_t i = 0; i < total; i++) block[i] = (float)(i % 17) / 17;
    float *const x = block, *const w1 = x + BATCH * IN, *const dw1 = w1 + HIDDEN * IN, *const h = dw1 + HIDDEN * IN,
          *const dh = h + BATCH * HIDDEN, *const w2 = dh + BATCH * HIDDEN, *const dw2 = w2 + CLASSES * HIDDEN,
          *const z = dw2 + CLASSES * HIDDEN;
    double best = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        const double start = now();
        for (int i = 0; i < REPEAT; i++) {
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, BATCH, HIDDEN, IN, 1, x, IN, w1, IN, 0, h, HIDDEN);
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, BATCH, CLASSES, HIDDEN, 1, h, HIDDEN, w2, HIDDEN, 0, z,
                        CLASSES);
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, CLASSES, HIDDEN, BATCH, 1, z, CLASSES, h, HIDDEN, 0,
                        dw2, HIDDEN);
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, BATCH, HIDDEN, CLASSES, 1, z, CLASSES, w2, HIDDEN, 0,
                        dh, HIDDEN);
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, HIDDEN, IN, BATCH, 1, dh, HIDDEN, x, IN, 0, dw1, IN);
        }
        best = fmin(best, (now() - start) / REPEAT);
    }
    free(block);
    return best;
}

typedef struct {
    sl_trainer *trainer;
    uint64_t steps;
} lane;

static void *run(void *arg)
{
    const lane *const l = arg;
    sl_err err = {0};
    must(sl_trainer_run(l->trainer, l->steps, NULL, NULL, &err), &err);
    return NULL;
}

/* Images a second of n trainers together, the best of several rounds. */
static double images_per_second(const sl_train_config *config, int n)
{
    enum { ROUNDS = 7 };
    lane lanes[2];
    double best = 0;
    for (int i = 0; i < n; i++) {
        sl_err err = {0};
        sl_train_config c = *config;
        c.seed = (uint64_t)i + 1;
        must(sl_trainer_alloc(&lanes[i].trainer, &c, &err), &err);
        lanes[i].steps = sl_trainer_steps_per_epoch(lanes[i].trainer);
    }
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t second;
        const double start = now();
        if (n == 2 && pthread_create(&second, NULL, run, &lanes[1]) != 0) exit(4);
        run(&lanes[0]);
        if (n == 2) pthread_join(second, NULL);
        best = fmax(best, n * (double)SAMPLES / (now() - start));
    }
    for (int i = 0; i < n; i++) sl_trainer_free(lanes[i].trainer);
    return best;
}

int main(void)
{
    sl_err err = {0};
    sl_dataset data;
    sl_model *model;
    make_data(&data);
    must(sl_model_alloc(&model, "mlp", 1, 28, 28, CLASSES, &err), &err);
    sl_train_config c = {.model = model, .train = &data, .schedule = "constant", .lr = 1e-3, .batch = BATCH, .epochs = 1};
    must(sl_rule_init(&c.rule, "nesterov", SL_ALPHA_ON_STEP, c.lr, 0.9, 0, &err), &err);

    const double step = products(&c), gflop = sl_model_flops(model) * BATCH * 1e-9;
    const double one = images_per_second(&c, 1), two = images_per_second(&c, 2);
    printf("train.products.gflops %.1f\n", gflop / step);
    printf("train.one.images_per_second %.0f\n", one);
    printf("train.one.gflops %.1f\n", gflop / BATCH * one);
    printf("train.one.fraction_of_products %.3f\n", one * step / BATCH);
    printf("train.two.images_per_second %.0f\n", two);
    printf("train.two.over_one %.3f\n", two / one);
    sl_model_free(model);
    sl_dataset_free(&data);
    return 0;
}
