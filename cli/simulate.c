/* sgdlab simulate: an ensemble of trajectories on a synthetic loss, its moments and temperatures beside theory's. */
#include "cli/simulate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/samples.h"
#include "cli/simulate_files.h"

static const sl_option options[] = {
    SL_OPTION("loss", SL_OPT_TEXT, "L", "double-well", "the loss; see sgdlab list losses"),
    SL_SAMPLES_OPTIONS,
    SL_DYNAMICS_OPTIONS("sgd|overdamped|underdamped|sgld|adam-langevin"),
    SL_OPTION("regime", SL_OPT_TEXT, "R", NULL, "automatic learning rate of sgd, in place of --schedule and --lr; see "
              "sgdlab list regimes"),
    SL_OPTION("noise-correction", SL_OPT_FLAG, NULL, NULL, "sgld: thermal noise makes room for the gradient's"),
    SL_OPTION("pace", SL_OPT_REALS, "decay,scale,power,low,high", "1,1,0.5,0.1,2",
              "adam-langevin: how its time follows the gradients", .min = 0, .max = 1e12, .open_min = true),
    SL_OPTION("steps", SL_OPT_INTEGER, "N", NULL, "measured steps; by default 100 relaxation times", .min = 1, .max = 1e15),
    SL_OPTION("burn-in", SL_OPT_INTEGER, "N", NULL, "steps before measuring; by default 40 relaxation times", .min = 0, .max = 1e15),
    SL_ENSEMBLE_OPTIONS,
    SL_OPTION("iterate", SL_OPT_CHOICE, "last|average|suffix", "last",
              "average, suffix: also the excess loss of the last iterate and of the mean of all measured ones, or of the "
              "last --suffix"),
    SL_OPTION("suffix", SL_OPT_REAL, "f", "0.5", "part of the measured steps that a suffix mean takes", .min = 0, .max = 1,
              .open_min = true),
    SL_OPTION("sample-every", SL_OPT_INTEGER, "N", "0", "steps between samples; 0: chosen", .min = 0, .max = 1e15),
    SL_OPTION("histogram", SL_OPT_INTEGER, "BINS", "80", "bins of coordinate 0, where its range is known; 0: none", .min = 0, .max = 1e5),
    SL_OPTION("series", SL_OPT_INTEGER, "N", "0",
              "a row of the time series every N steps (moments, loss, a regime's rate); 0: none", .min = 0, .max = 1e15),
};

static sl_status set_regime(sl_simulation *s, const sl_cli *cli, sl_err *err)
{
    static const char *const of_rates[] = {"schedule", "lr", "alpha-on"};
    for (size_t i = 0; i < sizeof of_rates / sizeof *of_rates; i++)
        if (sl_cli_given(cli, of_rates[i]))
            return sl_fail(err, SL_E_USAGE, "--regime and --%s exclude each other: a regime sets the rate of the step",
                           of_rates[i]);
    if (s->dynamics != SL_DYNAMICS_SGD)
        return sl_fail(err, SL_E_USAGE, "--regime is for sgd; --dynamics %s has a time step",
                       sl_cli_text(cli, "dynamics"));
    s->sgd.rule.alpha_on = SL_ALPHA_ON_STEP;
    SL_TRY(sl_regime_init(&s->regime, sl_cli_text(cli, "regime"), &s->sgd.rule,
                          s->sgd.noise.dealt > 0 ? s->sgd.noise.dealt : 1, err));
    s->regime.dealt = s->sgd.noise.dealt;
    s->sgd.regime = &s->regime;
    return SL_OK;
}

