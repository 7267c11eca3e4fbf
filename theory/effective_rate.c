#include "theory/effective_rate.h"

#include <math.h>

static sl_status check(const sl_scale_invariant *p, sl_err *err)
{
    if (!(p->rate > 0 && isfinite(p->rate)))
        return sl_fail(err, SL_E_DOMAIN, "effective rate: rate l = %g, need 0 < l < inf", p->rate);
    if (!(p->G2 > 0 && isfinite(p->G2)))
        return sl_fail(err, SL_E_DOMAIN, "effective rate: G2 = %g, need 0 < G2 < inf", p->G2);
    if (!(p->decay >= 0 && p->rate * p->decay < 1))
        return sl_fail(err, SL_E_DOMAIN, "effective rate: decay = %g, need 0 <= l decay < 1", p->decay);
    if (!(p->r > 0 && isfinite(p->r)))
        return sl_fail(err, SL_E_DOMAIN, "effective rate: |w|^2 = %g, need 0 < |w|^2 < inf", p->r);
    return SL_OK;
}

static sl_status deliver(sl_effective *e, const sl_scale_invariant *p, double r, sl_err *err)
{
    if (!(r > 0 && isfinite(r))) return sl_fail(err, SL_E_NUMERIC, "effective rate: |w|^2 = %g is beyond doubles", r);
    *e = (sl_effective){.r = r, .rate = p->rate / r, .update = p->rate * sqrt(p->G2) / r};
    return SL_OK;
}

/* 1 - (1 - l decay)^2 without cancellation. */
static double lost(const sl_scale_invariant *p)
{
    const double y = p->rate * p->decay;
    return y * (2 - y);
}

sl_status sl_effective_rate(sl_effective *e, const sl_scale_invariant *p, uint64_t n, sl_err *err)
{
    SL_TRY(check(p, err));
    const double keep = 1 - lost(p), gain = p->rate * p->rate * p->G2;
    double r = p->r;
    for (uint64_t k = 0; k < n; k++) r = keep * r + gain / r;
    return deliver(e, p, r, err);
}

sl_status sl_effective_rate_flow(sl_effective *e, const sl_scale_invariant *p, double t, sl_err *err)
{
    SL_TRY(check(p, err));
    if (!(t >= 0 && isfinite(t))) return sl_fail(err, SL_E_DOMAIN, "effective rate: t = %g, need 0 <= t < inf", t);
    const double c = 4 * p->rate * p->decay, gain = 2 * p->rate * p->rate * p->G2;
    /* int_0^t exp(-c s) ds, which is t without decay. */
    const double grown = c > 0 ? -expm1(-c * t) / c : t;
    return deliver(e, p, sqrt(p->r * p->r * exp(-c * t) + gain * grown), err);
}

sl_status sl_effective_rate_settled(sl_effective *e, const sl_scale_invariant *p, sl_err *err)
{
    SL_TRY(check(p, err));
    if (p->decay == 0)
        return sl_fail(err, SL_E_UNSTABLE, "effective rate: without weight decay |w| grows for ever, need decay > 0");
    return deliver(e, p, p->rate * sqrt(p->G2 / lost(p)), err);
}
