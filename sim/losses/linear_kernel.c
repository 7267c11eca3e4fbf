#include <math.h>

#include "base/kernel.h"
#include "sim/losses/lanes.h"
#include "sim/losses/losses.h"

/* f = (1/m) sum_j phi(s_j, y_j) + (l2/2)|x|^2, s_j = a_j.x, with a_j in row j of loss->table, y_j = loss->targets[j],
 * l2 = loss->data[0]. phi: (s - y)^2/2; and of t = y s, log(1 + exp(-t)) and max(0, 1 - t). */
typedef enum { SQUARES, LOGISTIC, HINGE } family;
#define SL_INLINE static inline __attribute__((always_inline))

SL_INLINE double phi(family which, double s, double y)
{
    const double t = y * s;
    if (which == SQUARES) return 0.5 * (s - y) * (s - y);
    if (which == HINGE) return t < 1 ? 1 - t : 0;
    return log1p(exp(-fabs(t))) + (t < 0 ? -t : 0);
}

/* dphi/ds; of the hinge's subgradients at its edge the one that is 0. */
SL_INLINE double slope(family which, double s, double y)
{
    const double t = y * s, most = 700; /* exp(700) is still a number */
    if (which == SQUARES) return s - y;
    if (which == HINGE) return t < 1 ? -y : 0;
    return -y / (1 + exp(t < most ? t : most));
}

SL_INLINE double curvature(family which, double s, double y)
{
    if (which == SQUARES) return 1;
    const double e = exp(-fabs(y * s));
    return e / ((1 + e) * (1 + e));
}

/* Hessian times u; the gradient where u is NULL. */
SL_INLINE void derivative(family which, const sl_loss *loss, size_t w, size_t stride, const double *restrict x,
                          const double *restrict u, double *restrict out)
{
    const size_t n = loss->dim, m = loss->samples;
    const double share = 1 / (double)m, l2 = loss->data[0];
    _Alignas(64) lanes at, along, sum;
    _Alignas(64) double s[WIDE], t[WIDE];
    gather(at, n, w, stride, x);
    if (u) gather(along, n, w, stride, u);
    for (size_t i = 0; i < n * w; i++) sum[i] = 0;
    for (size_t j = 0; j < m; j++) {
        const double *a = loss->table + j * n, y = loss->targets[j];
        dot(s, n, w, a, at);
        if (u) {
            dot(t, n, w, a, along);
#pragma omp simd
            for (size_t i = 0; i < w; i++) s[i] = share * curvature(which, s[i], y) * t[i];
        } else {
#pragma omp simd
            for (size_t i = 0; i < w; i++) s[i] = share * slope(which, s[i], y);
        }
        spread(sum, n, w, a, s);
    }
    const double *restrict own = u ? along : at;
    for (size_t d = 0; d < n; d++)
#pragma omp simd
        for (size_t i = 0; i < w; i++) out[d * stride + i] = sum[d * w + i] + l2 * own[d * w + i];
}

/* f, or the trace of its Hessian. */
SL_INLINE void mean(family which, const sl_loss *loss, size_t w, size_t stride, const double *restrict x, int trace,
                    double *restrict out)
{
    const size_t n = loss->dim, m = loss->samples;
    const double l2 = loss->data[0];
    _Alignas(64) lanes at;
    _Alignas(64) double s[WIDE], sum[WIDE] = {0}, square[WIDE] = {0};
    gather(at, n, w, stride, x);
    for (size_t j = 0; j < m; j++) {
        const double *a = loss->table + j * n, y = loss->targets[j];
        double a2 = 0;
        for (size_t d = 0; d < n && trace; d++) a2 += a[d] * a[d];
        dot(s, n, w, a, at);
#pragma omp simd
        for (size_t i = 0; i < w; i++) sum[i] += trace ? a2 * curvature(which, s[i], y) : phi(which, s[i], y);
    }
    for (size_t d = 0; d < n; d++)
#pragma omp simd
        for (size_t i = 0; i < w; i++) square[i] += at[d * w + i] * at[d * w + i];
    for (size_t i = 0; i < w; i++) out[i] = sum[i] / (double)m + l2 * (trace ? (double)n : 0.5 * square[i]);
}

