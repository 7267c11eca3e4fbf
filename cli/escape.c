/* sgdlab escape: how long trajectories stay near a saddle or in a basin, beside theory. */
#include "cli/escape.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"

static const sl_option options[] = {
    SL_OPTION("loss", SL_OPT_TEXT, "L", "quadratic-saddle", "the loss; see sgdlab list losses"),
    SL_DYNAMICS_OPTIONS("sgd|overdamped|underdamped"),
    SL_ENSEMBLE_OPTIONS,
    SL_OPTION(
        "radius", SL_OPT_REAL, "R", NULL,
        "first exit from the ball around the start; unless given 1, or --to-basin where the start is in a basin with "
        "others about",
        .min = 0, .max = 1e100, .open_min = true),
    SL_OPTION("to-basin", SL_OPT_FLAG, NULL, NULL,
              "arrival at another minimum: in 1-D half-way from the saddle to it, else in a disc around it"),
    SL_OPTION("max-steps", SL_OPT_INTEGER, "N", NULL,
              "then a trajectory is censored; by default 30 predicted mean times, or what some minutes allow", .min = 1,
              .max = 1e15),
    SL_OPTION("method", SL_OPT_CHOICE, "direct|splitting", "direct",
              "all replicas to their end, or multilevel splitting for rare arrivals (--to-basin)"),
    SL_OPTION("particles", SL_OPT_INTEGER, "N", "1024", "splitting: particles a level and repeat", .min = 8,
              .max = 1e7),
    SL_OPTION("repeats", SL_OPT_INTEGER, "N", "32", "splitting: independent repeats, for the error", .min = 2,
              .max = 1e5),
    SL_OPTION("paths", SL_OPT_INTEGER, "N", "0", "trajectories that are kept, in paths.dat and the picture", .min = 0,
              .max = 256),
};

static void add_note(cJSON *notes, const char *format, ...) SL_PRINTF(2, 3);

static void add_note(cJSON *notes, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cJSON_AddItemToArray(notes, cJSON_CreateString(text));
}

/* ---- setting up ---- */

static sl_status check_options(const sl_cli *cli, sl_err *err)
{
    const bool radius = sl_cli_given(cli, "radius"), basin = sl_cli_flag(cli, "to-basin");
    if (radius && basin)
        return sl_fail(err, SL_E_USAGE, "--radius and --to-basin are two ends for a trajectory: give one");
    if (!sl_cli_is(cli, "method", "splitting")) {
        static const char *const of_splitting[] = {"particles", "repeats"};
        for (size_t i = 0; i < 2; i++)
            if (sl_cli_given(cli, of_splitting[i]))
                return sl_fail(err, SL_E_USAGE, "--%s belongs to --method splitting", of_splitting[i]);
        return SL_OK;
    }
    if (radius)
        return sl_fail(err, SL_E_USAGE,
                       "--method splitting goes from basin to basin, it needs --to-basin and no --radius");
    static const char *const of_direct[] = {"max-steps", "paths", "start-spread", "replicas", "kill-radius"};
    for (size_t i = 0; i < sizeof of_direct / sizeof *of_direct; i++)
        if (sl_cli_given(cli, of_direct[i]))
            return sl_fail(err, SL_E_USAGE, "--%s belongs to --method direct; splitting has --particles and --repeats",
                           of_direct[i]);
    return SL_OK;
}

/* To a basin where that was asked for, or where nothing was and it can be done from the bottom of a well. */
static sl_status choose_end(sl_escape_case *c, const sl_cli *cli, sl_err *err)
{
    const bool asked = sl_cli_flag(cli, "to-basin") || c->splitting;
    double eigenvalues[SL_LOSS_MAX_DIM];
    size_t index;
    if (asked) SL_TRY(sl_escape_basins(c, err));
    c->to_basin =
        asked || (!sl_cli_given(cli, "radius") &&
                  !(sl_escape_is_stationary(&index, eigenvalues, &c->s.sgd.loss, c->start) && index > 0) &&
                  sl_escape_basins(c, NULL) == SL_OK);
    if (c->to_basin) return SL_OK;
    c->radius = sl_cli_given(cli, "radius") ? sl_cli_real(cli, "radius") : 1;
    sl_region_ball(&c->region, c->start, c->s.sgd.loss.dim, c->radius);
    return SL_OK;
}

