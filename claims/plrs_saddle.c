/* Devapriya et al. 2024, Theorem 2: what it says of a strict saddle, and what it is read to say. */
#include "claims/plrs_saddle.h"

#include <math.h>
#include <stdio.h>

#include "claims/crossing.h"
#include "claims/plrs.h"
#include "claims/synthetic.h"
#include "sim/escape/exit.h"

/* ---- plrs.saddle-decrease -------------------------------------------------------------------------------------- */

/* On the saddle of (x^2 - y^2)/2 + y^4/4 the first steps are those of the quadratic saddle, known exactly; y^4 adds
 * a share of some E y^2, 1 % at the largest rate. The tolerance, 6 % of a difference of two spreads, is for sampling.
 */
static sl_status decreases(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    static const double hi[] = {0.3, 0.1, 0.03, 0.01}, curvature[] = {1, -1};
    const double r = sl_lab_refinement(lab), s2 = 0.01;
    for (uint32_t i = 0; i < 4; i++) {
        sl_lab_report(lab, "plrs.saddle-decrease", i, 4);
        const sl_plrs rate = {0.7 * hi[i], hi[i]};
        double T, change, sooner;
        sl_observed o;
        SL_TRY(sl_plrs_steps(&T, NULL, &rate, 1, 2, err));
        SL_TRY(sl_plrs_change(&change, &rate, curvature, NULL, 2, s2, T, err));
        SL_TRY(sl_plrs_change(&sooner, &rate, curvature, NULL, 2, s2, T - 1, err));
        const sl_trial trial = {.loss = "strict-saddle",
                                .noise = SL_PLRS_BOUNDED,
                                .rate = rate,
                                .s2 = s2,
                                .replicas = (uint64_t)(8e4 * r * r / hi[i]),
                                .steps = (uint64_t)T};
        SL_TRY(sl_trial_run(&o, &trial, lab, SL_EXPERIMENT_PLRS + 96 + i, err));
        const double unit = sl_plrs_square(&rate) * s2;
        const sl_estimate measured = sl_scaled(1 / unit, o.loss);
        sl_observed_clear(&o);
        /* Wrong on purpose: a step sooner. */
        SL_TRY(sl_finding_add(f, measured, change / unit, -0.06 / r * change / unit, sooner / unit, err,
                              "Lmax=%g, T=%g: E[f(x_T) - f(x_0)]/(<eta^2> s2)", hi[i], T));
    }
    return SL_OK;
}

/* The proof's T over a span of rates where the logarithm has gone. T is a whole number, which scatters it by 1/T: 5 %
 * at the largest rate. */
static sl_status exponent_of_steps(sl_estimate *b, sl_err *err)
{
    enum { POINTS = 17 };
    double x[POINTS];
    sl_estimate y[POINTS];
    for (int i = 0; i < POINTS; i++) {
        const double hi = pow(10, -4 - 0.5 * i);
        const sl_plrs rate = {0.7 * hi, hi};
        double T;
        SL_TRY(sl_plrs_steps(&T, NULL, &rate, 1, 2, err));
        x[i] = hi;
        y[i] = sl_exact(T);
    }
    return sl_trial_exponent(b, x, y, POINTS, err);
}

static sl_status saddle_decrease(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    sl_estimate b;
    SL_TRY(decreases(lab, f, err));
    SL_TRY(exponent_of_steps(&b, err));
    /* Wrong on purpose: the exponent of the time to leave. */
    SL_TRY(sl_finding_add(f, b, -0.25, 0.02, -1, err, "the proof's T: exponent in Lmax, 1e-12 to 1e-4"));
    snprintf(
        f->note, sizeof f->note,
        "the loss is lower in the mean after the proof's T, which goes like Lmax^(%.4f +- %.4f); by how much it is "
        "lower is of order Lmax^2 s2, and the iterate is where it was: see plrs.saddle-exit",
        b.value, b.se);
    return SL_OK;
}

