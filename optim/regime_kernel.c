#include "optim/regime_kernel.h"

#include <math.h>
#include <string.h>

#include "base/kernel.h"

SL_KERNEL void sl_regime_secant_f(size_t n, const float *restrict x, const float *restrict x0, const float *restrict g,
                                  const float *restrict g0, double *restrict ss, double *restrict sy,
                                  double *restrict yy, double *restrict sg)
{
    double a = 0, b = 0, c = 0, d = 0;
#pragma omp simd reduction(+ : a, b, c, d)
    for (size_t i = 0; i < n; i++) {
        const double s = (double)x[i] - (double)x0[i], y = (double)g[i] - (double)g0[i];
        a += s * s;
        b += s * y;
        c += y * y;
        d += s * (double)g[i];
    }
    *ss = a;
    *sy = b;
    *yy = c;
    *sg = d;
}

/* Sums over the rows d of [n][B], one a lane: four rows at a time, so that the sums themselves are not fetched and put
 * back for each. */
#define BY_FOUR(...)              \
    size_t d = 0;                 \
    for (; d + 4 <= n; d += 4)    \
        _Pragma("omp simd") for (size_t i = 0; i < B; i++) __VA_ARGS__
#define BY_ONE(...)        \
    for (; d < n; d++)     \
        _Pragma("omp simd") for (size_t i = 0; i < B; i++) __VA_ARGS__
#define S(k) (x[(d + k) * B + i] - x0[(d + k) * B + i])
#define Y(k) (g[(d + k) * B + i] - g0[(d + k) * B + i])
#define X(k) (x[(d + k) * B + i])
#define G(k) (g[(d + k) * B + i])

static inline void clear(size_t n, double *sum)
{
    memset(sum, 0, n * sizeof *sum);
}

SL_KERNEL void sl_regime_secant_d(size_t n, size_t B, const double *restrict x, const double *restrict x0,
                                  const double *restrict g, const double *restrict g0, double *restrict ss,
                                  double *restrict sy, double *restrict yy, double *restrict sg)
{
    clear(B, ss), clear(B, sy), clear(B, yy), clear(B, sg);
    BY_FOUR({
        const double s0 = S(0), s1 = S(1), s2 = S(2), s3 = S(3), y0 = Y(0), y1 = Y(1), y2 = Y(2), y3 = Y(3);
        ss[i] = ss[i] + s0 * s0 + s1 * s1 + s2 * s2 + s3 * s3;
        sy[i] = sy[i] + s0 * y0 + s1 * y1 + s2 * y2 + s3 * y3;
        yy[i] = yy[i] + y0 * y0 + y1 * y1 + y2 * y2 + y3 * y3;
        sg[i] = sg[i] + s0 * G(0) + s1 * G(1) + s2 * G(2) + s3 * G(3);
    })
    BY_ONE({
        const double s = S(0), y = Y(0);
        ss[i] += s * s;
        sy[i] += s * y;
        yy[i] += y * y;
        sg[i] += s * G(0);
    })
}

SL_KERNEL void sl_regime_length_d(size_t n, size_t B, const double *restrict x, const double *restrict x0,
                                  double *restrict ss, double *restrict xx)
{
    clear(B, ss), clear(B, xx);
    BY_FOUR({
        ss[i] = ss[i] + S(0) * S(0) + S(1) * S(1) + S(2) * S(2) + S(3) * S(3);
        xx[i] = xx[i] + X(0) * X(0) + X(1) * X(1) + X(2) * X(2) + X(3) * X(3);
    })
    BY_ONE({
        ss[i] += S(0) * S(0);
        xx[i] += X(0) * X(0);
    })
}

SL_KERNEL void sl_regime_squares_d(size_t n, size_t B, const double *restrict x, double *restrict xx)
{
    clear(B, xx);
    BY_FOUR(xx[i] = xx[i] + X(0) * X(0) + X(1) * X(1) + X(2) * X(2) + X(3) * X(3);)
    BY_ONE(xx[i] += X(0) * X(0);)
}

SL_KERNEL void sl_regime_sizes_d(size_t n, size_t B, const double *restrict x, double *restrict x1)
{
    clear(B, x1);
    BY_FOUR(x1[i] = x1[i] + fabs(X(0)) + fabs(X(1)) + fabs(X(2)) + fabs(X(3));)
    BY_ONE(x1[i] += fabs(X(0));)
}

SL_KERNEL void sl_regime_length_f(size_t n, const float *restrict x, const float *restrict x0, double *restrict ss,
                                  double *restrict xx)
{
    double a = 0, b = 0;
#pragma omp simd reduction(+ : a, b)
    for (size_t i = 0; i < n; i++) {
        const double at = (double)x[i], s = at - (double)x0[i];
        a += s * s;
        b += at * at;
    }
    *ss = a;
    *xx = b;
}

SL_KERNEL void sl_regime_norms_f(size_t n, const float *restrict g, double *restrict gg, double *restrict g1)
{
    double a = 0, b = 0;
#pragma omp simd reduction(+ : a, b)
    for (size_t i = 0; i < n; i++) {
        const double t = (double)g[i];
        a += t * t;
        b += fabs(t);
    }
    *gg = a;
    *g1 = b;
}

#define EACH(...) \
    _Pragma("omp simd") for (size_t i = 0; i < n; i++) __VA_ARGS__

