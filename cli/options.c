#include "cli/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/run.h"
#include "base/spec.h"
#include "nets/model.h"
#include "optim/rate_table.h"
#include "optim/schedule.h"

#define WHOLE 9007199254740992.0 /* 2^53: whole numbers up to here are exact in a double and in JSON */

static const sl_option common[] = {
    SL_OPTION("help", SL_OPT_FLAG, NULL, NULL, "show this", .local = true),
    SL_OPTION("json", SL_OPT_FLAG, NULL, NULL, "one JSON object on standard output, nothing else there", .local = true),
    SL_OPTION("quiet", SL_OPT_FLAG, NULL, NULL, "no progress on standard error", .local = true),
    SL_OPTION("seed", SL_OPT_INTEGER, "N", "1", "seed of all random numbers", .min = 0, .max = WHOLE),
    SL_OPTION("jobs", SL_OPT_INTEGER, "N", "0", "cores to use; 0: all. Results do not depend on it", .min = 0, .max = 4096,
     .local = true),
    SL_OPTION("out", SL_OPT_TEXT, "DIR", NULL, "folder of the run; without it runs/<command>-<name>-<hash>", .local = true),
    SL_OPTION("no-save", SL_OPT_FLAG, NULL, NULL, "write nothing", .local = true),
};
enum { N_COMMON = sizeof common / sizeof *common };

static size_t find(const sl_cli *cli, const char *name)
{
    size_t i = 0;
    while (i < cli->n_options && strcmp(cli->option[i]->name, name) != 0) i++;
    return i;
}

