/* sgdlab measure: the gradient noise, curvature and temperature of a network at given weights. */
#include "cli/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "nets/load.h"
#include "nets/seal.h"

static const sl_option options[] = {
    SL_OPTION("checkpoint", SL_OPT_TEXT, "FILE.h5", NULL,
              "the weights: a weights file or a training's checkpoint; without it, initial ones by --seed"),
    SL_OPTION("model", SL_OPT_TEXT, "M", "mlp", "the network; see sgdlab list models"),
    SL_OPTION("data", SL_OPT_TEXT, "D", "digits", "the data set; see sgdlab list datasets"),
    SL_OPTION("data-dir", SL_OPT_TEXT, "DIR", NULL, "where data sets are looked for (else $SGDLAB_DATA, else data/)",
              .local = true),
    SL_OPTION("samples", SL_OPT_INTEGER, "N", "1000",
              "measure on the first N training samples; fewer if there are fewer", .min = 4, .max = 4e9),
    SL_OPTION("top", SL_OPT_INTEGER, "K", "5", "leading eigenvalues and eigenvectors", .min = 1,
              .max = SL_MEASURE_DIRECTIONS),
    SL_OPTION("lanczos", SL_OPT_INTEGER, "N", "60", "steps of Lanczos iterations, more than the eigenvalues", .min = 2,
              .max = 10000),
    SL_OPTION("probes", SL_OPT_INTEGER, "N", "10", "random vectors for traces, density and alignment", .min = 3,
              .max = 10000),
    SL_OPTION("directions", SL_OPT_INTEGER, "N", "8", "random directions that noise is projected on", .min = 1,
              .max = 1000),
    SL_OPTION("batch", SL_OPT_INTEGER, "C", "64", "mini-batch size, of the estimators and of the training", .min = 1,
              .max = 1e7),
    SL_OPTION("batches", SL_OPT_INTEGER, "N", "200", "mini-batches of the noise estimators", .min = 4, .max = 1e7),
    SL_OPTION("points", SL_OPT_INTEGER, "N", "401", "points of the density's grid", .min = 2, .max = 100000),
    SL_OPTION("width", SL_OPT_REAL, "s", "0", "an eigenvalue's width in the density; 0: its range / 100", .min = 0,
              .max = 1e12),
    SL_OPTION("lr", SL_OPT_REAL, "l", "0.01", "learning rate, for stability edge and temperature", .min = 0,
              .max = 1e12, .open_min = true),
    SL_OPTION("momentum", SL_OPT_REAL, "mu", "0", "momentum", .min = 0, .max = 1, .open_max = true),
    SL_OPTION("rule", SL_OPT_CHOICE, "heavy-ball|nesterov", "heavy-ball", "update rule"),
    SL_OPTION("schedule", SL_OPT_TEXT, "S", "constant", "learning-rate schedule; see sgdlab list schedules"),
    SL_OPTION("alpha-on", SL_OPT_CHOICE, "gradient|step", "step",
              "where the schedule's factor stands: on the whole step, as in PyTorch, or on the gradient"),
    SL_OPTION("weight-decay", SL_OPT_REAL, "w", "0", "the gradient of (w/2)|x|^2 is added, w to the Hessian's diagonal",
              .min = 0, .max = 1e6),
    SL_OPTION("steps", SL_OPT_INTEGER, "N", "4000", "temperature: steps of the continued training", .min = 64,
              .max = 1e9),
    SL_OPTION("burn-in", SL_OPT_INTEGER, "N", NULL, "temperature: steps before averages begin; a half if not given",
              .min = 0, .max = 1e9),
    SL_OPTION("windows", SL_OPT_INTEGER, "N", "8", "temperature: points in time of its history", .min = 1,
              .max = 10000),
    SL_OPTION("shuffle", SL_OPT_FLAG, NULL, NULL,
              "temperature: permutations instead of batches drawn with replacement"),
};

/* ---- what was asked for ---- */