static sl_status set_up(sl_escape_case *c, const sl_cli *cli, sl_err *err)
{
    SL_TRY(check_options(cli, err));
    const uint64_t steps = sl_cli_integer(cli, "max-steps");
    sl_loss named;
    SL_TRY(sl_loss_init(&named, sl_cli_text(cli, "loss"), err));
    SL_TRY(sl_simulation_init(&c->s, cli, &named, steps ? steps : 1, err));
    const sl_loss *loss = &c->s.sgd.loss;
    memcpy(c->start, c->s.sgd.ensemble.start ? c->s.sgd.ensemble.start : loss->start, loss->dim * sizeof *c->start);
    c->s.sgd.ensemble.start = c->start;
    c->unit = c->s.dynamics == SL_DYNAMICS_SGD ? 1 : c->s.langevin.h;
    c->splitting = sl_cli_is(cli, "method", "splitting");
    c->paths = sl_cli_integer(cli, "paths");
    if (c->paths > c->s.sgd.ensemble.replicas) c->paths = c->s.sgd.ensemble.replicas;
    SL_TRY(choose_end(c, cli, err));
    const unsigned in = sl_region_which(&c->region, loss->dim, c->start);
    if (in != SL_EXIT_CENSORED && c->to_basin)
        return sl_fail(err, SL_E_CONFIG,
                       "--start lies where arrival is counted, at another minimum than that of its basin: "
                       "give a start nearer to one minimum");
    return SL_OK;
}

static sl_status set_up_splitting(sl_escape_case *c, const sl_escape_forecast *f, const sl_cli *cli, cJSON *notes,
                                  sl_err *err)
{
    if (c->s.dynamics == SL_DYNAMICS_SGD && !sl_schedule_is_stationary(&c->s.sgd.schedule))
        return sl_fail(err, SL_E_CONFIG,
                       "--method splitting needs a schedule with one law at every step, '%s' changes with "
                       "time; --method direct follows it",
                       sl_cli_text(cli, "schedule"));
    if (f->temperature == 0)
        return sl_fail(err, SL_E_CONFIG,
                       "--method splitting: without noise (%s 0) nothing comes out of the basin of the start",
                       c->s.dynamics == SL_DYNAMICS_SGD ? "--noise-variance" : "--temperature");
    SL_TRY(sl_escape_levels(c, f->temperature, err));
    c->how.particles = (size_t)sl_cli_integer(cli, "particles");
    c->how.repeats = (size_t)sl_cli_integer(cli, "repeats");
    double along = 0;
    for (size_t d = 0; d < c->s.sgd.loss.dim; d++) along += c->how.xi[d] * c->start[d];
    if (along > c->how.a) {
        add_note(notes,
                 "splitting starts at the minimum of the start's basin, not at the start itself: times from one to "
                 "the other are short beside that of a rare arrival");
        memcpy(c->start, c->home.x, c->s.sgd.loss.dim * sizeof *c->start);
    }
    return SL_OK;
}

/* What an update costs in units of one of a coordinate, roughly: a loss with a table goes through its samples. */
static double cost(const sl_escape_case *c)
{
    const sl_loss *loss = &c->s.sgd.loss;
    return (double)loss->dim * (1 + (loss->table ? (double)loss->samples : 0));
}

/* A censoring limit that a machine reaches in minutes, into the configuration. */
static sl_status choose_limit(sl_escape_case *c, const sl_escape_forecast *f, const sl_cli *cli, cJSON *notes,
                              cJSON *config, sl_err *err)
{
    static const double enough = 30, least = 1e4, most = 1e7;
    const double most_updates = 2e10 / cost(c), unknown_updates = 1e10 / cost(c);
    const double replicas = (double)c->s.sgd.ensemble.replicas, mean = f->mean / c->unit;
    if (sl_cli_given(cli, "max-steps")) {
        c->max_steps = sl_cli_integer(cli, "max-steps");
    } else if (isfinite(mean)) {
        const double affordable = fmax(least, most_updates / replicas);
        c->max_steps =
            (uint64_t)ceil(replicas * mean <= most_updates ? fmax(least, fmin(enough * mean, 1e15)) : affordable);
        if (mean > affordable)
            add_note(notes,
                     "the predicted mean, %.3g steps, is longer than the limit chosen: most trajectories are "
                     "censored%s",
                     mean, c->to_basin ? "; --method splitting is for such times" : "");
    } else {
        c->max_steps = (uint64_t)fmax(least, fmin(most, unknown_updates / replicas));
    }
    SL_TRY(sl_simulation_horizon(&c->s, cli, c->max_steps, err));
    cJSON_ReplaceItemInObjectCaseSensitive(config, "max-steps", cJSON_CreateNumber((double)c->max_steps));
    return SL_OK;
}