sl_status sl_cli_unknown(const char *what, const char *name, const char *const *names, size_t n, sl_err *err)
{
    char known[600] = "";
    for (size_t i = 0, used = 0; i < n && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", names[i]);
    const size_t near = sl_nearest(name, names, n);
    if (near < n)
        return sl_fail(err, SL_E_NAME, "unknown %s '%s', did you mean '%s'? Known: %s", what, name, names[near], known);
    return sl_fail(err, SL_E_NAME, "unknown %s '%s'. Known: %s", what, name, known);
}

static sl_status check_number(const sl_option *o, double v, sl_err *err)
{
    const bool low = o->open_min ? !(v > o->min) : !(v >= o->min), high = o->open_max ? !(v < o->max) : !(v <= o->max);
    if (low || high) {
        char from[32], to[32];
        sl_print_double(from, o->min);
        sl_print_double(to, o->max);
        return sl_fail(err, SL_E_DOMAIN, "--%s = %g is out of range, need %s %s %s %s %s", o->name, v, from,
                       o->open_min ? "<" : "<=", o->name, o->open_max ? "<" : "<=", to);
    }
    if (o->kind == SL_OPT_INTEGER && v != floor(v))
        return sl_fail(err, SL_E_DOMAIN, "--%s = %g must be a whole number", o->name, v);
    return SL_OK;
}

static sl_status check_choice(const sl_option *o, const char *text, sl_err *err)
{
    char words[256];
    snprintf(words, sizeof words, "%s", o->value);
    const char *names[16];
    size_t n = 0;
    for (char *word = strtok(words, "|"); word && n < 16; word = strtok(NULL, "|")) {
        if (strcmp(word, text) == 0) return SL_OK;
        names[n++] = word;
    }
    char what[64];
    snprintf(what, sizeof what, "--%s", o->name);
    return sl_cli_unknown(what, text, names, n, err);
}

static sl_status read_reals(sl_cli *cli, size_t i, const char *text, sl_err *err)
{
    const sl_option *o = cli->option[i];
    char label[64], buffer[1024];
    snprintf(label, sizeof label, "--%s", o->name);
    if (snprintf(buffer, sizeof buffer, "%s", text) >= (int)sizeof buffer)
        return sl_fail(err, SL_E_DOMAIN, "%s: the list is too long", label);
    cli->value[i].n_reals = 0;
    for (char *item = buffer; item;) {
        char *comma = strchr(item, ',');
        if (comma) *comma = '\0';
        double v;
        SL_TRY(sl_parse_double(&v, item, label, err));
        SL_TRY(check_number(o, v, err));
        if (cli->value[i].n_reals == SL_CLI_REALS)
            return sl_fail(err, SL_E_DOMAIN, "%s has more than %d values", label, SL_CLI_REALS);
        cli->value[i].reals[cli->value[i].n_reals++] = v;
        item = comma ? comma + 1 : NULL;
    }
    return SL_OK;
}

static sl_status read_value(sl_cli *cli, size_t i, const char *text, sl_err *err)
{
    const sl_option *o = cli->option[i];
    cli->value[i].text = text;
    if (o->kind == SL_OPT_TEXT && *text == '\0') return sl_fail(err, SL_E_USAGE, "--%s is empty, need %s", o->name, o->value);
    switch (o->kind) {
    case SL_OPT_REAL:
    case SL_OPT_INTEGER: {
        char label[64];
        snprintf(label, sizeof label, "--%s", o->name);
        SL_TRY(sl_parse_double(&cli->value[i].number, text, label, err));
        return check_number(o, cli->value[i].number, err);
    }
    case SL_OPT_CHOICE: return check_choice(o, text, err);
    case SL_OPT_REALS: return read_reals(cli, i, text, err);
    case SL_OPT_FLAG:
    case SL_OPT_TEXT: break;
    }
    return SL_OK;
}

/* One "--name", "--name=value" or "--name value"; *used: how many words it took. */
static sl_status read_option(sl_cli *cli, char **word, int left, int *used, sl_err *err)
{
    char name[64];
    const char *equals = strchr(word[0], '=');
    const size_t length = equals ? (size_t)(equals - word[0]) - 2 : strlen(word[0]) - 2;
    snprintf(name, sizeof name, "%.*s", (int)length, word[0] + 2);
    const size_t i = find(cli, name);
    if (i == cli->n_options) {
        const char *names[SL_CLI_OPTIONS];
        for (size_t k = 0; k < cli->n_options; k++) names[k] = cli->option[k]->name;
        char what[80];
        snprintf(what, sizeof what, "option of %s", cli->command->name);
        return sl_cli_unknown(what, name, names, cli->n_options, err);
    }
    const sl_option *o = cli->option[i];
    *used = 1;
    if (cli->value[i].given) return sl_fail(err, SL_E_USAGE, "--%s is given twice", name);
    cli->value[i].given = true;
    if (o->kind == SL_OPT_FLAG) {
        if (equals) return sl_fail(err, SL_E_USAGE, "--%s takes no value", name);
        return SL_OK;
    }
    if (equals) return read_value(cli, i, equals + 1, err);
    if (left < 2) return sl_fail(err, SL_E_USAGE, "--%s needs a value: %s", name, o->value);
    *used = 2;
    return read_value(cli, i, word[1], err);
}

sl_status sl_cli_parse(sl_cli *cli, const sl_command *command, int argc, char **argv, sl_err *err)
{
    *cli = (sl_cli){.command = command, .argc = argc, .argv = argv};
    for (size_t i = 0; i < command->n_options; i++) cli->option[cli->n_options++] = &command->options[i];
    for (size_t i = 0; i < N_COMMON; i++) cli->option[cli->n_options++] = &common[i];
    for (size_t i = 0; i < cli->n_options; i++) {
        cli->value[i].number = NAN;
        if (cli->option[i]->def) SL_TRY(read_value(cli, i, cli->option[i]->def, err));
    }
    const char *no_colour = getenv("NO_COLOR");
    cli->colour = isatty(1) && !(no_colour && *no_colour);
    cli->terminal = isatty(2);
    /* These first, wherever they stand, so that an error in another option is reported as they ask. */
    for (int k = 2; k < argc; k++) {
        cli->json |= strcmp(argv[k], "--json") == 0;
        cli->help |= strcmp(argv[k], "--help") == 0 || strcmp(argv[k], "-h") == 0;
    }
    if (cli->help) return SL_OK;

    bool only_operands = false;
    for (int k = 2, used; k < argc; k += used) {
        used = 1;
        if (!only_operands && strcmp(argv[k], "--") == 0) {
            only_operands = true;
        } else if (!only_operands && strncmp(argv[k], "--", 2) == 0) {
            SL_TRY(read_option(cli, argv + k, argc - k, &used, err));
        } else if (!only_operands && argv[k][0] == '-' && argv[k][1] != '\0') {
            return sl_fail(err, SL_E_USAGE, "'%s': options are long here, --name", argv[k]);
        } else {
            if (cli->n_operands == command->max_operands || cli->n_operands == SL_CLI_OPERANDS)
                return sl_fail(err, SL_E_USAGE, "'%s' is more than %s takes%s%s", argv[k], command->name,
                               command->operands ? ": " : "", command->operands ? command->operands : "");
            cli->operand[cli->n_operands++] = argv[k];
        }
    }
    cli->quiet = sl_cli_flag(cli, "quiet");
    if (cli->n_operands < command->min_operands)
        return sl_fail(err, SL_E_USAGE, "%s needs %s; see sgdlab %s --help", command->name, command->operands,
                       command->name);
    return SL_OK;
}

/* ---- help ---- */

enum { LEFT = 33, WIDTH = 100 };

/* Words from column LEFT on, broken before WIDTH. */
static void print_wrapped(const char *text)
{
    int column = LEFT;
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (column > LEFT && column + 1 + length > WIDTH) {
            printf("\n%*s", LEFT, "");
            column = LEFT;
        }
        column += printf("%s%.*s", column > LEFT ? " " : "", length, text);
        text += length + (text[length] == ' ');
    }
    putchar('\n');
}

