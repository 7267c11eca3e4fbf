/* What sets the time that SGD stays in a well: the batch size through the temperature, where noise is Gaussian; the
 * width of the well, where its tails are heavy. */
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <stdio.h>

#include "claims/crossing.h"
#include "claims/escape.h"
#include "claims/exact.h"
#include "claims/synthetic.h"
#include "theory/exit.h"

/* ---- escape.batch-size ----------------------------------------------------------------------------------------- */

/* The double well's barrier, and the noise variance of a single sample. */
static const double height = 0.25, D0 = 8, reach = 2.4;

static sl_crossing from_well_to_well(double l, double C, double delta)
{
    return (sl_crossing){.loss = "double-well", .l = l, .delta = delta, .s2 = D0 / C, .from = -1, .to = 1};
}

/* l tau, exactly. */
static sl_status exact_time(sl_estimate *time, double l, double C, double delta, const sl_lab *lab, sl_err *err)
{
    const sl_crossing c = from_well_to_well(l, C, delta);
    SL_TRY(sl_crossing_exact(time, &c, reach, 0, lab, err));
    *time = sl_scaled(l, *time);
    return SL_OK;
}

/* d log(l tau) / d(C/l), what it should be, and what it would be with another temperature. */
static sl_status slope_of(sl_finding *f, sl_estimate slope, double delta, double tolerance, const char *what,
                          sl_err *err)
{
    const double predicted = 2 * height / (sl_alpha_q(delta) * D0);
    /* Wrong on purpose: T = l D0/C for a constant rate, without q for a random one. */
    return sl_finding_add(f, sl_scaled(1 / predicted, slope), 1, tolerance, delta > 0 ? sl_alpha_q(delta) : 0.5, err,
                          "Delta=%g, %s: slope of log(l tau) against C/l", delta, what);
}

/* By the operator, T = 0.03 to 0.025. Left out: 1.5 T^2 / height of the slope, 0.5 %, and what the random rate's tails
 * do, (l/300)(1/T) / height. */
static sl_status by_operator(const sl_lab *lab, sl_finding *f, double delta, sl_err *err)
{
    const double q = sl_alpha_q(delta), l = 0.02, warm = q * D0 / (2 * 0.03), cold = q * D0 / (2 * 0.025);
    sl_estimate a, b, c;
    SL_TRY(exact_time(&a, l, l * warm, delta, lab, err));
    SL_TRY(exact_time(&b, l, l * cold, delta, lab, err));
    SL_TRY(slope_of(f, sl_exponent(b, a, cold - warm), delta, 0.03, "other C", err));
    const double C = l * warm, less = C / cold;
    SL_TRY(exact_time(&c, less, C, delta, lab, err));
    SL_TRY(slope_of(f, sl_exponent(c, a, cold - warm), delta, 0.03, "other l", err));
    /* b and c have one C/l and rates that differ by a sixth: what is left is the correction in l. Wrong on purpose: a
     * time in steps. */
    return sl_finding_add(f, sl_exponent(b, c, 1), 0, 4 * (l - less), log(l / less), err,
                          "Delta=%g, one C/l, l=%.3g and %.3g: log of the ratio of l tau", delta, l, less);
}

/* By ensembles, T = 0.067 to 0.036 (at Delta = 1 a C larger by q): the straight line through log(l tau) of four
 * settings of which no two have the same C. Left out: 1.5 T T' / height, 1.5 %, and at Delta = 1 what the tails of
 * alpha n do at these rates, 5 %. */
static sl_status by_ensembles(const sl_lab *lab, sl_finding *f, double delta, uint32_t experiment, sl_err *err)
{
    static const struct {
        double l, C;
    } settings[] = {{0.1, 6}, {0.05, 4}, {0.08, 8}, {0.1, 11}};
    enum { N = sizeof settings / sizeof *settings };
    const double r = sl_lab_refinement(lab);
    double x[N], y[N], se[N];
    for (uint32_t i = 0; i < N; i++) {
        const double l = settings[i].l, C = sl_alpha_q(delta) * settings[i].C;
        const sl_crossing c = from_well_to_well(l, C, delta);
        sl_estimate steps;
        SL_TRY(sl_crossing_sampled(&steps, &c, 4096 * r * r, 1e8, lab, experiment + i, err));
        const sl_estimate time = sl_log_of(sl_scaled(l, steps));
        x[i] = C / l, y[i] = time.value, se[i] = time.se;
    }
    sl_line line;
    SL_TRY(sl_fit_line(&line, x, y, se, N, err));
    return slope_of(f, line.slope, delta, delta > 0 ? 0.15 : 0.1, "ensembles", err);
}