SL_INLINE void sample(family which, const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                      const uint32_t *restrict index, double *restrict g, double *restrict f)
{
    const size_t n = loss->dim;
    const double *restrict table = loss->table, *restrict targets = loss->targets;
    const double l2 = loss->data[0];
    for (size_t first = 0; first < B; first += NARROW) {
        const uint32_t *j = index + first;
        double s[NARROW] = {0};
        for (size_t d = 0; d < n; d++)
#pragma omp simd
            for (size_t i = 0; i < NARROW; i++) s[i] += table[j[i] * n + d] * x[d * stride + first + i];
        if (f) {
            double square[NARROW] = {0};
            for (size_t d = 0; d < n && l2 > 0; d++)
#pragma omp simd
                for (size_t i = 0; i < NARROW; i++) square[i] += x[d * stride + first + i] * x[d * stride + first + i];
#pragma omp simd
            for (size_t i = 0; i < NARROW; i++) f[first + i] = phi(which, s[i], targets[j[i]]) + 0.5 * l2 * square[i];
        }
#pragma omp simd
        for (size_t i = 0; i < NARROW; i++) s[i] = slope(which, s[i], targets[j[i]]);
        for (size_t d = 0; d < n; d++)
#pragma omp simd
            for (size_t i = 0; i < NARROW; i++) {
                const size_t at = d * stride + first + i;
                g[at] = table[j[i] * n + d] * s[i] + l2 * x[at];
            }
    }
}

/* B is a multiple of 8: pieces of 16 lanes, then of 8. */
#define SL_PIECES(B, call)                                  \
    do {                                                    \
        size_t i = 0;                                       \
        for (; i + WIDE <= (B); i += WIDE) {                \
            enum { W = WIDE };                              \
            call;                                           \
        }                                                   \
        if (i < (B)) {                                      \
            enum { W = NARROW };                            \
            call;                                           \
        }                                                   \
    } while (0)

#define SL_LINEAR_FAMILY(name, which)                                                                                 \
    SL_KERNEL void sl_##name##_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,          \
                                     double *restrict f)                                                              \
    {                                                                                                                 \
        SL_PIECES(B, mean(which, loss, W, stride, x + i, 0, f + i));                                                  \
    }                                                                                                                 \
    SL_KERNEL void sl_##name##_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,       \
                                        double *restrict g)                                                           \
    {                                                                                                                 \
        SL_PIECES(B, derivative(which, loss, W, stride, x + i, NULL, g + i));                                         \
    }                                                                                                                 \
    SL_KERNEL void sl_##name##_sample_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x, \
                                               const uint32_t *index, double *restrict g, double *restrict f)         \
    {                                                                                                                 \
        sample(which, loss, B, stride, x, index, g, f);                                                               \
    }

#define SL_LINEAR_CURVED(name, which)                                                                                 \
    SL_KERNEL void sl_##name##_hessian_vector(const sl_loss *loss, size_t B, size_t stride, const double *restrict x, \
                                              const double *restrict u, double *restrict h)                           \
    {                                                                                                                 \
        SL_PIECES(B, derivative(which, loss, W, stride, x + i, u + i, h + i));                                        \
    }                                                                                                                 \
    SL_KERNEL void sl_##name##_laplacian(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,      \
                                         double *restrict out)                                                        \
    {                                                                                                                 \
        SL_PIECES(B, mean(which, loss, W, stride, x + i, 1, out + i));                                                \
    }

SL_LINEAR_FAMILY(least_squares, SQUARES)
SL_LINEAR_FAMILY(logistic, LOGISTIC)
SL_LINEAR_FAMILY(hinge, HINGE)
SL_LINEAR_CURVED(least_squares, SQUARES)
SL_LINEAR_CURVED(logistic, LOGISTIC)