static sl_status choose(sl_measurement *x, sl_err *err)
{
    static const char *const names[] = {"noise", "curvature", "temperature"};
    bool *const wanted[] = {&x->noise, &x->curvature, &x->temperature};
    for (size_t i = 0; i < x->cli->n_operands; i++) {
        char text[256], *rest = text, *word;
        snprintf(text, sizeof text, "%s", x->cli->operand[i]);
        while ((word = strsep(&rest, ","))) {
            size_t k = 0;
            while (k < 3 && strcmp(word, names[k]) != 0) k++;
            if (k == 3) return sl_cli_unknown("measurement", word, names, 3, err);
            *wanted[k] = true;
        }
    }
    return SL_OK;
}

static sl_status configure_run(sl_measurement *x, sl_err *err)
{
    const sl_cli *cli = x->cli;
    sl_temperature_config *const c = &x->run;
    const uint64_t steps = sl_cli_integer(cli, "steps");
    c->train = (sl_train_config){
        .schedule = sl_cli_text(cli, "schedule"),
        .lr = sl_cli_real(cli, "lr"),
        .batch = (size_t)sl_cli_integer(cli, "batch"),
        .steps = steps,
        .order = sl_cli_flag(cli, "shuffle") ? SL_ORDER_SHUFFLE : SL_ORDER_REPLACEMENT,
        .seed = sl_cli_integer(cli, "seed"),
        .threads = (int)sl_cli_integer(cli, "jobs"),
    };
    if (c->train.threads <= 0) c->train.threads = sl_cores();
    c->burn_in = sl_cli_given(cli, "burn-in") ? sl_cli_integer(cli, "burn-in") : steps / 2;
    c->windows = (size_t)sl_cli_integer(cli, "windows");
    const sl_alpha_on on = sl_cli_is(cli, "alpha-on", "gradient") ? SL_ALPHA_ON_GRADIENT : SL_ALPHA_ON_STEP;
    SL_TRY(sl_rule_init(&c->train.rule, sl_cli_text(cli, "rule"), on, c->train.lr, sl_cli_real(cli, "momentum"),
                        sl_cli_real(cli, "weight-decay"), err));
    if (sl_cli_integer(cli, "lanczos") <= sl_cli_integer(cli, "top") + 2)
        return sl_fail(err, SL_E_DOMAIN, "--lanczos = %llu, need more than --top + 2 = %llu",
                       (unsigned long long)sl_cli_integer(cli, "lanczos"),
                       (unsigned long long)sl_cli_integer(cli, "top") + 2);
    sl_schedule s; /* its name and horizon, before data is read */
    return x->temperature ? sl_schedule_init(&s, c->train.schedule, c->train.lr, 1, steps, err) : SL_OK;
}

static sl_status load_weights(sl_measurement *x, sl_err *err)
{
    const char *path = sl_cli_text(x->cli, "checkpoint");
    x->state = calloc(sl_model_state(x->model), sizeof *x->state);
    x->velocity = calloc(sl_model_parameters(x->model), sizeof *x->velocity);
    if (!x->state || !x->velocity) return sl_fail(err, SL_E_MEMORY, "no memory for the weights");
    sl_model_init(x->model, x->state, x->run.train.seed, 0);
    return path ? sl_load_weights(x->state, x->velocity, &x->from_checkpoint, path, x->model, err) : SL_OK;
}

static sl_status load(sl_measurement *x, sl_err *err)
{
    const sl_cli *cli = x->cli;
    SL_TRY(sl_dataset_load(&x->train, &x->test, sl_cli_text(cli, "data"), sl_cli_text(cli, "data-dir"), err));
    const sl_dataset *d = &x->train;
    SL_TRY(sl_model_alloc(&x->model, sl_cli_text(cli, "model"), d->channels, d->height, d->width, d->classes, err));
    SL_TRY(load_weights(x, err));
    const size_t wanted = (size_t)sl_cli_integer(cli, "samples"), samples = wanted < d->n ? wanted : d->n;
    const sl_objective_config c = {.model = x->model, .state = x->state, .data = d, .samples = samples,
                                   .weight_decay = x->run.train.rule.weight_decay,
                                   .jobs = (int)sl_cli_integer(cli, "jobs")};
    if (x->noise && x->run.train.batch >= samples)
        return sl_fail(err, SL_E_DOMAIN, "--batch = %zu, need less than the %zu samples measured", x->run.train.batch,
                       samples);
    x->run.train.model = x->model;
    x->run.train.train = d;
    return sl_objective_alloc(&x->objective, &c, err);
}

