#include "theory/diffusion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void sl_diffusion_moments(double *M, double *G, const double *g, size_t N, size_t n)
{
    for (size_t a = 0; a < n; a++) {
        for (size_t b = 0; b < n; b++) {
            double outer = 0, mean_a = 0, mean_b = 0;
            for (size_t j = 0; j < N; j++) {
                outer += g[j * n + a] * g[j * n + b];
                mean_a += g[j * n + a];
                mean_b += g[j * n + b];
            }
            M[a * n + b] = outer / (double)N;
            G[a * n + b] = mean_a / (double)N * (mean_b / (double)N);
        }
    }
}

void sl_diffusion_hat(double *D_hat, const double *M, const double *G, size_t n, double q)
{
    for (size_t k = 0; k < n * n; k++) D_hat[k] = q * M[k] - G[k];
}

static sl_status check(double q, size_t N, size_t C, sl_batching batching, sl_err *err)
{
    if (!(q >= 1 && isfinite(q))) return sl_fail(err, SL_E_DOMAIN, "q = E alpha^2 = %g, need 1 <= q < inf", q);
    if (C < 1 || C > N) return sl_fail(err, SL_E_DOMAIN, "batch size C = %zu, need 1 <= C <= N = %zu", C, N);
    if (batching == SL_BATCH_PARTITION && N < 2)
        return sl_fail(err, SL_E_DOMAIN, "N = %zu samples, a partition into batches needs at least 2", N);
    return SL_OK;
}

sl_status sl_diffusion_off(double *d, const double *M, const double *G, size_t n, double q, size_t N, size_t C,
                           sl_batching batching, sl_err *err)
{
    SL_TRY(check(q, N, C, batching, err));
    const double pairs = 1 - 1 / (double)C; /* fraction of ordered pairs (j, k) of a batch with j != k */
    for (size_t k = 0; k < n * n; k++) {
        /* E g_j g_k^T over two different places of a batch: independent draws, or two different samples. */
        const double two = batching == SL_BATCH_REPLACEMENT ? G[k] : ((double)N * G[k] - M[k]) / (double)(N - 1);
        d[k] = pairs * (q * two - G[k]);
    }
    return SL_OK;
}

/* The next batch in order, or 0 when there is none: an odometer of C digits below N, or the C-subsets of N. */
static int next_batch(size_t *batch, size_t N, size_t C, sl_batching batching)
{
    for (size_t i = C; i-- > 0;) {
        const size_t last = batching == SL_BATCH_REPLACEMENT ? N - 1 : N - C + i;
        if (batch[i] == last) continue;
        batch[i]++;
        for (size_t k = i + 1; k < C; k++) batch[k] = batching == SL_BATCH_REPLACEMENT ? 0 : batch[k - 1] + 1;
        return 1;
    }
    return 0;
}

static double count_batches(size_t N, size_t C, sl_batching batching)
{
    double count = 1;
    for (size_t i = 0; i < C; i++)
        count *= batching == SL_BATCH_REPLACEMENT ? (double)N : (double)(N - i) / (double)(i + 1);
    return count;
}

sl_status sl_diffusion_enumerate(double *sigma, const double *g, size_t N, size_t n, double q, size_t C,
                                 sl_batching batching, sl_err *err)
{
    SL_TRY(check(q, N, C, batching, err));
    const double batches = count_batches(N, C, batching);
    if (!(batches <= 2e7))
        return sl_fail(err, SL_E_CONFIG, "%g batches of %zu out of %zu to enumerate, the limit is 2e7", batches, C, N);

    double *mean = calloc(3 * n + n * n, sizeof *mean); /* mean[n], batch_mean[n], xi[n], sum[n][n] */
    size_t *batch = malloc(C * sizeof *batch);
    if (!mean || !batch) {
        free(mean);
        free(batch);
        return sl_fail(err, SL_E_MEMORY, "no memory to enumerate batches of %zu in %zu dimensions", C, n);
    }
    double *const batch_mean = mean + n, *const xi = mean + 2 * n, *const sum = mean + 3 * n;
    for (size_t j = 0; j < N; j++)
        for (size_t a = 0; a < n; a++) mean[a] += g[j * n + a] / (double)N;
    for (size_t i = 0; i < C; i++) batch[i] = batching == SL_BATCH_REPLACEMENT ? 0 : i;

    /* alpha takes two values, 1 -+ sqrt(q - 1), with equal weight: mean 1 and second moment q, which is all that
     * a covariance sees of its law. */
    const double spread = sqrt(q - 1);
    do {
        memset(batch_mean, 0, n * sizeof *batch_mean);
        for (size_t i = 0; i < C; i++)
            for (size_t a = 0; a < n; a++) batch_mean[a] += g[batch[i] * n + a] / (double)C;
        for (int sign = -1; sign <= 1; sign += 2) {
            const double alpha = 1 + sign * spread;
            for (size_t a = 0; a < n; a++) xi[a] = mean[a] - alpha * batch_mean[a];
            for (size_t a = 0; a < n; a++)
                for (size_t b = 0; b < n; b++) sum[a * n + b] += xi[a] * xi[b] / 2;
        }
    } while (next_batch(batch, N, C, batching));
    for (size_t k = 0; k < n * n; k++) sigma[k] = sum[k] / batches;

    free(mean);
    free(batch);
    return SL_OK;
}
