/* claims/escape.h - claims and figures about how SGD leaves wells: against Kramers's rate, batch size, heavy tails. */
#ifndef SL_CLAIMS_ESCAPE_H
#define SL_CLAIMS_ESCAPE_H

#include "claims/claim.h"

/* kramers_sgd.c */
extern const sl_claim sl_claim_kramers_sgd_rate, sl_claim_kramers_sgd_rate_continuous;
/* escape.c */
extern const sl_claim sl_claim_escape_batch_size, sl_claim_escape_heavy_tail;
/* figures_escape.c, figures_arrhenius.c */
extern const sl_recipe sl_recipe_escape_distribution, sl_recipe_arrhenius;

#endif
