/* Regimes on Model 1 (built-in digits at quick scale, MNIST from desk on): against the best constant rate, and watched
 * as they train. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "claims/network.h"
#include "claims/regimes.h"
#include "nets/objective.h"

enum { GRID = 6, SEEDS = 8 };

/* Grids of ratio 2 and their tops, which hold the best rates of a few epochs inside. */
static const double top[SL_SUITE_RULES] = {0.4, 0.04, 0.004};

typedef struct {
    const char *data;
    size_t samples, batch;
    uint64_t epochs;
} extent;

static extent extent_at(sl_scale scale)
{
    switch (scale) {
    case SL_PAPER: return (extent){"mnist", 0, 64, 20};
    case SL_DESK: return (extent){"mnist:test=1000", 10000, 64, 5};
    case SL_QUICK: break;
    }
    return (extent){"digits:test=100", 600, 16, 4};
}

/* A trace is longer: what is watched is training until the data are fitted, as long as that takes. (After 20 epochs of
 * 10,000 pictures, before they are, the correlation of heavy-ball is -0.07 +- 0.05 yet, of plain steps -0.5.) */
static uint64_t traced_epochs(sl_scale scale)
{
    return scale == SL_QUICK ? 24 : 60;
}

static sl_status open_network(sl_network *net, const extent *e, const sl_lab *lab, sl_err *err)
{
    return sl_network_open(net, lab, e->data, "mlp", e->samples, err);
}

static void fill_arms(sl_arm *arms, char (*name)[32], char (*schedule)[64], const char *const *regimes, size_t n,
                      size_t rule, size_t batch)
{
    for (size_t i = 0; i < n + GRID; i++) {
        const bool constant = i >= n;
        snprintf(name[i], sizeof name[i], "%s-%s%zu", sl_suite_rules[rule], constant ? "rate" : regimes[i],
                 constant ? i - n : 0);
        if (!constant) snprintf(schedule[i], sizeof schedule[i], "regime %s", regimes[i]);
        arms[i] = (sl_arm){.name = name[i],
                           .title = name[i],
                           .schedule = constant ? "constant" : schedule[i],
                           .rule = sl_suite_rules[rule],
                           .lr = constant ? ldexp(top[rule], -(int)(i - n)) : 1,
                           .mu = sl_suite_momentum(rule),
                           .batch = batch,
                           .alpha_on = SL_ALPHA_ON_STEP};
    }
}

static void compare(sl_untuned_network *u, const double *x, const sl_arm *arms, size_t n)
{
    double dof, least = INFINITY;
    size_t best = n;
    for (size_t i = n; i < n + GRID; i++) {
        double sum = 0;
        for (size_t k = 0; k < SEEDS; k++) sum += x[i * SEEDS + k] / SEEDS;
        if (sum < least) least = sum, best = i;
    }
    const double sd = sl_pooled_sd(&dof, x, n + GRID, SEEDS);
    *u = (sl_untuned_network){.best = exp(least), .rate = arms[best].lr, .seeds = SEEDS};
    for (size_t i = 0; i < n; i++)
        u->log_ratio[i] = sl_paired_difference(x + i * SEEDS, x + best * SEEDS, SEEDS, sd, dof);
}

sl_status sl_untuned_on_network(sl_untuned_network *u, const char *const *regimes, size_t n, size_t rule,
                                const sl_lab *lab, sl_err *err)
{
    sl_arm arms[SL_UNTUNED_MOST + GRID];
    char name[SL_UNTUNED_MOST + GRID][32], schedule[SL_UNTUNED_MOST][64];
    sl_table *curves[(SL_UNTUNED_MOST + GRID) * SEEDS];
    double x[(SL_UNTUNED_MOST + GRID) * SEEDS];
    const extent e = extent_at(lab->scale);
    const size_t pieces = (n + GRID) * SEEDS;
    sl_network net;
    fill_arms(arms, name, schedule, regimes, n, rule, e.batch);
    SL_TRY(open_network(&net, &e, lab, err));
    const sl_status st = sl_network_curves(curves, &net, lab, "untuned", arms, n + GRID, SEEDS, e.epochs, err);
    sl_network_close(&net);
    SL_TRY(st);
    for (size_t i = 0; i < pieces; i++) {
        const sl_table *const t = curves[i];
        x[i] = log(sl_table_row(t, sl_table_rows(t) - 1)[sl_table_find(t, "train_loss")]);
    }
    sl_network_free_curves(curves, pieces);
    compare(u, x, arms, n);
    return SL_OK;
}

