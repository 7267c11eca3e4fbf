#include "theory/averaging.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MOST_STEPS = (uint64_t)1 << 52; /* exact as doubles */

struct sl_averaging_modes {
    size_t d;
    double rate, noise, batch;
    double *spectrum, *start2; /* [d]; start2: eta_0 squared                                   */
    double *vectors;           /* [d][d], V_ii = sum_j vectors[i][j] (mode j)                  */
    double *loss;              /* [d]: 1 - eigenvalue of the recursion, in increasing order    */
    double *kick;              /* [d]: rate^2 noise lambda / C, what a step adds               */
    double *initial, *source;  /* [d]: start2 and kick as sums of modes                        */
};

static double batch_of(double batch)
{
    return batch == 0 ? 1 : batch;
}

static sl_status check_spectrum(const double *spectrum, size_t d, double batch, sl_err *err)
{
    if (!(d >= 1 && d <= SL_AVERAGING_MAX_DIM))
        return sl_fail(err, SL_E_DOMAIN, "averaging: d = %zu, need 1 <= d <= %d", d, SL_AVERAGING_MAX_DIM);
    for (size_t i = 0; i < d; i++)
        if (!(spectrum[i] > 0 && isfinite(spectrum[i])))
            return sl_fail(err, SL_E_DOMAIN, "averaging: spectrum[%zu] = %g, need 0 < eigenvalue < inf", i,
                           spectrum[i]);
    if (!(batch == 0 || (batch >= 1 && isfinite(batch))))
        return sl_fail(err, SL_E_DOMAIN, "averaging: batch = %g, need 1 <= batch < inf", batch);
    return SL_OK;
}

static sl_status check(const sl_averaging *a, sl_err *err)
{
    SL_TRY(check_spectrum(a->spectrum, a->d, a->batch, err));
    for (size_t i = 0; i < a->d && a->start; i++)
        if (!isfinite(a->start[i]))
            return sl_fail(err, SL_E_DOMAIN, "averaging: start[%zu] = %g must be finite", i, a->start[i]);
    if (!(a->rate > 0 && isfinite(a->rate)))
        return sl_fail(err, SL_E_DOMAIN, "averaging: rate = %g, need 0 < rate < inf", a->rate);
    if (!(a->noise >= 0 && isfinite(a->noise)))
        return sl_fail(err, SL_E_DOMAIN, "averaging: noise = %g, need 0 <= noise < inf", a->noise);
    return SL_OK;
}

/* What is left of one coordinate's recursion without the others, taken from 1. */
static double own_loss(const sl_averaging_modes *m, size_t i)
{
    const double y = m->rate * m->spectrum[i];
    return y * (2 - (1 + 1 / m->batch) * y);
}

/* out = vectors' in */
static void into_modes(double *out, const sl_averaging_modes *m, const double *in)
{
    memset(out, 0, m->d * sizeof *out);
    for (size_t i = 0; i < m->d; i++)
        for (size_t j = 0; j < m->d; j++) out[j] += m->vectors[i * m->d + j] * in[i];
}

/* Unit minus recursion is decomposed, not the recursion: small rates lose no digits of what decays. */
static sl_status decompose(sl_averaging_modes *m, sl_err *err)
{
    const size_t d = m->d;
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < d; j++)
            m->vectors[i * d + j] = -m->rate * m->spectrum[i] * m->rate * m->spectrum[j] / m->batch;
        m->vectors[i * d + i] += own_loss(m, i);
    }
    const lapack_int n = (lapack_int)d, info = LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'V', 'U', n, m->vectors, n, m->loss);
    if (info != 0)
        return sl_fail(err, SL_E_NUMERIC, "averaging: the %zu x %zu eigenproblem failed (dsyev: %d)", d, d, (int)info);
    /* No eigenvalue of the recursion, a sum of squares, is negative but for rounding. */
    for (size_t j = 0; j < d; j++) m->loss[j] = fmin(m->loss[j], 1);
    into_modes(m->initial, m, m->start2);
    into_modes(m->source, m, m->kick);
    return SL_OK;
}

