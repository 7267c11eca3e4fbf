#include "theory/reshuffling.h"

#include <lapacke.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_D = SL_RESHUFFLING_MAX_DIM, MAX_STATE = 1 + MAX_D + MAX_D * (MAX_D + 1) / 2 };

sl_status sl_batch_noise_of(sl_batch_noise *b, sl_finite_drawing drawing, size_t n, size_t batch, sl_err *err)
{
    if (!(n >= 2)) return sl_fail(err, SL_E_DOMAIN, "reshuffling: %zu samples, need 2 or more", n);
    if (!(batch >= 1 && (batch <= n || drawing == SL_FINITE_REPLACEMENT)))
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: batch = %zu, need 1 <= batch <= n = %zu", batch, n);
    const double N = (double)n, C = (double)batch;
    *b = (sl_batch_noise){.variance = drawing == SL_FINITE_REPLACEMENT ? 1 / C : (N - C) / (C * (N - 1)),
                          .covariance = drawing == SL_FINITE_EPOCHS ? -1 / (N - 1) : 0};
    b->correlation = b->variance > 0 ? b->covariance / b->variance : NAN;
    return SL_OK;
}

static sl_status check(const sl_finite_sum *s, sl_err *err)
{
    sl_batch_noise unused;
    SL_TRY(sl_batch_noise_of(&unused, s->drawing, s->n, s->batch, err));
    if (!(s->d >= 1 && s->d <= MAX_D))
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: d = %zu, need 1 <= d <= %d", s->d, MAX_D);
    if (!(s->rate > 0 && isfinite(s->rate)))
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: rate = %g, need 0 < rate < inf", s->rate);
    for (size_t i = 0; i < s->n; i++) {
        bool finite = isfinite(s->y[i]);
        for (size_t k = 0; k < s->d; k++) finite &= isfinite(s->x[i * s->d + k]);
        if (!finite) return sl_fail(err, SL_E_DOMAIN, "reshuffling: sample %zu must be finite", i);
    }
    return SL_OK;
}

/* ---- A step's ingredients: curvature H and gradient b at the minimum, of a sample or the mean of several ---- */

typedef struct {
    double H[MAX_D][MAX_D], b[MAX_D];
} pull;

static void add_sample(pull *p, const sl_finite_sum *s, const double *minimum, size_t i, double weight)
{
    const double *const x = s->x + i * s->d;
    double residual = -s->y[i];
    for (size_t k = 0; k < s->d; k++) residual += x[k] * minimum[k];
    for (size_t k = 0; k < s->d; k++) {
        p->b[k] += weight * x[k] * residual;
        for (size_t l = 0; l < s->d; l++) p->H[k][l] += weight * x[k] * x[l];
    }
}

static pull mean_pull(const sl_finite_sum *s, const double *minimum)
{
    pull p = {0};
    for (size_t i = 0; i < s->n; i++) add_sample(&p, s, minimum, i, 1 / (double)s->n);
    return p;
}

sl_status sl_finite_sum_minimum(double *theta, const sl_finite_sum *s, sl_err *err)
{
    SL_TRY(check(s, err));
    const double origin[MAX_D] = {0};
    const pull p = mean_pull(s, origin);
    double H[MAX_D * MAX_D], t[MAX_D];
    const lapack_int d = (lapack_int)s->d;
    for (size_t k = 0; k < s->d; k++) {
        t[k] = -p.b[k];
        for (size_t l = 0; l < s->d; l++) H[k * s->d + l] = p.H[k][l];
    }
    if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', d, 1, H, d, t, 1) != 0)
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: the samples do not span %zu coordinates: no unique minimum",
                       s->d);
    memcpy(theta, t, s->d * sizeof *theta);
    return SL_OK;
}

/* ---- z = (1, E eta, E eta eta') and what a step does to it ---- */

typedef struct {
    double one, m[MAX_D], M[MAX_D][MAX_D];
} moments;

