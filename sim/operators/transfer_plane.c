#include "sim/operators/variant.h"

const sl_operator_variant sl_transfer_plane = {0};
