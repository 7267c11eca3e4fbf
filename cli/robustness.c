/* sgdlab robustness: what a rate that is rho times too large costs, schedule by schedule. */
#include "cli/robustness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"

enum { MOST_STEPS = 1 << 24, LANES = 64 };

#define LEAST_SCALE 1e-9 /* of distances and slopes, which are in units of one's own */
#define MOST_SCALE 1e9

static const sl_option options[] = {
    SL_OPTION("schedule", SL_OPT_TEXT, "S", "linear", "learning-rate schedule; table:file=PATH is one of your own"),
    SL_OPTION("rho", SL_OPT_REALS, "r,..", "1,2,4,8,16,32,64", "rates, in units of the tuned one, ascending", .min = 0,
              .max = 1e9, .open_min = true),
    SL_OPTION("horizon", SL_OPT_INTEGER, "T", "4096", "steps", .min = 1, .max = MOST_STEPS),
    SL_OPTION("problem", SL_OPT_TEXT, "P", "worst-slope",
              "worst-slope: s|x| with the slope s that hurts most; or a convex loss (list losses), as logistic"),
    SL_SAMPLES_OPTIONS,
    SL_OPTION("iterate", SL_OPT_CHOICE, "last|average|suffix", "last",
              "whose loss: that of the last, or of a mean of all "
              "or of the last --suffix"),
    SL_OPTION("suffix", SL_OPT_REAL, "f", "0.5", "part of the run that a suffix mean takes", .min = 0, .max = 1,
              .open_min = true),
    SL_OPTION("tune", SL_OPT_CHOICE, "measured|bound", "measured",
              "rho = 1 is the rate with the least (worst) loss, or that of the least bound"),
    SL_OPTION("lr", SL_OPT_REAL, "l", NULL, "peak rate at rho = 1, in the place of a tuned one", .min = 0, .max = 1e9,
              .open_min = true),
    SL_OPTION("distance", SL_OPT_REAL, "D", "1", "worst-slope: |x - x*| at the start, half of the domain's width",
              .min = LEAST_SCALE, .max = MOST_SCALE),
    SL_OPTION("sigma", SL_OPT_REAL, "s", "1", "worst-slope: deviation of the subgradient's noise",
              .min = LEAST_SCALE, .max = MOST_SCALE),
    SL_OPTION("slope-max", SL_OPT_REAL, "s", NULL, "worst-slope: the largest slope; sigma unless given",
              .min = LEAST_SCALE, .max = MOST_SCALE),
    SL_OPTION("replicas", SL_OPT_INTEGER, "R", NULL,
              "of each measurement, rounded up to a multiple of 64; 16384, of a loss 128", .min = 64, .max = 1e8),
    SL_OPTION("search-replicas", SL_OPT_INTEGER, "R", "4096", "worst-slope: that choose the slope", .min = 64,
              .max = 1e7),
};

static double base_lr(const sl_cli *cli)
{
    return sl_cli_given(cli, "lr") ? sl_cli_real(cli, "lr") : 1;
}

static size_t rounded(uint64_t replicas)
{
    return (size_t)(replicas + LANES - 1) / LANES * LANES;
}

static size_t replicas_of(const sl_cli *cli)
{
    const uint64_t usual = sl_cli_is(cli, "problem", "worst-slope") ? 16384 : 128;
    return rounded(sl_cli_given(cli, "replicas") ? sl_cli_integer(cli, "replicas") : usual);
}

/* ---- what is asked ---- */

/* Options that mean nothing beside each other. */
static sl_status check_options(const sl_cli *cli, sl_err *err)
{
    static const char *const of_slopes[] = {"distance", "sigma", "slope-max", "search-replicas"};
    static const char *const of_losses[] = {"data", "classes", "data-dir"};
    const bool slopes = sl_cli_is(cli, "problem", "worst-slope");
    if (sl_cli_given(cli, "tune") && sl_cli_given(cli, "lr"))
        return sl_fail(err, SL_E_USAGE, "--tune and --lr exclude each other: the rate at rho = 1 is tuned or given");
    if (sl_cli_given(cli, "suffix") && !sl_cli_is(cli, "iterate", "suffix"))
        return sl_fail(err, SL_E_USAGE, "--suffix belongs to --iterate suffix, not %s", sl_cli_text(cli, "iterate"));
    for (size_t i = 0; i < sizeof of_losses / sizeof *of_losses && slopes; i++)
        if (sl_cli_given(cli, of_losses[i]))
            return sl_fail(err, SL_E_USAGE, "--%s: samples go with --problem logistic, hinge or least-squares",
                           of_losses[i]);
    for (size_t i = 0; i < sizeof of_slopes / sizeof *of_slopes && !slopes; i++)
        if (sl_cli_given(cli, of_slopes[i]))
            return sl_fail(err, SL_E_USAGE, "--%s belongs to --problem worst-slope", of_slopes[i]);
    if (!slopes && !sl_cli_is(cli, "iterate", "last"))
        return sl_fail(err, SL_E_USAGE, "--iterate %s: means of iterates are those of --problem worst-slope",
                       sl_cli_text(cli, "iterate"));
    if (!slopes && sl_cli_is(cli, "tune", "bound"))
        return sl_fail(err, SL_E_USAGE, "--tune bound: its D and G are known for --problem worst-slope alone");
    return SL_OK;
}