/* What was chosen in the place of options that were not given, into the configuration. */
static void resolve(cJSON *config, const sl_escape_case *c)
{
    cJSON_ReplaceItemInObjectCaseSensitive(config, "to-basin", cJSON_CreateBool(c->to_basin));
    if (!c->to_basin) cJSON_ReplaceItemInObjectCaseSensitive(config, "radius", cJSON_CreateNumber(c->radius));
    cJSON_ReplaceItemInObjectCaseSensitive(config, "start", cJSON_CreateDoubleArray(c->start, (int)c->s.sgd.loss.dim));
    if (!c->splitting) return;
    static const char *const unused[] = {"replicas", "kill-radius", "start-spread", "paths"};
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
        cJSON_ReplaceItemInObjectCaseSensitive(config, unused[i], cJSON_CreateNull());
}

/* Exits, and their statistics while they are sorted. */
static sl_status check_memory(const sl_escape_case *c, sl_err *err)
{
    static const double each = 8 + 1 + 1 + 16 + 8;
    const double need = each * (double)c->s.sgd.ensemble.replicas, have = sl_memory_available("");
    if (c->splitting || need < have) return SL_OK;
    return sl_fail(err, SL_E_MEMORY, "--replicas %llu take %.2g GB, there are %.2g GB",
                   (unsigned long long)c->s.sgd.ensemble.replicas, 1e-9 * need, 1e-9 * have);
}

/* ---- running ---- */

static sl_status run_direct(sl_escape_found *o, sl_escape_case *c, sl_err *err)
{
    const sl_escape how = {.region = c->region, .paths = c->paths};
    c->s.sgd.ensemble.steps = c->max_steps;
    c->s.langevin.ensemble = c->s.sgd.ensemble;
    switch (c->s.dynamics) {
    case SL_DYNAMICS_SGD: return sl_sgd_escape(&o->exits, &c->s.sgd, &how, err);
    case SL_DYNAMICS_OVERDAMPED: return sl_overdamped_escape(&o->exits, &c->s.langevin, &how, err);
    case SL_DYNAMICS_UNDERDAMPED: return sl_underdamped_escape(&o->exits, &c->s.langevin, &how, err);
    default: return sl_fail(err, SL_E_USAGE, "unknown dynamics");
    }
}

static sl_status run_splitting(sl_escape_found *o, sl_escape_case *c, sl_err *err)
{
    c->s.langevin.ensemble = c->s.sgd.ensemble;
    switch (c->s.dynamics) {
    case SL_DYNAMICS_SGD: return sl_sgd_splitting(&o->rare, &c->s.sgd, &c->how, err);
    case SL_DYNAMICS_OVERDAMPED: return sl_overdamped_splitting(&o->rare, &c->s.langevin, &c->how, err);
    case SL_DYNAMICS_UNDERDAMPED: return sl_underdamped_splitting(&o->rare, &c->s.langevin, &c->how, err);
    default: return sl_fail(err, SL_E_USAGE, "unknown dynamics");
    }
}

/* Who is lost is seen no further from then on, like who is censored. */
static sl_status survive(sl_escape_found *o, sl_err *err)
{
    const sl_exits *e = &o->exits;
    bool *censored = malloc(e->replicas * sizeof *censored);
    if (!censored) return sl_fail(err, SL_E_MEMORY, "no memory for %llu replicas", (unsigned long long)e->replicas);
    for (uint64_t i = 0; i < e->replicas; i++) censored[i] = e->by[i] == SL_EXIT_CENSORED || e->by[i] == SL_EXIT_LOST;
    const sl_status st = sl_survival_steps(&o->survival, e->time, censored, (size_t)e->replicas, err);
    free(censored);
    return st;
}

/* Would --method splitting take this case? */
static bool may_split(const sl_escape_case *c, const sl_escape_forecast *f)
{
    return c->to_basin && !c->from_saddle && f->temperature != 0 &&
           (c->s.dynamics != SL_DYNAMICS_SGD || sl_schedule_is_stationary(&c->s.sgd.schedule));
}

static void note_exits(cJSON *notes, const sl_escape_case *c, const sl_escape_forecast *f, const sl_exits *e)
{
    uint64_t outside = 0;
    for (uint64_t i = 0; i < e->replicas; i++) outside += e->by[i] < c->region.n && e->time[i] == 0;
    if (outside > 0)
        add_note(notes, "%llu of the starts lay outside already: they count as exits at time 0",
                 (unsigned long long)outside);
    if (e->exited == 0 && e->censored > 0)
        add_note(notes, "nothing left within %llu steps: there is no mean%s", (unsigned long long)c->max_steps,
                 may_split(c, f) ? "; --max-steps waits longer, --method splitting is for rare arrivals"
                                 : "; --max-steps waits longer");
    else if (e->censored > 0)
        add_note(notes,
                 "%llu of %llu were still inside at step %llu: the mean is known only up to there "
                 "(restricted_mean)",
                 (unsigned long long)e->censored, (unsigned long long)e->replicas, (unsigned long long)c->max_steps);
    if (e->lost > 0)
        add_note(notes,
                 "%llu were lost, beyond the kill radius or to infinity: they count as seen up to then, which is "
                 "right only if being lost says nothing about the exit",
                 (unsigned long long)e->lost);
}

