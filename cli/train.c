/* sgdlab train: trains a network, one seed or several side by side, into a run folder that resumes. */
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "nets/train.h"
#include "plots/plot.h"

static const sl_option options[] = {
    SL_OPTION("model", SL_OPT_TEXT, "M", "mlp", "the network; see sgdlab list models"),
    SL_OPTION("data", SL_OPT_TEXT, "D", "digits", "the data set; see sgdlab list datasets"),
    SL_OPTION("data-dir", SL_OPT_TEXT, "DIR", NULL, "where data sets are looked for (else $SGDLAB_DATA, else data/)",
              .local = true),
    SL_OPTION("samples", SL_OPT_INTEGER, "N", NULL, "train on the first N samples only", .min = 1, .max = 4e9),
    SL_OPTION("schedule", SL_OPT_TEXT, "S", "constant", "learning-rate schedule; see sgdlab list schedules"),
    SL_OPTION("rule", SL_OPT_CHOICE, "heavy-ball|nesterov|sign|plain", "nesterov", "update rule"),
    SL_OPTION("lr", SL_OPT_REAL, "l", "0.005", "learning rate", .min = 0, .max = 1e12, .open_min = true),
    SL_OPTION("momentum", SL_OPT_REAL, "mu", "0.9", "momentum", .min = 0, .max = 1, .open_max = true),
    SL_OPTION("alpha-on", SL_OPT_CHOICE, "gradient|step", "step",
              "where the schedule's factor stands: on the whole step, as in PyTorch, or on the gradient"),
    SL_OPTION("weight-decay", SL_OPT_REAL, "w", "0", "the gradient of (w/2)|x|^2 is added", .min = 0, .max = 1e6),
    SL_OPTION("batch", SL_OPT_INTEGER, "C", "256", "mini-batch size", .min = 1, .max = 1e7),
    SL_OPTION("epochs", SL_OPT_INTEGER, "E", NULL, "epochs; 10 if no steps are given", .min = 1, .max = 1e9),
    SL_OPTION("steps", SL_OPT_INTEGER, "N", NULL, "ends the run after so many steps, without evaluation", .min = 1, .max = 1e15),
    SL_OPTION("evaluate", SL_OPT_FLAG, NULL, NULL, "evaluate on the test set also with --steps"),
    SL_OPTION("init", SL_OPT_TEXT, "FILE.h5", NULL, "initial weights"),
    SL_OPTION("no-shuffle", SL_OPT_FLAG, NULL, NULL, "mini-batches in file order"),
    SL_OPTION("replacement", SL_OPT_FLAG, NULL, NULL, "mini-batches drawn with replacement"),
    SL_OPTION("save", SL_OPT_TEXT, "FILE.h5", NULL, "where the final weights go; of several seeds, FILE-SEED.h5",
              .local = true),
    SL_OPTION("resume", SL_OPT_FLAG, NULL, NULL, "continue an interrupted run (the same command does so anyway)",
              .local = true),
    SL_OPTION("seeds", SL_OPT_INTEGER, "N", "1", "trainings with seeds seed, seed+1, ..., one a core", .min = 1, .max = 1000),
};

typedef struct {
    const sl_cli *cli;
    sl_dataset train, test;
    sl_model *model;
    sl_train_config config; /* of the first seed */
    size_t seeds;
    sl_train_result *result; /* [seeds] */
    sl_status *status;       /* [seeds]: OK, DIVERGED or INTERRUPTED */
    sl_err *why;             /* [seeds]: the message for the latter two */
    sl_run *run;
    sl_progress progress;
    atomic_ulong epochs_done;
    double epochs_in_all;
} experiment;

static sl_order order_of(const sl_cli *cli)
{
    if (sl_cli_flag(cli, "no-shuffle")) return SL_ORDER_FILE;
    return sl_cli_flag(cli, "replacement") ? SL_ORDER_REPLACEMENT : SL_ORDER_SHUFFLE;
}

