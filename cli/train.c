/* sgdlab train: trains a network, one seed or several side by side, into a run folder that resumes. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/train.h"
#include "nets/augment.h"

static const sl_option options[] = {
    SL_OPTION("model", SL_OPT_TEXT, "M", "mlp", "the network; see sgdlab list models"),
    SL_OPTION("data", SL_OPT_TEXT, "D", "digits", "the data set; see sgdlab list datasets"),
    SL_OPTION("data-dir", SL_OPT_TEXT, "DIR", NULL, "where data sets are looked for (else $SGDLAB_DATA, else data/)",
              .local = true),
    SL_OPTION("samples", SL_OPT_INTEGER, "N", NULL, "train on the first N samples only", .min = 1, .max = 4e9),
    SL_OPTION("schedule", SL_OPT_TEXT, "S", "constant", "learning-rate schedule; see sgdlab list schedules"),
    SL_OPTION("regime", SL_OPT_TEXT, "R", NULL, "automatic learning rate, in place of --schedule and --lr; see sgdlab "
              "list regimes"),
    SL_OPTION("rule", SL_OPT_CHOICE, "heavy-ball|nesterov|sign|plain", "nesterov", "update rule"),
    SL_OPTION("lr", SL_OPT_REAL, "l", "0.005", "learning rate", .min = 0, .max = 1e12, .open_min = true),
    SL_OPTION("momentum", SL_OPT_REAL, "mu", "0.9", "momentum; plain has none", .min = 0, .max = 1, .open_max = true),
    SL_OPTION("alpha-on", SL_OPT_CHOICE, "gradient|step", "step",
              "where the schedule's factor stands: on the whole step, as in PyTorch, or on the gradient"),
    SL_OPTION("weight-decay", SL_OPT_REAL, "w", "0", "the gradient of (w/2)|x|^2 is added", .min = 0, .max = 1e6),
    SL_OPTION("batch", SL_OPT_INTEGER, "C", "256", "mini-batch size", .min = 1, .max = 1e7),
    SL_OPTION("epochs", SL_OPT_INTEGER, "E", NULL, "epochs; 10 if no steps are given", .min = 1, .max = 1e9),
    SL_OPTION("steps", SL_OPT_INTEGER, "N", NULL, "ends the run after so many steps, without evaluation",
              .min = 1, .max = 1e15),
    SL_OPTION("evaluate", SL_OPT_FLAG, NULL, NULL, "evaluate on the test set also with --steps"),
    SL_OPTION("augment", SL_OPT_TEXT, "A", "none", "how training pictures are varied: crop=4,flip; crop=4; flip; none"),
    SL_OPTION("label-smoothing", SL_OPT_REAL, "e", "0", "the training target is (1 - e) onehot + e / classes", .min = 0,
              .max = 1, .open_max = true),
    SL_OPTION("init", SL_OPT_TEXT, "FILE.h5", NULL, "initial weights"),
    SL_OPTION("no-shuffle", SL_OPT_FLAG, NULL, NULL, "mini-batches in file order"),
    SL_OPTION("replacement", SL_OPT_FLAG, NULL, NULL, "mini-batches drawn with replacement"),
    SL_OPTION("save", SL_OPT_TEXT, "FILE.h5", NULL, "where the final weights go; of several seeds, FILE-SEED.h5",
              .local = true),
    SL_OPTION("resume", SL_OPT_FLAG, NULL, NULL, "continue an interrupted run (the same command does so anyway)",
              .local = true),
    SL_OPTION("checkpoint-minutes", SL_OPT_REAL, "T", "5",
              "time between checkpoints within long epochs; 0: at their ends only", .min = 0, .max = 1e6,
              .local = true),
    SL_OPTION("seeds", SL_OPT_INTEGER, "N", "1", "trainings with seeds seed, seed+1, ..., side by side", .min = 1,
              .max = 1000),
    SL_OPTION("threads", SL_OPT_INTEGER, "N", NULL,
              "cores that share one network; else --jobs over the trainings side by side, but 1 for a small network. "
              "Results do not depend on it", .min = 1, .max = 4096, .local = true),
    SL_OPTION("no-figure", SL_OPT_FLAG, NULL, NULL, "write the picture's script and data, but do not draw it",
              .local = true),
    SL_OPTION("dry-run", SL_OPT_FLAG, NULL, NULL, "say what the run would take, memory among it; run and write nothing",
              .local = true),
    SL_OPTION("range-test", SL_OPT_FLAG, NULL, NULL,
              "learning-rate range test: the rate rises at each step until the loss does"),
    SL_OPTION("range-min", SL_OPT_REAL, "l", "1e-5", "its first rate", .min = 0, .max = 1e12, .open_min = true),
    SL_OPTION("range-max", SL_OPT_REAL, "l", "10", "its last rate", .min = 0, .max = 1e12, .open_min = true),
    SL_OPTION("range-steps", SL_OPT_INTEGER, "N", "200", "its steps", .min = 10, .max = SL_RANGE_MOST_STEPS),
};

static sl_order order_of(const sl_cli *cli)
{
    if (sl_cli_flag(cli, "no-shuffle")) return SL_ORDER_FILE;
    return sl_cli_flag(cli, "replacement") ? SL_ORDER_REPLACEMENT : SL_ORDER_SHUFFLE;
}

/* Options that mean nothing for the kind of run asked for, or exclude each other. */
static sl_status check_options(const sl_cli *cli, sl_err *err)
{
    static const char *const of_trainings[] = {"schedule", "epochs", "steps", "evaluate", "save", "resume", "seeds"};
    static const char *const of_range_tests[] = {"range-min", "range-max", "range-steps"};
    const bool range_test = sl_cli_flag(cli, "range-test");
    if (sl_cli_flag(cli, "no-shuffle") && sl_cli_flag(cli, "replacement"))
        return sl_fail(err, SL_E_USAGE, "--no-shuffle and --replacement exclude each other");
    if (sl_cli_flag(cli, "resume") && sl_cli_flag(cli, "no-save"))
        return sl_fail(err, SL_E_USAGE, "--resume and --no-save exclude each other");
    static const char *const of_rates[] = {"schedule", "lr", "alpha-on", "range-test"};
    for (size_t i = 0; sl_cli_given(cli, "regime") && i < sizeof of_rates / sizeof *of_rates; i++)
        if (sl_cli_given(cli, of_rates[i]))
            return sl_fail(err, SL_E_USAGE, "--regime and --%s exclude each other: a regime sets the rate of the step",
                           of_rates[i]);
    for (size_t i = 0; range_test && i < sizeof of_trainings / sizeof *of_trainings; i++)
        if (sl_cli_given(cli, of_trainings[i]))
            return sl_fail(err, SL_E_USAGE, "--range-test and --%s exclude each other", of_trainings[i]);
    for (size_t i = 0; !range_test && i < sizeof of_range_tests / sizeof *of_range_tests; i++)
        if (sl_cli_given(cli, of_range_tests[i]))
            return sl_fail(err, SL_E_USAGE, "--%s means nothing without --range-test", of_range_tests[i]);
    return SL_OK;
}

