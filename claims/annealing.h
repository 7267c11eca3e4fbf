/* claims/annealing.h - the claims of Attia and Koren 2025: what a misspecified learning rate costs under schedules that
 * anneal, and under those that do not. */
#ifndef SL_CLAIMS_ANNEALING_H
#define SL_CLAIMS_ANNEALING_H

#include "claims/claim.h"
#include "sim/convex/robustness.h"

/* annealing.c */
extern const sl_claim sl_claim_annealing_constant, sl_claim_annealing_inverse_sqrt, sl_claim_annealing_linear,
    sl_claim_annealing_poly_2, sl_claim_annealing_poly_3, sl_claim_annealing_cosine, sl_claim_annealing_horizon;
/* annealing_grid.c */
extern const sl_claim sl_claim_annealing_logistic;
/* annealing_network.c */
extern const sl_claim sl_claim_annealing_training, sl_claim_annealing_training_above;
/* figures_annealing.c */
extern const sl_recipe sl_recipe_robustness_exponents, sl_recipe_robustness_horizon, sl_recipe_logistic_grid;

/* A schedule and its predicted power of rho. */
typedef struct {
    const char *name, *title, *schedule;
    double exponent;
    double wrong;    /* a prediction to be refused                                            */
    bool annealed;
} sl_annealed;
enum { SL_CONSTANT, SL_INVERSE_SQRT, SL_LINEAR, SL_POLY_2, SL_POLY_3, SL_COSINE, SL_ANNEALED };
extern const sl_annealed sl_annealed_schedules[SL_ANNEALED];

/* ---- the worst slope ---- */

enum { SL_RHOS = 4 };

/* The worst excess at the rhos in which the exponent is read, tuned at rho = 1. */
typedef struct {
    uint64_t horizon;
    size_t n;
    sl_worst worst[SL_RHOS];
    sl_robust_fit fit;
    bool decided;
    char reason[256]; /* where not */
} sl_power;

/* Tunes and measures schedule s at the lab's scale. Errors: those of sim/convex/robustness.h. */
SL_CHECKED sl_status sl_annealing_power(sl_power *p, const sl_annealed *s, const sl_lab *lab, sl_err *err);

/* The worst excess of the tuned schedule at a horizon. stream: noise of its own for every call. */
SL_CHECKED sl_status sl_annealing_tuned_excess(sl_worst *worst, const sl_annealed *s, uint64_t horizon, unsigned stream,
                                               const sl_lab *lab, sl_err *err);

enum { SL_HORIZONS = 3 };
/* The horizons of a scale, ascending. */
void sl_annealing_horizons(uint64_t horizon[SL_HORIZONS], sl_scale scale);

/* ---- a grid of rates on logistic regression ---- */

enum { SL_GRID_SCHEDULES = 3, SL_GRID_RATES = 11, SL_GRID_RATIOS = 3, SL_GRID_MOST_BATCHES = 256 };
extern const int sl_grid_schedules[SL_GRID_SCHEDULES]; /* SL_CONSTANT, SL_LINEAR, SL_COSINE */
extern const double sl_grid_ratios[SL_GRID_RATIOS];

typedef struct {
    size_t batches, replicas; /* batches of replicas that are independent of each other */
    uint64_t horizon;
    double rate[SL_GRID_RATES];
    sl_estimate excess[SL_GRID_SCHEDULES][SL_GRID_RATES]; /* over all batches */
    /* What a grid costs: (excess at the best point of a grid, mean over where it begins) / least excess - 1. */
    double cost[SL_GRID_SCHEDULES][SL_GRID_RATIOS][SL_GRID_MOST_BATCHES];
} sl_grid_search;

SL_CHECKED sl_status sl_annealing_grid(sl_grid_search *g, const sl_lab *lab, sl_err *err);

/* The grid's cost of schedule s over that of the fixed rate, a ratio of means over batches, by the jackknife. */
sl_estimate sl_annealing_relative_cost(const double *cost, const double *fixed, size_t n);

#endif
