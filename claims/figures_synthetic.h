/* claims/figures_synthetic.h - recipes of figures that sample synthetic losses. */
#ifndef SL_CLAIMS_FIGURES_SYNTHETIC_H
#define SL_CLAIMS_FIGURES_SYNTHETIC_H

#include "claims/claim.h"

extern const sl_recipe sl_recipe_temperature_collapse, sl_recipe_boltzmann;

#endif
