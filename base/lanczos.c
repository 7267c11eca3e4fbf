#include "base/lanczos.h"

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

enum { MOST_STEPS = 1 << 14 };

/* Sums of several threads would depend on how many they are. */
static void single_threaded_blas(void)
{
    openblas_set_num_threads(1);
}

static void single_threaded(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, single_threaded_blas);
}

void sl_lanczos_free(sl_lanczos *l)
{
    free(l->value);
    free(l->weight);
    free(l->residual);
    free(l->coefficient);
    free(l->basis);
    *l = (sl_lanczos){0};
}

/* z -= Q Q' z, twice: the second time removes what rounding left of the first. */
void sl_project_out(double *z, const double *q, size_t k, size_t n)
{
    single_threaded();
    for (int pass = 0; pass < 2; pass++)
        for (size_t j = 0; j < k; j++) {
            const double *const qj = q + j * n;
            cblas_daxpy((int)n, -cblas_ddot((int)n, qj, 1, z, 1), qj, 1, z, 1);
        }
}

/* The iteration: diagonal[steps], beside[steps] (beside[j] couples j and j + 1); l->steps, l->basis. */
static sl_status iterate(sl_lanczos *l, size_t steps, double *diagonal, double *beside, double *w, sl_product apply,
                         void *ctx, sl_err *err)
{
    const size_t n = l->n;
    const int length = (int)n;
    double scale = 0;
    for (size_t j = 0; j < steps; j++) {
        if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "the spectrum was interrupted");
        double *const v = l->basis + j * n;
        SL_TRY(apply(ctx, 1, v, w, err));
        diagonal[j] = cblas_ddot(length, v, 1, w, 1);
        if (!isfinite(diagonal[j]))
            return sl_fail(err, SL_E_NUMERIC, "lanczos: the matrix times a vector is not finite at step %zu", j);
        sl_project_out(w, l->basis, j + 1, n);
        beside[j] = cblas_dnrm2(length, w, 1);
        scale = fmax(scale, fmax(fabs(diagonal[j]), beside[j]));
        l->steps = j + 1;
        if (beside[j] <= 1e-13 * scale) beside[j] = 0; /* rounding: the space is exhausted */
        if (beside[j] == 0 || j + 1 == steps) break;
        double *const next = v + n;
        memcpy(next, w, n * sizeof *next);
        cblas_dscal(length, 1 / beside[j], next, 1);
    }
    return SL_OK;
}

/* Ritz values of the tridiagonal matrix, largest first. */
static sl_status decompose(sl_lanczos *l, double *diagonal, double *beside, sl_err *err)
{
    const size_t m = l->steps;
    const double last = beside[m - 1];
    double *const z = calloc(m * m, sizeof *z);
    if (!z) return sl_fail(err, SL_E_MEMORY, "no memory for %zu steps of Lanczos", m);
    const int info = LAPACKE_dstev(LAPACK_COL_MAJOR, 'V', (int)m, diagonal, beside, z, (int)m);
    if (info != 0) {
        free(z);
        return sl_fail(err, SL_E_NUMERIC, "lanczos: dstev stopped with info = %d", info);
    }
    for (size_t i = 0; i < m; i++) {
        const double *const from = z + (m - 1 - i) * m; /* ascending there */
        l->value[i] = diagonal[m - 1 - i];
        l->weight[i] = from[0] * from[0];
        l->residual[i] = last * fabs(from[m - 1]);
        memcpy(l->coefficient + i * m, from, m * sizeof *from);
    }
    free(z);
    return SL_OK;
}

