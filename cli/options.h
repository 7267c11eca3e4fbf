/* cli/options.h - one table a command: from it follow parsing, range checks, defaults, --help and the resolved
 * configuration. `--name value` and `--name=value`; numbers are parsed strictly ("1e-3abc" and "nan" are errors). */
#ifndef SL_CLI_OPTIONS_H
#define SL_CLI_OPTIONS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum { SL_OPT_FLAG, SL_OPT_REAL, SL_OPT_INTEGER, SL_OPT_TEXT, SL_OPT_CHOICE, SL_OPT_REALS } sl_opt_kind;

typedef struct {
    const char *name;        /* without dashes                                                              */
    sl_opt_kind kind;
    const char *value;       /* what stands in help: "N", "NAME"; for a choice its words, "sgd|overdamped"   */
    const char *def;         /* default as text; NULL: not given                                            */
    const char *help;        /* one phrase, with the unit                                                   */
    double min, max;         /* closed range of a number, unless open                                       */
    bool open_min, open_max;
    bool local;              /* says where or how, not what: no part of the configuration that is hashed     */
} sl_option;

/* A row of a command's table; further fields as .min = 0, .max = 1. */
#define SL_OPTION(n, k, v, d, h, ...) {.name = n, .kind = k, .value = v, .def = d, .help = h, __VA_ARGS__}

struct sl_cli;

typedef struct {
    const char *name;
    const char *help;        /* one line                                                                    */
    const char *operands;    /* "[ID or paper or glob ...]", "NAME"; NULL: it takes none                     */
    size_t min_operands, max_operands;
    const char *example;     /* whole lines that can be pasted                                              */
    const sl_option *options;
    size_t n_options;
    sl_status (*run)(struct sl_cli *cli, sl_err *err);
} sl_command;

enum { SL_CLI_OPTIONS = 48, SL_CLI_OPERANDS = 64, SL_CLI_REALS = 128 };

/* A parsed command line and what is known of the terminal. */
typedef struct sl_cli {
    const sl_command *command;
    const sl_option *option[SL_CLI_OPTIONS]; /* the command's own, then the common ones     */
    struct {
        const char *text;    /* given, or the default; NULL: neither                        */
        double number;
        double reals[SL_CLI_REALS];
        size_t n_reals;
        bool given;
    } value[SL_CLI_OPTIONS];
    size_t n_options;
    const char *operand[SL_CLI_OPERANDS];
    size_t n_operands;
    int argc;
    char **argv;
    bool help, json, quiet;
    bool colour;             /* stdout is a terminal and NO_COLOR is not set                */
    bool terminal;           /* stderr is a terminal                                        */
    bool answered;           /* the JSON object has been printed                            */
    int exit_code;           /* for a command that ends well with another code than 0       */
} sl_cli;

/* argv[0] is the program, argv[1] the command. Errors: SL_E_NAME with the nearest match for an unknown option,
 * SL_E_DOMAIN for a value, SL_E_USAGE for what is missing, superfluous or given twice. */
SL_CHECKED sl_status sl_cli_parse(sl_cli *cli, const sl_command *command, int argc, char **argv, sl_err *err);

/* The command's help, with every option, its range and default, and the example. */
void sl_cli_help(const sl_command *command);

/* Values by option name, which must exist. A number that was not given and has no default is NAN. */
double sl_cli_real(const sl_cli *cli, const char *name);
uint64_t sl_cli_integer(const sl_cli *cli, const char *name); /* 0 if not given and without default */
const char *sl_cli_text(const sl_cli *cli, const char *name);
bool sl_cli_flag(const sl_cli *cli, const char *name);
bool sl_cli_given(const sl_cli *cli, const char *name);
/* Is the choice that word? */
bool sl_cli_is(const sl_cli *cli, const char *name, const char *word);
const double *sl_cli_reals(const sl_cli *cli, const char *name, size_t *n);

/* Everything that decides the result, defaults included: {"command": ..., "operands": [...], option: value, ...}. */
cJSON *sl_cli_config(const sl_cli *cli);
/* Of a schedule from a file, a hash of the curve as "schedule-table", so that another content is another run; of other
 * schedules, and of one that cannot be made (which the command refuses), nothing. Done already for --schedule. */
void sl_cli_config_table(cJSON *config, const char *schedule);
/* Puts the network itself in the place of "@file" in config's "model", so that another file is another run. Errors: those
 * of sl_model_text. */
SL_CHECKED sl_status sl_cli_config_model(cJSON *config, const sl_cli *cli, sl_err *err);

/* The error of a name that is not among names[n]: lists them and the nearest match. */
sl_status sl_cli_unknown(const char *what, const char *name, const char *const *names, size_t n, sl_err *err);

#endif
