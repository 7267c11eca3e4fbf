/* Figure `schedules`: every schedule of the registry, a panel each, as its own function tabulates it. */
#include "claims/figures_schedules.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "claims/prose.h"
#include "optim/schedule.h"

enum { EPOCHS = 100, STEPS_PER_EPOCH = 2, STEPS = EPOCHS * STEPS_PER_EPOCH, MOST = 32, COLUMNS = 4 };

/* Parameters that show a schedule's character over 100 epochs; the others are shown with their defaults. */
static const char *const shown_as[] = {
    "plrs:min=0.7:max=1",       "cyclic:period=18", "cosine-restarts:first=10", "exponential:gamma=0.96",
    "step:every=30:gamma=0.5",  "multi-step:milestones=50,75:gamma=0.3", "knee:flat=50", "triangular:up=10:down=15",
};
/* After the registry, what warm-up does in front of any. */
static const char with_warmup[] = "cosine:warmup=15:warmup-from=0";

static const char *text_of(const sl_entry *e)
{
    const size_t n = strlen(e->name);
    for (size_t i = 0; i < sizeof shown_as / sizeof *shown_as; i++)
        if (strncmp(e->name, shown_as[i], n) == 0 && shown_as[i][n] == ':') return shown_as[i];
    return e->name;
}

/* Colons become spaces, where lines may be broken. */
static void set_title(char title[64], const char *text)
{
    snprintf(title, 64, "%s", text);
    for (char *p = title; (p = strchr(p, ':'));) *p = ' ';
}

/* A user's own rates: there is nothing to draw without them. */
static bool needs_file(const sl_entry *entry)
{
    for (size_t k = 0; k < entry->n_params; k++)
        if (entry->params[k].text) return true;
    return false;
}

static sl_status tabulate(sl_table *t, size_t *n, sl_schedule *schedules, char titles[][64], uint64_t seed, sl_err *err)
{
    SL_TRY(sl_table_set(t, "conventions", err, "l = 1; the rate of step k is the one that update k applies; %d steps an "
                        "epoch, %d epochs", STEPS_PER_EPOCH, EPOCHS));
    SL_TRY(sl_table_set(t, "seed", err, "%llu", (unsigned long long)seed));
    *n = 0;
    for (size_t i = 0; i <= sl_n_schedules && *n < MOST; i++) {
        if (i < sl_n_schedules && needs_file(sl_schedules[i])) continue;
        sl_schedule *s = &schedules[*n];
        const char *text = i < sl_n_schedules ? text_of(sl_schedules[i]) : with_warmup;
        SL_TRY(sl_schedule_init(s, text, 1, STEPS_PER_EPOCH, STEPS, err));
        char canonical[512];
        sl_spec_print(canonical, sizeof canonical, &s->spec);
        SL_TRY(sl_table_block(t, canonical, err));
        for (uint64_t k = 0; k < STEPS; k++) {
            const double row[] = {(double)k, (double)k / STEPS_PER_EPOCH, sl_schedule_lr(s, seed, 0, k)};
            SL_TRY(sl_table_add(t, row, err));
        }
        set_title(titles[(*n)++], text);
    }
    return SL_OK;
}

static sl_status draw(const sl_lab *lab, char **summary, const sl_table *t, const sl_schedule *schedules,
                      char titles[][64], size_t n, sl_err *err)
{
    sl_curve curves[MOST];
    sl_panel panels[MOST];
    double highest[MOST] = {0};
    sl_prose text = {0};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = sl_table_block_start(t, i); k < sl_table_block_start(t, i + 1); k++)
            highest[i] = fmax(highest[i], sl_table_row(t, k)[2]);
        curves[i] = (sl_curve){.kind = sl_schedule_is_random(&schedules[i]) ? SL_CURVE_POINTS : SL_CURVE_LINE,
                               .dat = "schedules.dat", .block = (int)i, .x = "2", .y = "3"};
        panels[i] = (sl_panel){.title = titles[i], .xlabel = i + COLUMNS >= n ? "epoch" : NULL,
                               .ylabel = i % COLUMNS == 0 ? "rate / l" : NULL, .xmin = 0, .xmax = EPOCHS, .ymin = 0,
                               .ymax = 1.05 * highest[i], .curves = &curves[i], .n_curves = 1};
        sl_say(&text, "%-40s mean rate %.6g over %d epochs\n", titles[i], sl_schedule_mean(&schedules[i], 0, STEPS),
               EPOCHS);
    }
    const sl_figure figure = {
        .name = "schedules",
        .title = "Learning-rate schedules",
        .caption = "Base rate l = 1, 100 epochs of 2 steps, parameters at their defaults unless written. Points: one "
                   "replica's random rates. plrs has absolute bounds and ignores l.",
        .rows = (n + COLUMNS - 1) / COLUMNS, .columns = COLUMNS, .width = 6.5, .height = 5, .panels = panels,
        .n_panels = n,
    };
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

static sl_status make(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"step[1]", "epoch[1]", "lr[1]"};
    sl_schedule schedules[MOST];
    char titles[MOST][64];
    size_t n;
    sl_table *t = sl_table_alloc(3, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = tabulate(t, &n, schedules, titles, lab->seed, err);
    if (st == SL_OK) st = sl_run_table(lab->run, "schedules.dat", t, err);
    if (st == SL_OK) st = draw(lab, summary, t, schedules, titles, n, err);
    sl_table_free(t);
    if (st != SL_OK) return st;
    cJSON *list = cJSON_AddArrayToObject(result, "schedules");
    for (size_t i = 0; i < n; i++) cJSON_AddItemToArray(list, cJSON_CreateString(titles[i]));
    return SL_OK;
}

const sl_recipe sl_recipe_schedules = {
    .name = "schedules",
    .paper = "",
    .help = "gallery of all learning-rate schedules",
    .make = make,
};
