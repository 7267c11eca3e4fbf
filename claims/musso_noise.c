/* musso.isotropy and musso.gaussianity: what eq 9 assumes of gradient noise, measured on Model 1. Numbers only: theory
 * does not say how far from isotropic and Gaussian it is. */
#include "claims/musso_noise.h"

#include <math.h>
#include <stdio.h>

sl_musso_noise_setting sl_musso_noise_at(sl_scale scale)
{
    switch (scale) {
    case SL_PAPER: return (sl_musso_noise_setting){"mnist", "mlp", 0.05, 64, 4000, 30, 40, 400};
    case SL_DESK: return (sl_musso_noise_setting){"mnist:train=10000", "mlp", 0.05, 64, 1000, 10, 30, 200};
    case SL_QUICK: break;
    }
    return (sl_musso_noise_setting){"digits:train=1000:test=100", "mlp:hidden=20", 0.05, 32, 300, 10, 20, 50};
}

static sl_status measure_stage(sl_musso_noise *n, size_t stage, const sl_objective_config *c,
                               const sl_musso_noise_setting *s, uint64_t seed, bool with_curvature, sl_err *err)
{
    const sl_noise_config nc = {
        .top = s->top, .steps = 3 * s->top, .directions = s->directions, .probes = 16, .batch = s->batch, .seed = seed};
    const sl_curvature_config cc = {
        .top = s->top, .bottom = 3, .steps = 3 * s->top, .probes = 6, .points = 400, .seed = seed};
    sl_objective *o;
    SL_TRY(sl_objective_alloc(&o, c, err));
    sl_status st = sl_noise_measure(&n->noise[stage], o, &nc, err);
    if (st == SL_OK && with_curvature) {
        st = sl_curvature_measure(&n->curvature[stage], o, &cc, err);
        if (st == SL_OK)
            st = sl_alignment_measure(&n->alignment[stage], o, &n->noise[stage], &n->curvature[stage], 16, seed, err);
    }
    sl_objective_free(o);
    return st;
}

sl_status sl_musso_noise_measure(sl_musso_noise *n, const sl_lab *lab, const sl_musso_noise_setting *s,
                                 bool with_curvature, sl_err *err)
{
    *n = (sl_musso_noise){0};
    sl_network net;
    SL_TRY(sl_network_open(&net, lab, s->data, s->model, 0, err));
    sl_train_config c = {.model = net.model,
                         .train = &net.train,
                         .schedule = "constant",
                         .lr = s->lr,
                         .batch = s->batch,
                         .epochs = s->epochs,
                         .seed = sl_network_seed(lab, 0)};
    sl_trainer *trainer = NULL;
    sl_status st = sl_rule_init(&c.rule, "plain", SL_ALPHA_ON_STEP, s->lr, 0, 0, err);
    if (st == SL_OK) st = sl_trainer_alloc(&trainer, &c, err);
    for (size_t stage = 0; stage < SL_NOISE_STAGES && st == SL_OK; stage++) {
        if (stage > 0) st = sl_trainer_run(trainer, sl_trainer_stop(trainer), NULL, NULL, err);
        if (st != SL_OK) break;
        const sl_objective_config o = {.model = net.model,
                                       .state = sl_trainer_params(trainer),
                                       .data = &net.train,
                                       .samples = s->samples,
                                       .jobs = lab->jobs};
        st = measure_stage(n, stage, &o, s, lab->seed, with_curvature, err);
    }
    sl_trainer_free(trainer);
    sl_network_close(&net);
    if (st != SL_OK) sl_musso_noise_clear(n);
    return st;
}

void sl_musso_noise_clear(sl_musso_noise *n)
{
    for (size_t i = 0; i < SL_NOISE_STAGES; i++) {
        sl_noise_clear(&n->noise[i]);
        sl_curvature_clear(&n->curvature[i]);
    }
}

static const char *const when[SL_NOISE_STAGES] = {"before training", "after training"};

