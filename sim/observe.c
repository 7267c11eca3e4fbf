#include "sim/observe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/observer.h"

static const sl_estimate unknown = {NAN, NAN, 0};

void sl_observed_clear(sl_observed *o)
{
    free(o->density);
    sl_table_free(o->series);
    *o = (sl_observed){0};
}

/* ---- The histogram: counts[group][bin], bin = bins being outside the range. ---- */

typedef struct {
    size_t bins, groups; /* groups that have samples */
    const uint64_t *counts;
    double total;
} histogram;

static double count_of(const histogram *h, size_t group, size_t bin)
{
    return (double)h->counts[group * (h->bins + 1) + bin];
}

static double group_total(const histogram *h, size_t group)
{
    double n = 0;
    for (size_t b = 0; b <= h->bins; b++) n += count_of(h, group, b);
    return n;
}

static double bin_total(const histogram *h, size_t bin)
{
    double n = 0;
    for (size_t g = 0; g < SL_HISTOGRAM_GROUPS; g++) n += count_of(h, g, bin);
    return n;
}

static histogram histogram_of(const sl_plan *p, const uint64_t *counts)
{
    histogram h = {.bins = p->bins, .counts = counts};
    for (size_t g = 0; g < SL_HISTOGRAM_GROUPS; g++) {
        const double n = group_total(&h, g);
        h.groups += n > 0;
        h.total += n;
    }
    return h;
}

/* The share of samples in a bin, a ratio of sums over groups (see sim/tally.h). */
static sl_estimate share(const histogram *h, size_t bin)
{
    double fractions[SL_TALLY_SIZE(1)] = {0};
    const sl_tally t = {1, fractions};
    for (size_t g = 0; g < SL_HISTOGRAM_GROUPS; g++) {
        const double w = group_total(h, g), c = count_of(h, g, bin);
        if (w > 0) sl_tally_add(t, 1, &w, &c, 1);
    }
    return sl_tally_mean(t, 0);
}

static sl_status fill_density(sl_observed *o, const sl_plan *p, const histogram *h, sl_err *err)
{
    o->histogram = p->dynamics->ensemble->histogram;
    o->density = calloc(h->bins, sizeof *o->density);
    if (!o->density) return sl_fail(err, SL_E_MEMORY, "no memory for a histogram of %zu bins", h->bins);
    const double width = (o->histogram.hi - o->histogram.lo) / (double)h->bins;
    for (size_t b = 0; b < h->bins; b++) o->density[b] = sl_scaled(1 / width, share(h, b));
    o->outside = h->total > 0 ? bin_total(h, h->bins) / h->total : NAN;
    return SL_OK;
}

/* ---- Temperature from the slope of log density against f. ---- */

/* A bin counts if it is well filled, so that the logarithm's bias (half the squared relative error) is small. */
static const double FEWEST_COUNTS = 100, LARGEST_RELATIVE_ERROR = 0.1;

/* -T log of the mean of exp(-f/T) over a bin: with it as abscissa, finite bins bend nothing. Gauss-Legendre, three
 * points. T = INFINITY gives the mean of f. */
static double bin_loss(const sl_loss *loss, double centre, double width, double T)
{
    static const double node[3] = {-0.7745966692414834, 0, 0.7745966692414834}; /* sqrt(3/5) */
    static const double weight[3] = {5. / 18, 8. / 18, 5. / 18};
    double f[3], sum = 0;
    for (int i = 0; i < 3; i++) {
        const double x = centre + 0.5 * width * node[i];
        f[i] = sl_loss_value(loss, &x);
    }
    if (!isfinite(T)) return weight[0] * f[0] + weight[1] * f[1] + weight[2] * f[2];
    for (int i = 0; i < 3; i++) sum += weight[i] * exp(-(f[i] - f[1]) / T);
    return f[1] - T * log(sum);
}

/* Regression of log share on f over m bins with weights c (their counts, which is what the variance of a log share
 * goes with). a[i] = weight of log share i in the slope; they sum to zero. */