/* Theory speaks of convex losses; and one that starts at its minimum, as the quadratic, is best left there. */
static sl_status check_loss(const sl_loss *loss, const sl_cli *cli, sl_err *err)
{
    const char *const name = loss->kind->entry.name;
    char known[256] = "";
    for (size_t i = 0, used = 0; i < sl_n_losses; i++)
        if (sl_losses[i]->convex && used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                     sl_losses[i]->entry.name);
    if (!loss->kind->convex)
        return sl_fail(err, SL_E_CONFIG, "loss '%s' is not convex: what a wrong rate costs is known of convex ones: %s",
                       name, known);
    if (!sl_cli_given(cli, "lr") && sl_loss_value(loss, loss->start) <= loss->least)
        return sl_fail(err, SL_E_CONFIG,
                       "loss '%s' starts at its minimum, so that no rate is better than 0 and none can be tuned: give "
                       "--lr, or a loss that starts away from it, as huber or least-squares",
                       name);
    return SL_OK;
}

static sl_status init_slopes(sl_robust_case *c, const sl_cli *cli, sl_err *err)
{
    const char *iterate = sl_cli_text(cli, "iterate");
    c->r = (sl_robustness){
        .D = sl_cli_real(cli, "distance"),
        .sigma = sl_cli_real(cli, "sigma"),
        .slope_max = sl_cli_given(cli, "slope-max") ? sl_cli_real(cli, "slope-max") : sl_cli_real(cli, "sigma"),
        .suffix = strcmp(iterate, "last") == 0      ? 0
                  : strcmp(iterate, "average") == 0 ? 1
                                                    : sl_cli_real(cli, "suffix"),
        .search_replicas = rounded(sl_cli_integer(cli, "search-replicas")),
        .replicas = replicas_of(cli),
        .seed = sl_cli_integer(cli, "seed"),
        .jobs = (int)sl_cli_integer(cli, "jobs"),
    };
    return sl_schedule_init(&c->r.schedule, sl_cli_text(cli, "schedule"), base_lr(cli), 1,
                            sl_cli_integer(cli, "horizon"), err);
}

static sl_status init_curve(sl_robust_case *c, const sl_cli *cli, sl_err *err)
{
    sl_rate_curve *const k = &c->curve;
    *k = (sl_rate_curve){.noise_variance = 1,
                         .seed = sl_cli_integer(cli, "seed"),
                         .replicas = replicas_of(cli),
                         .jobs = (int)sl_cli_integer(cli, "jobs"),
                         .schedule = c->r.schedule};
    SL_TRY(sl_cli_loss(&k->loss, &c->samples, cli, "problem", err));
    SL_TRY(check_loss(&k->loss, cli, err));
    return sl_noise_init(&k->noise, k->loss.samples > 0 ? "minibatch" : "gaussian", &k->loss, err);
}

static sl_status init_case(sl_robust_case *c, const sl_cli *cli, sl_err *err)
{
    *c = (sl_robust_case){.slopes = sl_cli_is(cli, "problem", "worst-slope"), .tuned = NAN, .bound_tuned = NAN};
    SL_TRY(check_options(cli, err));
    c->rho = sl_cli_reals(cli, "rho", &c->n);
    for (size_t i = 1; i < c->n; i++)
        if (!(c->rho[i] > c->rho[i - 1]))
            return sl_fail(err, SL_E_DOMAIN, "--rho: %g after %g, need ascending ones", c->rho[i], c->rho[i - 1]);
    SL_TRY(init_slopes(c, cli, err));
    if (sl_schedule_is_random(&c->r.schedule))
        return sl_fail(err, SL_E_CONFIG, "schedule '%s' is random: robustness is that of a function of the step alone",
                       c->r.schedule.spec.entry->name);
    sl_spec_print(c->schedule, sizeof c->schedule, &c->r.schedule.spec);
    return c->slopes ? SL_OK : init_curve(c, cli, err);
}

