/* Averaged SGD of constant step on least squares (Bach and Moulines 2013; Defossez and Bach 2015): what is left of the
 * start, and what the labels' noise adds, to the last iterate and to averages. */
#include <math.h>

#include "claims/neighbours.h"
#include "claims/synthetic.h"
#include "sim/least_squares.h"
#include "theory/averaging.h"

enum { D = 4 };
static const double spectrum[D] = {1, 0.6, 0.3, 0.15}, start[D] = {1, -1, 1.5, 2}, none[D];

/* A run: from the start without noise (bias), from the minimum (variance), or both. */
typedef struct {
    const char *name;
    double rate, noise;
    const double *from;
    size_t batch;
    uint64_t tail, n; /* average of theta_tail ... theta_(n-1) */
    double replicas;
} setting;

static sl_averaging theory_of(const setting *s)
{
    return (sl_averaging){
        .d = D, .spectrum = spectrum, .start = s->from, .rate = s->rate, .noise = s->noise, .batch = (double)s->batch};
}

static sl_status simulate(sl_least_squares_point *point, const setting *s, uint32_t experiment, const sl_lab *lab,
                          sl_err *err)
{
    const double r = sl_lab_refinement(lab);
    const sl_least_squares p = {.d = D,
                                .spectrum = spectrum,
                                .start = s->from,
                                .rate = s->rate,
                                .noise = s->noise,
                                .batch = s->batch,
                                .seed = lab->seed,
                                .experiment = experiment,
                                .replicas = (uint64_t)(s->replicas * r * r),
                                .from = s->tail,
                                .at = &s->n,
                                .n_at = 1,
                                .jobs = lab->jobs};
    return sl_least_squares_run(point, &p, err);
}

typedef struct {
    double last, average;
} pair;

/* Wrong on purpose: gradient descent, whose features do not vary, and from the minimum the leading orders in the rate:
 * rate tr S noise/(4 C) of the last iterate, noise d/(2 C n) of the average. Of averages with both: one part alone. */
static pair naive(const setting *s)
{
    pair p = {0};
    const double n = (double)(s->n - s->tail), C = (double)s->batch;
    for (int i = 0; i < D; i++) {
        const double keep = 1 - s->rate * spectrum[i], eta = s->from[i];
        const double mean = eta * pow(keep, (double)s->tail) * (1 - pow(keep, n)) / (s->rate * spectrum[i] * n);
        p.last += spectrum[i] * pow(eta * pow(keep, (double)s->n), 2) / 2 + s->rate * spectrum[i] * s->noise / (4 * C);
        p.average += spectrum[i] * mean * mean / 2 + s->noise / (2 * C * n);
    }
    return p;
}

static sl_status exact(sl_averaging_risk *last, sl_averaging_risk *average, const setting *s, sl_err *err)
{
    const sl_averaging a = theory_of(s);
    sl_averaging_modes *m;
    SL_TRY(sl_averaging_alloc(&m, &a, err));
    sl_status st = sl_averaging_last(last, m, s->n, err);
    if (st == SL_OK) st = sl_averaging_average(average, m, s->tail, s->n - s->tail, err);
    sl_averaging_free(m);
    return st;
}

static double sum(const sl_averaging_risk *r)
{
    return r->bias + r->variance;
}

/* Where theory is exact: excess losses over it, the tolerance for sampling alone. Rates are well below the edge of
 * stability (0.7 for single samples), so that excess losses have the fourth moments that errors need. */
static sl_status against_recursions(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const setting settings[] = {
        {"bias", 0.2, 0, start, 1, 0, 30, 32768},
        {"variance", 0.2, 1, none, 1, 0, 30, 32768},
        {"both", 0.2, 1, start, 1, 0, 30, 32768},
        {"both, of the second half", 0.2, 1, start, 1, 30, 60, 32768},
        {"variance, batches of 4", 0.5, 1, none, 4, 0, 20, 32768},
    };
    const size_t n = sizeof settings / sizeof *settings;
    for (uint32_t i = 0; i < n; i++) {
        const setting *const s = &settings[i];
        pair wrong = naive(s);
        sl_averaging_risk last, average;
        sl_least_squares_point point;
        sl_lab_report(lab, "averaging.bias-variance", i, n + 2);
        SL_TRY(exact(&last, &average, s, err));
        SL_TRY(simulate(&point, s, SL_EXPERIMENT_NEIGHBOURS + i, lab, err));
        if (average.bias > 0 && average.variance > 0) wrong.average = fmin(average.bias, average.variance);
        const double tolerance = 0.08 / sl_lab_refinement(lab);
        SL_TRY(sl_finding_add(f, sl_scaled(1 / sum(&last), point.last), 1, tolerance, wrong.last / sum(&last), err,
                              "%s: last iterate / exact", s->name));
        SL_TRY(sl_finding_add(f, sl_scaled(1 / sum(&average), point.average), 1, tolerance,
                              wrong.average / sum(&average), err, "%s: average / exact", s->name));
    }
    return SL_OK;
}

static sl_status asymptotic(sl_averaging_law *law, const setting *s, sl_err *err)
{
    const sl_averaging a = theory_of(s);
    sl_averaging_modes *m;
    SL_TRY(sl_averaging_alloc(&m, &a, err));
    const sl_status st = sl_averaging_asymptotic(law, m, err);
    sl_averaging_free(m);
    return st;
}

/* After 18 relaxation times of the slowest coordinate: the expansion in 1/n, up to terms that have decayed, over its
 * limits for small rates, noise d/(2 C n) and eta' S^-1 eta/(2 rate^2 n^2). That it comes to 0.999 and 1.018 of these
 * here is part of the prediction; the tolerance is for sampling alone. Control: the last iterate's loss. */
static sl_status against_expansion(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const setting variance = {"", 0.03, 1, none, 1, 0, 4000, 8192}, bias = {"", 0.03, 0, start, 1, 0, 4000, 8192};
    const double n = 4000, tolerance = 0.1 / sl_lab_refinement(lab);
    for (uint32_t i = 0; i < 2; i++) {
        const setting *const s = i == 0 ? &variance : &bias;
        sl_averaging_risk last, average;
        sl_averaging_law law;
        sl_least_squares_point point;
        SL_TRY(exact(&last, &average, s, err));
        SL_TRY(asymptotic(&law, s, err));
        SL_TRY(simulate(&point, s, SL_EXPERIMENT_NEIGHBOURS + 8 + i, lab, err));
        const double small = i == 0 ? law.variance_small / n : law.bias_small / (n * n);
        const double expected = i == 0 ? law.variance_1 / n + law.variance_2 / (n * n) : law.bias_2 / (n * n);
        SL_TRY(sl_finding_add(f, sl_scaled(1 / small, point.average), expected / small, tolerance, sum(&last) / small,
                              err,
                              i == 0 ? "average of 4000: variance / (noise d/(2 C n))"
                                     : "average of 4000: bias / (eta' S^-1 eta/(2 l^2 n^2))"));
    }
    return SL_OK;
}

static sl_status averaging(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    SL_TRY(against_recursions(lab, f, err));
    return against_expansion(lab, f, err);
}

const sl_claim sl_claim_averaging_bias_variance = {
    .id = "averaging.bias-variance",
    .paper = "Defossez and Bach 2015",
    .equation = "abstract",
    .statement =
        "on Gaussian least squares the excess loss of SGD's last iterate and of averages is that of the exact "
        "recursions of second moments, bias and variance; averaging brings the variance to noise d/(2 C n) and "
        "the bias to order 1/n^2",
    .expected = SL_HOLDS,
    .measure = averaging,
    .parts = 12,
};
