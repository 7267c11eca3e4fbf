#define _GNU_SOURCE
#include "cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_WORDS = 256, MOST_WATCHED = 1024, EXEC_FAILED = 127 };

/* In the child. Libraries may have threads by now, so nothing but calls that are safe after fork. */
static _Noreturn void become(char *const *argv, pid_t parent, int in, int out, int err_out)
{
    sigset_t none;
    sigemptyset(&none);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && setpgid(0, 0) == 0 && dup2(in, 0) == 0 &&
        dup2(out, 1) == 1 && dup2(err_out, 2) == 2 && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        execv("/proc/self/exe", argv);
    _exit(EXEC_FAILED);
}

sl_status sl_process_start(sl_process *p, const char *const *argv, int out, int err_out, sl_err *err)
{
    char *words[MOST_WORDS] = {(char *)"sgdlab"}; /* execv only reads them */
    size_t n = 0;
    for (; argv[n]; n++) {
        if (n + 2 >= MOST_WORDS) return sl_fail(err, SL_E_MEMORY, "a command of more than %d words", MOST_WORDS - 2);
        words[n + 1] = (char *)argv[n];
    }
    const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in < 0) return sl_fail(err, SL_E_MEMORY, "/dev/null cannot be opened: %s", strerror(errno));
    const pid_t parent = getpid(), child = fork();
    if (child == 0) become(words, parent, in, out, err_out);
    const int reason = errno;
    close(in);
    if (child < 0) return sl_fail(err, SL_E_MEMORY, "no process for a run: %s", strerror(reason));
    *p = (sl_process){.pid = child, .fd = pidfd_open(child, 0)};
    return SL_OK;
}

void sl_process_wait(const sl_process *p, size_t n, int milliseconds)
{
    enum { WITHOUT_WATCH = 20 }; /* where a child cannot be watched it is looked at so often, in milliseconds */
    struct pollfd watch[MOST_WATCHED];
    nfds_t watched = 0;
    bool all = true;
    for (size_t i = 0; i < n; i++) {
        if (p[i].fd >= 0 && watched < MOST_WATCHED) watch[watched++] = (struct pollfd){.fd = p[i].fd, .events = POLLIN};
        else all = false;
    }
    poll(watch, watched, all || milliseconds < WITHOUT_WATCH ? milliseconds : WITHOUT_WATCH);
}

bool sl_process_ended(sl_process *p, int *code)
{
    int state;
    const pid_t ended = waitpid(p->pid, &state, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
    *code = ended < 0 ? EXEC_FAILED : WIFSIGNALED(state) ? -WTERMSIG(state) : WEXITSTATUS(state);
    if (p->fd >= 0) close(p->fd);
    p->pid = 0;
    p->fd = -1;
    return true;
}

void sl_process_ask_to_stop(const sl_process *p)
{
    if (p->pid > 0) kill(p->pid, SIGTERM);
}
