#include "base/kernel.h"
#include "sim/losses/lanes.h"
#include "sim/losses/losses.h"

/* f = (1/4m) sum_j (s_j^2 - y_j)^2, s_j = a_j.x, y_j = a_j0^2, with a_j in row j of loss->table. */

/* Hessian times u; the gradient where u is NULL. */
static inline __attribute__((always_inline)) void derivative(const sl_loss *loss, size_t w, size_t stride,
                                                             const double *restrict x, const double *restrict u,
                                                             double *restrict out)
{
    const size_t n = loss->dim, m = loss->samples;
    const double share = 1 / (double)m;
    _Alignas(64) lanes at, along, sum;
    _Alignas(64) double s[WIDE], t[WIDE];
    gather(at, n, w, stride, x);
    if (u) gather(along, n, w, stride, u);
    for (size_t i = 0; i < n * w; i++) sum[i] = 0;
    for (size_t j = 0; j < m; j++) {
        const double *a = loss->table + j * n, y = a[0] * a[0];
        dot(s, n, w, a, at);
        if (u) {
            dot(t, n, w, a, along);
#pragma omp simd
            for (size_t i = 0; i < w; i++) s[i] = share * (3 * s[i] * s[i] - y) * t[i];
        } else {
#pragma omp simd
            for (size_t i = 0; i < w; i++) s[i] *= share * (s[i] * s[i] - y);
        }
        spread(sum, n, w, a, s);
    }
    for (size_t d = 0; d < n; d++)
#pragma omp simd
        for (size_t i = 0; i < w; i++) out[d * stride + i] = sum[d * w + i];
}

/* The mean over j of (s^2 - y)^2/4, or of |a|^2 (3 s^2 - y). */
static inline __attribute__((always_inline)) void mean(const sl_loss *loss, size_t w, size_t stride,
                                                       const double *restrict x, int curvature, double *restrict out)
{
    const size_t n = loss->dim, m = loss->samples;
    _Alignas(64) lanes at;
    _Alignas(64) double s[WIDE], sum[WIDE] = {0};
    gather(at, n, w, stride, x);
    for (size_t j = 0; j < m; j++) {
        const double *a = loss->table + j * n, y = a[0] * a[0];
        double a2 = 0;
        for (size_t d = 0; d < n && curvature; d++) a2 += a[d] * a[d];
        dot(s, n, w, a, at);
#pragma omp simd
        for (size_t i = 0; i < w; i++) {
            const double s2 = s[i] * s[i];
            sum[i] += curvature ? a2 * (3 * s2 - y) : 0.25 * (s2 - y) * (s2 - y);
        }
    }
    for (size_t i = 0; i < w; i++) out[i] = sum[i] / (double)m;
}

/* B is a multiple of 8. */
SL_KERNEL void sl_phase_retrieval_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                        double *restrict f)
{
    size_t i = 0;
    for (; i + WIDE <= B; i += WIDE) mean(loss, WIDE, stride, x + i, 0, f + i);
    if (i < B) mean(loss, NARROW, stride, x + i, 0, f + i);
}

SL_KERNEL void sl_phase_retrieval_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                           double *restrict g)
{
    size_t i = 0;
    for (; i + WIDE <= B; i += WIDE) derivative(loss, WIDE, stride, x + i, NULL, g + i);
    if (i < B) derivative(loss, NARROW, stride, x + i, NULL, g + i);
}

SL_KERNEL void sl_phase_retrieval_hessian_vector(const sl_loss *loss, size_t B, size_t stride,
                                                 const double *restrict x, const double *restrict u,
                                                 double *restrict h)
{
    size_t i = 0;
    for (; i + WIDE <= B; i += WIDE) derivative(loss, WIDE, stride, x + i, u + i, h + i);
    if (i < B) derivative(loss, NARROW, stride, x + i, u + i, h + i);
}

SL_KERNEL void sl_phase_retrieval_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                            double *restrict out)
{
    size_t i = 0;
    for (; i + WIDE <= B; i += WIDE) mean(loss, WIDE, stride, x + i, 1, out + i);
    if (i < B) mean(loss, NARROW, stride, x + i, 1, out + i);
}

/* Every lane has a sample of its own, so rows are gathered. */
SL_KERNEL void sl_phase_retrieval_sample_gradient(const sl_loss *loss, size_t B, size_t stride,
                                                  const double *restrict x, const uint32_t *restrict index,
                                                  double *restrict g, double *restrict f)
{
    const size_t n = loss->dim;
    const double *restrict table = loss->table;
    for (size_t first = 0; first < B; first += NARROW) {
        const uint32_t *j = index + first;
        double s[NARROW] = {0};
        for (size_t d = 0; d < n; d++)
#pragma omp simd
            for (size_t i = 0; i < NARROW; i++) s[i] += table[j[i] * n + d] * x[d * stride + first + i];
#pragma omp simd
        for (size_t i = 0; i < NARROW; i++) {
            const double a0 = table[j[i] * n], off = s[i] * s[i] - a0 * a0;
            s[i] *= off;
            if (f) f[first + i] = 0.25 * off * off;
        }
        for (size_t d = 0; d < n; d++)
#pragma omp simd
            for (size_t i = 0; i < NARROW; i++) g[d * stride + first + i] = table[j[i] * n + d] * s[i];
    }
}
