/* theory/saddle.h - how long SGD stays near a quadratic saddle: closed forms.
 *
 * Along a direction of curvature -gamma, y' = y + l alpha (gamma y - n), n ~ N(0, s2), alpha ~ U[1-delta, 1+delta],
 * from rest; tau = min{t: |y_t| > R} in steps. With index > 1 there are so many such directions of equal gamma, with
 * independent noise and one alpha, and |y| is the length; stable directions do not matter. A = 1 + l gamma alpha,
 * q = E alpha^2. Momentum: y' = y + u', u' = mu u + l (gamma y - n), for delta = 0.
 * Exact laws are in theory/exit.h. */
#ifndef SL_THEORY_SADDLE_H
#define SL_THEORY_SADDLE_H

#include "base/status.h"
#include "optim/schedule.h"

typedef struct {
    double gamma; /* > 0                                            */
    double l;     /* mean rate, > 0                                 */
    double delta; /* 0..1                                           */
    double s2;    /* variance of the noise in each direction, > 0   */
    double R;     /* > 0                                            */
    double mu;    /* momentum, 0 <= mu < 1; 0 unless delta = 0      */
    size_t index; /* unstable directions; 0: 1                      */
} sl_saddle;

/* Sets l and delta: of constant, random, plrs. Errors: SL_E_CONFIG for a schedule that is not stationary. */
SL_CHECKED sl_status sl_saddle_schedule(sl_saddle *s, const sl_schedule *schedule, sl_err *err);

/* Every function below: SL_E_DOMAIN for a value outside the ranges above. */
SL_CHECKED sl_status sl_saddle_check(const sl_saddle *s, sl_err *err);

/* The second moment of one coordinate after t steps from rest, exactly:
 * E y_t^2 = l^2 q s2 (m^t - 1)/(m - 1), m = 1 + 2 l gamma + l^2 q gamma^2. Momentum: l^2 s2 sum_{k<t} h_k^2 with the
 * response h_k = (r^{k+1} - p^{k+1})/(r - p), r > 1 > p the eigenvalues of the linear map. INFINITY beyond doubles. */
SL_CHECKED sl_status sl_saddle_second_moment(double *y2, const sl_saddle *s, double t, sl_err *err);

/* Laws of large R^2 / v_inf. Then |y_t| ~ sqrt(v_inf) |Z| prod A, Z Gaussian in `index` dimensions:
 *   tau ~ (log(R/sqrt(v_inf)) - log|Z|) / Lambda + E xi^2 / (2 Lambda^2), xi = log A,
 * the last term for the overshoot of the last step. E log|Z| = (psi(index/2) + log 2)/2 (index 1:
 * -(gamma_E + log 2)/2).
 * Relative errors: sqrt(v_inf)/R to a power, and O(l gamma) of the constant where delta > 0. */
typedef struct {
    double lyapunov; /* Lambda = E log(1 + l gamma alpha); momentum: log r  */
    double xi2;      /* E xi^2                                             */
    double v_inf;    /* l^2 s2 E[alpha^2/A^2] / (1 - E[1/A^2]); momentum: l^2 s2 (r/(r-p))^2 / (r^2 - 1) */
    double mean;     /* E tau with all of these terms                       */
    double median;
    double leading;  /* log(2 gamma R^2/(l q s2)) / (2 l gamma): the l^-1 log(1/l) law alone (without momentum)  */
    double constant; /* the same with the constant of E log|Z|              */
} sl_saddle_law;
SL_CHECKED sl_status sl_saddle_asymptotic(sl_saddle_law *law, const sl_saddle *s, sl_err *err);

/* The p-quantile of tau, 0 < p < 1, of the law above, with the Gaussian spread of log prod A (variance
 * t (E xi^2 - Lambda^2)); in steps, not rounded to whole ones. */
SL_CHECKED sl_status sl_saddle_quantile(double *t, const sl_saddle *s, double p, sl_err *err);

/* sum_{t>=0} P(|y_t| <= R), delta = 0 only (y_t is Gaussian): E tau but for returns from outside, which are as good as
 * none where l gamma R >> l sqrt(s2). survival (NULL: not wanted): P(|y_t| <= R) at t = 0 .. n-1. The truncated tail is
 * below 1e-15 of the sum. Errors: SL_E_DOMAIN for delta > 0. */
SL_CHECKED sl_status sl_saddle_survival_sum(double *mean, double *survival, size_t n, const sl_saddle *s, sl_err *err);

#endif