/* out += weight times the moments after a step by p. */
static void add_step(moments *out, const moments *z, const pull *p, size_t d, double rate, double weight)
{
    double A[MAX_D][MAX_D], Am[MAX_D], AM[MAX_D][MAX_D];
    for (size_t k = 0; k < d; k++) {
        Am[k] = 0;
        for (size_t l = 0; l < d; l++) {
            A[k][l] = (k == l) - rate * p->H[k][l];
            Am[k] += A[k][l] * z->m[l];
        }
    }
    for (size_t k = 0; k < d; k++)
        for (size_t l = 0; l < d; l++) {
            AM[k][l] = 0;
            for (size_t j = 0; j < d; j++) AM[k][l] += A[k][j] * z->M[j][l];
        }
    out->one += weight * z->one;
    for (size_t k = 0; k < d; k++) {
        out->m[k] += weight * (Am[k] - rate * p->b[k] * z->one);
        for (size_t l = 0; l < d; l++) {
            double sum = rate * rate * p->b[k] * p->b[l] * z->one - rate * (Am[k] * p->b[l] + p->b[k] * Am[l]);
            for (size_t j = 0; j < d; j++) sum += AM[k][j] * A[l][j];
            out->M[k][l] += weight * sum;
        }
    }
}

static void pack(double *v, const moments *z, size_t d)
{
    *v++ = z->one;
    for (size_t k = 0; k < d; k++) *v++ = z->m[k];
    for (size_t k = 0; k < d; k++)
        for (size_t l = k; l < d; l++) *v++ = z->M[k][l];
}

static moments unpack(const double *v, size_t d)
{
    moments z = {.one = *v++};
    for (size_t k = 0; k < d; k++) z.m[k] = *v++;
    for (size_t k = 0; k < d; k++)
        for (size_t l = k; l < d; l++) z.M[k][l] = z.M[l][k] = *v++;
    return z;
}

/* ---- One period of the noise: a step of independent batches, or an epoch ---- */

typedef struct {
    const sl_finite_sum *s;
    double minimum[MAX_D];
    pull mean;
    moments *of; /* [2^n]: F(S) for the sets S of an epoch */
} period;

static moments independent_step(const period *p, const moments *z)
{
    const sl_finite_sum *const s = p->s;
    const double C = (double)s->batch, N = (double)s->n;
    const double w = s->drawing == SL_FINITE_REPLACEMENT ? 1 / C : (N - C) / (C * (N - 1));
    moments out = {0};
    add_step(&out, z, &p->mean, s->d, s->rate, 1 - w);
    for (size_t i = 0; i < s->n; i++) {
        pull one = {0};
        add_sample(&one, s, p->minimum, i, 1);
        add_step(&out, z, &one, s->d, s->rate, w / N);
    }
    return out;
}

/* F(S) from the sets without its last batch, which holds `last` samples. */
static moments last_step(const period *p, uint32_t set, int last)
{
    const sl_finite_sum *const s = p->s;
    moments sum = {0}, out = {0};
    size_t ways = 0;
    for (uint32_t batch = set; batch > 0; batch = (batch - 1) & set) {
        if (__builtin_popcount(batch) != last) continue;
        pull mean = {0};
        for (size_t i = 0; i < s->n; i++)
            if (batch >> i & 1) add_sample(&mean, s, p->minimum, i, 1 / (double)last);
        add_step(&sum, &p->of[set & ~batch], &mean, s->d, s->rate, 1);
        ways++;
    }
    const double scale = 1 / (double)ways;
    out.one = scale * sum.one;
    for (size_t k = 0; k < s->d; k++) {
        out.m[k] = scale * sum.m[k];
        for (size_t l = 0; l < s->d; l++) out.M[k][l] = scale * sum.M[k][l];
    }
    return out;
}

/* After all batches of an epoch; p->of has what was in between. A set has more elements than its subsets have, so that
 * they are smaller numbers. */
static moments epoch(const period *p, const moments *z)
{
    const uint32_t all = (1u << p->s->n) - 1;
    p->of[0] = *z;
    for (uint32_t set = 1; set <= all; set++) {
        const size_t size = (size_t)__builtin_popcount(set), rest = size % p->s->batch;
        if (rest != 0 && set != all) continue;
        p->of[set] = last_step(p, set, (int)(rest != 0 ? rest : p->s->batch));
    }
    return p->of[all];
}

static moments after(const period *p, const moments *z)
{
    return p->s->drawing == SL_FINITE_EPOCHS ? epoch(p, z) : independent_step(p, z);
}

/* ---- Where it is stationary ---- */

