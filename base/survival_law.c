/* What a curve of survival says: bands, quantiles, means, and whether the law is exponential. */
#include <gsl/gsl_cdf.h>
#include <math.h>

#include "base/gsl.h"
#include "base/survival.h"

static bool is_probability(double p)
{
    return p > 0 && p < 1;
}

/* The row that holds t: the last with time <= t; rows if there is none. */
static size_t row_at(const sl_survival *s, double t)
{
    if (!(t >= s->time[0])) return s->rows;
    size_t low = 0, high = s->rows;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (s->time[middle] <= t)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Is S known at t? Up to the last time, and beyond it where nobody is left. */
static bool known(const sl_survival *s, double t)
{
    return t >= 0 && (t <= s->time[s->rows - 1] || s->survival[s->rows - 1] == 0);
}

sl_estimate sl_survival_at(const sl_survival *s, double t)
{
    if (!known(s, t)) return (sl_estimate){NAN, NAN, NAN};
    const size_t i = row_at(s, t);
    if (i == s->rows) return (sl_estimate){1, 0, INFINITY};
    const double S = s->survival[i];
    return (sl_estimate){S, S > 0 ? S * sqrt(s->greenwood[i]) : 0, INFINITY};
}

/* ---- Bands ------------------------------------------------------------------------------------------------------- */

/* Log-log, at a row with 0 < S < 1; an S of 1 has no error that could be told, an S of 0 at most what came before. */
static void pointwise(double *lo, double *hi, const sl_survival *s, size_t i, double z, double hi_before)
{
    const double S = s->survival[i];
    if (S == 1) {
        *lo = *hi = 1;
    } else if (S == 0) {
        *lo = 0;
        *hi = hi_before;
    } else {
        const double spread = z * sqrt(s->greenwood[i]) / -log(S);
        *lo = pow(S, exp(spread));
        *hi = pow(S, exp(-spread));
    }
}

/* P(sup_{0<=u<=b} |Brownian bridge| <= x), Hall and Wellner 1980, after Koziol and Byar 1975; b = 1: Kolmogorov's. */
static double bridge_within(double x, double b)
{
    const double scale = sqrt(b * (1 - b));
    double p = scale > 0 ? 1 - 2 * gsl_cdf_ugaussian_Q(x / scale) : 1;
    for (int k = 1; k <= 200; k++) {
        const double weight = exp(-2 * x * x * k * k);
        if (weight < 1e-18) break;
        double crossings = 1;
        if (b < 1) {
            const double r = x * sqrt((1 - b) / b), d = 1 / (1 - b);
            /* Phi(r (2k + d)) - Phi(r (2k - d)), in upper tails */
            crossings = gsl_cdf_ugaussian_Q(r * (2 * k - d)) - gsl_cdf_ugaussian_Q(r * (2 * k + d));
        }
        p += (k % 2 ? -2 : 2) * weight * crossings;
    }
    return p;
}

static double bridge_quantile(double confidence, double b)
{
    double low = 0, high = 10; /* P(.. > 10) < 1e-86 */
    while (high - low > 1e-12) {
        const double middle = (low + high) / 2;
        if (bridge_within(middle, b) < confidence)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* S +- x (1 + n v) S / sqrt(n); n v S + S is 1 throughout where nothing is censored, also where S = 0. */
static void hall_wellner(double *lo, double *hi, const sl_survival *s, double confidence)
{
    const double n = s->n, last = n * s->greenwood[s->rows - 1];
    const double half = bridge_quantile(confidence, isfinite(last) ? last / (1 + last) : 1) / sqrt(n);
    double width = half;
    for (size_t i = 0; i < s->rows; i++) {
        const double S = s->survival[i];
        if (S > 0) width = half * (1 + n * s->greenwood[i]) * S;
        lo[i] = fmax(S - width, 0);
        hi[i] = fmin(S + width, 1);
    }
}

sl_status sl_survival_band(double *lo, double *hi, const sl_survival *s, sl_band band, double confidence, sl_err *err)
{
    if (!is_probability(confidence))
        return sl_fail(err, SL_E_DOMAIN, "confidence = %g, need 0 < confidence < 1", confidence);
    sl_gsl_quiet();
    if (s->n_events == 0) { /* nothing was seen to end: S = 1 as far as is known */
        for (size_t i = 0; i < s->rows; i++) lo[i] = hi[i] = 1;
        return SL_OK;
    }
    if (band == SL_BAND_HALL_WELLNER) {
        hall_wellner(lo, hi, s, confidence);
        return SL_OK;
    }
    const double z = gsl_cdf_ugaussian_Qinv((1 - confidence) / 2);
    for (size_t i = 0; i < s->rows; i++) pointwise(&lo[i], &hi[i], s, i, z, i > 0 ? hi[i - 1] : 1);
    return SL_OK;
}

/* ---- Quantiles and means ----------------------------------------------------------------------------------------- */

sl_interval sl_survival_quantile(const sl_survival *s, double p, double confidence)
{
    static const double rounding = 1 + 1e-12; /* S is a product of up to millions of quotients */
    if (!is_probability(p) || !is_probability(confidence)) return (sl_interval){NAN, NAN, NAN};
    sl_gsl_quiet();
    const double z = gsl_cdf_ugaussian_Qinv((1 - confidence) / 2), level = (1 - p) * rounding;
    sl_interval q = {INFINITY, INFINITY, INFINITY};
    double hi = 1;
    for (size_t i = 0; i < s->rows && !isfinite(q.hi); i++) {
        double lo;
        pointwise(&lo, &hi, s, i, z, hi);
        if (lo <= level) q.lo = fmin(q.lo, s->time[i]);
        if (s->survival[i] <= level) q.value = fmin(q.value, s->time[i]);
        if (hi <= level) q.hi = s->time[i];
    }
    return q;
}

/* Restricted to limit. The areas int_{t_i}^limit S are summed from the end. */
static sl_estimate restricted(const sl_survival *s, double limit)
{
    double area = 0, variance = 0, end = limit;
    bool events = false;
    for (size_t i = s->rows; i-- > 0;) {
        if (s->time[i] >= limit) continue;
        area += s->survival[i] * (end - s->time[i]);
        end = s->time[i];
        const double d = s->events[i], left = s->at_risk[i] - d;
        if (left > 0 && d > 0) {
            variance += area * area * d / (s->at_risk[i] * left);
            events = true;
        }
    }
    area += end;
    const double unbiased = s->n / (s->n - 1);
    return (sl_estimate){area, events && s->n > 1 ? sqrt(variance * unbiased) : NAN, INFINITY};
}

static sl_estimate plain(const sl_survival *s)
{
    const double mean = s->exposure / s->n;
    double squares = 0;
    for (size_t i = 0; i < s->rows; i++) squares += s->events[i] * (s->time[i] - mean) * (s->time[i] - mean);
    return (sl_estimate){mean, s->n > 1 ? sqrt(squares / (s->n - 1) / s->n) : NAN, s->n - 1};
}

sl_survival_mean_time sl_survival_mean(const sl_survival *s, double limit)
{
    const double last = s->time[s->rows - 1];
    if (limit == INFINITY && s->n_censored == 0) return (sl_survival_mean_time){plain(s), INFINITY};
    if (limit == INFINITY) limit = last;
    if (!(limit > 0) || !known(s, limit)) return (sl_survival_mean_time){{NAN, NAN, NAN}, limit};
    return (sl_survival_mean_time){restricted(s, limit), limit};
}

/* ---- The exponential law, and two samples ------------------------------------------------------------------------ */

sl_survival_rate sl_survival_exponential(const sl_survival *s, double confidence)
{
    if (!is_probability(confidence) || !(s->exposure > 0)) return (sl_survival_rate){{NAN, NAN, NAN}, NAN, NAN};
    sl_gsl_quiet();
    const double tail = (1 - confidence) / 2, d = s->n_events, twice = 2 * s->exposure;
    const double rate = d / s->exposure, beyond = s->n_censored > 0 ? 2 : 0;
    return (sl_survival_rate){{rate, d > 0 ? rate / sqrt(d) : NAN, INFINITY},
                              d > 0 ? gsl_cdf_chisq_Pinv(tail, 2 * d) / twice : 0,
                              gsl_cdf_chisq_Qinv(tail, 2 * d + beyond) / twice};
}

/* Weibull's hazard k t^(k-1), with times in units of the estimated mean, u: at k = 1 the score for k is
 * d + sum_events log u - sum u log u, and its information d + sum u log^2 u - (sum u log u)^2 / d, the last term
 * because the rate is estimated too. */
double sl_survival_exponentiality(double *z, const sl_survival *s)
{
    const double d = s->n_events, rate = d / s->exposure;
    double score = d, information = d, mixed = 0;
    if (z) *z = NAN;
    if (d < 2) return NAN;
    for (size_t i = 0; i < s->rows; i++) {
        const double u = rate * s->time[i], all = s->events[i] + s->censored[i];
        if (u == 0 && s->events[i] > 0) return NAN;
        if (u == 0) continue;
        const double L = log(u);
        score += s->events[i] * L - all * u * L;
        information += all * u * L * L;
        mixed += all * u * L;
    }
    const double variance = information - mixed * mixed / d;
    if (!(variance > 0)) return NAN;
    const double value = score / sqrt(variance);
    if (z) *z = value;
    sl_gsl_quiet();
    return 2 * gsl_cdf_ugaussian_Q(fabs(value));
}

double sl_survival_log_rank(double *chi2, const sl_survival *a, const sl_survival *b)
{
    double excess = 0, variance = 0;
    if (chi2) *chi2 = NAN;
    for (size_t i = 0, j = 0; i < a->rows && j < b->rows;) { /* as long as both are at risk */
        const double t = fmin(a->time[i], b->time[j]);
        const double n = a->at_risk[i], m = b->at_risk[j], total = n + m;
        const double d = a->time[i] == t ? a->events[i] : 0, e = b->time[j] == t ? b->events[j] : 0;
        excess += d - (d + e) * n / total;
        if (total > 1) variance += (d + e) * (n / total) * (m / total) * (total - d - e) / (total - 1);
        i += a->time[i] == t;
        j += b->time[j] == t;
    }
    if (!(variance > 0)) return NAN;
    const double value = excess * excess / variance;
    if (chi2) *chi2 = value;
    sl_gsl_quiet();
    return gsl_cdf_chisq_Q(value, 1);
}