/* ---- theory ---- */

static sl_anneal_problem problem_of(const sl_robustness *r)
{
    return (sl_anneal_problem){.D = r->D, .G = hypot(r->slope_max, r->sigma)};
}

static void set_rate(sl_robust_case *c, double lr)
{
    c->tuned = c->r.schedule.lr = c->curve.schedule.lr = lr;
}

/* Bounds at rho, and what they predict; where the bound has nothing to say the fields stay NAN. */
static sl_status predict(sl_robust_found *f, const sl_robust_case *c, sl_err *err)
{
    const bool measured = f->fit.points > 1;
    const double lo = measured ? f->fit.lo : 2, hi = measured ? f->fit.hi : 32;
    sl_annealing *a;
    SL_TRY(sl_annealing_of(&a, &c->r.schedule, err));
    const sl_anneal_problem p = c->slopes ? problem_of(&c->r) : (sl_anneal_problem){1, 1};
    sl_status st = SL_OK;
    f->kind = sl_annealing_kind(a);
    f->theory = (sl_anneal_window){.exponent = NAN, .slope = NAN, .lo = NAN, .hi = NAN};
    for (size_t i = 0; i < c->n && st == SL_OK && c->slopes; i++) {
        sl_anneal_bound b;
        st = sl_annealing_bound(&b, a, &p, 1, c->rho[i], err);
        if (st == SL_OK) f->bound[i] = b.value;
    }
    if (st == SL_OK && c->r.suffix == 0) {
        double factor = 1;
        if (!c->slopes) st = sl_annealing_tuned(&factor, a, &p, err);
        f->has_theory = st == SL_OK && sl_annealing_window(&f->theory, a, &p, factor, lo, hi, NULL) == SL_OK &&
                        isfinite(f->theory.exponent);
    }
    if (c->r.suffix > 0) { /* D^2/(2 rho sum eta) + rho G^2 sum eta^2 / (2 sum eta), of any rates */
        f->has_theory = true;
        f->theory.exponent = 1;
    }
    sl_annealing_free(a);
    return st;
}

static sl_status tune_by_bound(sl_robust_case *c, sl_err *err)
{
    sl_annealing *a;
    SL_TRY(sl_annealing_of(&a, &c->r.schedule, err));
    const sl_anneal_problem p = problem_of(&c->r);
    double factor = NAN;
    const sl_status st = sl_annealing_tuned(&factor, a, &p, err);
    sl_annealing_free(a);
    if (st != SL_OK) return st;
    c->bound_tuned = factor * c->r.schedule.lr;
    return SL_OK;
}

/* ---- measuring ---- */

static sl_status measure_losses(sl_worst *worst, const double *rho, size_t n, const sl_rate_curve *k, sl_err *err)
{
    sl_estimate *const excess = malloc(n * sizeof *excess);
    if (!excess) return sl_fail(err, SL_E_MEMORY, "no memory for %zu rates", n);
    const sl_status st = sl_rate_curve_run(excess, rho, n, k, err);
    for (size_t i = 0; i < n && st == SL_OK; i++)
        worst[i] = (sl_worst){.rho = rho[i], .slope = NAN, .excess = excess[i]};
    free(excess);
    return st;
}

/* Tuned on powers of two first, then finely about the best of them. */
static sl_status tune_loss(sl_robust_found *f, sl_robust_case *c, sl_err *err)
{
    enum { COARSE = 24, FEW = 64 };
    double factor[COARSE], best = INFINITY, at = 1;
    sl_worst coarse[COARSE];
    sl_rate_curve few = c->curve;
    few.replicas = FEW;
    for (int i = 0; i < COARSE; i++) factor[i] = exp2(i - COARSE + 7);
    SL_TRY(measure_losses(coarse, factor, COARSE, &few, err));
    for (size_t i = 0; i < COARSE; i++)
        if (coarse[i].excess.value < best) best = coarse[i].excess.value, at = factor[i];
    double fine[SL_TUNING_POINTS];
    for (int i = 0; i < SL_TUNING_POINTS; i++) fine[i] = at * exp2(0.25 * (i - SL_TUNING_POINTS / 2));
    SL_TRY(measure_losses(f->tuning, fine, SL_TUNING_POINTS, &c->curve, err));
    size_t k = 0;
    for (size_t i = 0; i < SL_TUNING_POINTS; i++) {
        f->tuning_lr[i] = fine[i] * c->curve.schedule.lr;
        if (f->tuning[i].excess.value < f->tuning[k].excess.value) k = i;
    }
    f->has_tuning = true;
    set_rate(c, f->tuning_lr[k]);
    return SL_OK;
}