sl_status sl_averaging_alloc(sl_averaging_modes **out, const sl_averaging *a, sl_err *err)
{
    SL_TRY(check(a, err));
    const size_t d = a->d;
    sl_averaging_modes *const m = calloc(1, sizeof *m);
    double *const memory = malloc(d * (d + 6) * sizeof *memory);
    if (!m || !memory) {
        free(m);
        free(memory);
        return sl_fail(err, SL_E_MEMORY, "no memory for the modes of %zu coordinates", d);
    }
    *m = (sl_averaging_modes){.d = d, .rate = a->rate, .noise = a->noise, .batch = batch_of(a->batch)};
    m->spectrum = memory;
    m->start2 = memory + d;
    m->loss = memory + 2 * d;
    m->initial = memory + 3 * d;
    m->source = memory + 4 * d;
    m->kick = memory + 5 * d;
    m->vectors = memory + 6 * d;
    for (size_t i = 0; i < d; i++) {
        m->spectrum[i] = a->spectrum[i];
        m->start2[i] = a->start ? a->start[i] * a->start[i] : 0;
        m->kick[i] = m->rate * m->rate * m->noise * m->spectrum[i] / m->batch;
    }
    const sl_status st = decompose(m, err);
    if (st == SL_OK)
        *out = m;
    else
        sl_averaging_free(m);
    return st;
}

void sl_averaging_free(sl_averaging_modes *m)
{
    if (!m) return;
    free(m->spectrum);
    free(m);
}

/* mu^n and sum over k < n of mu^k, with mu = 1 - loss. */
static void powers(double *power, double *sum, double loss, uint64_t n)
{
    if (n == 0) {
        *power = 1;
        *sum = 0;
        return;
    }
    const double exponent = (double)n * log1p(-loss);
    *power = exp(exponent);
    *sum = loss == 0 ? (double)n : -expm1(exponent) / loss;
}

/* The amplitudes of the modes after n steps, without label noise and from it alone. */
static void advance(double *bias, double *variance, const sl_averaging_modes *m, uint64_t n)
{
    for (size_t j = 0; j < m->d; j++) {
        double power, sum;
        powers(&power, &sum, m->loss[j], n);
        bias[j] = power * m->initial[j];
        variance[j] = sum * m->source[j];
    }
}

static sl_status check_steps(uint64_t n, sl_err *err)
{
    if (n < MOST_STEPS) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "averaging: %llu steps, need fewer than 2^52", (unsigned long long)n);
}

static sl_status deliver(sl_averaging_risk *out, sl_averaging_risk r, const sl_averaging_modes *m, sl_err *err)
{
    if (!isfinite(r.bias) || !isfinite(r.variance))
        return sl_fail(err, SL_E_NUMERIC, "averaging: the second moments at rate %g grow beyond doubles", m->rate);
    /* Sums of squares, but for what cancels between modes. */
    *out = (sl_averaging_risk){fmax(r.bias, 0), fmax(r.variance, 0)};
    return SL_OK;
}

sl_status sl_averaging_last(sl_averaging_risk *out, const sl_averaging_modes *m, uint64_t n, sl_err *err)
{
    SL_TRY(check_steps(n, err));
    double bias[SL_AVERAGING_MAX_DIM], variance[SL_AVERAGING_MAX_DIM];
    advance(bias, variance, m, n);
    sl_averaging_risk r = {0};
    for (size_t i = 0; i < m->d; i++)
        for (size_t j = 0; j < m->d; j++) {
            const double share = m->spectrum[i] * m->vectors[i * m->d + j] / 2;
            r.bias += share * bias[j];
            r.variance += share * variance[j];
        }
    return deliver(out, r, m, err);
}

/* The state (1, v, c, s) of one coordinate and one mode: v' = mu v + 1 (the 1 for a source), c' = b (c + v) for the sum
 * of iterates times the last one, s' = s + 2 c + v for its square. Lower triangular; no cancellation while b >= 0. */
typedef struct {
    double v1, vv, c1, cv, cc, s1, sv, sc;
} chain;

static chain compose(const chain *a, const chain *b) /* a after b */
{
    return (chain){
        .v1 = a->v1 + a->vv * b->v1,
        .vv = a->vv * b->vv,
        .c1 = a->c1 + a->cv * b->v1 + a->cc * b->c1,
        .cv = a->cv * b->vv + a->cc * b->cv,
        .cc = a->cc * b->cc,
        .s1 = a->s1 + a->sv * b->v1 + a->sc * b->c1 + b->s1,
        .sv = a->sv * b->vv + a->sc * b->cv + b->sv,
        .sc = a->sc * b->cc + b->sc,
    };
}

static chain chain_power(double mu, double b, uint64_t n)
{
    chain power = {.v1 = 1, .vv = mu, .cv = b, .cc = b, .sv = 1, .sc = 2}, all = {.vv = 1, .cc = 1};
    for (; n > 0; n >>= 1) {
        if (n & 1) all = compose(&power, &all);
        if (n > 1) power = compose(&power, &power);
    }
    return all;
}