/* What can be said without data: rule and options that exclude each other. */
static sl_status set_up(experiment *x, const sl_cli *cli, sl_err *err)
{
    const bool steps = sl_cli_given(cli, "steps");
    x->cli = cli;
    x->seeds = (size_t)sl_cli_integer(cli, "seeds");
    if (sl_cli_flag(cli, "no-shuffle") && sl_cli_flag(cli, "replacement"))
        return sl_fail(err, SL_E_USAGE, "--no-shuffle and --replacement exclude each other");
    if (sl_cli_flag(cli, "resume") && sl_cli_flag(cli, "no-save"))
        return sl_fail(err, SL_E_USAGE, "--resume and --no-save exclude each other");
    x->config = (sl_train_config){
        .schedule = sl_cli_text(cli, "schedule"),
        .lr = sl_cli_real(cli, "lr"),
        .batch = (size_t)sl_cli_integer(cli, "batch"),
        .epochs = sl_cli_given(cli, "epochs") || steps ? sl_cli_integer(cli, "epochs") : 10,
        .steps = sl_cli_integer(cli, "steps"),
        .order = order_of(cli),
        .seed = sl_cli_integer(cli, "seed"),
        .init = sl_cli_text(cli, "init"),
    };
    const sl_alpha_on on = sl_cli_is(cli, "alpha-on", "gradient") ? SL_ALPHA_ON_GRADIENT : SL_ALPHA_ON_STEP;
    SL_TRY(sl_rule_init(&x->config.rule, sl_cli_text(cli, "rule"), on, x->config.lr, sl_cli_real(cli, "momentum"),
                        sl_cli_real(cli, "weight-decay"), err));
    sl_schedule schedule; /* so that a wrong name is found before data is read; its horizon comes later */
    sl_err why = {0};
    const sl_status st = sl_schedule_init(&schedule, x->config.schedule, x->config.lr, 1, (uint64_t)1 << 40, &why);
    if (st == SL_E_NAME || st == SL_E_DOMAIN) {
        if (err) *err = why;
        return st;
    }
    x->result = calloc(x->seeds, sizeof *x->result);
    x->status = calloc(x->seeds, sizeof *x->status);
    x->why = calloc(x->seeds, sizeof *x->why);
    return x->result && x->status && x->why ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for %zu seeds", x->seeds);
}

static sl_status load(experiment *x, sl_err *err)
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
    x->config.test = sl_cli_given(cli, "steps") && !sl_cli_flag(cli, "evaluate") ? NULL : &x->test;
    const double per_epoch = ceil((double)d->n / (double)x->config.batch);
    const double epochs = x->config.steps ? ceil((double)x->config.steps / per_epoch) : (double)x->config.epochs;
    x->epochs_in_all = epochs * (double)x->seeds;
    return SL_OK;
}

static void clear(experiment *x)
{
    for (size_t k = 0; x->result && k < x->seeds; k++) sl_train_result_clear(&x->result[k]);
    free(x->result);
    free(x->status);
    free(x->why);
    sl_model_free(x->model);
    sl_dataset_free(&x->train);
    sl_dataset_free(&x->test);
}

/* ---- running ---- */

static void on_epoch(void *ctx, const sl_epoch *e, uint64_t epochs)
{
    (void)e;
    (void)epochs;
    experiment *x = ctx;
    const double done = (double)(atomic_fetch_add(&x->epochs_done, 1) + 1);
    sl_progress_fraction(&x->progress, done / x->epochs_in_all);
}

static sl_status checkpoint_path(char *path, size_t size, const experiment *x, size_t k, sl_err *err)
{
    char name[64];
    if (x->seeds == 1) snprintf(name, sizeof name, "checkpoint.h5");
    else snprintf(name, sizeof name, "checkpoint-%llu.h5", (unsigned long long)(x->config.seed + k));
    return sl_run_path(x->run, path, size, name, err);
}

