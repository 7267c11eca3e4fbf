/* Tests of hypotheses, the straight line, and rank correlation. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

#include "base/gsl.h"
#include "base/stats.h"

static bool all_finite(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

/* ---- Kolmogorov and Smirnov ---- */

/* P(K > x) of Kolmogorov's distribution, by whichever of its two series converges at once. */
static double kolmogorov_tail(double x)
{
    if (x <= 0) return 1;
    double sum = 0;
    if (x < 1.18) { /* the theta function's other form */
        const double t = exp(-M_PI * M_PI / (8 * x * x));
        for (int k = 7; k >= 1; k -= 2) sum += pow(t, k * k);
        return 1 - sqrt(2 * M_PI) / x * sum;
    }
    for (int k = 4; k >= 1; k--) sum += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * x * x);
    return sum;
}

/* Stephens (1970): the asymptotic law holds from n = 4 or so on for this multiple of d. */
static double ks_p(double d, double n)
{
    const double root = sqrt(n);
    return kolmogorov_tail((root + 0.12 + 0.11 / root) * d);
}

/* Sorts, and says whether there is a sample without NANs. */
static bool ks_ready(double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i])) return false;
    gsl_sort(x, 1, n);
    return n > 0;
}

double sl_ks_one_sample(double *d, double *x, size_t n, double (*cdf)(double x, void *ctx), void *ctx)
{
    *d = NAN;
    if (!ks_ready(x, n)) return NAN;
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        const double f = cdf(x[i], ctx);
        worst = fmax(worst, fmax(f - (double)i / (double)n, (double)(i + 1) / (double)n - f));
    }
    *d = worst;
    return ks_p(worst, (double)n);
}

double sl_ks_two_sample(double *d, double *x, size_t n, double *y, size_t m)
{
    *d = NAN;
    if (!ks_ready(x, n) || !ks_ready(y, m)) return NAN;
    double worst = 0;
    for (size_t i = 0, j = 0; i < n && j < m;) {
        const double at = fmin(x[i], y[j]);
        while (i < n && x[i] <= at) i++;
        while (j < m && y[j] <= at) j++;
        worst = fmax(worst, fabs((double)i / (double)n - (double)j / (double)m));
    }
    *d = worst;
    return ks_p(worst, (double)n * (double)m / ((double)n + (double)m));
}

double sl_chi_square(const double *observed, const double *expected, size_t bins, size_t fitted)
{
    if (bins < 2 + fitted) return NAN;
    double chi2 = 0;
    for (size_t i = 0; i < bins; i++) {
        if (!(expected[i] > 0)) return NAN;
        const double d = observed[i] - expected[i];
        chi2 += d * d / expected[i];
    }
    sl_gsl_quiet();
    return gsl_cdf_chisq_Q(chi2, (double)(bins - 1 - fitted));
}

/* ---- a straight line ---- */

sl_status sl_fit_line(sl_line *fit, const double *x, const double *y, const double *se, size_t n, sl_err *err)
{
    const size_t least = se ? 2 : 3;
    if (n < least) return sl_fail(err, SL_E_DOMAIN, "a line through %zu points, need at least %zu", n, least);
    if (!all_finite(x, n) || !all_finite(y, n))
        return sl_fail(err, SL_E_DOMAIN, "a line through points that are not all finite");
    bool distinct = false;
    for (size_t i = 0; i < n; i++) {
        distinct |= x[i] != x[0];
        if (se && !(se[i] > 0 && isfinite(se[i])))
            return sl_fail(err, SL_E_DOMAIN, "the standard error of point %zu is %g, need 0 < se < inf", i, se[i]);
    }
    if (!distinct) return sl_fail(err, SL_E_DOMAIN, "a line through points that all have x = %g", x[0]);

    /* About the centre of mass, where slope and height are independent. */
    double w = 0, mx = 0, my = 0, sxx = 0, sxy = 0, chi2 = 0;
    for (size_t i = 0; i < n; i++) {
        const double wi = se ? 1 / (se[i] * se[i]) : 1;
        w += wi;
        mx += wi / w * (x[i] - mx);
        my += wi / w * (y[i] - my);
    }
    for (size_t i = 0; i < n; i++) {
        const double wi = se ? 1 / (se[i] * se[i]) : 1;
        sxx += wi * (x[i] - mx) * (x[i] - mx);
        sxy += wi * (x[i] - mx) * (y[i] - my);
    }
    const double slope = sxy / sxx;
    for (size_t i = 0; i < n; i++) {
        const double r = (y[i] - my - slope * (x[i] - mx)) / (se ? se[i] : 1);
        chi2 += r * r;
    }
    const double dof = se ? INFINITY : (double)(n - 2);
    const double unit = se ? 1 : sqrt(chi2 / dof);
    fit->slope = (sl_estimate){slope, unit / sqrt(sxx), dof};
    fit->intercept = (sl_estimate){my - slope * mx, unit * sqrt(1 / w + mx * mx / sxx), dof};
    fit->chi2 = chi2;
    return SL_OK;
}