/* Everything but burn-in, steps and histogram, which wait for theory. */
static sl_status set_up(sl_simulation *s, sl_cli_samples *samples, const sl_cli *cli, sl_err *err)
{
    enum { REPLICAS = 64, LOOKS = 16 }; /* of pictures: a look at the loss costs one pass over all of them */
    sl_loss loss;
    SL_TRY(sl_cli_loss(&loss, samples, cli, "loss", err));
    SL_TRY(sl_simulation_init(s, cli, &loss, sl_cli_integer(cli, "steps") + sl_cli_integer(cli, "burn-in") + 1, err));
    if (samples->features && !sl_cli_given(cli, "replicas")) s->sgd.ensemble.replicas = REPLICAS;
    if (sl_cli_text(cli, "regime")) SL_TRY(set_regime(s, cli, err));
    SL_TRY(sl_iterates_check(s, cli, err));
    s->corrected = sl_cli_flag(cli, "noise-correction");
    if (s->corrected && s->dynamics != SL_DYNAMICS_SGLD)
        return sl_fail(err, SL_E_USAGE, "--noise-correction is for --dynamics sgld, not %s", sl_cli_text(cli, "dynamics"));
    size_t n;
    const double *const pace = sl_cli_reals(cli, "pace", &n);
    if (sl_cli_given(cli, "pace") && s->dynamics != SL_DYNAMICS_ADAM_LANGEVIN)
        return sl_fail(err, SL_E_USAGE, "--pace is for --dynamics adam-langevin, not %s", sl_cli_text(cli, "dynamics"));
    if (n != 5) return sl_fail(err, SL_E_USAGE, "--pace has %zu values, need decay,scale,power,low,high", n);
    s->adam = (sl_adam_langevin){.decay = pace[0], .scale = pace[1], .power = pace[2], .low = pace[3], .high = pace[4]};
    if (s->dynamics == SL_DYNAMICS_ADAM_LANGEVIN && sl_cli_given(cli, "histogram") && sl_cli_integer(cli, "histogram") > 0)
        return sl_fail(err, SL_E_USAGE, "--histogram counts samples, which have unequal weights with adam-langevin");
    s->sgd.ensemble.sample_every = sl_cli_integer(cli, "sample-every");
    if (s->sgd.ensemble.sample_every == 0 && samples->features) s->sgd.ensemble.sample_every = samples->m / LOOKS + 1;
    s->sgd.ensemble.series_every = sl_cli_integer(cli, "series");
    return SL_OK;
}

