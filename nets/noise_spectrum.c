/* The leading eigenpairs of the noise covariance: of few samples through their Gram matrix, which has the same
 * eigenvalues but for zeros, exactly; of many by Lanczos. */
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/lanczos.h"
#include "nets/noise_parts.h"
#include "nets/objective_kernel.h"

static const size_t GRAM_MEMORY = (size_t)1 << 29; /* bytes of gradients kept */

static sl_status alloc_pairs(sl_net_noise *r, size_t top, sl_err *err)
{
    r->eigenvalue = calloc(top, sizeof *r->eigenvalue);
    r->residual = calloc(top, sizeof *r->residual);
    r->vectors = calloc(top * r->parameters, sizeof *r->vectors);
    if (r->eigenvalue && r->residual && r->vectors) return SL_OK;
    return sl_fail(err, SL_E_MEMORY, "no memory for %zu eigenvectors of %zu numbers", top, r->parameters);
}

static double participation_of(const sl_net_noise *r)
{
    return r->trace.value * r->trace.value / ((double)r->parameters * r->square.value);
}

/* ---- Gram matrix ---- */

typedef struct {
    float *gradient; /* [samples][n] */
    size_t n;
} store;

static void keep(void *ctx, size_t slot, size_t sample, double loss, const float *g)
{
    (void)slot;
    (void)loss;
    const store *const s = ctx;
    memcpy(s->gradient + sample * s->n, g, s->n * sizeof *g);
}

/* gram[i][j] = (g_i - g)'(g_j - g) / samples, in double, by panels of coordinates. */
static sl_status fill_gram(double *gram, const store *s, const double *mean, size_t samples, sl_err *err)
{
    enum { PANEL = 1024 };
    double *const panel = malloc(samples * PANEL * sizeof *panel);
    if (!panel) return sl_fail(err, SL_E_MEMORY, "no memory for the Gram matrix of %zu samples", samples);
    for (size_t first = 0; first < s->n; first += PANEL) {
        const size_t width = s->n - first < PANEL ? s->n - first : PANEL;
        for (size_t i = 0; i < samples; i++)
            for (size_t k = 0; k < width; k++)
                panel[i * width + k] = (double)s->gradient[i * s->n + first + k] - mean[first + k];
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (int)samples, (int)width, 1 / (double)samples, panel,
                    (int)width, first ? 1 : 0, gram, (int)samples);
    }
    for (size_t i = 0; i < samples; i++)
        for (size_t j = 0; j < i; j++) gram[i * samples + j] = gram[j * samples + i];
    free(panel);
    return SL_OK;
}

/* tr D^2 = |K|^2 of the matrix K of fill_gram; (g_i - g)'D(g_i - g) = n sum_j K_ij^2. */
static sl_status gram_square(sl_net_noise *r, const double *gram, sl_err *err)
{
    const size_t n = r->samples;
    double *const own = malloc(2 * n * sizeof *own), *const influence = own + n;
    if (!own) return sl_fail(err, SL_E_MEMORY, "no memory for %zu samples", n);
    double square = 0;
    for (size_t i = 0; i < n; i++) {
        own[i] = (double)n * cblas_ddot((int)n, gram + i * n, 1, gram + i * n, 1);
        square += own[i] / (double)n;
    }
    r->square = (sl_estimate){square, sl_influence_se(own, n, 2), INFINITY};
    const double share = participation_of(r);
    for (size_t i = 0; i < n; i++) influence[i] = 2 * (r->distance[i] / r->trace.value - own[i] / square);
    r->participation = (sl_estimate){share, sl_influence_se(influence, n, share), INFINITY};
    free(own);
    return SL_OK;
}

