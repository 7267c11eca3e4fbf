/* What `escape` found, as JSON and as a table for people. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/escape.h"
#include "cli/output.h"

static const double CONFIDENCE = 0.95;
static const double WITHIN = 1.959963984540054; /* standard errors of a normal law on either side of it */

static const sl_estimate none = {NAN, NAN, 0};

/* ---- JSON ---- */

/* The estimate with its interval; se: that of a normal law with the interval's width, null where an end is not known.
 */
static void add_interval(cJSON *object, const char *key, sl_interval i, double unit)
{
    const sl_estimate e = {i.value * unit, isfinite(i.hi) ? (i.hi - i.lo) * unit / (2 * WITHIN) : NAN, INFINITY};
    sl_json_estimate(object, key, isfinite(i.value) ? e : none);
    cJSON *pair = cJSON_GetObjectItemCaseSensitive(object, key);
    sl_json_number(pair, "lo", i.lo * unit);
    sl_json_number(pair, "hi", i.hi * unit);
}

static void add_measured_times(cJSON *r, const sl_escape_case *c, const sl_survival *s)
{
    const sl_survival_mean_time m = sl_survival_mean(s, INFINITY);
    const bool whole = isinf(m.limit), any = s->n_events > 0;
    const sl_estimate mean = sl_scaled(c->unit, m.mean);
    sl_json_estimate(r, "mean", whole ? mean : none);
    sl_json_estimate(r, "restricted_mean", whole || !any ? none : mean);
    if (!whole && any)
        sl_json_number(cJSON_GetObjectItemCaseSensitive(r, "restricted_mean"), "limit", m.limit * c->unit);
    add_interval(r, "median", sl_survival_quantile(s, 0.5, CONFIDENCE), c->unit);
    cJSON *q = cJSON_AddObjectToObject(r, "quantiles");
    for (size_t i = 0; i < SL_ESCAPE_QUANTILES; i++)
        add_interval(q, sl_escape_p_name[i], sl_survival_quantile(s, sl_escape_p[i], CONFIDENCE), c->unit);
    const sl_survival_rate rate = sl_survival_exponential(s, CONFIDENCE);
    cJSON *e = cJSON_AddObjectToObject(r, "exponential_rate");
    sl_json_number(e, "value", rate.rate.value / c->unit);
    sl_json_number(e, "se", rate.rate.se / c->unit);
    sl_json_number(e, "lo", rate.lo / c->unit);
    sl_json_number(e, "hi", rate.hi / c->unit);
    sl_json_number(e, "p_exponential", sl_survival_exponentiality(NULL, s));
}

/* The law of a rare event is exponential, so quantiles follow from the mean. */
static void add_rare_times(cJSON *r, const sl_escape_case *c, const sl_rare *rare, bool limited)
{
    const sl_estimate mean = limited ? none : sl_scaled(c->unit, rare->time);
    sl_json_estimate(r, "mean", mean);
    sl_json_estimate(r, "restricted_mean", none);
    sl_json_estimate(r, "median", sl_scaled(M_LN2, mean));
    cJSON *q = cJSON_AddObjectToObject(r, "quantiles");
    for (size_t i = 0; i < SL_ESCAPE_QUANTILES; i++)
        sl_json_estimate(q, sl_escape_p_name[i], sl_scaled(-log1p(-sl_escape_p[i]), mean));
    sl_json_estimate(r, "exponential_rate", sl_ratio(sl_exact(1), mean));
}

static void add_splitting(cJSON *r, const sl_escape_case *c, const sl_rare *rare)
{
    cJSON *s = cJSON_AddObjectToObject(r, "splitting");
    sl_json_numbers(s, "coordinate", c->how.xi, c->s.sgd.loss.dim);
    sl_json_number(s, "a", c->how.a);
    sl_json_estimate(s, "crossings_a_step", rare->rate);
    sl_json_estimate(s, "probability", rare->probability);
    sl_json_numbers(s, "levels", rare->level, rare->n_levels);
    sl_json_numbers(s, "passage", rare->passage, rare->n_levels);
}

static void add_predicted(cJSON *r, const sl_escape_forecast *f)
{
    cJSON *p = cJSON_AddObjectToObject(r, "predicted");
    sl_json_number(p, "mean", f->mean);
    sl_json_number(p, "median", f->median);
    cJSON *q = cJSON_AddObjectToObject(p, "quantiles");
    for (size_t i = 0; i < SL_ESCAPE_QUANTILES; i++) sl_json_number(q, sl_escape_p_name[i], f->quantile[i]);
    cJSON_AddBoolToObject(p, "exact", f->exact);
    cJSON_AddStringToObject(p, "law", f->law ? f->law : "none");
    sl_json_number(p, "lyapunov_exponent", f->lyapunov);
    sl_json_number(p, "gamma", f->gamma);
    sl_json_number(p, "barrier", f->barrier);
    sl_json_number(p, "temperature", f->temperature);
    sl_json_number(p, "musso_eq20", f->eq20);
    for (size_t i = 0; i < f->n_opinions; i++) sl_json_number(p, f->opinion[i].key, f->opinion[i].mean);
    cJSON *by = cJSON_AddObjectToObject(p, "by");
    for (size_t i = 0; i < f->n_opinions; i++) cJSON_AddStringToObject(by, f->opinion[i].key, f->opinion[i].by);
}

