/* claims/operators.h - claims about continuous theories of SGD, decided by operators: the physics around the papers. */
#ifndef SL_CLAIMS_OPERATORS_H
#define SL_CLAIMS_OPERATORS_H

#include "claims/claim.h"

/* li_tai_e.c */
extern const sl_claim sl_claim_li_tai_e_weak_order_1, sl_claim_li_tai_e_weak_order_2;
/* kramers.c */
extern const sl_claim sl_claim_kramers_rate, sl_claim_kramers_turnover;
/* relaxation.c */
extern const sl_claim sl_claim_fokker_planck_relaxation;

#endif
