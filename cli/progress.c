#include "cli/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void sl_progress_start(sl_progress *p, const sl_cli *cli)
{
    *p = (sl_progress){.silent = cli->quiet, .terminal = cli->terminal, .start = sl_clock()};
    p->last = p->start;
    snprintf(p->what, sizeof p->what, "%s", cli->command->name);
    pthread_mutex_init(&p->lock, NULL);
}

static void print_seconds(char text[24], double s)
{
    if (!(s < 1e10))
        snprintf(text, 24, "?");
    else if (s < 90)
        snprintf(text, 24, "%.0f s", ceil(s));
    else if (s < 5400)
        snprintf(text, 24, "%.0f min", ceil(s / 60));
    else if (s < 48 * 3600)
        snprintf(text, 24, "%.1f h", s / 3600);
    else
        snprintf(text, 24, "%.1f days", s / 86400);
}

static void draw(sl_progress *p, double fraction, double elapsed)
{
    enum { WIDTH = 24 };
    char left[24] = "?", bar[WIDTH + 1];
    /* What takes weeks has done little of it after a while, but enough to say so. */
    if (elapsed > 0.5 && fraction > p->from + (elapsed > 5 ? 0 : 1e-3))
        print_seconds(left, elapsed * (1 - fraction) / (fraction - p->from));
    if (!p->terminal) {
        fprintf(stderr, "%s: %.0f %%, %s left%s%s\n", p->what, 100 * fraction, left, *p->note ? "; " : "", p->note);
        return;
    }
    for (int i = 0; i < WIDTH; i++) bar[i] = i < (int)(fraction * WIDTH) ? '=' : ' ';
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %3.0f %%  %s left  %.60s\033[K", bar, 100 * fraction, left, *p->note ? p->note : p->what);
    fflush(stderr);
    p->drawn = true;
}

void sl_progress_show(void *ctx, const char *what, double fraction)
{
    enum { TERMINAL_MS = 100, FILE_MS = 10000 };
    sl_progress *p = ctx;
    if (p->silent) return;
    pthread_mutex_lock(&p->lock);
    fraction = fraction < 0 || isnan(fraction) ? 0 : fraction > 1 ? 1 : fraction;
    const double t = sl_clock();
    if (what && strncmp(what, p->what, sizeof p->what - 1) != 0) { /* a new piece of work has its own clock */
        snprintf(p->what, sizeof p->what, "%s", what);
        p->start = t;
        p->from = fraction;
    }
    if ((t - p->last) * 1e3 >= (p->terminal ? TERMINAL_MS : FILE_MS)) {
        p->last = t;
        draw(p, fraction, t - p->start);
    }
    pthread_mutex_unlock(&p->lock);
}

void sl_progress_fraction(void *ctx, double fraction)
{
    sl_progress_show(ctx, NULL, fraction);
}

void sl_progress_skip(sl_progress *p, double fraction)
{
    pthread_mutex_lock(&p->lock);
    p->from += fraction;
    pthread_mutex_unlock(&p->lock);
}

void sl_progress_note(sl_progress *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&p->lock);
    vsnprintf(p->note, sizeof p->note, format, args);
    pthread_mutex_unlock(&p->lock);
    va_end(args);
}

void sl_progress_end(sl_progress *p)
{
    if (p->drawn) fprintf(stderr, "\r\033[K");
    p->drawn = false;
    pthread_mutex_destroy(&p->lock);
}
