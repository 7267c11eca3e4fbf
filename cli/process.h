/* cli/process.h - this very program, run again as a child with other arguments, and waited for.
 *
 * A child dies with its parent, however that ends, and does not hear the terminal's Ctrl-C, which is its parent's to
 * pass on. Its standard input is empty. */
#ifndef SL_CLI_PROCESS_H
#define SL_CLI_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/status.h"

typedef struct {
    pid_t pid;
    int fd;        /* readable once the child has ended; -1 where the kernel has none to give */
} sl_process;

/* argv: the words after the program's name, NULL at the end. out, err_out: descriptors for standard output and error,
 * which stay the caller's. Only from the thread that lives as long as the child may: a child dies with its thread.
 * Errors: SL_E_MEMORY, with the system's reason. */
SL_CHECKED sl_status sl_process_start(sl_process *p, const char *const *argv, int out, int err_out, sl_err *err);

/* Waits until one of them has ended, a signal has come, or the time is over. */
void sl_process_wait(const sl_process *p, size_t n, int milliseconds);

/* Has it ended? Then *code: its exit code, or minus the number of the signal that killed it; p is used up. */
bool sl_process_ended(sl_process *p, int *code);

/* Asks it to stop and save (SIGTERM, which is to be sent once). */
void sl_process_ask_to_stop(const sl_process *p);

#endif
