/* claims/plrs_descent.h - a step of Theorem 1, for the claim and the figure. */
#ifndef SL_CLAIMS_PLRS_DESCENT_H
#define SL_CLAIMS_PLRS_DESCENT_H

#include "claims/claim.h"

/* One step from a point whose gradient has |grad f|^2 = share x the theorem's threshold 3 eta_c beta sigma^2. */
typedef struct {
    const char *loss, *noise;
    double beta; /* of grad f, wherever a step leads to                          */
    double s2;
    double other; /* the second coordinate, of two                                */
    double hi;    /* Lmax beta; Lmin = 0.7 Lmax                                   */
    double share;
} sl_descent_step;

typedef struct {
    sl_estimate change;   /* E f(x') - f(x), in units of eta_c^2 beta sigma^2     */
    double exact;         /* the same of a quadratic loss; NAN for others         */
    double without_noise; /* -eta_c |grad f|^2, in the same units                 */
    double guarantee;     /* in the same units                                    */
} sl_descent;

/* Measures the mean change of one step. Lmin = 0.7 Lmax. */
SL_CHECKED sl_status sl_descent_measure(sl_descent *out, const sl_descent_step *s, double replicas, uint32_t experiment,
                                        const sl_lab *lab, sl_err *err);

#endif
