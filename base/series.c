/* Correlated series, and the bootstrap: errors of what has no formula. */
#include <gsl/gsl_fft_halfcomplex.h>
#include <gsl/gsl_fft_real.h>
#include <gsl/gsl_statistics_double.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

#include "base/gsl.h"
#include "base/random.h"
#include "base/stats.h"

static double average(const double *x, size_t n)
{
    sl_welford w = {0};
    for (size_t i = 0; i < n; i++) sl_welford_add(&w, x[i]);
    return w.mean;
}

/* n times the autocovariance at lags 0..n-1 (the biased estimate, sum over n - k products), at the front of an
 * array to be freed; NULL on no memory. Zeros behind the series keep the FFT from wrapping round. */
static double *autocovariance(const double *x, size_t n)
{
    size_t size = 1;
    while (size < 2 * n) size *= 2;
    double *f = calloc(size, sizeof *f);
    if (!f) return NULL;
    const double mean = average(x, n);
    for (size_t i = 0; i < n; i++) f[i] = x[i] - mean;
    gsl_fft_real_radix2_transform(f, 1, size);
    f[0] *= f[0]; /* real parts of k at k, imaginary ones at size - k */
    f[size / 2] *= f[size / 2];
    for (size_t k = 1; k < size / 2; k++) {
        f[k] = f[k] * f[k] + f[size - k] * f[size - k];
        f[size - k] = 0;
    }
    gsl_fft_halfcomplex_radix2_inverse(f, 1, size);
    return f;
}

static bool constant(const double *x, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (x[i] != x[0]) return false;
    return true;
}

double sl_autocorrelation_time(const double *x, size_t n)
{
    sl_gsl_quiet();
    if (n < 4 || constant(x, n)) return NAN;
    double *c = autocovariance(x, n);
    if (!c) return NAN;
    double tau = 1;
    for (size_t w = 1; w < n; w++) {
        tau += 2 * c[w] / c[0];
        if ((double)w >= 5 * tau) break;
    }
    free(c);
    return tau;
}

sl_status sl_series_mean(sl_estimate *mean, const double *x, size_t n, sl_err *err)
{
    if (n == 0) return sl_fail(err, SL_E_DOMAIN, "the mean of an empty series");
    sl_welford w = {0};
    for (size_t i = 0; i < n; i++) sl_welford_add(&w, x[i]);
    const double size = (double)n, measured = sl_autocorrelation_time(x, n);
    if (isnan(measured)) {
        *mean = (sl_estimate){w.mean, NAN, 0};
        return sl_fail(err, SL_UNDECIDED, "%zu samples have no autocorrelation time: too few, constant or not finite", n);
    }
    /* Below 1 (an alternating series) tau is the small difference of large terms: better an error too wide. */
    const double tau = fmax(measured, 1);
    *mean = (sl_estimate){w.mean, sqrt(sl_welford_variance(&w) * tau / size), size / tau - 1};
    if (size < 50 * tau)
        return sl_fail(err, SL_UNDECIDED, "%zu samples are only %.3g autocorrelation times, need 50", n, size / tau);
    return SL_OK;
}

sl_status sl_bootstrap(sl_estimate *e, double *lo, double *hi, double confidence, const double *x, size_t n,
                       sl_statistic statistic, void *ctx, size_t resamples, uint64_t seed, sl_err *err)
{
    if (n == 0 || n > UINT32_MAX)
        return sl_fail(err, SL_E_DOMAIN, "bootstrap of n = %zu samples, need 1 <= n < 2^32", n);
    if (resamples < 2) return sl_fail(err, SL_E_DOMAIN, "bootstrap with %zu resamples, need at least 2", resamples);
    if ((lo || hi) && !(confidence > 0 && confidence < 1))
        return sl_fail(err, SL_E_DOMAIN, "confidence = %g, need 0 < confidence < 1", confidence);

    const double value = statistic(x, n, ctx);
    double *sample = malloc(n * sizeof *sample), *values = malloc(resamples * sizeof *values);
    uint32_t *pick = malloc(n * sizeof *pick);
    sl_status st = SL_OK;
    sl_welford w = {0};
    if (!sample || !values || !pick) st = sl_fail(err, SL_E_MEMORY, "no memory to resample %zu values", n);
    else if (!isfinite(value)) st = sl_fail(err, SL_E_NUMERIC, "the statistic of the sample is %g", value);
    for (size_t r = 0; st == SL_OK && r < resamples; r++) {
        const sl_draw draw = {.seed = seed, .purpose = SL_PURPOSE_BOOTSTRAP, .step = r};
        sl_random_below(pick, n, (uint32_t)n, &draw);
        for (size_t i = 0; i < n; i++) sample[i] = x[pick[i]];
        values[r] = statistic(sample, n, ctx);
        if (!isfinite(values[r])) st = sl_fail(err, SL_E_NUMERIC, "the statistic of resample %zu is %g", r, values[r]);
        sl_welford_add(&w, values[r]);
    }
    if (st == SL_OK) {
        *e = (sl_estimate){value, sqrt(sl_welford_variance(&w)), INFINITY};
        gsl_sort(values, 1, resamples);
        if (lo) *lo = gsl_stats_quantile_from_sorted_data(values, 1, resamples, (1 - confidence) / 2);
        if (hi) *hi = gsl_stats_quantile_from_sorted_data(values, 1, resamples, (1 + confidence) / 2);
    }
    free(sample);
    free(values);
    free(pick);
    return st;
}
