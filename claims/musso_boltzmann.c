/* Musso 2020, eq 18: how the learning rate, at a fixed temperature, spoils the Boltzmann law. From the transfer
 * operator: SGD's own law, without sampling. */
#include <math.h>
#include <stdio.h>

#include "claims/exact.h"
#include "claims/musso_synthetic.h"
#include "claims/synthetic.h"
#include "theory/boltzmann.h"
#include "theory/discrete.h"

static const double T = 0.1;

/* <f> and the divergence of SGD's law from Boltzmann's, at rate l and the noise that makes the temperature T. */
static sl_status law_of(sl_estimate *loss, sl_estimate *kl, double l, double delta, const sl_lab *lab, sl_err *err)
{
    sl_answer a;
    SL_TRY(sl_exact_law_at(&a, "double-well", T, l, delta, lab, err));
    *loss = sl_exact_number(&a, "loss", 0);
    *kl = sl_exact_number(&a, "kl_to_boltzmann", 0);
    sl_answer_clear(&a);
    return SL_OK;
}

/* Rates l and l/2 at one temperature, extrapolated to l = 0. What is left is of next order: slopes of 1 + 1.1 l and
 * 2 + 2 l, limits off by some 20 l^2; the tolerances allow for twice that. */
static sl_status boltzmann(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    static const double deltas[] = {0, 0.5, 1};
    static const double refinements[] = {[SL_QUICK] = 1, [SL_DESK] = 2, [SL_PAPER] = 4};
    const double r = refinements[lab->scale];
    const double l[2] = {0.02 / r, 0.01 / r};
    double order_one_kl = 0;
    sl_boltzmann b;
    SL_TRY(sl_boltzmann_solve(&b, sl_well, sl_well_slope, NULL, T, 0, err));
    for (size_t d = 0; d < 3; d++) {
        sl_lab_report(lab, "musso.boltzmann", d, 3);
        const sl_alpha_law alpha = sl_alpha_uniform(deltas[d]), constant = sl_alpha_uniform(0);
        sl_first_order limit, other;
        sl_estimate loss[2], kl[2], shift[2];
        SL_TRY(sl_discrete_first_order(&limit, &b, sl_well, sl_well_slope, sl_well_curvature, NULL, T, &alpha, err));
        SL_TRY(sl_discrete_first_order(&other, &b, sl_well, sl_well_slope, sl_well_curvature, NULL, T, &constant, err));
        if (d == 0) /* wrong on purpose: elsewhere a constant rate's */
            other.f_per_l *= 1.05, other.kl_per_l2 *= 1.05;
        for (int i = 0; i < 2; i++) {
            SL_TRY(law_of(&loss[i], &kl[i], l[i], deltas[d], lab, err));
            shift[i] = loss[i];
            shift[i].value -= b.f;
        }
        SL_TRY(sl_finding_add(f, sl_measured_order(shift[0], shift[1]), 1, 0.05 / r, 2, err,
                              "Delta=%g: order of <f>_l - <f> in l, from %.3g", deltas[d], l[0]));
        SL_TRY(sl_finding_add(f, sl_extrapolated(sl_scaled(1 / l[0], shift[0]), sl_scaled(1 / l[1], shift[1])),
                              limit.f_per_l, 0.01 / r * limit.f_per_l, other.f_per_l, err,
                              "Delta=%g: (<f>_l - <f>) / l, l -> 0", deltas[d]));
        SL_TRY(sl_finding_add(f, sl_measured_order(kl[0], kl[1]), 2, 0.1 / r, 1, err,
                              "Delta=%g: order of KL in l, from %.3g", deltas[d], l[0]));
        SL_TRY(sl_finding_add(f,
                              sl_extrapolated(sl_scaled(1 / (l[0] * l[0]), kl[0]), sl_scaled(1 / (l[1] * l[1]), kl[1])),
                              limit.kl_per_l2, 0.02 / r * limit.kl_per_l2, other.kl_per_l2, err,
                              "Delta=%g: KL / l^2, l -> 0", deltas[d]));
        if (d == 0) order_one_kl = kl[0].value;
    }
    snprintf(f->note, sizeof f->note,
             "from the transfer operator, nothing sampled: at l = %.3g, Delta = 0, KL = %.3g (iterates that the cubic "
             "force throws out are killed: the law is quasi-stationary)",
             l[0], order_one_kl);
    return SL_OK;
}

const sl_claim sl_claim_musso_boltzmann = {
    .id = "musso.boltzmann",
    .paper = "Musso 2020",
    .equation = "18",
    .statement = "the stationary law of x is Boltzmann's as l -> 0 at fixed T: moments err like l, the "
                 "Kullback-Leibler divergence falls like l^2 (double well, T = 0.1, Delta = 0: KL/l^2 -> 0.323)",
    .expected = SL_HOLDS,
    .measure = boltzmann,
    .parts = 12,
};
