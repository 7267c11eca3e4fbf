#include "optim/regime_kernel.h"

#include <math.h>

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

SL_KERNEL void sl_regime_secant_d(size_t n, const double *restrict x, const double *restrict x0,
                                  const double *restrict g, const double *restrict g0, double *restrict ss,
                                  double *restrict sy, double *restrict yy, double *restrict sg)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const double s = x[i] - x0[i], y = g[i] - g0[i];
        ss[i] += s * s;
        sy[i] += s * y;
        yy[i] += y * y;
        sg[i] += s * g[i];
    }
}

SL_KERNEL void sl_regime_length_f(size_t n, const float *restrict x, const float *restrict x0, double *restrict ss)
{
    double a = 0;
#pragma omp simd reduction(+ : a)
    for (size_t i = 0; i < n; i++) {
        const double s = (double)x[i] - (double)x0[i];
        a += s * s;
    }
    *ss = a;
}

SL_KERNEL void sl_regime_length_d(size_t n, const double *restrict x, const double *restrict x0, double *restrict ss)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) ss[i] += (x[i] - x0[i]) * (x[i] - x0[i]);
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

SL_KERNEL void sl_regime_norms_d(size_t n, const double *restrict g, double *restrict gg, double *restrict g1)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        gg[i] += g[i] * g[i];
        g1[i] += fabs(g[i]);
    }
}

#define EACH(...) \
    _Pragma("omp simd") for (size_t i = 0; i < n; i++) __VA_ARGS__

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
#define METRIC(real, H)                                                  \
    const real fabs_a = a[i] < 0 ? -a[i] : a[i];                         \
    const real ratio = (H) > 0 ? (b[i] + e) / (fabs_a * (H) + e) : 1;    \
    const real p = ratio < 1 / q ? 1 / q : ratio > q ? q : ratio;

SL_KERNEL void sl_regime_metric_f(size_t n, const float *restrict x, const float *restrict x0, const float *restrict g,
                                  const float *restrict g0, const float *restrict a, const float *restrict b, float h,
                                  float q, float e, double *restrict ss, double *restrict sy, double *restrict yy,
                                  double *restrict g1, double *restrict sum_p)
{
    double u = 0, v = 0, w = 0, l = 0, m = 0;
#pragma omp simd reduction(+ : u, v, w, l, m)
    for (size_t i = 0; i < n; i++) {
        METRIC(float, h)
        const double s = (double)x[i] - (double)x0[i], y = (double)g[i] - (double)g0[i];
        u += s * s / (double)p;
        v += s * y;
        w += y * y * (double)p;
        l += fabs((double)g[i]) * (double)p;
        m += (double)p;
    }
    *ss = u;
    *sy = v;
    *yy = w;
    *g1 = l;
    *sum_p = m;
}

SL_KERNEL void sl_regime_metric_d(size_t n, const double *restrict x, const double *restrict x0,
                                  const double *restrict g, const double *restrict g0, const double *restrict a,
                                  const double *restrict b, const double *restrict h, double q, double e,
                                  double *restrict ss, double *restrict sy, double *restrict yy, double *restrict g1,
                                  double *restrict sum_p)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        METRIC(double, h[i])
        const double s = x[i] - x0[i], y = g[i] - g0[i];
        ss[i] += s * s / p;
        sy[i] += s * y;
        yy[i] += y * y * p;
        g1[i] += fabs(g[i]) * p;
        sum_p[i] += p;
    }
}

SL_KERNEL void sl_regime_learn_f(size_t n, const float *restrict x, const float *restrict x0, const float *restrict g,
                                 const float *restrict g0, float *restrict a, float *restrict b, float u, float beta)
{
    EACH({
        const float s = x[i] - x0[i], y = g[i] - g0[i], us = u * s;
        a[i] += beta * (us * y - a[i]);
        b[i] += beta * (us * s - b[i]);
    })
}

SL_KERNEL void sl_regime_learn_d(size_t n, const double *restrict x, const double *restrict x0,
                                 const double *restrict g, const double *restrict g0, double *restrict a,
                                 double *restrict b, const double *restrict u, const double *restrict beta)
{
    EACH({
        const double s = x[i] - x0[i], y = g[i] - g0[i], us = u[i] * s;
        a[i] += beta[i] * (us * y - a[i]);
        b[i] += beta[i] * (us * s - b[i]);
    })
}

SL_KERNEL void sl_regime_metric_apply_f(size_t n, float *restrict x, const float *restrict x0, const float *restrict a,
                                        const float *restrict b, float h, float q, float e)
{
    EACH({
        METRIC(float, h)
        x[i] = x0[i] + p * (x[i] - x0[i]);
    })
}

SL_KERNEL void sl_regime_metric_apply_d(size_t n, double *restrict x, const double *restrict x0,
                                        const double *restrict a, const double *restrict b, const double *restrict h,
                                        double q, double e)
{
    EACH({
        METRIC(double, h[i])
        x[i] = x0[i] + p * (x[i] - x0[i]);
    })
}