static sl_status add_number(sl_finding *f, sl_estimate e, const char *what, size_t stage, sl_err *err)
{
    return sl_finding_add(f, e, NAN, 0, NAN, err, "%s, %s", what, when[stage]);
}

static sl_status isotropy(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const sl_musso_noise_setting s = sl_musso_noise_at(lab->scale);
    sl_musso_noise n;
    SL_TRY(sl_musso_noise_measure(&n, lab, &s, false, err));
    sl_status st = SL_OK;
    for (size_t i = 0; i < SL_NOISE_STAGES && st == SL_OK; i++) {
        st = add_number(f, n.noise[i].participation, "(tr D)^2 / (P tr D^2)", i, err);
        if (st == SL_OK) st = add_number(f, n.noise[i].top_share, "largest eigenvalue / tr D", i, err);
    }
    snprintf(f->note, sizeof f->note,
             "%s on %s, %zu samples, %zu parameters: isotropic noise would have 1 and %.2g; of %zu samples the first "
             "can be at most %.2g",
             s.model, s.data, n.noise[0].samples, n.noise[0].parameters, 1 / (double)n.noise[0].parameters,
             n.noise[0].samples, (double)(n.noise[0].samples - 1) / (double)n.noise[0].parameters);
    sl_musso_noise_clear(&n);
    return st;
}

/* Mean over directions; they share their samples, so the error is the mean of theirs, an upper bound. */
static sl_estimate over_directions(const sl_net_noise *n, sl_estimate (*what)(const sl_projection *))
{
    sl_welford value = {0}, se = {0};
    for (size_t i = 0; i < n->n_directions; i++) {
        const sl_estimate e = what(&n->random[i]);
        if (!isfinite(e.value)) continue;
        sl_welford_add(&value, e.value);
        sl_welford_add(&se, e.se);
    }
    return value.n > 0 ? (sl_estimate){value.mean, se.mean, INFINITY} : (sl_estimate){NAN, NAN, NAN};
}

static sl_estimate kurtosis_of(const sl_projection *p)
{
    return p->kurtosis;
}
static sl_estimate stable_of(const sl_projection *p)
{
    return p->stable;
}

static sl_status gaussianity(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const sl_musso_noise_setting s = sl_musso_noise_at(lab->scale);
    sl_musso_noise n;
    SL_TRY(sl_musso_noise_measure(&n, lab, &s, false, err));
    sl_status st = SL_OK;
    for (size_t i = 0; i < SL_NOISE_STAGES && st == SL_OK; i++) {
        st = add_number(f, over_directions(&n.noise[i], kurtosis_of), "excess kurtosis, random directions", i, err);
        if (st == SL_OK) st = add_number(f, n.noise[i].along[0].kurtosis, "excess kurtosis, first eigenvector", i, err);
        if (st == SL_OK)
            st = add_number(f, over_directions(&n.noise[i], stable_of), "stable index, random directions", i, err);
    }
    snprintf(f->note, sizeof f->note,
             "%s on %s, noise of single samples (that of batches of C has the kurtosis over C): Gaussian noise has "
             "kurtosis 0 and index 2; %zu samples, %zu directions",
             s.model, s.data, n.noise[0].samples, n.noise[0].n_directions);
    sl_musso_noise_clear(&n);
    return st;
}

const sl_claim sl_claim_musso_isotropy = {
    .id = "musso.isotropy",
    .paper = "Musso 2020",
    .equation = "9",
    .statement = "gradient noise is isotropic: D_hat = D I",
    .expected = SL_NUMBERS_ONLY,
    .measure = isotropy,
    .parts = 4,
};
const sl_claim sl_claim_musso_gaussianity = {
    .id = "musso.gaussianity",
    .paper = "Musso 2020",
    .equation = "9, text",
    .statement = "gradient noise is Gaussian",
    .expected = SL_NUMBERS_ONLY,
    .measure = gaussianity,
    .parts = 6,
};
