#include "base/kernel.h"
#include "sim/losses/losses.h"

/* f = (1/4m) sum_j (s_j^2 - y_j)^2, s_j = a_j.x, y_j = a_j0^2, with a_j in row j of loss->table. A few lanes at a time,
 * whose coordinates stay in the first cache while the table goes by. */
enum { LANES = 16 };

static inline size_t width(size_t B, size_t first)
{
    return B - first < LANES ? B - first : LANES;
}

static inline void dot(double *restrict s, size_t n, size_t w, size_t stride, const double *restrict a,
                       const double *restrict x)
{
    for (size_t i = 0; i < w; i++) s[i] = 0;
    for (size_t d = 0; d < n; d++)
#pragma omp simd
        for (size_t i = 0; i < w; i++) s[i] += a[d] * x[d * stride + i];
}

/* g += s a. */
static inline void spread(double *restrict g, size_t n, size_t w, size_t stride, const double *restrict a,
                          const double *restrict s)
{
    for (size_t d = 0; d < n; d++)
#pragma omp simd
        for (size_t i = 0; i < w; i++) g[d * stride + i] += a[d] * s[i];
}

static inline void clear(double *restrict g, size_t n, size_t w, size_t stride)
{
    for (size_t d = 0; d < n; d++)
#pragma omp simd
        for (size_t i = 0; i < w; i++) g[d * stride + i] = 0;
}

SL_KERNEL void sl_phase_retrieval_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                        double *restrict f)
{
    const size_t n = loss->dim, m = loss->samples;
    for (size_t first = 0; first < B; first += LANES) {
        const size_t w = width(B, first);
        double s[LANES], sum[LANES] = {0};
        for (size_t j = 0; j < m; j++) {
            const double *a = loss->table + j * n, y = a[0] * a[0];
            dot(s, n, w, stride, a, x + first);
#pragma omp simd
            for (size_t i = 0; i < w; i++) sum[i] += (s[i] * s[i] - y) * (s[i] * s[i] - y);
        }
        for (size_t i = 0; i < w; i++) f[first + i] = sum[i] / (4 * (double)m);
    }
}

SL_KERNEL void sl_phase_retrieval_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                           double *restrict g)
{
    const size_t n = loss->dim, m = loss->samples;
    const double share = 1 / (double)m;
    for (size_t first = 0; first < B; first += LANES) {
        const size_t w = width(B, first);
        double s[LANES];
        clear(g + first, n, w, stride);
        for (size_t j = 0; j < m; j++) {
            const double *a = loss->table + j * n, y = a[0] * a[0];
            dot(s, n, w, stride, a, x + first);
#pragma omp simd
            for (size_t i = 0; i < w; i++) s[i] *= share * (s[i] * s[i] - y);
            spread(g + first, n, w, stride, a, s);
        }
    }
}

SL_KERNEL void sl_phase_retrieval_hessian_vector(const sl_loss *loss, size_t B, size_t stride,
                                                 const double *restrict x, const double *restrict u,
                                                 double *restrict h)
{
    const size_t n = loss->dim, m = loss->samples;
    const double share = 1 / (double)m;
    for (size_t first = 0; first < B; first += LANES) {
        const size_t w = width(B, first);
        double s[LANES], t[LANES];
        clear(h + first, n, w, stride);
        for (size_t j = 0; j < m; j++) {
            const double *a = loss->table + j * n, y = a[0] * a[0];
            dot(s, n, w, stride, a, x + first);
            dot(t, n, w, stride, a, u + first);
#pragma omp simd
            for (size_t i = 0; i < w; i++) t[i] *= share * (3 * s[i] * s[i] - y);
            spread(h + first, n, w, stride, a, t);
        }
    }
}

SL_KERNEL void sl_phase_retrieval_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                            double *restrict out)
{
    const size_t n = loss->dim, m = loss->samples;
    for (size_t first = 0; first < B; first += LANES) {
        const size_t w = width(B, first);
        double s[LANES], sum[LANES] = {0};
        for (size_t j = 0; j < m; j++) {
            const double *a = loss->table + j * n, y = a[0] * a[0];
            double a2 = 0;
            for (size_t d = 0; d < n; d++) a2 += a[d] * a[d];
            dot(s, n, w, stride, a, x + first);
#pragma omp simd
            for (size_t i = 0; i < w; i++) sum[i] += a2 * (3 * s[i] * s[i] - y);
        }
        for (size_t i = 0; i < w; i++) out[first + i] = sum[i] / (double)m;
    }
}

/* Every lane has a sample of its own, so rows are gathered. */
SL_KERNEL void sl_phase_retrieval_sample_gradient(const sl_loss *loss, size_t B, size_t stride,
                                                  const double *restrict x, const uint32_t *restrict index,
                                                  double *restrict g)
{
    const size_t n = loss->dim;
    const double *restrict table = loss->table;
    for (size_t first = 0; first < B; first += LANES) {
        const size_t w = width(B, first);
        double s[LANES] = {0};
        for (size_t d = 0; d < n; d++)
#pragma omp simd
            for (size_t i = 0; i < w; i++) s[i] += table[index[first + i] * n + d] * x[d * stride + first + i];
#pragma omp simd
        for (size_t i = 0; i < w; i++) {
            const double a0 = table[index[first + i] * n];
            s[i] *= s[i] * s[i] - a0 * a0;
        }
        for (size_t d = 0; d < n; d++)
#pragma omp simd
            for (size_t i = 0; i < w; i++) g[d * stride + first + i] = table[index[first + i] * n + d] * s[i];
    }
}
