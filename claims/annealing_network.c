/* annealing.training: what a coarse grid of rates costs a network in test accuracy, fixed and annealed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "claims/annealing.h"
#include "claims/network.h"

enum { RATES = 9, SCHEDULES = 3, ARMS = RATES * SCHEDULES, MOST_SEEDS = 12 };
static const int schedules[SCHEDULES] = {SL_CONSTANT, SL_LINEAR, SL_COSINE};
static const double ratio = 16;

/* Model 1 on what a scale trains. */
typedef struct {
    size_t samples, seeds, batch;
    uint64_t epochs;
    const char *title;
} setting;

static setting setting_of(sl_scale scale)
{
    switch (scale) {
    case SL_DESK: return (setting){10000, 8, 64, 4, "10000 samples of MNIST"};
    case SL_PAPER: return (setting){0, 12, 64, 10, "MNIST"};
    case SL_QUICK: break;
    }
    return (setting){600, 4, 16, 4, "600 built-in digits"};
}

/* From rates that learn next to nothing to ones beyond which nothing is learnt: 2^-6 to 4. */
static double rate_of(size_t i)
{
    return exp2((double)i - 6);
}

/* errors[(schedule * RATES + rate) * seeds + k]: percent of the test set that are wrong in the end; a run that diverged
 * has learnt nothing. One arm after the other, so that one that diverges leaves the others. */
static sl_status final_errors(double *errors, const sl_network *net, const sl_lab *lab, const setting *t, sl_err *err)
{
    sl_table *curves[MOST_SEEDS];
    for (size_t arm = 0; arm < ARMS; arm++) {
        char name[40], key[64];
        const sl_annealed *const s = &sl_annealed_schedules[schedules[arm / RATES]];
        snprintf(name, sizeof name, "%s-%zu", s->name, arm % RATES);
        snprintf(key, sizeof key, "annealing-%s", name);
        const sl_arm a = {.name = name, .title = s->title, .schedule = s->schedule, .rule = "plain",
                          .lr = rate_of(arm % RATES), .batch = t->batch, .alpha_on = SL_ALPHA_ON_STEP};
        const sl_status st = sl_network_curves(curves, net, lab, key, &a, 1, t->seeds, t->epochs, err);
        if (st != SL_OK && st != SL_DIVERGED) return st;
        for (size_t k = 0; k < t->seeds; k++) {
            double *const e = &errors[arm * t->seeds + k];
            *e = 90;
            if (st == SL_DIVERGED) continue;
            const double right =
                sl_table_row(curves[k], sl_table_rows(curves[k]) - 1)[sl_table_find(curves[k], "test_accuracy")];
            if (isfinite(right)) *e = 100 - right;
        }
        if (st == SL_OK) sl_network_free_curves(curves, t->seeds);
    }
    return SL_OK;
}

/* lost[schedule][k]: points of accuracy that the best rate of a grid is below the best of all rates. */
static sl_status points_lost(double lost[SCHEDULES][MOST_SEEDS], const double *errors, size_t seeds, sl_err *err)
{
    double x[RATES], e[RATES];
    for (size_t s = 0; s < SCHEDULES; s++)
        for (size_t k = 0; k < seeds; k++) {
            double least = INFINITY, mean, worst;
            for (size_t i = 0; i < RATES; i++) {
                x[i] = log(rate_of(i));
                e[i] = errors[(s * RATES + i) * seeds + k];
                least = fmin(least, e[i]);
            }
            SL_TRY(sl_grid_search_loss(&mean, &worst, x, e, RATES, ratio, err));
            lost[s][k] = mean - least;
        }
    return SL_OK;
}

/* Numbers: of losses that are not convex theory does not say how much an annealed rate gains. */
static sl_status training(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const setting t = setting_of(lab->scale);
    double errors[ARMS * MOST_SEEDS], lost[SCHEDULES][MOST_SEEDS];
    sl_network net;
    SL_TRY(sl_network_open(&net, lab, lab->scale == SL_QUICK ? "digits:test=500" : NULL, "mlp", t.samples, err));
    sl_status st = final_errors(errors, &net, lab, &t, err);
    sl_network_close(&net);
    if (st == SL_OK) st = points_lost(lost, errors, t.seeds, err);
    if (st != SL_OK) return st;
    for (size_t s = 1; s < SCHEDULES; s++) {
        const sl_estimate d = sl_annealing_relative_cost(lost[s], lost[0], t.seeds);
        SL_TRY(sl_finding_add(f, d, NAN, 0, NAN, err, "points lost to a grid of ratio %g: %s / fixed", ratio,
                              sl_annealed_schedules[schedules[s]].name));
    }
    snprintf(f->note, sizeof f->note,
             "Model 1 on %s, %llu epochs, %zu seeds: the best rate of a grid of ratio %g is %.2f points of test accuracy "
             "below the best rate with a fixed rate, %.2f with linear decay, %.2f with a cosine",
             t.title, (unsigned long long)t.epochs, t.seeds, ratio, sl_mean(lost[0], t.seeds).value,
             sl_mean(lost[1], t.seeds).value, sl_mean(lost[2], t.seeds).value);
    return SL_OK;
}

const sl_claim sl_claim_annealing_training = {
    .id = "annealing.training",
    .paper = "Attia 2025",
    .equation = "experiments",
    .statement = "a network's test accuracy at the best rate of a coarse grid suffers less under linear decay and cosine "
                 "than under a fixed rate",
    .expected = SL_NUMBERS_ONLY,
    .measure = training,
    .parts = 2,
};