/* Rates that fall so far that at any peak rate some of them are right: it is the schedule that does not fit. */
static sl_status no_best_rate(const sl_schedule *schedule, sl_err *err)
{
    sl_schedule s = *schedule;
    double largest = 0, last = 0;
    s.lr = 1;
    for (uint64_t k = 0; k < s.total_steps; k++) {
        const double rate = sl_schedule_lr(&s, 0, 0, k);
        largest = fmax(largest, rate);
        if (rate > 0) last = rate;
    }
    return sl_fail(err, SL_E_CONFIG,
                   "schedule '%s' has no best peak rate: the worst excess is least at the end of any range tried; its "
                   "rates fall by %.1f powers of ten, some of which are right at any peak rate",
                   s.spec.entry->name, log10(largest) - log10(last));
}

/* About the schedule's rate; where the least is at an end of the range, as with means of iterates, whose noise largely
 * cancels, about that end. */
static sl_status tune_slopes(double *lr, sl_worst *curve, const sl_robustness *r, sl_err *err)
{
    enum { MOVES = 4 };
    sl_robustness here = *r;
    for (int move = 0;; move++) {
        double factor;
        sl_err why = {0};
        const sl_status st = sl_robustness_tune(&factor, curve, &here, &why);
        if (st == SL_OK) *lr = here.schedule.lr * factor;
        if (st != SL_E_NUMERIC || move == MOVES) {
            if (st == SL_E_NUMERIC) return no_best_rate(&r->schedule, err);
            if (st != SL_OK && err) *err = why;
            for (int i = 0; st == SL_OK && i < SL_TUNING_POINTS; i++) curve[i].rho *= here.schedule.lr / r->schedule.lr;
            return st;
        }
        const sl_worst *const first = &curve[0], *const last = &curve[SL_TUNING_POINTS - 1];
        here.schedule.lr *= first->excess.value < last->excess.value ? first->rho : last->rho;
    }
}

static sl_status tune(sl_robust_found *f, sl_robust_case *c, const sl_cli *cli, sl_err *err)
{
    const bool measured = sl_cli_is(cli, "tune", "measured") && !sl_cli_given(cli, "lr");
    if (!c->slopes) {
        if (measured) return tune_loss(f, c, err);
        set_rate(c, base_lr(cli));
        return SL_OK;
    }
    SL_TRY(tune_by_bound(c, err));
    if (!sl_cli_given(cli, "lr") && !isfinite(c->bound_tuned)) return no_best_rate(&c->r.schedule, err);
    set_rate(c, sl_cli_given(cli, "lr") ? base_lr(cli) : c->bound_tuned);
    if (!measured) return SL_OK;
    double lr = c->tuned;
    sl_robustness few = c->r;
    few.search_replicas = rounded(few.search_replicas / 4);
    few.replicas = few.search_replicas;
    SL_TRY(tune_slopes(&lr, f->tuning, &few, err));
    for (size_t i = 0; i < SL_TUNING_POINTS; i++) f->tuning_lr[i] = f->tuning[i].rho * c->tuned;
    f->has_tuning = true;
    set_rate(c, lr);
    return SL_OK;
}

/* Of a loss there is no family to take the worst of, and no window. */
static sl_status sweep(sl_robust_found *f, sl_robust_case *c, const sl_cli *cli, sl_progress *progress, sl_err *err)
{
    sl_progress_show(progress, "tuning", 0);
    SL_TRY(tune(f, c, cli, err));
    sl_progress_show(progress, "measuring", 0);
    if (!c->slopes) {
        snprintf(f->reason, sizeof f->reason, "a single problem does not show the exponent: that is the worst case's");
        SL_TRY(measure_losses(f->worst, c->rho, c->n, &c->curve, err));
        return predict(f, c, err);
    }
    SL_TRY(sl_robustness_worst(f->worst, f->samples, c->rho, c->n, &c->r, err));
    SL_TRY(sl_robustness_window(&f->window, &c->r, err));
    sl_err why = {0};
    const sl_status st = sl_robustness_fit(&f->fit, f->worst, f->samples, c->n, &f->window, &c->r, &why);
    if (st < 0) {
        if (err) *err = why;
        return st;
    }
    f->decided = st == SL_OK;
    snprintf(f->reason, sizeof f->reason, "%s", why.message);
    return predict(f, c, err);
}

