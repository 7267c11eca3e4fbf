/* bench/regime - what a step of each regime costs beside one of a constant rate, in processor time: 1 is nothing more,
 * 2 about what a second gradient costs. Prints
 *   regime.NAME.train      of Model 1 in training (784-100-10, batch 256, Nesterov), one thread;
 *   regime.NAME.minibatch  of an ensemble on logistic regression in 32 dimensions, mini-batches of 16 of 256 samples;
 *   regime.NAME.simulate   of an ensemble on a quadratic of 32 dimensions with Gaussian noise: gradients that cost next
 *                          to nothing, and noise that both gradients of a step share. */
#include <math.h>
#include <time.h>

#include "bench/bench.h"
#include "nets/train.h"
#include "sim/ensemble.h"

/* One thread's work: what it took of a processor, however many others want one. */
static double processor_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

enum { SAMPLES = 12800, BATCH = 256, ROUNDS = 8, MOST = 16 };

static double train_seconds(sl_trainer *t)
{
    sl_err err = {0};
    const double start = processor_seconds();
    bench_must(sl_trainer_run(t, sl_trainer_steps_per_epoch(t), NULL, NULL, &err), &err);
    return processor_seconds() - start;
}

/* An ensemble to time. */
typedef struct {
    const char *loss, *noise;
    uint64_t steps;
} ensemble;

/* regime NULL: a constant rate. */
static double simulate_seconds(const ensemble *e, const char *regime)
{
    sl_err err = {0};
    sl_regime r;
    sl_sgd s = {.ensemble = {.seed = 1, .replicas = 2048, .steps = e->steps, .burn_in = 10, .jobs = 1,
                             .sample_every = e->steps},
                .noise_variance = 1};
    bench_must(sl_loss_init(&s.loss, e->loss, &err), &err);
    bench_must(sl_noise_init(&s.noise, e->noise, &s.loss, &err), &err);
    bench_must(sl_rule_init(&s.rule, "heavy-ball", SL_ALPHA_ON_STEP, 0.01, 0.9, 0, &err), &err);
    bench_must(sl_schedule_init(&s.schedule, "constant", 0.01, 1, 1000, &err), &err);
    if (regime) {
        bench_must(sl_regime_init(&r, regime, &s.rule, 1, &err), &err);
        s.regime = &r;
    }
    sl_observed o;
    const double start = processor_seconds();
    bench_must(sl_sgd_run(&o, &s, &err), &err);
    const double seconds = processor_seconds() - start;
    sl_observed_clear(&o);
    return seconds;
}

int main(void)
{
    sl_err err = {0};
    sl_dataset data;
    sl_model *model;
    sl_trainer *trainers[MOST];
    double train[MOST], minibatch[MOST], simulate[MOST];
    static const ensemble logistic = {.loss = "logistic:n=32:m=256", .noise = "minibatch:size=16", .steps = 20};
    static const ensemble quadratic = {.loss = "quadratic:dim=32", .noise = "gaussian", .steps = 200};
    const size_t n = sl_n_regimes + 1; /* the last: a constant rate */
    bench_pictures(&data, SAMPLES, 1, 28, 10);
    bench_must(sl_model_alloc(&model, "mlp", 1, 28, 28, 10, &err), &err);
    for (size_t i = 0; i < n; i++) {
        sl_train_config c = {.model = model, .train = &data, .schedule = "constant", .lr = 1e-3, .batch = BATCH,
                             .epochs = 1, .regime = i < sl_n_regimes ? sl_regimes[i]->name : NULL};
        bench_must(sl_rule_init(&c.rule, "nesterov", SL_ALPHA_ON_STEP, c.lr, 0.9, 0, &err), &err);
        bench_must(sl_trainer_alloc(&trainers[i], &c, &err), &err);
        train[i] = minibatch[i] = simulate[i] = INFINITY;
    }
    /* In turn, and the best of each: what else the machine does then hits all alike. */
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < n; i++) {
            const char *const name = i < sl_n_regimes ? sl_regimes[i]->name : NULL;
            train[i] = fmin(train[i], train_seconds(trainers[i]));
            minibatch[i] = fmin(minibatch[i], simulate_seconds(&logistic, name));
            simulate[i] = fmin(simulate[i], simulate_seconds(&quadratic, name));
        }
    for (size_t i = 0; i + 1 < n; i++) {
        printf("regime.%s.train %.3f\n", sl_regimes[i]->name, train[i] / train[n - 1]);
        printf("regime.%s.minibatch %.3f\n", sl_regimes[i]->name, minibatch[i] / minibatch[n - 1]);
        printf("regime.%s.simulate %.3f\n", sl_regimes[i]->name, simulate[i] / simulate[n - 1]);
    }
    for (size_t i = 0; i < n; i++) sl_trainer_free(trainers[i]);
    sl_model_free(model);
    sl_dataset_free(&data);
    return 0;
}