/* The range, where it says something: upper limits of a million and more only keep nonsense out. */
static void print_range(char *text, size_t size, const sl_option *o)
{
    const bool number = o->kind == SL_OPT_REAL || o->kind == SL_OPT_INTEGER || o->kind == SL_OPT_REALS;
    text[0] = '\0';
    if (number && o->max < 1e6)
        snprintf(text, size, ", in %c%g, %g%c", o->open_min ? '(' : '[', o->min, o->max, o->open_max ? ')' : ']');
    else if (number && o->min > -1e6)
        snprintf(text, size, ", %s %g", o->open_min ? ">" : ">=", o->min);
}

static void print_option(const sl_option *o)
{
    char range[64], help[512];
    print_range(range, sizeof range, o);
    snprintf(help, sizeof help, "%s%s%s%s%s", o->help, range, o->def ? " (" : "", o->def ? o->def : "", o->def ? ")" : "");
    const int length = printf("  --%s %s", o->name, o->kind == SL_OPT_FLAG ? "" : o->value);
    if (length < LEFT) printf("%*s", LEFT - length, "");
    else printf("\n%*s", LEFT, "");
    print_wrapped(help);
}

void sl_cli_help(const sl_command *c)
{
    printf("sgdlab %s - %s\n\nUsage: sgdlab %s%s%s [options]\n\n", c->name, c->help, c->name, c->operands ? " " : "",
           c->operands ? c->operands : "");
    if (c->n_options) printf("Options (default in parentheses):\n");
    for (size_t i = 0; i < c->n_options; i++) print_option(&c->options[i]);
    printf("%sCommon options:\n", c->n_options ? "\n" : "");
    for (size_t i = 0; i < N_COMMON; i++) print_option(&common[i]);
    printf("\nExample:\n%s\n", c->example);
}

/* ---- values ---- */

double sl_cli_real(const sl_cli *cli, const char *name)
{
    return cli->value[find(cli, name)].number;
}

uint64_t sl_cli_integer(const sl_cli *cli, const char *name)
{
    const double v = sl_cli_real(cli, name);
    return isnan(v) ? 0 : (uint64_t)v;
}

const char *sl_cli_text(const sl_cli *cli, const char *name)
{
    return cli->value[find(cli, name)].text;
}

bool sl_cli_flag(const sl_cli *cli, const char *name)
{
    return cli->value[find(cli, name)].given;
}

bool sl_cli_given(const sl_cli *cli, const char *name)
{
    return cli->value[find(cli, name)].given;
}

bool sl_cli_is(const sl_cli *cli, const char *name, const char *word)
{
    const char *text = sl_cli_text(cli, name);
    return text && strcmp(text, word) == 0;
}

const double *sl_cli_reals(const sl_cli *cli, const char *name, size_t *n)
{
    const size_t i = find(cli, name);
    *n = cli->value[i].n_reals;
    return cli->value[i].reals;
}

void sl_cli_config_table(cJSON *config, const char *schedule)
{
    sl_schedule s;
    char hash[24];
    if (!schedule || sl_schedule_init(&s, schedule, 1, 1, (uint64_t)1 << 40, NULL) != SL_OK || !s.table) return;
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)sl_rate_table_hash(s.table));
    cJSON_AddStringToObject(config, "schedule-table", hash);
}

cJSON *sl_cli_config(const sl_cli *cli)
{
    cJSON *config = cJSON_CreateObject();
    cJSON_AddStringToObject(config, "command", cli->command->name);
    cJSON_AddStringToObject(config, "version", sl_version); /* results of another version are not this one's */
    if (cli->command->operands) {
        cJSON *operands = cJSON_AddArrayToObject(config, "operands");
        for (size_t i = 0; i < cli->n_operands; i++)
            cJSON_AddItemToArray(operands, cJSON_CreateString(cli->operand[i]));
    }
    for (size_t i = 0; i < cli->n_options; i++) {
        const sl_option *o = cli->option[i];
        if (o->local) continue;
        if (o->kind == SL_OPT_FLAG)
            cJSON_AddBoolToObject(config, o->name, cli->value[i].given);
        else if (!cli->value[i].text)
            cJSON_AddNullToObject(config, o->name);
        else if (o->kind == SL_OPT_REAL || o->kind == SL_OPT_INTEGER)
            cJSON_AddNumberToObject(config, o->name, cli->value[i].number);
        else if (o->kind == SL_OPT_REALS)
            cJSON_AddItemToObject(config, o->name,
                                  cJSON_CreateDoubleArray(cli->value[i].reals, (int)cli->value[i].n_reals));
        else
            cJSON_AddStringToObject(config, o->name, cli->value[i].text);
        if (strcmp(o->name, "schedule") == 0) sl_cli_config_table(config, cli->value[i].text);
    }
    return config;
}

sl_status sl_cli_config_model(cJSON *config, const sl_cli *cli, sl_err *err)
{
    char *text;
    SL_TRY(sl_model_text(&text, sl_cli_text(cli, "model"), err));
    cJSON_ReplaceItemInObjectCaseSensitive(config, "model", cJSON_CreateString(text));
    free(text);
    return SL_OK;
}
