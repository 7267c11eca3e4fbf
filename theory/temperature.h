/* theory/temperature.h - SGD with momentum seen as a heat bath.
 * Update: v' = mu v - alpha g(x), x' = x + l v' (Musso 2020, eqs 1, 2); g has mean f'(x) and variance D0/C,
 * alpha ~ U[1-Delta, 1+Delta]. The paper's D is q D0 with q = E alpha^2. Temperatures are those of f. */
#ifndef SL_THEORY_TEMPERATURE_H
#define SL_THEORY_TEMPERATURE_H

#include "base/status.h"

/* E alpha^2 = 1 + Delta^2/3 (derived) and 1 + Delta/3 (as printed, eq 27); NAN outside 0 <= Delta <= 1. */
double sl_alpha_q(double delta);
double sl_alpha_q_printed(double delta);

typedef struct {
    double l;  /* learning rate, 0 < l < inf, [x^2/f]                 */
    double mu; /* momentum, 0 <= mu < 1                               */
    double C;  /* mini-batch size, C >= 1; real, to allow averages    */
    double D;  /* per-sample noise variance with alpha in it, q D0, >= 0, [f/x]^2 */
} sl_temp_params;

/* T = l D / (2 C (1 - mu))   [eq 20]. Leading order in l. Errors: SL_E_DOMAIN. */
SL_CHECKED sl_status sl_temp_effective(double *T, const sl_temp_params *p, sl_err *err);

/* T_H = D / (2 C (1 - mu)): the temperature of H = v^2/2 + f/l  [eqs 15, 18]; T = l T_H. */
SL_CHECKED sl_status sl_temp_hamiltonian(double *T_H, const sl_temp_params *p, sl_err *err);

#endif
