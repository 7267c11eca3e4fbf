/* Gradient noise: moments over the samples, products with the covariance, projections. */
#include "nets/noise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/lanczos.h"
#include "base/tails.h"
#include "nets/noise_parts.h"
#include "nets/objective_kernel.h"

enum { GRAM_MOST = 1024 };

/* ---- moments ---- */

typedef struct {
    size_t n;
    double *sum, *square;  /* [slots][n] */
    double *loss;          /* [samples]  */
    double *length2;       /* [samples] |g_i|^2 */
} moments;

static void add_moments(void *ctx, size_t slot, size_t sample, double loss, const float *g)
{
    moments *const m = ctx;
    m->loss[sample] = loss;
    m->length2[sample] = sl_moments_add(m->sum + slot * m->n, m->square + slot * m->n, g, m->n);
}

/* Sums of the slots into the first one, in their order. */
static void gather_slots(double *sums, size_t slots, size_t n)
{
    for (size_t s = 1; s < slots; s++)
        for (size_t i = 0; i < n; i++) sums[i] += sums[s * n + i];
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

/* mean, D: [parameters]; loss, length2: [samples]. */
static sl_status take_moments(sl_objective *o, double *mean, double *D, double *loss, double *length2, sl_err *err)
{
    const size_t n = sl_objective_parameters(o), samples = sl_objective_samples(o);
    const size_t slots = sl_objective_slots(o, 2 * n);
    moments m = {.n = n, .sum = calloc(2 * slots * n, sizeof(double)), .loss = loss, .length2 = length2};
    if (!m.sum) return sl_fail(err, SL_E_MEMORY, "no memory for the noise of %zu parameters", n);
    m.square = m.sum + slots * n;
    const sl_status st = sl_objective_each(o, slots, add_moments, &m, err);
    if (st == SL_OK) {
        gather_slots(m.sum, slots, n);
        gather_slots(m.square, slots, n);
        for (size_t i = 0; i < n; i++) {
            mean[i] = m.sum[i] / (double)samples;
            D[i] = fmax(0, m.square[i] / (double)samples - mean[i] * mean[i]);
        }
    }
    free(m.sum);
    return st;
}

/* ---- products ---- */

typedef struct {
    size_t n, count, samples;
    const double *x;   /* [count][n] */
    double *y;         /* [slots][count][n]; NULL: projections only */
    double *value;     /* [count][samples] g_i'x_j */
} product;

static void add_product(void *ctx, size_t slot, size_t sample, double loss, const float *g)
{
    (void)loss;
    const product *const p = ctx;
    for (size_t j = 0; j < p->count; j++) {
        const double along = sl_dot_fd(g, p->x + j * p->n, p->n);
        if (p->value) p->value[j * p->samples + sample] = along;
        if (p->y) sl_axpy_fd(p->y + (slot * p->count + j) * p->n, along, g, p->n);
    }
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

sl_status sl_noise_product(void *matrix, size_t count, const double *x, double *y, sl_err *err)
{
    const sl_noise_matrix *const d = matrix;
    const size_t n = sl_objective_parameters(d->objective), samples = sl_objective_samples(d->objective);
    const size_t slots = sl_objective_slots(d->objective, count * n);
    product p = {.n = n, .count = count, .samples = samples, .x = x, .y = calloc(slots * count * n, sizeof(double))};
    if (!p.y) return sl_fail(err, SL_E_MEMORY, "no memory for %zu products with the noise covariance", count);
    const sl_status st = sl_objective_each(d->objective, slots, add_product, &p, err);
    if (st == SL_OK) {
        gather_slots(p.y, slots, count * n);
        for (size_t j = 0; j < count; j++) {
            const double along = dot(d->mean, x + j * n, n);
            for (size_t i = 0; i < n; i++) y[j * n + i] = p.y[j * n + i] / (double)samples - along * d->mean[i];
        }
    }
    free(p.y);
    return st;
}

sl_status sl_noise_project(double *out, sl_objective *o, const double *mean, const double *x, size_t count, sl_err *err)
{
    const size_t n = sl_objective_parameters(o), samples = sl_objective_samples(o);
    product p = {.n = n, .count = count, .samples = samples, .x = x, .value = out};
    SL_TRY(sl_objective_each(o, sl_objective_slots(o, 0), add_product, &p, err));
    for (size_t j = 0; j < count; j++) {
        const double along = dot(mean, x + j * n, n);
        for (size_t i = 0; i < samples; i++) out[j * samples + i] -= along;
    }
    return SL_OK;
}

/* ---- estimates ---- */

double sl_influence_se(const double *influence, size_t n, double factor)
{
    sl_welford w = {0};
    for (size_t i = 0; i < n; i++) sl_welford_add(&w, influence[i]);
    return factor * sqrt(sl_welford_variance(&w) / (double)n);
}

static sl_estimate estimate(double value, double se)
{
    return (sl_estimate){value, se, INFINITY};
}

/* trace, gradient2, scale and distance from |g_i|^2. */
static sl_status take_trace(sl_net_noise *r, sl_objective *o, const double *length2, sl_err *err)
{
    const size_t n = r->samples;
    double *const along = malloc(2 * n * sizeof *along), *const influence = along + n; /* g'(g_i - g) */
    if (!along) return sl_fail(err, SL_E_MEMORY, "no memory for %zu samples", n);
    const sl_status st = sl_noise_project(along, o, r->mean, r->mean, 1, err);
    if (st == SL_OK) {
        const double g2 = dot(r->mean, r->mean, r->parameters);
        for (size_t i = 0; i < n; i++) r->distance[i] = fmax(0, length2[i] - g2 - 2 * along[i]);
        const double trace = mean_of(r->distance, n);
        for (size_t i = 0; i < n; i++)
            influence[i] = (r->distance[i] - trace) / g2 - 2 * trace * along[i] / (g2 * g2);
        r->trace = estimate(trace, sl_influence_se(r->distance, n, 1));
        r->gradient2 = estimate(g2, sl_influence_se(along, n, 2));
        r->scale = estimate(trace / g2, sl_influence_se(influence, n, 1));
    }
    free(along);
    if (st == SL_OK && !(r->trace.value > 1e-12 * r->gradient2.value)) /* at most rounding */
        return sl_fail(err, SL_E_NUMERIC, "the gradients of all %zu samples are equal: there is no noise", n);
    return st;
}

static sl_status describe_projection(sl_projection *p, const double *c, size_t n, sl_err *err)
{
    sl_welford square = {0};
    for (size_t i = 0; i < n; i++) sl_welford_add(&square, c[i] * c[i]);
    p->variance = sl_welford_mean(&square);
    p->kurtosis = sl_kurtosis(c, n);
    p->stable = sl_stable_index(c, n);
    return sl_hill(&p->hill, c, n, sl_hill_k(n), err);
}

/* The random directions, then the eigenvectors: one pass for all. */
static sl_status take_projections(sl_net_noise *r, sl_objective *o, uint64_t seed, sl_err *err)
{
    const size_t P = r->parameters, n = r->samples, count = r->n_directions + r->n_top;
    double *const x = malloc(count * P * sizeof *x);
    if (!x) return sl_fail(err, SL_E_MEMORY, "no memory for %zu directions", count);
    for (size_t j = 0; j < r->n_directions; j++) {
        const sl_draw draw = {.seed = seed, .step = j, .sub = 1, .purpose = SL_PURPOSE_MEASURE};
        sl_random_normals(x + j * P, P, 0, 1, &draw);
        const double length = sqrt(dot(x + j * P, x + j * P, P));
        for (size_t i = 0; i < P; i++) x[j * P + i] /= length;
    }
    memcpy(x + r->n_directions * P, r->vectors, r->n_top * P * sizeof *x);
    sl_status st = sl_noise_project(r->values, o, r->mean, x, count, err);
    free(x);
    for (size_t j = 0; st == SL_OK && j < count; j++)
        st = describe_projection(j < r->n_directions ? &r->random[j] : &r->along[j - r->n_directions],
                                 r->values + j * n, n, err);
    return st;
}

/* First-order perturbation: the influence of a sample on an eigenvalue is (u'(g_i - g))^2 - value. */
static sl_status eigenvalue_errors(sl_net_noise *r, sl_err *err)
{
    const size_t n = r->samples;
    double *const influence = malloc(n * sizeof *influence);
    if (!influence) return sl_fail(err, SL_E_MEMORY, "no memory for %zu samples", n);
    const double trace = r->trace.value, largest = r->eigenvalue[0].value;
    for (size_t j = 0; j < r->n_top; j++) r->eigenvalue[j].se = r->along[j].variance.se;
    const double *const first = r->values + r->n_directions * n;
    for (size_t i = 0; i < n; i++)
        influence[i] = (first[i] * first[i] - largest) / trace - largest * (r->distance[i] - trace) / (trace * trace);
    r->top_share = estimate(largest / trace, sl_influence_se(influence, n, 1));
    free(influence);
    return SL_OK;
}

static sl_status check(const sl_noise_config *c, size_t samples, sl_err *err)
{
    if (samples < 4) return sl_fail(err, SL_E_DOMAIN, "noise of %zu samples, need at least 4", samples);
    if (c->top < 1) return sl_fail(err, SL_E_DOMAIN, "top = %zu, need at least 1", c->top);
    if (c->probes < 2) return sl_fail(err, SL_E_DOMAIN, "probes = %zu, need at least 2", c->probes);
    if (c->steps <= c->top) return sl_fail(err, SL_E_DOMAIN, "steps = %zu, need more than top = %zu", c->steps, c->top);
    if (c->batches && !(c->batch >= 1 && c->batch < samples))
        return sl_fail(err, SL_E_DOMAIN, "batch = %zu, need 1 <= C < %zu samples", c->batch, samples);
    return SL_OK;
}

static sl_status measure(sl_net_noise *r, sl_objective *o, const sl_noise_config *c, sl_err *err)
{
    const size_t P = r->parameters, n = r->samples;
    r->D = calloc(P, sizeof *r->D);
    r->mean = calloc(P, sizeof *r->mean);
    r->distance = calloc(n, sizeof *r->distance);
    r->n_directions = c->directions;
    r->random = calloc(c->directions + 1, sizeof *r->random);
    r->along = calloc(c->top, sizeof *r->along);
    r->values = calloc((c->directions + c->top) * n, sizeof *r->values);
    double *const loss = calloc(2 * n, sizeof *loss);
    if (!r->D || !r->mean || !r->distance || !r->random || !r->along || !r->values || !loss) {
        free(loss);
        return sl_fail(err, SL_E_MEMORY, "no memory for the noise of %zu parameters", P);
    }
    sl_status st = take_moments(o, r->mean, r->D, loss, loss + n, err);
    if (st == SL_OK) st = take_trace(r, o, loss + n, err);
    r->loss = mean_of(loss, n);
    free(loss);
    if (st == SL_OK) st = sl_noise_spectrum(r, o, c, err);
    if (st == SL_OK) st = take_projections(r, o, c->seed, err);
    if (st == SL_OK) st = eigenvalue_errors(r, err);
    if (st == SL_OK && c->batches) st = sl_noise_batches(r, o, c, err);
    return st;
}

sl_status sl_noise_measure(sl_net_noise *r, sl_objective *o, const sl_noise_config *config, sl_err *err)
{
    sl_noise_config c = *config;
    if (c.gram_most == 0) c.gram_most = GRAM_MOST;
    SL_TRY(check(&c, sl_objective_samples(o), err));
    sl_net_noise m = {.samples = sl_objective_samples(o), .parameters = sl_objective_parameters(o)};
    const sl_status st = measure(&m, o, &c, err);
    if (st == SL_OK) *r = m;
    else sl_noise_clear(&m);
    return st;
}

void sl_noise_clear(sl_net_noise *r)
{
    free(r->D);
    free(r->mean);
    free(r->distance);
    free(r->eigenvalue);
    free(r->residual);
    free(r->vectors);
    free(r->random);
    free(r->along);
    free(r->values);
    *r = (sl_net_noise){0};
}

sl_status sl_noise_trace(sl_estimate *trace, sl_objective *o, sl_err *err)
{
    sl_net_noise m = {.samples = sl_objective_samples(o), .parameters = sl_objective_parameters(o)};
    const size_t n = m.samples;
    m.mean = calloc(2 * m.parameters, sizeof *m.mean);
    m.distance = calloc(3 * n, sizeof *m.distance);
    sl_status st = SL_OK;
    if (!m.mean || !m.distance)
        st = sl_fail(err, SL_E_MEMORY, "no memory for the noise of %zu parameters", m.parameters);
    if (st == SL_OK) st = take_moments(o, m.mean, m.mean + m.parameters, m.distance + n, m.distance + 2 * n, err);
    if (st == SL_OK) st = take_trace(&m, o, m.distance + 2 * n, err);
    if (st == SL_OK) *trace = m.trace;
    sl_noise_clear(&m);
    return st;
}
