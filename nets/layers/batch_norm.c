#include "nets/layer.h"

const sl_layer_kind sl_layer_batch_norm = {.name = "bn", .needs_input = true};
