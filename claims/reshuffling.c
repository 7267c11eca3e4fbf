/* Random reshuffling's noise against that of sampling with replacement: batches themselves (Cochran 1977, ch. 2), and
 * what SGD makes of them on a finite sum of squares. */
#include <math.h>

#include "base/random.h"
#include "claims/neighbours.h"
#include "claims/plrs_trial.h"
#include "claims/synthetic.h"
#include "sim/reshuffling.h"
#include "theory/reshuffling.h"

static const char *const drawing_name[] = {"replacement", "subsets", "epochs"};

/* ---- batches ---- */

enum { NUMBERS = 40, BATCH = 15 };

/* Wrong on purpose: with replacement for drawings without, and the other way round. */
static sl_status of_batches(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const double r = sl_lab_refinement(lab), without = (NUMBERS - BATCH) / (NUMBERS - 1.0);
    const sl_draw draw = {.seed = lab->seed, .sub = SL_EXPERIMENT_NEIGHBOURS + 16, .purpose = SL_PURPOSE_TEST};
    double value[NUMBERS], mean = 0, S2 = 0;
    sl_random_normals(value, NUMBERS, 0, 2, &draw);
    for (int i = 0; i < NUMBERS; i++) mean += value[i] / NUMBERS;
    for (int i = 0; i < NUMBERS; i++) S2 += (value[i] - mean) * (value[i] - mean) / NUMBERS;
    for (sl_finite_drawing drawing = SL_FINITE_REPLACEMENT; drawing <= SL_FINITE_EPOCHS; drawing++) {
        sl_estimate variance, covariance;
        SL_TRY(sl_batch_means_mc(&variance, &covariance, value, NUMBERS, BATCH, drawing, (uint64_t)(60000 * r * r),
                                 lab->seed, err));
        SL_TRY(sl_finding_add(f, sl_scaled(BATCH / S2, variance), drawing == SL_FINITE_REPLACEMENT ? 1 : without,
                              0.05 / r, drawing == SL_FINITE_REPLACEMENT ? without : 1, err,
                              "%s: variance of batch means / (S^2/C)", drawing_name[drawing]));
        SL_TRY(sl_finding_add(f, sl_scaled((NUMBERS - 1) / S2, covariance), drawing == SL_FINITE_EPOCHS ? -1 : 0,
                              0.1 / r, drawing == SL_FINITE_EPOCHS ? 0 : -1, err,
                              "%s: covariance of consecutive ones (N - 1)/S^2", drawing_name[drawing]));
    }
    return SL_OK;
}

/* ---- SGD ---- */

enum { N = 12, DIM = 2, C = 2, POSITIONS = N / C };
static const double x[DIM * N] = {1,   0.2,  -0.5, 1,   1.5,  -0.3, 0.8,  0.9, -1.2, 0.1, 0.3, -0.7,
                                  0.6, -1.1, 1.3,  0.4, -0.9, 0.8,  -0.2, -1,  0.7,  1.2, -1,  0.5};
static const double y[N] = {0.4, 1.1, -0.6, 2, 0.2, -0.9, 1.4, -0.3, 0.8, -1.2, 0.1, 0.9};

typedef struct {
    double exact[POSITIONS]; /* E |theta - theta*|^2 after p batches of an epoch */
    sl_estimate seen[POSITIONS];
} excursion;

/* Updates 2 replicas epochs; burn-in: 10 relaxations of the slowest coordinate, curvature about 0.5. */
static sl_status excursions(excursion *e, double rate, sl_finite_drawing drawing, double updates, const sl_lab *lab,
                            sl_err *err)
{
    enum { REPLICAS = 2048 };
    const double r = sl_lab_refinement(lab), period = drawing == SL_FINITE_EPOCHS ? POSITIONS : 1;
    sl_reshuffling run = {.sum = {N, DIM, x, y, rate, C, drawing},
                          .seed = lab->seed,
                          .replicas = REPLICAS,
                          .epochs = (uint64_t)ceil(updates * r * r / REPLICAS / period),
                          .burn_in = (uint64_t)ceil(10 / (0.5 * rate) / period),
                          .jobs = lab->jobs};
    double theta[DIM], mean[DIM * POSITIONS], second[DIM * DIM * POSITIONS];
    sl_estimate m[DIM * POSITIONS], M[DIM * DIM * POSITIONS];
    SL_TRY(sl_finite_sum_minimum(theta, &run.sum, err));
    run.centre = theta;
    SL_TRY(sl_reshuffling_stationary(mean, second, &run.sum, err));
    SL_TRY(sl_reshuffling_run(m, M, &run, err));
    for (size_t p = 0; p < sl_finite_positions(&run.sum); p++) {
        const sl_estimate a = M[4 * p], b = M[4 * p + 3];
        e->exact[p] = second[4 * p] + second[4 * p + 3];
        /* The two coordinates come from the same replicas: their errors add up at worst. */
        e->seen[p] = (sl_estimate){a.value + b.value, a.se + b.se, a.dof};
    }
    return SL_OK;
}