/* ---- the command ---- */

static sl_status solve(sl_cli *cli, sl_robust_case *c, const cJSON *config, sl_run *run, cJSON **result, sl_err *err)
{
    sl_robust_found *f = calloc(1, sizeof *f);
    if (!f) return sl_fail(err, SL_E_MEMORY, "no memory for results");
    f->worst = calloc(c->n, sizeof *f->worst);
    f->bound = malloc(c->n * sizeof *f->bound);
    f->samples = c->slopes ? malloc(c->n * c->r.replicas * sizeof *f->samples) : NULL;
    sl_status st = f->worst && f->bound && (f->samples || !c->slopes)
                       ? SL_OK
                       : sl_fail(err, SL_E_MEMORY, "no memory for %zu replicas at %zu rates", c->r.replicas, c->n);
    for (size_t i = 0; i < c->n && st == SL_OK; i++) f->bound[i] = NAN;
    const double start = sl_clock();
    sl_progress progress;
    sl_progress_start(&progress, cli);
    c->r.progress = c->curve.progress = sl_progress_fraction;
    c->r.progress_ctx = c->curve.progress_ctx = &progress;
    if (st == SL_OK) st = sweep(f, c, cli, &progress, err);
    sl_progress_end(&progress);
    f->seconds = sl_clock() - start;
    if (st == SL_OK) {
        *result = sl_robust_json(c, f, config);
        if (c->slopes && !f->decided) cli->exit_code = sl_status_exit_code(SL_UNDECIDED);
        st = sl_cli_drawn(cli, sl_robust_write(run, c, f, config, err), err);
    }
    free(f->worst);
    free(f->bound);
    free(f->samples);
    free(f);
    return st;
}

/* Defaults that follow from other options. */
static void resolve(cJSON *config, const sl_robust_case *c)
{
    const double replicas = (double)(c->slopes ? c->r.replicas : c->curve.replicas);
    cJSON_ReplaceItemInObjectCaseSensitive(config, "replicas", cJSON_CreateNumber(replicas));
    if (c->slopes) cJSON_ReplaceItemInObjectCaseSensitive(config, "slope-max", cJSON_CreateNumber(c->r.slope_max));
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    sl_robust_case *const c = calloc(1, sizeof *c);
    if (!c) return sl_fail(err, SL_E_MEMORY, "no memory for a command");
    sl_status st = init_case(c, cli, err);
    if (st != SL_OK) {
        sl_cli_samples_clear(&c->samples);
        free(c);
        return st;
    }
    cJSON *config = sl_cli_config(cli), *result = NULL, *old = NULL;
    sl_cli_samples_resolve(config, &c->samples);
    resolve(config, c);
    sl_run *folder = NULL;
    st = sl_cli_open(&folder, &old, cli, c->r.schedule.spec.entry->name, config, err);
    if (st == SL_OK && old) {
        sl_run_free(folder);
        result = old;
        const cJSON *decided = cJSON_GetObjectItemCaseSensitive(result, "decided");
        if (c->slopes && cJSON_IsFalse(decided)) cli->exit_code = sl_status_exit_code(SL_UNDECIDED);
    } else if (st == SL_OK) {
        st = solve(cli, c, config, folder, &result, err);
        st = sl_cli_close(folder, st, NULL, result, err);
    }
    if (st >= 0 && result) sl_cli_answer(cli, result, sl_robust_people);
    cJSON_Delete(result);
    cJSON_Delete(config);
    sl_cli_samples_clear(&c->samples);
    free(c);
    return st;
}

const sl_command sl_command_robustness = {
    .name = "robustness",
    .help = "what a rate that is rho times too large costs, and its exponent",
    .example = "  sgdlab robustness --schedule cosine --rho 1,2,4,8,16,32\n"
               "  sgdlab robustness --schedule linear --horizon 65536\n"
               "  sgdlab robustness --schedule table:file=mine.dat --json\n"
               "  sgdlab robustness --problem logistic:l2=0.01 --data digits --schedule cosine --horizon 1000",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
