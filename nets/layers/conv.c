#include "nets/layer.h"

const sl_layer_kind sl_layer_conv = {.name = "conv", .needs_input = true};
