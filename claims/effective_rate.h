/* claims/effective_rate.h - the training whose effective learning rates are claimed and drawn: two convolutions before
 * batch norms, on the built-in digits, by plain SGD at a constant rate. */
#ifndef SL_CLAIMS_EFFECTIVE_RATE_H
#define SL_CLAIMS_EFFECTIVE_RATE_H

#include "claims/network.h"
#include "nets/effective_rate.h"

typedef struct {
    double lr, decay;
    double longer; /* the second layer starts so many times as long as PyTorch's initialisation makes it */
    uint64_t steps, every;
} sl_elr;

/* The data and the network. */
SL_CHECKED sl_status sl_elr_open(sl_network *n, const sl_lab *lab, sl_err *err);

/* Replicate k: the table of sl_effective_measure, to be freed. */
SL_CHECKED sl_status sl_elr_run(sl_table **t, const sl_network *n, const sl_lab *lab, const sl_elr *arm, size_t k,
                                sl_err *err);

typedef enum { SL_ELR_NORM2, SL_ELR_RATE, SL_ELR_UPDATE } sl_elr_column;
double sl_elr_cell(const sl_table *t, size_t row, sl_elr_column what, size_t layer);

/* log of the first layer's update over the second's. */
double sl_elr_log_ratio(const sl_table *t, size_t row);

#endif