sl_status sl_lanczos_alloc(sl_lanczos *l, size_t n, size_t steps, const double *start, sl_product apply, void *ctx,
                           sl_err *err)
{
    if (!(n >= 1 && n <= INT_MAX && steps >= 1 && steps <= MOST_STEPS))
        return sl_fail(err, SL_E_DOMAIN, "lanczos: %zu steps with n = %zu, need 1 <= n < 2^31 and 1 to %d steps", steps,
                       n, MOST_STEPS);
    if (steps > n) steps = n;
    single_threaded();
    sl_lanczos r = {.n = n};
    r.basis = malloc(steps * n * sizeof(double));
    r.value = calloc(steps, sizeof(double));
    r.weight = calloc(steps, sizeof(double));
    r.residual = calloc(steps, sizeof(double));
    r.coefficient = calloc(steps * steps, sizeof(double));
    double *const work = calloc(n + 2 * steps, sizeof *work);
    sl_status st = SL_OK;
    if (!r.basis || !r.value || !r.weight || !r.residual || !r.coefficient || !work) {
        st = sl_fail(err, SL_E_MEMORY, "no memory for %zu vectors of %zu numbers", steps, n);
    } else {
        const double norm = cblas_dnrm2((int)n, start, 1);
        memcpy(r.basis, start, n * sizeof *start);
        if (norm > 0 && isfinite(norm)) cblas_dscal((int)n, 1 / norm, r.basis, 1);
        else st = sl_fail(err, SL_E_NUMERIC, "lanczos: the start has length %g, need a positive one", norm);
    }
    if (st == SL_OK) st = iterate(&r, steps, work + n, work + n + steps, work, apply, ctx, err);
    if (st == SL_OK) st = decompose(&r, work + n, work + n + steps, err);
    free(work);
    if (st == SL_OK) *l = r;
    else sl_lanczos_free(&r);
    return st;
}

void sl_lanczos_vector(double *u, const sl_lanczos *l, size_t i)
{
    memset(u, 0, l->n * sizeof *u);
    for (size_t j = 0; j < l->steps; j++)
        cblas_daxpy((int)l->n, l->coefficient[i * l->steps + j], l->basis + j * l->n, 1, u, 1);
    cblas_dscal((int)l->n, 1 / cblas_dnrm2((int)l->n, u, 1), u, 1);
}

void sl_random_signs(double *z, size_t n, const sl_draw *draw)
{
    enum { GROUP = 1024 };
    uint32_t word[GROUP];
    for (size_t first = 0; first < n; first += GROUP) {
        const size_t count = n - first < GROUP ? n - first : GROUP;
        sl_random_words(word, count, first, draw);
        for (size_t i = 0; i < count; i++) z[first + i] = word[i] >> 31 ? 1 : -1;
    }
}

static sl_estimate plus(double exact, const sl_welford *w, bool nothing_left)
{
    if (nothing_left) return sl_exact(exact);
    sl_estimate e = sl_welford_mean(w);
    e.value += exact;
    return e;
}

sl_status sl_trace_probe(sl_traces *t, size_t n, size_t probes, const double *q, const double *value,
                         const double *residual, size_t k, sl_product apply, void *ctx, sl_draw draw, sl_err *err)
{
    if (probes < 2 || probes > SIZE_MAX / 16 / n)
        return sl_fail(err, SL_E_DOMAIN, "%zu probes for a trace, need at least 2", probes);
    double trace = 0, square = 0;
    for (size_t j = 0; j < k; j++) {
        trace += value[j];
        square += value[j] * value[j] + residual[j] * residual[j];
    }
    double *const z = malloc(2 * probes * n * sizeof *z), *const y = z + probes * n;
    if (!z) return sl_fail(err, SL_E_MEMORY, "no memory for %zu probes of %zu numbers", probes, n);
    for (size_t p = 0; p < probes; p++) {
        draw.step = p;
        sl_random_signs(z + p * n, n, &draw);
        sl_project_out(z + p * n, q, k, n);
    }
    const sl_status st = apply(ctx, probes, z, y, err);
    sl_welford first = {0}, second = {0};
    for (size_t p = 0; st == SL_OK && p < probes; p++) {
        sl_welford_add(&first, cblas_ddot((int)n, z + p * n, 1, y + p * n, 1));
        sl_welford_add(&second, cblas_ddot((int)n, y + p * n, 1, y + p * n, 1));
    }
    free(z);
    if (st == SL_OK) *t = (sl_traces){plus(trace, &first, k >= n), plus(square, &second, k >= n)};
    return st;
}

void sl_spectral_density(double *density, double *se, const double *grid, size_t points, double width,
                         const sl_lanczos *probe, size_t probes)
{
    const double norm = 1 / (width * sqrt(2 * M_PI));
    for (size_t g = 0; g < points; g++) {
        sl_welford over = {0};
        for (size_t p = 0; p < probes; p++) {
            double sum = 0;
            for (size_t i = 0; i < probe[p].steps; i++) {
                const double u = (grid[g] - probe[p].value[i]) / width;
                sum += probe[p].weight[i] * exp(-u * u / 2);
            }
            sl_welford_add(&over, sum * norm);
        }
        const sl_estimate e = sl_welford_mean(&over);
        density[g] = e.value;
        se[g] = e.se;
    }
}
