/* --iterate of simulate: the excess losses of the final state and of a mean of states, beside exact ones. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/simulate.h"

sl_status sl_iterates_check(const sl_simulation *s, const sl_cli *cli, sl_err *err)
{
    if (sl_cli_given(cli, "suffix") && !sl_cli_is(cli, "iterate", "suffix"))
        return sl_fail(err, SL_E_USAGE, "--suffix goes with --iterate suffix, not %s", sl_cli_text(cli, "iterate"));
    if (sl_cli_is(cli, "iterate", "last")) return SL_OK;
    if (s->dynamics != SL_DYNAMICS_SGD)
        return sl_fail(err, SL_E_USAGE, "--iterate %s is for sgd; --dynamics %s samples a law, and the mean of a "
                       "trajectory is the mean of that", sl_cli_text(cli, "iterate"), sl_cli_text(cli, "dynamics"));
    if (isnan(s->sgd.loss.least))
        return sl_fail(err, SL_E_CONFIG, "--iterate %s: loss '%s' has no known least value to be above",
                       sl_cli_text(cli, "iterate"), s->sgd.loss.kind->entry.name);
    return SL_OK;
}

void sl_iterates_set(sl_simulation *s, const sl_cli *cli, cJSON *config)
{
    sl_ensemble *const e = &s->sgd.ensemble;
    const bool suffix = sl_cli_is(cli, "iterate", "suffix");
    e->mean_of = sl_cli_is(cli, "iterate", "last") ? 0 : e->steps;
    if (suffix) e->mean_of = (uint64_t)fmin(ceil(sl_cli_real(cli, "suffix") * (double)e->steps), (double)e->steps);
    if (e->mean_of == 0) cJSON_DeleteItemFromObjectCaseSensitive(config, "iterate");
    if (!suffix) cJSON_DeleteItemFromObjectCaseSensitive(config, "suffix");
}

/* Gaussian least squares with new samples at every step. Noise of s2 times the covariance of C samples is that of
 * C / s2 of them, and a spread of starts adds to second moments. */
static bool is_covered(const sl_simulation *s)
{
    const sl_sgd *const sgd = &s->sgd;
    return sl_simulation_is_plain(s) && strcmp(sgd->loss.kind->entry.name, "least-squares-online") == 0 &&
           !sl_loss_restricted(&sgd->loss) && sgd->noise.kind && strcmp(sgd->noise.kind->entry.name, "online") == 0 &&
           sgd->noise_variance > 0 && sl_spec_get(&sgd->noise.spec, "size") / sgd->noise_variance >= 1;
}

static sl_status predict(sl_averaging_risk *last, sl_averaging_risk *average, const sl_simulation *s, double *edge,
                         sl_err *err)
{
    const sl_sgd *const sgd = &s->sgd;
    const sl_ensemble *const e = &sgd->ensemble;
    const sl_loss *const loss = &sgd->loss;
    const double *const from = e->start ? e->start : loss->start;
    const double noise = sl_spec_get(&loss->spec, "noise"), batch = sl_spec_get(&sgd->noise.spec, "size");
    double start[SL_LOSS_MAX_DIM];
    for (size_t d = 0; d < loss->dim; d++) start[d] = hypot(from[d] - loss->truth[d], e->start_spread);
    const sl_averaging a = {.d = loss->dim, .spectrum = loss->data, .start = start, .rate = sgd->rule.lr,
                            .noise = noise * noise, .batch = batch / sgd->noise_variance};
    const uint64_t n = e->burn_in + e->steps;
    sl_averaging_modes *m;
    SL_TRY(sl_averaging_alloc(&m, &a, err));
    sl_status st = sl_averaging_last(last, m, n, err);
    if (st == SL_OK) st = sl_averaging_average(average, m, n - e->mean_of, e->mean_of, err);
    if (st == SL_OK) st = sl_averaging_stability(edge, a.spectrum, a.d, a.batch, err);
    sl_averaging_free(m);
    return st;
}

static void add_risk(cJSON *object, const char *key, sl_averaging_risk r)
{
    cJSON *const o = cJSON_AddObjectToObject(object, key);
    sl_json_number(o, "bias", r.bias);
    sl_json_number(o, "variance", r.variance);
    sl_json_number(o, "excess", r.bias + r.variance);
}

static sl_estimate above(sl_estimate f, double least)
{
    return (sl_estimate){f.value - least, f.se, f.dof};
}

sl_status sl_iterates_describe(cJSON *result, const sl_simulation *s, const sl_observed *o, sl_err *err)
{
    const sl_ensemble *const e = &s->sgd.ensemble;
    if (e->mean_of == 0) return SL_OK;
    const sl_estimate none = {NAN, NAN, 0};
    cJSON *const r = cJSON_AddObjectToObject(result, "iterates");
    cJSON_AddNumberToObject(r, "step", (double)(e->burn_in + e->steps));
    cJSON_AddNumberToObject(r, "mean_of", (double)e->mean_of);
    sl_json_estimate(r, "last", o ? above(o->last, s->sgd.loss.least) : none);
    sl_json_estimate(r, "average", o ? above(o->average, s->sgd.loss.least) : none);
    if (!is_covered(s)) return SL_OK;
    sl_averaging_risk last, average;
    double edge;
    sl_err why = {0};
    const sl_status st = predict(&last, &average, s, &edge, &why);
    if (st == SL_E_NUMERIC || st == SL_E_DOMAIN) return SL_OK; /* beyond doubles: no number */
    if (st != SL_OK) {
        if (err) *err = why;
        return st;
    }
    cJSON *const p = cJSON_AddObjectToObject(r, "predicted");
    add_risk(p, "last", last);
    add_risk(p, "average", average);
    sl_json_number(p, "stable_below", edge);
    return SL_OK;
}

static const cJSON *in(const cJSON *object, const char *key)
{
    return object ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

static const char *const keys[] = {"last", "average"};

void sl_iterates_rows(sl_grid *g, const cJSON *result, bool exact)
{
    static const char *const labels[] = {"f(last) - least f", "f(mean) - least f"};
    const cJSON *const r = in(result, "iterates"), *const p = in(r, "predicted");
    for (size_t i = 0; r && i < 2; i++)
        sl_grid_compare(g, labels[i], in(r, keys[i]), in(in(p, keys[i]), "excess"), exact);
}

void sl_iterates_print(const cJSON *result)
{
    const cJSON *const r = in(result, "iterates"), *const p = in(r, "predicted");
    if (!r) return;
    printf("last: after step %.0f; mean: of the %.0f iterates before it\n", sl_cli_number(in(r, "step")),
           sl_cli_number(in(r, "mean_of")));
    for (size_t i = 0; p && i < 2; i++)
        printf("exactly, %s: bias %.6g + variance %.6g\n", i == 0 ? "last" : "mean",
               sl_cli_number(in(in(p, keys[i]), "bias")), sl_cli_number(in(in(p, keys[i]), "variance")));
    const double edge = p ? sl_cli_number(in(p, "stable_below")) : NAN;
    const double rate = sl_cli_number(in(in(result, "configuration"), "lr"));
    if (rate >= edge) printf("second moments stay bounded below --lr %.6g: errors of means say nothing here\n", edge);
}
