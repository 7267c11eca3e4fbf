/* sgdlab operator: laws, times and spectra of a synthetic loss from its operator, without sampling. */
#include "cli/operator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/output.h"

static const sl_option options[] = {
    SL_OPTION("loss", SL_OPT_TEXT, "L", "double-well", "the loss, of 1 or 2 dimensions; see sgdlab list losses"),
    SL_OPTION("kind", SL_OPT_CHOICE, "fokker-planck|kramers|transfer", "fokker-planck",
              "overdamped motion, motion with inertia on phase space, or the steps of SGD themselves"),
    SL_OPTION("task", SL_OPT_CHOICE, "stationary|evolve|mfpt|spectrum|committor", "stationary",
              "stationary law, law at --times, mean first-passage time, slowest eigenvalues, who is reached first"),
    SL_OPTION("temperature", SL_OPT_REAL, "T", NULL,
              "temperature of f; for transfer the noise variance that has it to leading order", .min = 0, .max = 1e12,
              .open_min = true),
    SL_OPTION("friction", SL_OPT_REAL, "g", NULL, "kramers: friction; 1 unless given", .min = 0, .max = 1e6,
              .open_min = true),
    SL_OPTION("lr", SL_OPT_REAL, "l", NULL,
              "transfer: learning rate; with --noise-variance also for SGD's own fokker-planck or kramers equation",
              .min = 0, .max = 1e6, .open_min = true),
    SL_OPTION("noise-variance", SL_OPT_REAL, "D0", NULL,
              "gradient-noise variance of one sample, per coordinate; a step's noise has variance D0/C, before alpha",
              .min = 0, .max = 1e12, .open_min = true),
    SL_OPTION("batch", SL_OPT_REAL, "C", "1", "mini-batch size", .min = 1, .max = 1e12),
    SL_OPTION("momentum", SL_OPT_REAL, "mu", "0", "momentum", .min = 0, .max = 1, .open_max = true),
    SL_OPTION("rule", SL_OPT_CHOICE, "heavy-ball|nesterov|plain", "heavy-ball", "update rule of SGD"),
    SL_OPTION("schedule", SL_OPT_TEXT, "S", "constant", "learning-rate schedule; a step is an epoch here"),
    SL_OPTION("alpha-on", SL_OPT_CHOICE, "gradient|step", "gradient",
              "where the schedule's factor stands: on the gradient (Musso 2020, eq 1) or on the whole step"),
    SL_OPTION("noise", SL_OPT_CHOICE, "derived|printed", "derived",
              "kramers of SGD: noise coefficient squared q s2/l, or q s2 as Musso's eq 10 prints it"),
    SL_OPTION("from", SL_OPT_REALS, "x,..", NULL, "where mfpt and evolve start; the committor's first set",
              .min = -1e100, .max = 1e100),
    SL_OPTION("to", SL_OPT_REALS, "x,..", NULL, "what mfpt waits for; the committor's second set", .min = -1e100,
              .max = 1e100),
    SL_OPTION("radius", SL_OPT_REAL, "R", "0.1", "2-D: sets are discs of this radius; in 1-D half-lines", .min = 0,
              .max = 1e100, .open_min = true),
    SL_OPTION("start-spread", SL_OPT_REAL, "s", "0", "evolve: standard deviation of a Gaussian around --from", .min = 0,
              .max = 1e100),
    SL_OPTION("times", SL_OPT_REALS, "t,..", NULL, "evolve: at these times, increasing; steps for transfer", .min = 0,
              .max = 1e15),
    SL_OPTION("eigenvalues", SL_OPT_INTEGER, "K", "4", "spectrum: how many, the null one included", .min = 1,
              .max = SL_OPERATOR_EIGENVALUES),
    SL_OPTION("cycle", SL_OPT_INTEGER, "N", "0", "transfer: steps of the schedule's period; 0: found", .min = 0,
              .max = 1e9),
    SL_OPTION("lo", SL_OPT_REALS, "x,..", NULL, "lower ends of the domain; chosen from loss and T unless given",
              .min = -1e100, .max = 1e100),
    SL_OPTION("hi", SL_OPT_REALS, "x,..", NULL, "upper ends", .min = -1e100, .max = 1e100),
    SL_OPTION("edge", SL_OPT_CHOICE, "reflecting|absorbing", "reflecting", "what the ends of the domain do"),
    SL_OPTION("grid", SL_OPT_INTEGER, "N", "0", "nodes along x; 0: refined until --tolerance is met", .min = 0,
              .max = 1e7),
    SL_OPTION("tolerance", SL_OPT_REAL, "E", NULL,
              "relative grid error of every number (1e-8; fokker-planck in 2-D 1e-5); not met although asked for: code 1",
              .min = 0, .max = 1, .open_min = true),
    SL_OPTION("memory", SL_OPT_REAL, "GB", "2", "that a solve may take", .min = 0, .max = 1e6, .open_min = true),
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Options that were given and change nothing, in a note: not an error, since scripts vary one option at a time. */
static void note_unused(const sl_cli *cli, const sl_operation *o)
{
    static const struct {
        const char *name, *kind;
    } of_kind[] = {{"friction", "kramers"}, {"cycle", "transfer"}, {"noise", "kramers"}};
    for (size_t i = 0; i < sizeof of_kind / sizeof *of_kind; i++)
        if (sl_cli_given(cli, of_kind[i].name) && !sl_cli_is(cli, "kind", of_kind[i].kind))
            sl_cli_note(cli, "--%s belongs to --kind %s and changes nothing here", of_kind[i].name, of_kind[i].kind);
    static const char *const of_sgd[] = {"lr", "momentum", "rule", "schedule", "alpha-on", "batch"};
    for (size_t i = 0; i < sizeof of_sgd / sizeof *of_sgd && !o->of_sgd; i++)
        if (sl_cli_given(cli, of_sgd[i]))
            sl_cli_note(cli, "--%s changes nothing where --temperature alone says what the noise is", of_sgd[i]);
    if (sl_cli_given(cli, "times") && o->question.task != SL_TASK_EVOLVE)
        sl_cli_note(cli, "--times belongs to --task evolve and changes nothing here");
}

/* The domain as it was chosen, into the configuration. */
static void resolve(cJSON *config, const sl_operation *o)
{
    const int axes = o->op.lo[1] < o->op.hi[1] ? 2 : 1;
    cJSON_ReplaceItemInObjectCaseSensitive(config, "lo", cJSON_CreateDoubleArray(o->op.lo, axes));
    cJSON_ReplaceItemInObjectCaseSensitive(config, "hi", cJSON_CreateDoubleArray(o->op.hi, axes));
}

static sl_status solve(sl_cli *cli, const sl_operation *o, const cJSON *config, sl_run *run, cJSON **result,
                       sl_err *err)
{
    sl_answer a = {0};
    sl_forecasts *p = calloc(1, sizeof *p);
    if (!p) return sl_fail(err, SL_E_MEMORY, "no memory for predictions");
    const double start = now();
    const sl_status outcome = sl_operator_solve(&a, &o->op, &o->question, err);
    if (outcome < 0 || outcome == SL_INTERRUPTED) {
        free(p);
        sl_answer_clear(&a);
        return outcome;
    }
    const double seconds = now() - start;
    sl_operation_predict(p, o);
    *result = sl_operation_json(o, &a, p, outcome == SL_OK, seconds, config);
    sl_err second = {0};
    const sl_status st = sl_cli_drawn(cli, sl_operation_write(run, o, &a, p, config, &second), &second);
    free(p);
    sl_answer_clear(&a);
    if (st != SL_OK && err) *err = second;
    return st;
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    enum { LARGE = 200000000 }; /* bytes from which a word beforehand is due */
    sl_operation o;
    SL_TRY(sl_operation_init(&o, cli, err));
    note_unused(cli, &o);
    if (o.bytes > LARGE) sl_cli_note(cli, "this takes about %.2g GB", 1e-9 * o.bytes);
    cJSON *config = sl_cli_config(cli), *result = NULL, *old = NULL;
    resolve(config, &o);
    sl_run *folder = NULL;
    char name[96];
    snprintf(name, sizeof name, "%s-%s-%s", sl_cli_text(cli, "kind"), sl_cli_text(cli, "task"),
             o.op.loss.kind->entry.name);
    sl_status st = sl_cli_open(&folder, &old, cli, name, config, err);
    if (st == SL_OK && old) {
        sl_run_free(folder);
        result = old;
    } else if (st == SL_OK) {
        st = solve(cli, &o, config, folder, &result, err);
        st = sl_cli_close(folder, st, NULL, result, err);
    }
    if (st >= 0 && result) {
        sl_cli_answer(cli, result, sl_operation_people);
        const bool met = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "tolerance_met"));
        if (!met && sl_cli_given(cli, "tolerance") && !sl_cli_given(cli, "grid")) cli->exit_code = 1;
    }
    cJSON_Delete(result);
    cJSON_Delete(config);
    return st;
}

const sl_command sl_command_operator = {
    .name = "operator",
    .help = "laws, first-passage times and spectra without sampling: Fokker-Planck, Klein-Kramers, SGD's own steps",
    .example = "  sgdlab operator --loss double-well --temperature 0.05 --task mfpt --from -1 --to 1\n"
               "  sgdlab operator --loss double-well --kind kramers --temperature 0.1 --friction 0.3 --task spectrum\n"
               "  sgdlab operator --loss double-well --kind transfer --lr 0.1 --noise-variance 2 --json\n"
               "  sgdlab operator --loss double-well --lr 0.1 --noise-variance 2 --schedule random:delta=1",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
