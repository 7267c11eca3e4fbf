#define _GNU_SOURCE
#include "cli/sweep_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spec.h"
#include "cli/commands.h"
#include "nets/dataset.h"
#include "nets/model.h"
#include "optim/schedule.h"

/* How the names of options begin that make train do something else than a training. */
static const char *const other_work[] = {"dry-run", "range-"};

static bool does_other_work(const char *name)
{
    for (size_t i = 0; i < sizeof other_work / sizeof *other_work; i++)
        if (strncmp(name, other_work[i], strlen(other_work[i])) == 0) return true;
    return false;
}

/* Every option of train, the common ones too: a command line without words leaves them in cli. */
static void all_options(sl_cli *cli)
{
    char *const argv[] = {(char *)"sgdlab", (char *)"train", NULL};
    (void)!sl_cli_parse(cli, &sl_command_train, 2, (char **)argv, NULL);
}

size_t sl_sweep_options(const sl_option *options[SL_CLI_OPTIONS])
{
    sl_cli cli;
    size_t n = 0;
    all_options(&cli);
    for (size_t i = 0; i < cli.n_options; i++)
        if (!cli.option[i]->local && !does_other_work(cli.option[i]->name)) options[n++] = cli.option[i];
    return n;
}

const char *sl_sweep_excluded(const char *name)
{
    sl_cli cli;
    all_options(&cli);
    for (size_t i = 0; i < cli.n_options; i++) {
        if (strcmp(cli.option[i]->name, name) != 0) continue;
        if (cli.option[i]->local) return "it says where or how to run, which is for sgdlab sweep's own options";
        if (does_other_work(name)) return "it is no training";
    }
    return NULL;
}

bool sl_sweep_train_has(const char *name)
{
    sl_cli cli;
    bool found = false;
    all_options(&cli);
    for (size_t i = 0; i < cli.n_options; i++) found |= strcmp(cli.option[i]->name, name) == 0;
    return found;
}

/* Names that train finds out about only when it builds what they name. Sizes are for the run to judge. */
static sl_status check_name(const sl_option *o, const char *value, sl_err *err)
{
    sl_err why = {0};
    sl_status st = SL_OK;
    if (strcmp(o->name, "schedule") == 0) {
        sl_schedule s;
        st = sl_schedule_init(&s, value, 1, 1, (uint64_t)1 << 40, &why);
    } else if (strcmp(o->name, "data") == 0) {
        sl_spec *spec = malloc(sizeof *spec);
        if (!spec) return sl_fail(err, SL_E_MEMORY, "no memory for the name of a data set");
        st = sl_spec_parse(spec, value, "data set", sl_dataset_entries(), sl_n_datasets, &why);
        free(spec);
    } else if (strcmp(o->name, "model") == 0) {
        sl_model *m = NULL;
        st = sl_model_alloc(&m, value, 3, 32, 32, 10, &why);
        if (st == SL_OK) sl_model_free(m);
        if (st == SL_E_DOMAIN) st = SL_OK; /* of another size of picture it may be good */
    }
    if (st != SL_E_NAME && st != SL_E_DOMAIN) return SL_OK;
    if (err) *err = why;
    return st;
}

sl_status sl_sweep_check_value(const char *path, size_t line, const sl_option *o, const char *value, sl_err *err)
{
    sl_status st = SL_OK;
    if (o->kind == SL_OPT_FLAG) {
        static const char *const states[] = {"on", "off"};
        if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) st = sl_cli_unknown("state", value, states, 2, err);
    } else {
        sl_cli cli;
        char *word = NULL;
        if (asprintf(&word, "--%s=%s", o->name, value) < 0) return sl_fail(err, SL_E_MEMORY, "no memory for a value");
        char *argv[] = {(char *)"sgdlab", (char *)"train", word, NULL};
        st = sl_cli_parse(&cli, &sl_command_train, 3, argv, err);
        free(word);
        if (st == SL_OK) st = check_name(o, value, err);
    }
    if (st == SL_OK || st == SL_E_MEMORY) return st;
    return sl_fail_in(err, SL_E_CONFIG, "%s:%zu: %s '%.200s'", path, line, o->name, value);
}

bool sl_sweep_same(const sl_option *o, const char *a, const char *b)
{
    const bool number = o->kind == SL_OPT_REAL || o->kind == SL_OPT_INTEGER;
    return number ? sl_read_double(a, NULL) == sl_read_double(b, NULL) : strcmp(a, b) == 0;
}

char *sl_sweep_word(const sl_option *o, const char *value)
{
    char *word = NULL;
    if (o->kind == SL_OPT_FLAG) return strcmp(value, "on") == 0 && asprintf(&word, "--%s", o->name) >= 0 ? word : NULL;
    return asprintf(&word, "--%s=%s", o->name, value) < 0 ? NULL : word;
}
