/* The claims of Musso 2020 on curves of test accuracy from the start of training (figures 1 to 6): what is run is in
 * claims/musso_settings.c. */
#include <math.h>
#include <stdio.h>

#include "claims/musso_network.h"

static const char *trained_on(const sl_lab *lab, const char *data)
{
    return data ? data : lab->scale == SL_QUICK ? "built-in digits" : "MNIST";
}

/* Best accuracies of all arms and seeds. */
static sl_status best_accuracies(double *best, const sl_lab *lab, const sl_musso_protocols *p, sl_err *err)
{
    sl_table *curves[SL_MUSSO_MOST_ARMS * SL_MUSSO_MOST_SEEDS];
    const size_t n = p->n_arms * p->seeds;
    SL_TRY(sl_musso_protocol_curves(curves, lab, p, err));
    for (size_t i = 0; i < n; i++) best[i] = sl_table_max(curves[i], "test_accuracy");
    sl_network_free_curves(curves, n);
    return SL_OK;
}

static sl_status equivalent(const sl_lab *lab, const sl_musso_protocols *p, sl_finding *f, sl_err *err)
{
    double best[SL_MUSSO_MOST_ARMS * SL_MUSSO_MOST_SEEDS], dof;
    SL_TRY(best_accuracies(best, lab, p, err));
    snprintf(f->note, sizeof f->note, "%s on %s, %zu seeds, %llu epochs: constant reaches %.2f %%", p->title,
             trained_on(lab, p->data), p->seeds, (unsigned long long)p->epochs, sl_mean(best, p->seeds).value);
    const double sd = sl_pooled_sd(&dof, best, p->n_arms, p->seeds);
    for (size_t arm = 1; arm < p->n_arms; arm++) {
        const sl_estimate d = sl_paired_difference(best + arm * p->seeds, best, p->seeds, sd, dof);
        /* The wrong prediction: the protocol gains three margins. */
        SL_TRY(sl_finding_add(f, d, 0, p->margin, 3 * p->margin, err, "best accuracy of %s minus constant, points",
                              p->arms[arm].title));
    }
    return SL_OK;
}

static sl_status protocols_equivalent(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const sl_musso_protocols p = sl_musso_protocols_at(lab->scale);
    return equivalent(lab, &p, f, err);
}
static sl_status protocols_equivalent_model_2(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const sl_musso_protocols p = sl_musso_protocols_model_2_at(lab->scale);
    return equivalent(lab, &p, f, err);
}

const sl_claim sl_claim_musso_protocols_equivalent = {
    .id = "musso.protocols-equivalent",
    .paper = "Musso 2020",
    .equation = "figs 1-3",
    .statement = "constant, random and cyclic protocols of one mean rate reach the same best test accuracy "
                 "(within 0.3 points on MNIST, 0.5 on the digits) with Model 1 at small l",
    .expected = SL_HOLDS,
    .measure = protocols_equivalent,
    .parts = 4,
};
const sl_claim sl_claim_musso_protocols_equivalent_model_2 = {
    .id = "musso.protocols-equivalent.model-2",
    .paper = "Musso 2020",
    .equation = "figs 2-3",
    .statement = "constant, random and cyclic protocols of one mean rate reach the same best test accuracy (within 0.3 "
                 "points, 2 at desk scale) with Model 2 at small l",
    .expected = SL_HOLDS,
    .from = SL_DESK,
    .measure = protocols_equivalent_model_2,
    .parts = 4,
};

/* Figure 4, and how much of it is temperature: each protocol minus the constant one, and minus the constant rate that
 * is as hot (of the random ones that is so for alpha on the gradient: claims/musso_settings.c).
 * Numbers: the paper says that the random rate regularises better, theory does not say how much. */
static sl_status regularisation_confound(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    enum { CONSTANT, RANDOM, CYCLIC, HOTTER_4_3 = 5, HOTTER_3_2, RANDOM_GRADIENT };
    const sl_musso_protocols p = sl_musso_regularisation_at(lab->scale);
    double best[SL_MUSSO_MOST_ARMS * SL_MUSSO_MOST_SEEDS], dof;
    SL_TRY(best_accuracies(best, lab, &p, err));
    snprintf(f->note, sizeof f->note, "%s on %s, %zu seeds, %llu epochs: constant reaches %.2f %%", p.title, p.data,
             p.seeds, (unsigned long long)p.epochs, sl_mean(best, p.seeds).value);
    const double sd = sl_pooled_sd(&dof, best, p.n_arms, p.seeds);
    static const struct {
        size_t arm, base;
    } pairs[] = {{RANDOM, CONSTANT}, {RANDOM_GRADIENT, CONSTANT}, {CYCLIC, CONSTANT}, {HOTTER_4_3, CONSTANT},
                 {HOTTER_3_2, CONSTANT}, {RANDOM_GRADIENT, HOTTER_4_3}, {CYCLIC, HOTTER_3_2}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const size_t a = pairs[i].arm, b = pairs[i].base;
        const sl_estimate d = sl_paired_difference(best + a * p.seeds, best + b * p.seeds, p.seeds, sd, dof);
        SL_TRY(sl_finding_add(f, d, NAN, 0, NAN, err, "best accuracy, %s - %s, points", p.arms[a].title,
                              p.arms[b].title));
    }
    return SL_OK;
}

const sl_claim sl_claim_musso_regularisation_confound = {
    .id = "musso.regularisation-confound",
    .paper = "Musso 2020",
    .equation = "fig 4",
    .statement = "random and cyclic rates regularise better than a constant one of the same mean, and than a constant "
                 "one of the same temperature (4/3 l, alpha on the gradient, and 3/2 l)",
    .expected = SL_NUMBERS_ONLY,
    .from = SL_DESK,
    .measure = regularisation_confound,
    .parts = 7,
};

