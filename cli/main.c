/* sgdlab: the program. Finds the command, parses its options, runs it, prints what went wrong, returns the code. */
#define _GNU_SOURCE
#include <cjson/cJSON.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parallel.h"
#include "base/run.h"
#include "cli/commands.h"
#include "cli/options.h"

static const sl_command *const commands[] = {
    &sl_command_verify, &sl_command_list, &sl_command_simulate, &sl_command_operator,
    &sl_command_escape, &sl_command_train, &sl_command_robustness, &sl_command_measure,
    &sl_command_figure, &sl_command_schedule, &sl_command_sweep, &sl_command_bench,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_usage(FILE *f)
{
    fputs("sgdlab: a laboratory for the dynamics of SGD\n\nUsage: sgdlab COMMAND [options]\n\nCommands:\n", f);
    for (size_t i = 0; i < N_COMMANDS; i++) fprintf(f, "  %-11s %s\n", commands[i]->name, commands[i]->help);
    fputs("\nsgdlab COMMAND --help says more of each. sgdlab --version.\n"
          "Exit codes: 0 done and as expected; 1 a verdict differs; 2 wrong usage; 3 wrong input; 4 a run failed.\n", f);
}

/* The first signal asks long loops to stop and save; a second one ends the program at once. */
static void on_signal(int signal_number)
{
    if (sl_stop_requested()) _exit(128 + signal_number);
    sl_stop_request();
}

/* The reader of our output has seen enough. The write then fails, which finish() notices. */
static volatile sig_atomic_t pipe_closed;

static void on_closed_pipe(int signal_number)
{
    (void)signal_number;
    pipe_closed = 1;
}

static void listen_to_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal};
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    a.sa_handler = on_closed_pipe;
    sigaction(SIGPIPE, &a, NULL);
    a.sa_handler = SIG_IGN; /* a file beyond the limit of its size is then a write that fails, with a message */
    sigaction(SIGXFSZ, &a, NULL);
}

/* A trouble on one line of standard error, and as a JSON object where one was promised. */
static int report(const sl_cli *cli, bool json, sl_status st, const sl_err *err)
{
    const char *message = *err->message ? err->message : sl_status_sentence(st);
    fprintf(stderr, "sgdlab: %s\n", message);
    if (json && !(cli && cli->answered)) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "error", message);
        cJSON_AddStringToObject(object, "kind", sl_status_sentence(st));
        char *text = cJSON_Print(object);
        if (text) puts(text);
        free(text);
        cJSON_Delete(object);
    }
    return sl_status_exit_code(st);
}

/* A long output fails before its end, and then the reason is no longer in errno. */
static int finish(int code)
{
    errno = 0;
    const bool failed = fflush(stdout) != 0;
    if (!failed && !ferror(stdout)) return code;
    if (!pipe_closed)
        fprintf(stderr, "sgdlab: standard output cannot be written%s%s\n", errno ? ": " : "", errno ? strerror(errno) : "");
    return code ? code : sl_status_exit_code(SL_E_WRITE);
}

static int run_command(const sl_command *command, int argc, char **argv)
{
    sl_cli cli;
    sl_err err = {0};
    sl_status st = sl_cli_parse(&cli, command, argc, argv, &err);
    if (st == SL_OK && cli.help) {
        sl_cli_help(command);
        return 0;
    }
    if (st == SL_OK) st = command->run(&cli, &err);
    return st == SL_OK ? cli.exit_code : report(&cli, cli.json, st, &err);
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "C");
    listen_to_signals();
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("sgdlab %s (%s)\n", sl_version, sl_build_id);
        return finish(0);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return finish(0);
    }
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i]->name;
        if (strcmp(argv[1], names[i]) == 0) return finish(run_command(commands[i], argc, argv));
    }
    bool json = false;
    for (int k = 2; k < argc; k++) json |= strcmp(argv[k], "--json") == 0;
    sl_err err = {0};
    const sl_status st = sl_cli_unknown("command", argv[1], names, N_COMMANDS, &err);
    return finish(report(NULL, json, st, &err));
}