const sl_claim sl_claim_plrs_saddle_decrease = {
    .id = "plrs.saddle-decrease",
    .paper = "Devapriya 2024",
    .equation = "Theorem 2",
    .statement = "on a strict saddle E f(x_T) < f(x_0) at the proof's T, the smallest with sum_{t<T} (1 + eta_c "
                 "gamma)^{2t} >= d/(eta_c^{1/4} gamma), of order Lmax^{-1/4}",
    .expected = SL_HOLDS,
    .measure = saddle_decrease,
    .parts = 5,
};

/* ---- Leaving --------------------------------------------------------------------------------------------------- */

sl_status sl_leaving_time(sl_estimate *time, const sl_leaving *s, uint32_t experiment, const sl_lab *lab, sl_err *err)
{
    sl_trial trial = s->trial;
    trial.loss = "strict-saddle";
    sl_sgd sgd;
    sl_exits e;
    SL_TRY(sl_trial_prepare(&sgd, &trial, lab, experiment, err));
    sgd.ensemble.steps = trial.steps;
    sgd.ensemble.burn_in = 0;
    const sl_escape how = {.region = {.set = {{.kind = SL_SET_HALF, .point = {0, 1}, .level = s->radius},
                                              {.kind = SL_SET_HALF, .point = {0, -1}, .level = s->radius}},
                                      .n = 2}};
    SL_TRY(sl_synthetic_escape(&e, &sgd, &how, err));
    sl_welford mean = {0};
    for (uint64_t i = 0; i < e.replicas; i++) sl_welford_add(&mean, (double)e.time[i]);
    const uint64_t left = e.exited;
    sl_exits_clear(&e);
    if (left < trial.replicas)
        return sl_fail(err, SL_E_NUMERIC, "%llu of %llu replicas were still within |y| < %g after %llu steps",
                       (unsigned long long)(trial.replicas - left), (unsigned long long)trial.replicas, s->radius,
                       (unsigned long long)trial.steps);
    *time = sl_welford_mean(&mean);
    return SL_OK;
}

sl_status sl_leaving_law(sl_saddle_law *law, const sl_leaving *s, sl_err *err)
{
    const double R = s->radius;
    const sl_saddle saddle = {.gamma = 1,
                              .l = sl_plrs_centre(&s->trial.rate),
                              .delta = sl_plrs_delta(&s->trial.rate),
                              .s2 = s->trial.s2,
                              .R = R / sqrt(1 - R * R)};
    return sl_saddle_asymptotic(law, &saddle, err);
}

/* Both claims are about the same paths. */
enum { RATES = 6 };
static const double rates[RATES] = {0.05, 0.03, 0.02, 0.01, 0.006, 0.004};

typedef struct {
    sl_estimate time[RATES], theory[RATES], steps[RATES]; /* steps: Theorem 2's T */
    sl_saddle_law law[RATES];
    sl_estimate measured, derived, printed; /* exponents in Lmax of the three */
} exits;

static sl_status leave(exits *e, const char *claim, const sl_lab *lab, sl_err *err)
{
    const double r = sl_lab_refinement(lab);
    for (uint32_t i = 0; i < RATES; i++) {
        sl_lab_report(lab, claim, i, RATES);
        const sl_leaving s = {.trial = {.noise = SL_PLRS_BOUNDED,
                                        .rate = {0.7 * rates[i], rates[i]},
                                        .s2 = 0.01,
                                        .replicas = (uint64_t)(32768 * r * r),
                                        .steps = (uint64_t)(60 / rates[i])},
                              .radius = 0.5};
        double T;
        SL_TRY(sl_leaving_time(&e->time[i], &s, SL_EXPERIMENT_PLRS + 128 + i, lab, err));
        SL_TRY(sl_leaving_law(&e->law[i], &s, err));
        SL_TRY(sl_plrs_steps(&T, NULL, &s.trial.rate, 1, 2, err));
        e->theory[i] = sl_exact(e->law[i].mean);
        e->steps[i] = sl_exact(T);
    }
    SL_TRY(sl_trial_exponent(&e->measured, rates, e->time, RATES, err));
    SL_TRY(sl_trial_exponent(&e->derived, rates, e->theory, RATES, err));
    return sl_trial_exponent(&e->printed, rates, e->steps, RATES, err);
}