/* By splitting, T = 0.02 to 0.01: times of 4e7 to 3e12 steps. */
static sl_status by_splitting(const sl_lab *lab, sl_finding *f, uint32_t experiment, sl_err *err)
{
    static const double batches[] = {20, 40};
    const double l = 0.1;
    sl_estimate steps[2];
    for (uint32_t i = 0; i < 2; i++) {
        const sl_crossing c = from_well_to_well(l, batches[i], 0);
        SL_TRY(sl_crossing_split(&steps[i], &c, 2048, 32, lab, experiment + i, err));
    }
    return slope_of(f, sl_exponent(steps[1], steps[0], (batches[1] - batches[0]) / l), 0, 0.05, "splitting", err);
}

static sl_status batch_size(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    static const double deltas[] = {0, 1};
    for (uint32_t i = 0; i < 2; i++) {
        SL_TRY(by_operator(lab, f, deltas[i], err));
        SL_TRY(by_ensembles(lab, f, deltas[i], SL_EXPERIMENT_BATCH_SIZE + 8 * i, err));
        sl_lab_report(lab, "escape.batch-size", i + 1, 3);
    }
    SL_TRY(by_splitting(lab, f, SL_EXPERIMENT_BATCH_SIZE + 16, err));
    snprintf(f->note, sizeof f->note,
             "slopes over 2 df/(q D0): %.4f (constant rate, operator), %.3f +- %.3f (ensembles), %.4f +- %.4f "
             "(splitting); a "
             "random rate (Delta = 1): %.4f, %.3f +- %.3f",
             f->parts[0].measured.value, f->parts[3].measured.value, f->parts[3].measured.se,
             f->parts[8].measured.value, f->parts[8].measured.se, f->parts[4].measured.value,
             f->parts[7].measured.value, f->parts[7].measured.se);
    return SL_OK;
}

const sl_claim sl_claim_escape_batch_size = {
    .id = "escape.batch-size",
    .paper = "Musso 2020; Kramers 1940",
    .equation = "eq 20",
    .statement = "the logarithm of SGD's escape time grows in proportion to C/l, batch size over rate, with slope "
                 "2 df/(q D0) at a barrier df",
    .expected = SL_HOLDS,
    .measure = batch_size,
    .parts = 9,
};

/* ---- escape.heavy-tail ----------------------------------------------------------------------------------------- */

/* P(S > y) -> stable_tail y^-alpha for E exp(i t S) = exp(-|t|^alpha). */
static double stable_tail(double alpha)
{
    return gsl_sf_gamma(alpha) * sin(M_PI * alpha / 2) / M_PI;
}

/* A quadratic well f = a x^2/2 that ends at |x| = d, left by SGD with alpha-stable noise of scale sigma. */
typedef struct {
    double alpha, a, d, l, sigma;
} heavy_well;

/* sigma at which a jump of l sigma S alone leaves the well every `steps` steps. */
static double scale_for(const heavy_well *w, double steps)
{
    return w->d / w->l * pow(1 / (2 * stable_tail(w->alpha) * steps), 1 / w->alpha);
}

static double one_jump(const heavy_well *w)
{
    return pow(w->d / (w->l * w->sigma), w->alpha) / (2 * stable_tail(w->alpha));
}

static sl_status stay(sl_estimate *steps, const heavy_well *w, double replicas, const sl_lab *lab, uint32_t experiment,
                      sl_err *err)
{
    char loss[64], noise[64], number[32];
    sl_print_double(number, w->a);
    snprintf(loss, sizeof loss, "quadratic:a=%s", number);
    sl_print_double(number, w->alpha);
    snprintf(noise, sizeof noise, "stable:alpha=%s", number);
    const sl_crossing c = {.loss = loss,
                           .noise = w->alpha < 2 ? noise : NULL,
                           .l = w->l,
                           .s2 = 2 * w->sigma * w->sigma,
                           .from = 0,
                           .to = w->d,
                           .either_side = true};
    return sl_crossing_sampled(steps, &c, replicas, 1e8, lab, experiment, err);
}

