/* claims/neighbours.h - claims and figures about systems next to SGD of constant rate: averages of iterates,
 * mini-batches by reshuffling, samplers that grew out of optimisers, and layers whose length a normalisation hides. */
#ifndef SL_CLAIMS_NEIGHBOURS_H
#define SL_CLAIMS_NEIGHBOURS_H

#include "claims/claim.h"

/* averaging.c, reshuffling.c, samplers.c, effective_rate.c */
extern const sl_claim sl_claim_averaging_bias_variance, sl_claim_reshuffling_covariance, sl_claim_sampler_adam_langevin,
    sl_claim_elr_ratio;
/* figures_neighbours.c */
extern const sl_recipe sl_recipe_averaging, sl_recipe_elr;

#endif
