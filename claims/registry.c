/* What there is to verify and to draw: every claim and every figure, in the order in which they are listed and run. */
#include "claims/claim.h"
#include "claims/figures_schedules.h"
#include "claims/figures_synthetic.h"
#include "claims/musso_synthetic.h"

const sl_claim *const sl_claims[] = {
    /* Musso 2020: noise and its continuous limit */
    &sl_claim_musso_alpha_moment_printed,
    &sl_claim_musso_alpha_moment_derived,
    &sl_claim_musso_noise_covariance_printed,
    &sl_claim_musso_noise_covariance_derived,
    &sl_claim_musso_sde_noise_printed,
    &sl_claim_musso_sde_noise_derived,
    &sl_claim_musso_hamiltonian_law_printed,
    &sl_claim_musso_hamiltonian_law_derived,
    /* Musso 2020: temperature and its limits */
    &sl_claim_musso_temperature,
    &sl_claim_musso_boltzmann,
    &sl_claim_musso_modified_loss_printed,
    &sl_claim_musso_modified_loss_derived,
    &sl_claim_musso_alpha_placement,
    &sl_claim_musso_stability,
    &sl_claim_musso_cyclic_mean,
    /* Musso 2020: trained networks */
};
const size_t sl_n_claims = sizeof sl_claims / sizeof *sl_claims;

const sl_recipe *const sl_recipes[] = {
    /* What can be chosen */
    &sl_recipe_schedules,
    /* Musso 2020 on synthetic losses */
    &sl_recipe_temperature_collapse,
    &sl_recipe_boltzmann,
    /* Musso 2020 on networks */
};
const size_t sl_n_recipes = sizeof sl_recipes / sizeof *sl_recipes;
