#include "sim/tally.h"

#include <math.h>

#include "base/kernel.h"

enum { UNITS, WEIGHT, WEIGHT2, CROSS, FIRST }; /* then, for each observable, MEAN, M2 and CW */
enum { MEAN, M2, CW, EACH };

static double *observable(sl_tally t, size_t j)
{
    return t.m + FIRST + EACH * j;
}

SL_KERNEL static double mean_of(size_t n, const double *y)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) sum += y[i];
    return sum / (double)n;
}

SL_KERNEL static double comoment(size_t n, const double *a, double mean_a, const double *b, double mean_b)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) sum += (a[i] - mean_a) * (b[i] - mean_b);
    return sum;
}

/* Merges one observable's moments over nb units into those over na; dw = difference of mean weights, b minus a.
 * Returns the difference of means. */
static double absorb(double *o, double na, double nb, double dw, double mean, double m2, double cw)
{
    const double n = na + nb, pull = na * nb / n, dy = mean - o[MEAN];
    o[M2] += m2 + dy * dy * pull;
    o[CW] += cw + dy * dw * pull;
    o[MEAN] += dy * nb / n;
    return dy;
}

static void absorb_weights(sl_tally t, double nb, double mean, double m2, double cross, double dy0, double dy1)
{
    const double na = t.m[UNITS], n = na + nb, pull = na * nb / n, dw = mean - t.m[WEIGHT];
    t.m[CROSS] += cross + dy0 * dy1 * pull;
    t.m[WEIGHT2] += m2 + dw * dw * pull;
    t.m[WEIGHT] += dw * nb / n;
    t.m[UNITS] = n;
}

void sl_tally_add(sl_tally t, size_t n, const double *w, const double *y, size_t stride)
{
    const double na = t.m[UNITS], nb = (double)n, w_mean = mean_of(n, w);
    double mean[2] = {0}, dy[2] = {0};
    for (size_t j = 0; j < t.k; j++) {
        const double *yj = y + j * stride, m = mean_of(n, yj);
        const double d = absorb(observable(t, j), na, nb, w_mean - t.m[WEIGHT], m, comoment(n, yj, m, yj, m),
                                comoment(n, yj, m, w, w_mean));
        if (j < 2) mean[j] = m, dy[j] = d;
    }
    const double cross = t.k > 1 ? comoment(n, y, mean[0], y + stride, mean[1]) : 0;
    absorb_weights(t, nb, w_mean, comoment(n, w, w_mean, w, w_mean), cross, dy[0], dy[1]);
}

void sl_tally_merge(sl_tally t, sl_tally other)
{
    const double na = t.m[UNITS], nb = other.m[UNITS], dw = other.m[WEIGHT] - t.m[WEIGHT];
    if (nb == 0) return;
    double dy[2] = {0};
    for (size_t j = 0; j < t.k; j++) {
        const double *b = observable(other, j);
        const double d = absorb(observable(t, j), na, nb, dw, b[MEAN], b[M2], b[CW]);
        if (j < 2) dy[j] = d;
    }
    absorb_weights(t, nb, other.m[WEIGHT], other.m[WEIGHT2], other.m[CROSS], dy[0], dy[1]);
}

double sl_tally_units(sl_tally t)
{
    return t.m[UNITS];
}

/* From the sum of squared residuals of n units. The sum is >= 0 but for rounding. */
static sl_estimate estimate(double theta, double residual2, double n, double denominator)
{
    if (n < 2) return (sl_estimate){theta, NAN, 0};
    return (sl_estimate){theta, sqrt(fmax(residual2, 0) / (n * (n - 1))) / fabs(denominator), n - 1};
}

sl_estimate sl_tally_mean(sl_tally t, size_t j)
{
    const double *o = observable(t, j), w = t.m[WEIGHT];
    if (!(w > 0)) return (sl_estimate){NAN, NAN, 0};
    const double theta = o[MEAN] / w;
    return estimate(theta, o[M2] - 2 * theta * o[CW] + theta * theta * t.m[WEIGHT2], t.m[UNITS], w);
}

sl_estimate sl_tally_ratio(sl_tally t)
{
    const double *a = observable(t, 0), *b = observable(t, 1);
    if (!(t.m[WEIGHT] > 0) || b[MEAN] == 0) return (sl_estimate){NAN, NAN, 0};
    const double theta = a[MEAN] / b[MEAN];
    return estimate(theta, a[M2] - 2 * theta * t.m[CROSS] + theta * theta * b[M2], t.m[UNITS], b[MEAN]);
}
