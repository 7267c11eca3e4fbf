#include "theory/modified.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>
#include <math.h>

#include "base/gsl.h"

typedef struct {
    double l;
    sl_flow flow;
    sl_function derivative, second;
    void *ctx;
} field;

static int velocity(double t, const double x[], double dxdt[], void *params)
{
    (void)t;
    const field *p = params;
    const double slope = p->derivative(x[0], p->ctx);
    dxdt[0] = -slope;
    if (p->flow == SL_FLOW_MODIFIED) dxdt[0] -= p->l / 2 * slope * p->second(x[0], p->ctx);
    if (p->flow == SL_FLOW_PRINTED) dxdt[0] -= p->l / 4 * slope * slope;
    return isfinite(dxdt[0]) ? GSL_SUCCESS : GSL_EBADFUNC;
}

sl_status sl_modified_flow(double *x, double x0, double t, double l, sl_flow flow, sl_function derivative,
                           sl_function second, void *ctx, sl_err *err)
{
    if (!(t >= 0 && isfinite(t))) return sl_fail(err, SL_E_DOMAIN, "time t = %g, need 0 <= t < inf", t);
    if (!(l >= 0 && isfinite(l))) return sl_fail(err, SL_E_DOMAIN, "learning rate l = %g, need 0 <= l < inf", l);
    if (!isfinite(x0)) return sl_fail(err, SL_E_DOMAIN, "start x0 = %g is not finite", x0);
    if (t == 0) {
        *x = x0;
        return SL_OK;
    }
    sl_gsl_quiet();
    field p = {l, flow, derivative, second, ctx};
    const gsl_odeiv2_system system = {velocity, NULL, 1, &p};
    gsl_odeiv2_driver *driver =
        gsl_odeiv2_driver_alloc_y_new(&system, gsl_odeiv2_step_rk8pd, fmin(1e-3, t), 1e-15, 1e-12);
    if (!driver) return sl_fail(err, SL_E_MEMORY, "no memory for an ODE integrator");
    double now = 0, y[1] = {x0};
    gsl_odeiv2_driver_set_nmax(driver, 1000000);
    const int code = gsl_odeiv2_driver_apply(driver, &now, t, y);
    gsl_odeiv2_driver_free(driver);
    if (code != GSL_SUCCESS)
        return sl_fail(err, SL_E_NUMERIC, "the flow from x = %g stopped at t = %g of %g, x = %g: %s", x0, now, t, y[0],
                       gsl_strerror(code));
    *x = y[0];
    return SL_OK;
}
