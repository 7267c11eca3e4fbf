/* annealing.logistic: what a coarse grid of rates costs on logistic regression, fixed and annealed. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/stats.h"
#include "claims/annealing.h"
#include "claims/synthetic.h"
#include "sim/convex/rate_curve.h"

const int sl_grid_schedules[SL_GRID_SCHEDULES] = {SL_CONSTANT, SL_LINEAR, SL_COSINE};
const double sl_grid_ratios[SL_GRID_RATIOS] = {4, 8, 16};

/* Powers of two, 2^-9 to 2. The best are 1/64 to 1/16: of any grid of ratio 16 the two rates next to the best are in
 * the range, or the lower one is out where it would lose ten times as much as the upper. */
static double rate_of(size_t i)
{
    return exp2((double)i - 9);
}

static sl_status add_batch(sl_grid_search *g, int schedule, size_t batch, const sl_rate_curve *c, sl_err *err)
{
    sl_estimate excess[SL_GRID_RATES];
    double x[SL_GRID_RATES], loss[SL_GRID_RATES], least = INFINITY, mean, worst;
    SL_TRY(sl_rate_curve_run(excess, g->rate, SL_GRID_RATES, c, err));
    for (size_t i = 0; i < SL_GRID_RATES; i++) {
        x[i] = log(g->rate[i]);
        loss[i] = fmin(excess[i].value, 1e300);
        least = fmin(least, loss[i]);
        g->excess[schedule][i].value += excess[i].value / (double)g->batches;
        g->excess[schedule][i].se = hypot(g->excess[schedule][i].se, excess[i].se / (double)g->batches);
    }
    for (size_t k = 0; k < SL_GRID_RATIOS; k++) {
        SL_TRY(sl_grid_search_loss(&mean, &worst, x, loss, SL_GRID_RATES, sl_grid_ratios[k], err));
        g->cost[schedule][k][batch] = mean / least - 1;
    }
    return SL_OK;
}

sl_status sl_annealing_grid(sl_grid_search *g, const sl_lab *lab, sl_err *err)
{
    const double r = sl_lab_refinement(lab);
    memset(g, 0, sizeof *g);
    g->batches = lab->scale == SL_QUICK ? 24 : 32;
    g->replicas = lab->scale == SL_PAPER ? 1024 : (size_t)(64 * r);
    g->horizon = lab->scale == SL_QUICK ? 256 : 1024;
    for (size_t i = 0; i < SL_GRID_RATES; i++) g->rate[i] = rate_of(i);
    sl_rate_curve c = {.noise_variance = 1, .replicas = g->replicas, .jobs = lab->jobs};
    SL_TRY(sl_loss_init(&c.loss, "logistic", err));
    SL_TRY(sl_noise_init(&c.noise, "minibatch", &c.loss, err));
    for (int s = 0; s < SL_GRID_SCHEDULES; s++) {
        const char *const schedule = sl_annealed_schedules[sl_grid_schedules[s]].schedule;
        SL_TRY(sl_schedule_init(&c.schedule, schedule, 1, 1, g->horizon, err));
        for (size_t b = 0; b < g->batches; b++) {
            c.seed = lab->seed + ((uint64_t)(b + 1) << 40); /* the same for all schedules */
            SL_TRY(add_batch(g, s, b, &c, err));
            sl_lab_report(lab, "annealing.logistic", (size_t)s * g->batches + b + 1, SL_GRID_SCHEDULES * g->batches);
        }
    }
    return SL_OK;
}

sl_estimate sl_annealing_relative_cost(const double *cost, const double *fixed, size_t n)
{
    double a = 0, b = 0, square = 0;
    for (size_t k = 0; k < n; k++) a += cost[k], b += fixed[k];
    const double ratio = a / b, count = (double)n;
    for (size_t k = 0; k < n; k++) {
        const double d = (a - cost[k]) / (b - fixed[k]) - ratio;
        square += d * d;
    }
    return (sl_estimate){ratio, sqrt(square * (count - 1) / count), count - 1};
}

/* Less than what it costs with a fixed rate: the ratio of the two, which cannot be negative, is below 1. Theory does
 * not say how much less on one problem: not the power of rho, as that is the worst case's. So the tolerance is the
 * statement, 0 to 1, and leaves nothing out. Wrong on purpose: that it costs twice as much. */
static sl_status logistic(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    sl_grid_search g;
    enum { WIDEST = SL_GRID_RATIOS - 1 };
    sl_estimate relative[SL_GRID_SCHEDULES];
    SL_TRY(sl_annealing_grid(&g, lab, err));
    for (int s = 1; s < SL_GRID_SCHEDULES; s++) {
        relative[s] = sl_annealing_relative_cost(g.cost[s][WIDEST], g.cost[0][WIDEST], g.batches);
        SL_TRY(sl_finding_add(f, relative[s], 0, 1, 2, err, "cost of a grid of ratio %g: %s / fixed, below 1",
                              sl_grid_ratios[WIDEST], sl_annealed_schedules[sl_grid_schedules[s]].name));
    }
    snprintf(f->note, sizeof f->note,
             "logistic regression, %llu steps, the best rate of a grid of ratio %g: its excess loss is %.0f %% above "
             "the least with a fixed rate, %.0f %% with linear decay, %.0f %% with a cosine",
             (unsigned long long)g.horizon, sl_grid_ratios[WIDEST], 100 * sl_mean(g.cost[0][WIDEST], g.batches).value,
             100 * sl_mean(g.cost[1][WIDEST], g.batches).value, 100 * sl_mean(g.cost[2][WIDEST], g.batches).value);
    return SL_OK;
}

const sl_claim sl_claim_annealing_logistic = {
    .id = "annealing.logistic",
    .paper = "Attia 2025",
    .equation = "experiments",
    .statement = "on logistic regression the best rate of a coarse grid loses less under linear decay and cosine than "
                 "under a fixed rate",
    .expected = SL_HOLDS,
    .measure = logistic,
    .parts = 2,
};
