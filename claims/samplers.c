/* Samplers that grew out of optimisers: the one inspired by Adam (Leimkuhler, Lohmann and Whalley 2025) has averages
 * over exp(-f/T) and a bias of order 2 in its step; SGLD beside it (Welling and Teh 2011), of order 1. */
#include <math.h>

#include "claims/exact.h"
#include "claims/neighbours.h"
#include "claims/plrs_trial.h"
#include "claims/synthetic.h"
#include "sim/samplers.h"
#include "theory/sgld.h"

/* Time 100 after so much burn-in, sampled about every 0.2. */
static sl_ensemble ensemble_of(const sl_lab *lab, uint32_t experiment, double h, double burn_in, double replicas)
{
    const double r = sl_lab_refinement(lab);
    return (sl_ensemble){.seed = lab->seed,
                         .experiment = SL_EXPERIMENT_NEIGHBOURS + 32 + experiment,
                         .replicas = (uint64_t)(replicas * r * r),
                         .steps = (uint64_t)(100 / h),
                         .burn_in = (uint64_t)(burn_in / h),
                         .sample_every = (uint64_t)fmax(1, round(0.2 / h)),
                         .jobs = lab->jobs};
}

static double quartic(double x, void *ctx)
{
    (void)ctx;
    return x * x * x * x / 4;
}

static double quartic_slope(double x, void *ctx)
{
    (void)ctx;
    return x * x * x;
}

static double quartic_curvature(double x, void *ctx)
{
    (void)ctx;
    return 3 * x * x;
}

/* Losses in one dimension, by quadrature. */
typedef struct {
    const char *name;
    sl_function f, slope, curvature;
} bowl;
static const bowl bowls[] = {{"double-well", sl_well, sl_well_slope, sl_well_curvature},
                             {"quartic", quartic, quartic_slope, quartic_curvature}};

/* ---- inspired by Adam ---- */

static sl_status adam(sl_observed *o, const char *loss, double h, const sl_adam_langevin *pace, const sl_ensemble *e,
                      sl_err *err)
{
    sl_adam_langevin s = *pace;
    s.ensemble = *e;
    s.h = h;
    SL_TRY(sl_loss_init(&s.loss, loss, err));
    sl_observed out = {0};
    const sl_status st = sl_adam_langevin_run(&out, &s, err);
    if (st == SL_OK)
        *o = out;
    else
        sl_observed_clear(&out);
    return st;
}

/* Averages of f, and the temperature by <|grad f|^2>/<laplacian f>; at this step the bias is below 0.5 %. Wrong on
 * purpose: a temperature 1.2 times as high. */
static sl_status right_law(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const double r = sl_lab_refinement(lab), T = 0.2, h = 0.04 / sqrt(r);
    for (uint32_t i = 0; i < 3; i++) {
        const char *const name = i < 2 ? bowls[i].name : "quadratic:spectrum=2,0.5";
        const sl_sgld_params at = {.T = T}, hot = {.T = 1.2 * T};
        double average = T, wrong = 1.2 * T, slope; /* <f> = d T/2 on a quadratic */
        if (i < 2) {
            const bowl *const b = &bowls[i];
            SL_TRY(sl_sgld_bias(&slope, &average, b->f, b->slope, b->curvature, NULL, b->f, NULL, &at, err));
            SL_TRY(sl_sgld_bias(&slope, &wrong, b->f, b->slope, b->curvature, NULL, b->f, NULL, &hot, err));
        }
        const sl_ensemble e = ensemble_of(lab, i, h, 100, 4096);
        sl_observed o;
        SL_TRY(adam(&o, name, h, &(sl_adam_langevin){.temperature = T, .friction = 1}, &e, err));
        const sl_estimate loss = sl_scaled(1 / average, o.loss), t = sl_scaled(1 / T, o.temperature.configurational);
        sl_observed_clear(&o);
        SL_TRY(sl_finding_add(f, loss, 1, 0.04 / r, wrong / average, err, "Adam-Langevin, %s: <f> / quadrature", name));
        SL_TRY(sl_finding_add(f, t, 1, 0.04 / r, 1.2, err, "Adam-Langevin, %s: configurational T / T", name));
    }
    return SL_OK;
}

/* The kinetic temperature's bias at three steps, each half the next, in a pace that brakes little and a friction that
 * lets v forget fast: a large bias of small error. From h to 2h the order is p + c h^2, so that the two orders
 * extrapolate to p = (4 p_1 - p_2)/3. A tolerance of 1/2 tells integers apart. Wrong on purpose: order 1, SGLD's. */
