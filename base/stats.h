/* base/stats.h - estimates with their errors, and tests of hypotheses.
 *
 * An estimate is never without its standard error. Distributions (t, normal, F) come from GSL. */
#ifndef SL_BASE_STATS_H
#define SL_BASE_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    double value;
    double se;  /* standard error, >= 0; 0: exact; NAN: could not be computed */
    double dof; /* degrees of freedom of se; INFINITY where it is known or the sample is large */
} sl_estimate;

/* An exact value. */
sl_estimate sl_exact(double value);

/* a / b and a - b of independent estimates, errors propagated to first order (dof by Welch-Satterthwaite). */
sl_estimate sl_ratio(sl_estimate a, sl_estimate b);
sl_estimate sl_difference(sl_estimate a, sl_estimate b);
/* s * a */
sl_estimate sl_scaled(double s, sl_estimate a);

/* Running mean and variance (Welford 1962; merging after Chan, Golub and LeVeque 1983). Zeroed: empty. */
typedef struct {
    double n, mean, m2;
} sl_welford;
void sl_welford_add(sl_welford *w, double x);
void sl_welford_merge(sl_welford *w, const sl_welford *other);
double sl_welford_variance(const sl_welford *w); /* unbiased; NAN if n < 2 */
sl_estimate sl_welford_mean(const sl_welford *w); /* of independent samples */

/* Mean of n independent samples. */
sl_estimate sl_mean(const double *x, size_t n);

/* Mean of a correlated series by batch means: batches equal batches (2 <= batches <= n), the remainder in
 * front dropped. dof = batches - 1. All NAN outside that range. */
sl_estimate sl_batch_means(const double *x, size_t n, size_t batches);

/* Integrated autocorrelation time tau = 1 + 2 sum rho_k in steps, by Sokal's self-consistent window (the smallest
 * W with W >= 5 tau(W)). By FFT: n log n time, 2n doubles. NAN for n < 4, a constant series, or no memory. */
double sl_autocorrelation_time(const double *x, size_t n);

/* Mean of a correlated series with se = sqrt(var tau / n), dof = n / tau - 1; tau below 1 counts as 1.
 * SL_UNDECIDED (estimate still written) when n < 50 tau, too few effective samples to trust the error, or when
 * tau is NAN (se = NAN). Errors: SL_E_DOMAIN for n = 0. */
SL_CHECKED sl_status sl_series_mean(sl_estimate *mean, const double *x, size_t n, sl_err *err);

/* Bootstrap: the standard error of statistic(x, n, ctx) from `resamples` resamplings of x with replacement, keyed
 * by seed; *lo, *hi: percentile interval at the given confidence, 0 < confidence < 1 (NULL to skip).
 * Errors: SL_E_DOMAIN for n = 0 or n >= 2^32, resamples < 2, a bad confidence; SL_E_NUMERIC where the statistic is
 * not finite; SL_E_MEMORY. */
typedef double (*sl_statistic)(const double *x, size_t n, void *ctx);
SL_CHECKED sl_status sl_bootstrap(sl_estimate *e, double *lo, double *hi, double confidence, const double *x,
                                  size_t n, sl_statistic statistic, void *ctx, size_t resamples, uint64_t seed,
                                  sl_err *err);

/* Kolmogorov-Smirnov. x is sorted in place. Returns the p-value (asymptotic with Stephens's correction);
 * *d: the statistic. Both NAN where there is no sample or a NAN in it. */
double sl_ks_one_sample(double *d, double *x, size_t n, double (*cdf)(double x, void *ctx), void *ctx);
double sl_ks_two_sample(double *d, double *x, size_t n, double *y, size_t m);

/* Pearson's chi-square p-value of counts against expected counts; dof = bins - 1 - fitted. NAN if that is below 1
 * or an expected count is not positive. */
double sl_chi_square(const double *observed, const double *expected, size_t bins, size_t fitted);

/* Weighted straight line y = a + b x with given standard errors se[i] > 0 of y (se NULL: equal, unknown errors,
 * estimated from the residuals, dof = n - 2). chi2: weighted sum of squared residuals. Errors: SL_E_DOMAIN for
 * n < 2 (n < 3 without se), all x equal, an se that is not positive and finite, or an x or y that is not finite. */
typedef struct {
    sl_estimate intercept, slope;
    double chi2;
} sl_line;
SL_CHECKED sl_status sl_fit_line(sl_line *fit, const double *x, const double *y, const double *se, size_t n,
                                 sl_err *err);

/* The half-width of the two-sided confidence interval of e at error rate alpha: t quantile times se (normal for
 * infinite dof). 0 for exact values, INFINITY if it cannot be known (se NAN or dof <= 0). */
double sl_half_width(sl_estimate e, double alpha);

/* Where an interval stands relative to |x| <= tolerance. */
typedef enum { SL_INSIDE, SL_OUTSIDE, SL_ASTRIDE } sl_where;
/* INSIDE: the whole (1 - alpha) interval of e lies within [-tolerance, tolerance]; OUTSIDE: wholly beyond it. */
sl_where sl_compare(sl_estimate e, double tolerance, double alpha);

/* Two one-sided tests (Schuirmann 1987; Welch where variances differ): are the means of x and y equivalent
 * within +- margin? p: the larger of the two one-sided p-values; equivalent: p < alpha.
 * Errors: SL_E_DOMAIN for n < 2, m < 2, margin <= 0, alpha outside (0, 1), or samples that are not finite. */
typedef struct {
    sl_estimate difference; /* mean x - mean y */
    double p;
    bool equivalent;
} sl_tost_result;
SL_CHECKED sl_status sl_tost(sl_tost_result *r, const double *x, size_t n, const double *y, size_t m, double margin,
                             double alpha, sl_err *err);

/* The same on n pairs (x[i], y[i]) that share what makes them vary, such as a seed. */
SL_CHECKED sl_status sl_tost_paired(sl_tost_result *r, const double *x, const double *y, size_t n, double margin,
                                    double alpha, sl_err *err);

/* Holm's step-down adjusted p-values (Holm 1979; adjusted[i] in the order of p[i], not overlapping it); reject where
 * adjusted <= alpha. A p that is NAN counts as a test of the family and comes out as 1. O(n^2), for families. */
void sl_holm(double *adjusted, const double *p, size_t n);

/* Spearman's rank correlation of x and y (mid-ranks for ties), n >= 2. NAN if one is constant or holds a NAN, or on
 * no memory. */
double sl_rank_correlation(const double *x, const double *y, size_t n);

#endif
