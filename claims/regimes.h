/* claims/regimes.h - automatic learning-rate regimes (optim/regime.h) against the best constant rate that a search
 * finds: on a suite of convex losses with known minima and on Model 1, for the plain, heavy-ball and sign rules. */
#ifndef SL_CLAIMS_REGIMES_H
#define SL_CLAIMS_REGIMES_H

#include "claims/claim.h"

enum { SL_SUITE = 5, SL_SUITE_RULES = 3 };

extern const char *const sl_suite_titles[SL_SUITE];
extern const char *const sl_suite_rules[SL_SUITE_RULES]; /* names of optim/rule.h; heavy-ball with mu = 0.9 */
double sl_suite_momentum(size_t rule);

/* E f - f* of the last iterate at the best constant rate of a grid of ratio 2, and that rate. */
typedef struct {
    sl_estimate excess;
    double rate;
} sl_suite_best;

/* Loss i of the suite, rule j. Errors: those of sl_sgd_run; SL_E_NUMERIC where the grid has no inner minimum. */
SL_CHECKED sl_status sl_suite_tune(sl_suite_best *best, size_t loss, size_t rule, const sl_lab *lab, sl_err *err);

/* E f - f* of the last iterate under a regime; INFINITY where more than half of the replicas were lost. "polyak" is
 * told f*. */
SL_CHECKED sl_status sl_suite_regime(sl_estimate *excess, size_t loss, size_t rule, const char *regime,
                                     const sl_lab *lab, sl_err *err);

/* ---- Model 1: claims/regimes_network.c ---- */

/* Training losses of the last epoch under n <= SL_UNTUNED_MOST regimes against the best constant rate, that of a grid
 * of ratio 2 which has the least geometric mean over the seeds. Errors pooled over all arms. */
enum { SL_UNTUNED_MOST = 12 };
typedef struct {
    sl_estimate log_ratio[SL_UNTUNED_MOST]; /* ln(loss / best), paired by seed  */
    double best, rate;                      /* geometric mean, and its rate     */
    size_t seeds;
} sl_untuned_network;

/* Errors: those of training; SL_DIVERGED names the arm. */
SL_CHECKED sl_status sl_untuned_on_network(sl_untuned_network *u, const char *const *regimes, size_t n, size_t rule,
                                           const sl_lab *lab, sl_err *err);

/* A training of Model 1 watched: rates (mean of a window of steps) and the norm of the gradient at the window's end,
 * over the first samples of the training set. */
enum { SL_TRACE_POINTS = 40 };
typedef struct {
    double time[SL_TRACE_POINTS]; /* epochs */
    double rate[SL_TRACE_POINTS], gradient[SL_TRACE_POINTS], loss[SL_TRACE_POINTS];
} sl_regime_trace;
SL_CHECKED sl_status sl_trace_network(sl_regime_trace *trace, const char *regime, size_t rule, size_t seed,
                                      const sl_lab *lab, sl_err *err);

extern const sl_claim sl_claim_regimes_anticorrelation, sl_claim_regimes_anticorrelation_sign,
    sl_claim_regimes_untuned, sl_claim_regimes_untuned_secant, sl_claim_autosgd_untuned;
extern const sl_recipe sl_recipe_regime_trace, sl_recipe_regime_league;

#endif
