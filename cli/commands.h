/* cli/commands.h - the commands, one file each; main.c lists them. */
#ifndef SL_CLI_COMMANDS_H
#define SL_CLI_COMMANDS_H

#include "cli/options.h"

extern const sl_command sl_command_verify, sl_command_list, sl_command_simulate, sl_command_operator,
    sl_command_escape, sl_command_robustness, sl_command_train, sl_command_measure, sl_command_figure,
    sl_command_schedule, sl_command_sweep, sl_command_bench;

#endif
