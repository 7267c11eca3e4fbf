/* The average over all pixels, one number a channel. */
#include "nets/layers/average.h"

const sl_layer_kind sl_layer_global_avg = {.name = "globalavg",
                                   .forward = sl_average_forward,
                                   .backward = sl_average_backward,
                                   .forward_tangent = sl_average_forward_tangent,
                                   .backward_tangent = sl_average_backward_tangent};