static void clear(sl_measurement *x)
{
    sl_noise_clear(&x->n);
    sl_curvature_clear(&x->c);
    sl_curvature_clear(&x->late);
    sl_temperature_clear(&x->t);
    free(x->window);
    sl_objective_free(x->objective);
    sl_model_free(x->model);
    free(x->state);
    free(x->velocity);
    sl_dataset_free(&x->train);
    sl_dataset_free(&x->test);
}

/* ---- measuring ---- */

static sl_status measure_noise(sl_measurement *x, sl_err *err)
{
    const sl_cli *cli = x->cli;
    const sl_noise_config c = {
        .top = (size_t)sl_cli_integer(cli, "top"),
        .steps = (size_t)sl_cli_integer(cli, "lanczos"),
        .directions = (size_t)sl_cli_integer(cli, "directions"),
        .probes = (size_t)sl_cli_integer(cli, "probes"),
        .batch = x->run.train.batch,
        .batches = (size_t)sl_cli_integer(cli, "batches"),
        .seed = x->run.train.seed,
    };
    return sl_noise_measure(&x->n, x->objective, &c, err);
}

static sl_status measure_curvature(sl_measurement *x, sl_err *err)
{
    const sl_cli *cli = x->cli;
    const sl_curvature_config c = {
        .top = (size_t)sl_cli_integer(cli, "top"),
        .bottom = 2,
        .steps = (size_t)sl_cli_integer(cli, "lanczos"),
        .probes = (size_t)sl_cli_integer(cli, "probes"),
        .points = (size_t)sl_cli_integer(cli, "points"),
        .width = sl_cli_real(cli, "width"),
        .seed = x->run.train.seed,
    };
    return sl_curvature_measure(&x->c, x->objective, &c, err);
}

/* The noise along the Hessian's leading eigenvectors, where the objective stands. */
static sl_status noise_along(sl_measurement *x, sl_err *err)
{
    const size_t n = sl_objective_samples(x->objective), k = x->late.n_top, P = sl_model_parameters(x->model);
    double *const along = malloc((k * n + P) * sizeof *along), *const mean = along + k * n;
    if (!along) return sl_fail(err, SL_E_MEMORY, "no memory for %zu projections", k);
    sl_status st = sl_objective_gradient(x->objective, mean, NULL, n, err);
    if (st == SL_OK) st = sl_noise_project(along, x->objective, mean, x->late.vectors, k, err);
    for (size_t i = 0; st == SL_OK && i < k * n; i++) along[i] *= along[i];
    for (size_t j = 0; st == SL_OK && j < k; j++) x->along[j] = sl_mean(along + j * n, n);
    free(along);
    return st;
}

/* Once the run has left its transient: only the leading eigenvectors are wanted, so the fewest probes. */
static sl_status aim(void *ctx, const float *state, const double **directions, size_t *n_directions, sl_err *err)
{
    sl_measurement *const x = ctx;
    const sl_curvature_config c = {.top = *n_directions,
                                   .steps = (size_t)sl_cli_integer(x->cli, "lanczos"),
                                   .probes = 2,
                                   .points = 2,
                                   .seed = x->run.train.seed};
    SL_TRY(sl_objective_move(x->objective, state, err));
    SL_TRY(sl_curvature_measure(&x->late, x->objective, &c, err));
    *directions = x->late.vectors;
    *n_directions = x->late.n_top;
    return noise_along(x, err);
}