/* --save, of several seeds with the seed before the ending: w.h5, w-1.h5. Empty without --save. */
static sl_status weights_path(char *path, size_t size, const experiment *x, size_t k, sl_err *err)
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
    experiment *x = ctx;
    char checkpoint[PATH_MAX], weights[PATH_MAX];
    const bool saves = sl_run_saves(x->run);
    SL_TRY(weights_path(weights, sizeof weights, x, k, err));
    if (saves) SL_TRY(checkpoint_path(checkpoint, sizeof checkpoint, x, k, err));
    sl_train_config config = x->config;
    config.seed += k;
    const sl_train_options how = {
        .checkpoint = saves ? checkpoint : NULL,
        .save = *weights ? weights : NULL,
        .progress = on_epoch,
        .ctx = x,
    };
    x->status[k] = sl_train(&x->result[k], &config, &how, &x->why[k]);
    if (x->status[k] >= 0) return SL_OK;
    if (err) *err = x->why[k];
    return x->status[k];
}

/* ---- the result ---- */

static const char *status_name(sl_train_status s)
{
    return s == SL_TRAIN_COMPLETE ? "complete" : s == SL_TRAIN_DIVERGED ? "diverged" : "interrupted";
}

static void describe_run(cJSON *o, const experiment *x, size_t k)
{
    const sl_train_result *r = &x->result[k];
    cJSON_AddNumberToObject(o, "seed", (double)(x->config.seed + k));
    cJSON_AddStringToObject(o, "status", status_name(r->status));
    if (r->status == SL_TRAIN_DIVERGED) {
        cJSON_AddNumberToObject(o, "diverged_epoch", (double)r->diverged_epoch);
        cJSON_AddNumberToObject(o, "diverged_step", (double)r->diverged_step);
    }
    cJSON *epochs = cJSON_AddArrayToObject(o, "epochs");
    for (size_t i = 0; i < r->n_epochs; i++) {
        const sl_epoch *e = &r->epochs[i];
        cJSON *row = cJSON_CreateObject();
        cJSON_AddNumberToObject(row, "epoch", (double)e->epoch);
        sl_json_number(row, "train_loss", e->train_loss);
        sl_json_number(row, "train_accuracy", e->train_accuracy);
        sl_json_number(row, "test_loss", e->test_loss);
        sl_json_number(row, "test_accuracy", e->test_accuracy);
        sl_json_number(row, "lr", e->lr);
        cJSON_AddItemToArray(epochs, row);
    }
    sl_json_number(o, "best_test_accuracy", r->best_test_accuracy);
    sl_json_number(o, "final_test_accuracy", r->final_test_accuracy);
    sl_json_number(o, "images_per_second", r->seconds > 0 ? r->images / r->seconds : NAN);
}

/* The gravest of the seeds' ends. */
static sl_train_status worst(const experiment *x)
{
    sl_train_status s = SL_TRAIN_COMPLETE;
    for (size_t k = 0; k < x->seeds; k++) {
        if (x->result[k].status == SL_TRAIN_INTERRUPTED) return SL_TRAIN_INTERRUPTED;
        if (x->result[k].status == SL_TRAIN_DIVERGED) s = SL_TRAIN_DIVERGED;
    }
    return s;
}

