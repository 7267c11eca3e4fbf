#include "cli/output.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

void sl_cli_answer(sl_cli *cli, const cJSON *result, void (*people)(const sl_cli *cli, const cJSON *result))
{
    if (!cli->json) {
        people(cli, result);
        return;
    }
    char *text = sl_json_print(result, true);
    puts(text ? text : "{}");
    free(text);
    cli->answered = true;
}

void sl_cli_note(const sl_cli *cli, const char *format, ...)
{
    if (cli->quiet) return;
    va_list args;
    va_start(args, format);
    fputs("note: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

/* ---- tables for people ---- */

struct sl_grid {
    char alignment[16];
    size_t columns, n, room;
    char **cell;
};

sl_grid *sl_grid_alloc(const char *alignment)
{
    sl_grid *g = calloc(1, sizeof *g);
    if (!g) return NULL;
    snprintf(g->alignment, sizeof g->alignment, "%s", alignment);
    g->columns = strlen(g->alignment);
    return g;
}

void sl_grid_add(sl_grid *g, const char *format, ...)
{
    if (!g) return;
    if (g->n == g->room) {
        const size_t room = g->room ? 2 * g->room : 64;
        char **cell = realloc(g->cell, room * sizeof *cell);
        if (!cell) return;
        g->cell = cell;
        g->room = room;
    }
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    g->cell[g->n] = strdup(text);
    if (g->cell[g->n]) g->n++;
}

/* Columns on the screen: characters, not bytes. */
static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void sl_grid_print(sl_grid *g)
{
    if (!g) return;
    size_t width[sizeof g->alignment] = {0};
    for (size_t i = 0; i < g->n; i++) {
        const size_t w = width_of(g->cell[i]);
        if (w > width[i % g->columns]) width[i % g->columns] = w;
    }
    for (size_t i = 0; i < g->n; i += g->columns) {
        size_t cells = g->n - i < g->columns ? g->n - i : g->columns;
        const bool whole = cells == g->columns;
        while (cells > 0 && *g->cell[i + cells - 1] == '\0') cells--; /* nothing trails at the end of a line */
        for (size_t j = 0; j < cells; j++) {
            const int pad = (int)(width[j] - width_of(g->cell[i + j]));
            const bool right = g->alignment[j] == 'r', last = j + 1 == cells;
            printf("%s%*s%s%*s", j > 0 ? "  " : "", right ? pad : 0, "", g->cell[i + j], right || last ? 0 : pad, "");
        }
        if (whole) putchar('\n');
    }
    for (size_t i = 0; i < g->n; i++) free(g->cell[i]);
    free(g->cell);
    free(g);
}

void sl_cli_estimate(char text[64], double value, double se)
{
    if (isnan(value)) {
        snprintf(text, 64, "-");
    } else if (!(se > 0) || !isfinite(se)) {
        snprintf(text, 64, "%.6g%s", value, isnan(se) ? " +- ?" : "");
    } else {
        /* two digits of the error; plain notation where the value has a natural size */
        const int places = 1 - (int)floor(log10(se));
        const double size = fabs(value);
        if (places <= 0 && size < 1e9 && se < 1e9) {
            const double step = pow(10, -places);
            snprintf(text, 64, "%.0f +- %.0f", step * round(value / step), step * round(se / step));
        } else if (places <= 0)
            snprintf(text, 64, "%.6g +- %.2g", value, se);
        else if (places > 8 || (size > 0 && size < 1e-3)) {
            const int digits = (int)floor(log10(size > se ? size : se)) + places;
            snprintf(text, 64, "%.*e +- %.1e", digits > 0 ? digits : 1, value, se);
        } else
            snprintf(text, 64, "%.*f +- %.*f", places, value, places, se);
    }
}

double sl_cli_number(const cJSON *item)
{
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

sl_estimate sl_cli_read_estimate(const cJSON *pair)
{
    return (sl_estimate){
        .value = sl_cli_number(cJSON_GetObjectItemCaseSensitive(pair, "value")),
        .se = sl_cli_number(cJSON_GetObjectItemCaseSensitive(pair, "se")),
        .dof = INFINITY,
    };
}

void sl_grid_compare(sl_grid *g, const char *name, const cJSON *measured, const cJSON *predicted, bool exact)
{
    const sl_estimate e = sl_cli_read_estimate(measured);
    const double p = sl_cli_number(predicted);
    if (isnan(e.value)) return;
    char text[64];
    sl_cli_estimate(text, e.value, e.se);
    sl_grid_add(g, "%s", name);
    sl_grid_add(g, "%s", text);
    if (isnan(p)) sl_grid_add(g, "-");
    else sl_grid_add(g, "%.8g", p + 0.0); /* never -0 */
    if (isnan(p) || !(e.se > 0) || (!exact && p == 0)) sl_grid_add(g, "-");
    else if (exact) sl_grid_add(g, "%+.2f", (e.value - p) / e.se);
    else sl_grid_add(g, fabs(e.value / p) < 1e6 ? "%+.2f %%" : "%+.2e %%", 100 * (e.value / p - 1));
}

void sl_cli_print_notes(const cJSON *result)
{
    const cJSON *notes = cJSON_GetObjectItemCaseSensitive(result, "notes"), *note;
    cJSON_ArrayForEach(note, notes) printf("note: %s\n", note->valuestring);
}

/* ---- the run's folder ---- */

static sl_status read_result(cJSON **result, const sl_run *run, sl_err *err)
{
    char path[PATH_MAX], *text = NULL;
    SL_TRY(sl_run_path(run, path, sizeof path, "result.json", err));
    SL_TRY(sl_read_file(&text, NULL, path, (size_t)1 << 28, err));
    *result = cJSON_Parse(text);
    free(text);
    if (!*result) return sl_fail(err, SL_E_FORMAT, "'%s' is damaged: not JSON", path);
    return SL_OK;
}

sl_status sl_cli_open(sl_run **run, cJSON **old, const sl_cli *cli, const char *name, const cJSON *config, sl_err *err)
{
    *old = NULL;
    if (sl_cli_flag(cli, "no-save")) {
        *run = sl_run_none();
        return SL_OK;
    }
    char whole[256];
    if (*name)
        snprintf(whole, sizeof whole, "%s-%s", cli->command->name, name);
    else
        snprintf(whole, sizeof whole, "%s", cli->command->name);
    bool complete = false;
    SL_TRY(sl_run_open(run, &complete, sl_cli_text(cli, "out"), whole, config, sl_cli_integer(cli, "seed"), cli->argc,
                       cli->argv, err));
    if (!complete) return SL_OK;
    const sl_status st = read_result(old, *run, err);
    if (st != SL_OK) {
        sl_run_free(*run);
        return st;
    }
    sl_cli_note(cli, "%s is complete already: nothing was run, this is its result", sl_run_dir(*run));
    return SL_OK;
}

/* What the manifest says of a run that ended so. */
static const char *status_of(sl_status st)
{
    return st == SL_INTERRUPTED ? "interrupted" : st == SL_DIVERGED ? "diverged" : "complete";
}

sl_status sl_cli_close(sl_run *run, sl_status st, const char *status, const cJSON *result, sl_err *err)
{
    if (st < 0) {
        (void)!sl_run_close(run, "failed", NULL, NULL); /* what failed first is what the user should hear */
    } else {
        sl_err second = {0};
        const sl_status closed = sl_run_close(run, status ? status : status_of(st), result, &second);
        if (closed != SL_OK) {
            st = closed;
            if (err) *err = second;
        }
    }
    sl_run_free(run);
    return st;
}

sl_status sl_cli_drawn(const sl_cli *cli, sl_status st, sl_err *err)
{
    if (st != SL_E_UNAVAILABLE) return st;
    sl_cli_note(cli, "%s", err->message);
    *err = (sl_err){0};
    return SL_OK;
}

sl_status sl_cli_header(sl_table *t, const cJSON *config, sl_err *err)
{
    for (const cJSON *c = config->child; c; c = c->next) {
        if (cJSON_IsString(c)) {
            SL_TRY(sl_table_set(t, c->string, err, "%s", c->valuestring));
            continue;
        }
        char *text = sl_json_print(c, false);
        const sl_status st = sl_table_set(t, c->string, err, "%s", text ? text : "?");
        free(text);
        SL_TRY(st);
    }
    return SL_OK;
}
