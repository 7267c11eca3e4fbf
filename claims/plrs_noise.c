/* Devapriya et al. 2024, Lemma 1: w = x - eta_c grad f(x) - x', all that a step adds to one of gradient descent at the
 * mean rate. Its mean is zero; its power is eta_c^2 sigma^2 + (Lmax - Lmin)^2/12 (|grad f|^2 + sigma^2). */
#include <math.h>
#include <stdio.h>

#include "claims/plrs.h"
#include "claims/plrs_trial.h"
#include "claims/synthetic.h"

/* ---- plrs.zero-mean -------------------------------------------------------------------------------------------- */

/* The mean is exactly zero, so the tolerance, 0.5 % of w's root mean square in that coordinate, is for sampling alone.
 */
static sl_status zero_mean(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    static const struct {
        const char *loss, *noise;
        double x[2];
        sl_plrs rate;
        double s2;
    } settings[] = {
        {"quadratic", NULL, {2}, {0.07, 0.1}, 1},
        {"double-well", NULL, {1.7}, {0.1, 0.3}, 0.1},
        {"strict-saddle", SL_PLRS_BOUNDED, {0.8, 0.5}, {0.01, 0.1}, 0.25},
    };
    const double r = sl_lab_refinement(lab);
    for (uint32_t i = 0; i < 3; i++) {
        sl_lab_report(lab, "plrs.zero-mean", i, 3);
        const sl_plrs *const p = &settings[i].rate;
        const double eta = sl_plrs_centre(p), *const x = settings[i].x;
        double g[2];
        sl_loss loss;
        sl_observed o;
        const sl_trial trial = {.loss = settings[i].loss,
                                .noise = settings[i].noise,
                                .rate = *p,
                                .s2 = settings[i].s2,
                                .start = x,
                                .replicas = (uint64_t)(4e6 * r * r),
                                .steps = 1};
        SL_TRY(sl_loss_init(&loss, trial.loss, err));
        sl_loss_gradient(&loss, x, g);
        SL_TRY(sl_trial_run(&o, &trial, lab, SL_EXPERIMENT_PLRS + i, err));
        for (size_t d = 0; d < loss.dim; d++) {
            const double rms = sqrt(sl_plrs_noise_power(p, g[d] * g[d], trial.s2));
            sl_estimate w = sl_scaled(-1 / rms, o.coordinate[d].x);
            w.value += (x[d] - eta * g[d]) / rms;
            /* Wrong on purpose: the mean if the rate were Lmax throughout. */
            SL_TRY(sl_finding_add(f, w, 0, 0.005 / r, (p->hi - eta) * g[d] / rms, err,
                                  "%s, L=[%g, %g], coordinate %zu: <w>/rms", loss.spec.entry->name, p->lo, p->hi, d));
        }
        sl_observed_clear(&o);
    }
    return SL_OK;
}

const sl_claim sl_claim_plrs_zero_mean = {
    .id = "plrs.zero-mean",
    .paper = "Devapriya 2024",
    .equation = "Lemma 1",
    .statement = "what a random rate and a noisy gradient add to a step of gradient descent at the mean rate, "
                 "w = eta_c g - eta_c grad f + u g, has mean 0",
    .expected = SL_HOLDS,
    .measure = zero_mean,
    .parts = 4,
};

/* ---- plrs.noise-power ------------------------------------------------------------------------------------------ */

/* On f = |x|^2 / (2 eta_c) a step of gradient descent at eta_c ends in the minimum, so x' = -w and |w|^2 = 2 eta_c
 * f(x'), whatever the gradient x / eta_c at the start. The formula is exact: the tolerance, 2 %, is for sampling alone.
 */
static sl_status noise_power(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    static const struct {
        sl_plrs rate;
        int dim;
        double gradient; /* |grad f| / sigma */
        const char *noise;
    } settings[] = {
        {{0.07, 0.1}, 1, 10, NULL},
        {{0.007, 0.01}, 8, 20, NULL},
        {{0, 0.2}, 1, 1, NULL},
        {{0.02, 0.2}, 4, 0, NULL},
        {{0, 0.2}, 2, 3, SL_PLRS_BOUNDED},
        {{0.35, 0.4}, 32, 40, NULL},
        {{0.05, 0.3}, 16, 0.5, SL_PLRS_BOUNDED},
    };
    const double r = sl_lab_refinement(lab);
    for (uint32_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        sl_lab_report(lab, "plrs.noise-power", i, sizeof settings / sizeof *settings);
        const sl_plrs *const p = &settings[i].rate;
        const double eta = sl_plrs_centre(p), s2 = 0.7, sigma2 = settings[i].dim * s2;
        const double grad2 = settings[i].gradient * settings[i].gradient * sigma2;
        double start[32] = {0};
        for (int d = 0; d < settings[i].dim; d++) start[d] = eta * sqrt(grad2 / settings[i].dim);
        char loss[64], a[32];
        sl_print_double(a, 1 / eta);
        snprintf(loss, sizeof loss, "quadratic:a=%s:dim=%d", a, settings[i].dim);
        const sl_trial trial = {.loss = loss,
                                .noise = settings[i].noise,
                                .rate = *p,
                                .s2 = s2,
                                .start = start,
                                .replicas = (uint64_t)(1.2e6 * r * r) / (settings[i].dim > 4 ? 4 : 1),
                                .steps = 1};
        sl_observed o;
        SL_TRY(sl_trial_run(&o, &trial, lab, SL_EXPERIMENT_PLRS + 8 + i, err));
        const sl_estimate power = sl_scaled(2 * eta, o.loss);
        sl_observed_clear(&o);
        /* Wrong on purpose: the noise of the mean rate alone; where the gradient is zero, u as large as its bound. */
        const double predicted = sl_plrs_noise_power(p, grad2, sigma2), width = p->hi - p->lo;
        const double wrong = (eta * eta + (grad2 > 0 ? 0 : width * width / 4)) * sigma2;
        SL_TRY(sl_finding_add(f, sl_scaled(1 / predicted, power), 1, 0.02 / r, wrong / predicted, err,
                              "L=[%g, %g], D=%d, |grad f|=%g sigma: <|w|^2>/predicted", p->lo, p->hi, settings[i].dim,
                              settings[i].gradient));
    }
    return SL_OK;
}

const sl_claim sl_claim_plrs_noise_power = {
    .id = "plrs.noise-power",
    .paper = "Devapriya 2024",
    .equation = "Lemma 1",
    .statement = "E|w|^2 = eta_c^2 sigma^2 + (Lmax - Lmin)^2/12 (|grad f|^2 + sigma^2) for gradient noise of power "
                 "sigma^2: the random rate makes noise where the gradient is large",
    .expected = SL_HOLDS,
    .measure = noise_power,
    .parts = 7,
};
