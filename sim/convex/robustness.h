/* sim/convex/robustness.h - how much a wrong learning rate costs: the worst excess loss of projected SGD over the
 * slopes of f_s(x) = s |x - x*|, as a function of rho = rate / tuned rate (Attia and Koren 2025).
 *
 * x' = clip(x - rho eta_t (s sign(x - x*) + sigma n)) onto |x - x*| <= D, n ~ N(0, 1), from the worst place,
 * |x - x*| = D; subgradients have second moment s^2 + sigma^2. x* = 0 without loss of generality. Means of iterates
 * have another worst interval: about x* in its middle their noise cancels, with x* at its end, [0, D], it does not;
 * that is theirs here. No single slope
 * shows the exponent: for each rho the slope that hurts most is searched for, with the same noise for all slopes and
 * rhos (so that differences between slopes are not noise), and the excess at the slope chosen is measured with fresh
 * noise: the largest of several noisy means would be too large. */
#ifndef SL_SIM_CONVEX_ROBUSTNESS_H
#define SL_SIM_CONVEX_ROBUSTNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stats.h"
#include "optim/schedule.h"

typedef struct {
    sl_schedule schedule;   /* at rho = 1; total_steps T is the horizon. Not random                         */
    double D;               /* half of the domain's width, which is the distance at the start, [x]; this and
                               the next two from 1e-50 to 1e50, so that squares of losses stay numbers      */
    double sigma;           /* deviation of the subgradient's noise, [f/x]                                  */
    double slope_max;       /* largest slope, [f/x]                                                         */
    double suffix;          /* 0: last iterate; 0 < suffix <= 1: mean of the last ceil(suffix T) iterates    */
    size_t search_replicas; /* that choose the slope; a multiple of 64                                      */
    size_t replicas;        /* fresh ones, that measure at it; a multiple of 64                             */
    uint64_t seed;
    int jobs; /* <= 0: all cores. Results do not depend on it                                 */
    void (*progress)(void *ctx, double fraction); /* of each call that runs; may be NULL; from any thread  */
    void *progress_ctx;
} sl_robustness;

typedef struct {
    double rho;
    double slope;       /* the worst one                                                            */
    bool largest;       /* it is slope_max                                                          */
    sl_estimate excess; /* E f(x) - f* at it, of the fresh replicas                                  */
} sl_worst;

/* worst[i] for rho[i] > 0, i < n, and, where samples is not NULL, samples[i * r->replicas + k], the excess of replica
 * k, which has the same noise for all i. Slopes: a grid from 0.1 sigma/sqrt(T) to slope_max, ratio 1.5 at most, then
 * golden section in log s between the neighbours of its best one, to 4 %; slope_max where it is next to that
 * and as bad, to three standard errors; where slope_max is as bad as a slope far from it (at a corner of the excess as
 * a function of rho), the larger one of the two measurements.
 * Errors: SL_E_DOMAIN for a value outside the ranges above; SL_E_CONFIG for a random schedule; SL_E_MEMORY;
 * SL_INTERRUPTED. */
SL_CHECKED sl_status sl_robustness_worst(sl_worst *worst, double *samples, const double *rho, size_t n,
                                         const sl_robustness *r, sl_err *err);

/* The excess at given slopes and rhos, n pairs: samples[i * r->replicas + k] as above. */
SL_CHECKED sl_status sl_robustness_excess(double *samples, const double *rho, const double *slope, size_t n,
                                          const sl_robustness *r, sl_err *err);

/* ---- tuning ---- */

enum { SL_TUNING_POINTS = 33 };

/* The worst excess at factors 2^((i - 16)/4) of the schedule's rates, and the factor that has the least: the vertex of
 * the parabola through the lowest point and its neighbours, in logarithms. Errors: those above; SL_E_NUMERIC where the
 * lowest point is the first or last one. */
SL_CHECKED sl_status sl_robustness_tune(double *factor, sl_worst curve[SL_TUNING_POINTS], const sl_robustness *r,
                                        sl_err *err);

/* Finely, about rates that have been tuned: the least over rates of the worst excess, with its error, and its factor of
 * the schedule's rates, from 11 rates a factor 2^(1/16) apart that share their noise. As that of the lowest of several
 * points would be too small, it is the height of the parabola through the lowest one and its neighbours; where the
 * worst slope changes there (a corner) that is up to 2 % too high. Errors: as sl_robustness_tune. */
SL_CHECKED sl_status sl_robustness_least(double *factor, sl_worst *least, const sl_robustness *r, sl_err *err);

/* ---- the exponent ---- */

/* The window of rho in which the exponent is read, fixed before anything is measured (D, sigma and the slopes do not
 * matter to it):
 *   rho >= 2        at rho = 1, where the worst excess is least, the slopes that are not there yet are as bad as those
 *                   that hover: only beyond do the latter decide
 *   does the schedule anneal?  its last rate that is not 0 is below a tenth of its mean rate
 *   annealed        once measured, only where the worst slope takes at least 16 steps to relax, sigma^2/s^2 >= 16
 *   not annealed    rho <= sqrt(T)/2: beyond, a step is as wide as the domain (32 at T = 4096)
 *   means of iterates   as not annealed, whatever the schedule, and rho >= 8: they have all that is left of the way in
 *                   them, which falls like 1/rho and is as large as the noise's share at rho = 1, 2 % of it at 8. */
typedef struct {
    bool annealed; /* and the last iterate */
    double lo, hi;
} sl_rho_window;
SL_CHECKED sl_status sl_robustness_window(sl_rho_window *w, const sl_robustness *r, sl_err *err);

typedef struct {
    sl_estimate exponent; /* d log worst excess / d log rho                                                     */
    double lo, hi;        /* the rhos that were used                                                           */
    size_t points;
    double bend; /* exponent of the upper half of the window less that of the lower half              */
} sl_robust_fit;

/* Weighted least squares of log excess on log rho over the window. The standard error is that of the replicas, with
 * the noise that the rhos share. SL_UNDECIDED, with the reason, where the answer is not the asymptotic exponent: fewer
 * than 3 rhos or less than a factor of 4 of rho in the window (the horizon is too short), replicas that do not differ (no
 * standard error: the exponent stays NAN), a standard error above 0.02, or halves of the window that differ by more than 0.06 and three standard errors (not a power law). The fit is still
 * written where there are two points. Errors: SL_E_DOMAIN for rhos that do not ascend. */
SL_CHECKED sl_status sl_robustness_fit(sl_robust_fit *fit, const sl_worst *worst, const double *samples, size_t n,
                                       const sl_rho_window *w, const sl_robustness *r, sl_err *err);

/* ---- searching a grid ---- */

/* A loss curve over learning rates, loss[i] at log rate x[i] (ascending), n >= 2, straight between them. The loss of
 * the best point of a grid of rates of ratio `ratio` > 1, averaged over where the grid begins; grid points outside the
 * curve are not tried. In units of the curve's smallest loss this is what a coarse grid costs.
 * Errors: SL_E_DOMAIN: a curve that does not ascend, a ratio that is not above 1, or a curve that is narrower than the
 * ratio (a grid would have no point on it). */
SL_CHECKED sl_status sl_grid_search_loss(double *mean, double *worst, const double *x, const double *loss, size_t n,
                                         double ratio, sl_err *err);

#endif