static double slope_of(size_t m, const double *f, const double *log_share, const double *c, double *a)
{
    double sum = 0, mean = 0, sxx = 0, slope = 0;
    for (size_t i = 0; i < m; i++) sum += c[i], mean += c[i] * f[i];
    mean /= sum;
    for (size_t i = 0; i < m; i++) sxx += c[i] * (f[i] - mean) * (f[i] - mean);
    for (size_t i = 0; i < m; i++) {
        a[i] = c[i] * (f[i] - mean) / sxx;
        slope += a[i] * log_share[i];
    }
    return slope;
}

/* The slope is a sum of a_b log p_b; its first-order change with group g's counts is z_g = sum_b (a_b / p_b) c_gb /
 * total (the total's own term drops out, as the a_b sum to zero; that of the weights is of the order of the fit's
 * residuals). The z_g sum to zero, and their spread over groups is the error, correlations in time and between bins
 * included. */
static sl_estimate boltzmann_slope(const sl_plan *p, const histogram *h)
{
    const sl_loss *loss = p->dynamics->loss;
    const sl_histogram_spec *spec = &p->dynamics->ensemble->histogram;
    const double width = (spec->hi - spec->lo) / (double)h->bins;
    sl_estimate T = unknown;
    double *memory = malloc(4 * h->bins * sizeof *memory);
    size_t *bin = malloc(h->bins * sizeof *bin), m = 0;
    if (!memory || !bin || h->groups < 2) goto done;
    double *f = memory, *log_share = memory + h->bins, *c = memory + 2 * h->bins, *a = memory + 3 * h->bins;
    for (size_t b = 0; b < h->bins; b++) {
        const sl_estimate s = share(h, b);
        c[m] = bin_total(h, b);
        if (!(c[m] >= FEWEST_COUNTS && s.se <= LARGEST_RELATIVE_ERROR * s.value)) continue;
        log_share[m] = log(s.value);
        bin[m++] = b;
    }
    if (m < 3) goto done;
    double slope = 0;
    for (int pass = 0; pass < 4; pass++) {
        const double t = pass == 0 ? INFINITY : -1 / slope;
        for (size_t i = 0; i < m; i++) f[i] = bin_loss(loss, spec->lo + ((double)bin[i] + 0.5) * width, width, t);
        slope = slope_of(m, f, log_share, c, a);
        if (!(slope < 0)) goto done;
    }
    double sum2 = 0;
    for (size_t g = 0; g < SL_HISTOGRAM_GROUPS; g++) {
        double z = 0;
        for (size_t i = 0; i < m; i++) z += a[i] / c[i] * count_of(h, g, bin[i]);
        sum2 += z * z;
    }
    const double n = (double)h->groups;
    T = (sl_estimate){-1 / slope, sqrt(sum2 * n / (n - 1)) / (slope * slope), n - 1};
done:
    free(memory);
    free(bin);
    return T;
}

/* ---- Moments and series. ---- */

static void fill_moments(sl_observed *o, const sl_plan *p, sl_tally t)
{
    const bool velocity = p->dynamics->velocity, laplacian = p->dynamics->loss->kind->laplacian != NULL;
    o->gradient2 = sl_tally_mean(t, SL_OB_GRADIENT2);
    o->laplacian = laplacian ? sl_tally_mean(t, SL_OB_LAPLACIAN) : unknown;
    o->loss = sl_tally_mean(t, SL_OB_LOSS);
    for (size_t d = 0; d < p->dim; d++) {
        const size_t first = SL_OB_COORDINATES + SL_OB_EACH * d;
        o->coordinate[d] = (sl_coordinate){
            .x = sl_tally_mean(t, first + SL_OB_X),
            .x2 = sl_tally_mean(t, first + SL_OB_X2),
            .x4 = sl_tally_mean(t, first + SL_OB_X4),
            .xv = velocity ? sl_tally_mean(t, first + SL_OB_XV) : unknown,
            .v2 = velocity ? sl_tally_mean(t, first + SL_OB_V2) : unknown,
            .xg = sl_tally_mean(t, first + SL_OB_XG),
        };
    }
    const bool periodic = p->dynamics->loss->kind->period > 0;
    o->temperature = (sl_temperatures){
        .equipartition = periodic ? unknown : sl_tally_mean(t, SL_OB_EQUIPARTITION),
        .configurational = laplacian ? sl_tally_ratio(t) : unknown,
        .boltzmann_slope = unknown,
        .kinetic = velocity ? sl_scaled(p->dynamics->mass, sl_tally_mean(t, SL_OB_KINETIC)) : unknown,
    };
}

