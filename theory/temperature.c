#include "theory/temperature.h"

#include <math.h>

double sl_alpha_q(double delta)
{
    return delta >= 0 && delta <= 1 ? 1 + delta * delta / 3 : NAN;
}

double sl_alpha_q_printed(double delta)
{
    return delta >= 0 && delta <= 1 ? 1 + delta / 3 : NAN;
}

/* Each test is written as !(good), so that a NaN is refused too. */
static sl_status check(const sl_temp_params *p, sl_err *err)
{
    if (!(p->l > 0 && isfinite(p->l))) return sl_fail(err, SL_E_DOMAIN, "learning rate l = %g, need 0 < l < inf", p->l);
    if (!(p->mu >= 0 && p->mu < 1)) return sl_fail(err, SL_E_DOMAIN, "momentum mu = %g, need 0 <= mu < 1", p->mu);
    if (!(p->C >= 1 && isfinite(p->C))) return sl_fail(err, SL_E_DOMAIN, "batch size C = %g, need 1 <= C < inf", p->C);
    if (!(p->D >= 0 && isfinite(p->D)))
        return sl_fail(err, SL_E_DOMAIN, "noise variance D = %g, need 0 <= D < inf", p->D);
    return SL_OK;
}

sl_status sl_temp_effective(double *T, const sl_temp_params *p, sl_err *err)
{
    SL_TRY(check(p, err));
    *T = p->l * p->D / (2 * p->C * (1 - p->mu));
    return SL_OK;
}

sl_status sl_temp_hamiltonian(double *T_H, const sl_temp_params *p, sl_err *err)
{
    SL_TRY(check(p, err));
    *T_H = p->D / (2 * p->C * (1 - p->mu));
    return SL_OK;
}