static sl_estimate share(double part, double whole)
{
    if (!(whole > 0)) return none;
    const double p = part / whole;
    return (sl_estimate){p, sqrt(p * (1 - p) / whole), INFINITY};
}

static void add_targets(cJSON *r, const sl_escape_case *c, const sl_exits *e)
{
    double count[SL_REGION_SETS] = {0};
    for (uint64_t i = 0; i < e->replicas; i++)
        if (e->by[i] < c->region.n) count[e->by[i]]++;
    cJSON *list = cJSON_AddArrayToObject(r, "targets");
    for (size_t i = 0; i < c->region.n; i++) {
        const sl_set *set = &c->region.set[i];
        cJSON *t = cJSON_CreateObject();
        cJSON_AddItemToArray(list, t);
        sl_json_numbers(t, "minimum", c->target[i].x, c->s.sgd.loss.dim);
        if (set->kind == SL_SET_HALF)
            sl_json_number(t, "beyond", set->point[0] * set->level);
        else
            sl_json_number(t, "radius", set->level);
        sl_json_estimate(t, "fraction", e->replicas ? share(count[i], (double)e->exited) : none);
    }
}

static void add_region(cJSON *r, const sl_escape_case *c, const sl_exits *e)
{
    const size_t dim = c->s.sgd.loss.dim;
    cJSON_AddStringToObject(r, "leaving", c->to_basin ? "basin" : "ball");
    sl_json_numbers(r, "start", c->start, dim);
    sl_json_number(r, "radius", c->to_basin ? NAN : c->radius);
    if (!c->to_basin) return;
    if (c->from_saddle)
        cJSON_AddNullToObject(r, "home");
    else
        sl_json_numbers(r, "home", c->home.x, dim);
    add_targets(r, c, e);
}

cJSON *sl_escape_json(const sl_escape_case *c, const sl_escape_found *o, const sl_escape_forecast *f,
                      const char *status, const cJSON *notes, const cJSON *config)
{
    const sl_exits *e = &o->exits;
    cJSON *r = cJSON_CreateObject();
    cJSON_AddStringToObject(r, "status", status);
    cJSON_AddStringToObject(r, "method", c->splitting ? "splitting" : "direct");
    cJSON_AddStringToObject(r, "time_unit",
                            c->s.dynamics == SL_DYNAMICS_SGD ? "steps" : "time of the equation, steps x dt");
    if (c->splitting)
        add_rare_times(r, c, &o->rare, o->limited);
    else
        add_measured_times(r, c, &o->survival);
    add_predicted(r, f);
    sl_json_number(r, "exited_fraction", c->splitting ? NAN : (double)e->exited / (double)e->replicas);
    sl_json_number(r, "exited", c->splitting ? NAN : (double)e->exited);
    sl_json_number(r, "censored", c->splitting ? NAN : (double)e->censored);
    sl_json_number(r, "lost", c->splitting ? NAN : (double)e->lost);
    sl_json_number(r, "replicas", c->splitting ? NAN : (double)e->replicas);
    sl_json_number(r, "max_steps", c->splitting ? NAN : (double)c->max_steps);
    add_region(r, c, e);
    if (c->splitting) add_splitting(r, c, &o->rare);
    const double updates = c->splitting ? o->rare.updates : e->updates,
                 seconds = c->splitting ? o->rare.seconds : e->seconds;
    sl_json_number(r, "updates", updates);
    sl_json_number(r, "updates_per_second", seconds > 0 ? updates / seconds : NAN);
    cJSON_AddItemToObject(r, "notes", cJSON_Duplicate(notes, true));
    cJSON_AddItemToObject(r, "configuration", cJSON_Duplicate(config, true));
    return r;
}

/* ---- for people ---- */

