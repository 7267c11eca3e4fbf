/* Estimates: arithmetic, means, intervals. */
#include "base/stats.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "base/gsl.h"

static const sl_estimate unknown = {NAN, NAN, 0};

sl_estimate sl_exact(double value)
{
    return (sl_estimate){value, 0, INFINITY};
}

/* Degrees of freedom of a sum of two variance estimates (Satterthwaite 1946; Welch 1947). */
static double pooled_dof(double var1, double dof1, double var2, double dof2)
{
    const double a = var1 > 0 ? var1 * var1 / dof1 : 0, b = var2 > 0 ? var2 * var2 / dof2 : 0;
    const double sum = var1 + var2;
    return sum > 0 ? sum * sum / (a + b) : INFINITY;
}

sl_estimate sl_ratio(sl_estimate a, sl_estimate b)
{
    const double r = a.value / b.value;
    const double ea = a.se / b.value, eb = r * b.se / b.value;
    return (sl_estimate){r, hypot(ea, eb), pooled_dof(ea * ea, a.dof, eb * eb, b.dof)};
}

sl_estimate sl_difference(sl_estimate a, sl_estimate b)
{
    return (sl_estimate){a.value - b.value, hypot(a.se, b.se), pooled_dof(a.se * a.se, a.dof, b.se * b.se, b.dof)};
}

sl_estimate sl_scaled(double s, sl_estimate a)
{
    return (sl_estimate){s * a.value, fabs(s) * a.se, a.dof};
}

void sl_welford_add(sl_welford *w, double x)
{
    w->n += 1;
    const double d = x - w->mean;
    w->mean += d / w->n;
    w->m2 += d * (x - w->mean);
}

void sl_welford_merge(sl_welford *w, const sl_welford *other)
{
    const double n = w->n + other->n;
    if (!(n > 0)) return;
    const double d = other->mean - w->mean;
    w->mean += d * (other->n / n);
    w->m2 += other->m2 + d * d * (w->n * other->n / n);
    w->n = n;
}

double sl_welford_variance(const sl_welford *w)
{
    return w->n >= 2 ? w->m2 / (w->n - 1) : NAN;
}

sl_estimate sl_welford_mean(const sl_welford *w)
{
    if (!(w->n > 0)) return unknown;
    return (sl_estimate){w->mean, sqrt(sl_welford_variance(w) / w->n), w->n - 1};
}

sl_estimate sl_mean(const double *x, size_t n)
{
    sl_welford w = {0};
    for (size_t i = 0; i < n; i++) sl_welford_add(&w, x[i]);
    return sl_welford_mean(&w);
}

sl_estimate sl_batch_means(const double *x, size_t n, size_t batches)
{
    if (batches < 2 || batches > n) return unknown;
    const size_t length = n / batches;
    const double *from = x + (n - length * batches);
    sl_welford means = {0};
    for (size_t b = 0; b < batches; b++) sl_welford_add(&means, sl_mean(from + b * length, length).value);
    return sl_welford_mean(&means);
}

double sl_half_width(sl_estimate e, double alpha)
{
    if (e.se == 0) return 0;
    if (!(e.se > 0 && e.dof > 0 && alpha > 0 && alpha < 1)) return INFINITY;
    sl_gsl_quiet();
    const double quantile =
        isinf(e.dof) ? gsl_cdf_ugaussian_Qinv(alpha / 2) : gsl_cdf_tdist_Qinv(alpha / 2, e.dof);
    return isfinite(quantile) ? quantile * e.se : INFINITY;
}

sl_where sl_compare(sl_estimate e, double tolerance, double alpha)
{
    const double h = sl_half_width(e, alpha), low = e.value - h, high = e.value + h;
    if (low >= -tolerance && high <= tolerance) return SL_INSIDE;
    if (low > tolerance || high < -tolerance) return SL_OUTSIDE;
    return SL_ASTRIDE;
}