/* So that a wrong name is found before data is read; the schedule's horizon comes later. */
static sl_status check_schedule(const sl_train_config *c, sl_err *err)
{
    sl_regime regime;
    if (c->regime) return sl_regime_init(&regime, c->regime, &c->rule, 1, err);
    sl_schedule schedule;
    sl_err why = {0};
    const sl_status st = sl_schedule_init(&schedule, c->schedule, c->lr, 1, (uint64_t)1 << 40, &why);
    if (st != SL_E_NAME && st != SL_E_DOMAIN) return SL_OK;
    if (err) *err = why;
    return st;
}

/* The usual momentum is for the rules that have one. */
static double momentum_of(const sl_cli *cli)
{
    return sl_cli_is(cli, "rule", "plain") && !sl_cli_given(cli, "momentum") ? 0 : sl_cli_real(cli, "momentum");
}

/* What can be said without data. */
static sl_status set_up(sl_trainings *x, const sl_cli *cli, sl_err *err)
{
    const bool steps = sl_cli_given(cli, "steps");
    SL_TRY(check_options(cli, err));
    x->cli = cli;
    x->seeds = (size_t)sl_cli_integer(cli, "seeds");
    x->config = (sl_train_config){
        .schedule = sl_cli_text(cli, "schedule"),
        .lr = sl_cli_real(cli, "lr"),
        .regime = sl_cli_text(cli, "regime"),
        .batch = (size_t)sl_cli_integer(cli, "batch"),
        .epochs = sl_cli_given(cli, "epochs") || steps ? sl_cli_integer(cli, "epochs") : 10,
        .steps = sl_cli_integer(cli, "steps"),
        .order = order_of(cli),
        .seed = sl_cli_integer(cli, "seed"),
        .init = sl_cli_text(cli, "init"),
        .label_smoothing = sl_cli_real(cli, "label-smoothing"),
    };
    SL_TRY(sl_augment_parse(&x->config.augment, sl_cli_text(cli, "augment"), err));
    const sl_alpha_on on = sl_cli_is(cli, "alpha-on", "gradient") ? SL_ALPHA_ON_GRADIENT : SL_ALPHA_ON_STEP;
    SL_TRY(sl_rule_init(&x->config.rule, sl_cli_text(cli, "rule"), on, x->config.lr, momentum_of(cli),
                        sl_cli_real(cli, "weight-decay"), err));
    SL_TRY(check_schedule(&x->config, err));
    x->range_test = sl_cli_flag(cli, "range-test");
    if (x->range_test) {
        x->range = (sl_range){sl_cli_real(cli, "range-min"), sl_cli_real(cli, "range-max"),
                              (size_t)sl_cli_integer(cli, "range-steps")};
        if (!(x->range.min < x->range.max))
            return sl_fail(err, SL_E_DOMAIN, "--range-min = %g and --range-max = %g, need range-min < range-max",
                           x->range.min, x->range.max);
        x->config = sl_range_training(&x->config, &x->range);
    }
    x->result = calloc(x->seeds, sizeof *x->result);
    x->status = calloc(x->seeds, sizeof *x->status);
    x->why = calloc(x->seeds, sizeof *x->why);
    x->steps = calloc(x->seeds, sizeof *x->steps);
    if (!x->result || !x->status || !x->why || !x->steps)
        return sl_fail(err, SL_E_MEMORY, "no memory for %zu seeds", x->seeds);
    return SL_OK;
}

