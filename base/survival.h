/* base/survival.h - times until an event, some of them censored: seen without the event up to that time, no further.
 *
 * S(t) = P(tau > t). Its estimate is that of Kaplan and Meier 1958, S = prod (1 - d_i / n_i) over the times t_i <= t,
 * with d_i events among n_i at risk; who is censored at t_i is still at risk there. Greenwood's variance is
 * var S = S^2 v, v = sum d_i / (n_i (n_i - d_i)). Censoring must not depend on what would have come after (a limit on
 * the number of steps does not). O(n). Memory: 48 bytes for each distinct time and, unless times are steps with a
 * largest below n, 16 for each subject while they are sorted. */
#ifndef SL_BASE_SURVIVAL_H
#define SL_BASE_SURVIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stats.h"

/* A row for each distinct time, increasing. */
typedef struct {
    size_t rows;
    double *time;      /* [rows], of an event, of a censoring, or both      */
    double *at_risk;   /* [rows] n_i: subjects whose time is not before      */
    double *events;    /* [rows] d_i                                         */
    double *censored;  /* [rows]                                             */
    double *survival;  /* [rows] S(t_i), after the events at t_i             */
    double *greenwood; /* [rows] v; INFINITY where S = 0                     */
    double n, n_events, n_censored;
    double exposure; /* the sum of all times                               */
} sl_survival;

/* n >= 1 times >= 0 and finite, in steps (below 2^53) or in any unit; censored[i]: subject i had no event (NULL: all
 * had). Out: *s, to be cleared; untouched after an error. Errors: SL_E_DOMAIN, naming the subject; SL_E_MEMORY. */
SL_CHECKED sl_status sl_survival_steps(sl_survival *s, const uint64_t *time, const bool *censored, size_t n,
                                       sl_err *err);
SL_CHECKED sl_status sl_survival_times(sl_survival *s, const double *time, const bool *censored, size_t n, sl_err *err);
void sl_survival_clear(sl_survival *s);

/* S(t) with its standard error S sqrt(v) (0 before the first event). NAN beyond the last time if that is censored: the
 * data do not say. */
sl_estimate sl_survival_at(const sl_survival *s, double t);

typedef enum {
    SL_BAND_POINTWISE,   /* holds S at a given time with that confidence: S^exp(+-z sqrt(v)/log S) (log-log) */
    SL_BAND_HALL_WELLNER /* holds all of S, up to the last event, with that confidence: Hall and Wellner 1980;
                            that of Kolmogorov where nothing is censored */
} sl_band;
/* lo[i] <= S(t) <= hi[i] for t_i <= t < t_{i+1}; both [rows], 0 <= lo <= hi <= 1. Asymptotic (in n).
 * Errors: SL_E_DOMAIN unless 0 < confidence < 1. */
SL_CHECKED sl_status sl_survival_band(double *lo, double *hi, const sl_survival *s, sl_band band, double confidence,
                                      sl_err *err);

/* A value and its confidence interval. INFINITY: beyond the last time, it is not known where. */
typedef struct {
    double value, lo, hi;
} sl_interval;

/* The p-quantile: the first time with S(t) <= 1 - p; its interval (Brookmeyer and Crowley 1982) is of all times at
 * which the pointwise band holds 1 - p. All NAN unless 0 < p < 1 and 0 < confidence < 1. */
sl_interval sl_survival_quantile(const sl_survival *s, double p, double confidence);

/* Mean of min(tau, limit) = int_0^limit S dt. Variance: sum over events of
 * (int_{t_i}^limit S)^2 d_i / (n_i (n_i - d_i)), times n / (n - 1): where nothing is censored before the
 * limit this is the sample variance over n. */
typedef struct {
    sl_estimate mean;
    double limit; /* INFINITY: nothing was censored, and this is the mean itself */
} sl_survival_mean_time;
/* limit: where to stop; INFINITY: as far as the data go, which is the mean itself if nothing was censored, else the
 * restricted mean up to the last time, and *limit says so. NAN for limit <= 0, or finite and beyond a last time that is
 * censored. se NAN where no event before the limit leaves anyone at risk. */
sl_survival_mean_time sl_survival_mean(const sl_survival *s, double limit);

/* The rate of an exponential law (of a geometric one: the probability a step): events / exposure, with the standard
 * error rate / sqrt(events). The interval is chi-square's: exact where nothing is censored, conservative where some are
 * (Cox 1953). No events: rate 0, se NAN, lo 0, hi > 0. All NAN unless 0 < confidence < 1 and exposure > 0. */
typedef struct {
    sl_estimate rate;
    double lo, hi;
} sl_survival_rate;
sl_survival_rate sl_survival_exponential(const sl_survival *s, double confidence);

/* Is the law exponential? The score test against Weibull laws of another shape (Cox and Oakes 1984, section 3.7), with
 * censoring: z ~ N(0, 1) if it is; z > 0: times are more alike (a dead time), z < 0: less alike (a mixture of rates).
 * Returns the two-sided p-value; *z may be NULL. Geometric times of mean >> 1 count as exponential. NAN for fewer than
 * two events or an event at time 0. */
double sl_survival_exponentiality(double *z, const sl_survival *s);

/* Do two samples have one law? The log-rank test (Mantel 1966): *chi2 with 1 degree of freedom (may be NULL), the
 * p-value is returned. NAN where neither has an event that tells. */
double sl_survival_log_rank(double *chi2, const sl_survival *a, const sl_survival *b);

#endif