static const cJSON *at(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static double number_at(const cJSON *object, const char *key)
{
    return sl_cli_number(at(object, key));
}

/* A row also where only theory has a number. */
static void add_row(sl_grid *g, const char *name, const cJSON *measured, const cJSON *predicted, bool exact)
{
    const double p = sl_cli_number(predicted);
    if (!isnan(sl_cli_read_estimate(measured).value) || isnan(p)) {
        sl_grid_compare(g, name, measured, predicted, exact);
        return;
    }
    sl_grid_add(g, "%s", name), sl_grid_add(g, "-"), sl_grid_add(g, "%.8g", p), sl_grid_add(g, "-");
}

static void add_opinions(sl_grid *g, const cJSON *r)
{
    const cJSON *predicted = at(r, "predicted"), *by;
    const double mean = sl_cli_read_estimate(at(r, "mean")).value;
    cJSON_ArrayForEach(by, at(predicted, "by"))
    {
        const double p = number_at(predicted, by->string);
        if (p == number_at(predicted, "mean")) continue;
        sl_grid_add(g, "  by %s", by->valuestring);
        sl_grid_add(g, "%s", "");
        sl_grid_add(g, "%.8g", p);
        if (isnan(mean))
            sl_grid_add(g, "-");
        else
            sl_grid_add(g, "%+.2f %%", 100 * (mean / p - 1));
    }
}

static void print_times(const cJSON *r)
{
    const cJSON *predicted = at(r, "predicted"), *limited = at(r, "restricted_mean");
    const bool exact = cJSON_IsTrue(at(predicted, "exact"));
    char name[64];
    sl_grid *g = sl_grid_alloc("lrrr");
    sl_grid_add(g, "exit time"), sl_grid_add(g, "measured"), sl_grid_add(g, "predicted");
    sl_grid_add(g, exact ? "z" : "off by");
    add_row(g, "mean", at(r, "mean"), at(predicted, "mean"), exact);
    add_opinions(g, r);
    snprintf(name, sizeof name, "mean of min(time, %.6g)", number_at(limited, "limit"));
    sl_grid_compare(g, name, limited, NULL, exact);
    /* A quantile is a whole number of steps: against an exact one it has no z. */
    for (size_t i = 0; i < SL_ESCAPE_QUANTILES; i++) {
        const char *p = sl_escape_p_name[i];
        if (sl_escape_p[i] == 0.5)
            snprintf(name, sizeof name, "median");
        else
            snprintf(name, sizeof name, "%g %% quantile", 100 * sl_escape_p[i]);
        add_row(g, name, at(at(r, "quantiles"), p), at(at(predicted, "quantiles"), p), false);
    }
    sl_grid_print(g);
}

static void print_point(const cJSON *x)
{
    for (const cJSON *d = x->child; d; d = d->next) printf("%s%.6g", d == x->child ? "" : ", ", d->valuedouble);
}

static void print_targets(const cJSON *r)
{
    const cJSON *targets = at(r, "targets"), *t;
    if (!targets) return;
    cJSON_ArrayForEach(t, targets)
    {
        char text[64];
        const sl_estimate f = sl_cli_read_estimate(at(t, "fraction"));
        printf("arrival at minimum (");
        print_point(at(t, "minimum"));
        if (at(t, "beyond"))
            printf("): beyond %.6g", number_at(t, "beyond"));
        else
            printf("): within %.6g", number_at(t, "radius"));
        if (cJSON_GetArraySize(targets) > 1 && !isnan(f.value)) {
            sl_cli_estimate(text, f.value, f.se);
            printf(", by %s of those that left", text);
        }
        putchar('\n');
    }
}

static void print_splitting(const cJSON *s)
{
    char rate[64], probability[64];
    const sl_estimate k = sl_cli_read_estimate(at(s, "crossings_a_step"));
    const sl_estimate p = sl_cli_read_estimate(at(s, "probability"));
    sl_cli_estimate(rate, k.value, k.se);
    sl_cli_estimate(probability, p.value, p.se);
    printf("splitting along (");
    print_point(at(s, "coordinate"));
    printf("): A up to %.6g, ", number_at(s, "a"));
    if (!at(s, "levels")->child) {
        printf("no level was reached\n");
        return;
    }
    const int levels = cJSON_GetArraySize(at(s, "levels"));
    printf("%d level%s from %.6g\n", levels, levels == 1 ? "" : "s", sl_cli_number(at(s, "levels")->child));
    printf("crossings of the first level a step: %s; arrival before return: %s\n", rate, probability);
}

void sl_escape_people(const sl_cli *cli, const cJSON *r)
{
    (void)cli;
    const cJSON *predicted = at(r, "predicted"), *splitting = at(r, "splitting");
    print_times(r);
    printf("unit of time: %s\npredicted: %s", at(r, "time_unit")->valuestring, at(predicted, "law")->valuestring);
    const double lyapunov = number_at(predicted, "lyapunov_exponent"), barrier = number_at(predicted, "barrier");
    if (!isnan(lyapunov)) printf("; Lyapunov exponent %.6g a step", lyapunov);
    const double temperature = number_at(predicted, "temperature");
    if (!isnan(barrier)) printf("; barrier %.6g", barrier);
    if (!isnan(barrier) && !isnan(temperature)) printf(", T = %.6g", temperature);
    putchar('\n');
    print_targets(r);
    if (splitting)
        print_splitting(splitting);
    else {
        printf("%.0f of %.0f left", number_at(r, "exited"), number_at(r, "replicas"));
        if (number_at(r, "censored") > 0)
            printf(", %.0f censored at step %.0f", number_at(r, "censored"), number_at(r, "max_steps"));
        if (number_at(r, "lost") > 0) printf(", %.0f lost", number_at(r, "lost"));
        printf("; ");
    }
    printf("%.3g updates", number_at(r, "updates"));
    const double speed = number_at(r, "updates_per_second");
    if (!isnan(speed)) printf(", %.3g updates/s", speed);
    putchar('\n');
    sl_cli_print_notes(r);
}