/* tau ~ sigma^-alpha, by a line through four scales at which one jump leaves every 1000 to 3 10^4 steps; and the time
 * itself at the last. */
static sl_status power_law(const sl_lab *lab, sl_finding *f, double alpha, double replicas, uint32_t experiment,
                           sl_err *err)
{
    static const double times[] = {1000, 3000, 1e4, 3e4};
    enum { N = sizeof times / sizeof *times };
    heavy_well w = {alpha, 1, 1, 0.1, 0};
    double x[N], y[N], se[N];
    sl_estimate steps;
    for (uint32_t i = 0; i < N; i++) {
        w.sigma = scale_for(&w, times[i]);
        SL_TRY(stay(&steps, &w, replicas, lab, experiment + i, err));
        const sl_estimate log_steps = sl_log_of(steps);
        x[i] = -log(w.sigma), y[i] = log_steps.value, se[i] = log_steps.se;
    }
    sl_line line;
    SL_TRY(sl_fit_line(&line, x, y, se, N, err));
    /* Two jumps in a row are left out, 1/(tau alpha l a) of the time at most. Wrong on purpose: noise with a variance
     * that diffuses freely. */
    SL_TRY(sl_finding_add(f, line.slope, alpha, 0.15, 2, err, "alpha=%g: tau ~ sigma^-p, p", alpha));
    /* Wrong on purpose: jumps to one side alone. */
    return sl_finding_add(f, sl_scaled(1 / one_jump(&w), steps), 1, 0.2, 2, err,
                          "alpha=%g: tau / time to one jump of length d", alpha);
}

/* The exact mean of Gaussian noise, from the same well. */
static sl_status gaussian_time(double *steps, const heavy_well *w, sl_err *err)
{
    const sl_saddle s = {.gamma = -w->a, .l = w->l, .s2 = 2 * w->sigma * w->sigma, .R = w->d};
    sl_exit_law *law = NULL;
    sl_approximation mean;
    SL_TRY(sl_exit_law_new(&law, &s, err));
    const sl_status st = sl_exit_mean(&mean, law, 0, err);
    sl_exit_law_free(law);
    SL_TRY(st);
    *steps = mean.value;
    return SL_OK;
}

/* Wells of one height and widths 1 and 3, and of one width and heights 1/2 and 2. */
static sl_status width_or_height(const sl_lab *lab, sl_finding *f, double replicas, uint32_t experiment, sl_err *err)
{
    const double alpha = 1.5;
    heavy_well narrow = {alpha, 4.5, 1, 0.1, 0}, wide = {alpha, 0.5, 3, 0.1, 0}, low = {alpha, 1, 1, 0.1, 0},
               high = {alpha, 4, 1, 0.1, 0};
    narrow.sigma = wide.sigma = low.sigma = high.sigma = scale_for(&low, 1000);
    const heavy_well *const wells[] = {&narrow, &wide, &low, &high};
    sl_estimate steps[4];
    for (uint32_t i = 0; i < 4; i++) SL_TRY(stay(&steps[i], wells[i], replicas, lab, experiment + i, err));
    /* Wrong on purpose: the height alone decides. */
    SL_TRY(sl_finding_add(f, sl_exponent(steps[1], steps[0], log(3)), alpha, 0.15, 0, err,
                          "alpha=%g, heights 2.25, widths 1 and 3: tau ~ width^p, p", alpha));
    /* Wrong on purpose: what Gaussian noise does that takes as long to leave the low well. */
    double gauss[2];
    low.alpha = high.alpha = 2;
    low.sigma = high.sigma = sqrt(0.1 / low.l); /* T = 0.1: 1400 steps */
    SL_TRY(gaussian_time(&gauss[0], &low, err));
    SL_TRY(gaussian_time(&gauss[1], &high, err));
    return sl_finding_add(f, sl_exponent(steps[3], steps[2], 1), 0, 0.2, log(gauss[1] / gauss[0]), err,
                          "alpha=%g, widths 1, heights 0.5 and 2: log of the ratio of tau", alpha);
}