static cJSON *describe(const experiment *x, cJSON *config)
{
    cJSON *o = cJSON_CreateObject();
    if (x->seeds == 1) {
        describe_run(o, x, 0);
    } else {
        sl_welford best = {0}, final = {0}, speed = {0};
        cJSON_AddStringToObject(o, "status", status_name(worst(x)));
        cJSON *runs = cJSON_AddArrayToObject(o, "runs");
        for (size_t k = 0; k < x->seeds; k++) {
            const sl_train_result *r = &x->result[k];
            cJSON *item = cJSON_CreateObject();
            describe_run(item, x, k);
            cJSON_AddItemToArray(runs, item);
            sl_welford_add(&best, r->best_test_accuracy);
            sl_welford_add(&final, r->final_test_accuracy);
            if (r->seconds > 0) sl_welford_add(&speed, r->images / r->seconds);
        }
        sl_json_estimate(o, "best_test_accuracy", sl_welford_mean(&best));
        sl_json_estimate(o, "final_test_accuracy", sl_welford_mean(&final));
        sl_json_number(o, "images_per_second", speed.n > 0 ? speed.mean : NAN);
    }
    if (sl_run_saves(x->run)) cJSON_AddStringToObject(o, "dir", sl_run_dir(x->run));
    cJSON_AddItemToObject(o, "configuration", cJSON_Duplicate(config, true));
    return o;
}

static sl_status fill_table(sl_table *t, const experiment *x, const cJSON *config, sl_err *err)
{
    SL_TRY(sl_cli_header(t, config, err));
    SL_TRY(sl_table_set(t, "conventions", err, "%s",
                        "losses are means over samples of the cross-entropy, without weight decay; train_* are running "
                        "means over the epoch, before each update; accuracies are fractions; lr is the rate that the "
                        "epoch's last update applied"));
    for (size_t k = 0; k < x->seeds; k++) {
        char title[48];
        snprintf(title, sizeof title, "seed %llu", (unsigned long long)(x->config.seed + k));
        SL_TRY(sl_table_block(t, title, err));
        for (size_t i = 0; i < x->result[k].n_epochs; i++) {
            const sl_epoch *e = &x->result[k].epochs[i];
            const double row[] = {(double)e->epoch, e->train_loss, e->train_accuracy, e->test_loss, e->test_accuracy, e->lr};
            SL_TRY(sl_table_add(t, row, err));
        }
    }
    return SL_OK;
}

/* Loss and accuracy against epochs; of several seeds, the first few. */
static sl_status draw(const experiment *x, sl_err *err)
{
    enum { SHOWN = 8 };
    const bool tested = x->config.test != NULL;
    sl_curve curve[2][2 * SHOWN];
    size_t n = 0;
    for (size_t k = 0; k < x->seeds && k < SHOWN; k++)
        for (int test = 0; test < 1 + tested; test++, n++)
            for (int panel = 0; panel < 2; panel++)
                curve[panel][n] = (sl_curve){
                    .kind = SL_CURVE_LINE, .title = k > 0 ? NULL : test ? "test" : "training", .dat = "train.dat",
                    .block = (int)k, .x = "1", .y = panel ? (test ? "(100*$5)" : "(100*$3)") : (test ? "4" : "2"), .colour = test};
    double least = INFINITY, most = 0, last = 1; /* a known range has better tics */
    for (size_t k = 0; k < x->seeds; k++)
        for (size_t i = 0; i < x->result[k].n_epochs; i++) {
            const sl_epoch *e = &x->result[k].epochs[i];
            last = fmax(last, (double)e->epoch);
            least = fmin(least, fmin(e->train_loss, e->test_loss)); /* a NaN, not evaluated, is passed over */
            most = fmax(most, fmax(e->train_loss, e->test_loss));
        }
    const sl_panel panels[] = {
        {.title = "Loss", .xlabel = "epoch", .ylabel = "cross-entropy", .logy = true, .xmin = 1, .xmax = last,
         .ymin = 0.9 * least, .ymax = 1.1 * most, .curves = curve[0], .n_curves = n},
        {.title = "Accuracy", .xlabel = "epoch", .ylabel = "accuracy [%]", .xmin = 1, .xmax = last, .ymin = NAN,
         .ymax = NAN, .curves = curve[1], .n_curves = n},
    };
    char title[256];
    snprintf(title, sizeof title, "%s on %s, %s, l = %g", sl_cli_text(x->cli, "model"), sl_cli_text(x->cli, "data"),
             x->config.schedule, x->config.lr);
    const sl_figure figure = {.name = "train", .title = title,
                              .caption = "Training curves are running means over an epoch; test curves are taken at its end.",
                              .rows = 1, .columns = 2, .panels = panels, .n_panels = 2};
    return sl_plot(sl_run_dir(x->run), &figure, err);
}

