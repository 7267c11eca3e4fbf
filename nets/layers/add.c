#include "nets/layer.h"

const sl_layer_kind sl_layer_add = {.name = "add", .in_place = true};