static sl_status measure_temperature(sl_measurement *x, sl_err *err)
{
    x->run.state = x->state;
    x->run.velocity = x->from_checkpoint ? x->velocity : NULL;
    x->run.n_directions = (size_t)sl_cli_integer(x->cli, "top");
    x->run.aim = aim;
    x->run.ctx = x;
    x->run.objective = x->objective;
    SL_TRY(sl_temperature_measure(&x->t, &x->run, err));
    return sl_measure_predict(x, err);
}

static sl_status measure(sl_measurement *x, sl_err *err)
{
    sl_progress progress;
    sl_progress_start(&progress, x->cli);
    sl_status st = sl_objective_loss(x->objective, &x->loss, &x->accuracy, err);
    if (x->noise) sl_progress_show(&progress, "noise", 0);
    if (st == SL_OK && x->noise) st = measure_noise(x, err);
    if (x->curvature) sl_progress_show(&progress, "curvature", 0);
    if (st == SL_OK && x->curvature) st = measure_curvature(x, err);
    if (st == SL_OK && x->noise && x->curvature)
        st = sl_alignment_measure(&x->a, x->objective, &x->n, &x->c, (size_t)sl_cli_integer(x->cli, "probes"),
                                  x->run.train.seed, err);
    if (x->temperature) sl_progress_show(&progress, "temperature", 0);
    if (st == SL_OK && x->temperature) st = measure_temperature(x, err);
    sl_progress_end(&progress);
    return st;
}

/* ---- the command ---- */

/* The configuration says which weights they were: the file may change. */
static void add_weights(cJSON *config, const sl_measurement *x)
{
    char text[32];
    const size_t n = sl_model_state(x->model), m = sl_model_parameters(x->model);
    const uint64_t sum =
        sl_checksum(x->velocity, m * sizeof *x->velocity, sl_checksum(x->state, n * sizeof *x->state, 0));
    snprintf(text, sizeof text, "%016llx", (unsigned long long)sum);
    cJSON_AddStringToObject(config, "weights-checksum", text);
}

static sl_status work(sl_measurement *x, sl_run *run, const cJSON *config, cJSON **result, sl_err *err)
{
    SL_TRY(measure(x, err));
    sl_err drawing = {0};
    const sl_status drawn = sl_cli_drawn(x->cli, sl_measure_write(run, x, config, &drawing), &drawing);
    if (drawn != SL_OK) {
        if (err) *err = drawing;
        return drawn;
    }
    *result = sl_measure_describe(x, run, config);
    return SL_OK;
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    sl_measurement x = {.cli = cli};
    sl_run *folder = NULL;
    cJSON *config = sl_cli_config(cli), *result = NULL, *old = NULL;
    char name[128];
    snprintf(name, sizeof name, "%s-%s", sl_cli_text(cli, "model"), sl_cli_text(cli, "data"));
    sl_status st = choose(&x, err);
    if (st == SL_OK) st = configure_run(&x, err);
    if (st == SL_OK) st = load(&x, err); /* before there is a folder: a mistake leaves none */
    if (st == SL_OK) st = sl_cli_config_model(config, cli, err);
    if (st == SL_OK) {
        add_weights(config, &x);
        st = sl_cli_open(&folder, &old, cli, name, config, err);
    }
    if (st == SL_OK && old) {
        result = old;
        sl_run_free(folder);
    } else if (st == SL_OK) {
        st = work(&x, folder, config, &result, err);
        st = sl_cli_close(folder, st, NULL, result, err);
    }
    if (st == SL_OK && result) sl_cli_answer(cli, result, sl_measure_print);
    clear(&x);
    cJSON_Delete(result);
    cJSON_Delete(config);
    return st;
}

const sl_command sl_command_measure = {
    .name = "measure",
    .help = "gradient noise, curvature and temperature of a network at given weights",
    .operands = "noise|curvature|temperature[,...]",
    .min_operands = 1,
    .max_operands = 3,
    .example = "  sgdlab train --data digits --epochs 5 --lr 0.02 --save w.h5\n"
               "  sgdlab measure noise,curvature --checkpoint w.h5 --data digits\n"
               "  sgdlab measure temperature --checkpoint w.h5 --data digits --lr 0.05 --batch 32 --steps 20000",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