static sl_status write_files(const experiment *x, const cJSON *config, sl_err *err)
{
    static const char *const columns[] = {"epoch[1]",     "train_loss[nat]",  "train_accuracy[1]",
                                          "test_loss[nat]", "test_accuracy[1]", "lr[1]"};
    if (!sl_run_saves(x->run)) return SL_OK;
    sl_table *t = sl_table_alloc(sizeof columns / sizeof *columns, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = fill_table(t, x, config, err);
    if (st == SL_OK) st = sl_run_table(x->run, "train.dat", t, err);
    bool drawable = true; /* a block without two rows has no line */
    for (size_t k = 0; k < x->seeds; k++) drawable &= x->result[k].n_epochs > 1;
    sl_table_free(t);
    return st == SL_OK && drawable ? draw(x, err) : st;
}

/* ---- for people ---- */

static const cJSON *at(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void add_percent(sl_grid *g, double fraction)
{
    if (isnan(fraction)) sl_grid_add(g, "-");
    else sl_grid_add(g, "%.2f %%", 100 * fraction);
}

/* Losses of trainings that diverge grow to any size. */
static void add_loss(sl_grid *g, double loss)
{
    if (isnan(loss)) sl_grid_add(g, "-");
    else sl_grid_add(g, fabs(loss) < 1e5 ? "%.5f" : "%.5e", loss);
}

static void print_epochs(const cJSON *epochs)
{
    enum { SHOWN = 12 };
    const int n = cJSON_GetArraySize(epochs);
    sl_grid *g = sl_grid_alloc("rrrrrr");
    static const char *const head[] = {"epoch", "train loss", "train acc", "test loss", "test acc", "lr"};
    for (size_t i = 0; i < 6; i++) sl_grid_add(g, "%s", head[i]);
    int i = 0;
    for (const cJSON *e = epochs->child; e; e = e->next, i++) {
        const bool shown = n <= SHOWN || i == 0 || i == n - 1 || (i + 1) % ((n + SHOWN - 1) / SHOWN) == 0;
        if (!shown) continue;
        sl_grid_add(g, "%.0f", sl_cli_number(at(e, "epoch")));
        add_loss(g, sl_cli_number(at(e, "train_loss")));
        add_percent(g, sl_cli_number(at(e, "train_accuracy")));
        add_loss(g, sl_cli_number(at(e, "test_loss")));
        add_percent(g, sl_cli_number(at(e, "test_accuracy")));
        sl_grid_add(g, "%.6g", sl_cli_number(at(e, "lr")));
    }
    sl_grid_print(g);
}

static void print_accuracy(const char *label, const cJSON *item)
{
    char text[64];
    if (cJSON_IsObject(item)) {
        const sl_estimate e = sl_cli_read_estimate(item);
        if (isnan(e.value)) return;
        sl_cli_estimate(text, 100 * e.value, 100 * e.se);
    } else {
        const double v = sl_cli_number(item);
        if (isnan(v)) return;
        snprintf(text, sizeof text, "%.2f", 100 * v);
    }
    printf("%s test accuracy %s %%\n", label, text);
}

static void print_people(const sl_cli *cli, const cJSON *r)
{
    (void)cli;
    const cJSON *runs = at(r, "runs");
    if (runs) {
        sl_grid *g = sl_grid_alloc("rlrr");
        sl_grid_add(g, "seed"), sl_grid_add(g, "status"), sl_grid_add(g, "best"), sl_grid_add(g, "final");
        for (const cJSON *run = runs->child; run; run = run->next) {
            sl_grid_add(g, "%.0f", sl_cli_number(at(run, "seed")));
            sl_grid_add(g, "%s", at(run, "status")->valuestring);
            add_percent(g, sl_cli_number(at(run, "best_test_accuracy")));
            add_percent(g, sl_cli_number(at(run, "final_test_accuracy")));
        }
        sl_grid_print(g);
    } else if (cJSON_GetArraySize(at(r, "epochs")) > 0) {
        print_epochs(at(r, "epochs"));
    }
    print_accuracy("best", at(r, "best_test_accuracy"));
    print_accuracy("final", at(r, "final_test_accuracy"));
    const double speed = sl_cli_number(at(r, "images_per_second"));
    if (!isnan(speed)) printf("%.0f images/s\n", speed);
    if (cJSON_IsString(at(r, "dir"))) printf("%s: %s\n", at(r, "status")->valuestring, at(r, "dir")->valuestring);
}

/* ---- the command ---- */

static sl_status train_all(experiment *x, sl_err *err)
{
    sl_progress_start(&x->progress, x->cli);
    const sl_status st = sl_parallel(x->seeds, (int)sl_cli_integer(x->cli, "jobs"), train_one, x, err);
    sl_progress_end(&x->progress);
    return st;
}

/* How the seeds ended together: the gravest of their statuses, with its message. */
static sl_status ending(const experiment *x, sl_err *err)
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
static sl_status save_again(experiment *x, sl_err *err)
{
    SL_TRY(train_all(x, err));
    return ending(x, err);
}

static sl_status train(experiment *x, cJSON *config, cJSON **result, sl_err *err)
{
    SL_TRY(train_all(x, err));
    sl_err drawing = {0};
    const sl_status drawn = sl_cli_drawn(x->cli, write_files(x, config, &drawing), &drawing);
    if (drawn != SL_OK) {
        if (err) *err = drawing;
        return drawn;
    }
    *result = describe(x, config);
    return ending(x, err);
}

/* What the option was asked for, if there is nothing to continue. */
static void check_resume(const experiment *x)
{
    char path[PATH_MAX];
    if (!sl_cli_flag(x->cli, "resume")) return;
    if (checkpoint_path(path, sizeof path, x, 0, NULL) == SL_OK && access(path, F_OK) != 0)
        sl_cli_note(x->cli, "nothing to resume in %s: starting at the beginning", sl_run_dir(x->run));
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    experiment x = {0};
    cJSON *config = sl_cli_config(cli), *result = NULL, *old = NULL;
    char name[128];
    snprintf(name, sizeof name, "%s-%s", sl_cli_text(cli, "model"), sl_cli_text(cli, "data"));
    sl_status st = set_up(&x, cli, err);
    if (st == SL_OK) st = load(&x, err); /* before there is a folder: a mistake leaves none */
    if (st == SL_OK) {
        cJSON_ReplaceItemInObjectCaseSensitive(config, "epochs", cJSON_CreateNumber((double)x.config.epochs));
        st = sl_cli_open(&x.run, &old, cli, name, config, err);
    }
    if (st != SL_OK) goto done;
    if (old) {
        result = old;
        if (sl_cli_text(cli, "save")) st = save_again(&x, err);
        sl_run_free(x.run);
    } else {
        check_resume(&x);
        st = train(&x, config, &result, err);
        const char *status = st == SL_INTERRUPTED ? "interrupted" : st == SL_DIVERGED ? "diverged" : "complete";
        st = sl_cli_close(x.run, st, status, result, err);
    }
    if (st >= 0 && result) sl_cli_answer(cli, result, print_people);
done:
    clear(&x);
    cJSON_Delete(result);
    cJSON_Delete(config);
    return st;
}

const sl_command sl_command_train = {
    .name = "train",
    .help = "train a network on pictures, one seed or several side by side",
    .example = "  sgdlab train --data digits --schedule random:delta=1 --epochs 5 --seeds 2\n"
               "  sgdlab train --model mlp --data mnist --data-dir data --schedule cyclic:period=6 --epochs 30",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
