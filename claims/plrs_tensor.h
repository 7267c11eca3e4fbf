/* claims/plrs_tensor.h - appendix G of Devapriya et al. 2024: tensor decomposition with PLRS and with noisy SGD. */
#ifndef SL_CLAIMS_PLRS_TENSOR_H
#define SL_CLAIMS_PLRS_TENSOR_H

#include "base/stats.h"
#include "claims/claim.h"

/* PLRS with the paper's bounds, and the noisy SGD of Ge et al. 2015: mini-batches, and noise of length 1 in a uniform
 * direction added to each gradient. At the rates between which PLRS draws and at its mean; the constant rate is without
 * that noise. */
typedef enum {
    SL_TENSOR_PLRS,
    SL_TENSOR_NOISY_MEAN,
    SL_TENSOR_NOISY_MAX,
    SL_TENSOR_NOISY_MIN,
    SL_TENSOR_CONSTANT,
    SL_TENSOR_METHODS
} sl_tensor_method;
extern const char *const sl_tensor_name[SL_TENSOR_METHODS];

enum { SL_TENSOR_POINTS = 101 };

/* The normalised reconstruction error of each run after each of SL_TENSOR_POINTS x every steps. Run r of every method
 * has the same start (vectors uniform on the sphere) and the same samples. */
typedef struct {
    size_t d, runs, every;
    double *error; /* [runs][SL_TENSOR_POINTS] */
} sl_tensor_curves;

/* Out: *c, to be cleared; untouched after an error. Errors: those of sl_sgd_escape. */
SL_CHECKED sl_status sl_tensor_measure(sl_tensor_curves *c, sl_tensor_method method, const sl_lab *lab, sl_err *err);
void sl_tensor_curves_clear(sl_tensor_curves *c);

/* Run by run, a against b: the mean of log(iterations to an error of SL_TENSOR_LEVEL), of the runs where both get
 * there, and of log10(error) over the last quarter. */
#define SL_TENSOR_LEVEL 0.5
typedef struct {
    sl_estimate time, last;
} sl_tensor_difference;
sl_tensor_difference sl_tensor_compare(const sl_tensor_curves *a, const sl_tensor_curves *b);

#endif