static sl_status load(sl_trainings *x, sl_err *err)
{
    const sl_cli *cli = x->cli;
    SL_TRY(sl_dataset_load(&x->train, &x->test, sl_cli_text(cli, "data"), sl_cli_text(cli, "data-dir"), err));
    if (*x->train.note) sl_cli_note(cli, "%s", x->train.note);
    if (sl_cli_given(cli, "samples")) {
        const size_t n = (size_t)sl_cli_integer(cli, "samples");
        if (n > x->train.n)
            return sl_fail(err, SL_E_DOMAIN, "--samples = %zu, the data set has %zu training samples", n, x->train.n);
        sl_dataset_truncate(&x->train, n);
    }
    const sl_dataset *d = &x->train;
    SL_TRY(sl_model_alloc(&x->model, sl_cli_text(cli, "model"), d->channels, d->height, d->width, d->classes, err));
    x->config.model = x->model;
    x->config.train = d;
    const bool tested = !x->range_test && (!sl_cli_given(cli, "steps") || sl_cli_flag(cli, "evaluate"));
    x->config.test = tested ? &x->test : NULL;
    return SL_OK;
}

/* The configuration as it was understood, without what means nothing for this kind of run. */
static void resolve(cJSON *config, const sl_trainings *x)
{
    static const char *const of_trainings[] = {"schedule", "schedule-table", "epochs", "steps", "evaluate", "seeds"};
    static const char *const of_range_tests[] = {"range-test", "range-min", "range-max", "range-steps"};
    static const char *const of_schedules[] = {"schedule", "schedule-table", "lr", "alpha-on"};
    const bool regime = x->config.regime != NULL;
    for (size_t i = 0; regime && i < sizeof of_schedules / sizeof *of_schedules; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(config, of_schedules[i]);
    if (!regime) cJSON_DeleteItemFromObjectCaseSensitive(config, "regime");
    cJSON_ReplaceItemInObjectCaseSensitive(config, "momentum", cJSON_CreateNumber(momentum_of(x->cli)));
    char augment[SL_AUGMENT_TEXT];
    sl_augment_print(augment, &x->config.augment);
    cJSON_ReplaceItemInObjectCaseSensitive(config, "augment", cJSON_CreateString(augment));
    cJSON_ReplaceItemInObjectCaseSensitive(config, "epochs", cJSON_CreateNumber((double)x->config.epochs));
    for (size_t i = 0; x->range_test && i < sizeof of_trainings / sizeof *of_trainings; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(config, of_trainings[i]);
    for (size_t i = 0; !x->range_test && i < sizeof of_range_tests / sizeof *of_range_tests; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(config, of_range_tests[i]);
}

static void clear(sl_trainings *x)
{
    for (size_t k = 0; x->result && k < x->seeds; k++) sl_train_result_clear(&x->result[k]);
    free(x->result);
    free(x->status);
    free(x->why);
    free(x->steps);
    sl_model_free(x->model);
    sl_dataset_free(&x->train);
    sl_dataset_free(&x->test);
}

/* ---- running ---- */

/* One of the trainings, for its callbacks. */
typedef struct {
    sl_trainings *x;
    size_t k;
    bool begun;
} training;

static void on_epoch(void *ctx, const sl_epoch *e, uint64_t epochs)
{
    const training *const t = ctx;
    char seed[40] = "", test[40] = "";
    if (t->x->seeds > 1) snprintf(seed, sizeof seed, "seed %llu, ", (unsigned long long)(t->x->config.seed + t->k));
    if (!isnan(e->test_accuracy)) snprintf(test, sizeof test, ", test %.2f %%", 100 * e->test_accuracy);
    sl_progress_note(&t->x->progress, "%sepoch %llu of %llu: loss %.4g%s", seed, (unsigned long long)e->epoch,
                     (unsigned long long)epochs, e->train_loss, test);
}

static void on_step(void *ctx, uint64_t step, uint64_t stop)
{
    training *const t = ctx;
    sl_trainings *const x = t->x;
    const double all = (double)stop * (double)x->seeds;
    if (!t->begun) sl_progress_skip(&x->progress, (double)step / all);
    t->begun = true;
    atomic_store(&x->steps[t->k], step);
    double done = 0;
    for (size_t k = 0; k < x->seeds; k++) done += (double)atomic_load(&x->steps[k]);
    sl_progress_fraction(&x->progress, done / all);
}

static sl_status checkpoint_path(char *path, size_t size, const sl_trainings *x, size_t k, sl_err *err)
{
    char name[64];
    if (x->seeds == 1) snprintf(name, sizeof name, "checkpoint.h5");
    else snprintf(name, sizeof name, "checkpoint-%llu.h5", (unsigned long long)(x->config.seed + k));
    return sl_run_path(x->run, path, size, name, err);
}

/* --save, of several seeds with the seed before the ending: w.h5, w-1.h5. Empty without --save. */
static sl_status weights_path(char *path, size_t size, const sl_trainings *x, size_t k, sl_err *err)
{
    const char *save = sl_cli_text(x->cli, "save");
    int n = 0;
    path[0] = '\0';
    if (!save) return SL_OK;
    if (x->seeds == 1) {
        n = snprintf(path, size, "%s", save);
    } else {
        const char *slash = strrchr(save, '/'), *dot = strrchr(slash ? slash : save, '.');
        const int stem = dot ? (int)(dot - save) : (int)strlen(save);
        n = snprintf(path, size, "%.*s-%llu%s", stem, save, (unsigned long long)(x->config.seed + k), save + stem);
    }
    return n > 0 && (size_t)n < size ? SL_OK : sl_fail(err, SL_E_USAGE, "--save = %.200s is too long", save);
}

/* Divergence and interruption of one seed do not stop the others. */
static sl_status train_one(void *ctx, size_t k, int worker, sl_err *err)
{
    (void)worker;
    sl_trainings *x = ctx;
    char checkpoint[PATH_MAX], weights[PATH_MAX];
    const bool saves = sl_run_saves(x->run);
    SL_TRY(weights_path(weights, sizeof weights, x, k, err));
    if (saves) SL_TRY(checkpoint_path(checkpoint, sizeof checkpoint, x, k, err));
    sl_train_config config = x->config;
    config.seed += k;
    training t = {.x = x, .k = k};
    const sl_train_options how = {
        .checkpoint = saves ? checkpoint : NULL,
        .checkpoint_seconds = 60 * sl_cli_real(x->cli, "checkpoint-minutes"),
        .save = *weights ? weights : NULL,
        .progress = on_epoch,
        .stepped = on_step,
        .ctx = &t,
    };
    x->status[k] = sl_train(&x->result[k], &config, &how, &x->why[k]);
    if (x->status[k] >= 0) return SL_OK;
    if (err) *err = x->why[k];
    return x->status[k];
}

/* A wrong --save costs no training. The folder may be the run's own, which is there by now. */
static sl_status check_save(const sl_trainings *x, sl_err *err)
{
    char path[PATH_MAX];
    SL_TRY(weights_path(path, sizeof path, x, 0, err));
    char *const slash = strrchr(path, '/');
    if (!*path || slash == path) return SL_OK;
    if (slash) *slash = '\0';
    if (access(slash ? path : ".", W_OK | X_OK) == 0) return SL_OK;
    return sl_fail(err, SL_E_WRITE, "cannot write '%s': %s", sl_cli_text(x->cli, "save"), strerror(errno));
}

static sl_status train_all(sl_trainings *x, sl_err *err)
{
    SL_TRY(check_save(x, err));
    const double start = sl_clock();
    sl_progress_start(&x->progress, x->cli);
    const sl_status st = sl_parallel(x->seeds, (int)x->side_by_side, train_one, x, err);
    sl_progress_end(&x->progress);
    x->seconds = sl_clock() - start;
    return st;
}

/* How the seeds ended together: the gravest of their statuses, with its message. */
static sl_status ending(const sl_trainings *x, sl_err *err)
{
    for (int pass = 0; pass < 2; pass++) /* an interruption is the gravest */
        for (size_t k = 0; k < x->seeds; k++)
            if (x->status[k] == (pass ? SL_DIVERGED : SL_INTERRUPTED)) {
                if (err) *err = x->why[k];
                return x->status[k];
            }
    return SL_OK;
}

/* Weights that a complete run is asked for afterwards: its checkpoints stand at the end, and only leave them. */
static sl_status save_again(sl_trainings *x, sl_err *err)
{
    SL_TRY(train_all(x, err));
    return ending(x, err);
}

static sl_status train(sl_trainings *x, const cJSON *config, cJSON **result, sl_err *err)
{
    SL_TRY(train_all(x, err));
    sl_err drawing = {0};
    const sl_status drawn = sl_cli_drawn(x->cli, sl_train_write(x, config, &drawing), &drawing);
    if (drawn != SL_OK) {
        if (err) *err = drawing;
        return drawn;
    }
    *result = sl_train_describe(x, config);
    return ending(x, err);
}

/* What the option was asked for, if there is nothing to continue. */
static void check_resume(const sl_trainings *x)
{
    char path[PATH_MAX];
    if (!sl_cli_flag(x->cli, "resume")) return;
    if (checkpoint_path(path, sizeof path, x, 0, NULL) == SL_OK && access(path, F_OK) != 0)
        sl_cli_note(x->cli, "nothing to resume in %s: starting at the beginning", sl_run_dir(x->run));
}

/* ---- the command ---- */

static sl_status dry_run(sl_cli *cli, const sl_trainings *x, const cJSON *config, sl_status shared)
{
    cJSON *const foreseen = sl_train_foresee(x, config);
    sl_cli_answer(cli, foreseen, sl_train_print_foreseen);
    cJSON_Delete(foreseen);
    return shared;
}

/* In the run's folder, or without one. */
static sl_status run_here(sl_cli *cli, sl_trainings *x, const cJSON *config, sl_err *err)
{
    cJSON *result = NULL, *old = NULL;
    char name[160];
    snprintf(name, sizeof name, "%s%s-%s", x->range_test ? "range-" : "", sl_cli_text(cli, "model"),
             sl_cli_text(cli, "data"));
    sl_status st;
    SL_TRY(sl_cli_open(&x->run, &old, cli, name, config, err));
    if (old) {
        result = old;
        st = sl_cli_text(cli, "save") ? save_again(x, err) : SL_OK;
        sl_run_free(x->run);
    } else {
        check_resume(x);
        st = x->range_test ? sl_train_range_test(x, config, &result, err) : train(x, config, &result, err);
        const char *status = st == SL_INTERRUPTED ? "interrupted" : st == SL_DIVERGED ? "diverged" : "complete";
        st = sl_cli_close(x->run, st, status, result, err);
    }
    if (st >= 0 && result) sl_cli_answer(cli, result, x->range_test ? sl_train_print_range_test : sl_train_print);
    cJSON_Delete(result);
    return st;
}

/* What cannot begin, for want of data, sense or memory, leaves no folder. */
static sl_status run(sl_cli *cli, sl_err *err)
{
    sl_trainings x = {0};
    cJSON *config = sl_cli_config(cli);
    sl_status st = set_up(&x, cli, err);
    if (st == SL_OK) st = load(&x, err);
    if (st == SL_OK) st = sl_cli_config_model(config, cli, err);
    if (st == SL_OK) {
        resolve(config, &x);
        const bool dry = sl_cli_flag(cli, "dry-run");
        st = sl_train_share(&x, err);
        if (dry && (st == SL_OK || st == SL_E_MEMORY))
            st = dry_run(cli, &x, config, st);
        else if (st == SL_OK)
            st = run_here(cli, &x, config, err);
    }
    clear(&x);
    cJSON_Delete(config);
    return st;
}

const sl_command sl_command_train = {
    .name = "train",
    .help = "train a network on pictures, one seed or several side by side",
    .example = "  sgdlab train --data digits --schedule random:delta=1 --epochs 5 --seeds 2\n"
               "  sgdlab train --model mlp --data mnist --data-dir data --schedule cyclic:period=6 --epochs 30\n"
               "  sgdlab train --data digits --regime balance --rule heavy-ball --epochs 5\n"
               "  sgdlab train --data digits --range-test --range-max 100",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