static sl_status order_two(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    enum { STEPS = 3 };
    static const double h[STEPS] = {0.125, 0.25, 0.5}, replicas[STEPS] = {98304, 49152, 16384};
    const sl_adam_langevin pace = {.temperature = 0.5, .friction = 4, .low = 0.5};
    double bias[STEPS], error[STEPS];
    for (uint32_t i = 0; i < STEPS; i++) {
        const sl_ensemble e = ensemble_of(lab, 8 + i, h[i], 20, replicas[i]);
        sl_observed o;
        SL_TRY(adam(&o, "quartic", h[i], &pace, &e, err));
        bias[i] = o.temperature.kinetic.value - pace.temperature;
        error[i] = o.temperature.kinetic.se / fabs(bias[i]);
        sl_observed_clear(&o);
    }
    /* In units of 1/log 2: p_1 = log b_1 - log b_0, p_2 = log b_2 - log b_1. */
    const double log_of[STEPS] = {log(fabs(bias[0])), log(fabs(bias[1])), log(fabs(bias[2]))};
    static const double weight[STEPS] = {-4, 5, -1};
    double order = 0, variance = 0;
    for (int i = 0; i < STEPS; i++) {
        order += weight[i] * log_of[i] / (3 * log(2));
        variance += pow(weight[i] * error[i] / (3 * log(2)), 2);
    }
    return sl_finding_add(f, (sl_estimate){order, sqrt(variance), INFINITY}, 2, 0.5, 1, err,
                          "Adam-Langevin, quartic: order of the kinetic T's bias, h -> 0");
}

/* ---- SGLD ---- */

static sl_status sgld(sl_estimate *loss, const char *name, const sl_sgld_params *p, const sl_ensemble *e, sl_err *err)
{
    sl_sgld s = {.ensemble = *e, .temperature = p->T, .h = p->h, .noise_variance = p->s2, .corrected = p->corrected};
    SL_TRY(sl_loss_init(&s.loss, name, err));
    sl_observed o = {0};
    const sl_status st = sl_sgld_run(&o, &s, err);
    *loss = o.loss;
    sl_observed_clear(&o);
    return st;
}

/* On f = 3 x^2/4 the law is exact; wrong on purpose: corrected for not, and the other way round. */
static sl_status sgld_exactly(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const double a = 1.5;
    for (uint32_t corrected = 0; corrected < 2; corrected++) {
        const sl_sgld_params p = {0.4, 0.3, 1.2, corrected}, other = {0.4, 0.3, 1.2, !corrected};
        const sl_ensemble e = ensemble_of(lab, 16 + corrected, p.h, 20, 4096);
        sl_estimate loss;
        double x2, wrong;
        SL_TRY(sl_sgld_x2(&x2, a, &p, err));
        SL_TRY(sl_sgld_x2(&wrong, a, &other, err));
        SL_TRY(sgld(&loss, "quadratic:a=1.5", &p, &e, err));
        SL_TRY(sl_finding_add(f, sl_scaled(2 / (a * x2), loss), 1, 0.04 / sl_lab_refinement(lab), wrong / x2, err,
                              "SGLD, %s, quadratic: <f> / exact", corrected ? "corrected" : "plain"));
    }
    return SL_OK;
}

/* Order 1 on the quartic, whose slope in h is that of theory: the limit h -> 0 of bias / (h slope), from h and h/2.
 * Wrong on purpose: the slope that the other sampler has. The order is 1.1 at these steps. */
static sl_status sgld_order(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    static const double h[] = {0.04, 0.08};
    const bowl *const b = &bowls[1];
    const sl_sgld_params plain = {.T = 0.3, .s2 = 1}, corrected = {.T = 0.3, .s2 = 1, .corrected = true};
    double slope, other, average;
    sl_estimate bias[2];
    SL_TRY(sl_sgld_bias(&other, &average, b->f, b->slope, b->curvature, NULL, b->f, NULL, &corrected, err));
    SL_TRY(sl_sgld_bias(&slope, &average, b->f, b->slope, b->curvature, NULL, b->f, NULL, &plain, err));
    for (uint32_t i = 0; i < 2; i++) {
        const sl_sgld_params p = {.T = 0.3, .h = h[i], .s2 = 1};
        const sl_ensemble e = ensemble_of(lab, 20 + i, h[i], 20, i == 0 ? 16384 : 4096);
        SL_TRY(sgld(&bias[i], b->name, &p, &e, err));
        bias[i] = sl_difference(bias[i], sl_exact(average));
    }
    SL_TRY(sl_finding_add(f, sl_measured_order(bias[1], bias[0]), 1, 0.5, 2, err,
                          "SGLD, plain, quartic: order of <f>'s bias"));
    const sl_estimate limit =
        sl_extrapolated(sl_scaled(1 / (h[1] * slope), bias[1]), sl_scaled(1 / (h[0] * slope), bias[0]));
    return sl_finding_add(f, limit, 1, 0.3, other / slope, err, "SGLD, plain, quartic: d<f>/dh / theory");
}

static sl_status samplers(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    SL_TRY(right_law(lab, f, err));
    sl_lab_report(lab, "sampler.adam-langevin", 1, 3);
    SL_TRY(order_two(lab, f, err));
    sl_lab_report(lab, "sampler.adam-langevin", 2, 3);
    SL_TRY(sgld_exactly(lab, f, err));
    return sgld_order(lab, f, err);
}

const sl_claim sl_claim_sampler_adam_langevin = {
    .id = "sampler.adam-langevin",
    .paper = "Leimkuhler et al. 2025",
    .equation = "ZBAOABZ",
    .statement =
        "Langevin dynamics whose pace follows a moving average of squared gradients samples exp(-f/T) when "
        "averages carry the pace as their weight, with a bias of order 2 in the step; SGLD's is of order 1, with "
        "the slope of the modified equation",
    .expected = SL_HOLDS,
    .measure = samplers,
    .parts = 11,
};
