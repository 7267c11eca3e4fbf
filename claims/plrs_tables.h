/* claims/plrs_tables.h - recipes of the tables of Devapriya et al. 2024. */
#ifndef SL_CLAIMS_PLRS_TABLES_H
#define SL_CLAIMS_PLRS_TABLES_H

#include "claims/claim.h"

extern const sl_recipe sl_recipe_plrs_table_1, sl_recipe_plrs_table_2, sl_recipe_plrs_table_3;

#endif