SL_KERNEL void sl_regime_times_exp_d(size_t n, double *restrict x, const double *restrict by)
{
    EACH(x[i] = exp(x[i]) * by[i];)
}

SL_KERNEL void sl_regime_mix_f(size_t n, float *restrict a, const float *restrict g, float beta)
{
    EACH(a[i] += beta * (g[i] - a[i]);)
}

SL_KERNEL void sl_regime_mix_d(size_t n, double *restrict a, const double *restrict g, double beta)
{
    EACH(a[i] += beta * (g[i] - a[i]);)
}

SL_KERNEL void sl_regime_decay_f(size_t n, float *restrict g, const float *restrict x, float w)
{
    EACH(g[i] += w * x[i];)
}

SL_KERNEL void sl_regime_decay_d(size_t n, double *restrict g, const double *restrict x, double w)
{
    EACH(g[i] += w * x[i];)
}

SL_KERNEL void sl_regime_away_f(size_t n, float *restrict p, const float *restrict x, const float *restrict g, float d)
{
    EACH(p[i] = x[i] + d * g[i];)
}

SL_KERNEL void sl_regime_away_d(size_t n, double *restrict p, const double *restrict x, const double *restrict g,
                                const double *restrict d)
{
    EACH(p[i] = d[i] > 0 ? x[i] + d[i] * g[i] : p[i];)
}

SL_KERNEL void sl_regime_stretch_f(size_t n, float *restrict p, const float *restrict x, float c)
{
    EACH(p[i] = x[i] + c * (p[i] - x[i]);)
}

SL_KERNEL void sl_regime_stretch_d(size_t n, double *restrict p, const double *restrict x, const double *restrict c)
{
    EACH(p[i] = c[i] > 0 ? x[i] + c[i] * (p[i] - x[i]) : p[i];)
}

SL_KERNEL void sl_regime_select_d(size_t n, double *restrict to, const double *restrict from,
                                  const double *restrict mask)
{
    EACH(to[i] = mask[i] != 0 ? from[i] : to[i];)
}

/* p of coordinate i: 1 where nothing is known, the mean curvature over the coordinate's own. */
SL_KERNEL void sl_regime_metric_f(size_t n, const float *restrict x, const float *restrict x0, const float *restrict g,
                                  float *restrict g0p, float *restrict a, float *restrict b, float scale, float beta,
                                  float h, float q, float e, double *restrict ss, double *restrict sy,
                                  double *restrict yy, double *restrict g1, double *restrict sum_p)
{
    double u = 0, v = 0, w = 0, l = 0, m = 0;
#pragma omp simd reduction(+ : u, v, w, l, m)
    for (size_t i = 0; i < n; i++) {
        const float s_f = x[i] - x0[i], y_f = g[i] - g0p[i], us = scale * s_f;
        a[i] += beta * (us * y_f - a[i]);
        b[i] += beta * (us * s_f - b[i]);
        const float size = a[i] < 0 ? -a[i] : a[i], ratio = h > 0 ? (b[i] + e) / (size * h + e) : 1;
        const float p = ratio < 1 / q ? 1 / q : ratio > q ? q : ratio;
        const double s = (double)x[i] - (double)x0[i], y = (double)g[i] - (double)g0p[i];
        u += s * s / (double)p;
        v += s * y;
        w += y * y * (double)p;
        l += fabs((double)g[i]) * (double)p;
        m += (double)p;
        g0p[i] = p;
    }
    *ss = u;
    *sy = v;
    *yy = w;
    *g1 = l;
    *sum_p = m;
}

/* One division for p and 1/p: with r = 1/(over under), p = over^2 r. */
SL_KERNEL void sl_regime_metric_d(size_t n, const double *restrict x, const double *restrict x0,
                                  const double *restrict g, double *restrict g0p, double *restrict a,
                                  double *restrict b, const double *restrict scale, const double *restrict beta,
                                  const double *restrict h, double q, double e, double *restrict ss,
                                  double *restrict sy, double *restrict yy, double *restrict g1,
                                  double *restrict sum_p)
{
    const double least = 1 / q;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const double s = x[i] - x0[i], y = g[i] - g0p[i], us = scale[i] * s;
        a[i] += beta[i] * (us * y - a[i]);
        b[i] += beta[i] * (us * s - b[i]);
        const double over = h[i] > 0 ? b[i] + e : e, under = h[i] > 0 ? fabs(a[i]) * h[i] + e : e;
        const double r = 1 / (over * under), up = over * over * r, down = under * under * r;
        const double p = up < least ? least : up > q ? q : up, inverse = down < least ? least : down > q ? q : down;
        ss[i] += s * s * inverse;
        sy[i] += s * y;
        yy[i] += y * y * p;
        g1[i] += fabs(g[i]) * p;
        sum_p[i] += p;
        g0p[i] = p;
    }
}

SL_KERNEL void sl_regime_scale_f(size_t n, float *restrict x, const float *restrict x0, const float *restrict p)
{
    EACH(x[i] = x0[i] + p[i] * (x[i] - x0[i]);)
}

SL_KERNEL void sl_regime_scale_d(size_t n, double *restrict x, const double *restrict x0, const double *restrict p)
{
    EACH(x[i] = x0[i] + p[i] * (x[i] - x0[i]);)
}