static sl_status check_radius(const double *L, size_t n, sl_err *err)
{
    double copy[MAX_STATE * MAX_STATE], re[MAX_STATE], im[MAX_STATE], radius = 0;
    memcpy(copy, L, n * n * sizeof *copy);
    const lapack_int k = (lapack_int)n;
    if (LAPACKE_dgeev(LAPACK_ROW_MAJOR, 'N', 'N', k, copy, k, re, im, NULL, k, NULL, k) != 0)
        return sl_fail(err, SL_E_NUMERIC, "reshuffling: the eigenvalues of the second moments' map were not found");
    for (size_t i = 0; i < n; i++) radius = fmax(radius, hypot(re[i], im[i]));
    if (radius < 1) return SL_OK;
    return sl_fail(err, SL_E_UNSTABLE, "reshuffling: second moments grow by %.6g a period, need less than 1", radius);
}

/* z = after(z) with z_0 = 1: (1 - L) z = c. */
static sl_status solve(moments *z, const period *p, sl_err *err)
{
    const size_t d = p->s->d, n = d + d * (d + 1) / 2;
    double L[MAX_STATE * MAX_STATE], c[MAX_STATE + 1], column[MAX_STATE + 1], unit[MAX_STATE + 1];
    for (size_t j = 0; j <= n; j++) {
        memset(unit, 0, sizeof unit);
        unit[j] = 1;
        const moments from = unpack(unit, d), to = after(p, &from);
        pack(column, &to, d);
        for (size_t i = 0; i < n; i++)
            if (j == 0)
                c[i] = column[i + 1];
            else
                L[i * n + j - 1] = column[i + 1];
    }
    SL_TRY(check_radius(L, n, err));
    for (size_t i = 0; i < n * n; i++) L[i] = (i % (n + 1) == 0) - L[i];
    lapack_int pivot[MAX_STATE];
    const lapack_int k = (lapack_int)n;
    if (LAPACKE_dgesv(LAPACK_ROW_MAJOR, k, 1, L, k, pivot, c, 1) != 0)
        return sl_fail(err, SL_E_NUMERIC, "reshuffling: the stationary moments' equations are singular");
    memmove(column + 1, c, n * sizeof *c);
    column[0] = 1;
    *z = unpack(column, d);
    return SL_OK;
}

static void write_out(double *mean, double *second, size_t position, const moments *z, size_t d)
{
    for (size_t k = 0; k < d; k++) {
        mean[position * d + k] = z->m[k];
        for (size_t l = 0; l < d; l++) second[(position * d + k) * d + l] = z->M[k][l];
    }
}

/* The mean of F(S) over the sets of that size. */
static moments at_size(const period *p, size_t size)
{
    moments out = {0};
    double n = 0;
    for (uint32_t set = 0; set < 1u << p->s->n; set++) {
        if ((size_t)__builtin_popcount(set) != size) continue;
        for (size_t k = 0; k < p->s->d; k++) {
            out.m[k] += p->of[set].m[k];
            for (size_t l = 0; l < p->s->d; l++) out.M[k][l] += p->of[set].M[k][l];
        }
        n++;
    }
    for (size_t k = 0; k < p->s->d; k++) {
        out.m[k] /= n;
        for (size_t l = 0; l < p->s->d; l++) out.M[k][l] /= n;
    }
    return out;
}

sl_status sl_reshuffling_stationary(double *mean, double *second, const sl_finite_sum *s, sl_err *err)
{
    period p = {.s = s};
    SL_TRY(sl_finite_sum_minimum(p.minimum, s, err));
    p.mean = mean_pull(s, p.minimum);
    const bool epochs = s->drawing == SL_FINITE_EPOCHS;
    if (epochs && s->n > SL_RESHUFFLING_MAX_SAMPLES)
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: %zu samples, need at most %d for all their orders", s->n,
                       SL_RESHUFFLING_MAX_SAMPLES);
    if (epochs) {
        p.of = malloc(((size_t)1 << s->n) * sizeof *p.of);
        if (!p.of) return sl_fail(err, SL_E_MEMORY, "no memory for the subsets of %zu samples", s->n);
    }
    moments z;
    const sl_status st = solve(&z, &p, err);
    if (st == SL_OK && epochs) {
        epoch(&p, &z);
        for (size_t j = 0; j < sl_finite_positions(s); j++) {
            const moments there = at_size(&p, j * s->batch);
            write_out(mean, second, j, &there, s->d);
        }
    } else if (st == SL_OK) {
        write_out(mean, second, 0, &z, s->d);
    }
    free(p.of);
    return st;
}

