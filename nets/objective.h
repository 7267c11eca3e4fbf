/* nets/objective.h - the loss of a network at fixed weights over the samples of a data set, as noise and curvature are
 * measured on it: f(x) = (1/n) sum_i f_i(x) + (w/2)|x|^2, f_i the cross-entropy of sample i.
 *
 * Passes are evaluation passes: batch norm takes its running statistics, dropout drops nothing (else a single sample
 * would have no gradient of its own). Sums are in double and in an order that depends on sizes alone. */
#ifndef SL_NETS_OBJECTIVE_H
#define SL_NETS_OBJECTIVE_H

#include "nets/dataset.h"
#include "nets/model.h"

typedef struct {
    const sl_model *model;  /* borrowed                                    */
    const float *state;     /* [sl_model_state], copied                    */
    const sl_dataset *data; /* borrowed                                    */
    size_t samples;         /* the first so many; 0: all                   */
    double weight_decay;    /* w >= 0                                      */
    int jobs;               /* threads, <= 0: all cores                    */
} sl_objective_config;

typedef struct sl_objective sl_objective;

/* Errors: SL_E_DOMAIN (samples beyond the set, w < 0); SL_E_CONFIG (set and model do not fit); SL_E_NUMERIC (weights
 * that are not finite); SL_E_MEMORY. */
SL_CHECKED sl_status sl_objective_alloc(sl_objective **o, const sl_objective_config *config, sl_err *err);
void sl_objective_free(sl_objective *o);

size_t sl_objective_samples(const sl_objective *o);
size_t sl_objective_parameters(const sl_objective *o);
double sl_objective_weight_decay(const sl_objective *o);
/* Other weights from now on, copied: [sl_model_state]. SL_E_NUMERIC if not finite. */
SL_CHECKED sl_status sl_objective_move(sl_objective *o, const float *state, sl_err *err);

/* Mean of f_i (without decay) and fraction that is classified right over all samples. */
SL_CHECKED sl_status sl_objective_loss(sl_objective *o, double *loss, double *accuracy, sl_err *err);

/* gradient = mean over index[count] of the gradients of f_i, without decay; index NULL: the first count samples. */
SL_CHECKED sl_status sl_objective_gradient(sl_objective *o, double *gradient, const uint32_t *index, size_t count,
                                           sl_err *err);

/* hv_j = (H + w) v_j, an sl_product (base/lanczos.h) with the objective as ctx; H the Hessian of the mean of f_i
 * (exact, R-operator; ReLU's second derivative taken as 0). In float inside: about seven digits. */
SL_CHECKED sl_status sl_objective_hessian(void *objective, size_t count, const double *v, double *hv, sl_err *err);

/* The samples fall into blocks in file order (the last may be shorter), those of the products above. */
size_t sl_objective_blocks(const sl_objective *o);
/* The same for one v, and form[b] = v'(H_b + w)v with H_b the Hessian of block b's mean; weight[b]: its share of the
 * samples. form, weight: [blocks]. */
SL_CHECKED sl_status sl_objective_forms(sl_objective *o, const double *v, double *hv, double *form, double *weight,
                                        sl_err *err);

/* Calls visit for every sample with the gradient of its f_i (without decay), by passes of one sample. The samples are
 * cut into slots; those of a slot come in order and on one thread, so that a slot has its own sums, which the caller
 * adds in order of the slots. slots: sl_objective_slots(o, numbers) for sums of so many doubles a slot. */
typedef void (*sl_objective_visit)(void *ctx, size_t slot, size_t sample, double loss, const float *gradient);
size_t sl_objective_slots(const sl_objective *o, size_t numbers);
SL_CHECKED sl_status sl_objective_each(sl_objective *o, size_t slots, sl_objective_visit visit, void *ctx, sl_err *err);

#endif
