/* Musso 2020, eqs 10, 15, 18: the continuous system that is to stand for SGD. Its noise as printed, and the law of
 * position and velocity that follows. */
#include <math.h>

#include "claims/exact.h"
#include "claims/musso_synthetic.h"
#include "claims/synthetic.h"

/* ---- musso.sde-noise ------------------------------------------------------------------------------------------- */

/* The squared coefficient b^2 of b dW/dt in eq 10: as printed, and so that over dt = l it adds what a step adds. */
static double printed_b2(const sl_synthetic *s)
{
    return sl_alpha_q(s->delta) * s->D0 / s->C;
}

static double derived_b2(const sl_synthetic *s)
{
    return printed_b2(s) / s->l;
}

/* Eq 10 has friction (1 - mu)/l and noise b, hence <V^2> = b^2 l / (2 (1 - mu)); as its force is f'/l, f has the
 * temperature l <V^2>. */
static double stationary_T(const sl_synthetic *s, double b2)
{
    return b2 * s->l * s->l / (2 * (1 - s->mu));
}

/* What one step adds to the velocity at rest in a minimum, as a variance per time l; and the temperature that
 * comes of it. The first is exact up to sampling (2 % at quick scale, interval 0.5 %); the second is of leading order
 * in l (correction a l (q (1 + mu)/2 - mu)/(1 - mu^2), at most 1.4 % at quick scale, of the 4 % allowed). */
static sl_status sde_noise(const sl_lab *lab, sl_finding *f, double (*b2)(const sl_synthetic *), double wrong,
                           sl_err *err)
{
    static const struct {
        double l, mu, C, delta;
    } settings[] = {{0.1, 0, 4, 0}, {0.01, 0, 4, 0}, {0.01, 0.9, 1, 0.5}};
    const double r = sl_lab_refinement(lab);
    for (uint32_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        sl_synthetic s = {.loss = "quadratic",
                          .rule = "heavy-ball",
                          .alpha_on = SL_ALPHA_ON_GRADIENT,
                          .l = settings[i].l,
                          .mu = settings[i].mu,
                          .C = settings[i].C,
                          .D0 = 1,
                          .delta = settings[i].delta,
                          .updates = 1};
        sl_sgd sgd;
        sl_observed o;
        SL_TRY(sl_synthetic_prepare(&sgd, &s, lab, SL_EXPERIMENT_SDE + i, err));
        sgd.ensemble.replicas = (uint64_t)(2e6 * r * r);
        sgd.ensemble.steps = 1;
        SL_TRY(sl_synthetic_measure(&o, &sgd, err));
        const sl_estimate added = sl_scaled(1 / s.l, o.coordinate[0].v2);
        sl_observed_clear(&o);
        const double b_squared = b2(&s);
        SL_TRY(sl_finding_add(f, added, b_squared, 0.02 / r * b_squared, wrong * b_squared, err,
                              "l=%g mu=%g C=%g Delta=%g: variance added to v / l", s.l, s.mu, s.C, s.delta));
    }
    static const double mu[] = {0, 0.9};
    for (uint32_t i = 0; i < 2; i++) {
        sl_synthetic s = {.loss = "quadratic",
                          .rule = "heavy-ball",
                          .alpha_on = SL_ALPHA_ON_GRADIENT,
                          .l = 0.02 / r,
                          .mu = mu[i],
                          .C = 4,
                          .D0 = 1,
                          .delta = 0.5,
                          .updates = 6e7 * r * r * r};
        s.relaxation = sl_synthetic_relaxation(s.l, s.mu);
        sl_observed o;
        SL_TRY(sl_synthetic_run(&o, &s, lab, SL_EXPERIMENT_SDE + 8 + i, err));
        const sl_estimate T = o.temperature.equipartition;
        sl_observed_clear(&o);
        const double expected = stationary_T(&s, b2(&s));
        SL_TRY(sl_finding_add(f, T, expected, 0.04 / r * expected, wrong * expected, err,
                              "l=%.3g mu=%g C=4: stationary <x f'>", s.l, s.mu));
    }
    return SL_OK;
}

/* The double well, nothing sampled: <x f'> of SGD, from its transfer operator on the (x, v) plane, against that of
 * eq 10 with its noise, from the Klein-Kramers operator. They differ by order l / (1 - mu), 0.9 % at quick scale. */