static sl_status measure(sl_escape_found *o, sl_escape_case *c, const sl_escape_forecast *f, const sl_cli *cli,
                         cJSON *notes, sl_err *err)
{
    sl_progress progress;
    sl_progress_start(&progress, cli);
    c->s.sgd.ensemble.progress = sl_progress_fraction;
    c->s.sgd.ensemble.progress_ctx = &progress;
    sl_err why = {0};
    sl_status st = c->splitting ? run_splitting(o, c, &why) : run_direct(o, c, &why);
    sl_progress_end(&progress);
    if (st < 0 || st == SL_INTERRUPTED) {
        if (err) *err = why;
        return st;
    }
    if (c->splitting) {
        o->limited = st == SL_UNDECIDED;
        if (o->limited)
            add_note(notes, "%s", why.message);
        else
            add_note(notes, "median and quantiles are those of the exponential law that a rare event has");
        return SL_OK;
    }
    SL_TRY(survive(o, err));
    note_exits(notes, c, f, &o->exits);
    if (st == SL_DIVERGED && err) *err = why;
    return st;
}

static sl_status escape(sl_cli *cli, sl_escape_case *c, const sl_escape_forecast *f, cJSON *notes, cJSON *config,
                        sl_run *run, cJSON **result, sl_err *err)
{
    sl_escape_found o = {0};
    const sl_status outcome = measure(&o, c, f, cli, notes, err);
    sl_status st = outcome;
    if (outcome >= 0 && outcome != SL_INTERRUPTED) {
        *result = sl_escape_json(c, &o, f, outcome == SL_DIVERGED ? "diverged" : "complete", notes, config);
        sl_err second = {0};
        st = sl_cli_drawn(cli, sl_escape_write(run, c, &o, f, config, &second), &second);
        if (st != SL_OK && err) *err = second;
        if (st == SL_OK) st = outcome;
    }
    sl_exits_clear(&o.exits);
    sl_survival_clear(&o.survival);
    return st;
}

static sl_status answer(sl_cli *cli, sl_escape_case *c, cJSON *notes, cJSON *config, cJSON **result, sl_err *err)
{
    sl_escape_forecast f;
    sl_run *folder = NULL;
    cJSON *old = NULL;
    SL_TRY(set_up(c, cli, err));
    SL_TRY(check_memory(c, err));
    SL_TRY(sl_escape_predict(&f, c, err));
    if (c->splitting)
        SL_TRY(set_up_splitting(c, &f, cli, notes, err));
    else
        SL_TRY(choose_limit(c, &f, cli, notes, config, err));
    if (f.al > f.al_bound)
        add_note(notes,
                 "the start's minimum does not hold these steps: l times its largest curvature is %.4g, second moments "
                 "are finite below %.4g; no prediction",
                 f.al, f.al_bound);
    if (c->from_saddle && c->to_basin)
        add_note(notes, "the start is a saddle, in no basin: arrival at any minimum counts");
    resolve(config, c);
    SL_TRY(sl_cli_open(&folder, &old, cli, c->s.sgd.loss.kind->entry.name, config, err));
    if (old) {
        sl_run_free(folder);
        *result = old;
        return SL_OK;
    }
    const sl_status st = escape(cli, c, &f, notes, config, folder, result, err);
    return sl_cli_close(folder, st, NULL, *result, err);
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    sl_escape_case *c = calloc(1, sizeof *c);
    if (!c) return sl_fail(err, SL_E_MEMORY, "no memory for a landscape");
    cJSON *config = sl_cli_config(cli), *notes = cJSON_CreateArray(), *result = NULL;
    const sl_status st = answer(cli, c, notes, config, &result, err);
    if (st >= 0 && result) sl_cli_answer(cli, result, sl_escape_people);
    cJSON_Delete(result);
    cJSON_Delete(notes);
    cJSON_Delete(config);
    free(c);
    return st;
}

const sl_command sl_command_escape = {
    .name = "escape",
    .help = "first exits from a saddle or a basin: times, their law and where to, beside theory",
    .example = "  sgdlab escape --loss quadratic-saddle:dim=1 --lr 0.05 --noise-variance 0.01 --radius 1\n"
               "  sgdlab escape --loss strict-saddle --lr 0.05 --noise-variance 0.01 --radius 0.5 --paths 12\n"
               "  sgdlab escape --loss double-well --lr 0.1 --noise-variance 1 --start -1 --to-basin\n"
               "  sgdlab escape --loss double-well --lr 0.1 --noise-variance 0.3 --to-basin --method splitting --json",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
