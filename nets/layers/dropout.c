#include "nets/layer.h"

const sl_layer_kind sl_layer_dropout = {.name = "dropout", .in_place = true};