sl_status sl_averaging_average(sl_averaging_risk *out, const sl_averaging_modes *m, uint64_t from, uint64_t count,
                               sl_err *err)
{
    SL_TRY(check_steps(from, err));
    SL_TRY(check_steps(count, err));
    if (count == 0) return sl_fail(err, SL_E_DOMAIN, "averaging: an average of 0 iterates, need 1 or more");
    double bias[SL_AVERAGING_MAX_DIM], variance[SL_AVERAGING_MAX_DIM];
    advance(bias, variance, m, from);
    const double n2 = (double)count * (double)count;
    sl_averaging_risk r = {0};
    for (size_t i = 0; i < m->d; i++)
        for (size_t j = 0; j < m->d; j++) {
            const chain p = chain_power(1 - m->loss[j], 1 - m->rate * m->spectrum[i], count);
            const double share = m->spectrum[i] * m->vectors[i * m->d + j] / (2 * n2);
            r.bias += share * p.sv * bias[j];
            r.variance += share * (p.sv * variance[j] + p.s1 * m->source[j]);
        }
    return deliver(out, r, m, err);
}

/* ---- The edge of stability, and what is left after many steps ---- */

/* (rate/C) sum lambda / (2 - rate (1 + 1/C) lambda): the share of the second moments that the batches' random X puts
 * back; 1 at the edge. */
static double returned(double rate, const double *spectrum, size_t d, double batch)
{
    double sum = 0;
    for (size_t i = 0; i < d; i++) sum += spectrum[i] / (2 - rate * (1 + 1 / batch) * spectrum[i]);
    return rate * sum / batch;
}

sl_status sl_averaging_stability(double *rate, const double *spectrum, size_t d, double batch, sl_err *err)
{
    SL_TRY(check_spectrum(spectrum, d, batch, err));
    const double C = batch_of(batch);
    double top = 0;
    for (size_t i = 0; i < d; i++) top = fmax(top, spectrum[i]);
    double lo = 0, hi = 2 / ((1 + 1 / C) * top);
    for (;;) {
        const double middle = lo + (hi - lo) / 2;
        if (middle <= lo || middle >= hi) break;
        if (returned(middle, spectrum, d, C) < 1)
            lo = middle;
        else
            hi = middle;
    }
    *rate = lo;
    return SL_OK;
}

/* x = (1 - recursion)^-1 v, by Sherman and Morrison. */
static void resolve(double *x, const sl_averaging_modes *m, const double *v)
{
    double along = 0;
    for (size_t i = 0; i < m->d; i++) {
        x[i] = v[i] / own_loss(m, i);
        along += m->spectrum[i] * x[i];
    }
    along *= m->rate * m->rate / (m->batch * (1 - returned(m->rate, m->spectrum, m->d, m->batch)));
    for (size_t i = 0; i < m->d; i++) x[i] += along * m->spectrum[i] / own_loss(m, i);
}

sl_status sl_averaging_asymptotic(sl_averaging_law *law, const sl_averaging_modes *m, sl_err *err)
{
    const size_t d = m->d;
    double edge;
    SL_TRY(sl_averaging_stability(&edge, m->spectrum, d, m->batch, err));
    if (!(m->rate < edge))
        return sl_fail(err, SL_E_UNSTABLE, "averaging: rate = %g, second moments need rate < %.9g", m->rate, edge);
    double stationary[SL_AVERAGING_MAX_DIM], sums[SL_AVERAGING_MAX_DIM], from_start[SL_AVERAGING_MAX_DIM];
    resolve(stationary, m, m->kick);
    resolve(sums, m, stationary);
    resolve(from_start, m, m->start2);
    sl_averaging_law w = {.relaxation = -1 / log1p(-m->loss[0])};
    for (size_t i = 0; i < d; i++) {
        const double lambda = m->spectrum[i], y = m->rate * lambda, memory = (2 - y) / y; /* sum over k of b^|k| */
        w.last += lambda * stationary[i] / 2;
        w.variance_1 += lambda * memory * stationary[i] / 2;
        w.variance_2 -= lambda * (memory * sums[i] + 2 * (1 - y) / (y * y) * stationary[i]) / 2;
        w.bias_2 += lambda * memory * from_start[i] / 2;
        w.bias_small += m->start2[i] / (2 * lambda * m->rate * m->rate);
    }
    w.variance_small = m->noise * (double)d / (2 * m->batch);
    *law = w;
    return SL_OK;
}
