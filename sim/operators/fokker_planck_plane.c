#include "sim/operators/variant.h"

const sl_operator_variant sl_fokker_planck_plane = {0};
