/* Devapriya et al. 2024, Theorem 3: near a strongly convex minimum the iterate stays in a tube. */
#include <math.h>
#include <stdio.h>

#include "claims/plrs_stays.h"
#include "claims/plrs.h"
#include "claims/plrs_trial.h"
#include "claims/synthetic.h"
#include "sim/escape/exit.h"
#include "theory/exit.h"

/* ---- The experiment -------------------------------------------------------------------------------------------- */

sl_status sl_tube_run(sl_exits *e, sl_plrs_tube *tube, const sl_tube *t, uint32_t experiment, const sl_lab *lab,
                      sl_err *err)
{
    static const double origin[SL_LOSS_MAX_DIM];
    char loss[48];
    double start[SL_LOSS_MAX_DIM] = {0};
    const sl_plrs rate = {0.7 * t->hi, t->hi};
    SL_TRY(sl_plrs_stay(tube, &rate, t->xi, t->k, err));
    start[0] = 0.5 * tube->start;
    if (t->no_logarithm) tube->radius = tube->start;
    snprintf(loss, sizeof loss, "quadratic:dim=%d", t->dim);
    const sl_trial trial = {.loss = loss,
                            .noise = t->noise,
                            .rate = rate,
                            .s2 = 1,
                            .start = start,
                            .replicas = t->replicas,
                            .steps = (uint64_t)ceil(tube->horizon)};
    sl_sgd sgd;
    sl_escape how = {.paths = t->paths, .path_every = t->path_every};
    SL_TRY(sl_trial_prepare(&sgd, &trial, lab, experiment, err));
    sgd.ensemble.steps = trial.steps;
    sgd.ensemble.burn_in = 0;
    sl_region_ball(&how.region, origin, (size_t)t->dim, t->keep_going ? 1e3 : tube->radius);
    return sl_synthetic_escape(e, &sgd, &how, err);
}

/* With none or few seen, the error is that of a share with two more of each kind (Agresti and Coull 1998). */
sl_estimate sl_tube_left(const sl_exits *e)
{
    const double n = (double)e->replicas, left = (double)e->exited, p = (left + 2) / (n + 4);
    return (sl_estimate){left / n, sqrt(p * (1 - p) / n), INFINITY};
}

sl_status sl_tube_share(double *share, const sl_tube *t, const sl_plrs_tube *tube, double l, sl_err *err)
{
    const sl_saddle minimum = {.gamma = -1,
                               .l = l,
                               .delta = sl_plrs_delta(&(sl_plrs){0.7 * t->hi, t->hi}),
                               .s2 = 1,
                               .R = tube->radius,
                               .index = (size_t)t->dim};
    sl_exit_law *law;
    sl_approximation left;
    SL_TRY(sl_exit_law_new(&law, &minimum, err));
    const sl_status st = sl_exit_probability(&left, law, 0.5 * tube->start, ceil(tube->horizon), err);
    sl_exit_law_free(law);
    *share = left.value;
    return st;
}

/* ---- plrs.stays ------------------------------------------------------------------------------------------------ */

/* One k for all rates and all xi of a loss, as the theorem says. "At most xi" as |share that left / xi| <= 1. */
static sl_status stays(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    static const sl_tube tubes[] = {
        {.hi = 0.2, .xi = 0.1, .k = 1.2, .dim = 1},
        {.hi = 0.05, .xi = 0.1, .k = 1.2, .dim = 1},
        {.hi = 0.02, .xi = 0.1, .k = 1.2, .dim = 1},
        {.hi = 0.1, .xi = 0.02, .k = 1.2, .dim = 1},
        {.hi = 0.05, .xi = 0.02, .k = 1.2, .dim = 1, .noise = "bounded:law=cube"},
        {.hi = 0.1, .xi = 0.05, .k = 1.5, .dim = 4, .noise = SL_PLRS_BOUNDED},
        {.hi = 0.02, .xi = 0.1, .k = 1.2, .dim = 1, .no_logarithm = true},
    };
    const double r = sl_lab_refinement(lab);
    for (uint32_t i = 0; i < sizeof tubes / sizeof *tubes; i++) {
        sl_lab_report(lab, "plrs.stays", i, sizeof tubes / sizeof *tubes);
        sl_tube t = tubes[i];
        sl_plrs_tube tube;
        sl_exits e;
        t.replicas = (uint64_t)(r * r * (i == 0 ? 65536 : 16384));
        SL_TRY(sl_tube_run(&e, &tube, &t, SL_EXPERIMENT_PLRS + 64 + i, lab, err));
        const sl_estimate left = sl_tube_left(&e);
        sl_exits_clear(&e);
        if (t.no_logarithm) /* Wrong on purpose: as few as from the tube. */
            SL_TRY(sl_finding_add(f, left, 1, 0.1, t.xi, err, "Lmax=%g, radius k sqrt(Lmax): share that left", t.hi));
        else
            /* Wrong on purpose: two and a half times as many. */
            SL_TRY(sl_finding_add(f, sl_scaled(1 / t.xi, left), 0, 1, 2.5, err,
                                  "Lmax=%g, xi=%g, D=%d: share that left / xi", t.hi, t.xi, t.dim));
        if (i > 0) continue;
        /* Few leave: 30 % is for sampling. Wrong on purpose: the rate Lmax throughout. */
        double exact, wrong;
        SL_TRY(sl_tube_share(&exact, &t, &tube, 0.85 * t.hi, err));
        SL_TRY(sl_tube_share(&wrong, &t, &tube, t.hi, err));
        SL_TRY(sl_finding_add(f, sl_scaled(1 / exact, left), 1, 0.3 / r, wrong / exact, err,
                              "the same: share that left / exact"));
    }
    return SL_OK;
}

const sl_claim sl_claim_plrs_stays = {
    .id = "plrs.stays",
    .paper = "Devapriya 2024",
    .equation = "Theorem 3",
    .statement = "near a strongly convex minimum the iterate stays within k sqrt(Lmax log(1/(Lmax xi))) for Lmax^-2 "
                 "log(1/xi) steps with probability 1 - xi; without the logarithm it leaves",
    .expected = SL_HOLDS,
    .measure = stays,
    .parts = 8,
};