/* ---- Small rates ---- */

/* V of H V + V H = Q, in the eigenvectors of H. */
static sl_status lyapunov(double V[MAX_D][MAX_D], const double *Q, const pull *mean, size_t d, sl_err *err)
{
    double U[MAX_D * MAX_D], lambda[MAX_D], rotated[MAX_D][MAX_D] = {{0}};
    for (size_t k = 0; k < d * d; k++) U[k] = mean->H[k / d][k % d];
    if (LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'V', 'U', (lapack_int)d, U, (lapack_int)d, lambda) != 0)
        return sl_fail(err, SL_E_NUMERIC, "reshuffling: the eigenproblem of the mean curvature failed");
    for (size_t a = 0; a < d; a++)
        for (size_t c = 0; c < d; c++) {
            for (size_t k = 0; k < d * d; k++) rotated[a][c] += U[k / d * d + a] * Q[k] * U[k % d * d + c];
            rotated[a][c] /= lambda[a] + lambda[c];
        }
    for (size_t k = 0; k < d; k++)
        for (size_t l = 0; l < d; l++) {
            V[k][l] = 0;
            for (size_t a = 0; a < d * d; a++) V[k][l] += U[k * d + a / d] * rotated[a / d][a % d] * U[l * d + a % d];
        }
    return SL_OK;
}

/* S = mean b b', K = mean H_i b_i. */
static void noise_of(double *S, double *K, const sl_finite_sum *s, const double *minimum)
{
    memset(S, 0, s->d * s->d * sizeof *S);
    memset(K, 0, s->d * sizeof *K);
    for (size_t i = 0; i < s->n; i++) {
        pull one = {0};
        add_sample(&one, s, minimum, i, 1);
        for (size_t k = 0; k < s->d; k++)
            for (size_t l = 0; l < s->d; l++) {
                S[k * s->d + l] += one.b[k] * one.b[l] / (double)s->n;
                K[k] += one.H[k][l] * one.b[l] / (double)s->n;
            }
    }
}

sl_status sl_reshuffling_leading(double *mean, double *second, const sl_finite_sum *s, sl_err *err)
{
    double minimum[MAX_D], S[MAX_D * MAX_D], K[MAX_D];
    SL_TRY(sl_finite_sum_minimum(minimum, s, err));
    sl_batch_noise noise;
    SL_TRY(sl_batch_noise_of(&noise, s->drawing, s->n, s->batch, err));
    noise_of(S, K, s, minimum);
    const pull whole = mean_pull(s, minimum);
    const size_t d = s->d;
    moments z = {0};
    if (s->drawing != SL_FINITE_EPOCHS) {
        for (size_t k = 0; k < d * d; k++) S[k] *= s->rate * noise.variance;
        SL_TRY(lyapunov(z.M, S, &whole, d, err));
        write_out(mean, second, 0, &z, d);
        return SL_OK;
    }
    if (s->n % s->batch != 0)
        return sl_fail(err, SL_E_DOMAIN, "reshuffling: batch = %zu must divide n = %zu to leading order", s->batch,
                       s->n);
    const size_t q = sl_finite_positions(s);
    double H[MAX_D * MAX_D];
    for (size_t k = 0; k < d * d; k++) H[k] = whole.H[k / d][k % d];
    for (size_t k = 0; k < d; k++) z.m[k] = -s->rate * ((double)q - 1) / (2 * ((double)s->n - 1)) * K[k];
    if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', (lapack_int)d, 1, H, (lapack_int)d, z.m, 1) != 0)
        return sl_fail(err, SL_E_NUMERIC, "reshuffling: the mean curvature could not be inverted");
    for (size_t j = 0; j < q; j++) {
        const double bridge = (double)j * (double)(s->n - j * s->batch) / ((double)s->batch * ((double)s->n - 1));
        for (size_t k = 0; k < d; k++)
            for (size_t l = 0; l < d; l++)
                z.M[k][l] = s->rate * s->rate * bridge * S[k * d + l] + z.m[k] * z.m[l];
        write_out(mean, second, j, &z, d);
    }
    return SL_OK;
}
