/* sgdlab bench: what an update and an image cost here, as ratios to the pieces that bound them, measured in the same
 * run. The comparisons with other programs are in bench/ of the source (make bench). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/parallel.h"
#include "base/random.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "nets/gemm.h"
#include "nets/train.h"
#include "sim/ensemble.h"

enum { ROUNDS = 5 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the double well ---- */

static sl_status ensemble_seconds(double *seconds, uint64_t replicas, uint64_t steps, sl_err *err)
{
    sl_sgd s = {.noise_variance = 1, .ensemble = {.seed = 1, .replicas = replicas, .steps = steps, .jobs = 1}};
    SL_TRY(sl_loss_init(&s.loss, "double-well", err));
    SL_TRY(sl_rule_init(&s.rule, "heavy-ball", SL_ALPHA_ON_GRADIENT, 0.05, 0.5, 0, err));
    SL_TRY(sl_schedule_init(&s.schedule, "constant", 0.05, 1, steps, err));
    *seconds = INFINITY;
    for (int i = 0; i < ROUNDS; i++) {
        sl_observed o = {0};
        const double start = now();
        SL_TRY(sl_sgd_run(&o, &s, err));
        *seconds = fmin(*seconds, now() - start);
        sl_observed_clear(&o);
    }
    return SL_OK;
}

static sl_status bench_double_well(cJSON *r, sl_err *err)
{
    enum { REPLICAS = 16384, STEPS = 1000 };
    double z[SL_BLOCK], seconds, normals = INFINITY;
    SL_TRY(ensemble_seconds(&seconds, REPLICAS, STEPS, err));
    for (int i = 0; i < ROUNDS; i++) {
        const double start = now();
        for (uint64_t k = 0; k < STEPS * (REPLICAS / SL_BLOCK); k++) {
            const sl_draw draw = {.seed = 1, .step = k, .purpose = SL_PURPOSE_TEST};
            sl_random_normals(z, SL_BLOCK, 0, 1, &draw);
        }
        normals = fmin(normals, now() - start);
    }
    const double updates = (double)REPLICAS * STEPS;
    sl_json_number(r, "ns_per_update", 1e9 * seconds / updates);
    sl_json_number(r, "ns_per_normal_alone", 1e9 * normals / updates);
    sl_json_number(r, "update_over_normal", seconds / normals);
    return SL_OK;
}

/* ---- Model 1 ---- */

/* Seconds of the matrix products of one training step of a network in-hidden-out, and of nothing else. */
static sl_status products_seconds(double *seconds, size_t batch, size_t in, size_t hidden, size_t out, sl_err *err)
{
    enum { REPEAT = 50 };
    const struct {
        sl_orientation a, b;
        size_t m, n, k;
    } shape[] = {
        {SL_AS_IS, SL_TRANSPOSED, batch, hidden, in},  /* forward, first layer   */
        {SL_AS_IS, SL_TRANSPOSED, batch, out, hidden}, /* forward, second        */
        {SL_TRANSPOSED, SL_AS_IS, out, hidden, batch}, /* gradient of the second */
        {SL_AS_IS, SL_AS_IS, batch, hidden, out},      /* back through it        */
        {SL_TRANSPOSED, SL_AS_IS, hidden, in, batch},  /* gradient of the first  */
    };
    const size_t largest = (batch > hidden ? batch : hidden) * in;
    float *a = calloc(3 * largest, sizeof *a);
    if (!a) return sl_fail(err, SL_E_MEMORY, "no memory for matrices");
    float *b = a + largest, *c = b + largest;
    for (size_t i = 0; i < 2 * largest; i++) a[i] = (float)(i % 17) / 17;
    *seconds = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        const double start = now();
        for (int i = 0; i < REPEAT; i++)
            for (size_t s = 0; s < sizeof shape / sizeof *shape; s++)
                sl_gemm(c, 0, a, shape[s].a, b, shape[s].b, shape[s].m, shape[s].n, shape[s].k);
        *seconds = fmin(*seconds, (now() - start) / REPEAT);
    }
    free(a);
    return SL_OK;
}

typedef struct {
    sl_trainer *trainer[2];
    uint64_t steps;
} pair;

static sl_status train_task(void *ctx, size_t i, int worker, sl_err *err)
{
    (void)worker;
    pair *p = ctx;
    return sl_trainer_run(p->trainer[i], p->steps, NULL, NULL, err);
}

