#define _GNU_SOURCE
#include "plots/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/run.h"
#include "plots/script.h"

extern char **environ;

enum { PATH_SIZE = 4096 };

/* What is made, and what stands at the end of a whole one: gnuplot takes no notice of a disk that fills up. */
static const struct {
    const char *ending, *last;
} pictures[] = {{"svg", "</svg>"}, {"pdf", "%%EOF"}, {"png", "IEND"}};

static const char part[] = ".part"; /* pictures are made under this ending and renamed when whole */

static sl_status join(char path[PATH_SIZE], const char *dir, const char *name, const char *ending, const char *tail,
                      sl_err *err)
{
    if (snprintf(path, PATH_SIZE, "%s/%s.%s%s", dir, name, ending, tail) >= PATH_SIZE)
        return sl_fail(err, SL_E_WRITE, "%s: the path is too long", dir);
    return SL_OK;
}

sl_status sl_plot_script(const char *dir, const sl_figure *figure, sl_err *err)
{
    SL_TRY(sl_figure_check(figure, err));
    char path[PATH_SIZE], *text = NULL;
    SL_TRY(join(path, dir, figure->name, "gp", "", err));
    size_t size = 0;
    FILE *script = open_memstream(&text, &size);
    if (!script) return sl_fail(err, SL_E_MEMORY, "no memory for the script of figure '%s'", figure->name);
    sl_figure_script(script, figure);
    const bool bad = ferror(script) != 0;
    sl_status st = SL_OK;
    if (fclose(script) != 0 || bad)
        st = sl_fail(err, SL_E_MEMORY, "no memory for the script of figure '%s'", figure->name);
    else
        st = sl_write_file(path, text, size, err);
    free(text);
    return st;
}

/* Reads what the child says until it closes its end; keeps the first size - 1 bytes, as one line. */
static void listen_to(int fd, char *words, size_t size)
{
    size_t used = 0;
    char piece[512];
    for (;;) {
        const ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        for (ssize_t i = 0; i < n && used + 1 < size; i++) {
            const char c = (unsigned char)piece[i] < ' ' ? ' ' : piece[i];
            if (c != ' ' || (used > 0 && words[used - 1] != ' ')) words[used++] = c;
        }
    }
    while (used > 0 && words[used - 1] == ' ') used--;
    words[used] = '\0';
}

/* Runs gnuplot in dir, without a shell. *words: what it printed. *code: its exit code, -1 if it was killed. */
static sl_status run_gnuplot(const char *dir, const char *script, int *code, char *words, size_t size, sl_err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sl_fail(err, SL_E_NUMERIC, "no pipe to gnuplot: %s", strerror(errno));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    posix_spawn_file_actions_addchdir_np(&actions, dir);
    char *const argv[] = {(char *)"gnuplot", (char *)"--default-settings", (char *)"-c", (char *)script, (char *)part,
                          NULL};
    sigset_t as_usual; /* whatever we ignore, a limit on its files stops gnuplot */
    sigemptyset(&as_usual);
    sigaddset(&as_usual, SIGXFSZ);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &as_usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    pid_t child;
    const int failure = posix_spawnp(&child, "gnuplot", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (failure != 0) {
        close(ends[0]);
        return sl_fail(err, SL_E_UNAVAILABLE, "gnuplot cannot be run (%s): %s/%s is written, no pictures are",
                       strerror(failure), dir, script);
    }
    listen_to(ends[0], words, size);
    close(ends[0]);
    int state;
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR) return sl_fail(err, SL_E_NUMERIC, "gnuplot was lost: %s", strerror(errno));
    *code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
    if (WIFSIGNALED(state)) snprintf(words, size, "%s", strsignal(WTERMSIG(state)));
    return SL_OK;
}

/* gnuplot only warns where a file is missing and something else can be drawn; to us that is a failure. */
static sl_status check_data(const char *dir, const sl_figure *f, sl_err *err)
{
    for (size_t i = 0; i < f->n_panels; i++)
        for (size_t k = 0; k < f->panels[i].n_curves; k++) {
            const char *dat = f->panels[i].curves[k].dat;
            char path[PATH_SIZE];
            if (f->panels[i].curves[k].kind == SL_CURVE_FUNCTION) continue;
            if (snprintf(path, sizeof path, "%s/%s", dir, dat) >= PATH_SIZE || access(path, R_OK) != 0)
                return sl_fail(err, SL_E_FILE, "figure '%s' cannot read %s/%s: %s", f->name, dir, dat, strerror(errno));
        }
    return SL_OK;
}

/* Is `last` among the last bytes of the file? */
static bool is_whole(const char *path, const char *last)
{
    char tail[16];
    FILE *f = fopen(path, "rbe");
    if (!f) return false;
    const bool long_enough = fseek(f, -(long)sizeof tail, SEEK_END) == 0;
    const size_t n = long_enough ? fread(tail, 1, sizeof tail, f) : 0;
    fclose(f);
    return memmem(tail, n, last, strlen(last)) != NULL;
}

sl_status sl_plot(const char *dir, const sl_figure *figure, sl_err *err)
{
    SL_TRY(sl_plot_script(dir, figure, err));
    SL_TRY(check_data(dir, figure, err));
    char script[PATH_SIZE], words[512];
    snprintf(script, sizeof script, "%s.gp", figure->name);
    int code = -1;
    SL_TRY(run_gnuplot(dir, script, &code, words, sizeof words, err));
    sl_status st = SL_OK;
    if (code != 0) st = sl_fail(err, SL_E_NUMERIC, "gnuplot failed on %s/%s (exit code %d): %s", dir, script, code, words);
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        char made[PATH_SIZE], picture[PATH_SIZE];
        SL_TRY(join(made, dir, figure->name, pictures[i].ending, part, err));
        SL_TRY(join(picture, dir, figure->name, pictures[i].ending, "", err));
        const bool cut_short = code == 0 && access(made, F_OK) == 0 && !is_whole(made, pictures[i].last);
        if (cut_short && st == SL_OK)
            st = sl_fail(err, SL_E_WRITE, "gnuplot left '%s' unfinished: is the disk full? %s", picture, words);
        if (code != 0 || cut_short)
            unlink(made);
        else if (rename(made, picture) != 0 && st == SL_OK)
            st = sl_fail(err, SL_E_NUMERIC, "gnuplot made no %s (%s): %s", picture, strerror(errno), words);
    }
    return st;
}
