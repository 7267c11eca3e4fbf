#include "nets/layer.h"

const sl_layer_kind sl_layer_flatten = {.name = "flatten"};