/* Images a second of n trainers side by side. */
static sl_status training_speed(double *images, const sl_train_config *config, size_t n, sl_err *err)
{
    pair p = {.steps = 100};
    sl_status st = SL_OK;
    for (size_t i = 0; i < n && st == SL_OK; i++) {
        sl_train_config c = *config;
        c.seed = i + 1;
        st = sl_trainer_alloc(&p.trainer[i], &c, err);
    }
    *images = 0;
    for (int round = 0; round < ROUNDS && st == SL_OK; round++) {
        const double start = now();
        st = sl_parallel(n, (int)n, train_task, &p, err);
        *images = fmax(*images, (double)(n * p.steps * config->batch) / (now() - start));
    }
    for (size_t i = 0; i < n; i++) sl_trainer_free(p.trainer[i]);
    return st;
}

static sl_status bench_train(cJSON *r, sl_err *err)
{
    enum { BATCH = 256, SAMPLES = 10240 }; /* whole batches */
    sl_dataset train = {0}, test = {0};
    sl_model *model = NULL;
    double one = NAN, two = NAN, products = NAN;
    sl_status st = sl_dataset_load(&train, &test, "digits:train=10240:test=1000", NULL, err);
    if (st == SL_OK) st = sl_model_alloc(&model, "mlp", train.channels, train.height, train.width, train.classes, err);
    sl_train_config c = {.model = model, .train = &train, .schedule = "constant", .lr = 1e-3, .batch = BATCH, .epochs = 1000};
    if (st == SL_OK) st = sl_rule_init(&c.rule, "nesterov", SL_ALPHA_ON_STEP, c.lr, 0.9, 0, err);
    if (st == SL_OK) st = products_seconds(&products, BATCH, train.features, 100, train.classes, err);
    if (st == SL_OK) st = training_speed(&one, &c, 1, err);
    if (st == SL_OK) st = training_speed(&two, &c, 2, err);
    if (st == SL_OK) {
        sl_json_number(r, "images_per_second", one);
        sl_json_number(r, "fraction_of_matrix_products_alone", one * products / BATCH);
        sl_json_number(r, "two_seeds_over_one", two / one);
    }
    sl_model_free(model);
    sl_dataset_free(&train);
    sl_dataset_free(&test);
    return st;
}

static const struct {
    const char *name, *help;
    sl_status (*run)(cJSON *r, sl_err *err);
} benches[] = {
    {"double-well", "an update of SGD on the double well, one core, beside the normal number it needs", bench_double_well},
    {"train", "Model 1 at batch 256, beside its matrix products alone, and two seeds on two cores", bench_train},
};
enum { N_BENCHES = sizeof benches / sizeof *benches };

static void print_people(const sl_cli *cli, const cJSON *result)
{
    (void)cli;
    sl_grid *g = sl_grid_alloc("llr");
    for (const cJSON *b = result->child; b; b = b->next)
        for (const cJSON *v = b->child; v; v = v->next) {
            sl_grid_add(g, "%s", v == b->child ? b->string : "");
            sl_grid_add(g, "%s", v->string);
            sl_grid_add(g, "%.4g", sl_cli_number(v));
        }
    sl_grid_print(g);
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    const char *names[N_BENCHES];
    bool known = cli->n_operands == 0;
    for (size_t i = 0; i < N_BENCHES; i++) {
        names[i] = benches[i].name;
        known |= cli->n_operands == 1 && strcmp(cli->operand[0], names[i]) == 0;
    }
    if (!known) return sl_cli_unknown("benchmark", cli->operand[0], names, N_BENCHES, err);
    cJSON *result = cJSON_CreateObject();
    sl_status st = SL_OK;
    for (size_t i = 0; i < N_BENCHES && st == SL_OK; i++) {
        if (cli->n_operands == 1 && strcmp(cli->operand[0], names[i]) != 0) continue;
        if (sl_stop_requested()) st = sl_fail(err, SL_INTERRUPTED, "interrupted before '%s'", names[i]);
        else st = benches[i].run(cJSON_AddObjectToObject(result, names[i]), err);
    }
    if (st == SL_OK) sl_cli_answer(cli, result, print_people);
    cJSON_Delete(result);
    return st;
}

const sl_command sl_command_bench = {
    .name = "bench",
    .help = "what an update and an image cost here, as ratios; writes nothing",
    .operands = "[double-well|train]",
    .max_operands = 1,
    .example = "  sgdlab bench\n  sgdlab bench train --json",
    .run = run,
};