/* Test accuracy after so many epochs of every seed of an arm. */
static void accuracy_after(double *a, sl_table *const *curves, size_t seeds, size_t arm, uint64_t epochs)
{
    for (size_t k = 0; k < seeds; k++) {
        const sl_table *t = curves[arm * seeds + k];
        a[k] = sl_table_row(t, epochs - 1)[sl_table_find(t, "test_accuracy")];
    }
}

typedef enum { EQUAL_PAIR, COUNTER_CHECK, EQUAL_TIME } comparison;

/* Accuracy of arm II or III minus that of I after 2, 4, 8, ... epochs of I. The arms differ in what the random rates
 * make of an epoch's time (its relative deviation is sqrt((q - 1) / steps), 2 to 4 % here), worth a point or two
 * where accuracy doubles within an epoch: hence 3 points for each, against gaps of 10 to 20 of another pace. */
static sl_status compare_curves(const sl_lab *lab, const sl_musso_pair *of, sl_finding *f, comparison what, sl_err *err)
{
    const sl_musso_pair p = *of;
    const double tolerance = 3 * p.margin;
    sl_table *curves[3 * SL_MUSSO_MOST_SEEDS];
    SL_TRY(sl_musso_pair_curves(curves, lab, &p, err));
    sl_status st = SL_OK;
    const size_t n = p.seeds;
    for (uint64_t epoch = 2; epoch <= p.epochs && st == SL_OK; epoch *= 2) {
        double a[3 * SL_MUSSO_MOST_SEEDS], slow[SL_MUSSO_MOST_SEEDS], dof;
        accuracy_after(a, curves, n, 0, epoch);             /* I                       */
        accuracy_after(a + n, curves, n, 1, epoch);         /* II                      */
        accuracy_after(a + 2 * n, curves, n, 2, 2 * epoch); /* III at the same time    */
        accuracy_after(slow, curves, n, 2, epoch);          /* III at the same epoch   */
        const double sd = sl_pooled_sd(&dof, a, 3, n);
        const sl_estimate gap = sl_paired_difference(slow, a, n, 0, 0);
        const unsigned long long e = epoch;
        snprintf(f->note, sizeof f->note, "%s, %zu seeds: after %llu epochs I reaches %.2f %%, III %.2f %%",
                 trained_on(lab, p.data), n, e, sl_mean(a, n).value, sl_mean(slow, n).value);
        /* The wrong prediction: the gap of another pace; for the counter-check, that gap the other way round. */
        switch (what) {
        case EQUAL_PAIR:
            st = sl_finding_add(f, sl_paired_difference(a + n, a, n, sd, dof), 0, tolerance, gap.value, err,
                                "accuracy of II minus I, %llu epochs, points", e);
            break;
        case EQUAL_TIME:
            st = sl_finding_add(f, sl_paired_difference(a + 2 * n, a, n, sd, dof), 0, tolerance, gap.value, err,
                                "accuracy of III, %llu epochs, minus I, %llu, points", 2 * e, e);
            break;
        case COUNTER_CHECK:
            st = sl_finding_add(f, gap, 0, tolerance, -gap.value, err,
                                "accuracy of III minus I, %llu epochs, points", e);
            break;
        }
    }
    sl_network_free_curves(curves, 3 * n);
    return st;
}

static sl_status equal_temperature(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const sl_musso_pair p = sl_musso_figure_5_at(lab->scale);
    return compare_curves(lab, &p, f, EQUAL_PAIR, err);
}
static sl_status equal_temperature_model_2(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const sl_musso_pair p = sl_musso_figure_6_at(lab->scale);
    return compare_curves(lab, &p, f, EQUAL_PAIR, err);
}
static sl_status counter_check(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const sl_musso_pair p = sl_musso_figure_5_at(lab->scale);
    return compare_curves(lab, &p, f, COUNTER_CHECK, err);
}
static sl_status confound(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const sl_musso_pair p = sl_musso_figure_5_at(lab->scale);
    return compare_curves(lab, &p, f, EQUAL_TIME, err);
}

const sl_claim sl_claim_musso_equal_temperature = {
    .id = "musso.equal-temperature",
    .paper = "Musso 2020",
    .equation = "fig 5",
    .statement = "trainings I and II of one temperature T = lD/2C(1-mu) have the same accuracy curve",
    .expected = SL_HOLDS,
    .measure = equal_temperature,
    .parts = 4,
};
const sl_claim sl_claim_musso_equal_temperature_model_2 = {
    .id = "musso.equal-temperature.model-2",
    .paper = "Musso 2020",
    .equation = "fig 6 left",
    .statement = "trainings of Model 2 with C = 60, mu = 0.75 and C = 30, mu = 0.5, of one temperature, have the same "
                 "accuracy curve",
    .expected = SL_HOLDS,
    .from = SL_DESK,
    .measure = equal_temperature_model_2,
    .parts = 4,
};
const sl_claim sl_claim_musso_counter_check = {
    .id = "musso.equal-temperature.counter-check",
    .paper = "Musso 2020",
    .equation = "fig 5",
    .statement = "training III of half the temperature, too, has the accuracy curve of I at equal epochs",
    .expected = SL_FAILS,
    .measure = counter_check,
    .parts = 4,
};
const sl_claim sl_claim_musso_confound = {
    .id = "musso.equal-temperature-confound",
    .paper = "Musso 2020, not in the paper",
    .equation = "fig 5",
    .statement = "at equal time t = sum l/(1-mu) III of half the temperature has the accuracy of I: early in "
                 "training the figure sees time, not temperature",
    .expected = SL_HOLDS,
    .measure = confound,
    .parts = 4,
};

