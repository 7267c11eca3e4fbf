/* claims/plrs_trial.h - SGD with a probabilistic rate on a synthetic loss: the run that the claims plrs.* share. */
#ifndef SL_CLAIMS_PLRS_TRIAL_H
#define SL_CLAIMS_PLRS_TRIAL_H

#include "claims/claim.h"
#include "sim/ensemble.h"
#include "theory/plrs.h"

/* Noise that meets the theorems' assumption A3: |n|^2 = dim s2 always. */
#define SL_PLRS_BOUNDED "bounded:law=sphere"

typedef struct {
    const char *loss;
    const char *noise;    /* NULL: Gaussian, variance s2 in each coordinate either way */
    const char *schedule; /* NULL: the rate uniform in rate                            */
    sl_plrs rate;         /* lo = hi: constant; of another schedule the mean is its l  */
    double s2;
    const double *start; /* [dim] of the loss; NULL: its own                          */
    uint64_t replicas, steps;
} sl_trial;

/* As sim/ wants it; all of the steps are measured, the last one alone. start is borrowed. */
SL_CHECKED sl_status sl_trial_prepare(sl_sgd *sgd, const sl_trial *trial, const sl_lab *lab, uint32_t experiment,
                                      sl_err *err);

/* Moments and mean loss after the last step. *o is to be cleared. Errors: also SL_DIVERGED, with nothing to clear. */
SL_CHECKED sl_status sl_trial_run(sl_observed *o, const sl_trial *trial, const sl_lab *lab, uint32_t experiment,
                                  sl_err *err);

/* The exponent b of y = a x^b from positive values with relative errors; se of the slope from those of y alone, or,
 * with exact y, from the residuals. n <= 32. */
SL_CHECKED sl_status sl_trial_exponent(sl_estimate *b, const double *x, const sl_estimate *y, size_t n, sl_err *err);

#endif
