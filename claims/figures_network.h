/* claims/figures_network.h - recipes of figures that train networks. */
#ifndef SL_CLAIMS_FIGURES_NETWORK_H
#define SL_CLAIMS_FIGURES_NETWORK_H

#include "claims/claim.h"

extern const sl_recipe sl_recipe_musso_1, sl_recipe_musso_2, sl_recipe_musso_3, sl_recipe_musso_3_right,
    sl_recipe_musso_4, sl_recipe_musso_5, sl_recipe_musso_6, sl_recipe_musso_6_right, sl_recipe_temperature_network;

#endif