/* The configuration without what a regime takes the place of, or without the regime. */
static void resolve(cJSON *config, const sl_simulation *s)
{
    static const char *const of_schedules[] = {"schedule", "schedule-table", "lr", "alpha-on"};
    for (size_t i = 0; s->sgd.regime && i < sizeof of_schedules / sizeof *of_schedules; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(config, of_schedules[i]);
    if (!s->sgd.regime) cJSON_DeleteItemFromObjectCaseSensitive(config, "regime");
}

static uint64_t relaxations(double times, double relaxation, uint64_t least)
{
    const double most = 1e6, steps = ceil(times * relaxation);
    return steps > most ? (uint64_t)most : steps > (double)least ? (uint64_t)steps : least;
}

/* Burn-in and measured steps in relaxation times, if they were not given, also into the configuration; the horizon of
 * the schedule is both. */
static sl_status choose_lengths(sl_simulation *s, const sl_prediction *p, const sl_cli *cli, cJSON *notes,
                                cJSON *config, sl_err *err)
{
    enum { BURN_IN = 40, MIXING = 8, MEASURED = 100, LEAST_BURN_IN = 500, LEAST_MEASURED = 6000 };
    sl_ensemble *e = &s->sgd.ensemble;
    const bool endless = isinf(p->relaxation);
    const double tau = p->relaxation > 0 && !endless ? p->relaxation : 0;
    const double mixing = p->mixing > 0 && !endless ? p->mixing : 0, hopeless = 2e5; /* then the note below must do */
    const double forget = MIXING * mixing < hopeless ? fmax(BURN_IN * tau, MIXING * mixing) : BURN_IN * tau;
    e->burn_in = sl_cli_given(cli, "burn-in") ? sl_cli_integer(cli, "burn-in") : relaxations(1, forget, LEAST_BURN_IN);
    e->steps = sl_cli_given(cli, "steps") ? sl_cli_integer(cli, "steps") : relaxations(MEASURED, tau, LEAST_MEASURED);
    if (!sl_cli_given(cli, "sample-every") && e->sample_every > e->steps) e->sample_every = e->steps;
    if (p->law && endless)
        cJSON_AddItemToArray(notes, cJSON_CreateString("the steps are so short that nothing moves: not stationary"));
    if (p->law && (double)e->burn_in < 10 * tau) {
        char text[160];
        snprintf(text, sizeof text, "the burn-in is only %.2g relaxation times (%.3g steps): not stationary",
                 (double)e->burn_in / tau, tau);
        cJSON_AddItemToArray(notes, cJSON_CreateString(text));
    }
    if (p->law && (double)e->burn_in < 4 * mixing) {
        char text[200];
        snprintf(text, sizeof text, "the burn-in is only %.2g times what trajectories need to forget in which well they "
                 "began (%.3g steps): the density is not stationary", (double)e->burn_in / mixing, mixing);
        cJSON_AddItemToArray(notes, cJSON_CreateString(text));
    }
    SL_TRY(sl_simulation_horizon(s, cli, e->burn_in + e->steps, err));
    resolve(config, s);
    sl_iterates_set(s, cli, config);
    cJSON_ReplaceItemInObjectCaseSensitive(config, "burn-in", cJSON_CreateNumber((double)e->burn_in));
    cJSON_ReplaceItemInObjectCaseSensitive(config, "steps", cJSON_CreateNumber((double)e->steps));
    cJSON_ReplaceItemInObjectCaseSensitive(config, "replicas", cJSON_CreateNumber((double)e->replicas));
    const size_t bins = s->dynamics == SL_DYNAMICS_ADAM_LANGEVIN ? 0 : (size_t)sl_cli_integer(cli, "histogram");
    double lo, hi;
    if (bins > 0 && sl_predicted_range(&lo, &hi, p, s)) e->histogram = (sl_histogram_spec){lo, hi, bins};
    s->langevin.ensemble = *e;
    return SL_OK;
}

static sl_status run_sgld(sl_observed *o, const sl_simulation *s, sl_err *err)
{
    const sl_sgld sgld = {.ensemble = s->langevin.ensemble,
                          .loss = s->langevin.loss,
                          .temperature = s->langevin.temperature,
                          .h = s->langevin.h,
                          .noise_variance = s->sgd.noise_variance,
                          .noise = s->sgd.noise,
                          .corrected = s->corrected};
    return sl_sgld_run(o, &sgld, err);
}

static sl_status run_adam_langevin(sl_observed *o, const sl_simulation *s, sl_err *err)
{
    sl_adam_langevin adam = s->adam;
    adam.ensemble = s->langevin.ensemble;
    adam.loss = s->langevin.loss;
    adam.temperature = s->langevin.temperature;
    adam.h = s->langevin.h;
    adam.friction = s->langevin.friction;
    return sl_adam_langevin_run(o, &adam, err);
}

static sl_status run_ensemble(sl_observed *o, sl_simulation *s, sl_progress *progress, sl_err *err)
{
    s->sgd.ensemble.progress = sl_progress_fraction;
    s->sgd.ensemble.progress_ctx = progress;
    s->langevin.ensemble = s->sgd.ensemble;
    switch (s->dynamics) {
    case SL_DYNAMICS_SGD: return sl_sgd_run(o, &s->sgd, err);
    case SL_DYNAMICS_OVERDAMPED: return sl_overdamped_run(o, &s->langevin, err);
    case SL_DYNAMICS_UNDERDAMPED: return sl_underdamped_run(o, &s->langevin, err);
    case SL_DYNAMICS_SGLD: return run_sgld(o, s, err);
    case SL_DYNAMICS_ADAM_LANGEVIN: return run_adam_langevin(o, s, err);
    }
    return sl_fail(err, SL_E_USAGE, "unknown dynamics");
}

/* ---- the result as JSON: measured and predicted under the same names ---- */

typedef enum { X2, XV, V2 } moment;

static sl_estimate measured(const sl_coordinate *c, moment m)
{
    return m == X2 ? c->x2 : m == XV ? c->xv : c->v2;
}

static void add_moment(cJSON *result, cJSON *predicted, const char *key, moment m, const sl_observed *o,
                       const sl_prediction *p, size_t dim)
{
    const double *theory = m == X2 ? p->x2 : m == XV ? p->xv : p->v2;
    const sl_estimate none = {NAN, NAN, 0};
    if (dim == 1) {
        sl_json_estimate(result, key, o ? measured(&o->coordinate[0], m) : none);
        sl_json_number(predicted, key, p->unstable ? NAN : theory[0]);
        return;
    }
    cJSON *list = cJSON_AddArrayToObject(result, key), *theories = cJSON_AddArrayToObject(predicted, key);
    for (size_t d = 0; d < dim; d++) {
        cJSON *holder = cJSON_CreateObject();
        sl_json_estimate(holder, key, o ? measured(&o->coordinate[d], m) : none);
        sl_json_number(holder, "theory", p->unstable ? NAN : theory[d]);
        cJSON_AddItemToArray(list, cJSON_DetachItemFromObjectCaseSensitive(holder, key));
        cJSON_AddItemToArray(theories, cJSON_DetachItemFromObjectCaseSensitive(holder, "theory"));
        cJSON_Delete(holder);
    }
}

static void add_temperatures(cJSON *result, cJSON *predicted, const sl_observed *o, const sl_prediction *p)
{
    const sl_estimate none = {NAN, NAN, 0};
    cJSON *t = cJSON_AddObjectToObject(result, "temperature"), *q = cJSON_AddObjectToObject(predicted, "temperature");
    sl_json_estimate(t, "equipartition", o ? o->temperature.equipartition : none);
    sl_json_estimate(t, "configurational", o ? o->temperature.configurational : none);
    sl_json_estimate(t, "boltzmann_slope", o ? o->temperature.boltzmann_slope : none);
    sl_json_estimate(t, "kinetic", o ? o->temperature.kinetic : none);
    sl_json_number(q, "equipartition", p->equipartition);
    sl_json_number(q, "configurational", p->configurational);
    sl_json_number(q, "boltzmann_slope", p->boltzmann_slope);
    sl_json_number(q, "kinetic", p->kinetic);
}

/* o NULL: nothing was run, because nothing stationary is there to be measured. */
static cJSON *describe(const sl_simulation *s, const sl_observed *o, const sl_prediction *p, const char *status,
                       cJSON *notes, cJSON *config)
{
    cJSON *r = cJSON_CreateObject(), *predicted = cJSON_CreateObject();
    cJSON_AddStringToObject(r, "status", status);
    const size_t dim = s->sgd.loss.dim;
    add_moment(r, predicted, "x2", X2, o, p, dim);
    add_moment(r, predicted, "xv", XV, o, p, dim);
    add_moment(r, predicted, "v2", V2, o, p, dim);
    sl_json_estimate(r, "loss", o ? o->loss : (sl_estimate){NAN, NAN, 0});
    sl_json_number(predicted, "loss", p->loss);
    const sl_estimate f = o ? o->loss : (sl_estimate){NAN, NAN, 0};
    const double least = s->sgd.loss.least;
    sl_json_estimate(r, "excess", (sl_estimate){f.value - least, isnan(least) ? NAN : f.se, f.dof});
    if (!isnan(p->excess)) sl_json_number(predicted, "excess", p->excess);
    add_temperatures(r, predicted, o, p);
    sl_json_number(predicted, "musso_eq20", p->eq20);
    cJSON_AddBoolToObject(predicted, "exact", p->exact);
    cJSON_AddStringToObject(predicted, "law", p->law ? p->law : "none");
    cJSON_AddItemToObject(r, "predicted", predicted);
    if (!isnan(p->al_bound)) {
        cJSON *stability = cJSON_AddObjectToObject(r, "stability");
        sl_json_number(stability, "radius", p->radius);
        sl_json_number(stability, "al", p->al);
        sl_json_number(stability, "al_bound", p->al_bound);
    }
    sl_json_number(r, "updates_per_second", o && o->seconds > 0 ? o->updates / o->seconds : NAN);
    if (o) cJSON_AddNumberToObject(r, "killed", (double)o->killed);
    else cJSON_AddNullToObject(r, "killed");
    cJSON_AddNumberToObject(r, "burn_in", (double)s->sgd.ensemble.burn_in);
    cJSON_AddNumberToObject(r, "steps", (double)s->sgd.ensemble.steps);
    sl_json_number(r, "relaxation_steps", p->relaxation);
    cJSON_AddItemToObject(r, "notes", cJSON_Duplicate(notes, true));
    cJSON_AddItemToObject(r, "configuration", cJSON_Duplicate(config, true));
    return r;
}

/* ---- and as a table for people ---- */

static void add_rows(sl_grid *g, const char *label, const cJSON *item, const cJSON *theory, bool exact)
{
    if (!cJSON_IsArray(item)) {
        sl_grid_compare(g, label, item, theory, exact);
        return;
    }
    enum { SHOWN = 8 }; /* of many coordinates; --json and simulate.dat have all */
    const int all = cJSON_GetArraySize(item);
    int d = 0;
    for (const cJSON *c = item->child, *t = theory ? theory->child : NULL; c; c = c->next, t = t ? t->next : NULL) {
        char name[48];
        if (d == SHOWN && all > 2 * SHOWN) {
            snprintf(name, sizeof name, "... %s[%d]", label, all - 1);
            for (; c->next; c = c->next) t = t ? t->next : NULL;
        } else {
            snprintf(name, sizeof name, "%s[%d]", label, d++);
        }
        sl_grid_compare(g, name, c, t, exact);
    }
}

static const cJSON *at(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void print_people(const sl_cli *cli, const cJSON *r)
{
    (void)cli;
    if (strcmp(at(r, "status")->valuestring, "unstable") == 0) return; /* the message says it, and there is no number */
    static const char *const moments[][2] = {{"x2", "<x^2>"}, {"xv", "<x v>"}, {"v2", "<v^2>"}, {"loss", "<f>"}};
    static const char *const temperatures[][2] = {{"equipartition", "T equipartition"},
                                                  {"configurational", "T configurational"},
                                                  {"boltzmann_slope", "T Boltzmann slope"},
                                                  {"kinetic", "T kinetic"}};
    const cJSON *predicted = at(r, "predicted");
    const bool exact = cJSON_IsTrue(at(predicted, "exact")), empty = isnan(sl_cli_read_estimate(at(r, "loss")).value);
    if (empty) { /* none stayed to be measured: the notes say so */
        sl_cli_print_notes(r);
        return;
    }
    sl_grid *g = sl_grid_alloc("lrrr");
    sl_grid_add(g, "quantity"), sl_grid_add(g, "measured"), sl_grid_add(g, "predicted"), sl_grid_add(g, exact ? "z" : "off by");
    for (size_t i = 0; i < 4; i++)
        add_rows(g, moments[i][1], at(r, moments[i][0]), at(predicted, moments[i][0]), exact);
    const sl_estimate excess = sl_cli_read_estimate(at(r, "excess"));
    if (!isnan(excess.value) && excess.value != sl_cli_read_estimate(at(r, "loss")).value)
        add_rows(g, "<f> - least f", at(r, "excess"), at(predicted, "excess"), exact);
    sl_iterates_rows(g, r, exact);
    for (size_t i = 0; i < 4; i++)
        sl_grid_compare(g, temperatures[i][1], at(at(r, "temperature"), temperatures[i][0]),
                at(at(predicted, "temperature"), temperatures[i][0]), exact);
    sl_grid_print(g);
    sl_iterates_print(r);
    printf("predicted: %s", at(predicted, "law")->valuestring);
    const double eq20 = sl_cli_number(at(predicted, "musso_eq20"));
    if (!isnan(eq20)) printf("; T of Musso's eq 20: %.8g", eq20);
    printf("\nburn-in %.0f, measured %.0f steps", sl_cli_number(at(r, "burn_in")), sl_cli_number(at(r, "steps")));
    if (sl_cli_number(at(r, "killed")) > 0) printf(", killed %.0f", sl_cli_number(at(r, "killed")));
    const double speed = sl_cli_number(at(r, "updates_per_second"));
    if (!isnan(speed)) printf(", %.3g updates/s", speed);
    putchar('\n');
    sl_cli_print_notes(r);
}

/* ---- the command ---- */

static void add_notes(cJSON *notes, const sl_prediction *p, const sl_observed *o, bool killing, bool none_left)
{
    char text[320];
    if (p->infinite_fourth)
        cJSON_AddItemToArray(notes, cJSON_CreateString("fourth moments are infinite at these parameters: the error bars "
                                                       "of second moments are unreliable"));
    if (*p->noise_note) cJSON_AddItemToArray(notes, cJSON_CreateString(p->noise_note));
    if (none_left) {
        cJSON_AddItemToArray(notes, cJSON_CreateString("all trajectories left for infinity or the kill radius: there is "
                                                       "nothing to average"));
    } else if (o->killed > 0) {
        snprintf(text, sizeof text,
                 killing ? "%llu trajectories left for infinity or the kill radius: the law is quasi-stationary, of those "
                           "that stayed"
                         : "%llu trajectories were lost to infinity and are left out: averages are of the others",
                 (unsigned long long)o->killed);
        cJSON_AddItemToArray(notes, cJSON_CreateString(text));
    }
}

static sl_status simulate(sl_cli *cli, sl_simulation *s, const sl_prediction *p, cJSON *notes, cJSON *config,
                          sl_run *run, cJSON **result, sl_err *err)
{
    sl_progress progress;
    sl_observed o = {0};
    sl_progress_start(&progress, cli);
    const sl_status outcome = run_ensemble(&o, s, &progress, err);
    sl_progress_end(&progress);
    if (outcome < 0 || outcome == SL_INTERRUPTED) return outcome;
    if (s->dynamics == SL_DYNAMICS_SGD && (s->sgd.regime || !sl_schedule_is_stationary(&s->sgd.schedule)))
        cJSON_AddItemToArray(notes, cJSON_CreateString("the learning rate changes with time: averages are over the measured "
                                                       "steps, not of a stationary state"));
    const bool none_left = o.killed == s->sgd.ensemble.replicas; /* then numbers say nothing */
    add_notes(notes, p, &o, s->sgd.ensemble.kill_radius > 0, none_left);
    *result = describe(s, none_left ? NULL : &o, p, outcome == SL_DIVERGED ? "diverged" : "complete", notes, config);
    cJSON_ReplaceItemInObjectCaseSensitive(*result, "killed", cJSON_CreateNumber((double)o.killed));
    sl_err second = {0};
    sl_status st = sl_iterates_describe(*result, s, none_left ? NULL : &o, &second);
    if (st == SL_OK) st = sl_simulate_write(run, s, &o, p, config, &second);
    st = sl_cli_drawn(cli, st, &second);
    sl_observed_clear(&o);
    if (st == SL_OK) return outcome;
    if (err) *err = second;
    return st;
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    sl_simulation s;
    sl_prediction p;
    sl_cli_samples samples = {0};
    sl_status st = set_up(&s, &samples, cli, err);
    if (st == SL_OK) st = sl_predict(&p, &s, err);
    if (st != SL_OK) {
        sl_cli_samples_clear(&samples);
        return st;
    }
    cJSON *config = sl_cli_config(cli), *notes = cJSON_CreateArray(), *result = NULL, *old = NULL;
    sl_run *folder = NULL;
    sl_cli_samples_resolve(config, &samples);
    if (p.unstable) {
        result = describe(&s, NULL, &p, "unstable", notes, config);
        sl_cli_answer(cli, result, print_people);
        st = sl_fail(err, SL_E_UNSTABLE, "%s", p.reason);
        goto done;
    }
    st = choose_lengths(&s, &p, cli, notes, config, err);
    if (st == SL_OK) st = sl_cli_open(&folder, &old, cli, s.sgd.loss.kind->entry.name, config, err);
    if (st != SL_OK) goto done;
    if (old) {
        sl_run_free(folder);
        result = old;
    } else {
        st = simulate(cli, &s, &p, notes, config, folder, &result, err);
        const char *status = st == SL_INTERRUPTED ? "interrupted" : st == SL_DIVERGED ? "diverged" : "complete";
        st = sl_cli_close(folder, st, status, result, err);
    }
    if (st >= 0 && result) sl_cli_answer(cli, result, print_people);
done:
    cJSON_Delete(result);
    cJSON_Delete(notes);
    cJSON_Delete(config);
    sl_cli_samples_clear(&samples);
    return st;
}

const sl_command sl_command_simulate = {
    .name = "simulate",
    .help = "an ensemble of SGD or Langevin trajectories on a synthetic loss, beside theory",
    .example = "  sgdlab simulate --loss quadratic:a=1 --lr 0.05 --momentum 0.9 --schedule random:delta=1\n"
               "  sgdlab simulate --loss double-well --dynamics underdamped --temperature 0.1 --friction 0.5 --json\n"
               "  sgdlab simulate --loss logistic --noise minibatch:size=16 --noise-variance 1 --regime auto --series 10 \\\n"
               "                  --replicas 64 --burn-in 0 --steps 1000\n"
               "  sgdlab simulate --loss logistic --data digits --noise minibatch:size=8 --lr 0.1",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
