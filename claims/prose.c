#include "claims/prose.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void sl_say(sl_prose *p, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n > 0 && p->length + (size_t)n + 1 > p->room) {
        const size_t room = 2 * (p->length + (size_t)n + 1);
        char *text = realloc(p->text, room);
        if (text) p->text = text, p->room = room;
    }
    if (n > 0 && p->length + (size_t)n < p->room) {
        vsnprintf(p->text + p->length, p->room - p->length, format, again);
        p->length += (size_t)n;
    }
    va_end(again);
}

static sl_status fill_described(sl_table *t, const sl_lab *lab, sl_fill fill, void *ctx, sl_err *err)
{
    SL_TRY(sl_table_set(t, "version", err, "%s", sl_version));
    SL_TRY(sl_table_set(t, "scale", err, "%s", sl_scale_name(lab->scale)));
    SL_TRY(sl_table_set(t, "seed", err, "%llu", (unsigned long long)lab->seed));
    return fill(ctx, t, err);
}

sl_status sl_tabulate(const sl_lab *lab, const char *file, size_t n_columns, const char *const *columns, sl_fill fill,
                      void *ctx, sl_err *err)
{
    sl_table *t = sl_table_alloc(n_columns, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for the table %s", file);
    sl_status st = fill_described(t, lab, fill, ctx, err);
    if (st == SL_OK) st = sl_run_table(lab->run, file, t, err);
    sl_table_free(t);
    return st;
}

sl_status sl_finish_figure(const sl_lab *lab, const sl_figure *figure, sl_prose *text, char **summary, sl_err *err)
{
    sl_status st = SL_OK;
    if (sl_run_saves(lab->run)) {
        sl_err why = {0};
        st = sl_plot(sl_run_dir(lab->run), figure, &why);
        if (st == SL_E_UNAVAILABLE) {
            sl_say(text, "(%s)\n", why.message);
            st = SL_OK;
        } else if (st != SL_OK && err) {
            *err = why;
        }
    }
    if (st == SL_OK)
        *summary = text->text;
    else
        free(text->text);
    *text = (sl_prose){0};
    return st;
}