/* ---- equivalence, families, ranks ---- */

/* Schuirmann's two one-sided tests on an estimate of the difference. */
static sl_status two_one_sided(sl_tost_result *r, sl_estimate d, double margin, double alpha, sl_err *err)
{
    if (!(margin > 0)) return sl_fail(err, SL_E_DOMAIN, "equivalence within a margin of %g, need margin > 0", margin);
    if (!(alpha > 0 && alpha < 1)) return sl_fail(err, SL_E_DOMAIN, "alpha = %g, need 0 < alpha < 1", alpha);
    if (!isfinite(d.value)) return sl_fail(err, SL_E_DOMAIN, "equivalence of samples that are not all finite");
    const double inside = margin - fabs(d.value); /* the nearer edge of the margin has the larger p */
    double p = inside > 0 ? 0 : 1;
    sl_gsl_quiet();
    if (d.se > 0) p = gsl_cdf_tdist_Q(inside / d.se, d.dof);
    *r = (sl_tost_result){d, p, p < alpha};
    return SL_OK;
}

sl_status sl_tost(sl_tost_result *r, const double *x, size_t n, const double *y, size_t m, double margin,
                  double alpha, sl_err *err)
{
    if (n < 2 || m < 2)
        return sl_fail(err, SL_E_DOMAIN, "equivalence of samples of %zu and %zu, need at least 2 each", n, m);
    if (!all_finite(x, n) || !all_finite(y, m))
        return sl_fail(err, SL_E_DOMAIN, "equivalence of samples that are not all finite");
    return two_one_sided(r, sl_difference(sl_mean(x, n), sl_mean(y, m)), margin, alpha, err);
}

sl_status sl_tost_paired(sl_tost_result *r, const double *x, const double *y, size_t n, double margin, double alpha,
                         sl_err *err)
{
    if (n < 2) return sl_fail(err, SL_E_DOMAIN, "equivalence of %zu pairs, need at least 2", n);
    sl_welford w = {0};
    for (size_t i = 0; i < n; i++) sl_welford_add(&w, x[i] - y[i]);
    return two_one_sided(r, sl_welford_mean(&w), margin, alpha, err);
}

void sl_holm(double *adjusted, const double *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t smaller = 0;
        for (size_t j = 0; j < n; j++) smaller += p[j] < p[i];
        adjusted[i] = fmin(1, (double)(n - smaller) * p[i]);
    }
    /* No test is adjusted below one with a smaller p. In place: a maximum over all smaller p, taken twice, is itself. */
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (p[j] < p[i]) adjusted[i] = fmax(adjusted[i], adjusted[j]);
}

/* rank[i] = mid-rank of x[i], from 1; order: scratch [n]. */
static void mid_ranks(double *rank, size_t *order, const double *x, size_t n)
{
    gsl_sort_index(order, x, 1, n);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && x[order[end]] == x[order[i]];) end++;
        for (size_t k = i; k < end; k++) rank[order[k]] = 0.5 * (double)(i + 1 + end);
    }
}

double sl_rank_correlation(const double *x, const double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i]) || isnan(y[i])) return NAN;
    double *rank = n < 2 ? NULL : malloc(2 * n * sizeof *rank), r = NAN;
    size_t *order = n < 2 ? NULL : malloc(n * sizeof *order);
    if (rank && order) {
        mid_ranks(rank, order, x, n);
        mid_ranks(rank + n, order, y, n);
        const double middle = 0.5 * (double)(n + 1);
        double sxx = 0, sxy = 0, syy = 0;
        for (size_t i = 0; i < n; i++) {
            const double a = rank[i] - middle, b = rank[n + i] - middle;
            sxx += a * a, sxy += a * b, syy += b * b;
        }
        r = sxy / sqrt(sxx * syy);
    }
    free(rank);
    free(order);
    return r;
}