/* Gaussian noise from the same well: the exponent of sigma is no constant but 2 height / T, and rises without bound. */
static sl_status exponential_law(const sl_lab *lab, sl_finding *f, double replicas, uint32_t experiment, sl_err *err)
{
    static const double temperatures[] = {0.16, 0.12, 0.09};
    heavy_well w = {2, 1, 1, 0.1, 0};
    sl_estimate steps[3];
    double exact[3], at[3];
    for (uint32_t i = 0; i < 3; i++) {
        w.sigma = sqrt(temperatures[i] / w.l);
        at[i] = -log(w.sigma);
        SL_TRY(stay(&steps[i], &w, replicas, lab, experiment + i, err));
        SL_TRY(gaussian_time(&exact[i], &w, err));
    }
    for (int i = 0; i < 2; i++) /* Wrong on purpose: alpha = 2, the end of the family of stable laws. */
        SL_TRY(sl_finding_add(f, sl_exponent(steps[i + 1], steps[i], at[i + 1] - at[i]),
                              log(exact[i + 1] / exact[i]) / (at[i + 1] - at[i]), 1.5, 2, err,
                              "gaussian, T=%g to %g: -d log tau / d log sigma", temperatures[i], temperatures[i + 1]));
    return SL_OK;
}

/* Out of the double well's basin of -1 by one jump over the saddle, distance 1; or by one far up the other side, whence
 * the next step throws the iterate over everything, from x < -sqrt(1 + 1/l) on. */
static sl_status out_of_basin(const sl_lab *lab, sl_finding *f, double replicas, uint32_t experiment, sl_err *err)
{
    const double alpha = 1.5, l = 0.05, jump = 2e4; /* steps from one jump of length 1 to the right to the next */
    const double epsilon = pow(1 / (stable_tail(alpha) * jump), 1 / alpha), thrown = pow(sqrt(1 + 1 / l) - 1, -alpha);
    const sl_crossing c = {.loss = "double-well",
                           .noise = "stable:alpha=1.5",
                           .l = l,
                           .s2 = 2 * epsilon * epsilon / (l * l),
                           .from = -1,
                           .to = 0};
    sl_estimate steps;
    SL_TRY(sl_crossing_sampled(&steps, &c, replicas, 1e8, lab, experiment, err));
    /* Left out: who lands short of the saddle stays there for 1/l steps of noise, which adds 4 % of the distance. Wrong
     * on purpose: jumps to either side leave. */
    return sl_finding_add(f, sl_scaled((1 + thrown) / jump, steps), 1, 0.2, 0.5, err,
                          "alpha=%g, double well, l=%g: tau / time to one jump", alpha, l);
}

static sl_status heavy_tail(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    static const double alphas[] = {1, 1.3, 1.6};
    const double r = sl_lab_refinement(lab), replicas = 2048 * r * r;
    for (uint32_t i = 0; i < 3; i++) {
        SL_TRY(power_law(lab, f, alphas[i], replicas, SL_EXPERIMENT_HEAVY_TAIL + 8 * i, err));
        sl_lab_report(lab, "escape.heavy-tail", i + 1, 5);
    }
    SL_TRY(width_or_height(lab, f, 4 * replicas, SL_EXPERIMENT_HEAVY_TAIL + 32, err));
    SL_TRY(exponential_law(lab, f, 2 * replicas, SL_EXPERIMENT_HEAVY_TAIL + 40, err));
    SL_TRY(out_of_basin(lab, f, 2 * replicas, SL_EXPERIMENT_HEAVY_TAIL + 48, err));
    snprintf(
        f->note, sizeof f->note,
        "fitted exponents of sigma: %.3f +- %.3f (alpha = 1), %.3f +- %.3f (1.3), %.3f +- %.3f (1.6); of the width "
        "%.3f +- %.3f (1.5); Gaussian noise: %.1f, then %.1f, rising",
        f->parts[0].measured.value, f->parts[0].measured.se, f->parts[2].measured.value, f->parts[2].measured.se,
        f->parts[4].measured.value, f->parts[4].measured.se, f->parts[6].measured.value, f->parts[6].measured.se,
        f->parts[8].measured.value, f->parts[9].measured.value);
    return SL_OK;
}

const sl_claim sl_claim_escape_heavy_tail = {
    .id = "escape.heavy-tail",
    .paper = "Imkeller and Pavlyukevich 2006; Simsekli et al. 2019",
    .equation = "exit times",
    .statement =
        "with alpha-stable noise the time to leave a well is a power sigma^-alpha of the noise's scale, set by "
        "the well's width and not by its height, where Gaussian noise takes exponentially long in the height",
    .expected = SL_HOLDS,
    .measure = heavy_tail,
    .parts = 11,
};
