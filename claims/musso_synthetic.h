/* claims/musso_synthetic.h - the claims of Musso 2020 that synthetic losses and small enumerations decide. */
#ifndef SL_CLAIMS_MUSSO_SYNTHETIC_H
#define SL_CLAIMS_MUSSO_SYNTHETIC_H

#include "claims/claim.h"

/* musso_covariance.c */
extern const sl_claim sl_claim_musso_alpha_moment_printed, sl_claim_musso_alpha_moment_derived,
    sl_claim_musso_noise_covariance_printed, sl_claim_musso_noise_covariance_derived;
/* musso_langevin.c */
extern const sl_claim sl_claim_musso_sde_noise_printed, sl_claim_musso_sde_noise_derived,
    sl_claim_musso_hamiltonian_law_printed, sl_claim_musso_hamiltonian_law_derived;
/* musso_temperature.c */
extern const sl_claim sl_claim_musso_temperature, sl_claim_musso_alpha_placement, sl_claim_musso_cyclic_mean;
/* musso_boltzmann.c, musso_modified.c, musso_stability.c */
extern const sl_claim sl_claim_musso_boltzmann, sl_claim_musso_modified_loss_printed,
    sl_claim_musso_modified_loss_derived, sl_claim_musso_stability;
/* musso_cyclic.c */
extern const sl_claim sl_claim_musso_cyclic_temperature_printed, sl_claim_musso_cyclic_temperature_derived;

#endif
