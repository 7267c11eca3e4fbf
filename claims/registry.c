/* What there is to verify and to draw: every claim and every figure, in the order in which they are listed and run. */
#include "claims/annealing.h"
#include "claims/claim.h"
#include "claims/escape.h"
#include "claims/figures_network.h"
#include "claims/figures_operators.h"
#include "claims/figures_plrs.h"
#include "claims/figures_schedules.h"
#include "claims/figures_synthetic.h"
#include "claims/musso_network.h"
#include "claims/musso_noise.h"
#include "claims/musso_synthetic.h"
#include "claims/neighbours.h"
#include "claims/operators.h"
#include "claims/plrs.h"
#include "claims/plrs_tables.h"
#include "claims/regimes.h"

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
    &sl_claim_musso_cyclic_temperature_printed,
    &sl_claim_musso_cyclic_temperature_derived,
    /* Musso 2020: trained networks */
    &sl_claim_musso_protocols_equivalent,
    &sl_claim_musso_protocols_equivalent_model_2,
    &sl_claim_musso_equal_temperature,
    &sl_claim_musso_equal_temperature_model_2,
    &sl_claim_musso_counter_check,
    &sl_claim_musso_confound,
    &sl_claim_musso_regularisation_confound,
    &sl_claim_musso_temperature_late,
    &sl_claim_musso_random_is_hotter_printed,
    &sl_claim_musso_random_is_hotter_derived,
    &sl_claim_musso_isotropy,
    &sl_claim_musso_gaussianity,
    /* Devapriya et al. 2024: a probabilistic rate on synthetic losses */
    &sl_claim_plrs_zero_mean,
    &sl_claim_plrs_noise_power,
    &sl_claim_plrs_descent,
    &sl_claim_plrs_saddle_decrease,
    &sl_claim_plrs_saddle_exit_printed,
    &sl_claim_plrs_saddle_exit_derived,
    &sl_claim_plrs_stays,
    &sl_claim_plrs_tensor_printed,
    &sl_claim_plrs_tensor_derived,
    /* Continuous theories and their limits, from operators */
    &sl_claim_li_tai_e_weak_order_1,
    &sl_claim_li_tai_e_weak_order_2,
    &sl_claim_fokker_planck_relaxation,
    &sl_claim_kramers_rate,
    &sl_claim_kramers_turnover,
    /* Escape from wells */
    &sl_claim_kramers_sgd_rate,
    &sl_claim_kramers_sgd_rate_continuous,
    &sl_claim_escape_batch_size,
    &sl_claim_escape_heavy_tail,
    /* Attia and Koren 2025: a misspecified rate */
    &sl_claim_annealing_constant,
    &sl_claim_annealing_inverse_sqrt,
    &sl_claim_annealing_linear,
    &sl_claim_annealing_poly_2,
    &sl_claim_annealing_poly_3,
    &sl_claim_annealing_cosine,
    &sl_claim_annealing_horizon,
    &sl_claim_annealing_logistic,
    &sl_claim_annealing_training,
    &sl_claim_annealing_training_above,
    /* Neighbours of SGD at a constant rate */
    &sl_claim_averaging_bias_variance,
    &sl_claim_reshuffling_covariance,
    &sl_claim_elr_ratio,
    &sl_claim_sampler_adam_langevin,
    /* Automatic learning-rate regimes */
    &sl_claim_regimes_anticorrelation, &sl_claim_regimes_anticorrelation_sign,
    &sl_claim_regimes_untuned,
    &sl_claim_regimes_untuned_secant,
    &sl_claim_autosgd_untuned,
};
const size_t sl_n_claims = sizeof sl_claims / sizeof *sl_claims;

const sl_recipe *const sl_recipes[] = {
    /* What can be chosen */
    &sl_recipe_schedules,
    /* Musso 2020 on synthetic losses */
    &sl_recipe_temperature_collapse,
    &sl_recipe_boltzmann,
    /* Operators */
    &sl_recipe_boltzmann_order,
    &sl_recipe_discrete_vs_continuous,
    &sl_recipe_fokker_planck_evolution,
    &sl_recipe_kramers_turnover,
    &sl_recipe_phase_space,
    /* Escape from wells */
    &sl_recipe_escape_distribution,
    &sl_recipe_arrhenius,
    /* Musso 2020 on networks */
    &sl_recipe_musso_1,
    &sl_recipe_musso_2,
    &sl_recipe_musso_3,
    &sl_recipe_musso_3_right,
    &sl_recipe_musso_4,
    &sl_recipe_musso_5,
    &sl_recipe_musso_6,
    &sl_recipe_musso_6_right,
    &sl_recipe_temperature_network,
    &sl_recipe_noise_spectrum,
    &sl_recipe_temperature_during_training,
    /* Devapriya et al. 2024 */
    &sl_recipe_plrs_theorem_1,
    &sl_recipe_plrs_theorem_3,
    &sl_recipe_escape_times,
    &sl_recipe_saddle_trajectories,
    &sl_recipe_plrs_tensor,
    &sl_recipe_plrs_table_1,
    &sl_recipe_plrs_table_2,
    &sl_recipe_plrs_table_3,
    /* Attia and Koren 2025 */
    &sl_recipe_robustness_exponents,
    &sl_recipe_robustness_horizon,
    &sl_recipe_logistic_grid,
    /* Neighbours of SGD at a constant rate */
    &sl_recipe_averaging,
    &sl_recipe_elr,
    /* Automatic learning-rate regimes */
    &sl_recipe_regime_trace,
    &sl_recipe_regime_league,
};
const size_t sl_n_recipes = sizeof sl_recipes / sizeof *sl_recipes;
