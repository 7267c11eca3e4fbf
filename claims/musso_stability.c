/* Mean-square stability of SGD with momentum and a random rate: the rate at which noise that is proportional to the
 * gradient blows up second moments, far below the rate at which the mean becomes unstable. */
#include <math.h>
#include <stdio.h>

#include "claims/musso_synthetic.h"
#include "claims/synthetic.h"
#include "theory/moments.h"

/* The growth of a<x^2> + l<v^2> a step, between steps n and 2n of an ensemble started at x = 1, v = 0 on
 * f = a x^2/2 without other noise. The errors of the two are added, as if they were wholly correlated. */
static sl_status growth(sl_estimate *rate, const sl_lab *lab, double mu, double delta, double al, uint64_t n,
                        double replicas, uint32_t experiment, sl_err *err)
{
    const double a = 1;
    const sl_synthetic s = {.loss = "quadratic",
                            .rule = "heavy-ball",
                            .alpha_on = SL_ALPHA_ON_GRADIENT,
                            .l = al / a,
                            .mu = mu,
                            .C = 1,
                            .D0 = 0,
                            .delta = delta,
                            .updates = 1};
    sl_sgd sgd;
    sl_observed o;
    SL_TRY(sl_synthetic_prepare(&sgd, &s, lab, experiment, err));
    static const double one[] = {1};
    sgd.ensemble.start = one;
    sgd.ensemble.replicas = (uint64_t)replicas;
    sgd.ensemble.steps = 2 * n;
    sgd.ensemble.series_every = n;
    SL_TRY(sl_synthetic_measure(&o, &sgd, err));
    double energy[2], error[2];
    for (size_t i = 0; i < 2; i++) {
        const double *const row = sl_table_row(o.series, i + 1);
        energy[i] = a * row[sl_table_find(o.series, "x2")] + s.l * row[sl_table_find(o.series, "v2")];
        error[i] = a * row[sl_table_find(o.series, "x2_se")] + s.l * row[sl_table_find(o.series, "v2_se")];
    }
    sl_observed_clear(&o);
    *rate = (sl_estimate){log(energy[1] / energy[0]) / (double)n,
                          (error[0] / energy[0] + error[1] / energy[1]) / (double)n, INFINITY};
    if (delta == 0) rate->se = 0; /* all replicas are one */
    return SL_OK;
}

/* Where a straight line through the rates at two values of a l crosses zero, relative to the bound. */
static sl_estimate crossing(double low, double high, sl_estimate below, sl_estimate above)
{
    const double span = above.value - below.value, width = high - low;
    return (sl_estimate){low - width * below.value / span,
                         width * hypot(above.value * below.se, below.value * above.se) / (span * span), INFINITY};
}

/* Rates a quarter below and above the bound against ln of the second moments' spectral radius, which is what they
 * tend to: after so few steps their ratio is between 0.92 and 1.2 (from the moment recursion), so the tolerance is
 * 0.4, which decides the sign too. More steps would serve badly: the spread of x^2 grows faster than its mean. The
 * straight line misses the bound by at most 3 % (the same recursion), of the 10 % allowed. */
static sl_status stability(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    static const struct {
        double mu, delta;
        uint64_t n;
    } settings[] = {{0, 1, 2}, {0.9, 1, 12}, {0.99, 0.5, 120}, {0.99, 1, 120}};
    static const double fraction[2] = {0.75, 1.25};
    const double r = sl_lab_refinement(lab);
    for (uint32_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        sl_lab_report(lab, "musso.stability", i, sizeof settings / sizeof *settings);
        const double mu = settings[i].mu, delta = settings[i].delta, q = sl_alpha_q(delta);
        const double bound = 2 * (1 - mu * mu) / (q * (1 + mu) - 2 * mu);
        const sl_alpha_law law = sl_alpha_uniform(delta);
        sl_rule rule;
        SL_TRY(sl_rule_init(&rule, "heavy-ball", SL_ALPHA_ON_GRADIENT, 1, mu, 0, err));
        sl_estimate rate[2];
        for (uint32_t k = 0; k < 2; k++) {
            const double al = fraction[k] * bound, predicted = log(sl_moments_radius(&rule, al, &law));
            SL_TRY(growth(&rate[k], lab, mu, delta, al, settings[i].n, 6e5 * r * r, SL_EXPERIMENT_STABILITY + 2 * i + k,
                          err));
            /* Wrong on purpose: stable for unstable and the other way round. */
            SL_TRY(sl_finding_add(f, sl_scaled(1 / fabs(predicted), rate[k]), predicted / fabs(predicted), 0.4,
                                  -predicted / fabs(predicted), err, "mu=%g Delta=%g a l=%.4g: ln growth / |ln radius|",
                                  mu, delta, al));
        }
        SL_TRY(sl_finding_add(f, crossing(fraction[0], fraction[1], rate[0], rate[1]), 1, 0.1, 1.3, err,
                              "mu=%g Delta=%g: bound on a l / %.4g", mu, delta, bound));
    }
    /* A constant rate at mu = 0.99: not random, so exact; the bound is 2 (1 + mu) = 3.98. */
    const sl_alpha_law constant = sl_alpha_uniform(0);
    sl_rule rule;
    SL_TRY(sl_rule_init(&rule, "heavy-ball", SL_ALPHA_ON_GRADIENT, 1, 0.99, 0, err));
    for (uint32_t k = 0; k < 2; k++) {
        const double al = k == 0 ? 3.9 : 4.06, predicted = log(sl_moments_radius(&rule, al, &constant));
        sl_estimate rate;
        SL_TRY(growth(&rate, lab, 0.99, 0, al, k == 0 ? 1000 : 60, 64, SL_EXPERIMENT_STABILITY + 32 + k, err));
        SL_TRY(sl_finding_add(f, sl_scaled(1 / fabs(predicted), rate), predicted / fabs(predicted), 0.4,
                              -predicted / fabs(predicted), err, "mu=0.99 Delta=0 a l=%.4g: ln growth / |ln radius|",
                              al));
    }
    return SL_OK;
}

const sl_claim sl_claim_musso_stability = {
    .id = "musso.stability",
    .paper = "Musso 2020",
    .equation = "1, 2",
    .statement =
        "second moments are finite only for a l < 2(1-mu^2)/(q(1+mu) - 2 mu): at mu = 0.99 the bound falls from "
        "3.98 (Delta = 0) to 0.059 (Delta = 1)",
    .expected = SL_HOLDS,
    .measure = stability,
    .parts = 14,
};
