/* How the gradient noise lies relative to the curvature. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/lanczos.h"
#include "nets/curvature.h"
#include "nets/noise_parts.h"

enum { SUB_PROBES = 18, SUB_BATCHES = 19 };

/* Sums over vectors of (D x)'(H x), |D x|^2 and |H x|^2. */
typedef struct {
    double dh, dd, hh;
} triple;

static triple products(const double *dx, const double *hx, size_t n)
{
    const int length = (int)n;
    return (triple){cblas_ddot(length, dx, 1, hx, 1), cblas_ddot(length, dx, 1, dx, 1),
                    cblas_ddot(length, hx, 1, hx, 1)};
}

/* x: k vectors Q and the probes in their complement; tr(D H) = sum over Q + mean over probes, and so for D^2, H^2. */
static void reduce(sl_alignment *a, const triple *t, size_t k, size_t probes)
{
    triple exact = {0}, sum = {0};
    sl_welford left_out = {0}, single = {0};
    for (size_t j = 0; j < k; j++) exact = (triple){exact.dh + t[j].dh, exact.dd + t[j].dd, exact.hh + t[j].hh};
    for (size_t p = k; p < k + probes; p++) {
        sum = (triple){sum.dh + t[p].dh, sum.dd + t[p].dd, sum.hh + t[p].hh};
        sl_welford_add(&single, t[p].dh);
    }
    const double count = (double)probes;
    for (size_t p = k; p < k + probes; p++) {
        const double dh = exact.dh + (sum.dh - t[p].dh) / (count - 1), dd = exact.dd + (sum.dd - t[p].dd) / (count - 1);
        const double hh = exact.hh + (sum.hh - t[p].hh) / (count - 1);
        sl_welford_add(&left_out, dh / sqrt(dd * hh));
    }
    a->product = sl_welford_mean(&single);
    a->product.value += exact.dh;
    const double dd = exact.dd + sum.dd / count, hh = exact.hh + sum.hh / count;
    a->cosine = (sl_estimate){a->product.value / sqrt(dd * hh), sqrt((count - 1) / count * left_out.m2), count - 1};
}

static sl_status take_products(sl_alignment *a, sl_objective *o, const sl_net_noise *noise, const sl_curvature *c,
                               size_t probes, uint64_t seed, sl_err *err)
{
    const size_t n = noise->parameters, k = c->n_top, count = k + probes;
    sl_noise_matrix d = {o, noise->mean};
    double *const x = malloc(3 * count * n * sizeof *x), *const dx = x + count * n, *const hx = dx + count * n;
    triple *const t = malloc(count * sizeof *t);
    sl_status st = x && t ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for %zu probes of %zu numbers", count, n);
    if (st == SL_OK) {
        memcpy(x, c->vectors, k * n * sizeof *x);
        for (size_t p = 0; p < probes; p++) {
            const sl_draw draw = {.seed = seed, .step = p, .sub = SUB_PROBES, .purpose = SL_PURPOSE_MEASURE};
            sl_random_signs(x + (k + p) * n, n, &draw);
            sl_project_out(x + (k + p) * n, c->vectors, k, n);
        }
        st = sl_noise_product(&d, count, x, dx, err);
    }
    if (st == SL_OK) st = sl_objective_hessian(o, count, x, hx, err);
    if (st == SL_OK) {
        for (size_t j = 0; j < count; j++) {
            cblas_daxpy((int)n, -sl_objective_weight_decay(o), x + j * n, 1, hx + j * n, 1);
            t[j] = products(dx + j * n, hx + j * n, n);
        }
        reduce(a, t, k, probes);
    }
    free(x);
    free(t);
    return st;
}