static const double rates[] = {0.02, 0.04, 0.08};
enum { RATES = 3, MIDDLE = POSITIONS / 2 };

/* The exact law at a rate where leading orders miss; wrong on purpose: the other drawing's. */
static sl_status exact_laws(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const double r = sl_lab_refinement(lab), rate = 0.15;
    excursion with, epochs;
    SL_TRY(excursions(&with, rate, SL_FINITE_REPLACEMENT, 1e6, lab, err));
    SL_TRY(excursions(&epochs, rate, SL_FINITE_EPOCHS, 1e6, lab, err));
    SL_TRY(sl_finding_add(f, sl_scaled(1 / with.exact[0], with.seen[0]), 1, 0.05 / r, epochs.exact[0] / with.exact[0],
                          err, "SGD, rate %g, replacement: |eta|^2 / exact", rate));
    for (size_t p = 0; p <= MIDDLE; p += MIDDLE)
        SL_TRY(sl_finding_add(f, sl_scaled(1 / epochs.exact[p], epochs.seen[p]), 1, 0.05 / r,
                              with.exact[0] / epochs.exact[p], err, "SGD, rate %g, epochs, batch %zu: |eta|^2 / exact",
                              rate, p));
    return SL_OK;
}

/* The exponent of `seen` in the rate, against that of `exact` with the same weights: 1 or 2 in the limit of small
 * rates. Wrong on purpose: the other limit. */
static sl_status add_exponent(sl_finding *f, const sl_estimate *seen, const double *exact, double other,
                              const char *what, const sl_lab *lab, sl_err *err)
{
    sl_estimate measured, predicted, theory[RATES];
    for (size_t i = 0; i < RATES; i++) theory[i] = (sl_estimate){exact[i], seen[i].se * exact[i] / seen[i].value, 0};
    SL_TRY(sl_trial_exponent(&measured, rates, seen, RATES, err));
    SL_TRY(sl_trial_exponent(&predicted, rates, theory, RATES, err));
    return sl_finding_add(f, measured, predicted.value, 0.1 / sl_lab_refinement(lab), other, err,
                          "SGD, %s: exponent of |eta|^2 in the rate", what);
}

/* |eta|^2 ~ rate^2 in the middle of an epoch and rate with replacement, and a bridge over the epoch: batch p against
 * the middle is 4 p (q - p)/q^2 for small rates; wrong on purpose: a walk, 2 p/q. What higher orders add at these rates
 * is in the exact law, so that tolerances are for sampling alone. */
static sl_status orders(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    sl_estimate with[RATES], middle[RATES];
    double exact_with[RATES], exact_middle[RATES];
    excursion e;
    for (size_t i = RATES; i-- > 0;) {
        SL_TRY(excursions(&e, rates[i], SL_FINITE_REPLACEMENT, 1e6, lab, err));
        with[i] = e.seen[0];
        exact_with[i] = e.exact[0];
        SL_TRY(excursions(&e, rates[i], SL_FINITE_EPOCHS, 1e6, lab, err));
        middle[i] = e.seen[MIDDLE];
        exact_middle[i] = e.exact[MIDDLE];
    }
    SL_TRY(add_exponent(f, with, exact_with, 2, "replacement", lab, err));
    SL_TRY(add_exponent(f, middle, exact_middle, 1, "amid an epoch", lab, err));
    const sl_estimate late = e.seen[POSITIONS - 1], amid = e.seen[MIDDLE];
    const double share = late.value / amid.value; /* of the same replicas: errors add up at worst, as above */
    const sl_estimate bridge = {share, share * (late.se / late.value + amid.se / amid.value), late.dof};
    return sl_finding_add(f, bridge, e.exact[POSITIONS - 1] / e.exact[MIDDLE],
                          0.1 / sl_lab_refinement(lab), 2 * (POSITIONS - 1.0) / POSITIONS, err,
                          "SGD, rate %g: |eta|^2 before an epoch's last batch / amid it", rates[0]);
}

static sl_status reshuffling(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    SL_TRY(of_batches(lab, f, err));
    sl_lab_report(lab, "reshuffling.covariance", 1, 3);
    SL_TRY(exact_laws(lab, f, err));
    sl_lab_report(lab, "reshuffling.covariance", 2, 3);
    return orders(lab, f, err);
}

const sl_claim sl_claim_reshuffling_covariance = {
    .id = "reshuffling.covariance",
    .paper = "Cochran 1977",
    .equation = "ch. 2",
    .statement =
        "batches of one epoch have variance S^2 (N - C)/(C (N - 1)) and covariance -S^2/(N - 1), so that an "
        "epoch's noise adds up to nothing: SGD's |theta - theta*|^2 is of order rate^2, a bridge over the epoch, "
        "and of order rate with replacement",
    .expected = SL_HOLDS,
    .measure = reshuffling,
    .parts = 12,
};
