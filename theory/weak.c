#include "theory/weak.h"

#include <math.h>

static sl_status check(double a, double l, double s2, double x0, sl_err *err)
{
    if (!(a >= 0 && isfinite(a))) return sl_fail(err, SL_E_DOMAIN, "curvature a = %g, need 0 <= a < inf", a);
    if (!(l > 0 && isfinite(l))) return sl_fail(err, SL_E_DOMAIN, "learning rate l = %g, need 0 < l < inf", l);
    if (!(s2 >= 0 && isfinite(s2))) return sl_fail(err, SL_E_DOMAIN, "noise variance s2 = %g, need 0 <= s2 < inf", s2);
    if (!isfinite(x0)) return sl_fail(err, SL_E_DOMAIN, "starting point x0 = %g, need a finite one", x0);
    return SL_OK;
}

/* Writes the answer, if it is one. */
static sl_status finish(sl_gaussian *g, double mean, double variance, sl_err *err)
{
    if (!(isfinite(mean) && isfinite(variance)))
        return sl_fail(err, SL_E_UNSTABLE, "mean %g and variance %g: the iteration has diverged", mean, variance);
    *g = (sl_gaussian){mean, variance};
    return SL_OK;
}

/* x_k = (1 - a l)^k x0 + noise, variance l^2 s2 sum_{i<k} r^i with r = (1 - a l)^2 = 1 - y. */
sl_status sl_weak_sgd(sl_gaussian *g, double a, double l, double s2, double x0, double k, sl_err *err)
{
    SL_TRY(check(a, l, s2, x0, err));
    if (!(k >= 0 && isfinite(k) && k == floor(k)))
        return sl_fail(err, SL_E_DOMAIN, "number of steps k = %g, need a whole number >= 0", k);
    const double y = a * l * (2 - a * l);
    const double steps = y == 0 || k == 0 ? k : -expm1(k * log1p(-y)) / y; /* sum_{i<k} r^i */
    return finish(g, x0 * pow(1 - a * l, k), l * l * s2 * steps, err);
}

/* An Ornstein-Uhlenbeck process: order 2 has the curvature a + l a^2/2 of the modified loss, order 0 no noise. */
sl_status sl_weak_equation(sl_gaussian *g, int order, double a, double l, double s2, double x0, double t, sl_err *err)
{
    SL_TRY(check(a, l, s2, x0, err));
    if (order < 0 || order > 2) return sl_fail(err, SL_E_DOMAIN, "order %d, need 0, 1 or 2", order);
    if (!(t >= 0 && isfinite(t))) return sl_fail(err, SL_E_DOMAIN, "time t = %g, need 0 <= t < inf", t);
    const double c = order == 2 ? a + l * a * a / 2 : a;
    const double time = c * t > 0 ? -expm1(-2 * c * t) / (2 * c) : t; /* int_0^t exp(-2 c s) ds */
    return finish(g, x0 * exp(-c * t), order == 0 ? 0 : l * s2 * time, err);
}