/* ---- watched ---- */

typedef struct {
    sl_trainer *trainer;
    sl_objective *objective;
    double *gradient;
    size_t samples, parameters;
} watch;

static sl_status look(watch *w, double *norm, double *loss, sl_err *err)
{
    double accuracy, sum = 0;
    SL_TRY(sl_objective_move(w->objective, sl_trainer_params(w->trainer), err));
    SL_TRY(sl_objective_gradient(w->objective, w->gradient, NULL, w->samples, err));
    for (size_t i = 0; i < w->parameters; i++) sum += w->gradient[i] * w->gradient[i];
    *norm = sqrt(sum);
    return sl_objective_loss(w->objective, loss, &accuracy, err);
}

static sl_status record(sl_regime_trace *trace, watch *w, uint64_t steps, sl_err *err)
{
    const double per_epoch = (double)sl_trainer_steps_per_epoch(w->trainer);
    for (size_t i = 0; i < SL_TRACE_POINTS; i++) {
        const uint64_t until = steps * (i + 1) / SL_TRACE_POINTS;
        double sum = 0, n = 0;
        while (sl_trainer_step_count(w->trainer) < until) {
            SL_TRY(sl_trainer_run(w->trainer, 1, NULL, NULL, err));
            sum += sl_trainer_last_lr(w->trainer);
            n++;
        }
        trace->rate[i] = sum / n;
        trace->time[i] = (double)until / per_epoch;
        SL_TRY(look(w, &trace->gradient[i], &trace->loss[i], err));
    }
    return SL_OK;
}

sl_status sl_trace_network(sl_regime_trace *trace, const char *regime, size_t rule, size_t seed, const sl_lab *lab,
                           sl_err *err)
{
    const extent e = extent_at(lab->scale);
    sl_network net;
    watch w = {0};
    SL_TRY(open_network(&net, &e, lab, err));
    sl_train_config c = {.model = net.model, .train = &net.train, .schedule = "constant", .lr = 1, .regime = regime,
                         .batch = e.batch, .epochs = traced_epochs(lab->scale),
                         .order = SL_ORDER_SHUFFLE, .threads = 1,
                         .seed = sl_network_seed(lab, seed)};
    sl_status st = sl_rule_init(&c.rule, sl_suite_rules[rule], SL_ALPHA_ON_STEP, 1, sl_suite_momentum(rule), 0, err);
    if (st == SL_OK) st = sl_trainer_alloc(&w.trainer, &c, err);
    if (st == SL_OK) {
        w.samples = net.train.n < 200 ? net.train.n : 200;
        const sl_objective_config o = {.model = net.model, .state = sl_trainer_params(w.trainer), .data = &net.train,
                                       .samples = w.samples, .jobs = lab->jobs};
        st = sl_objective_alloc(&w.objective, &o, err);
    }
    if (st == SL_OK) {
        w.parameters = sl_objective_parameters(w.objective);
        w.gradient = malloc(w.parameters * sizeof *w.gradient);
        st = w.gradient ? record(trace, &w, sl_trainer_stop(w.trainer), err)
                        : sl_fail(err, SL_E_MEMORY, "no memory for a gradient of %zu", w.parameters);
    }
    free(w.gradient);
    sl_objective_free(w.objective);
    sl_trainer_free(w.trainer);
    sl_network_close(&net);
    return st;
}
