/* What theory/reshuffling.h says of least squares with real mini-batches: stationary second moments. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/simulate.h"
#include "sim/landscape.h"
#include "theory/reshuffling.h"

bool sl_simulation_is_plain(const sl_simulation *s)
{
    const sl_sgd *const sgd = &s->sgd;
    const bool constant = sgd->schedule.spec.entry && strcmp(sgd->schedule.spec.entry->name, "constant") == 0;
    return s->dynamics == SL_DYNAMICS_SGD && !sgd->regime && constant && sl_rule_is_linear(&sgd->rule) &&
           (sgd->rule.kind == SL_RULE_PLAIN || sgd->rule.mu == 0);
}

static bool has_common_factor(uint64_t a, uint64_t b)
{
    while (b > 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a > 1;
}

/* Mini-batches at their own strength, with nothing added, of a mean of squares alone. In epochs, a remainder that is
 * left out is not what the theory has. */
static bool is_covered(const sl_sgd *sgd)
{
    const sl_loss *const loss = &sgd->loss;
    const sl_noise *const noise = &sgd->noise;
    if (strcmp(loss->kind->entry.name, "least-squares") != 0 || sl_loss_restricted(loss)) return false;
    if (!noise->kind || strcmp(noise->kind->entry.name, "minibatch") != 0 || sgd->noise_variance != 1) return false;
    const char *const order = noise->spec.entry->params[2].words[(size_t)sl_spec_get(&noise->spec, "order")];
    return loss->dim <= SL_RESHUFFLING_MAX_DIM && sl_spec_get(&loss->spec, "l2") == 0 &&
           sl_spec_get(&noise->spec, "sphere") == 0 && strcmp(order, "once") != 0 &&
           (!noise->remembers || loss->samples % (size_t)sl_spec_get(&noise->spec, "size") == 0);
}

/* Means over the places of an epoch, about the origin. */
static sl_status fill(sl_prediction *p, const sl_loss *loss, const sl_finite_sum *sum, sl_err *err)
{
    const size_t d = sum->d, q = sl_finite_positions(sum);
    const bool leading = sum->drawing == SL_FINITE_EPOCHS && sum->n > SL_RESHUFFLING_MAX_SAMPLES;
    double minimum[SL_RESHUFFLING_MAX_DIM], H[SL_LOSS_MAX_DIM * SL_LOSS_MAX_DIM], excess = 0;
    double *const mean = malloc(q * (d + d * d) * sizeof *mean);
    if (!mean) return sl_fail(err, SL_E_MEMORY, "no memory for the moments at %zu places of an epoch", q);
    double *const second = mean + q * d;
    sl_status st = sl_finite_sum_minimum(minimum, sum, err);
    if (st == SL_OK) st = (leading ? sl_reshuffling_leading : sl_reshuffling_stationary)(mean, second, sum, err);
    if (st == SL_OK) {
        sl_loss_hessian(loss, minimum, H);
        for (size_t k = 0; k < q * d * d; k++) excess += H[k % (d * d)] * second[k] / (2 * (double)q);
        for (size_t i = 0; i < d; i++) {
            p->x2[i] = minimum[i] * minimum[i];
            for (size_t k = 0; k < q; k++)
                p->x2[i] += (second[(k * d + i) * d + i] + 2 * minimum[i] * mean[k * d + i]) / (double)q;
        }
        p->excess = excess;
        p->loss = loss->least + excess;
        p->exact = !leading;
        p->law = sum->drawing == SL_FINITE_REPLACEMENT ? "exact second moments of mini-batches drawn with replacement"
                 : leading ? "second moments of reshuffled mini-batches, leading order in the rate"
                           : "exact second moments over all orders of the samples";
    }
    free(mean);
    return st;
}

sl_status sl_predict_batches(bool *covered, sl_prediction *p, const sl_simulation *s, sl_err *err)
{
    const sl_sgd *const sgd = &s->sgd;
    *covered = sl_simulation_is_plain(s) && is_covered(sgd);
    if (!*covered) return SL_OK;
    const sl_finite_sum sum = {
        .n = sgd->loss.samples,
        .d = sgd->loss.dim,
        .x = sgd->loss.table,
        .y = sgd->loss.targets,
        .rate = sgd->rule.lr,
        .batch = (size_t)sl_spec_get(&sgd->noise.spec, "size"),
        .drawing = sgd->noise.remembers ? SL_FINITE_EPOCHS : SL_FINITE_REPLACEMENT,
    };
    if (has_common_factor(sgd->ensemble.sample_every, sgd->noise.dealt) && sgd->ensemble.sample_every > 0 &&
        sgd->noise.dealt > 1) {
        snprintf(p->noise_note, sizeof p->noise_note,
                 "a sample every %llu steps misses places of an epoch of %llu: no prediction",
                 (unsigned long long)sgd->ensemble.sample_every, (unsigned long long)sgd->noise.dealt);
        return SL_OK;
    }
    sl_err why = {0};
    const sl_status st = fill(p, &sgd->loss, &sum, &why);
    if (st == SL_E_UNSTABLE || st == SL_E_DOMAIN) {
        snprintf(p->noise_note, sizeof p->noise_note, "no prediction: %.230s", why.message);
        return SL_OK;
    }
    if (st != SL_OK && err) *err = why;
    return st;
}
