/* The pictures themselves, so that every layer has one to take its input from. */
#include "nets/layer.h"

const sl_layer_kind sl_layer_pictures = {.name = "pictures"};