static sl_status take_fraction(sl_alignment *a, sl_objective *o, const sl_net_noise *noise, const sl_curvature *c,
                               sl_err *err)
{
    const size_t n = noise->samples, k = c->n_top;
    const double trace = noise->trace.value;
    double *const along = malloc((k + 1) * n * sizeof *along), *const influence = along + k * n;
    if (!along) return sl_fail(err, SL_E_MEMORY, "no memory for %zu projections", k);
    const sl_status st = sl_noise_project(along, o, noise->mean, c->vectors, k, err);
    if (st == SL_OK) {
        double inside = 0;
        for (size_t i = 0; i < n; i++) {
            influence[i] = 0;
            for (size_t j = 0; j < k; j++) influence[i] += along[j * n + i] * along[j * n + i];
            inside += influence[i] / (double)n;
        }
        const double fraction = inside / trace;
        for (size_t i = 0; i < n; i++) influence[i] = (influence[i] - fraction * noise->distance[i]) / trace;
        a->fraction = (sl_estimate){fraction, sl_influence_se(influence, n, 1), INFINITY};
        a->isotropic = (double)k / (double)noise->parameters;
    }
    free(along);
    return st;
}

sl_status sl_alignment_measure(sl_alignment *a, sl_objective *o, const sl_net_noise *noise,
                               const sl_curvature *curvature, size_t probes, uint64_t seed, sl_err *err)
{
    if (probes < 3) return sl_fail(err, SL_E_DOMAIN, "probes = %zu, need at least 3", probes);
    sl_alignment r = {0};
    SL_TRY(take_products(&r, o, noise, curvature, probes, seed, err));
    SL_TRY(take_fraction(&r, o, noise, curvature, err));
    *a = r;
    return SL_OK;
}

/* ---- the curvature that noise sees ---- */

static sl_status kick(double *along, double *length2, sl_objective *o, double *e, const double *mean, double *he,
                      const uint32_t *index, size_t C, sl_err *err)
{
    const int n = (int)sl_objective_parameters(o);
    SL_TRY(sl_objective_gradient(o, e, index, C, err));
    cblas_daxpy(n, -1, mean, 1, e, 1);
    SL_TRY(sl_objective_hessian(o, 1, e, he, err));
    *along = cblas_ddot(n, e, 1, he, 1);
    *length2 = cblas_ddot(n, e, 1, e, 1);
    return SL_OK;
}

sl_status sl_noise_curvature(sl_estimate *a, sl_objective *o, size_t C, size_t batches, uint64_t seed, sl_err *err)
{
    if (C < 1 || batches < 2)
        return sl_fail(err, SL_E_DOMAIN, "%zu batches of %zu samples, need at least 2 of 1", batches, C);
    const size_t n = sl_objective_parameters(o), samples = sl_objective_samples(o);
    double *const mean = malloc((3 * n + 2 * batches) * sizeof *mean), *const e = mean + n, *const he = e + n;
    double *const along = he + n, *const length2 = along + batches, top = 0, bottom = 0;
    uint32_t *const index = malloc(C * sizeof *index);
    sl_status st = mean && index ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for batches of %zu parameters", n);
    if (st == SL_OK) st = sl_objective_gradient(o, mean, NULL, samples, err);
    for (size_t b = 0; b < batches && st == SL_OK; b++) {
        const sl_draw draw = {.seed = seed, .step = b, .sub = SUB_BATCHES, .purpose = SL_PURPOSE_MEASURE};
        sl_random_below(index, C, (uint32_t)samples, &draw);
        st = kick(&along[b], &length2[b], o, e, mean, he, index, C, err);
        if (st != SL_OK) break;
        top += along[b];
        bottom += length2[b];
    }
    if (st == SL_OK && !(bottom > 0)) st = sl_fail(err, SL_E_NUMERIC, "%zu batches have no noise", batches);
    if (st == SL_OK) {
        const double value = top / bottom;
        for (size_t b = 0; b < batches; b++) along[b] = (double)batches * (along[b] - value * length2[b]) / bottom;
        *a = (sl_estimate){value, sl_influence_se(along, batches, 1), (double)(batches - 1)};
    }
    free(mean);
    free(index);
    return st;
}
