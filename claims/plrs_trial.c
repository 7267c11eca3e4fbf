#include "claims/plrs_trial.h"

#include <math.h>
#include <stdio.h>

#include "base/json.h"

enum { MOST_POINTS = 32 };

sl_status sl_trial_prepare(sl_sgd *sgd, const sl_trial *trial, const sl_lab *lab, uint32_t experiment, sl_err *err)
{
    const double l = sl_plrs_centre(&trial->rate);
    char text[96], lo[32], hi[32];
    *sgd = (sl_sgd){
        .ensemble = {.seed = lab->seed,
                     .experiment = experiment,
                     .replicas = trial->replicas,
                     .steps = 1,
                     .burn_in = trial->steps - 1,
                     .start = trial->start,
                     .jobs = lab->jobs},
        .noise_variance = trial->s2,
    };
    sl_print_double(lo, trial->rate.lo);
    sl_print_double(hi, trial->rate.hi);
    snprintf(text, sizeof text, "plrs:min=%s:max=%s", lo, hi);
    SL_TRY(sl_loss_init(&sgd->loss, trial->loss, err));
    if (trial->noise) SL_TRY(sl_noise_init(&sgd->noise, trial->noise, &sgd->loss, err));
    SL_TRY(sl_rule_init(&sgd->rule, "plain", SL_ALPHA_ON_STEP, l, 0, 0, err));
    const char *schedule = trial->schedule ? trial->schedule : trial->rate.lo < trial->rate.hi ? text : "constant";
    return sl_schedule_init(&sgd->schedule, schedule, l, 1, trial->steps, err);
}

sl_status sl_trial_run(sl_observed *o, const sl_trial *trial, const sl_lab *lab, uint32_t experiment, sl_err *err)
{
    sl_sgd sgd;
    sl_observed out = {0};
    SL_TRY(sl_trial_prepare(&sgd, trial, lab, experiment, err));
    const sl_status st = sl_sgd_run(&out, &sgd, err);
    if (st != SL_OK) {
        sl_observed_clear(&out);
        return sl_fail_in(err, st, "%s, rates %g to %g", trial->loss, trial->rate.lo, trial->rate.hi);
    }
    *o = out;
    return SL_OK;
}

sl_status sl_trial_exponent(sl_estimate *b, const double *x, const sl_estimate *y, size_t n, sl_err *err)
{
    double lx[MOST_POINTS], ly[MOST_POINTS], se[MOST_POINTS];
    sl_line line;
    bool exact = true;
    if (n > MOST_POINTS) return sl_fail(err, SL_E_DOMAIN, "%zu points of a power law, need at most %d", n, MOST_POINTS);
    for (size_t i = 0; i < n; i++) {
        lx[i] = log(x[i]);
        ly[i] = log(y[i].value);
        se[i] = y[i].se / y[i].value;
        exact = exact && se[i] == 0;
    }
    SL_TRY(sl_fit_line(&line, lx, ly, exact ? NULL : se, n, err));
    *b = line.slope;
    return SL_OK;
}
