/* Averages over sliding windows, the padding counted. */
#include "nets/layers/average.h"

const sl_layer_kind sl_layer_avg_pool = {.name = "avgpool",
                                   .forward = sl_average_forward,
                                   .backward = sl_average_backward,
                                   .forward_tangent = sl_average_forward_tangent,
                                   .backward_tangent = sl_average_backward_tangent};