/* ---- plrs.saddle-exit.printed ---------------------------------------------------------------------------------- */

static sl_status exit_printed(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    exits e;
    SL_TRY(leave(&e, "plrs.saddle-exit.printed", lab, err));
    /* A tolerance of 0.15 leaves room for any logarithm. Wrong on purpose: no dependence at all. */
    SL_TRY(sl_finding_add(f, e.measured, -0.25, 0.15, 0, err, "mean exit time: exponent in Lmax, %g to %g",
                          rates[RATES - 1], rates[0]));
    /* As times: were the iterate out after a multiple of T, the multiple would be the same at all rates, to a factor of
     * 1.5. Wrong on purpose: a time that is the same at all rates. */
    const sl_estimate longer = sl_exponent(e.time[RATES - 1], e.time[0], 1),
                      steps = sl_exponent(e.steps[RATES - 1], e.steps[0], 1);
    SL_TRY(sl_finding_add(f, sl_difference(longer, steps), 0, log(1.5), -steps.value, err,
                          "log of mean exit time / T, at Lmax=%g and at %g", rates[RATES - 1], rates[0]));
    snprintf(f->note, sizeof f->note,
             "the mean exit time goes like Lmax^(%.3f +- %.3f), T like Lmax^(%.2f +- %.2f) there; at Lmax = %g it is "
             "%.0f steps, T is %g: Theorem 2 bounds the mean loss, not the time to leave",
             e.measured.value, e.measured.se, e.printed.value, e.printed.se, rates[RATES - 1], e.time[RATES - 1].value,
             e.steps[RATES - 1].value);
    return SL_OK;
}

const sl_claim sl_claim_plrs_saddle_exit_printed = {
    .id = "plrs.saddle-exit.printed",
    .paper = "Devapriya 2024",
    .equation = "Theorem 2",
    .statement = "(a reader's reading of Theorem 2) the iterate has left a fixed neighbourhood of the saddle after "
                 "O~(Lmax^{-1/4}) steps",
    .expected = SL_FAILS,
    .measure = exit_printed,
    .parts = 2,
};

/* ---- plrs.saddle-exit.derived ---------------------------------------------------------------------------------- */

/* Theory is for small l: what it leaves out is below l / 10 here, half of what is allowed for it; 1 % is for sampling.
 */
static sl_status exit_derived(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    exits e;
    SL_TRY(leave(&e, "plrs.saddle-exit.derived", lab, err));
    for (int i = 0; i < RATES; i += 2) {
        const double constant = e.law[i].mean - e.law[i].constant + e.law[i].leading;
        /* Wrong on purpose: without the constant of E log|Z|. */
        SL_TRY(sl_finding_add(f, sl_scaled(1 / e.law[i].mean, e.time[i]), 1, 0.01 + 0.2 * rates[i],
                              constant / e.law[i].mean, err, "Lmax=%g: mean exit time / derived", rates[i]));
    }
    /* Wrong on purpose: l^-1 without the logarithm. */
    SL_TRY(sl_finding_add(f, e.measured, e.derived.value, 0.01, -1, err, "exponent of the mean exit time in Lmax"));
    snprintf(f->note, sizeof f->note,
             "the mean exit time goes like Lmax^(%.4f +- %.4f), l^-1 log(1/l) in that range like Lmax^(%.4f)",
             e.measured.value, e.measured.se, e.derived.value);
    return SL_OK;
}

const sl_claim sl_claim_plrs_saddle_exit_derived = {
    .id = "plrs.saddle-exit.derived",
    .paper = "Devapriya 2024",
    .equation = "Theorem 2",
    .statement = "the mean time to leave is (log(R/sqrt(v)) - E log|Z|)/Lambda, Lambda = E log(1 + eta gamma), v of "
                 "order Lmax: it grows like Lmax^-1 log(1/Lmax)",
    .expected = SL_HOLDS,
    .measure = exit_derived,
    .parts = 4,
};
