/* The claims of Musso 2020 that speak of trained networks: Model 1 on MNIST (desk, paper) or on the built-in digits
 * (quick). Two families: curves of test accuracy from the start of training (figures 1, 3, 5), and the stationary
 * loss late in training, where temperature shows. */
#include "claims/musso_network.h"

#include <stdio.h>

/* ---- Curves ---------------------------------------------------------------------------------------------------- */

/* Figures 1 and 3: l = 5e-3, Nesterov with mu = 0.9, C = 256. Quick: as many steps as 8 epochs of it, on 3000 of the
 * digits, whose test error is three times MNIST's: hence the wider margin. Seeds: differences of two runs have a
 * deviation of 0.16 points there, of 12 a standard error of 0.045, 5.5 of which and a real 0.1 stay within 0.5. */
static const sl_arm protocols_mnist[SL_MUSSO_PROTOCOLS] = {
    {"constant", "constant", "constant", "nesterov", 5e-3, 0.9, 0, 256},
    {"random", "random", "random:delta=1", "nesterov", 5e-3, 0.9, 0, 256},
    {"cyclic6", "cyclic, P = 6", "cyclic:period=6", "nesterov", 5e-3, 0.9, 0, 256},
    {"cyclic18", "cyclic, P = 18", "cyclic:period=18", "nesterov", 5e-3, 0.9, 0, 256},
    {"cyclic30", "cyclic, P = 30", "cyclic:period=30", "nesterov", 5e-3, 0.9, 0, 256},
};

static const sl_arm protocols_digits[SL_MUSSO_PROTOCOLS] = {
    {"constant", "constant", "constant", "nesterov", 2e-3, 0.9, 0, 32},
    {"random", "random", "random:delta=1", "nesterov", 2e-3, 0.9, 0, 32},
    {"cyclic2", "cyclic, P = 2", "cyclic:period=2", "nesterov", 2e-3, 0.9, 0, 32},
    {"cyclic5", "cyclic, P = 5", "cyclic:period=5", "nesterov", 2e-3, 0.9, 0, 32},
    {"cyclic10", "cyclic, P = 10", "cyclic:period=10", "nesterov", 2e-3, 0.9, 0, 32},
};

sl_musso_protocols sl_musso_protocols_at(sl_scale scale)
{
    switch (scale) {
    case SL_PAPER: return (sl_musso_protocols){protocols_mnist, 0, 10, 180, 0.3};
    case SL_DESK: return (sl_musso_protocols){protocols_mnist, 0, 6, 60, 0.3};
    case SL_QUICK: break;
    }
    return (sl_musso_protocols){protocols_digits, 3000, 12, 20, 0.5};
}

sl_status sl_musso_protocol_curves(sl_table **curves, const sl_lab *lab, const sl_musso_protocols *p, sl_err *err)
{
    sl_network net;
    SL_TRY(sl_network_open(&net, lab, "mlp", p->samples, err));
    const sl_status st =
        sl_network_curves(curves, &net, lab, "protocols", p->arms, SL_MUSSO_PROTOCOLS, p->seeds, p->epochs, err);
    sl_network_close(&net);
    return st;
}

static const char *trained_on(const sl_lab *lab)
{
    return lab->scale == SL_QUICK ? "built-in digits" : "MNIST";
}