/* u = sum_i w_i (g_i - g) / sqrt(n value), for the eigenvectors w of K; destroys gram. */
static sl_status gram_pairs(sl_net_noise *r, double *gram, const store *s, size_t top, sl_err *err)
{
    static const double RANK = 1e-12; /* of the largest eigenvalue: below, rounding */
    const size_t n = r->samples;
    double *const value = calloc(n + top * n, sizeof *value), *const w = value + n;
    int *const support = calloc(2 * n, sizeof *support);
    sl_status st = SL_OK;
    int found = 0;
    if (!value || !support) st = sl_fail(err, SL_E_MEMORY, "no memory for the Gram matrix of %zu samples", n);
    else {
        const int info = LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'U', (int)n, gram, (int)n, 0, 0, (int)(n - top + 1),
                                        (int)n, 0, &found, value, w, (int)n, support);
        if (info != 0) st = sl_fail(err, SL_E_NUMERIC, "dsyevr stopped with info = %d on %zu samples", info, n);
    }
    for (size_t j = 0; st == SL_OK && j < (size_t)found; j++) {
        const size_t from = (size_t)found - 1 - j; /* ascending there */
        if (!(value[from] > RANK * value[found - 1])) break;
        double *const u = r->vectors + j * s->n, sum = 0;
        for (size_t i = 0; i < n; i++) {
            sl_axpy_fd(u, w[from * n + i], s->gradient + i * s->n, s->n);
            sum += w[from * n + i];
        }
        cblas_daxpy((int)s->n, -sum, r->mean, 1, u, 1);
        cblas_dscal((int)s->n, 1 / cblas_dnrm2((int)s->n, u, 1), u, 1);
        r->eigenvalue[j].value = value[from];
        r->n_top = j + 1;
    }
    free(value);
    free(support);
    return st;
}

static sl_status by_gram(sl_net_noise *r, sl_objective *o, size_t top, sl_err *err)
{
    const size_t n = r->samples;
    store s = {.gradient = malloc(n * r->parameters * sizeof(float)), .n = r->parameters};
    double *const gram = calloc(n * n, sizeof *gram);
    sl_status st =
        s.gradient && gram ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for the gradients of %zu samples", n);
    if (st == SL_OK) st = sl_objective_each(o, sl_objective_slots(o, 0), keep, &s, err);
    if (st == SL_OK) st = fill_gram(gram, &s, r->mean, n, err);
    if (st == SL_OK) st = gram_square(r, gram, err);
    if (st == SL_OK) st = gram_pairs(r, gram, &s, top, err);
    free(s.gradient);
    free(gram);
    r->gram = true;
    return st;
}

/* ---- Lanczos ---- */

static sl_status by_lanczos(sl_net_noise *r, sl_objective *o, const sl_noise_config *c, size_t top, sl_err *err)
{
    const size_t P = r->parameters;
    sl_noise_matrix d = {o, r->mean};
    sl_lanczos l;
    double *const start = malloc(P * sizeof *start);
    if (!start) return sl_fail(err, SL_E_MEMORY, "no memory for %zu numbers", P);
    const sl_draw draw = {.seed = c->seed, .sub = 2, .purpose = SL_PURPOSE_MEASURE};
    sl_random_signs(start, P, &draw);
    const sl_status st = sl_lanczos_alloc(&l, P, c->steps, start, sl_noise_product, &d, err);
    free(start);
    if (st != SL_OK) return st;
    for (size_t j = 0; j < top && j < l.steps; j++) {
        if (!(l.value[j] > 0)) break;
        sl_lanczos_vector(r->vectors + j * P, &l, j);
        r->eigenvalue[j].value = l.value[j];
        r->residual[j] = l.residual[j];
        r->n_top = j + 1;
    }
    sl_lanczos_free(&l);
    double values[64];
    const size_t deflated = r->n_top < 64 ? r->n_top : 64;
    for (size_t j = 0; j < deflated; j++) values[j] = r->eigenvalue[j].value;
    sl_traces t;
    const sl_draw probe = {.seed = c->seed, .sub = 3, .purpose = SL_PURPOSE_MEASURE};
    SL_TRY(
        sl_trace_probe(&t, P, c->probes, r->vectors, values, r->residual, deflated, sl_noise_product, &d, probe, err));
    r->square = t.square;
    r->participation = sl_ratio(sl_exact(1), t.square);
    r->participation = sl_scaled(r->trace.value * r->trace.value / (double)P, r->participation);
    return SL_OK;
}

sl_status sl_noise_spectrum(sl_net_noise *r, sl_objective *o, const sl_noise_config *c, sl_err *err)
{
    const size_t n = r->samples, rank = n - 1 < r->parameters ? n - 1 : r->parameters;
    const size_t top = c->top < rank ? c->top : rank;
    SL_TRY(alloc_pairs(r, top, err));
    const bool fits = n <= c->gram_most && n * r->parameters <= GRAM_MEMORY / sizeof(float);
    SL_TRY(fits ? by_gram(r, o, top, err) : by_lanczos(r, o, c, top, err));
    if (r->n_top == 0) return sl_fail(err, SL_E_NUMERIC, "the noise covariance has no positive eigenvalue");
    return SL_OK;
}
