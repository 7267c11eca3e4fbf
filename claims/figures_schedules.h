/* claims/figures_schedules.h - the gallery of learning-rate schedules. */
#ifndef SL_CLAIMS_FIGURES_SCHEDULES_H
#define SL_CLAIMS_FIGURES_SCHEDULES_H

#include "claims/claim.h"

extern const sl_recipe sl_recipe_schedules;

#endif
