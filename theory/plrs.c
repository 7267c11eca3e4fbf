#include "theory/plrs.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "base/gsl.h"

double sl_plrs_centre(const sl_plrs *p)
{
    return p->lo + (p->hi - p->lo) / 2;
}

double sl_plrs_square(const sl_plrs *p)
{
    const double centre = sl_plrs_centre(p), width = p->hi - p->lo;
    return centre * centre + width * width / 12;
}

double sl_plrs_delta(const sl_plrs *p)
{
    return (p->hi - p->lo) / (p->hi + p->lo);
}

static bool valid(const sl_plrs *p)
{
    return p->lo >= 0 && p->lo <= p->hi && p->hi > 0 && isfinite(p->hi);
}

static sl_status check(const sl_plrs *p, sl_err *err)
{
    if (valid(p)) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "rates in [%g, %g], need 0 <= lo <= hi with 0 < hi < inf", p->lo, p->hi);
}

static sl_status check_positive(const char *what, double value, sl_err *err)
{
    if (value > 0 && isfinite(value)) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "%s = %g, need 0 < %s < inf", what, value, what);
}

static sl_status check_power(const char *what, double value, sl_err *err)
{
    if (value >= 0 && isfinite(value)) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "%s = %g, need 0 <= %s < inf", what, value, what);
}

double sl_plrs_noise_power(const sl_plrs *p, double grad2, double sigma2)
{
    if (!valid(p) || !(grad2 >= 0 && isfinite(grad2)) || !(sigma2 >= 0 && isfinite(sigma2))) return NAN;
    const double centre = sl_plrs_centre(p), width = p->hi - p->lo;
    return centre * centre * sigma2 + width * width / 12 * (grad2 + sigma2);
}

sl_status sl_plrs_descend(sl_plrs_descent *d, const sl_plrs *p, double beta, double grad2, double sigma2, sl_err *err)
{
    SL_TRY(check(p, err));
    SL_TRY(check_positive("beta", beta, err));
    SL_TRY(check_power("grad2", grad2, err));
    SL_TRY(check_power("sigma2", sigma2, err));
    const double centre = sl_plrs_centre(p), threshold = 3 * centre * beta * sigma2;
    *d = (sl_plrs_descent){.threshold = threshold,
                           .holds = p->hi * beta < 1 && grad2 >= threshold,
                           .bound = -centre * grad2 + beta / 2 * sl_plrs_square(p) * (grad2 + sigma2),
                           .guarantee = -centre * centre * beta * sigma2 / 3};
    return SL_OK;
}

sl_status sl_plrs_change(double *df, const sl_plrs *p, const double *a, const double *x, size_t dim, double s2,
                         double T, sl_err *err)
{
    SL_TRY(check(p, err));
    SL_TRY(check_power("noise variance s2", s2, err));
    if (!(T >= 0 && T == floor(T) && isfinite(T)))
        return sl_fail(err, SL_E_DOMAIN, "T = %g steps, need a whole number >= 0", T);
    const double centre = sl_plrs_centre(p), square = sl_plrs_square(p);
    double sum = 0;
    for (size_t i = 0; i < dim; i++) {
        const double x2 = x ? x[i] * x[i] : 0, excess = square * a[i] * a[i] - 2 * centre * a[i]; /* m - 1 */
        if (!isfinite(a[i]) || !isfinite(x2))
            return sl_fail(err, SL_E_DOMAIN, "curvature %zu = %g at x = %g, need finite values", i, a[i],
                           x ? x[i] : 0.0);
        /* m is a mean square: excess is -1 at the least, where m^T - 1 = -1 (T >= 1) */
        const double growth = T == 0 ? 0 : excess > -1 ? expm1(T * log1p(excess)) : -1;
        const double terms = excess != 0 ? growth / excess : T; /* sum_{t<T} m^t */
        sum += a[i] / 2 * (growth * x2 + square * s2 * terms);
    }
    if (!isfinite(sum))
        return sl_fail(err, SL_E_UNSTABLE, "after T = %g steps the loss is beyond the range of doubles", T);
    *df = sum;
    return SL_OK;
}

/* sum_{t<T} m^t = (m^T - 1)/(m - 1) with m = (1 + eta_c gamma)^2. */
sl_status sl_plrs_steps(double *T, double *real, const sl_plrs *p, double gamma, double d, sl_err *err)
{
    SL_TRY(check(p, err));
    SL_TRY(check_positive("gamma", gamma, err));
    SL_TRY(check_positive("d", d, err));
    const double growth = sl_plrs_centre(p) * gamma, excess = growth * (2 + growth);
    const double needed = d / (pow(sl_plrs_centre(p), 0.25) * gamma);
    const double exact = log1p(needed * excess) / (2 * log1p(growth));
    if (!isfinite(exact))
        return sl_fail(err, SL_E_DOMAIN, "gamma = %g and d = %g at a rate of %g: T is beyond the range of doubles",
                       gamma, d, sl_plrs_centre(p));
    *T = ceil(exact * (1 - 1e-14)); /* a T that is whole but for rounding is that whole number */
    if (real) *real = exact;
    return SL_OK;
}

sl_status sl_plrs_stay(sl_plrs_tube *tube, const sl_plrs *p, double xi, double k, sl_err *err)
{
    SL_TRY(check(p, err));
    SL_TRY(check_positive("k", k, err));
    if (!(xi > 0 && xi < 1 && p->hi * xi < 1))
        return sl_fail(err, SL_E_DOMAIN, "xi = %g at a largest rate of %g, need 0 < xi < 1 and their product below 1",
                       xi, p->hi);
    *tube = (sl_plrs_tube){
        .start = k * sqrt(p->hi), .radius = k * sqrt(-p->hi * log(p->hi * xi)), .horizon = -log(xi) / (p->hi * p->hi)};
    return SL_OK;
}

/* V is the fixed point of V' = (1 - eta a)^2 V + eta^2 s2 at eta = hi; that map is convex in eta, so for any rate in
 * [0, hi] and a variance of at most V it gives at most V (its value at eta = 0) again. */
sl_status sl_plrs_leave_bound(double *left, const sl_plrs *p, double a, double s2, size_t dim, double start,
                              double radius, double steps, sl_err *err)
{
    SL_TRY(check(p, err));
    SL_TRY(check_positive("curvature a", a, err));
    SL_TRY(check_power("noise variance s2", s2, err));
    SL_TRY(check_power("start", start, err));
    SL_TRY(check_power("steps", steps, err));
    if (dim == 0) return sl_fail(err, SL_E_DOMAIN, "a minimum in 0 dimensions, need at least 1");
    if (!(a * p->hi < 2))
        return sl_fail(err, SL_E_DOMAIN, "a hi = %g, need less than 2 for a stable minimum", a * p->hi);
    if (!(radius > start && isfinite(radius)))
        return sl_fail(err, SL_E_DOMAIN, "radius = %g, need more than the start's %g", radius, start);
    sl_gsl_quiet();
    const double room = radius - start, V = p->hi * s2 / (a * (2 - a * p->hi));
    *left = V > 0 ? fmin(1, steps * gsl_cdf_chisq_Q(room * room / V, (double)dim)) : 0;
    return SL_OK;
}
