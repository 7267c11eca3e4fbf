/* The trace of the noise covariance as mini-batches show it, with and without replacement. */
#include <math.h>
#include <stdlib.h>

#include "base/parallel.h"
#include "base/random.h"
#include "nets/noise_parts.h"

/* Epochs of the partition, for an error over them. */
enum { LEAST_EPOCHS = 8, MOST_EPOCHS = 64 };

/* e = mean gradient of the samples index[count] minus g; returns |e|^2 in *length2. */
static sl_status deviation(double *e, double *length2, const sl_net_noise *r, sl_objective *o, const uint32_t *index,
                           size_t count, sl_err *err)
{
    if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "the measurement was interrupted");
    SL_TRY(sl_objective_gradient(o, e, index, count, err));
    *length2 = 0;
    for (size_t i = 0; i < r->parameters; i++) {
        e[i] -= r->mean[i];
        *length2 += e[i] * e[i];
    }
    return SL_OK;
}

static sl_status draw_batch(double *e, double *length2, const sl_net_noise *r, sl_objective *o, uint32_t *index,
                            size_t b, uint64_t seed, sl_err *err)
{
    const sl_draw draw = {.seed = seed, .step = b, .sub = 4, .purpose = SL_PURPOSE_MEASURE};
    sl_random_below(index, r->batch, (uint32_t)r->samples, &draw);
    return deviation(e, length2, r, o, index, r->batch, err);
}

/* C sum_b |e_b - mean e|^2 / (B - 1) with its jackknife error: leaving out batch b changes the sum by d_b B/(B-1),
 * d_b = |e_b - mean e|^2. The batches are drawn twice, since their mean comes after them. */
static sl_status replacement(sl_net_noise *r, sl_objective *o, double *e, double *mean, double *d, uint32_t *index,
                             uint64_t seed, sl_err *err)
{
    const size_t B = r->batches, P = r->parameters;
    const double count = (double)B, C = (double)r->batch;
    double mean2 = 0, sum = 0;
    for (size_t b = 0; b < B; b++) {
        SL_TRY(draw_batch(e, &d[b], r, o, index, b, seed, err));
        for (size_t i = 0; i < P; i++) mean[i] += e[i] / count;
    }
    for (size_t i = 0; i < P; i++) mean2 += mean[i] * mean[i];
    for (size_t b = 0; b < B; b++) {
        SL_TRY(draw_batch(e, &d[b], r, o, index, b, seed, err));
        double along = 0;
        for (size_t i = 0; i < P; i++) along += e[i] * mean[i];
        d[b] += mean2 - 2 * along;
        sum += d[b];
    }
    sl_welford left_out = {0};
    for (size_t b = 0; b < B; b++) sl_welford_add(&left_out, C * (sum - d[b] * count / (count - 1)) / (count - 2));
    r->by_replacement = (sl_estimate){C * sum / (count - 1), sqrt((count - 1) / count * left_out.m2), count - 1};
    return SL_OK;
}

/* Deviations from the mean over all samples, since within an epoch the batches' own mean is that, nearly. */
static sl_status partition(sl_net_noise *r, sl_objective *o, double *e, uint32_t *index, uint64_t seed, sl_err *err)
{
    const size_t n = r->samples, batches = n / r->batch;
    const double C = (double)r->batch, factor = (double)(n - 1) / ((double)n - C);
    sl_welford epochs = {0};
    for (size_t k = 0; k < r->epochs; k++) {
        const sl_draw draw = {.seed = seed, .step = k, .sub = 5, .purpose = SL_PURPOSE_MEASURE};
        sl_random_permutation(index, (uint32_t)n, &draw);
        double sum = 0;
        for (size_t b = 0; b < batches; b++) {
            double length2 = 0;
            SL_TRY(deviation(e, &length2, r, o, index + b * r->batch, r->batch, err));
            sum += length2;
        }
        sl_welford_add(&epochs, C * sum / (double)batches);
    }
    r->uncorrected = sl_welford_mean(&epochs);
    r->by_partition = sl_scaled(factor, r->uncorrected);
    return SL_OK;
}

sl_status sl_noise_batches(sl_net_noise *r, sl_objective *o, const sl_noise_config *c, sl_err *err)
{
    const size_t n = r->samples, P = r->parameters, per_epoch = n / c->batch;
    r->batch = c->batch;
    r->batches = c->batches < 4 ? 4 : c->batches;
    r->epochs = r->batches / per_epoch;
    if (r->epochs < LEAST_EPOCHS) r->epochs = LEAST_EPOCHS;
    if (r->epochs > MOST_EPOCHS) r->epochs = MOST_EPOCHS;
    double *const e = calloc(2 * P + r->batches, sizeof *e);
    uint32_t *const index = malloc(n * sizeof *index); /* batch < n */
    sl_status st = e && index ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for batches of %zu parameters", P);
    if (st == SL_OK) st = replacement(r, o, e, e + P, e + 2 * P, index, c->seed, err);
    if (st == SL_OK) st = partition(r, o, e, index, c->seed, err);
    free(e);
    free(index);
    return st;
}