static sl_status sde_noise_of_operators(const sl_lab *lab, sl_finding *f, double (*b2)(const sl_synthetic *),
                                        double wrong, sl_err *err)
{
    const double r = sl_lab_refinement(lab), T = 0.1;
    const sl_question q = {.task = SL_TASK_STATIONARY};
    sl_synthetic s = {.loss = "double-well", .l = 0.02 / r, .mu = 0.9, .C = 1};
    s.D0 = 2 * T * (1 - s.mu) / s.l;
    const sl_sgd_chain chain = {
        .loss = s.loss, .alpha_on = SL_ALPHA_ON_GRADIENT, .l = s.l, .mu = s.mu, .s2 = s.D0 / s.C};
    sl_operator sgd, equation;
    sl_answer a;
    SL_TRY(sl_exact_chain(&sgd, &chain, lab, err));
    SL_TRY(sl_exact_solve(&a, &sgd, &q, err));
    const sl_estimate discrete = sl_exact_number(&a, "xg", 0);
    sl_answer_clear(&a);
    SL_TRY(sl_exact_underdamped(&equation, s.loss, T, (1 - s.mu) / s.l, lab, err));
    equation.force = 1 / s.l;
    equation.noise = b2(&s);
    SL_TRY(sl_exact_solve(&a, &equation, &q, err));
    const double continuous = sl_answer_number(&a, "xg", 0).value;
    sl_answer_clear(&a);
    return sl_finding_add(f, sl_scaled(1 / continuous, discrete), 1, 0.04 / r, wrong, err,
                          "double well, l=%.3g mu=%g: <x f'>, SGD's law / eq 10's", s.l, s.mu);
}

static sl_status sde_noise_printed(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    SL_TRY(sde_noise(lab, f, printed_b2, 2, err));
    return sde_noise_of_operators(lab, f, printed_b2, 2, err);
}

static sl_status sde_noise_derived(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    SL_TRY(sde_noise(lab, f, derived_b2, 1.1, err)); /* wrong on purpose: 10 % more */
    return sde_noise_of_operators(lab, f, derived_b2, 1.1, err);
}

const sl_claim sl_claim_musso_sde_noise_printed = {
    .id = "musso.sde-noise.printed",
    .paper = "Musso 2020",
    .equation = "10",
    .statement = "the noise of the continuous system is sqrt(D/C) dW/dt, with dt = l a step",
    .expected = SL_FAILS,
    .measure = sde_noise_printed,
    .parts = 6,
};

const sl_claim sl_claim_musso_sde_noise_derived = {
    .id = "musso.sde-noise.derived",
    .paper = "Musso 2020",
    .equation = "10",
    .statement = "a step adds variance D/C to v, so that over dt = l the noise of the continuous system is "
                 "sqrt(D/(C l)) dW/dt",
    .expected = SL_HOLDS,
    .measure = sde_noise_derived,
    .parts = 6,
};

/* ---- musso.hamiltonian-law ------------------------------------------------------------------------------------- */

static const struct {
    double mu, al, delta;
} states[] = {{0, 0.01, 0}, {0.5, 0.01, 0.5}, {0.9, 0.01, 0}, {0.99, 0.01, 0}};
enum { STATES = sizeof states / sizeof *states };

static sl_synthetic state_of(const sl_lab *lab, size_t i)
{
    const double r = sl_lab_refinement(lab);
    sl_synthetic s = {.loss = "quadratic",
                      .rule = "heavy-ball",
                      .alpha_on = SL_ALPHA_ON_GRADIENT,
                      .l = states[i].al / r,
                      .mu = states[i].mu,
                      .C = 4,
                      .D0 = 1,
                      .delta = states[i].delta};
    s.relaxation = sl_synthetic_relaxation(s.l, s.mu);
    s.updates = (s.mu > 0.98 ? 2.4e8 : 6e7) * r * r * r; /* velocities decorrelate in 1/(1 - mu) steps */
    return s;
}

static sl_status run_state(sl_estimate *v2, sl_estimate *xg, const sl_synthetic *s, const sl_lab *lab, size_t i,
                           sl_err *err)
{
    sl_observed o;
    SL_TRY(sl_synthetic_run(&o, s, lab, SL_EXPERIMENT_HAMILTONIAN + (uint32_t)i, err));
    *v2 = o.coordinate[0].v2;
    *xg = o.coordinate[0].xg;
    sl_observed_clear(&o);
    return SL_OK;
}

static sl_status hamiltonian_printed(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    for (size_t i = 0; i < STATES; i++) {
        sl_synthetic s = state_of(lab, i);
        s.updates /= 10; /* it is off by a factor, not by percents */
        const double T = sl_synthetic_temperature(&s, sl_alpha_q(s.delta));
        sl_estimate v2, xg;
        SL_TRY(run_state(&v2, &xg, &s, lab, i, err));
        SL_TRY(sl_finding_add(f, sl_scaled(1 / T, v2), 1, 0.03, 2, err, "mu=%g l=%.3g Delta=%g: <v^2> / T", s.mu, s.l,
                              s.delta));
    }
    return SL_OK;
}

