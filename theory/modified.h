/* theory/modified.h - the modified loss of gradient descent: x' = x - l f'(x) follows the flow of
 * f + (l/4) |f'|^2 to O(l^2), that of f to O(l) only.  Li, Tai and E 2015; Musso 2020, eq 22. */
#ifndef SL_THEORY_MODIFIED_H
#define SL_THEORY_MODIFIED_H

#include "base/status.h"
#include "theory/boltzmann.h"

typedef enum {
    SL_FLOW_PLAIN,          /* dx/dt = -f'                                              */
    SL_FLOW_MODIFIED,       /* dx/dt = -(f + (l/4) f'^2)' = -f' - (l/2) f' f''          */
    SL_FLOW_PRINTED         /* eq 22 read as printed: dx/dt = -f' - (l/4) f'^2           */
} sl_flow;

/* x(t) from x0 by an adaptive Runge-Kutta of GSL, relative tolerance 1e-12. second: f''.
 * Errors: SL_E_NUMERIC if the integrator fails. */
SL_CHECKED sl_status sl_modified_flow(double *x, double x0, double t, double l, sl_flow flow, sl_function derivative,
                                      sl_function second, void *ctx, sl_err *err);

#endif
