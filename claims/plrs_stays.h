/* claims/plrs_stays.h - the tube of Theorem 3 around the minimum of |x|^2/2, for the claim and the figure. */
#ifndef SL_CLAIMS_PLRS_STAYS_H
#define SL_CLAIMS_PLRS_STAYS_H

#include "claims/claim.h"
#include "sim/escape/exit.h"
#include "theory/plrs.h"

/* Rates in [0.7 hi, hi], noise of variance 1 in each coordinate, from half the largest |x_0| that the theorem allows.
 */
typedef struct {
    double hi, xi, k;
    int dim;
    const char *noise; /* NULL: Gaussian */
    uint64_t replicas;
    bool no_logarithm; /* radius k sqrt(hi) instead                          */
    bool keep_going;   /* paths are wanted to the horizon, in the tube or not */
    uint64_t paths, path_every;
} sl_tube;

/* Out: *e, to be cleared by the caller; *tube: start, radius and horizon. Errors: those of sl_sgd_escape. */
SL_CHECKED sl_status sl_tube_run(sl_exits *e, sl_plrs_tube *tube, const sl_tube *t, uint32_t experiment,
                                 const sl_lab *lab, sl_err *err);

/* The share of replicas that left. */
sl_estimate sl_tube_left(const sl_exits *e);

/* What the exact law of linear SGD (theory/exit.h) says of that share, for Gaussian noise and a mean rate l (its own:
 * 0.85 hi). Errors: those of sl_exit_law_new. */
SL_CHECKED sl_status sl_tube_share(double *share, const sl_tube *t, const sl_plrs_tube *tube, double l, sl_err *err);

#endif