/* The double well at mu = 0.9 and one temperature, from the transfer operator on the (x, v) plane: how fast the law of
 * x becomes exp(-H/T_H)'s as l -> 0. Inertia is felt down to l = (1 - mu)^2 / (4 f'') = 0.001, so the order of KL
 * comes near 2 slowly (1.91 at l = 0.02, 1.93 at 0.007, 1.95 at 0.003), and its tolerance does not shrink. */
static sl_status hamiltonian_limit(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const double r = sl_lab_refinement(lab), mu = 0.9, T = 0.1, l[2] = {0.02 / r, 0.01 / r};
    const sl_question q = {.task = SL_TASK_STATIONARY};
    sl_estimate excess[2], kl[2];
    for (int i = 0; i < 2; i++) {
        const sl_sgd_chain chain = {.loss = "double-well",
                                .alpha_on = SL_ALPHA_ON_GRADIENT,
                                .l = l[i],
                                .mu = mu,
                                .s2 = 2 * T * (1 - mu) / l[i]};
        sl_operator op;
        sl_answer a;
        SL_TRY(sl_exact_chain(&op, &chain, lab, err));
        op.temperature = T;
        SL_TRY(sl_exact_solve(&a, &op, &q, err));
        excess[i] = sl_exact_number(&a, "xg", 0);
        excess[i].value -= T;
        kl[i] = sl_exact_number(&a, "kl_to_boltzmann", 0);
        sl_answer_clear(&a);
    }
    SL_TRY(sl_finding_add(f, sl_measured_order(excess[0], excess[1]), 1, 0.1 / r, 2, err,
                          "double well, mu=%g: order of <x f'> - T in l, from %.3g", mu, l[0]));
    return sl_finding_add(f, sl_measured_order(kl[0], kl[1]), 2, 0.2, 1, err,
                          "double well, mu=%g: order of KL from exp(-f/T) in l", mu);
}

/* Without a force <v^2> = q (D0/C)/(1 - mu^2) exactly; the force changes it by a l (q (1 + mu)/2 - mu)/(1 - mu^2), at
 * most 1 % of the 3 % allowed at quick scale. At mu = 0.99 that is T_H within 0.5 %, which does not shrink with l. */
static sl_status hamiltonian_derived(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const double tolerance = 0.03 / sl_lab_refinement(lab);
    for (size_t i = 0; i < STATES; i++) {
        sl_lab_report(lab, "musso.hamiltonian-law", i, STATES);
        const sl_synthetic s = state_of(lab, i);
        const double q = sl_alpha_q(s.delta), T_H = sl_synthetic_temperature(&s, q) / s.l;
        const double free = q * s.D0 / s.C / (1 - s.mu * s.mu);
        sl_estimate v2, xg;
        SL_TRY(run_state(&v2, &xg, &s, lab, i, err));
        /* Wrong on purpose: T_H where it is another number, else 10 % more. */
        SL_TRY(sl_finding_add(f, sl_scaled(1 / free, v2), 1, tolerance, s.mu < 0.6 ? T_H / free : 1.1, err,
                              "mu=%g l=%.3g: <v^2> / (q D0/(C(1-mu^2)))", s.mu, s.l));
        SL_TRY(sl_finding_add(f, sl_scaled(1 / (s.l * T_H), xg), 1, tolerance, 1.1, err, "mu=%g l=%.3g: <x f'/l> / T_H",
                              s.mu, s.l));
        if (s.mu > 0.98)
            SL_TRY(sl_finding_add(f, sl_scaled(1 / T_H, v2), 1, fmax(tolerance, 0.01), 1.1, err,
                                  "mu=%g l=%.3g: <v^2> / T_H", s.mu, s.l));
    }
    return hamiltonian_limit(lab, f, err);
}

const sl_claim sl_claim_musso_hamiltonian_law_printed = {
    .id = "musso.hamiltonian-law.printed",
    .paper = "Musso 2020",
    .equation = "15, 18, 20",
    .statement = "P ~ exp(-H/T) with H = v^2/2 + f/l and T = lD/(2C(1-mu)), hence <v^2> = T",
    .expected = SL_FAILS,
    .measure = hamiltonian_printed,
    .parts = 4,
};

const sl_claim sl_claim_musso_hamiltonian_law_derived = {
    .id = "musso.hamiltonian-law.derived",
    .paper = "Musso 2020",
    .equation = "15, 18, 20",
    .statement = "the law of H has temperature T_H = D/(2C(1-mu)) = T/l: <x f'/l> = T_H at every mu, <v^2> -> T_H as "
                 "mu -> 1 (<v^2> = D/(C(1-mu^2)) without a force)",
    .expected = SL_HOLDS,
    .measure = hamiltonian_derived,
    .parts = 11,
};