static sl_status protocols_equivalent(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const sl_musso_protocols p = sl_musso_protocols_at(lab->scale);
    const size_t n = SL_MUSSO_PROTOCOLS * p.seeds;
    sl_table *curves[SL_MUSSO_PROTOCOLS * SL_MUSSO_MOST_SEEDS];
    double best[SL_MUSSO_PROTOCOLS * SL_MUSSO_MOST_SEEDS];
    SL_TRY(sl_musso_protocol_curves(curves, lab, &p, err));
    for (size_t i = 0; i < n; i++) best[i] = sl_table_max(curves[i], "test_accuracy");
    sl_network_free_curves(curves, n);

    snprintf(f->note, sizeof f->note, "%s, %zu seeds, %llu epochs: constant reaches %.2f %%", trained_on(lab), p.seeds,
             (unsigned long long)p.epochs, sl_mean(best, p.seeds).value);
    double dof;
    const double sd = sl_pooled_sd(&dof, best, SL_MUSSO_PROTOCOLS, p.seeds);
    sl_status st = SL_OK;
    for (size_t arm = 1; arm < SL_MUSSO_PROTOCOLS && st == SL_OK; arm++) {
        const sl_estimate d = sl_paired_difference(best + arm * p.seeds, best, p.seeds, sd, dof);
        /* The wrong prediction: the protocol gains three margins. */
        st = sl_finding_add(f, d, 0, p.margin, 3 * p.margin, err, "best accuracy of %s minus constant, points", p.arms[arm].title);
    }
    return st;
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

/* Figure 5, random protocol, mu = 0. The digits are a fifth of MNIST: rates five times as large make an epoch last
 * as long (time N l / C). III trains for twice as many epochs, so that it reaches I's time too. */
static const sl_arm figure_5_mnist[3] = {
    {"I", "I: C = 60, l = 2e-4", "random:delta=1", "plain", 2e-4, 0, 0, 60},
    {"II", "II: C = 30, l = 1e-4 (same T)", "random:delta=1", "plain", 1e-4, 0, 0, 30},
    {"III", "III: C = 60, l = 1e-4 (another T)", "random:delta=1", "plain", 1e-4, 0, 0, 60},
};
static const sl_arm figure_5_digits[3] = {
    {"I", "I: C = 60, l = 1e-3", "random:delta=1", "plain", 1e-3, 0, 0, 60},
    {"II", "II: C = 30, l = 5e-4 (same T)", "random:delta=1", "plain", 5e-4, 0, 0, 30},
    {"III", "III: C = 60, l = 5e-4 (another T)", "random:delta=1", "plain", 5e-4, 0, 0, 60},
};

sl_musso_figure_5 sl_musso_figure_5_at(sl_scale scale)
{
    switch (scale) {
    case SL_PAPER: return (sl_musso_figure_5){figure_5_mnist, 16, 30};
    case SL_DESK: return (sl_musso_figure_5){figure_5_mnist, 12, 10};
    case SL_QUICK: break;
    }
    return (sl_musso_figure_5){figure_5_digits, 8, 4};
}

sl_status sl_musso_figure_5_curves(sl_table **curves, const sl_lab *lab, const sl_musso_figure_5 *p, sl_err *err)
{
    sl_network net;
    SL_TRY(sl_network_open(&net, lab, "mlp", 0, err));
    sl_status st = sl_network_curves(curves, &net, lab, "equal-temperature", p->arms, 2, p->seeds, p->epochs, err);
    if (st == SL_OK) {
        st = sl_network_curves(curves + 2 * p->seeds, &net, lab, "equal-temperature", p->arms + 2, 1, p->seeds,
                               2 * p->epochs, err);
        if (st != SL_OK) sl_network_free_curves(curves, 2 * p->seeds);
    }
    sl_network_close(&net);
    return st;
}

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
static sl_status compare_curves(const sl_lab *lab, sl_finding *f, comparison what, sl_err *err)
{
    const sl_musso_figure_5 p = sl_musso_figure_5_at(lab->scale);
    sl_table *curves[3 * SL_MUSSO_MOST_SEEDS];
    SL_TRY(sl_musso_figure_5_curves(curves, lab, &p, err));
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
        snprintf(f->note, sizeof f->note, "%s, %zu seeds: after %llu epochs I reaches %.2f %%, III %.2f %%", trained_on(lab), n,
                 e, sl_mean(a, n).value, sl_mean(slow, n).value);
        /* The wrong prediction: the gap of another pace; for the counter-check, that gap the other way round. */
        switch (what) {
        case EQUAL_PAIR:
            st = sl_finding_add(f, sl_paired_difference(a + n, a, n, sd, dof), 0, 3, gap.value, err,
                                "accuracy of II minus I, %llu epochs, points", e);
            break;
        case EQUAL_TIME:
            st = sl_finding_add(f, sl_paired_difference(a + 2 * n, a, n, sd, dof), 0, 3, gap.value, err,
                                "accuracy of III, %llu epochs, minus I, %llu, points", 2 * e, e);
            break;
        case COUNTER_CHECK:
            st = sl_finding_add(f, gap, 0, 3, -gap.value, err, "accuracy of III minus I, %llu epochs, points", e);
            break;
        }
    }
    sl_network_free_curves(curves, 3 * n);
    return st;
}

