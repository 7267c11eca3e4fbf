/* claims/figures_operators.h - recipes of figures that operators draw, with ensembles over them. */
#ifndef SL_CLAIMS_FIGURES_OPERATORS_H
#define SL_CLAIMS_FIGURES_OPERATORS_H

#include "claims/claim.h"

/* figures_laws.c */
extern const sl_recipe sl_recipe_fokker_planck_evolution, sl_recipe_boltzmann_order, sl_recipe_discrete_vs_continuous;
/* figures_phase.c */
extern const sl_recipe sl_recipe_kramers_turnover, sl_recipe_phase_space;

#endif
