/* claims/plrs.h - the claims of Devapriya et al. 2024 (PLRS) that synthetic losses decide. */
#ifndef SL_CLAIMS_PLRS_H
#define SL_CLAIMS_PLRS_H

#include "claims/claim.h"

/* plrs_noise.c */
extern const sl_claim sl_claim_plrs_zero_mean, sl_claim_plrs_noise_power;
/* plrs_descent.c, plrs_stays.c */
extern const sl_claim sl_claim_plrs_descent, sl_claim_plrs_stays;
/* plrs_saddle.c */
extern const sl_claim sl_claim_plrs_saddle_decrease, sl_claim_plrs_saddle_exit_printed,
    sl_claim_plrs_saddle_exit_derived;
/* plrs_tensor.c */
extern const sl_claim sl_claim_plrs_tensor_printed, sl_claim_plrs_tensor_derived;

#endif