static sl_status fill_series(sl_observed *o, const sl_plan *p, const sl_slot *s, sl_err *err)
{
    static const char *const columns[] = {"step[1]",    "x2[x^2]",     "x2_se[x^2]",     "v2[v^2]",
                                          "v2_se[v^2]", "loss[f]",     "loss_se[f]",     "rate[x^2/f]",
                                          "rate_se[x^2/f]", "g2[f^2/x^2]", "g2_se[f^2/x^2]"};
    const bool rated = p->dynamics->rated;
    o->series = sl_table_alloc(rated ? 11 : 7, columns);
    if (!o->series) return sl_fail(err, SL_E_MEMORY, "no memory for a time series");
    for (uint64_t r = 0; r < p->rows; r++) {
        const sl_tally t = {p->row, s->series + r * SL_TALLY_SIZE(p->row)};
        const sl_estimate x2 = sl_tally_mean(t, SL_ROW_X2), f = sl_tally_mean(t, SL_ROW_LOSS);
        const sl_estimate v2 = p->dynamics->velocity ? sl_tally_mean(t, SL_ROW_V2) : unknown;
        const sl_estimate rate = rated && r > 0 ? sl_tally_mean(t, SL_ROW_RATE) : unknown; /* none before a step */
        const sl_estimate g2 = rated ? sl_tally_mean(t, SL_ROW_GRADIENT2) : unknown;
        const double row[] = {(double)(r * p->dynamics->ensemble->series_every), x2.value, x2.se, v2.value, v2.se,
                              f.value, f.se, rate.value, rate.se, g2.value, g2.se};
        SL_TRY(sl_table_add(o->series, row, err));
    }
    return SL_OK;
}

sl_status sl_observed_fill(sl_observed *o, const sl_plan *p, const sl_slot *s, const uint64_t *counts, sl_err *err)
{
    o->dim = p->dim;
    o->killed = s->killed;
    o->samples = s->samples;
    o->updates = s->updates;
    fill_moments(o, p, s->moments);
    o->last = p->averaged > 0 ? sl_tally_mean(s->end, SL_END_LAST) : unknown;
    o->average = p->averaged > 0 ? sl_tally_mean(s->end, SL_END_AVERAGE) : unknown;
    sl_status st = SL_OK;
    if (p->bins > 0) {
        const histogram h = histogram_of(p, counts);
        st = fill_density(o, p, &h, err);
        if (st == SL_OK && p->dim == 1) o->temperature.boltzmann_slope = boltzmann_slope(p, &h);
    }
    if (st == SL_OK && p->rows > 0) st = fill_series(o, p, s, err);
    if (st != SL_OK) sl_observed_clear(o);
    return st;
}

sl_status sl_observed_histogram(sl_table **t, const sl_observed *o, sl_err *err)
{
    static const char *const columns[] = {"x[x]", "density[1/x]", "density_se[1/x]"};
    if (!o->density) return sl_fail(err, SL_E_CONFIG, "the ensemble was run without a histogram");
    sl_table *table = sl_table_alloc(sizeof columns / sizeof *columns, columns);
    if (!table) return sl_fail(err, SL_E_MEMORY, "no memory for a table of %zu bins", o->histogram.bins);
    const double width = (o->histogram.hi - o->histogram.lo) / (double)o->histogram.bins;
    for (size_t b = 0; b < o->histogram.bins; b++) {
        const double row[] = {o->histogram.lo + ((double)b + 0.5) * width, o->density[b].value, o->density[b].se};
        const sl_status st = sl_table_add(table, row, err);
        if (st != SL_OK) {
            sl_table_free(table);
            return st;
        }
    }
    *t = table;
    return SL_OK;
}
