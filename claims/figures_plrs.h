/* claims/figures_plrs.h - recipes of the figures of Devapriya et al. 2024 on synthetic losses. */
#ifndef SL_CLAIMS_FIGURES_PLRS_H
#define SL_CLAIMS_FIGURES_PLRS_H

#include "claims/claim.h"

/* figures_plrs_theorems.c */
extern const sl_recipe sl_recipe_plrs_theorem_1, sl_recipe_plrs_theorem_3;
/* figures_plrs_tensor.c */
extern const sl_recipe sl_recipe_plrs_tensor;
/* figures_saddle.c */
extern const sl_recipe sl_recipe_escape_times, sl_recipe_saddle_trajectories;

#endif