static sl_status equal_temperature(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    return compare_curves(lab, f, EQUAL_PAIR, err);
}
static sl_status counter_check(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    return compare_curves(lab, f, COUNTER_CHECK, err);
}
static sl_status confound(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    return compare_curves(lab, f, EQUAL_TIME, err);
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

/* ---- Stationary loss ------------------------------------------------------------------------------------------- */

enum { FULL, FULL_SMALL_BATCH, FULL_MOMENTUM, HALF, HALF_SMALL_BATCH, RANDOM, HOTTER, LATE };

/* Three settings of one temperature, two of its half, and the random rate beside the constant one q = 4/3 as large. */
static const sl_arm late_mnist[LATE] = {
    {"l0.1-C64", "l = 0.1, C = 64", "constant", "plain", 0.1, 0, 0.01, 64},
    {"l0.05-C32", "l = 0.05, C = 32", "constant", "plain", 0.05, 0, 0.01, 32},
    {"l0.025-C32-mu0.5", "l = 0.025, C = 32, mu = 0.5", "constant", "heavy-ball", 0.025, 0.5, 0.01, 32},
    {"l0.1-C128", "l = 0.1, C = 128", "constant", "plain", 0.1, 0, 0.01, 128},
    {"l0.05-C64", "l = 0.05, C = 64", "constant", "plain", 0.05, 0, 0.01, 64},
    {"l0.05-C32-random", "l = 0.05, C = 32, random", "random:delta=1", "plain", 0.05, 0, 0.01, 32},
    {"l0.0667-C32", "l = 0.0667, C = 32", "constant", "plain", 0.05 * 4 / 3, 0, 0.01, 32},
};

/* Quick: a stronger regularisation relaxes sooner (in time 1/w), smaller batches are as hot at smaller rates, where
 * the leading order in l is nearer. */
static const sl_arm late_digits[LATE] = {
    {"l0.05-C16", "l = 0.05, C = 16", "constant", "plain", 0.05, 0, 0.05, 16},
    {"l0.025-C8", "l = 0.025, C = 8", "constant", "plain", 0.025, 0, 0.05, 8},
    {"l0.0125-C8-mu0.5", "l = 0.0125, C = 8, mu = 0.5", "constant", "heavy-ball", 0.0125, 0.5, 0.05, 8},
    {"l0.05-C32", "l = 0.05, C = 32", "constant", "plain", 0.05, 0, 0.05, 32},
    {"l0.025-C16", "l = 0.025, C = 16", "constant", "plain", 0.025, 0, 0.05, 16},
    {"l0.025-C8-random", "l = 0.025, C = 8, random", "random:delta=1", "plain", 0.025, 0, 0.05, 8},
    {"l0.0333-C8", "l = 0.0333, C = 8", "constant", "plain", 0.025 * 4 / 3, 0, 0.05, 8},
};

sl_musso_stationary sl_musso_stationary_at(sl_scale scale)
{
    switch (scale) {
    case SL_PAPER: return (sl_musso_stationary){"mlp", late_mnist, 12000, 24, 400, 100};
    case SL_DESK: return (sl_musso_stationary){"mlp", late_mnist, 12000, 10, 400, 50};
    case SL_QUICK: break;
    }
    return (sl_musso_stationary){"mlp:hidden=30", late_digits, 1000, 12, 50, 100};
}

/* loss[arm * seeds + k] of n arms from `first` on. */
static sl_status late_losses(double *loss, const sl_lab *lab, size_t first, size_t n, size_t *seeds, sl_err *err)
{
    const sl_musso_stationary s = sl_musso_stationary_at(lab->scale);
    *seeds = s.seeds;
    sl_network net;
    SL_TRY(sl_network_open(&net, lab, s.model, s.samples, err));
    const sl_status st =
        sl_network_stationary(loss, &net, lab, "stationary", s.arms + first, n, s.seeds, s.time, s.evaluations, err);
    sl_network_close(&net);
    return st;
}

/* Eq 20 is the leading order in l: what it leaves out is a fraction of what T does. So differences are measured in
 * units of the whole effect (of halving T, or of heating by 4/3): half of it is the tolerance, all of it the wrong
 * prediction. */
static const double half_effect = 0.5;

static sl_status temperature_late(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    double loss[LATE * SL_MUSSO_MOST_SEEDS], dof;
    size_t n;
    SL_TRY(late_losses(loss, lab, 0, HALF_SMALL_BATCH + 1, &n, err));
    const double sd = sl_pooled_sd(&dof, loss, HALF_SMALL_BATCH + 1, n);
    const double *const full = loss, *const half = loss + HALF * n;
    snprintf(f->note, sizeof f->note, "%s, %zu seeds: effect of T: the loss is %.5f, %.5f at half the temperature",
             trained_on(lab), n, sl_mean(full, n).value, sl_mean(half, n).value);
    static const struct {
        size_t arm;
        bool half;
        const char *label;
    } same[] = {{FULL_SMALL_BATCH, false, "loss at l/2, C/2 against l, C"},
                {FULL_MOMENTUM, false, "loss at l/4, C/2, mu = 0.5 against l, C"},
                {HALF_SMALL_BATCH, true, "at T/2: loss at l/2, C against l, 2C"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const double *const base = same[i].half ? half : full, *const other = same[i].half ? full : half;
        const sl_estimate d = sl_relative_difference(loss + same[i].arm * n, base, other, n, sd, dof);
        SL_TRY(sl_finding_add(f, d, 0, half_effect, 1, err, "%s / effect of T", same[i].label));
    }
    return SL_OK;
}

const sl_claim sl_claim_musso_temperature_late = {
    .id = "musso.temperature-late",
    .paper = "Musso 2020, what the figures would need",
    .equation = "20",
    .statement = "late in training the stationary loss of a network depends on (l, C, mu) through T = lD/2C(1-mu)",
    .expected = SL_HOLDS,
    .measure = temperature_late,
    .parts = 3,
};

/* The stationary loss of the random protocol at l against the constant one's at l (printed) or at q l (derived). */
static sl_status random_against(const sl_lab *lab, sl_finding *f, bool derived, sl_err *err)
{
    double loss[3 * SL_MUSSO_MOST_SEEDS], dof;
    size_t n;
    SL_TRY(late_losses(loss, lab, FULL_SMALL_BATCH, 1, &n, err));
    SL_TRY(late_losses(loss + n, lab, RANDOM, 2, &n, err));
    const double *const same = loss, *const random = loss + n, *const hotter = loss + 2 * n;
    const double sd = sl_pooled_sd(&dof, loss, 3, n);
    snprintf(f->note, sizeof f->note, "%s, %zu seeds: effect of 4/3: the loss is %.5f at l, %.5f at 4/3 l, %.5f random",
             trained_on(lab), n, sl_mean(same, n).value, sl_mean(hotter, n).value, sl_mean(random, n).value);
    /* Wrong on purpose: for the printed row, that the random rate cools; for the derived one, that it does nothing. */
    if (derived)
        return sl_finding_add(f, sl_relative_difference(random, hotter, same, n, sd, dof), 0, half_effect, 1, err,
                              "loss of random l against constant 4/3 l / effect");
    return sl_finding_add(f, sl_relative_difference(random, same, hotter, n, sd, dof), 0, half_effect, -1, err,
                          "loss of random l against constant l / effect of 4/3");
}

static sl_status random_printed(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    return random_against(lab, f, false, err);
}
static sl_status random_derived(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    return random_against(lab, f, true, err);
}

const sl_claim sl_claim_musso_random_is_hotter_printed = {
    .id = "musso.random-is-hotter.printed",
    .paper = "Musso 2020",
    .equation = "20, sec 3.1",
    .statement = "constant and random protocols of one mean rate have one temperature, hence one stationary loss",
    .expected = SL_FAILS,
    .measure = random_printed,
    .parts = 1,
};
const sl_claim sl_claim_musso_random_is_hotter_derived = {
    .id = "musso.random-is-hotter.derived",
    .paper = "Musso 2020",
    .equation = "20, 27, 31",
    .statement = "the random protocol is hotter by q = 1 + Delta^2/3: it has the stationary loss of a constant q l",
    .expected = SL_HOLDS,
    .measure = random_derived,
    .parts = 1,
};
